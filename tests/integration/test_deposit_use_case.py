"""Deposits through the use case: what a source gets wrong changes nothing and says what it was."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from broker.errors import (
    BrokerError,
    CustodianDown,
    DepositBindingBroken,
    DepositKeyInvalid,
    HybridKeyRequired,
    NotASource,
    ObservedInFuture,
    RecordExists,
    SubjectErased,
    UnknownDepositField,
)
from broker.usecases import deposits, trust
from broker.usecases.service_keys import is_hybrid
from tests.house import EMIL, House, exchange_deposit_key
from tests.integration.entries import entries_about
from tillit.jcs import canonical
from tillit.jose import b64u, unb64u
from tillit.sealing import SubjectRef, Value, seal_deposit
from tillit.wire import Deposit, DepositItem, RecipientHeader, SealedField

SCHOOL = "thor-heyerdahl-vgs"
WISHES, GRADES = "education.wishes", "education.grades"


def sealed(house: House, *fields: str, unit: str = SCHOOL, ahead: int = -1) -> Deposit:
    """A deposit about Emil as the SDK makes it, ``ahead`` hours from now."""
    when = house.clock.at + timedelta(hours=ahead)
    return seal_deposit(
        [Value(name, "x", when, "measured", "teacher") for name in fields],
        key=house.keys[unit],
        subject=SubjectRef(house.handle(unit, EMIL), EMIL),
        custodian_jwk=house.ports.custodian.public_jwk(),
    )


def changed(deposit: Deposit, change: Callable[[SealedField], dict[str, object]]) -> Deposit:
    """The deposit with its first value's sealed part changed."""
    first = deposit.items[0]
    spoilt = first.sealed.model_copy(update=change(first.sealed))
    item = DepositItem(observed_at=first.observed_at, sealed=spoilt)
    return deposit.model_copy(update={"items": (item, *deposit.items[1:])})


def rebound(**members: object) -> Callable[[SealedField], dict[str, object]]:
    """Associated data that says something else, in canonical form."""

    def change(_: SealedField) -> dict[str, object]:
        said = {"v": 1, "field": WISHES, "record": "rec_" + "A" * 22, "source": SCHOOL}
        return {"aad": b64u(canonical({**said, **members}))}

    return change


