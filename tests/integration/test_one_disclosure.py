"""One disclosure, from deposit to refusal, through the use cases with nothing faked, on both databases."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from audit.storage import log_entry
from broker.domain.ids import ConsentId, DisclosureId, UnitId
from broker.engine import bundle
from broker.engine.opa import OpaEngine
from broker.errors import (
    CustodianDown,
    DisclosureGone,
    EngineDown,
    ErasureRefused,
    IdempotencyKeyReused,
    NotASubject,
    SubjectErased,
    UnknownDisclosure,
    UnknownHandle,
    UnknownPerson,
)
from broker.usecases import asks, disclosures, erasures, me, people
from broker.usecases.people import age, turns
from tests.house import EMIL, FATHER, MOTHER, SARA, House
from tillit.erasures import attest
from tillit.errors import SubjectMismatch
from tillit.wire import Attestation, ConsentView, Erasure, SubjectRequest, Withdrawal

RATE, CAPACITY, DIAGNOSIS = (
    "education.attendance.rate",
    "functioning.capacity",
    "health.diagnosis",
)


def entries(house: House) -> int:
    """How many entries the log has."""
    with house.store.engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(log_entry)).scalar_one())


def shared(house: House) -> ConsentView:
    """Emil's values are deposited, and he has said yes to all but health."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.62})
    house.deposit("larvikshjelpa", EMIL, {CAPACITY: "to timer om dagen", DIAGNOSIS: "F32.1"})
    view = house.request("nav-larvik", EMIL)
    return house.answer(view, EMIL, lambda line: "no" if line.special else "yes")


def withdraw(house: House, view: ConsentView, *lines: str) -> ConsentView:
    """Emil takes it, or some lines of it, back."""
    return me.withdraw(
        ConsentId(view.id), Withdrawal(grants=lines), call=house.person(EMIL), ports=house.ports
    )


def test_nothing_is_shared_before_a_yes(house: House) -> None:
    """Default deny: what is deposited stays closed, and the reason says what is missing."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.62})
    house.request("nav-larvik", EMIL)
    answer = house.disclose(house.ask("nav-larvik", EMIL, RATE), "nav-larvik")
    assert (answer.outcome, answer.sealed, answer.key) == ("refused", {}, None)
    assert [reason.code for reason in answer.withheld[RATE]] == ["consent.incomplete"]


def test_a_partial_yes_shares_exactly_that(house: House) -> None:
    """N4: yes to some lines gives those, sealed to the recipient, and nothing of the rest."""
    shared(house)
    ask = house.ask("nav-larvik", EMIL, RATE, CAPACITY, DIAGNOSIS)
    answer = house.disclose(ask, "nav-larvik")
    opened = house.open(answer, ask, "nav-larvik", EMIL)
    assert {name: value.value for name, value in opened.values.items()} == {
        RATE: 0.62,
        CAPACITY: "to timer om dagen",
    }
    assert [reason.code for reason in answer.withheld[DIAGNOSIS]] == ["consent.no_grant"]


def test_the_newest_value_among_permitted_sources_is_released(house: House) -> None:
    """A recipient plans on what is true now, not on what happened to be stored first."""
    shared(house)
    house.clock.step(hours=2)
    house.deposit("larvikshjelpa", EMIL, {CAPACITY: "fire timer om dagen"})
    ask = house.ask("nav-larvik", EMIL, CAPACITY)
    opened = house.open(house.disclose(ask, "nav-larvik"), ask, "nav-larvik", EMIL)
    assert opened.values[CAPACITY].value == "fire timer om dagen"


def test_a_repeat_is_the_same_disclosure_and_writes_nothing(house: House) -> None:
    """A client that lost the answer gets it again without a second entry in the youth's list."""
    shared(house)
    ask = house.ask("nav-larvik", EMIL, RATE)
    first = house.disclose(ask, "nav-larvik", key="the-very-same-key")
    before = entries(house)
    again = house.disclose(ask, "nav-larvik", key="the-very-same-key")
    assert (again.id, again.receipt, again.manifest) == (first.id, first.receipt, first.manifest)
    assert entries(house) == before
    assert house.open(again, ask, "nav-larvik", EMIL).values[RATE].value == 0.62


