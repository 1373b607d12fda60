"""The custodian's command line: its keyring from the first day to export, and its process."""

import json
import os
import pwd
import runpy
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys.cli import main
from keys.errors import CustodianUnreachable, DepositKeyWrong
from keys.keyring import LocalCustodian
from keys.parts import BROKER, broker_secrets
from keys.remote import RemoteCustodian, tls_context
from tests.custodians import Authority, short_directory
from tests.keyring_case import a_deposit, deposit_keys_age, release_by
from tests.processes import free_port
from tests.sealed_case import PASSPHRASE, TWO_VALUES, admit, local_custodian
from tillit.jose import ed25519_jwk
from tillit.notes import Vkey, open_checkpoint
from tillit.releases import HEAD, Chain, segment_name

CHEAP = ["--scrypt-n", "16"]


class Desk:
    """An operator's desk: a passphrase in a file, and what the broker published."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.keyring = home / "custodian"
        self.signer = Ed25519PrivateKey.generate()
        self.passphrase = self.secret("passphrase", PASSPHRASE)
        self.published = home / "keys.json"
        self.publish(self.signer)

    def secret(self, name: str, content: bytes) -> Path:
        """A file that only its owner reads."""
        path = self.home / name
        path.write_bytes(content + b"\n")
        path.chmod(0o600)
        return path

    def publish(self, *signers: Ed25519PrivateKey) -> None:
        """What the broker answers at /v1/keys."""
        keys = [ed25519_jwk(signer.public_key()) for signer in signers]
        self.published.write_text(json.dumps({"receipts": {"keys": keys}}))

    def run(self, command: str, *more: str, keyring: Path | None = None) -> int:
        """One command on the custodian's keyring."""
        return main([command, *self.on(keyring), *more])

    def on(self, keyring: Path | None = None) -> list[str]:
        """Which keyring, and how it opens."""
        chosen = str(keyring or self.keyring)
        return ["--keyring", chosen, "--passphrase-file", str(self.passphrase)]

    def custodian(self) -> LocalCustodian:
        """The custodian on that keyring, in this process."""
        return LocalCustodian(self.keyring, lambda: PASSPHRASE)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with a custodian's keyring."""
    made = Desk(tmp_path)
    assert made.run("init", "--trust", str(made.published), *CHEAP) == 0
    return made


