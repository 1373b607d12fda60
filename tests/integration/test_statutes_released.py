"""What is released on a statute, and what the subject sees of it and when, on both databases."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.domain.ids import DisclosureId, UnitId
from broker.errors import DisclosureGone, UnknownDisclosure
from broker.register import SyntheticRegister
from broker.usecases import disclosures, erasures, me, objections
from broker.usecases.people import person_key
from tests.house import EMIL, SARA, House
from tests.integration.test_statutes import (
    DOCTOR,
    HEAD,
    HEALTH,
    SCHOOL,
    TEACHER,
    WELFARE,
    confirmed,
    events,
    logged,
    relied,
    reviewed,
    told,
)
from tillit import erasures as attested
from tillit.wire import Actor, Ask, Attestation, DisclosureAnswer, Erasure, ObjectionRequest

PHONE, RATE, DROPOUT = "contact.phone", "education.attendance.rate", "education.dropout_notice"
NOT_ALLOWED = ["emergency.not_allowed"]
CONTACT = Actor(id="k1", role="kontaktperson")
DELAY = {"days": 2, "reason": "Den som er meldt, kan lese barnets telefon."}


def urgent(house: House, national_id: str = EMIL, **more: Any) -> Ask:
    """The health team asks for a phone number in an emergency."""
    about = {"purpose": "emergency_help", "collaboration": None, "actor": DOCTOR, **more}
    return house.ask(HEALTH, national_id, PHONE, **about)


def reported(house: House) -> Ask:
    """Child welfare asks for what the school has reported about Sara."""
    about = {"purpose": "duty_to_report", "collaboration": None, "actor": CONTACT}
    return house.ask(WELFARE, SARA, RATE, **about)


def codes(answer: DisclosureAnswer, field: str) -> list[str]:
    """Why a field was withheld."""
    return [reason.code for reason in answer.withheld[field]]


def again(house: House, answer: DisclosureAnswer, unit: str) -> DisclosureAnswer:
    """The same disclosure once more."""
    return disclosures.again(
        DisclosureId(answer.id), unit=UnitId(unit), language="nb", ports=house.ports
    )


def seen(house: House, national_id: str) -> list[str]:
    """The disclosures that a person is shown."""
    person = house.hashed(national_id)
    page = me.disclosures(person=person, before=None, limit=50, language="nb", ports=house.ports)
    return [one.id for one in page.disclosures]


# --- emergencies


def test_an_emergency_opens_for_a_day_and_never_unseen(house: House) -> None:
    """Nothing before a doctor gives a reason, nothing when the day is over; the youth knows at once."""
    house.deposit(SCHOOL, EMIL, {PHONE: "900 00 000"})
    ask = urgent(house)
    assert codes(house.disclose(ask, HEALTH), PHONE) == NOT_ALLOWED
    made = relied(house, HEALTH, EMIL, "S4", fields=[PHONE])
    answer = house.disclose(ask, HEALTH)
    assert answer.outcome == "released"
    (ground,) = answer.grounds[PHONE]
    assert (ground.kind, ground.id, ground.grant, ground.source) == (
        "emergency",
        "S4",
        made.id,
        SCHOOL,
    )
    assert answer.manifest.consents == ()
    opened = house.open(answer, ask, HEALTH, EMIL)
    assert opened.values[PHONE].value == "900 00 000"
    assert [notice.kind for notice in told(house, EMIL)] == ["released", "relied_on"]
    assert answer.id in seen(house, EMIL)
    assert again(house, answer, HEALTH).sealed.keys() == {PHONE}
    house.clock.step(hours=24)
    with pytest.raises(DisclosureGone):
        again(house, answer, HEALTH)
    assert codes(house.disclose(ask, HEALTH), PHONE) == ["emergency.expired"]
    house.clock.step(days=31)
    assert codes(house.disclose(ask, HEALTH), PHONE) == NOT_ALLOWED


def test_who_asks_in_an_emergency_has_a_role_for_it_too(house: House) -> None:
    """A colleague of another profession does not read along."""
    house.deposit(SCHOOL, EMIL, {PHONE: "900 00 000"})
    relied(house, HEALTH, EMIL, "S4", fields=[PHONE])
    answer = house.disclose(urgent(house, actor=TEACHER), HEALTH)
    assert codes(answer, PHONE) == ["actor.role"]


def test_a_review_ends_what_was_relied_on(house: House) -> None:
    """What a colleague has looked at is all there was: nothing more is released on it."""
    house.deposit(SCHOOL, EMIL, {PHONE: "900 00 000"})
    made = relied(house, HEALTH, EMIL, "S4", fields=[PHONE])
    answer = house.disclose(urgent(house), HEALTH)
    reviewed(house, HEALTH, made.id, Actor(id="d2", role="psykolog"))
    with pytest.raises(DisclosureGone):
        again(house, answer, HEALTH)
    assert house.disclose(urgent(house), HEALTH).outcome == "refused"


# --- reports


def test_a_report_lets_child_welfare_ask_and_an_objection_does_not_stop_it(house: House) -> None:
    """The school relies on its duty; what it named is released, and Sara is told."""
    house.deposit(SCHOOL, SARA, {RATE: 0.62})
    assert codes(house.disclose(reported(house), WELFARE), RATE) == ["statute.conditions"]
    relied(house, SCHOOL, SARA, "S2", recipient=WELFARE, actor=TEACHER, fields=[RATE])
    answer = house.disclose(reported(house), WELFARE)
    assert (answer.outcome, answer.grounds[RATE][0].kind) == ("released", "statute")
    assert answer.manifest.obligations.notify == "immediate"
    assert answer.id in seen(house, SARA)
    said = ObjectionRequest(category="education", objects=True)
    objections.answer(said, call=house.person(SARA), ports=house.ports)
    assert again(house, answer, WELFARE).sealed.keys() == {RATE}
    assert house.disclose(reported(house), WELFARE).outcome == "released"


def test_a_delayed_notice_hides_the_disclosure_until_its_time(house: House) -> None:
    """Neither in the list, nor the notices, nor the copy, nor the proof, nor by its erasure, until the delay is over."""
    house.deposit(SCHOOL, SARA, {RATE: 0.62})
    more = {"recipient": WELFARE, "actor": TEACHER, "fields": [RATE], "notice_delay": DELAY}
    relied(house, SCHOOL, SARA, "S2", **more)
    answer = house.disclose(reported(house), WELFARE)
    assert (answer.outcome, answer.manifest.obligations.notify) == ("released", "delayed")
    refused = house.disclose(
        house.ask(
            WELFARE,
            SARA,
            "education.grades",
            purpose="duty_to_report",
            collaboration=None,
            actor=CONTACT,
        ),
        WELFARE,
    )
    assert refused.outcome == "refused"
    gone = Attestation(v=1, disclosure=answer.id, erased_at=house.clock())
    attestation = attested.attest(gone, house.keys[WELFARE])
    erasures.erased(
        DisclosureId(answer.id),
        Erasure(attestation=attestation),
        call=house.call(WELFARE),
        ports=house.ports,
    )
    person = house.hashed(SARA)
    house.sequencer.run_once()

    def proof() -> None:
        disclosures.proof(DisclosureId(answer.id), reader=person, person=True, ports=house.ports)

    def copied() -> tuple[int, int]:
        copy = me.copy(person=person, language="nb", ports=house.ports)
        return len(copy.disclosures), len(copy.notices)

    house.clock.step(days=2, seconds=-1)
    assert (seen(house, SARA), told(house, SARA), copied()) == ([], [], (0, 0))
    with pytest.raises(UnknownDisclosure):
        proof()
    house.clock.step(seconds=1)
    assert seen(house, SARA) == [refused.id, answer.id]
    assert {notice.kind for notice in told(house, SARA)} == {"relied_on", "released", "erased"}
    assert copied() == (2, 3)
    proof()


def test_nothing_is_released_on_one_persons_word_where_two_are_wanted(house: House) -> None:
    """And the subject, who may be told later, does not learn it from a refusal."""
    house.deposit(SCHOOL, EMIL, {RATE: 0.62})
    ask = house.ask(WELFARE, EMIL, RATE, purpose="duty_to_avert", collaboration=None, actor=CONTACT)
    more = {"recipient": WELFARE, "actor": TEACHER, "fields": [RATE], "notice_delay": DELAY}
    made = relied(house, SCHOOL, EMIL, "S3", **more)
    assert codes(house.disclose(ask, WELFARE), RATE) == ["statute.conditions"]
    assert seen(house, EMIL) == []
    confirmed(house, SCHOOL, made.id, HEAD)
    assert house.disclose(ask, WELFARE).outcome == "released"
    assert (seen(house, EMIL), told(house, EMIL)) == ([], [])
    house.clock.step(days=2)
    assert len(seen(house, EMIL)) == 2


# --- dropout


def test_the_follow_up_service_is_told_of_a_dropout_by_law(house: House) -> None:
    """S1 and N32: no yes is needed, Emil is told, a correction counts, and OT gets what the law names and no more."""
    values = {DROPOUT: {"date": "2026-11-20"}, "education.grades": {"English": "4"}}
    house.deposit(SCHOOL, EMIL, values)
    event = events(house, "ot-vestfold")[-1]
    assert (event.type, event.consent, event.fields) == ("notice.dropout", None, (DROPOUT,))
    assert event.subject == house.handle("ot-vestfold", EMIL)
    assert [(n.kind, n.unit) for n in told(house, EMIL)] == [("dropout_told", "ot-vestfold")]
    assert [e["recipient"] for e in logged(house, "dropout.told")] == ["ot-vestfold"]
    for unit in ("nav-larvik", HEALTH, WELFARE):
        assert "notice.dropout" not in [e.type for e in events(house, unit)]
    house.clock.step(hours=2)
    house.deposit(SCHOOL, EMIL, {DROPOUT: {"date": "2026-11-23"}})
    about = {"purpose": "dropout_notice", "collaboration": None}
    ask = house.ask("ot-vestfold", EMIL, DROPOUT, "education.grades", **about)
    answer = house.disclose(ask, "ot-vestfold")
    assert answer.grounds[DROPOUT][0].id == "S1"
    assert list(answer.withheld) == ["education.grades"]
    opened = house.open(answer, ask, "ot-vestfold", EMIL)
    assert opened.values[DROPOUT].value == {"date": "2026-11-23"}
    assert answer.manifest.expires_at == house.clock() + timedelta(days=30)
    assert again(house, answer, "ot-vestfold").id == answer.id


def test_nobody_is_told_of_a_dropout_outside_the_target_group(house: House) -> None:
    """From 25 OT has no task: no event, no notice, not even a handle."""
    house.handle(SCHOOL, EMIL)
    house.clock.step(days=366 * 7)
    house.deposit(SCHOOL, EMIL, {DROPOUT: {"date": "2026-11-20"}})
    assert events(house, "ot-vestfold") == ()
    assert told(house, EMIL) == []
    assert "ot-vestfold" not in [e["unit"] for e in logged(house, "subject.known")]


@pytest.mark.parametrize("protection", ["confidential", "strictly_confidential"])
def test_no_emergency_reaches_somebody_with_a_protected_address(
    house: House, tmp_path: Path, protection: str
) -> None:
    """Per (kode 6) is hidden from somebody; an invocation, however urgent, gives no way to him."""
    person = {"national_id": EMIL, "born": "2002-01-01", "address_protection": protection}
    path = tmp_path / "protected.json"
    path.write_text(json.dumps({"people": [{**person, "guardians": []}]}))
    register = SyntheticRegister(path, lambda n: person_key(n, house.ports.secrets))
    hidden = replace(house, ports=replace(house.ports, register=register))
    hidden.deposit(SCHOOL, EMIL, {PHONE: "900 00 000"})
    relied(hidden, HEALTH, EMIL, "S4", fields=[PHONE])
    answer = hidden.disclose(urgent(hidden), HEALTH)
    assert codes(answer, PHONE) == ["subject.address_protected"]
    assert answer.sealed == {}