def test_an_idempotency_key_belongs_to_one_body(house: House) -> None:
    """The same key with another ask is a mistake to be told of, never another ask's answer."""
    shared(house)
    house.disclose(house.ask("nav-larvik", EMIL, RATE), "nav-larvik", key="the-very-same-key")
    with pytest.raises(IdempotencyKeyReused):
        house.disclose(
            house.ask("nav-larvik", EMIL, CAPACITY), "nav-larvik", key="the-very-same-key"
        )


def test_a_withdrawal_ends_repeats_too(house: House) -> None:
    """Once withdraw has returned nothing is released on that consent, not even a recorded disclosure."""
    view = shared(house)
    ask = house.ask("nav-larvik", EMIL, RATE)
    first = house.disclose(ask, "nav-larvik", key="the-very-same-key")
    withdraw(house, view)
    before = entries(house)
    with pytest.raises(DisclosureGone):
        house.disclose(ask, "nav-larvik", key="the-very-same-key")
    assert entries(house) == before + 1
    with pytest.raises(DisclosureGone):
        disclosures.again(
            DisclosureId(first.id), unit=UnitId("nav-larvik"), language="en", ports=house.ports
        )
    refused = house.disclose(ask, "nav-larvik")
    assert [reason.code for reason in refused.withheld[RATE]] == ["consent.withdrawn"]


def test_narrowing_takes_away_only_that_line(house: House) -> None:
    """Per line: stop the school's line, keep the rest."""
    view = shared(house)
    school = [
        line.id
        for line in view.grants
        if (line.source, line.recipient, line.category)
        == ("thor-heyerdahl-vgs", "nav-larvik", "education")
    ]
    withdraw(house, view, *school)
    answer = house.disclose(house.ask("nav-larvik", EMIL, RATE, CAPACITY), "nav-larvik")
    assert set(answer.manifest.fields) == {CAPACITY}


def test_pause_stops_and_resume_restores(house: House) -> None:
    """N6: pause and resume without loss."""
    view = shared(house)
    ask = house.ask("nav-larvik", EMIL, RATE)
    me.pause(ConsentId(view.id), call=house.person(EMIL), ports=house.ports)
    paused = house.disclose(ask, "nav-larvik")
    assert [reason.code for reason in paused.withheld[RATE]] == ["consent.paused"]
    me.resume(ConsentId(view.id), call=house.person(EMIL), ports=house.ports)
    assert house.disclose(ask, "nav-larvik").outcome == "released"


