"""Every key that comes out is written down by the custodian, on the entry that the log has for it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from audit.storage import log_entry
from broker.domain.ids import UnitId
from broker.domain.service_keys import ServiceKey as RegisteredKey
from broker.errors import CustodianDown, DisclosureGone, NoRecipientKey, TooManyReleases
from broker.store import tables
from keys.keyring import LocalCustodian
from keys.rates import Rate
from tests.house import EMIL, PASSPHRASE, House
from tests.integration.test_one_disclosure import CAPACITY, RATE, shared
from tillit import receipts
from tillit.jose import ed25519_jwk
from tillit.keys import ServiceKey
from tillit.releases import Chain, Release, Start

NAV = "nav-larvik"


def released(directory: Path) -> list[Release]:
    """The custodian's own log."""
    found: list[Release] = []

    def seen(line: Release | Start) -> None:
        if isinstance(line, Release):
            found.append(line)

    chain = Chain()
    for path in sorted((directory / "keyring" / "releases").glob("*.jsonl")):
        chain.follow(path.read_bytes(), seen)
    assert chain.torn == 0
    return found


def enrol(house: House, *, key: ServiceKey) -> None:
    """Nav registers one more pair of keys."""
    rows = [
        RegisteredKey(UnitId(NAV), jwk["kid"], jwk["use"], jwk) for jwk in key.public_jwks()["keys"]
    ]
    with house.store.write() as tx:
        tx.add_service_keys(rows, at=house.clock.at)


def test_a_release_names_the_entry_and_no_person(house: House, tmp_path: Path) -> None:
    """What the custodian writes is the leaf that the receipt promises, and who it was about is nowhere."""
    shared(house)
    ask = house.ask(NAV, EMIL, RATE, CAPACITY)
    answer = house.disclose(ask, NAV)
    (release,) = released(tmp_path)
    signer = house.ports.secrets.receipts.public_key()
    receipt = receipts.verify(answer.receipt, {"keys": [ed25519_jwk(signer)]})
    assert release.leaf_hash == receipt.leaf_hash
    assert (release.kid, release.count) == (house.keys[NAV].enc_kid, 2)
    with house.store.engine.connect() as connection:
        kinds = connection.execute(
            select(log_entry.c.type).where(log_entry.c.leaf_hash == release.leaf_hash)
        ).scalars()
        assert list(kinds) == ["disclosure"]
    (segment,) = (tmp_path / "keyring" / "releases").glob("*.jsonl")
    with house.ports.store.read() as tx:
        subject = tx.subject_by_person(house.hashed(EMIL))
    for secret in (EMIL, ask.subject, str(subject), house.hashed(EMIL)):
        assert secret not in segment.read_text()


def test_a_repeat_is_a_release_of_the_same_entry(house: House, tmp_path: Path) -> None:
    """A recipient that lost the answer gets it again, and each time is written down."""
    shared(house)
    ask = house.ask(NAV, EMIL, RATE)
    for _ in range(3):
        house.disclose(ask, NAV, key="the-very-same-key")
    found = released(tmp_path)
    assert len(found) == 3
    assert len({release.leaf_hash for release in found}) == 1


def test_a_refused_ask_releases_nothing(house: House, tmp_path: Path) -> None:
    """An entry without a release is right where nothing was permitted."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.62})
    assert house.disclose(house.ask(NAV, EMIL, RATE), NAV).outcome == "refused"
    assert released(tmp_path) == []


def test_a_recorded_disclosure_stays_with_the_key_it_was_recorded_for(house: House) -> None:
    """The log says to which key; a newer key of the same service takes a new ask, and a new entry."""
    shared(house)
    ask = house.ask(NAV, EMIL, RATE)
    first = house.disclose(ask, NAV, key="the-very-same-key")
    enrol(house, key=ServiceKey.generate(NAV))
    again = house.disclose(ask, NAV, key="the-very-same-key")
    assert again.key is not None
    assert first.key is not None
    assert again.key.kid == first.key.kid == house.keys[NAV].enc_kid
    anew = house.disclose(ask, NAV)
    assert anew.key is not None
    assert anew.key.kid != first.key.kid


def test_a_disclosure_that_was_recorded_for_no_key_takes_another_ask(house: House) -> None:
    """A service without a key is told so; once it has one it asks anew."""
    shared(house)
    ask = house.ask(NAV, EMIL, RATE)
    bare = House(house.ports, house.store, house.clock, house.keys, house.sequencer)
    keys = [key for key in _keys(house) if key.use == "enc"]
    _forget(house)
    for _ in range(2):
        with pytest.raises(NoRecipientKey):
            bare.disclose(ask, NAV, key="the-very-same-key")
    with house.store.write() as tx:
        tx.add_service_keys(keys, at=house.clock.at)
    with pytest.raises(DisclosureGone):
        house.disclose(ask, NAV, key="the-very-same-key")
    made = house.disclose(ask, NAV, key="another-key-of-mine")
    assert made.outcome == "released"
    _forget(house)
    with pytest.raises(DisclosureGone):
        house.disclose(ask, NAV, key="another-key-of-mine")


def test_a_recipient_that_had_much_waits(house: House, tmp_path: Path) -> None:
    """What was decided stays recorded, and is handed out when the time has come."""
    shared(house)
    rate = Rate(per_second=0.01, burst=1)
    slow = LocalCustodian(tmp_path / "keyring", lambda: PASSPHRASE, clock=house.clock, rate=rate)
    busy = replace(house, ports=replace(house.ports, custodian=slow))
    busy.disclose(busy.ask(NAV, EMIL, RATE), NAV)
    ask = busy.ask(NAV, EMIL, CAPACITY)
    with pytest.raises(TooManyReleases) as caught:
        busy.disclose(ask, NAV, key="the-very-same-key")
    assert 90 <= caught.value.retry_after <= 100
    assert house.disclose(ask, NAV, key="the-very-same-key").outcome == "released"


def test_a_custodian_whose_clock_is_past_the_end_releases_nothing(
    house: House, tmp_path: Path
) -> None:
    """The custodian believes no clock but its own."""
    shared(house)
    late = house.clock.at + timedelta(days=400)
    ahead = LocalCustodian(tmp_path / "keyring", lambda: PASSPHRASE, clock=lambda: late)
    broker = replace(house, ports=replace(house.ports, custodian=ahead))
    with pytest.raises(CustodianDown, match=r"release\.warrant_invalid"):
        broker.disclose(broker.ask(NAV, EMIL, RATE), NAV)
    assert released(tmp_path) == []


def _keys(house: House) -> list[RegisteredKey]:
    with house.store.read() as tx:
        return list(tx.service_keys(UnitId(NAV)))


def _forget(house: House) -> None:
    """Nav's encryption keys go, as an operator would take them away by hand."""
    with house.store.engine.begin() as connection:
        connection.execute(
            tables.service_key.delete().where(
                tables.service_key.c.unit == NAV, tables.service_key.c.use == "enc"
            )
        )
