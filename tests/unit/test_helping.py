"""Helping: a helper from invitation to end, and what of a subject's they may see at all."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.grants import Grant
from broker.domain.helping import CODE_LASTS, LASTS, Helper, Sight
from broker.domain.ids import GrantId, HelperId, PersonKey, SubjectId, UnitId
from broker.engine.bundle import DEFAULT_DIRECTORY, load
from tests.consenting import NOW, line
from tillit.wire import Condition

CATALOGUE = load(DEFAULT_DIRECTORY).catalogue
ALL = frozenset(CATALOGUE.categories)
OPEN = Sight(alone=ALL, special=False, hidden=frozenset())
LATER = NOW + timedelta(hours=1)
GRANDMOTHER = PersonKey("d" * 64)
INVITED = Helper(
    id=HelperId("hlp_1"),
    subject=SubjectId("sub_1"),
    version=1,
    shows=frozenset({"consents"}),
    invited_at=NOW,
    code_until=NOW + CODE_LASTS,
)


def test_a_helper_is_invited_reads_and_ends() -> None:
    """Each by its time: an invitation for a day, a helper for a year, and over when somebody says so."""
    assert INVITED.standing(NOW) == "invited"
    assert INVITED.standing(NOW + CODE_LASTS) == "over"
    helping = INVITED.accept(GRANDMOTHER, at=LATER)
    assert (helping.person, helping.accepted_at, helping.version) == (GRANDMOTHER, LATER, 2)
    assert helping.standing(NOW + CODE_LASTS) == "helping"
    assert helping.standing(LATER + LASTS) == "over"
    for one in (INVITED, helping):
        ended = one.end("subject", at=LATER)
        assert (ended.standing(LATER), ended.ended_by) == ("over", "subject")
        assert ended.version == one.version + 1


def test_an_invitation_is_taken_once_in_its_time() -> None:
    """Neither a second time, nor after it was taken back, nor a day later."""
    taken = INVITED.accept(GRANDMOTHER, at=LATER)
    for one, at in (
        (taken, LATER),
        (INVITED.end("subject", at=NOW), LATER),
        (INVITED, NOW + CODE_LASTS),
    ):
        with pytest.raises(ValueError, match="once"):
            one.accept(GRANDMOTHER, at=at)


def test_what_has_ended_does_not_end_again() -> None:
    """Who ended it is said once."""
    with pytest.raises(ValueError, match="end again"):
        INVITED.end("subject", at=NOW).end("helper", at=LATER)


PLAIN = line(1, "education")


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({}, False),
        ({"category": "health"}, True),
        ({"special": True}, True),
        ({"fields": ("involvement.child_welfare",), "category": "involvement"}, True),
        ({"fields": ("family.parent_support",), "category": "family"}, True),
        ({"source": UnitId("larvikshjelpa")}, True),
        ({"source": UnitId("barnevern-larvik")}, True),
        ({"recipient": UnitId("friomsorg-vestfold")}, True),
        ({"purpose": "health_follow_up"}, True),
        ({"purpose": "duty_to_report"}, True),
        ({"purpose": "emergency_help"}, True),
    ],
)
def test_what_tells_of_special_categories_is_seen_only_when_shown(
    changes: dict[str, Any], seen: bool
) -> None:
    """Not the category alone: that a child welfare office knows somebody tells as much."""
    grant = replace(PLAIN, **changes)
    assert OPEN.line(grant, CATALOGUE) == (not seen)
    known = all(name in CATALOGUE.fields for name in grant.fields)
    assert replace(OPEN, special=True).line(grant, CATALOGUE) == known


@pytest.mark.parametrize(
    "changes",
    [
        {"category": "weather"},
        {"fields": ("weather.today",)},
        {"covers": ("weather.today",)},
        {"source": UnitId("no-such")},
        {"recipient": UnitId("no-such")},
        {"purpose": "curiosity"},
    ],
)
def test_what_the_catalogue_does_not_know_is_never_seen(changes: dict[str, Any]) -> None:
    """Closed on doubt: nobody can say what it tells."""
    grant = replace(PLAIN, **changes)
    for special in (False, True):
        assert not replace(OPEN, special=special).line(grant, CATALOGUE)


UNITS = st.sampled_from(sorted(CATALOGUE.units))
NAMES = st.lists(st.sampled_from(sorted(CATALOGUE.fields)), max_size=3, unique=True).map(tuple)


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    """Any line between two services that are known."""
    source, recipient = draw(st.lists(UNITS, min_size=2, max_size=2, unique=True))
    return Grant(
        id=GrantId("g1"),
        source=UnitId(source),
        recipient=UnitId(recipient),
        category=draw(st.sampled_from(sorted(ALL))),
        fields=(),
        purpose=draw(st.sampled_from(sorted(CATALOGUE.purposes))),
        condition=Condition(),
        special=draw(st.booleans()),
        covers=draw(NAMES),
    )


@given(
    grant=grants(),
    alone=st.frozensets(st.sampled_from(sorted(ALL))),
    hidden=st.frozensets(UNITS, max_size=3),
    special=st.booleans(),
)
def test_a_helper_never_sees_more_by_knowing_less(
    grant: Grant, alone: frozenset[str], hidden: frozenset[str], special: bool
) -> None:
    """Whatever a narrower sight shows, a wider one shows too; and nothing beyond what the subject answers alone."""
    narrow = Sight(alone=alone, special=special, hidden=hidden)
    wide = Sight(alone=ALL, special=True, hidden=frozenset())
    if narrow.line(grant, CATALOGUE):
        assert wide.line(grant, CATALOGUE)
        assert grant.category in alone
        assert not {grant.source, grant.recipient} & hidden
        assert special or not CATALOGUE.categories[grant.category].special
