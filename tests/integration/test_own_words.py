"""Own words: only the youth writes them, and who reads them is who the youth says yes to, on both databases."""

import dataclasses
import os
from datetime import timedelta
from pathlib import Path

import pytest

from broker.domain.ids import SubjectHandle, UnitId
from broker.errors import CustodianDown, NotASource, NotASubject, NotYourField, SubjectErased
from broker.usecases import own_reading, own_words, trust
from keys.keyring import LocalCustodian
from tests.house import EMIL, SARA, House
from tests.integration.test_one_disclosure import entries
from tillit.errors import SourceSignatureInvalid
from tillit.keys import ServiceKey
from tillit.opening import OpenedValue, open_disclosure
from tillit.sealing import SubjectRef, Value, ValueRefused, seal_deposit
from tillit.wire import SUBJECT, DepositAnswer, DisclosureAnswer, OwnWords

GOALS, STORY = "voice.goals", "voice.story"
SCHOOL, NAV = "thor-heyerdahl-vgs", "nav-larvik"


def says(
    house: House, text: str, field: str = GOALS, *, who: str = EMIL, once: str | None = None
) -> DepositAnswer:
    """Somebody writes in their own words."""
    words = OwnWords(field=field, text=text)
    return own_words.write(words, call=house.person(who, key=once), ports=house.ports)


def yes(house: House) -> None:
    """Emil lets everybody in Larvik's committee who asks know his own words."""
    asked = {"categories": ["voice"], "purposes": ["coordination"]}
    house.answer(house.request(NAV, EMIL, **asked), EMIL)


def opened(house: House, answer: DisclosureAnswer, *fields: str) -> dict[str, OpenedValue]:
    """What Nav's SDK opens, with the keys that anybody may fetch."""
    ask = house.ask(NAV, EMIL, *fields, purpose="coordination")
    found = open_disclosure(
        answer,
        key=house.keys[NAV],
        source_keys={SUBJECT: trust.service_jwks(UnitId(SUBJECT), house.ports)},
        broker_keys=trust.keys(house.ports),
        national_id=EMIL,
        asked=ask,
        now=house.clock.at,
    )
    return dict(found.values)


def asks(house: House, *fields: str) -> DisclosureAnswer:
    """Nav asks for Emil's words."""
    return house.disclose(house.ask(NAV, EMIL, *fields, purpose="coordination"), NAV)


def test_words_reach_who_the_youth_said_yes_to_and_nobody_before(house: House) -> None:
    """N17: shared as the youth picks; the recipient sees that they are the youth's own."""
    house.handle(NAV, EMIL)
    says(house, "jeg vil bli kokk")
    assert asks(house, GOALS).outcome == "refused"
    yes(house)
    value = opened(house, asks(house, GOALS), GOALS)[GOALS]
    assert (value.value, value.source) == ("jeg vil bli kokk", SUBJECT)
    assert (value.basis, value.author_role) == ("stated_by_subject", SUBJECT)


def test_new_words_take_the_place_of_old_ones(house: House) -> None:
    """What somebody wanted last year is not what they want."""
    house.handle(NAV, EMIL)
    yes(house)
    says(house, "jeg vil bli kokk")
    house.clock.step(hours=1)
    says(house, "jeg vil bli baker")
    assert opened(house, asks(house, GOALS), GOALS)[GOALS].value == "jeg vil bli baker"
    reading = own_reading.read([GOALS], call=house.person(EMIL), ports=house.ports)
    assert [one.value for one in reading.values[GOALS]] == ["jeg vil bli baker"]


@pytest.mark.parametrize("unit", [SCHOOL, NAV, "larvikshjelpa"])
def test_no_service_writes_in_the_youths_place(house: House, unit: str) -> None:
    """Nobody but the youth changes what the youth says, whatever kind of service it is."""
    says_before = entries(house)
    with pytest.raises(NotASource):
        house.deposit(unit, EMIL, {GOALS: "han vil på tiltak"})
    assert entries(house) == says_before + 1  # that the service knows him


def test_a_service_that_signs_in_the_youths_name_is_found(house: House) -> None:
    """Only the broker signs for a subject: what anybody else signs does not open."""
    house.handle(NAV, EMIL)
    says(house, "jeg vil bli kokk")
    yes(house)
    ask = house.ask(NAV, EMIL, GOALS, purpose="coordination")
    with pytest.raises(SourceSignatureInvalid):
        open_disclosure(
            house.disclose(ask, NAV),
            key=house.keys[NAV],
            source_keys={SUBJECT: house.keys[SCHOOL].public_jwks()},
            broker_keys=trust.keys(house.ports),
            national_id=EMIL,
            asked=ask,
        )


