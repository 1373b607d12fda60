"""Complaints: open, answered, closed; and nothing after that."""

from datetime import timedelta

import pytest

from broker.domain.complaints import ANSWER_WITHIN, Complaint
from broker.domain.errors import ComplaintOver
from broker.domain.ids import ComplaintId, DisclosureId
from tests.consenting import NOW, identifier
from tests.stored import EMIL, NAV

LATER = NOW + timedelta(days=1)


def made(number: int = 1, **changes: object) -> Complaint:
    """A complaint of Emil's about what Nav asked."""
    sound = {
        "id": ComplaintId(identifier("cmp", number)),
        "subject": EMIL,
        "disclosure": DisclosureId(identifier("dis", number)),
        "unit": NAV,
        "reason": "not_agreed",
        "opened_at": NOW,
    }
    return Complaint(**{**sound, **changes})  # type: ignore[arg-type]  # of a complaint's own members


def test_a_service_answers_and_may_answer_again() -> None:
    """Whoever looks again may find another thing, as long as the youth is not done with it."""
    complaint = made()
    assert (complaint.state, complaint.answer_by) == ("open", NOW + ANSWER_WITHIN)
    first = complaint.answer("right", at=LATER)
    assert (first.state, first.finding, first.answered_at) == ("answered", "right", LATER)
    second = first.answer("wrong_stopped", at=LATER)
    assert (second.finding, second.version) == ("wrong_stopped", 3)


@pytest.mark.parametrize("answered", [False, True])
def test_the_subject_closes_it_answered_or_not(answered: bool) -> None:
    """It is theirs; what was answered stays to be read."""
    complaint = made().answer("not_ours", at=NOW) if answered else made()
    closed = complaint.close(at=LATER)
    assert (closed.state, closed.closed_at) == ("closed", LATER)
    assert closed.finding == complaint.finding
    with pytest.raises(ComplaintOver):
        closed.close(at=LATER)
    with pytest.raises(ComplaintOver):
        closed.answer("right", at=LATER)
