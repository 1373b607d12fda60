"""Own access: the youth reads what is written about themself, and nobody else does, on both databases."""

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from audit.storage import log_entry
from broker.domain.accesses import SignalQuery
from broker.domain.ids import UnitId
from broker.errors import (
    CustodianDown,
    DisclosureGone,
    HybridKeyRequired,
    IdempotencyKeyReused,
    NotASubject,
    ReadingKeyUnusable,
    SubjectErased,
    TooManyReleases,
)
from broker.usecases import me, own_access, own_reading, signalling, ticking
from keys.keyring import LocalCustodian
from keys.rates import Rate
from tests.house import EMIL, MOTHER, PASSPHRASE, SARA, House, build, exchange_deposit_key
from tests.integration.test_one_disclosure import CAPACITY, DIAGNOSIS, RATE, entries, shared
from tillit.keys import ServiceKey
from tillit.own import OwnReading
from tillit.own import own_access as asking
from tillit.wire import SUBJECT, MyDisclosure, OwnAccess, OwnValues

PER = "04820250034"
BAND, SITUATION = "education.attendance.band", "family.situation"


def read(house: House, *fields: str, who: str = EMIL) -> OwnReading:
    """Somebody reads about themself in the portal."""
    return own_reading.read(fields or None, call=house.person(who), ports=house.ports)


def listed(house: House, who: str = EMIL) -> tuple[MyDisclosure, ...]:
    """What somebody finds in their list."""
    return me.disclosures(
        person=house.hashed(who), before=None, limit=50, language="nb", ports=house.ports
    ).disclosures


def told(house: House, who: str = EMIL) -> list[str]:
    """What somebody was told."""
    found = me.notices(person=house.hashed(who), limit=50, ports=house.ports).notices
    return [notice.kind for notice in found]


def post(
    house: House, key: ServiceKey, *fields: str, who: str = EMIL, once: str | None = None
) -> OwnValues:
    """The call that a program of the youth's own makes."""
    asked = asking(key, fields or None)
    call = house.person(who, key=once, body=asked.model_dump(mode="json"))
    return own_access.values(asked, call=call, ports=house.ports)


def test_the_youth_reads_every_value_with_who_when_and_how(house: House) -> None:
    """N14: what is written about me, health too, though no service may know it without my yes."""
    shared(house)
    reading = read(house)
    assert set(reading.values) == {RATE, BAND, CAPACITY, DIAGNOSIS}
    (diagnosis,) = reading.values[DIAGNOSIS]
    assert (diagnosis.value, diagnosis.source) == ("F32.1", "larvikshjelpa")
    assert (diagnosis.basis, diagnosis.author_role) == ("measured", "teacher")
    assert diagnosis.observed_at == house.clock.at - timedelta(hours=1)
    assert (reading.withheld, reading.unproven) == ({}, ())