SPOILT: dict[str, Callable[[SealedField], dict[str, object]]] = {
    "another version": rebound(v=2),
    "another source": rebound(source="larvikshjelpa"),
    "no record id": rebound(record="x"),
    "one member more": rebound(more=1),
    "no JSON": lambda _: {"aad": b64u(b"{")},
    "no text": lambda _: {"aad": b64u(b"\xff")},
    "not canonical": lambda field: {"aad": b64u(b" " + unb64u(field.aad))},
    "another reader": lambda _: {"header": RecipientHeader(alg="A256KW", kid="at-rest")},
    "another header": lambda _: {"protected": b64u(b'{"enc": "A256GCM"}')},
    "a tag with stray bits": lambda field: {"tag": field.tag[:-1] + "B"},
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_value_that_is_not_bound_as_it_must_be_is_not_admitted(house: House, how: str) -> None:
    """What no recipient could open, or what claims to be something else, is found at the door."""
    spoilt = changed(sealed(house, WISHES), SPOILT[how])
    with pytest.raises(DepositBindingBroken):
        deposits.deposit(spoilt, call=house.call(SCHOOL), ports=house.ports)


def test_a_field_or_a_record_stands_once(house: House) -> None:
    """Two values of one field in one deposit, or two under one record id, are refused whole."""
    both = sealed(house, WISHES, GRADES)
    twice = both.model_copy(update={"items": (both.items[0], both.items[0])})
    same_record = changed(both, rebound(record=_record(both.items[1])))
    for wrong in (twice, same_record):
        with pytest.raises(DepositBindingBroken):
            deposits.deposit(wrong, call=house.call(SCHOOL), ports=house.ports)


def _record(item: DepositItem) -> str:
    return str(deposits.Binding.model_validate_json(unb64u(item.sealed.aad)).record)


@pytest.mark.parametrize(
    ("fields", "unit", "ahead", "error"),
    [
        (("made.up",), SCHOOL, -1, UnknownDepositField),
        (("health.diagnosis",), SCHOOL, -1, NotASource),
        ((WISHES,), SCHOOL, 1, ObservedInFuture),
    ],
)
def test_what_a_source_cannot_say_is_refused(
    house: House, fields: tuple[str, ...], unit: str, ahead: int, error: type[BrokerError]
) -> None:
    """An unknown field, a field that is another's to know, a value from the future."""
    with pytest.raises(error):
        deposits.deposit(
            sealed(house, *fields, unit=unit, ahead=ahead), call=house.call(unit), ports=house.ports
        )


def test_a_record_is_deposited_once(house: House) -> None:
    """The same sealed value under another idempotency key is a mistake, not a second observation."""
    deposit = sealed(house, WISHES)
    deposits.deposit(deposit, call=house.call(SCHOOL), ports=house.ports)
    with pytest.raises(RecordExists):
        deposits.deposit(deposit, call=house.call(SCHOOL), ports=house.ports)


def test_a_deposit_key_opens_one_deposit(house: House) -> None:
    """The key of one deposit admits nothing of another."""
    one, other = sealed(house, WISHES), sealed(house, GRADES)
    mixed = one.model_copy(update={"key": other.key})
    with pytest.raises(DepositKeyInvalid):
        deposits.deposit(mixed, call=house.call(SCHOOL), ports=house.ports)


def test_where_quantum_computers_are_feared_a_deposit_key_is_sealed_to_a_hybrid(
    house: House, tmp_path: Path
) -> None:
    """What was sealed to another is refused whole, also under a key that the custodian still has."""
    feared, old = replace(house.ports, post_quantum=True), sealed(house, WISHES)
    with pytest.raises(CustodianDown):
        trust.keys(feared)
    exchange_deposit_key(tmp_path, "hybrid")
    with pytest.raises(HybridKeyRequired):
        deposits.deposit(old, call=house.call(SCHOOL), ports=feared)
    assert house.ports.custodian.public_jwk() == trust.keys(feared).custodian
    answer = deposits.deposit(sealed(house, WISHES), call=house.call(SCHOOL), ports=feared)
    assert answer.deposited.keys() == {WISHES}
    log = house.ports.custodian.log_epoch_key(epoch="sharing-2026-11")
    assert is_hybrid(log)


def test_the_log_names_the_key_that_a_deposit_was_sealed_to(house: House, tmp_path: Path) -> None:
    """Also where the custodian is another process, which writes no entry when it exchanges its key."""
    one = sealed(house, WISHES)
    exchange_deposit_key(tmp_path, "x25519")
    two = sealed(house, GRADES)
    for deposit in (one, two):
        deposits.deposit(deposit, call=house.call(SCHOOL), ports=house.ports)
    named = [entry["key"] for entry in entries_about(house, "deposit")]
    assert named == [one.key.kid, two.key.kid]
    assert one.key.kid != two.key.kid == house.ports.custodian.public_jwk()["kid"]


def test_nothing_is_admitted_while_the_keyring_is_away(house: House, tmp_path: Path) -> None:
    """503, nothing stored; the same call is taken when it is back."""
    deposit, call = sealed(house, WISHES), house.call(SCHOOL)
    keyring, away = tmp_path / "keyring", tmp_path / "away"
    keyring.rename(away)
    with pytest.raises(CustodianDown):
        deposits.deposit(deposit, call=call, ports=house.ports)
    away.rename(keyring)
    answer = deposits.deposit(deposit, call=call, ports=house.ports)
    assert answer.deposited.keys() == {WISHES}


def test_nothing_is_deposited_about_an_erased_subject(house: House) -> None:
    """Erasure is final also for what would come after."""
    house.deposit(SCHOOL, EMIL, {GRADES: {"norsk": "4"}})
    with house.ports.store.read() as tx:
        subject = tx.subject_by_person(house.hashed(EMIL))
    assert subject is not None
    house.ports.custodian.shred(subject=subject)
    with pytest.raises(SubjectErased):
        deposits.deposit(sealed(house, WISHES), call=house.call(SCHOOL), ports=house.ports)
