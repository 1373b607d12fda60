"""A person's key exchanged under a broker that shares: no ciphertext changes, and a stop half-way loses nothing."""

import json
from datetime import timedelta
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
from tests.house import EMIL, SARA, House
from tests.integration.test_one_disclosure import CAPACITY, RATE, shared

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


def test_everything_is_shared_at_each_step_and_no_ciphertext_changes(house: House) -> None:
    """Interrupted, done again, retired: what Nav opens is the same."""
    shared(house)
    before, values = _stored(house), _opened(house)
    emil, done = _emil(house), list[int]()
    with pytest.raises(_Stop):
        subject_keys.rotate(emil, ports=house.ports, progress=_stop)
    assert _opened(house) == values
    assert subject_keys.rotate(emil, ports=house.ports, progress=done.append) == len(before)
    assert (_opened(house), done) == (values, [len(before)])
    with pytest.raises(subject_keys.TooEarly):
        subject_keys.retire(emil, ports=house.ports)
    custodian = house.ports.custodian
    assert isinstance(custodian, LocalCustodian)
    custodian._clock = lambda: house.clock() + timedelta(days=10_000, seconds=SETTLED_SECONDS)
    assert subject_keys.retire(emil, ports=house.ports) == len(before)
    custodian._clock = house.clock
    after = _stored(house)
    changed = {
        name
        for record in before
        for name in before[record]
        if before[record][name] != after[record][name]
    }
    assert (after.keys(), changed) == (before.keys(), {"encrypted_key"})
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
