"""Meetings about subjects."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, and_, bindparam, insert, or_, select

from broker.domain.ids import MeetingId, SubjectId, UnitId
from broker.store import tables
from broker.store.faults import readable
from broker.store.part import Part
from broker.stored import Meeting
from tillit.wire import CategoryId, Participant

_PARTICIPANTS = TypeAdapter(tuple[Participant, ...])
_AGENDA = TypeAdapter(tuple[CategoryId, ...])

_MEETING = select(tables.meeting).where(tables.meeting.c.id == bindparam("meeting"))
_ABOUT = (
    select(tables.meeting)
    .where(tables.meeting.c.subject == bindparam("subject"))
    .limit(bindparam("limit"))
)
_COMING = _ABOUT.where(tables.meeting.c.held_at > bindparam("now")).order_by(
    tables.meeting.c.held_at, tables.meeting.c.id
)
_PAST = _ABOUT.where(tables.meeting.c.held_at <= bindparam("now")).order_by(
    tables.meeting.c.held_at.desc(), tables.meeting.c.id.desc()
)
_SEEN = (
    select(tables.meeting.c.held_at)
    .where(
        tables.meeting.c.subject == bindparam("subject"), tables.meeting.c.id == bindparam("before")
    )
    .scalar_subquery()
)
_PAST_BEFORE = _PAST.where(
    or_(
        tables.meeting.c.held_at < _SEEN,
        and_(tables.meeting.c.held_at == _SEEN, tables.meeting.c.id < bindparam("before")),
    )
)


class Meetings(Part):
    """Queries on meetings."""

    def add_meeting(self, meeting: Meeting) -> None:
        """Keep a meeting."""
        row = {
            "id": meeting.id,
            "subject": meeting.subject,
            "collaboration": meeting.collaboration,
            "called_by": meeting.called_by,
            "held_at": meeting.held_at,
            "noticed_at": meeting.noticed_at,
            "participants": _PARTICIPANTS.dump_json(meeting.participants).decode(),
            "agenda": _AGENDA.dump_json(meeting.agenda).decode(),
        }
        self._run(insert(tables.meeting), row)

    def meeting(self, meeting: MeetingId) -> Meeting | None:
        """A meeting by its id, whomever it is about."""
        found = self._run(_MEETING, {"meeting": meeting}).first()
        return None if found is None else _meeting(found)

    def coming_meetings(self, subject: SubjectId, *, at: datetime, limit: int) -> Sequence[Meeting]:
        """Those about a subject that are held after that moment, the next one first."""
        rows = self._run(_COMING, {"subject": subject, "now": at, "limit": limit})
        return tuple(_meeting(row) for row in rows)

    def past_meetings(
        self, subject: SubjectId, *, at: datetime, before: str | None, limit: int
    ) -> Sequence[Meeting]:
        """A page of those about a subject that began by that moment, the latest first.

        ``before`` is the id of the last one seen; one that is not about the subject gives nothing.
        """
        values: dict[str, Any] = {"subject": subject, "now": at, "limit": limit}
        page = _PAST
        if before is not None:
            page, values["before"] = _PAST_BEFORE, before
        return tuple(_meeting(row) for row in self._run(page, values))


def _meeting(row: Row[*tuple[Any, ...]]) -> Meeting:
    with readable():
        return Meeting(
            id=MeetingId(row.id),
            subject=SubjectId(row.subject),
            collaboration=row.collaboration,
            called_by=UnitId(row.called_by),
            held_at=row.held_at,
            noticed_at=row.noticed_at,
            participants=_PARTICIPANTS.validate_json(row.participants),
            agenda=_AGENDA.validate_json(row.agenda),
        )
