"""The operator's command line: from nothing to serving, and what it says when something is missing."""

import hashlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from broker.cli import main
from broker.compose import now
from broker.domain.ids import UnitId
from broker.store.sql import SqlStore
from broker.store.tables import enrolment
from tests.integration.world import EMIL, ISSUER
from tests.policies.copies import AGREEMENT, copied, rewrite
from tillit.enrolment import prove
from tillit.keys import ServiceKey
from tillit.notes import Vkey

PASSPHRASE = "a passphrase for these tests only"


def _environment(directory: Path, **variables: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TILLIT_")}
    sound = {
        "TILLIT_MODE": "demo",
        "TILLIT_DATA_DIR": str(directory / "data"),
        "TILLIT_PASSPHRASE": PASSPHRASE,
    }
    named = {f"TILLIT_{name.upper()}": value for name, value in variables.items()}
    return {k: v for k, v in (inherited | sound | named).items() if v}


@dataclass(frozen=True)
class Told:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


def run(directory: Path, *arguments: str, **variables: str) -> Told:
    """Run the command as its entry point would."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in os.environ.keys() - _environment(directory, **variables).keys():
            patch.delenv(name)
        for name, value in _environment(directory, **variables).items():
            patch.setenv(name, value)
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Told(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which ``init`` has run."""
    directory = tmp_path_factory.mktemp("operator")
    made = run(directory, "init")
    assert made.returncode == 0, made.stderr
    Vkey.parse(made.stdout.rpartition(": ")[2].strip())
    return directory


def test_init_again_keeps_everything(ready: Path) -> None:
    """Running it twice is harmless."""
    before = run(ready, "keys").stdout
    again = run(ready, "init")
    assert (again.returncode, "keyring kept" in again.stdout) == (0, True)
    assert before == run(ready, "keys").stdout


def test_secrets_are_readable_by_their_owner_only(ready: Path) -> None:
    """Keyring and database."""
    for path in (ready / "data").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_keys_are_public_only(ready: Path) -> None:
    """What auditors and services are given."""
    shown = json.loads(run(ready, "keys").stdout)
    assert shown["issuer"] == ISSUER
    Vkey.parse(shown["log"])
    assert shown["custodian"].pop("vouched").keys() == {"releases", "word"}
    for name in ("receipts", "tokens", "custodian"):
        assert {"kty", "crv", "x", "kid", "use", "alg"} == set(shown[name])


def test_policies_are_checked_with_the_engine(ready: Path) -> None:
    """Before anything is served on them."""
    checked = run(ready, "policy", "check")
    assert checked.returncode == 0, checked.stderr
    assert "digest sha256:" in checked.stdout
    assert "entries of the law" in checked.stdout
    assert "  statutes.S1" in checked.stdout.splitlines()


def test_policies_are_checked_without_settings(tmp_path: Path) -> None:
    """Whoever writes the files has no keyring: each problem comes with file, line and what to write instead."""
    directory = copied(tmp_path / "policies")
    sound = run(tmp_path, "policy", "check", str(directory), mode="", passphrase="")
    assert sound.returncode == 0, sound.stderr
    line = rewrite(directory, AGREEMENT, "max_days: 365", "max_days: 366")
    rewrite(directory, AGREEMENT, "guardians_rule: all", "guardian_rule: all")
    (directory / "tables/ungdomsutvalget-larvik.yaml").unlink()
    told = run(tmp_path, "policy", "check", str(directory), mode="", passphrase="")
    assert (told.returncode, len(told.stdout.splitlines())) == (1, 3)
    assert f"{AGREEMENT}:{line}: a consent lasts at most 365 days" in told.stdout
    assert "nothing was loaded" in told.stderr


def test_a_collaboration_without_a_table_is_a_warning(tmp_path: Path) -> None:
    """Nobody can have thought it through, but it is no error."""
    directory = copied(tmp_path / "policies")
    (directory / "tables/ungdomsutvalget-larvik.yaml").unlink()
    told = run(tmp_path, "policy", "check", str(directory))
    assert (told.returncode, "has no decision table" in told.stderr) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "said"),
    [
        (["enrol", "no-such"], {}, 2, "no unit by that id"),
        (["keys"], {"passphrase": "another passphrase altogether"}, 1, "passphrase_wrong"),
        (["serve"], {"passphrase": ""}, 1, "keyring.passphrase_wrong"),
        (["serve"], {"data_dir": "/nonexistent/x"}, 2, "tillit-broker init"),
        (["serve"], {"database_url": "sqlite:////nonexistent/x.db"}, 2, "tillit-broker init"),
        (["migrate"], {"database_url": "mysql://x"}, 2, "neither sqlite"),
        (["migrate"], {"database_url": "sqlite:////nonexistent/x.db"}, 1, "store.unavailable"),
        (["policy", "check"], {"policies_dir": "/nonexistent"}, 2, "no Rego modules"),
        (["policy", "check"], {"engine": "opa"}, 2, "TILLIT_OPA_URL: needed"),
        (["keys"], {"mode": "production", "issuer": "http://a.example"}, 2, "plain http"),
        (["keys"], {"mode": "lax"}, 2, "TILLIT_MODE"),
        (["serve", "--port", "99999"], {}, 2, "a port is 0 to 65535"),
        (["serve", "--workers", "0"], {}, 2, "at least 1"),
        (["init"], {"passphrase": ""}, 2, "set TILLIT_PASSPHRASE_FILE"),
        (["nonsense"], {}, 2, "invalid choice"),
        ([], {}, 2, "COMMAND"),
    ],
)
def test_mistake_is_told_in_words(
    ready: Path, arguments: list[str], variables: Mapping[str, str], code: int, said: str
) -> None:
    """What is wrong and what to do; never a traceback, never a secret."""
    told = run(ready, *arguments, **variables)
    assert (code, True) == (told.returncode, said in told.stderr), told.stderr
    assert "Traceback" not in told.stderr
    assert PASSPHRASE not in told.stderr + told.stdout


