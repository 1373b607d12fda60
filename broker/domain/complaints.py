"""Complaints: a subject says that a disclosure looks wrong, the service that asked answers, the subject closes it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broker.domain.errors import ComplaintOver
from broker.domain.ids import ComplaintId, DisclosureId, SubjectId, UnitId
from tillit.wire import ComplaintFinding, ComplaintState

ANSWER_WITHIN = timedelta(days=14)
"""A service that has not answered by then is reminded once. Our choice: no law sets it."""
MOST_OPEN = 50
"""So many that are not closed one subject has at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What looks wrong to a subject about one disclosure; ``reason`` is a word of the catalogue."""

    id: ComplaintId
    subject: SubjectId
    disclosure: DisclosureId
    unit: UnitId
    reason: str
    opened_at: datetime
    state: ComplaintState = "open"
    finding: ComplaintFinding | None = None
    answered_at: datetime | None = None
    closed_at: datetime | None = None
    version: int = 1

    @property
    def answer_by(self) -> datetime:
        """When the service is reminded, if it has not answered."""
        return self.opened_at + ANSWER_WITHIN

    def answer(self, finding: ComplaintFinding, *, at: datetime) -> "Complaint":
        """What the service found; it may find another thing later, until the subject closes it.

        Raises:
            ComplaintOver: the subject has closed it.
        """
        if self.state == "closed":
            raise ComplaintOver
        return replace(
            self, state="answered", finding=finding, answered_at=at, version=self.version + 1
        )

    def close(self, *, at: datetime) -> "Complaint":
        """The subject is done with it, answered or not.

        Raises:
            ComplaintOver: it is closed already.
        """
        if self.state == "closed":
            raise ComplaintOver
        return replace(self, state="closed", closed_at=at, version=self.version + 1)