def test_several_sources_of_a_field_are_all_read_the_newest_first(house: House) -> None:
    """A youth finds out that two services say different things, and who says what."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {"contact.phone": "1", RATE: 0.62})
    house.clock.step(hours=1)
    house.deposit("larvikshjelpa", EMIL, {"contact.phone": "2"})
    house.clock.step(hours=1)
    house.deposit("nav-larvik", EMIL, {"contact.phone": "3"})
    reading = read(house)
    found = [(one.value, one.source) for one in reading.values["contact.phone"]]
    assert found == [("3", "nav-larvik"), ("2", "larvikshjelpa"), ("1", "thor-heyerdahl-vgs")]
    assert [sorted(one.statement.decision) for one in reading.receipts] == [
        ["contact.phone", BAND, RATE],
        ["contact.phone"],
        ["contact.phone"],
    ]


def test_only_what_was_asked_for_is_read(house: House) -> None:
    """A page that shows one thing opens no more than that."""
    shared(house)
    reading = read(house, CAPACITY, "work.cv", "no.such_field")
    assert set(reading.values) == {CAPACITY}
    assert {name: [r.code for r in why] for name, why in reading.withheld.items()} == {
        "work.cv": ["data.none"],
        "no.such_field": ["gap.field"],
    }


def test_what_is_about_somebody_else_is_withheld_with_the_reason(house: House) -> None:
    """What stands about a parent in a youth's record is the parent's; the youth is told that it is there and why not more."""
    house.deposit("barnevern-larvik", EMIL, {SITUATION: "en hemmelighet om mor"})
    reading = read(house)
    assert reading.values == {}
    assert [reason.code for reason in reading.withheld[SITUATION]] == ["third_party.no_grant"]
    (row,) = listed(house)
    assert (row.outcome, row.own) == ("refused", True)


def test_a_protected_address_is_not_hidden_from_oneself(tmp_path: Path) -> None:
    """Kode 6 shields a person from others; whoever lives there knows the address."""
    protected = {"address_protection": "strictly_confidential", "born": "2002-01-01"}
    house = build(tmp_path, others=[{**protected, "national_id": PER, "guardians": []}])
    house.deposit("nav-larvik", PER, {"contact.address": "et sted"})
    reading = read(house, who=PER)
    assert [one.value for one in reading.values["contact.address"]] == ["et sted"]
    house.store.close()


def test_nobody_else_reads(house: House) -> None:
    """Not a mother, whose child's record it is; not somebody whom the broker holds nothing about; not another youth."""
    shared(house)
    for who in (MOTHER, SARA):
        with pytest.raises(NotASubject):
            read(house, who=who)
    house.deposit("larvikshjelpa", SARA, {CAPACITY: "saras"})
    assert [one.value for one in read(house, who=SARA).values[CAPACITY]] == ["saras"]


def test_no_service_reads_for_that_purpose(house: House) -> None:
    """The purpose is the subject's own; a service that gives it is refused, whatever was said yes to."""
    shared(house)
    ask = house.ask("nav-larvik", EMIL, RATE, purpose="own_access", collaboration=None)
    answer = house.disclose(ask, "nav-larvik")
    assert [reason.code for reason in answer.withheld[RATE]] == ["limit.hard"]


def test_a_reading_is_logged_receipted_and_listed_and_nobody_is_told(house: House) -> None:
    """No log entry, no data; and a youth needs no notice of what they did this moment."""
    shared(house)
    before, notices = entries(house), told(house)
    reading = read(house)
    assert entries(house) == before + 1
    (row,) = [one for one in listed(house) if one.own]
    assert (row.recipient, row.purpose, row.role) == (SUBJECT, "own_access", SUBJECT)
    assert row.receipt == reading.receipts[0].token
    assert {ground.kind for f in row.fields.values() for ground in f.grounds} == {"own_access"}
    said = {one.explanation.text for one in row.fields.values() if one.explanation}
    assert said == {"Du leser det som står om deg."}
    assert told(house) == notices
    with house.store.engine.connect() as connection:
        leaves = set(connection.execute(select(log_entry.c.leaf_hash)).scalars())
    assert reading.receipts[0].leaf_hash in leaves


def test_nothing_deposited_is_nothing_to_read(house: House) -> None:
    """Who is known to a service that has written nothing finds an empty page, not an error."""
    house.handle("nav-larvik", EMIL)
    reading = read(house)
    assert (reading.values, reading.receipts, listed(house)) == ({}, (), ())


def test_only_the_key_that_was_sent_opens(house: House) -> None:
    """The broker hands out to a key made for this one reading; another key, or the repeat with another, gets nothing."""
    shared(house)
    key = ServiceKey.generate(SUBJECT)
    first = post(house, key, once="the-very-same-key")
    written = entries(house)
    again = post(house, key, once="the-very-same-key")
    assert [one.id for one in again.disclosures] == [one.id for one in first.disclosures]
    assert entries(house) == written
    with pytest.raises(IdempotencyKeyReused):
        post(house, ServiceKey.generate(SUBJECT), once="the-very-same-key")
    house.clock.step(days=2)
    with pytest.raises(DisclosureGone):
        post(house, key, once="the-very-same-key")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda jwk: {**jwk, "d": jwk["x"]},
        lambda jwk: {**jwk, "kid": "A" * 43},
        lambda jwk: {**jwk, "crv": "P-256"},
        lambda jwk: {**jwk, "x": "AAAA"},
        lambda _: {},
    ],
    ids=["private", "another id", "another curve", "short", "nothing"],
)
def test_a_key_that_nothing_can_be_sealed_to_is_refused(house: House, spoil: Any) -> None:
    """A private half, or a key under another's id, must not come into a receipt."""
    shared(house)
    (_, jwk), before = ServiceKey.generate(SUBJECT).public_jwks()["keys"], entries(house)
    with pytest.raises(ReadingKeyUnusable):
        own_access.values(OwnAccess(jwk=spoil(jwk)), call=house.person(EMIL), ports=house.ports)
    assert entries(house) == before


