"""Invocations: who may rely on which statute, for what and how long, and who stands behind it."""

from datetime import timedelta
from typing import Any

import pytest

from broker.domain import invocations
from broker.domain.errors import (
    HoursTooMany,
    InvocationState,
    NecessityMissing,
    NothingToConfirm,
    NothingToReview,
    NoticeDelayTooLong,
    OutsideStatute,
    OutsideStatuteAges,
    RoleNotAllowed,
    SamePerson,
    WrongSide,
)
from broker.domain.ids import UnitId
from tests.consenting import NOW
from tests.invoking import catalogue, invoked, statute

SCHOOL, WELFARE, POLICE = "thor-heyerdahl-vgs", "barnevern-larvik", "politi-larvik"
HEALTH, NAV, EMPLOYER = "larvikshjelpa", "nav-larvik", "bakeriet-larvik"


def _ends(identity: str, unit: str, **named: Any) -> Any:
    given = {"source": None, "recipient": None, **named}
    rule = statute(identity, **given.pop("changes", {}))
    return invocations.ends(rule, unit=UnitId(unit), units=catalogue().units, **given)


# --- the two ends


def test_a_source_names_the_recipient_it_reports_to() -> None:
    """The duty to report is the reporter's to rely on."""
    assert _ends("S2", SCHOOL, recipient=WELFARE) == (SCHOOL, WELFARE)
    assert _ends("S2", SCHOOL, source=SCHOOL, recipient=WELFARE) == (SCHOOL, WELFARE)


def test_a_recipient_may_leave_open_who_knows() -> None:
    """In an emergency nobody knows yet who has written what."""
    assert _ends("S4", HEALTH) == (None, HEALTH)
    assert _ends("S4", HEALTH, source=SCHOOL, recipient=HEALTH) == (SCHOOL, HEALTH)


@pytest.mark.parametrize(
    ("identity", "unit", "named"),
    [
        ("S2", SCHOOL, {}),
        ("S2", SCHOOL, {"source": "barnehagen", "recipient": WELFARE}),
        ("S2", SCHOOL, {"source": NAV, "recipient": WELFARE}),
        ("S2", WELFARE, {"source": SCHOOL, "recipient": WELFARE}),
        ("S2", SCHOOL, {"recipient": NAV}),
        ("S2", SCHOOL, {"recipient": "no-such-unit"}),
        ("S2", EMPLOYER, {"recipient": WELFARE}),
        ("S2", WELFARE, {"recipient": WELFARE}),
        ("S4", NAV, {}),
        ("S4", HEALTH, {"recipient": WELFARE}),
        ("S4", HEALTH, {"source": "no-such-unit"}),
        ("S4", HEALTH, {"source": HEALTH}),
        ("S6", HEALTH, {"recipient": NAV}),
        ("S6", SCHOOL, {"recipient": EMPLOYER}),
    ],
)
def test_a_statute_holds_between_its_own_two_sides_only(
    identity: str, unit: str, named: dict[str, str]
) -> None:
    """Neither end may be anybody else, and nobody invokes in another's name."""
    with pytest.raises(WrongSide):
        _ends(identity, unit, **named)


def test_a_statute_within_one_type_crosses_to_no_other() -> None:
    """Nav's two sides are two services."""
    own = {"invoked_by": "source"}
    with pytest.raises(WrongSide):
        _ends("S8", NAV, recipient="nav-larvik-kommunal", changes=own)
    assert _ends("S8", NAV, recipient="ips-larvik", changes=own) == (NAV, "ips-larvik")


# --- what, who, how long


def test_only_roles_that_the_statute_trusts() -> None:
    """An empty list trusts any."""
    invocations.check_role("lege", statute("S4"))
    invocations.check_role("vaktmester", statute("S3"))
    with pytest.raises(RoleNotAllowed):
        invocations.check_role("veileder", statute("S4"))


