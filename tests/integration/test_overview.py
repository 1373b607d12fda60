"""Who has the ball, and the meetings about me, through the use cases on both databases."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.compose import NoRegister
from broker.domain.ids import ConsentId
from broker.errors import MeetingInvalid, NotASubject
from broker.usecases import me, meetings, overview, pathways
from tests.agreeing import agreed
from tests.house import ACTOR, EMIL, LARVIK, MOTHER, SARA, House
from tillit.wire import (
    Language,
    MeetingRequest,
    MeetingView,
    MyCase,
    MyMeetings,
    StageReport,
    Withdrawal,
)

NAV, SCHOOL, HEALTH = "nav-larvik", "thor-heyerdahl-vgs", "larvikshjelpa"
COORDINATOR = {"id": "coordinator", "labels": {"nb": "Nav har ballen.", "nn": "-", "en": "-"}}
CHOSEN = {"id": "chosen_by_subject", "labels": {"nb": "Du velger.", "nn": "-", "en": "-"}}


def cases(house: House, national_id: str, language: Language = "nb") -> tuple[MyCase, ...]:
    """What a person sees of their cases."""
    person = house.hashed(national_id)
    return overview.cases(person=person, language=language, ports=house.ports).cases


def met(house: House, national_id: str = EMIL, **asked: Any) -> MyMeetings:
    """What a person sees of the meetings about them."""
    query = {"before": None, "limit": 50, "language": "nb", **asked}
    return overview.meetings(person=house.hashed(national_id), ports=house.ports, **query)


def call(
    house: House, *, days: float = 7, by: str = NAV, agenda: tuple[str, ...] = ()
) -> MeetingView:
    """A service and the school meet about Emil."""
    request = MeetingRequest.model_validate(
        {
            "collaboration": LARVIK,
            "subject": house.handle(by, EMIL),
            "held_at": house.clock.at + timedelta(days=days),
            "participants": [
                {"unit": by, "role": "veileder"},
                {"unit": SCHOOL, "role": "radgiver"},
            ],
            "agenda": agenda,
            "actor": ACTOR,
        }
    )
    return meetings.call_meeting(request, call=house.call(by), ports=house.ports)


def test_the_youth_sees_who_has_the_ball_in_every_language(house: House) -> None:
    """N15: which service, by which rule, since when; before the answer it is whoever asked."""
    asked = house.request(NAV, EMIL)
    (case,) = cases(house, EMIL)
    assert case.responsible is not None
    assert (case.responsible.unit, case.responsible.why) == (NAV, "requested")
    assert [(w.on, w.unit, w.consent) for w in case.waiting] == [("subject", None, asked.id)]
    house.clock.step(hours=1)
    house.answer(asked, EMIL)
    said: dict[Language, tuple[str, str, str]] = {
        "nb": ("Nav Larvik (staten)", "Ungdomsutvalget i Larvik", "Tjenesten som melder saken"),
        "nn": ("Nav Larvik (staten)", "Ungdomsutvalet i Larvik", "Tenesta som melder saka"),
        "en": ("Nav Larvik (state side)", "The youth committee in Larvik", "The service that"),
    }
    for language, (unit, label, rule) in said.items():
        (case,) = cases(house, EMIL, language)
        assert case.responsible is not None
        assert (case.responsible.label, case.label) == (unit, label)
        assert case.responsible.text.startswith(rule)
        assert (case.responsible.why, case.responsible.since) == (
            "reporting_service",
            house.clock.at,
        )
        assert (case.waiting, case.gap, case.consents) == ((), None, (asked.id,))


def test_what_waits_for_a_parent_or_a_service_is_said(house: House) -> None:
    """Sara has answered what is hers; her parents have not, and nobody has said that she was heard."""
    view = house.request(NAV, SARA)
    house.answer(view, SARA)
    (case,) = cases(house, SARA)
    waits = {(w.on, w.unit) for w in case.waiting}
    assert ("guardian", None) in waits
    assert ("subject", None) not in waits
    younger = house.request(NAV, SARA, categories=["health"], services=[NAV, HEALTH])
    (case,) = cases(house, SARA)
    assert {w.consent for w in case.waiting} == {view.id, younger.id}
    for waiting in case.waiting:
        assert (waiting.unit == NAV) == (waiting.on == "service")


def test_where_nothing_waits_nobody_is_looked_up(house: House) -> None:
    """The page opens without the register, and without a question to the rules for every yes."""
    house.answer(house.request(NAV, EMIL), EMIL)
    (case,) = cases(replace(house, ports=replace(house.ports, register=NoRegister())), EMIL)
    assert case.waiting == ()


def test_a_gap_is_said_and_names_whom_to_turn_to(house: House) -> None:
    """Nobody has been chosen; the coordinator was said no to; the agreement is over."""
    view = house.request(NAV, EMIL)
    house.answer(view, EMIL)
    (case,) = cases(agreed(house, responsible=CHOSEN), EMIL)
    assert case.responsible is None
    assert case.gap is not None
    assert (case.gap.gap, case.gap.turn_to) == ("not_chosen", NAV)
    assert case.gap.label == "Nav Larvik (staten)"
    other = agreed(house, responsible=COORDINATOR, coordinator="ot-vestfold")
    (case,) = cases(other, EMIL)
    assert case.gap is not None
    assert (case.gap.gap, case.gap.turn_to) == ("not_named", NAV)
    (case,) = cases(agreed(house, valid_until=house.clock.at), EMIL)
    assert case.gap is not None
    assert (case.gap.gap, case.gap.turn_to) == ("agreement_over", NAV)


def test_on_a_pathway_the_stage_says_who_has_it(house: House) -> None:
    """Since when is when the case came there."""
    terms = agreed(house, responsible=CHOSEN, stages=3)
    terms.answer(terms.request(NAV, EMIL), EMIL)
    house.clock.step(days=1)
    reached = StageReport(subject=terms.handle(NAV, EMIL), stage=2, actor=ACTOR)
    pathways.stage(LARVIK, reached, call=terms.call(NAV), ports=terms.ports)
    (case,) = cases(terms, EMIL)
    assert case.responsible is not None
    assert (case.responsible.unit, case.responsible.why) == (NAV, "stage")
    assert case.responsible.since == house.clock.at


def test_a_case_ends_with_the_last_consent_that_lives(house: House) -> None:
    """Withdrawn, or past its time though no clock has struck yet: there is nothing to have the ball of."""
    view = house.answer(house.request(NAV, EMIL), EMIL)
    house.clock.at = view.valid_until
    assert cases(house, EMIL) == ()
    house.clock.step(seconds=-1)
    assert len(cases(house, EMIL)) == 1
    me.withdraw(ConsentId(view.id), Withdrawal(), call=house.person(EMIL), ports=house.ports)
    assert cases(house, EMIL) == ()


def test_what_is_about_the_youth_is_not_the_parents_to_see(house: House) -> None:
    """A mother who must sign sees the lines that are hers to sign; not who has the ball, nor who meets."""
    house.request(NAV, SARA)
    for look in (cases, met):
        with pytest.raises(NotASubject):
            look(house, MOTHER)


def test_meetings_are_seen_before_and_after(house: House) -> None:
    """N22: who called, when, which services in which roles; first as coming, then as past."""
    house.answer(house.request(NAV, EMIL), EMIL)
    later, sooner = call(house, days=9), call(house, days=2, by=HEALTH)
    found = met(house)
    assert [m.id for m in found.coming] == [sooner.id, later.id]
    assert (found.past, found.next) == ((), None)
    first = found.coming[0]
    assert (first.called_by, first.called_at) == (HEALTH, house.clock.at)
    assert first.participants == sooner.participants
    assert first.labels[HEALTH] == "Larvikshjelpa (psykisk helse og rus)"
    assert first.consent_holds
    (case,) = cases(house, EMIL)
    assert case.next_meeting == first
    house.clock.step(days=2)
    found = met(house)
    assert ([m.id for m in found.coming], [m.id for m in found.past]) == ([later.id], [sooner.id])
    assert met(house, limit=1).next == sooner.id
    assert met(house, before=sooner.id) == MyMeetings(coming=(), past=(), next=None)


def test_what_a_meeting_is_about_is_seen_beforehand_and_what_no_yes_covers(house: House) -> None:
    """The youth knows what they want to talk about, and of what of it nobody there may be told."""
    view = house.answer(house.request(NAV, EMIL), EMIL)
    covered = view.grants[0].category
    other = next(
        one
        for one in house.ports.catalogue.categories
        if one not in {g.category for g in view.grants}
    )
    assert call(house, agenda=(other, covered)).agenda == (other, covered)
    (meeting,) = met(house).coming
    assert [(one.category, one.consent_holds) for one in meeting.agenda] == [
        (other, False),
        (covered, True),
    ]
    assert meeting.agenda[1].label == house.ports.catalogue.text("category", covered, "nb")
    me.pause(ConsentId(view.id), call=house.person(EMIL), ports=house.ports)
    assert [one.consent_holds for one in met(house).coming[0].agenda] == [False, False]


@pytest.mark.parametrize("agenda", [("education", "education"), ("gossip",)])
def test_an_agenda_that_names_nothing_or_twice_calls_no_meeting(
    house: House, agenda: tuple[str, ...]
) -> None:
    """What the youth is told of it must be words of the catalogue."""
    house.answer(house.request(NAV, EMIL), EMIL)
    with pytest.raises(MeetingInvalid):
        call(house, agenda=agenda)
    assert met(house).coming == ()


def test_a_meeting_that_no_yes_covers_any_more_says_so(house: House) -> None:
    """The youth sees that what it rested on is gone, whether or not anybody called it off."""
    view = house.answer(house.request(NAV, EMIL), EMIL)
    call(house)
    me.pause(ConsentId(view.id), call=house.person(EMIL), ports=house.ports)
    assert [m.consent_holds for m in met(house).coming] == [False]
    me.resume(ConsentId(view.id), call=house.person(EMIL), ports=house.ports)
    assert [m.consent_holds for m in met(house).coming] == [True]
    me.withdraw(ConsentId(view.id), Withdrawal(), call=house.person(EMIL), ports=house.ports)
    assert [m.consent_holds for m in met(house).coming] == [False]


def test_the_copy_holds_cases_and_meetings(house: House) -> None:
    """N26: what the pages show is in the copy too."""
    house.answer(house.request(NAV, EMIL), EMIL)
    call(house)
    copied = me.copy(person=house.hashed(EMIL), language="nb", ports=house.ports)
    assert (copied.cases, copied.meetings) == (cases(house, EMIL), met(house).coming)
    assert copied.complete