def test_a_single_use_grant_is_used_up_by_one_release(house: House) -> None:
    """N7: one consultation is one use; a check uses nothing."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.62})
    house.answer(house.request("nav-larvik", EMIL, condition={"kind": "once"}), EMIL)
    ask = house.ask("nav-larvik", EMIL, RATE)
    assert asks.check(ask, call=house.call("nav-larvik"), ports=house.ports).outcome == "released"
    first = house.disclose(ask, "nav-larvik", key="the-very-same-key")
    second = house.disclose(ask, "nav-larvik")
    assert (first.outcome, second.outcome) == ("released", "refused")
    assert [reason.code for reason in second.withheld[RATE]] == ["consent.used_up"]
    assert house.disclose(ask, "nav-larvik", key="the-very-same-key").sealed.keys() == {RATE}


def test_a_handle_works_for_its_own_service_only(house: House) -> None:
    """Pairwise handles: what one service calls a youth means nothing to another."""
    foreign = house.ask("ot-vestfold", EMIL, RATE)
    with pytest.raises(UnknownHandle):
        house.disclose(foreign, "nav-larvik")


def test_a_disclosure_is_its_recipients_only(house: House) -> None:
    """Another service cannot fetch it, and cannot tell whether it exists."""
    shared(house)
    made = house.disclose(house.ask("nav-larvik", EMIL, RATE), "nav-larvik")
    with pytest.raises(UnknownDisclosure):
        disclosures.again(
            DisclosureId(made.id), unit=UnitId("ot-vestfold"), language="nb", ports=house.ports
        )


def test_the_subject_sees_releases_and_refusals(house: House) -> None:
    """N14: what was shared with whom on what ground, and what was refused and why."""
    shared(house)
    house.disclose(house.ask("nav-larvik", EMIL, RATE, DIAGNOSIS), "nav-larvik")
    house.clock.step(minutes=1)
    house.disclose(house.ask("ot-vestfold", EMIL, RATE), "ot-vestfold")
    seen = me.disclosures(
        person=house.hashed(EMIL), before=None, limit=10, language="nb", ports=house.ports
    ).disclosures
    assert [(d.recipient, d.outcome) for d in seen] == [
        ("ot-vestfold", "refused"),
        ("nav-larvik", "partly_released"),
    ]
    fields = seen[1].fields
    assert fields[RATE].shared
    assert fields[RATE].source == "thor-heyerdahl-vgs"
    assert [reason.code for reason in fields[DIAGNOSIS].reasons] == ["consent.no_grant"]
    with pytest.raises(NotASubject):
        me.disclosures(
            person=house.hashed(SARA), before=None, limit=10, language="nb", ports=house.ports
        )


def test_a_value_about_another_person_is_found_by_the_recipient(house: House) -> None:
    """Done when 4: a source that files a value under the wrong youth is found before anybody reads it."""
    shared(house)
    ask = house.ask("nav-larvik", EMIL, RATE)
    answer = house.disclose(ask, "nav-larvik")
    with pytest.raises(SubjectMismatch):
        house.open(answer, ask, "nav-larvik", SARA)


def test_no_engine_no_decision(house: House) -> None:
    """An engine that cannot be asked releases nothing, the log says so, and the next ask works."""
    shared(house)
    ask = house.ask("nav-larvik", EMIL, RATE)
    call = house.call("nav-larvik")
    before = entries(house)
    nobody_listens = replace(house.ports, engine=OpaEngine(bundle.load(), "http://127.0.0.1:9"))
    with pytest.raises(EngineDown):
        asks.disclose(ask, call=call, ports=nobody_listens)
    assert entries(house) == before + 1
    assert asks.disclose(ask, call=call, ports=house.ports).outcome == "released"


def test_a_locked_keyring_releases_nothing_until_it_opens(house: House, tmp_path: Path) -> None:
    """Recorded but not handed out; the same call is answered once the keyring is back."""
    shared(house)
    ask = house.ask("nav-larvik", EMIL, RATE)
    keyring, away = tmp_path / "keyring", tmp_path / "away"
    keyring.rename(away)
    with pytest.raises(CustodianDown):
        house.disclose(ask, "nav-larvik", key="the-very-same-key")
    away.rename(keyring)
    answer = house.disclose(ask, "nav-larvik", key="the-very-same-key")
    assert house.open(answer, ask, "nav-larvik", EMIL).values[RATE].value == 0.62


def test_a_shredded_subject_is_never_released_again(house: House) -> None:
    """Erasure is final: the sealed values remain, and nobody can open them."""
    shared(house)
    with house.ports.store.read() as tx:
        subject = tx.subject_by_person(house.hashed(EMIL))
    assert subject is not None
    house.ports.custodian.shred(subject=subject)
    with pytest.raises(SubjectErased):
        house.disclose(house.ask("nav-larvik", EMIL, RATE), "nav-larvik")


def test_nobody_is_known_whom_the_register_does_not_know(house: House) -> None:
    """A number that the population register does not have gives no handle and leaves no trace."""
    before = entries(house)
    with pytest.raises(UnknownPerson):
        people.resolve(
            SubjectRequest(national_id="01815050000"),
            call=house.call("nav-larvik"),
            ports=house.ports,
        )
    assert entries(house) == before


def test_ages_turn_at_midnight_in_oslo() -> None:
    """A birthday begins in Norway, an hour or two before it does in UTC; leap-day children turn on 1 March."""
    born = date(2010, 11, 24)
    assert turns(born, 16) == datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    assert age(born, datetime(2026, 11, 23, 22, 59, tzinfo=UTC)) == 15
    assert age(born, datetime(2026, 11, 23, 23, 0, tzinfo=UTC)) == 16
    assert turns(date(2008, 2, 29), 18) == datetime(2026, 2, 28, 23, 0, tzinfo=UTC)


def test_an_attested_erasure_is_seen_and_ends_the_disclosure(house: House) -> None:
    """N13: who says it has erased shows the youth so, and is not handed the same thing again."""
    shared(house)
    ask = house.ask("nav-larvik", EMIL, RATE)
    made = house.disclose(ask, "nav-larvik", key="the-very-same-key")
    house.clock.step(days=3)
    attestation = Attestation(v=1, disclosure=made.id, erased_at=house.clock.at)
    signed = Erasure(attestation=attest(attestation, house.keys["nav-larvik"]))
    identity = DisclosureId(made.id)
    with pytest.raises(UnknownDisclosure):
        erasures.erased(identity, signed, call=house.call("ot-vestfold"), ports=house.ports)
    forged = Erasure(attestation=attest(attestation, house.keys["ot-vestfold"]))
    with pytest.raises(ErasureRefused):
        erasures.erased(identity, forged, call=house.call("nav-larvik"), ports=house.ports)
    erasures.erased(identity, signed, call=house.call("nav-larvik"), ports=house.ports)
    with pytest.raises(DisclosureGone):
        house.disclose(ask, "nav-larvik", key="the-very-same-key")
    seen = me.copy(person=house.hashed(EMIL), language="en", ports=house.ports)
    assert [d.erased_at for d in seen.disclosures] == [house.clock.at]
    assert seen.notices[0].kind == "erased"
    with pytest.raises(ErasureRefused):
        erasures.erased(identity, signed, call=house.call("nav-larvik"), ports=house.ports)


def test_an_erasure_lies_between_disclosure_and_now(house: House) -> None:
    """An attestation dated before the disclosure, or ahead, says nothing."""
    shared(house)
    made = house.disclose(house.ask("nav-larvik", EMIL, RATE), "nav-larvik")
    for days in (-1, 1):
        when = house.clock.at + timedelta(days=days)
        attestation = Attestation(v=1, disclosure=made.id, erased_at=when)
        signed = Erasure(attestation=attest(attestation, house.keys["nav-larvik"]))
        with pytest.raises(ErasureRefused):
            erasures.erased(
                DisclosureId(made.id), signed, call=house.call("nav-larvik"), ports=house.ports
            )


def test_the_copy_holds_everything_the_broker_can_show(house: House) -> None:
    """N26: consents, disclosures and notices in one document, and not a value among them."""
    view = shared(house)
    made = house.disclose(house.ask("nav-larvik", EMIL, RATE), "nav-larvik")
    copy = me.copy(person=house.hashed(EMIL), language="nb", ports=house.ports)
    assert [consent.id for consent in copy.consents] == [view.id]
    assert [disclosure.id for disclosure in copy.disclosures] == [made.id]
    assert [notice.kind for notice in copy.notices] == ["released", "requested"]
    assert copy.complete
    assert "0.62" not in copy.model_dump_json()


def test_a_repeat_after_the_consents_time_gives_nothing(house: House) -> None:
    """Nothing rests on a consent after its end: not a recorded disclosure either, though no state has changed."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.62})
    house.answer(house.request("nav-larvik", EMIL, valid_days=2), EMIL)
    ask = house.ask("nav-larvik", EMIL, RATE)
    made = house.disclose(ask, "nav-larvik", key="the-very-same-key")
    house.clock.step(days=2)
    with pytest.raises(DisclosureGone):
        house.disclose(ask, "nav-larvik", key="the-very-same-key")
    with pytest.raises(DisclosureGone):
        disclosures.again(
            DisclosureId(made.id), unit=UnitId("nav-larvik"), language="nb", ports=house.ports
        )


def test_a_repeat_after_the_birthday_gives_nothing(house: House) -> None:
    """What guardians signed carries nothing from the day Sara turns 16, also for what was recorded the day before."""
    impact = "health.functional_impact"
    house.deposit("larvikshjelpa", SARA, {impact: "sover dårlig"})
    view = house.request("nav-larvik", SARA, categories=["health"], valid_days=364)
    house.answer(view, MOTHER, child_heard=True)
    house.answer(view, FATHER, child_heard=True)
    house.clock.step(days=290)
    ask = house.ask("nav-larvik", SARA, impact)
    assert house.disclose(ask, "nav-larvik", key="the-very-same-key").outcome == "released"
    house.clock.step(days=6)
    with pytest.raises(DisclosureGone):
        house.disclose(ask, "nav-larvik", key="the-very-same-key")
