"""The drill for keys that somebody else may have: performed by the very commands of ``broker/docs/keys.md``."""

import os
import re
import shlex
import sqlite3
from pathlib import Path

import pytest

from broker import compose
from broker.domain.ids import PersonKey, SubjectHandle, SubjectId, UnitId
from broker.settings import Settings
from broker.usecases import trust
from tests.integration.test_broker_cli import PASSPHRASE, run
from tests.keyring_case import deposit_keys_age
from tillit.enrolment import prove
from tillit.keys import ServiceKey
from tillit.wire import Enrolment

PAGE = Path(__file__).resolve().parents[2] / "broker/docs/keys.md"
UNIT, HANDLE = "nav-larvik", "hdl_" + "A" * 22
SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^### |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ENTRIES = {
    "root": ["key.rotation_begun", "key.rotated"],
    "receipts": ["key.revoked"],
    "tokens": ["key.revoked"],
    "log": ["key.revoked"],
    "service": ["service.key_revoked", "enrolment.opened"],
    "subject": ["key.rotated", "key.retired"],
    "deposit": ["key.rotated", "key.retired"],
}


def _sections() -> dict[str, list[str]]:
    """The commands of each kind, as the page has them."""
    text = PAGE.read_text(encoding="utf-8")
    found = {kind: BLOCK.findall(body) for kind, body in SECTION.findall(text)}
    return {kind: "".join(blocks).splitlines() for kind, blocks in found.items()}


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A broker with a service and a person."""
    directory = tmp_path_factory.mktemp("drill")
    assert run(directory, "init").returncode == 0
    code = run(directory, "enrol", UNIT).stdout.strip()
    key = ServiceKey.generate(UNIT)
    given = {"mode": "demo", "data_dir": directory / "data", "passphrase": PASSPHRASE}
    settings = Settings.model_validate(given)
    store = compose.opened(settings)
    enrolment = Enrolment(unit=UNIT, code=code, jwks=key.public_jwks(), proof=prove(code, key))
    trust.enrol(enrolment, ports=compose.ported(settings, store))
    with store.write() as tx:
        tx.add_subject(SubjectId("sub_one"), PersonKey("0" * 64), at=compose.now())
        tx.add_handle(UnitId(UNIT), SubjectId("sub_one"), SubjectHandle(HANDLE))
    store.close()
    return directory


def _listed(directory: Path, kind: str) -> list[list[str]]:
    lines = run(directory, "keys", "list").stdout.splitlines()
    return [line.split() for line in lines if line.split()[0] == kind]


def _logged(directory: Path) -> list[str]:
    with sqlite3.connect(directory / "data/broker.sqlite") as connection:
        rows = connection.execute("SELECT type FROM log_entry ORDER BY position").fetchall()
    return [kind for (kind,) in rows]


def test_the_page_has_a_drill_for_every_kind() -> None:
    """A kind without one is found out on the day that it matters."""
    assert list(_sections()) == list(ENTRIES)


@pytest.mark.parametrize("kind", ENTRIES)
def test_the_drill_of_each_kind_does_what_the_page_says(ready: Path, kind: str) -> None:
    """Each command is run as it stands there, and the key is gone afterwards."""
    before = _listed(ready, kind)
    entries = len(_logged(ready))
    for line in _sections()[kind]:
        said = line.replace("UNIT", UNIT).replace("HANDLE", HANDLE)
        program, *arguments = shlex.split(said.replace("KID", before[0][1] if before else ""))
        assert program == "tillit-broker"
        if "retire" in arguments:
            _ten_minutes_pass(ready)
        done = run(ready, *arguments)
        assert done.returncode == 0, done.stderr
    assert _logged(ready)[entries:] == ENTRIES[kind]
    after = {row[1]: row[2] for row in _listed(ready, kind)}
    if kind == "root":
        assert after == {"epoch": "2"}
    elif kind == "deposit":
        assert (before[0][1] in after, list(after.values())) == (False, ["published"])
    elif kind != "subject":
        assert after.pop(before[0][1]) == "revoked"
        assert kind == "service" or list(after.values()) == ["signs"]


def _ten_minutes_pass(directory: Path) -> None:
    for path in (directory / "data/keyring/subjects").iterdir():
        os.utime(path, (0, 0))
    deposit_keys_age(directory / "data/keyring", PASSPHRASE.encode())
