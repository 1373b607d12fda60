"""Statutes relied on, through the use cases: invoked, confirmed, reviewed, and told of, on both databases."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.domain.errors import (
    NothingToConfirm,
    OutsideStatuteAges,
    RoleNotAllowed,
    SamePerson,
    StatuteNotInUse,
    StatuteNotInvoked,
    WrongSide,
)
from broker.domain.ids import InvocationId, UnitId
from broker.errors import UnknownHandle, UnknownInvocation
from broker.usecases import feed, me, statutes
from tests.house import EMIL, SARA, House
from tests.log_keys import contents
from tillit.wire import (
    Actor,
    Confirmation,
    Event,
    InvocationRequest,
    InvocationView,
    MyNotice,
    Review,
)

SCHOOL, HEALTH, WELFARE = "thor-heyerdahl-vgs", "larvikshjelpa", "barnevern-larvik"
DOCTOR = Actor(id="d1", role="lege")
TEACHER = Actor(id="t1", role="laerer")
HEAD = Actor(id="r1", role="rektor")
COUNSELLOR = Actor(id="r2", role="radgiver")
REASON = "Hen svarer ikke, og vi er redde for livet."
RISK = "health.risk"


def relied(house: House, unit: str, national_id: str, statute: str, **more: Any) -> InvocationView:
    """A unit relies on a statute; by a doctor, on one field, unless something else is said."""
    request = InvocationRequest.model_validate(
        {
            "subject": house.handle(unit, national_id),
            "statute": statute,
            "fields": [RISK],
            "reason": REASON,
            "actor": DOCTOR,
            **more,
        }
    )
    return statutes.invoke(request, call=house.call(unit), ports=house.ports)


def confirmed(house: House, unit: str, identity: str, actor: Actor) -> InvocationView:
    """A person of the unit stands behind an invocation."""
    return statutes.confirm(
        InvocationId(identity),
        Confirmation(actor=actor),
        call=house.call(unit),
        ports=house.ports,
    )


def reviewed(house: House, unit: str, identity: str, actor: Actor) -> InvocationView:
    """A person of the unit finds that it was right."""
    judged = Review(finding="justified", text="Det var riktig å gjøre dette.", actor=actor)
    return statutes.review(InvocationId(identity), judged, call=house.call(unit), ports=house.ports)


def told(house: House, national_id: str) -> list[MyNotice]:
    """What the person was told, newest first."""
    person = house.hashed(national_id)
    return list(me.notices(person=person, limit=50, ports=house.ports).notices)


def events(house: House, unit: str) -> tuple[Event, ...]:
    """A unit's feed."""
    return feed.events(unit=UnitId(unit), after=0, limit=100, ports=house.ports).events


def logged(house: House, kind: str) -> list[Mapping[str, Any]]:
    """The contents of the log's entries of a kind, oldest first."""
    return contents(house.store.engine, kind, house.ports.custodian)


# --- invoking


def test_an_emergency_is_told_at_once_logged_with_its_reason_and_reviewed(house: House) -> None:
    """Nobody relies on an emergency unseen: the youth knows at once, and a colleague must look at it."""
    made = relied(house, HEALTH, EMIL, "S4")
    assert (made.statute, made.recipient, made.source) == ("S4", HEALTH, None)
    assert made.closes == house.clock() + timedelta(hours=24)
    assert (made.confirmed, made.review_due) == (False, True)
    notice = told(house, EMIL)[0]
    assert (notice.kind, notice.unit, notice.statute) == ("relied_on", HEALTH, "S4")
    assert notice.invocation == made.id
    (entry,) = logged(house, "statute.invoked")
    assert (entry["reason"], entry["actor"]) == (REASON, {"id": "d1", "role": "lege"})
    (event,) = (e for e in events(house, HEALTH) if e.type == "review.due")
    assert (event.invocation, event.subject, event.purpose) == (
        made.id,
        house.handle(HEALTH, EMIL),
        "emergency_help",
    )
    assert REASON not in repr(made)


def test_a_repeated_call_relies_once(house: House) -> None:
    """A lost answer is asked for again under the same key."""
    request = InvocationRequest(
        subject=house.handle(HEALTH, EMIL),
        statute="S4",
        fields=(RISK,),
        reason=REASON,
        actor=DOCTOR,
        necessity={},
    )
    call = house.call(HEALTH, key="the-same-key", body="the same")
    first = statutes.invoke(request, call=call, ports=house.ports)
    assert statutes.invoke(request, call=call, ports=house.ports) == first
    assert len(logged(house, "statute.invoked")) == 1


def test_whoever_reports_tells_the_recipient_that_it_may_ask(house: House) -> None:
    """Child welfare finds on its feed what to ask for, by its own handle for the child."""
    made = relied(house, SCHOOL, SARA, "S2", recipient=WELFARE, actor=TEACHER)
    (event,) = (e for e in events(house, WELFARE) if e.type == "statute.invoked")
    assert (event.invocation, event.purpose, event.fields) == (made.id, "duty_to_report", (RISK,))
    assert event.subject == house.handle(WELFARE, SARA)
    assert event.subject != made.subject
    assert made.source == SCHOOL
    assert [e.type for e in events(house, SCHOOL)] == []