def test_what_is_not_the_youths_to_write_is_refused(house: House) -> None:
    """A grade is the school's; and a field takes no more than the catalogue says."""
    house.handle(NAV, EMIL)
    before = entries(house)
    for field, text in (("education.wishes", "x"), ("no.such_field", "x"), (GOALS, "x" * 2001)):
        with pytest.raises(NotYourField):
            says(house, text, field)
    assert entries(house) == before
    says(house, "x" * 2001, STORY)


def test_words_are_an_entry_once_and_lie_nowhere_in_clear(house: House, tmp_path: Path) -> None:
    """A repeat writes nothing new; the database has what the custodian alone could open."""
    house.handle(NAV, EMIL)
    before = entries(house)
    first = says(house, "en gulfugl synger", once="the-very-same-key")
    assert says(house, "en gulfugl synger", once="the-very-same-key") == first
    assert entries(house) == before + 1
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"gulfugl" not in path.read_bytes()
    assert "gulfugl" not in repr(OwnWords(field=GOALS, text="en gulfugl synger"))


def test_nobody_speaks_who_is_not_known_or_is_erased(house: House, tmp_path: Path) -> None:
    """Nothing is kept about somebody whom nobody has asked about, or whose key is gone, or while the custodian is away."""
    with pytest.raises(NotASubject):
        says(house, "hei", who=SARA)
    house.handle(NAV, EMIL)
    closed = LocalCustodian(tmp_path / "keyring", lambda: b"another passphrase")
    away = dataclasses.replace(house, ports=dataclasses.replace(house.ports, custodian=closed))
    with pytest.raises(CustodianDown):
        says(away, "hei")
    with house.ports.store.read() as tx:
        subject = tx.subject_by_person(house.hashed(EMIL))
    house.ports.custodian.shred(subject=str(subject))
    with pytest.raises(SubjectErased):
        says(house, "hei")


def test_the_keys_that_words_are_signed_with_are_there_while_the_custodian_is_away(
    house: House, tmp_path: Path
) -> None:
    """Who has the words already checks them; only what is sealed anew takes the custodian."""
    closed = LocalCustodian(tmp_path / "keyring", lambda: b"another passphrase")
    away = dataclasses.replace(house.ports, custodian=closed)
    assert trust.service_jwks(UnitId(SUBJECT), away) == trust.keys(house.ports).receipts


def test_a_custodian_that_nothing_may_be_sealed_to_is_not_the_youths_fault(house: House) -> None:
    """Where quantum computers are minded and the custodian has no such key, nobody is told that theirs is wrong."""
    house.handle(NAV, EMIL)
    strict = dataclasses.replace(house, ports=dataclasses.replace(house.ports, post_quantum=True))
    with pytest.raises(CustodianDown):
        says(strict, "hei")


def test_a_number_is_wanted_of_everybody_else(house: House) -> None:
    """Only the subject's own words go without a tag; a service cannot leave it out."""
    value = Value(GOALS, "hei", house.clock.at - timedelta(hours=1), "measured", "laerer")
    custodian = house.ports.custodian.public_jwk()
    for unit, number in ((SCHOOL, None), (SUBJECT, "12")):
        with pytest.raises(ValueRefused):
            seal_deposit(
                [value],
                key=ServiceKey.generate(unit),
                subject=SubjectRef(house.handle(SCHOOL, EMIL), number),
                custodian_jwk=custodian,
            )


def test_what_is_not_stated_by_the_youth_is_nobodys_own_words(house: House) -> None:
    """Even under the key that signs for subjects: what was measured does not open as something said."""
    house.handle(NAV, EMIL)
    says(house, "jeg vil bli kokk")
    signer = ServiceKey(
        SUBJECT, sig=house.ports.secrets.receipts.private_bytes_raw(), enc=os.urandom(32)
    )
    measured = seal_deposit(
        [Value(GOALS, "vil på tiltak", house.clock.at, "measured", SUBJECT)],
        key=signer,
        subject=SubjectRef(SubjectHandle("hdl_" + "A" * 22), None),
        custodian_jwk=house.ports.custodian.public_jwk(),
    )
    with house.ports.store.write() as tx:
        subject = tx.subject_by_person(house.person(EMIL).person)
        assert subject is not None
        own_words.keep(tx, subject, measured, at=house.clock.at, ports=house.ports)
    yes(house)
    with pytest.raises(SourceSignatureInvalid):
        opened(house, asks(house, GOALS), GOALS)
