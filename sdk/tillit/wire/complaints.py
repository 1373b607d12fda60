"""Complaints on the wire: a subject says that a disclosure looks wrong, and the service that asked answers."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tillit.wire.asks import Actor
from tillit.wire.terms import ComplaintId, DisclosureId, Instant, SubjectHandle, UnitId, Wire

MAX_COMPLAINTS = 200
"""So many stand in one page at most."""

ComplaintReason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*$", max_length=40)]
"""A word of the catalogue's ``complaints``."""
ComplaintState = Literal["open", "answered", "closed"]
ComplaintFinding = Literal["right", "wrong_stopped", "not_ours"]
"""What the service found: it was right; it was wrong and has been stopped; it was not the service that asked."""


class ComplaintRequest(Wire):
    """``POST /v1/me/complaints``: a disclosure about me looks wrong, and why."""

    disclosure: DisclosureId
    reason: ComplaintReason


class MyComplaint(Wire):
    """A complaint as the subject sees it. ``answer_by``: when the service is reminded, and auditors see that it waits."""

    id: ComplaintId
    disclosure: DisclosureId
    unit: UnitId
    reason: ComplaintReason
    text: str
    state: ComplaintState
    opened_at: Instant
    answer_by: Instant
    finding: ComplaintFinding | None
    answered_at: Instant | None
    closed_at: Instant | None


class MyComplaints(Wire):
    """The latest complaints of a subject, newest first."""

    complaints: tuple[MyComplaint, ...]


class ComplaintAnswer(Wire):
    """``POST /v1/complaints/{id}/answer``: what the service found."""

    finding: ComplaintFinding
    actor: Actor


class ComplaintView(Wire):
    """A complaint as the service that it is about sees it; ``subject`` is its own handle."""

    id: ComplaintId
    subject: SubjectHandle
    disclosure: DisclosureId
    reason: ComplaintReason
    text: str
    state: ComplaintState
    opened_at: Instant
    answer_by: Instant
    finding: ComplaintFinding | None
    answered_at: Instant | None


class ComplaintPage(Wire):
    """A page of complaints; ``next`` is the cursor to pass as ``after``, absent on the last page."""

    complaints: Annotated[tuple[ComplaintView, ...], Field(max_length=MAX_COMPLAINTS)]
    next: str | None
