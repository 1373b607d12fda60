"""The operator's ``keys`` commands on each back end of the root key: what is set up works, from ``init`` to ``rotate``."""

import json
import os
import sqlite3
from pathlib import Path

import pytest

from broker import compose
from broker.domain.ids import PersonKey, SubjectHandle, SubjectId, UnitId
from broker.settings import Settings
from broker.usecases import trust
from keys.roots import ROOT
from tests.backs import PIN, TOKEN_LABEL, Hsm, Vault, hsm, vault
from tests.integration.test_broker_cli import PASSPHRASE, run
from tests.keyring_case import deposit_keys_age
from tillit.enrolment import prove
from tillit.keys import ServiceKey
from tillit.notes import Vkey, open_checkpoint
from tillit.wire import Enrolment

__all__ = ["hsm", "vault"]


def _written(path: Path, secret: str) -> str:
    path.write_text(secret)
    path.chmod(0o600)
    return str(path)


@pytest.fixture(params=["passphrase", "vault", "pkcs11"])
def chosen(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The settings of each back end."""
    match request.param:
        case "vault":
            server: Vault = request.getfixturevalue("vault")
            return {
                "keyring_backend": "vault",
                "passphrase": "",
                "vault_url": server.url,
                "vault_key": server.key(),
                "vault_ca_file": server.ca_file,
                "vault_token_file": _written(tmp_path / "token", f"{server.root_token}\n"),
            }
        case "pkcs11":
            token: Hsm = request.getfixturevalue("hsm")
            return {
                "keyring_backend": "pkcs11",
                "passphrase": "",
                "pkcs11_module": token.module,
                "pkcs11_token": TOKEN_LABEL,
                "pkcs11_key": tmp_path.name,
                "pkcs11_pin_file": _written(tmp_path / "pin", f"{PIN}\n"),
            }
        case _:
            return {}


def test_each_back_end_from_init_to_rotation(tmp_path: Path, chosen: dict[str, str]) -> None:
    """The same commands; the public keys stay, and the log says what was done."""
    assert run(tmp_path, "init", **chosen).returncode == 0
    shown = run(tmp_path, "keys", **chosen)
    assert shown.returncode == 0
    rotated = run(tmp_path, "keys", "rotate", "root", **chosen)
    assert (rotated.returncode, rotated.stderr) == (0, "")
    assert "root key of epoch 2" in rotated.stdout
    assert ("the old one is destroyed" in rotated.stdout) == bool(chosen)
    assert run(tmp_path, "keys", **chosen) == shown
    assert _logged(tmp_path)[-2:] == ["key.rotation_begun", "key.rotated"]


def _listed(directory: Path, kind: str) -> list[list[str]]:
    """Each key of a kind: its id and what it is good for."""
    lines = run(directory, "keys", "list").stdout.splitlines()
    return [line.split()[1:3] for line in lines if line.startswith(kind)]


@pytest.mark.parametrize("kind", ["receipts", "tokens", "log"])
def test_a_signing_key_is_rotated_and_revoked(tmp_path: Path, kind: str) -> None:
    """Each kind by the same commands, each step an entry; no other kind's key changes."""
    assert run(tmp_path, "init").returncode == 0
    before = json.loads(run(tmp_path, "keys").stdout)
    ((old, state),) = _listed(tmp_path, kind)
    assert state == "signs"
    rotated = run(tmp_path, "keys", "rotate", kind)
    assert (rotated.returncode, rotated.stderr) == (0, "")
    assert _listed(tmp_path, kind)[1][1] == "coming"
    again = run(tmp_path, "keys", "rotate", kind)
    assert (again.returncode, "on its way" in again.stderr) == (1, True)
    revoked = run(tmp_path, "keys", "revoke", kind, f"--kid={old}")
    assert (revoked.returncode, revoked.stderr) == (0, "")
    assert [state for _, state in _listed(tmp_path, kind)] == ["revoked", "coming", "signs"]
    assert run(tmp_path, "keys", "revoke", kind, f"--kid={old}").returncode == 1
    assert _logged(tmp_path)[-2:] == ["key.rotated", "key.revoked"]
    after = json.loads(run(tmp_path, "keys").stdout)
    assert [name for name in before if after[name] != before[name]] == [kind]


def test_a_services_key_is_listed_and_revoked(tmp_path: Path) -> None:
    """By the operator, whom the service has called."""
    assert run(tmp_path, "init").returncode == 0
    code = run(tmp_path, "enrol", "nav-larvik").stdout.strip()
    key = ServiceKey.generate("nav-larvik")
    settings = _settings(tmp_path)
    store = compose.opened(settings)
    trust.enrol(
        Enrolment(unit=key.unit, code=code, jwks=key.public_jwks(), proof=prove(code, key)),
        ports=compose.ported(settings, store),
    )
    store.close()
    assert [state for _, state in _listed(tmp_path, "service")] == ["current", "current"]
    assert run(tmp_path, "keys", "revoke", "service", f"--kid={key.sig_kid}").returncode == 2
    revoke = ["keys", "revoke", "service", f"--kid={key.sig_kid}", "--unit", "nav-larvik"]
    revoked = run(tmp_path, *revoke)
    assert (revoked.returncode, revoked.stderr) == (0, "")
    listed = [[key.sig_kid, "revoked"], [key.enc_kid, "current"]]
    assert _listed(tmp_path, "service") == listed
    assert run(tmp_path, *revoke).returncode == 1
    assert _logged(tmp_path)[-2:] == ["service.enrolled", "service.key_revoked"]


def test_a_persons_key_is_exchanged_and_not_retired_at_once(tmp_path: Path) -> None:
    """By a service's handle, as erasing is ordered; what was admitted a moment ago is waited for."""
    assert run(tmp_path, "init").returncode == 0
    store = compose.opened(_settings(tmp_path))
    with store.write() as tx:
        tx.add_subject(SubjectId("sub_one"), PersonKey("0" * 64), at=compose.now())
        tx.add_handle(UnitId("nav-larvik"), SubjectId("sub_one"), SubjectHandle("hdl_" + "A" * 22))
    store.close()
    whom = ["subject", "--handle", "nav-larvik", "hdl_" + "A" * 22]
    rotated = run(tmp_path, "keys", "rotate", *whom)
    assert (rotated.returncode, rotated.stderr) == (0, "")
    assert rotated.stdout.startswith("0 content keys are under the new key")
    early = run(tmp_path, "keys", "retire", *whom)
    assert (early.returncode, "a moment ago" in early.stderr) == (2, True)
    written = next((tmp_path / "data/keyring/subjects").iterdir())
    os.utime(written, (0, 0))
    assert run(tmp_path, "keys", "retire", *whom).returncode == 0
    assert _logged(tmp_path)[-3:] == ["key.rotated", "key.retired", "key.retired"]


def test_the_deposit_key_is_exchanged_and_not_retired_at_once(tmp_path: Path) -> None:
    """Each step an entry, what is refused none; where quantum computers are feared it is a hybrid."""
    feared = {"post_quantum": "true"}
    assert run(tmp_path, "init").returncode == 0
    ((old, state),) = _listed(tmp_path, "deposit")
    assert state == "published"
    assert run(tmp_path, "keys", "retire", "deposit").returncode == 1
    serving = run(tmp_path, "serve", **feared)
    assert (serving.returncode, "keys rotate deposit" in serving.stderr) == (2, True)
    weak = run(tmp_path, "keys", "rotate", "deposit", "--kind", "x25519", **feared)
    assert (weak.returncode, "hybrid" in weak.stderr) == (2, True)
    assert run(tmp_path, "keys", "rotate", "deposit").returncode == 0
    assert _custodian(tmp_path)["kty"] == "OKP"
    rotated = run(tmp_path, "keys", "rotate", "deposit", **feared)
    assert (rotated.returncode, rotated.stderr) == (0, "")
    assert _custodian(tmp_path)["kty"] == "AKP"
    early = run(tmp_path, "keys", "retire", "deposit")
    assert (early.returncode, "a moment ago" in early.stderr) == (1, True)
    listed = _listed(tmp_path, "deposit")
    assert [state for _, state in listed] == ["published", "admits", "admits"]
    assert listed[2][0] == old
    deposit_keys_age(tmp_path / "data/keyring", PASSPHRASE.encode())
    assert run(tmp_path, "keys", "retire", "deposit").returncode == 0
    assert _listed(tmp_path, "deposit") == listed[:1]
    assert _logged(tmp_path)[-3:] == ["key.rotated", "key.rotated", "key.retired"]


def test_the_deposit_key_of_a_custodian_apart_is_exchanged_there(tmp_path: Path) -> None:
    """The broker has no such key; it says where the command is."""
    apart = {"custodian": str(tmp_path / "socket")}
    assert "keyring made" in run(tmp_path, "init", **apart).stdout
    refused = run(tmp_path, "keys", "rotate", "deposit", **apart)
    assert (refused.returncode, "tillit-custodian deposit-key" in refused.stderr) == (2, True)
    assert "deposit    does not answer" in run(tmp_path, "keys", "list", **apart).stdout


def test_a_new_keyring_is_of_the_kind_that_the_switch_wants(tmp_path: Path) -> None:
    """Nobody has to exchange a key that was made a moment ago."""
    assert run(tmp_path, "init", post_quantum="true").returncode == 0
    assert _custodian(tmp_path)["kty"] == "AKP"


def _custodian(directory: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(run(directory, "keys").stdout)["custodian"]
    return found


def _settings(directory: Path) -> Settings:
    return Settings.model_validate(
        {"mode": "demo", "data_dir": directory / "data", "passphrase": PASSPHRASE}
    )


def test_the_logs_old_key_is_retired(tmp_path: Path) -> None:
    """Once the new one signs; before that it is refused, and nothing is entered."""
    assert run(tmp_path, "init").returncode == 0
    ((old, _),) = _listed(tmp_path, "log")
    assert run(tmp_path, "keys", "retire", "log", f"--kid={old}").returncode == 1
    assert run(tmp_path, "keys", "rotate", "log", "--in", "0").returncode == 0
    assert [state for _, state in _listed(tmp_path, "log")] == ["signs", "signs"]
    retired = run(tmp_path, "keys", "retire", "log", f"--kid={old}")
    assert (retired.returncode, retired.stderr) == (0, "")
    assert [state for _, state in _listed(tmp_path, "log")] == ["retired", "signs"]
    vkey = Vkey.parse(json.loads(run(tmp_path, "keys").stdout)["log"])
    assert str(vkey) in retired.stdout
    assert _logged(tmp_path)[-2:] == ["key.rotated", "key.retired"]
    with sqlite3.connect(tmp_path / "data/broker.sqlite") as connection:
        ((note,),) = connection.execute("SELECT note FROM log_checkpoint")
    assert open_checkpoint(note, vkey).size == len(_logged(tmp_path))
    assert run(tmp_path, "keys", "rotate", "log", "--in", "-1").returncode == 2


def _logged(directory: Path) -> list[str]:
    """What kinds of entries the log holds, oldest first."""
    with sqlite3.connect(directory / "data/broker.sqlite") as connection:
        return [
            kind for (kind,) in connection.execute("SELECT type FROM log_entry ORDER BY position")
        ]


def test_a_passphrase_is_exchanged_under_running_processes(tmp_path: Path) -> None:
    """They are given the next one in a file of its own, and go on whichever it is."""
    following = tmp_path / "next"
    given = {"passphrase_next_file": str(following)}
    assert run(tmp_path, "init", **given).returncode == 0
    _written(following, "the passphrase that comes after")
    assert run(tmp_path, "keys", **given).returncode == 0
    assert run(tmp_path, "keys", "rotate", "root", **given).returncode == 0
    assert run(tmp_path, "keys", **given).returncode == 0
    assert run(tmp_path, "keys").returncode == 1
    moved = {"passphrase": "", "passphrase_file": str(following)}
    assert run(tmp_path, "keys", **moved).returncode == 0
    assert json.loads((tmp_path / "data/keyring" / ROOT).read_text())["epoch"] == 2


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """The operator learns which, and the rest is rotated all the same."""
    assert run(tmp_path, "init").returncode == 0
    (tmp_path / "data/keyring/subjects/broken").write_text("garbled")
    rotated = run(tmp_path, "keys", "rotate", "root")
    assert (rotated.returncode, "left as it is: broken" in rotated.stdout) == (1, True)


def test_without_a_log_nothing_is_rotated(tmp_path: Path) -> None:
    """What nobody can be shown is not done."""
    assert run(tmp_path, "init").returncode == 0
    before = (tmp_path / "data/keyring" / ROOT).read_bytes()
    (tmp_path / "data/broker.sqlite").write_bytes(b"no database")
    assert run(tmp_path, "keys", "rotate", "root", passphrase=PASSPHRASE).returncode == 1
    assert (tmp_path / "data/keyring" / ROOT).read_bytes() == before
