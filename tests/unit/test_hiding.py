"""Hiding: a consent as others see it, where the subject hides that a service is involved."""

from broker.domain.hiding import unseen
from broker.domain.ids import UnitId
from tests.consenting import active, line

NAV, SCHOOL = UnitId("nav-larvik"), UnitId("thor-heyerdahl-vgs")
CONSENT = active(
    line(1, "involvement"),
    line(2, "education"),
    line(3, "involvement", source=UnitId("ot-vestfold")),
)


def answers(hidden: set[str], by: UnitId = NAV) -> list[str | None]:
    """What each line says to a unit."""
    return [grant.answer for grant in unseen(CONSENT, hidden, by=by).grants]


def test_a_line_that_would_tell_of_a_hidden_service_has_no_answer() -> None:
    """Not a no, which would be untrue, and not a yes; whatever else was answered stands."""
    assert answers({SCHOOL}) == [None, "yes", "yes"]
    assert answers({SCHOOL, "ot-vestfold"}) == [None, "yes", None]


def test_where_nothing_is_hidden_nothing_changes() -> None:
    """The very same consent."""
    assert unseen(CONSENT, frozenset(), by=NAV) is CONSENT
    assert answers({"larvikshjelpa"}) == ["yes"] * 3


def test_the_hidden_service_sees_its_own_lines() -> None:
    """It is kept from the others, not from itself."""
    assert unseen(CONSENT, {SCHOOL}, by=SCHOOL) is CONSENT