def test_a_keyring_is_made_trusting_one_broker(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints what auditors and sources need, and nothing secret."""
    capsys.readouterr()
    assert desk.run("keys") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["custodian"] == desk.custodian().public_jwk()
    assert Vkey.parse(shown["releases"]) == desk.custodian().releases_vkey()
    custodian = desk.custodian()
    stored = admit(custodian, a_deposit(custodian))
    assert release_by(desk.signer, custodian, stored) == len(TWO_VALUES)


def test_the_next_signer_is_trusted_by_a_command(desk: Desk) -> None:
    """A rotation of the broker's key is a file that is fetched and one command."""
    custodian, new = desk.custodian(), Ed25519PrivateKey.generate()
    stored = admit(custodian, a_deposit(custodian))
    desk.publish(desk.signer, new)
    assert desk.run("trust", "--trust", str(desk.published)) == 0
    assert release_by(new, custodian, stored) == len(TWO_VALUES)


def test_the_root_key_is_rotated_by_a_command(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """While the custodian goes on; what is damaged is named."""
    custodian = desk.custodian()
    stored = admit(custodian, a_deposit(custodian))
    (desk.keyring / "subjects" / ("0" * 64)).write_bytes(b"{}")
    assert desk.run("rotate") == 0
    said = capsys.readouterr().out
    assert "epoch 2" in said
    assert f"damaged, and left as it is: {'0' * 64}" in said
    assert release_by(desk.signer, custodian, stored) == len(TWO_VALUES)


def test_the_deposit_key_is_exchanged_by_a_command(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """While the custodian goes on; of the kind before unless told, and not retired at once."""
    custodian = desk.custodian()
    old = a_deposit(custodian)
    assert main(["deposit-key", "new", *desk.on(), "--kind", "hybrid"]) == 0
    assert main(["deposit-key", "new", *desk.on()]) == 0
    assert custodian.public_jwk()["kty"] == "AKP"
    capsys.readouterr()
    assert desk.run("keys") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["admits"] == [key.kid for key in custodian.deposit_keys().keys]
    assert (len(shown["admits"]), shown["admits"][2]) == (3, old.key.kid)
    assert main(["deposit-key", "retire", *desk.on()]) == 1
    assert "a moment ago" in capsys.readouterr().err
    deposit_keys_age(desk.keyring, PASSPHRASE)
    assert main(["deposit-key", "retire", *desk.on()]) == 0
    assert capsys.readouterr().out.split()[:2] == [shown["admits"][0], "published"]
    with pytest.raises(DepositKeyWrong):
        admit(custodian, old)


def test_a_keyring_is_made_with_a_hybrid_deposit_key(desk: Desk, tmp_path: Path) -> None:
    """Where nothing is to be sealed to a key that quantum computers break."""
    another = tmp_path / "another"
    given = ["--trust", str(desk.published), "--kind", "hybrid", *CHEAP]
    assert desk.run("init", *given, keyring=another) == 0
    assert LocalCustodian(another, lambda: PASSPHRASE).public_jwk()["kty"] == "AKP"


def test_the_release_log_is_exported_with_a_head(desk: Desk, tmp_path: Path) -> None:
    """What ``tillit-audit reconcile`` takes."""
    custodian = desk.custodian()
    stored = admit(custodian, a_deposit(custodian))
    for _ in range(3):
        release_by(desk.signer, custodian, stored)
    for _ in range(2):
        assert desk.run("export", str(tmp_path / "copy")) == 0
    chain = Chain()
    chain.follow((tmp_path / "copy" / segment_name(1)).read_bytes())
    head = open_checkpoint((tmp_path / "copy" / HEAD).read_bytes(), custodian.releases_vkey())
    assert (head.size, head.root) == (3, chain.head)


def test_a_keyring_that_holds_both_is_not_served_until_it_is_parted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A custodian that could sign its own warrants would prove nothing."""
    desk = Desk(tmp_path)
    both = tmp_path / "keyring"
    signer = local_custodian(both).broker_keys().receipts
    assert desk.run("serve", "--socket", str(tmp_path / "s"), keyring=both) == 2
    assert "tillit-custodian part" in capsys.readouterr().err
    other = desk.secret("other", b"the broker's own passphrase")
    parted = ["--broker-keyring", str(tmp_path / "broker"), "--broker-passphrase-file", str(other)]
    assert desk.run("part", *parted, *CHEAP, keyring=both) == 0
    own = broker_secrets(tmp_path / "broker", lambda: b"the broker's own passphrase")
    assert own.receipts.private_bytes_raw() == signer.private_bytes_raw()
    assert not (both / BROKER).exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["serve"], 2, "one of --socket and --listen"),
        (["serve", "--socket", "x", "--listen", "h:1"], 2, "one of --socket and --listen"),
        (["serve", "--listen", "127.0.0.1:0"], 2, "there is no plain TCP"),
        (["serve", "--socket", "s", "--peer", "no-such-user"], 2, "no user no-such-user"),
        (["serve", "--socket", "/nonexistent/s"], 2, "cannot listen"),
        (["trust", "--trust", "/nonexistent"], 1, "No such file"),
        (["trust", "--trust", "/dev/null"], 1, "keyring.issuers_unfit"),
    ],
)
def test_a_mistake_is_told_in_words(
    desk: Desk, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    """Before anything is served."""
    assert desk.run(*arguments) == code
    assert said in capsys.readouterr().err


def test_certificates_that_cannot_be_used_are_told(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without them there is no service, in no mode."""
    files = [x for name in ("--cert", "--key", "--client-ca") for x in (name, str(desk.published))]
    assert desk.run("serve", "--listen", "127.0.0.1:0", *files) == 2
    assert "cannot be used" in capsys.readouterr().err


def test_a_passphrase_that_others_can_read_is_refused(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none is locked; settings that are wrong are named."""
    assert main(["keys", "--keyring", str(desk.keyring)]) == 1
    assert "passphrase" in capsys.readouterr().err
    desk.passphrase.chmod(0o644)
    assert desk.run("keys") == 2
    assert "chmod 600" in capsys.readouterr().err
    desk.passphrase.chmod(0o600)
    monkeypatch.setenv("TILLIT_KEYRING_BACKEND", "memory")
    assert desk.run("keys") == 2
    assert "TILLIT_KEYRING_BACKEND" in capsys.readouterr().err


def test_the_chosen_back_end_must_be_set_up(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the passphrase nor plain text over a network stands in for it."""
    monkeypatch.setenv("TILLIT_KEYRING_BACKEND", "vault")
    assert desk.run("keys") == 2
    assert "TILLIT_VAULT_URL: needed with" in capsys.readouterr().err
    monkeypatch.setenv("TILLIT_VAULT_URL", "http://vault.example")
    monkeypatch.setenv("TILLIT_VAULT_TOKEN_FILE", str(desk.passphrase))
    assert desk.run("keys") == 2
    assert "TILLIT_VAULT_URL: plain http is for this machine only" in capsys.readouterr().err


def test_another_back_end_may_hold_the_root_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same settings as the broker's; one that does not answer makes no keyring."""
    desk = Desk(tmp_path)
    monkeypatch.setenv("TILLIT_KEYRING_BACKEND", "vault")
    monkeypatch.setenv("TILLIT_VAULT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("TILLIT_VAULT_TOKEN_FILE", str(desk.passphrase))
    assert desk.run("init", "--trust", str(desk.published)) == 1
    assert "root.back_down" in capsys.readouterr().err
    assert not desk.keyring.exists()


@pytest.mark.parametrize("text", ["", "host", "host:", ":1", "host:x", "host:65536"])
def test_an_address_is_host_and_port(desk: Desk, text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(SystemExit):
        desk.run("serve", "--listen", text)


# --- the process ---


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """Where a custodian may listen."""
    with short_directory() as home:
        yield home / "socket"


def served(desk: Desk, remote: RemoteCustodian, act: Callable[[], object], *more: str) -> None:
    """Serve from this thread while another does something with it, and then tells it to stop.

    Where nothing serves any more, or never did, nobody minds being told.
    """

    def wait_and_act() -> object:
        try:
            _wait(remote)
            return act()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with ThreadPoolExecutor(1) as other:
            done = other.submit(wait_and_act)
            with pytest.raises(SystemExit) as ended:
                desk.run("serve", *more)
            done.result(20)
    finally:
        signal.signal(signal.SIGTERM, before)
        remote.close()
    assert ended.value.code == 0


def _wait(remote: RemoteCustodian) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            remote.public_jwk()
        except CustodianUnreachable:
            assert time.monotonic() < until
            time.sleep(0.01)
        else:
            return


def test_it_serves_until_it_is_told_to_stop(desk: Desk, socket_path: Path) -> None:
    """What was released is in its log when it has ended, and the socket's file is gone."""
    remote = RemoteCustodian(str(socket_path))

    def act() -> None:
        stored = admit(remote, a_deposit(desk.custodian()))
        assert release_by(desk.signer, remote, stored) == len(TWO_VALUES)

    own = ["--peer", str(os.getuid()), "--peer", pwd.getpwuid(os.getuid()).pw_name]
    served(desk, remote, act, "--socket", str(socket_path), "--sync-each-release", *own)
    assert not socket_path.exists()
    kept = (desk.keyring / "releases" / HEAD).read_bytes()
    assert open_checkpoint(kept, desk.custodian().releases_vkey()).size == 1


def test_it_serves_over_tls(desk: Desk, tmp_path: Path) -> None:
    """With the certificates that it was given."""
    ca = Authority(tmp_path, "everybody")
    chain, key = ca.certificate("custodian")
    port = free_port()
    files = ["--cert", str(chain), "--key", str(key), "--client-ca", str(ca.file)]
    mine, private = ca.certificate("broker")
    tls = tls_context(certificate=mine, key=private, authorities=ca.file)
    remote = RemoteCustodian(f"https://127.0.0.1:{port}", tls=tls)
    seen: list[object] = []
    served(
        desk,
        remote,
        lambda: seen.append(remote.public_jwk()),
        "--listen",
        f"127.0.0.1:{port}",
        *files,
    )
    assert seen == [desk.custodian().public_jwk()]


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """An operator needs no other page."""
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    said = capsys.readouterr().out
    for option in ("--socket", "--group", "--peer", "--listen", "--cert", "--key", "--client-ca",
                   "--releases-per-second", "--releases-burst", "--sync-each-release"):  # fmt: skip
        assert option in said
    assert os.linesep in said


def test_it_runs_as_a_module_too(capsys: pytest.CaptureFixture[str]) -> None:
    """As the other commands do."""
    with pytest.raises(SystemExit):
        runpy.run_module("keys", run_name="__main__")
    assert "usage: tillit-custodian" in capsys.readouterr().err
    runpy.run_module("keys.__main__", run_name="imported")
