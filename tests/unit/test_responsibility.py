"""Responsibility: exactly one service has the ball, or it is said that none has and whom to turn to."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.ids import UnitId
from broker.domain.responsibility import Gap, Nobody, Responsible, Said, Why, alive, responsible
from broker.domain.shelves import Collaboration, Member, ResponsibleRule
from broker.domain.states import State
from broker.engine.bundle import DEFAULT_DIRECTORY, load
from tests.consenting import HALF_A_YEAR, NOW, active, asked, line

NAV, OT, SCHOOL = UnitId("nav-larvik"), UnitId("ot-vestfold"), UnitId("thor-heyerdahl-vgs")
LARVIK = load(DEFAULT_DIRECTORY).catalogue.collaborations["ungdomsutvalget-larvik"]
LATER = NOW + timedelta(hours=1)
ANSWERED = NOW + timedelta(minutes=1)
RULES = ("reporting_service", "coordinator", "chosen_by_subject", "stafettholder")


def terms(rule: str = "reporting_service", **changes: Any) -> Collaboration:
    """The youth committee, where another rule says who keeps the ball."""
    keeps = ResponsibleRule.model_validate({"id": rule, "labels": LARVIK.responsible.labels})
    return LARVIK.model_copy(update={"responsible": keeps, **changes})


@pytest.mark.parametrize(
    ("rule", "unit"), [("reporting_service", OT), ("stafettholder", OT), ("coordinator", NAV)]
)
def test_the_agreements_rule_says_who_has_it(rule: str, unit: str) -> None:
    """Whoever brought the case keeps it, or the coordinator has it, from the day of the yes."""
    consent = active(line(1, source=SCHOOL, recipient=NAV), requested_by=OT)
    expected = Responsible(UnitId(unit), rule, ANSWERED)  # type: ignore[arg-type] # parametrised
    assert responsible([consent], terms(rule), None, now=LATER) == expected


def test_whoever_brought_the_case_first_keeps_it() -> None:
    """A second service that asks later does not take it over by asking."""
    first = active(number=1, requested_by=NAV)
    second = active(number=2, requested_by=SCHOOL, at=NOW)
    second = replace(second, valid_from=LATER)
    waiting = asked(number=3, requested_by=OT, at=NOW - timedelta(days=1))
    for order in ([first, second, waiting], [waiting, second, first]):
        found = responsible(order, terms(), None, now=LATER)
        assert found == Responsible(NAV, "reporting_service", ANSWERED)


def test_before_a_yes_it_is_whoever_asked() -> None:
    """The coordinator knows nothing of the youth yet, and cannot have the ball."""
    found = responsible([asked(requested_by=SCHOOL)], terms("coordinator"), None, now=LATER)
    assert found == Responsible(SCHOOL, "requested", NOW)


def test_who_said_last_how_far_it_has_come_has_it() -> None:
    """On a pathway it is the service at its present point, since it came there."""
    found = responsible([active()], terms("chosen_by_subject"), Said(NAV, LATER), now=LATER)
    assert found == Responsible(NAV, "stage", LATER)


def test_nobody_is_said_where_the_youth_was_to_choose() -> None:
    """The broker knows of no choice; whoever brought the case is near."""
    found = responsible([active()], terms("chosen_by_subject"), None, now=LATER)
    assert found == Nobody("not_chosen", NAV)


@pytest.mark.parametrize("known", [True, False])
def test_nobody_is_said_where_the_agreement_is_over(known: bool) -> None:
    """Also where the catalogue no longer knows it, and where only a request is left."""
    over = terms(valid_until=LATER) if known else None
    for consent in (active(), asked()):
        assert responsible([consent], over, None, now=LATER) == Nobody("agreement_over", NAV)


def without(unit: str) -> tuple[Member, ...]:
    """The committee's members but for one, who has left."""
    gone = {"valid_until": NOW}
    return tuple(m.model_copy(update=gone) if m.unit == unit else m for m in LARVIK.members)


def test_nobody_is_said_where_the_service_has_left() -> None:
    """The one that is left to turn to is the coordinator, or whoever brought the case."""
    brought = active(line(1, source=SCHOOL, recipient=NAV), requested_by=OT)
    left = responsible([brought], terms(members=without(OT)), None, now=LATER)
    assert left == Nobody("left", NAV)
    coordinates = terms("coordinator", members=without(NAV))
    assert responsible([brought], coordinates, None, now=LATER) == Nobody("left", OT)


def test_nobody_is_said_where_no_yes_names_the_service() -> None:
    """A coordinator whom the youth said no to has been told nothing, and follows nobody up."""
    lines = (line(1, source=SCHOOL, recipient=OT), line(2, source=SCHOOL, recipient=NAV))
    consent = active(*lines, requested_by=OT)
    said_no = (consent.grants[0], replace(consent.grants[1], answer="no"))
    consent = replace(consent, grants=said_no)
    found = responsible([consent], terms("coordinator"), None, now=LATER)
    assert found == Nobody("not_named", OT)


def test_where_nothing_lives_there_is_no_case() -> None:
    """An empty case is a bug of whoever asks."""
    with pytest.raises(ValueError, match="no case"):
        responsible([], terms(), None, now=LATER)


@pytest.mark.parametrize("state", State)
def test_what_lives_is_in_force_or_waits(state: State) -> None:
    """A pause keeps the case; what is over, or past its time, does not."""
    consent = replace(active(), state=state)
    living = {State.REQUESTED, State.PARTLY_SIGNED, State.ACTIVE, State.PAUSED}
    assert alive(consent, LATER) == (state in living)
    assert not alive(consent, NOW + HALF_A_YEAR)


@given(
    rule=st.sampled_from(RULES),
    brought=st.lists(st.sampled_from([NAV, OT, SCHOOL]), min_size=1, max_size=3),
    answered=st.lists(st.booleans(), min_size=3, max_size=3),
    left=st.none() | st.sampled_from([NAV, OT, SCHOOL]),
    stage=st.none() | st.sampled_from([NAV, OT, SCHOOL]),
    over=st.booleans(),
)
def test_there_is_always_exactly_one_to_turn_to(
    rule: str,
    brought: list[UnitId],
    answered: list[bool],
    left: UnitId | None,
    stage: UnitId | None,
    over: bool,
) -> None:
    """N15: never nobody. Whoever has the ball is a member and knows of the youth; else one is named who is either."""
    consents = [
        (active if yes else asked)(number=number, requested_by=unit)
        for number, (unit, yes) in enumerate(zip(brought, answered, strict=False), start=1)
    ]
    members = LARVIK.members if left is None else without(left)
    agreed = terms(rule, members=members, valid_until=NOW if over else None)
    said = None if stage is None else Said(stage, LATER)
    found = responsible(consents, agreed, said, now=LATER)
    knows = {*brought, *(unit for c in consents for unit in c.parties())}
    if isinstance(found, Responsible):
        assert found.why in get_args(Why)
        assert found.unit in knows
        assert found.why == "requested" or found.unit in agreed.members_at(LATER)
        assert found.since <= LATER
    else:
        assert found.gap in get_args(Gap)
        assert found.turn_to in {*knows, agreed.coordinator}
    assert found == responsible(consents[::-1], agreed, said, now=LATER)