@contextmanager
def serving(directory: Path, *arguments: str, **variables: str) -> Iterator[tuple[str, Path]]:
    """A serving broker in a process of its own: its address, and the file it writes to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    output = directory / f"output-{port}"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "broker.cli", "serve", "--port", str(port), *arguments],
            stdout=sink,
            stderr=sink,
            env=_environment(directory, **variables),
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process, output)
        yield url, output
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
    assert code in {0, 130, -signal.SIGINT}, output.read_text()


def _wait(url: str, process: "subprocess.Popen[bytes]", output: Path) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{url}/healthz")
        except httpx.TransportError:
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < until, output.read_text()
            time.sleep(0.05)
        else:
            return


@pytest.mark.parametrize("workers", ["1", "2"])
def test_enrolled_unit_is_served_and_ctrl_c_ends_it(ready: Path, workers: str) -> None:
    """From the operator's code to a token, by one process or two; the output holds no path and no query."""
    key = ServiceKey.generate("nav-larvik")
    invited = run(ready, "enrol", key.unit)
    assert invited.returncode == 0, invited.stderr
    code = invited.stdout.strip()
    enrolment = {
        "unit": key.unit,
        "code": code,
        "jwks": key.public_jwks(),
        "proof": prove(code, key),
    }
    with serving(ready, "--workers", workers) as (url, output):
        headers = {"idempotency-key": "enrol-once-only"}
        answer = httpx.post(f"{url}/v1/enrolments", json=enrolment, headers=headers)
        assert answer.status_code == 204, answer.text
        assert httpx.get(f"{url}/v1/me/consents?pid={EMIL}").status_code == 401
        assert httpx.get(f"{url}/v1/nothing/{EMIL}").status_code == 404
        lines = output.read_text()
    assert EMIL not in output.read_text()
    assert code not in output.read_text()
    assert '"route": "/v1/me/consents"' in lines
    assert "Traceback" not in output.read_text()


def test_several_units_are_enrolled_at_once_or_none(ready: Path) -> None:
    """A code for each, in the order given; where one is unknown, none is let in."""
    invited = run(ready, "enrol", "nav-larvik", "ot-vestfold")
    assert invited.returncode == 0, invited.stderr
    first, second = (hashlib.sha256(code.encode()).digest() for code in invited.stdout.split())
    store = SqlStore(f"sqlite:///{ready / 'data' / 'broker.sqlite'}", origin="any")
    with store.write() as tx:
        assert not tx.spend_enrolment(UnitId("ot-vestfold"), first, at=now())
        assert tx.spend_enrolment(UnitId("nav-larvik"), first, at=now())
        assert tx.spend_enrolment(UnitId("ot-vestfold"), second, at=now())
    before = _opened(store)
    assert run(ready, "enrol", "nav-larvik", "no-such").returncode == 2
    assert _opened(store) == before
    store.close()


def _opened(store: SqlStore) -> int:
    with store.engine.connect() as connection:
        counted = select(func.count()).select_from(enrolment)
        return connection.execute(counted).scalar_one()


def test_what_is_loaded_is_served_without_a_restart_and_a_directory_is_not(tmp_path: Path) -> None:
    """A directory decides nothing until it is loaded, which is said loudly; then every process follows."""
    assert run(tmp_path, "init").returncode == 0
    directory = copied(tmp_path / "policies")
    for table in (directory / "tables").glob("*.yaml"):
        table.unlink()
    rewrite(directory, AGREEMENT, "max_days: 365", "max_days: 200")
    chosen = {"policies_dir": str(directory)}
    assert run(tmp_path, "init", **chosen).returncode == 0
    with serving(tmp_path, **chosen) as (url, output):
        told = output.read_text()
        assert f"THE POLICIES IN {directory} ARE NOT IN FORCE" in told
        loaded = run(tmp_path, "policy", "load", str(directory), **chosen)
        assert loaded.returncode == 0, loaded.stderr
        digest = loaded.stdout.splitlines()[-2].rpartition(" ")[2]
        until = time.monotonic() + 30
        while digest not in httpx.get(f"{url}/metrics").text:
            assert time.monotonic() < until, output.read_text()
            time.sleep(0.2)
        agreed = httpx.get(f"{url}/v1/catalogue").json()["collaborations"]
        assert agreed["ungdomsutvalget-larvik"]["max_days"] == 200
    with serving(tmp_path, **chosen) as (_, output):
        assert "NOT IN FORCE" not in output.read_text()
    rewrite(directory, AGREEMENT, "max_days: 200", "max_days: 2000")
    with serving(tmp_path, **chosen) as (url, output):
        assert f"THE POLICIES IN {directory} CANNOT BE USED" in output.read_text()
        assert digest in httpx.get(f"{url}/metrics").text


@pytest.mark.parametrize(("given", "role"), [((), "integrity"), (("--role", "content"), "content")])
def test_an_auditor_sees_nobody_unless_the_operator_says_so(
    ready: Path, given: tuple[str, ...], role: str
) -> None:
    """The role is given with the code, and is in the log; the next code may take it back."""
    assert run(ready, "enrol", "auditor-tilsyn", *given).returncode == 0
    store = SqlStore(f"sqlite:///{ready / 'data' / 'broker.sqlite'}", origin="any")
    with store.read() as tx:
        assert tx.auditor_role(UnitId("auditor-tilsyn")) == role
    store.close()