def test_where_quantum_computers_are_minded_the_reading_key_minds_them_too(
    house: House, tmp_path: Path
) -> None:
    """What a service may not be sealed to, a person is not either; the portal's own key is such a one."""
    shared(house)
    strict = dataclasses.replace(house.ports, post_quantum=True)
    weak = asking(ServiceKey.generate(SUBJECT))
    with pytest.raises(HybridKeyRequired):
        own_access.values(weak, call=house.person(EMIL), ports=strict)
    exchange_deposit_key(tmp_path, "hybrid")
    assert own_reading.read(None, call=house.person(EMIL), ports=strict).values


def test_reading_is_bounded_by_the_custodian_like_any_release(house: House, tmp_path: Path) -> None:
    """Nobody reads more than a service may, with a new key each time too; who must wait is told for how long."""
    shared(house)
    house.deposit("larvikshjelpa", SARA, {CAPACITY: "saras"})
    slow = LocalCustodian(
        tmp_path / "keyring", lambda: PASSPHRASE, clock=house.clock, rate=Rate(0.001, 1)
    )
    house = dataclasses.replace(house, ports=dataclasses.replace(house.ports, custodian=slow))
    read(house)
    with pytest.raises(TooManyReleases) as waits:
        read(house)
    assert waits.value.retry_after > 1
    assert read(house, who=SARA).values.keys() == {CAPACITY}


def test_what_cannot_be_released_is_recorded_and_said(house: House, tmp_path: Path) -> None:
    """A custodian that is away releases nothing, to oneself either; the log says that it stopped."""
    shared(house)
    closed = LocalCustodian(tmp_path / "keyring", lambda: b"another passphrase", clock=house.clock)
    before = entries(house)
    with pytest.raises(CustodianDown):
        own_reading.read(
            None,
            call=house.person(EMIL),
            ports=dataclasses.replace(house.ports, custodian=closed),
        )
    assert entries(house) == before + 2


def test_an_erased_subject_reads_nothing(house: House) -> None:
    """Shredding is final, for the one it is about too."""
    shared(house)
    with house.ports.store.read() as tx:
        subject = tx.subject_by_person(house.hashed(EMIL))
    house.ports.custodian.shred(subject=str(subject))
    with pytest.raises(SubjectErased):
        read(house)


def test_a_value_that_no_key_of_its_source_vouches_for_is_named_and_not_shown(house: House) -> None:
    """A source that revoked its key leaves values nobody can check; the rest is read all the same."""
    shared(house)
    with house.ports.store.write() as tx:
        unit = UnitId("larvikshjelpa")
        for key in tx.service_keys(unit):
            tx.revoke_service_key(unit, key.kid, at=house.clock.at)
    reading = read(house)
    assert {name: one.value for name, (one,) in reading.values.items()} == {
        RATE: 0.62,
        BAND: "50_79",
    }
    assert {(one.field, one.source) for one in reading.unproven} == {
        (CAPACITY, "larvikshjelpa"),
        (DIAGNOSIS, "larvikshjelpa"),
    }


def test_reading_oneself_is_no_signal_and_reminds_nobody_to_erase(house: House) -> None:
    """A youth who reads again and again at night is not unusual, and has nothing to attest."""
    shared(house)
    house.clock.step(hours=16)
    for _ in range(5):
        read(house)
    house.clock.step(days=3)
    while signalling.look_for(ports=house.ports):
        pass
    ticked = ticking.tick(ports=house.ports)
    assert ticked.erasures_due == 0
    with house.ports.store.read() as tx:
        assert tx.events(UnitId(SUBJECT), after=0, limit=10) == ()
        assert tx.signals(SignalQuery()) == ()