@pytest.mark.parametrize(
    ("unit", "national_id", "statute", "more", "error"),
    [
        (HEALTH, EMIL, "S99", {}, StatuteNotInUse),
        (HEALTH, EMIL, "S6", {}, StatuteNotInUse),
        (SCHOOL, EMIL, "S1", {"recipient": "ot-vestfold"}, StatuteNotInvoked),
        ("nav-larvik", EMIL, "S4", {}, WrongSide),
        (HEALTH, EMIL, "S4", {"actor": TEACHER}, RoleNotAllowed),
        (SCHOOL, EMIL, "S2", {"recipient": WELFARE, "actor": TEACHER}, OutsideStatuteAges),
    ],
)
def test_what_the_statute_does_not_allow_leaves_no_trace(
    house: House,
    unit: str,
    national_id: str,
    statute: str,
    more: dict[str, Any],
    error: type[Exception],
) -> None:
    """Off, invoked by nobody, the wrong service, the wrong role, the wrong age."""
    with pytest.raises(error):
        relied(house, unit, national_id, statute, **more)
    assert logged(house, "statute.invoked") == []
    assert told(house, national_id) == []


def test_a_statute_is_relied_on_about_ones_own_subjects(house: House) -> None:
    """Another service's handle is nobody's here."""
    with pytest.raises(UnknownHandle):
        relied(house, HEALTH, EMIL, "S4", subject=house.handle(SCHOOL, EMIL))


# --- the second person


def test_the_recipient_hears_of_a_serious_matter_once_a_second_person_stands_behind_it(
    house: House,
) -> None:
    """One person alone tells neither child welfare nor the police anything."""
    made = relied(house, SCHOOL, EMIL, "S3", recipient=WELFARE, actor=TEACHER)
    assert "statute.invoked" not in [e.type for e in events(house, WELFARE)]
    with pytest.raises(SamePerson):
        confirmed(house, SCHOOL, made.id, TEACHER)
    assert confirmed(house, SCHOOL, made.id, HEAD).confirmed
    assert [e.invocation for e in events(house, WELFARE) if e.type == "statute.invoked"] == [
        made.id
    ]
    (entry,) = logged(house, "statute.confirmed")
    assert entry["actor"] == {"id": "r1", "role": "rektor"}


def test_another_unit_neither_confirms_nor_reviews(house: House) -> None:
    """It cannot even tell whether there is one."""
    made = relied(house, HEALTH, EMIL, "S4")
    with pytest.raises(UnknownInvocation):
        confirmed(house, SCHOOL, made.id, HEAD)
    with pytest.raises(UnknownInvocation):
        reviewed(house, SCHOOL, "inv_" + "a" * 22, HEAD)
    with pytest.raises(NothingToConfirm):
        confirmed(house, HEALTH, made.id, HEAD)


# --- the review


def test_a_third_person_reviews_and_the_youth_is_told_what_was_found(house: House) -> None:
    """Neither who relied on it nor who confirmed it is the judge of it."""
    made = relied(house, SCHOOL, EMIL, "S3", recipient=WELFARE, actor=TEACHER)
    confirmed(house, SCHOOL, made.id, HEAD)
    for same in (TEACHER, HEAD):
        with pytest.raises(SamePerson):
            reviewed(house, SCHOOL, made.id, same)
    house.clock.step(hours=1)
    closed = reviewed(house, SCHOOL, made.id, COUNSELLOR)
    assert (closed.review_due, closed.finding, closed.closes) == (False, "justified", house.clock())
    notice = told(house, EMIL)[0]
    assert (notice.kind, notice.finding) == ("reviewed", "justified")
    (entry,) = logged(house, "review.closed")
    assert (entry["finding"], entry["actor"]["id"]) == ("justified", "r2")


def test_a_unit_lists_what_waits_for_a_review(house: House) -> None:
    """The list that a leader works through, a page at a time."""
    made = [relied(house, HEALTH, EMIL, "S4") for _ in range(3)]
    reviewed(house, HEALTH, made[0].id, Actor(id="d2", role="psykolog"))

    def page(*, open_reviews: bool, after: str | None = None, limit: int = 2) -> Any:
        return statutes.invocations(
            unit=UnitId(HEALTH),
            after=after,
            limit=limit,
            open_reviews=open_reviews,
            ports=house.ports,
        )

    first = page(open_reviews=False)
    rest = page(open_reviews=False, after=first.next)
    assert [i.id for i in (*first.invocations, *rest.invocations)] == [i.id for i in made]
    assert (first.next, rest.next) == (made[1].id, None)
    assert list(page(open_reviews=True, limit=5).invocations) == made[1:]


# --- the notice that waits


def test_a_notice_waits_only_as_long_as_its_logged_reason_allows(house: House) -> None:
    """The reason is in the log; when the time has come the child is told."""
    delay = {"days": 2, "reason": "Den som er meldt, kan lese barnets telefon."}
    relied(house, SCHOOL, SARA, "S2", recipient=WELFARE, actor=TEACHER, notice_delay=delay)
    assert logged(house, "statute.invoked")[0]["notice_delay"] == delay
    house.clock.step(days=2, seconds=-1)
    assert told(house, SARA) == []
    house.clock.step(seconds=1)
    assert [notice.kind for notice in told(house, SARA)] == ["relied_on"]


def test_a_statute_without_a_notice_tells_the_subject_nothing(house: House) -> None:
    """The law's own data decide who is told; they are one line that a lawyer reads."""
    known = house.ports.catalogue
    silent = known.statutes["S4"].model_copy(update={"notice": "none"})
    changed = known.model_copy(update={"statutes": {**known.statutes, "S4": silent}})
    made = relied(replace(house, ports=replace(house.ports, catalogue=changed)), HEALTH, EMIL, "S4")
    assert made.review_due
    assert told(house, EMIL) == []
