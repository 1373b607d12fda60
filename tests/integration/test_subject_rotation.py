"""A person's key exchanged under a broker that shares: no ciphertext changes, and a stop half-way loses nothing."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from audit.cli import main as audit
from broker.errors import CustodianDown, SubjectErased
from broker.store import tables
from broker.usecases import shredding, subject_keys
from broker.usecases.people import myself
from broker.usecases.shredding import Order
from keys.keyring import SETTLED_SECONDS, LocalCustodian
from tests.house import EMIL, PASSPHRASE, SARA, House
from tests.integration.test_one_disclosure import CAPACITY, RATE, shared
from tillit.wire import MAX_FIELDS

NAV = "nav-larvik"


class _Stop(Exception):
    """Stands for kill -9: nothing that comes after is done."""


def _stop(_: int) -> None:
    raise _Stop


def _emil(house: House) -> Any:
    with house.ports.store.read() as tx:
        return myself(tx, house.hashed(EMIL))


def _stored(house: House) -> dict[str, dict[str, Any]]:
    with house.store.engine.connect() as connection:
        rows = connection.execute(select(tables.record.c.id, tables.record.c.sealed)).all()
    return {record: json.loads(sealed) for record, sealed in rows}


def _opened(house: House) -> dict[str, Any]:
    ask = house.ask(NAV, EMIL, RATE, CAPACITY)
    values = house.open(house.disclose(ask, NAV), ask, NAV, EMIL).values
    return {name: held.value for name, held in values.items()}


def _rewrapped(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> int:
    """How many records are wrapped otherwise; everything else of all must be the same."""
    changed = [record for record in before if before[record] != after[record]]
    for record in changed:
        wrapped = {"encrypted_key": after[record]["encrypted_key"]}
        assert after[record] == before[record] | wrapped
    assert after.keys() == before.keys()
    return len(changed)


def test_everything_is_shared_at_each_step_and_no_ciphertext_changes(
    house: House, tmp_path: Path
) -> None:
    """Stopped half-way, done again, retired: what Nav opens is the same."""
    shared(house)
    for _ in range(MAX_FIELDS + 1 - len(_stored(house))):
        house.deposit("larvikshjelpa", EMIL, {CAPACITY: "to timer om dagen"})
    before, values = _stored(house), _opened(house)
    emil, done = _emil(house), list[int]()
    with pytest.raises(_Stop):
        subject_keys.rotate(emil, ports=house.ports, progress=_stop)
    assert _rewrapped(before, _stored(house)) == MAX_FIELDS
    assert _opened(house) == values
    assert subject_keys.rotate(emil, ports=house.ports, progress=done.append) == MAX_FIELDS + 1
    assert (_opened(house), done) == (values, [MAX_FIELDS, MAX_FIELDS + 1])
    with pytest.raises(subject_keys.TooEarly):
        subject_keys.retire(emil, ports=house.ports)
    settled = LocalCustodian(
        tmp_path / "keyring",
        lambda: PASSPHRASE,
        clock=lambda: datetime.now(UTC) + timedelta(seconds=SETTLED_SECONDS),
    )
    later = replace(house.ports, custodian=settled)
    assert subject_keys.retire(emil, ports=later) == MAX_FIELDS + 1
    assert _rewrapped(before, _stored(house)) == MAX_FIELDS + 1
    assert _opened(house) == values


def test_who_is_erased_or_was_never_known_has_no_key_to_exchange(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is told, as is who cannot reach the keyring; the erased one's certificate is checked outside."""
    shared(house)
    emil = _emil(house)
    house.handle(NAV, SARA)
    with house.ports.store.read() as tx:
        sara = myself(tx, house.hashed(SARA))
    assert subject_keys.rotate(sara, ports=house.ports) == 0
    order = Order(by="a17", case="2026/1", reason="bedt om å bli slettet")
    shredding.shred(emil, order, ports=house.ports)
    for act in (subject_keys.rotate, subject_keys.retire):
        with pytest.raises(SubjectErased):
            act(emil, ports=house.ports)
    token = shredding.certificate(emil, ports=house.ports)
    assert shredding.certificate(sara, ports=house.ports) is None
    custodian = house.ports.custodian
    assert token is not None
    assert isinstance(custodian, LocalCustodian)
    keyring = custodian._directory
    keyring.rename(keyring.with_name("away"))
    for act in (subject_keys.rotate, subject_keys.retire):
        with pytest.raises(CustodianDown):
            act(sara, ports=house.ports)
    keyring.with_name("away").rename(keyring)
    (tmp_path / "certificate").write_text(token)
    vkey = str(custodian.releases_vkey())
    given = ["certificate", str(tmp_path / "certificate"), "--custodian", vkey]
    assert audit(given) == 0
    assert "in epoch 1 of the root key" in capsys.readouterr().out
    assert audit([*given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["epoch"] == 1
    assert audit([*given, "--copy", str(tmp_path / "certificate")]) == 1
    assert audit([*given, "--copy", str(tmp_path / "nowhere")]) == 2