def test_only_fields_that_the_statute_opens_for() -> None:
    """By name, by category, or any that exists where the statute names none."""
    fields = catalogue().fields
    invocations.check_fields(["health.risk"], [], statute("S4"), known=fields)
    invocations.check_fields(["health.diagnosis"], [], statute("S2"), known=fields)
    asked = ["education.grades"]
    invocations.check_fields(asked, asked, statute("S6"), known=fields)
    for names, identity in (
        (["health.risk", "health.diagnosis"], "S4"),
        (["income.benefit_type"], "S6"),
        (["weather.today"], "S2"),
    ):
        with pytest.raises(OutsideStatute) as refused:
            invocations.check_fields(names, names, statute(identity), known=fields)
        assert refused.value.detail == names[-1]


def test_necessity_is_stated_for_each_field_and_no_other() -> None:
    """Where the statute wants it in words; nowhere for what is not asked for."""
    fields = catalogue().fields
    asked = ["education.grades", "work.status"]
    with pytest.raises(NecessityMissing) as missing:
        invocations.check_fields(asked, asked[:1], statute("S6"), known=fields)
    assert missing.value.detail == "work.status"
    with pytest.raises(NecessityMissing):
        invocations.check_fields(asked[:1], asked, statute("S2"), known=fields)


@pytest.mark.parametrize(("age", "stands"), [(0, True), (17, True), (18, False)])
def test_a_statute_is_about_people_of_its_ages(age: int, stands: bool) -> None:
    """Child welfare is told of children."""
    if stands:
        invocations.check_age(age, statute("S2"))
        return
    with pytest.raises(OutsideStatuteAges):
        invocations.check_age(age, statute("S2"))


def test_an_invocation_lasts_as_long_as_asked_and_allowed() -> None:
    """An emergency is over after a day."""
    emergency = statute("S4")
    assert NOW + timedelta(hours=24) == invocations.closes(emergency, None, at=NOW)
    assert NOW + timedelta(hours=2) == invocations.closes(emergency, 2, at=NOW)
    with pytest.raises(HoursTooMany):
        invocations.closes(emergency, 25, at=NOW)


def test_the_notice_waits_only_where_the_statute_lets_it() -> None:
    """Never in an emergency."""
    assert invocations.told_at(statute("S4"), None, at=NOW) == NOW
    assert NOW + timedelta(days=30) == invocations.told_at(statute("S2"), 30, at=NOW)
    with pytest.raises(NoticeDelayTooLong):
        invocations.told_at(statute("S4"), 1, at=NOW)


# --- the second person


def test_a_second_person_of_a_trusted_role_confirms_once_in_time() -> None:
    """Nobody confirms what they invoked themself."""
    made = invoked(second_person=True)
    rule = statute("S4")
    later = NOW + timedelta(hours=1)
    assert (made.confirmed, made.stands) == (False, False)
    confirmed = made.confirm(by="b2", role="lege", statute=rule, at=later)
    assert (confirmed.confirmed, confirmed.stands, confirmed.version) == (True, True, 2)
    with pytest.raises(SamePerson):
        made.confirm(by="a17", role="lege", statute=rule, at=later)
    with pytest.raises(RoleNotAllowed):
        made.confirm(by="b2", role="veileder", statute=rule, at=later)
    with pytest.raises(InvocationState):
        confirmed.confirm(by="c3", role="lege", statute=rule, at=later)
    with pytest.raises(InvocationState):
        made.confirm(by="b2", role="lege", statute=rule, at=made.closes)
    with pytest.raises(NothingToConfirm):
        invoked().confirm(by="b2", role="lege", statute=rule, at=later)


def test_somebody_else_reviews_and_that_ends_it() -> None:
    """Neither who invoked nor who confirmed judges their own act, and nothing rests on what has been judged."""
    made = invoked(review=True, confirmed_by="b2")
    at = NOW + timedelta(hours=3)
    assert made.review_due
    judged = made.reviewed(by="c3", finding="not_justified", at=at)
    assert (judged.review_due, judged.finding, judged.closes) == (False, "not_justified", at)
    assert not judged.open_at(at)
    assert made.reviewed(
        by="c3", finding="justified", at=made.closes + timedelta(days=1)
    ).closes == (made.closes)
    for same in ("a17", "b2"):
        with pytest.raises(SamePerson):
            made.reviewed(by=same, finding="justified", at=at)
    for nothing in (judged, invoked()):
        with pytest.raises(NothingToReview):
            nothing.reviewed(by="c3", finding="justified", at=at)
