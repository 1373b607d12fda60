"""Feeds: what units and subjects are notice.

A unit reads its feed by cursor, so no event may appear below a cursor that has been handed out. On
PostgreSQL numbers are given before commits, in another order; therefore events are written last in
a transaction, under a lock on the unit's feed that lasts until it has committed: within one feed,
the order of the numbers is the order of the commits. SQLite has one writer at a time.
"""

import zlib
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select

from broker.domain.ids import (
    ConsentId,
    DisclosureId,
    HelperId,
    InvocationId,
    MeetingId,
    SubjectId,
    UnitId,
)
from broker.domain.noticing import how
from broker.store import tables
from broker.store.choice_tables import notice_choice
from broker.store.faults import readable
from broker.store.part import Part
from broker.stored import Notice
from tillit.wire import Event

_CHOSEN = select(notice_choice.c.how).where(
    notice_choice.c.subject == bindparam("whose"), notice_choice.c.unit == bindparam("named")
)
_NO_UNIT = "helper"  # what a release that knows of no helpers reads in the place of a unit
_LOCKS = int.from_bytes(b"feed", "big")
_LOCK = select(func.pg_advisory_xact_lock(bindparam("space"), bindparam("feed")))

_EVENTS = (
    select(tables.event.c.position, tables.event.c.body)
    .where(tables.event.c.unit == bindparam("unit"), tables.event.c.position > bindparam("after"))
    .order_by(tables.event.c.position)
    .limit(bindparam("limit"))
)
_LAST = select(func.coalesce(func.max(tables.event.c.position), 0)).where(
    tables.event.c.unit == bindparam("unit")
)
_NOTICES = (
    select(tables.notice)
    .where(
        tables.notice.c.subject == bindparam("subject"),
        or_(tables.notice.c.told_at.is_(None), tables.notice.c.told_at <= bindparam("now")),
    )
    # One whose time has just come is news, however long ago it was written down.
    .order_by(
        func.coalesce(tables.notice.c.told_at, tables.notice.c.at).desc(),
        tables.notice.c.position.desc(),
    )
    .limit(bindparam("limit"))
)


class Feeds(Part):
    """Queries on notices and events."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._waiting: list[tuple[UnitId, Event]] = []

    def add_notice(self, subject: SubjectId, notice: Notice) -> None:
        """Tell the subject something, at once or with the next digest, as they chose for the unit that did it."""
        chosen = self._run(_CHOSEN, {"whose": subject, "named": notice.unit}).scalar()
        told = how(notice.kind, urgent=notice.urgent, chosen=chosen)
        row = {
            "subject": subject,
            "kind": notice.kind,
            "at": notice.at,
            "unit": notice.unit or _NO_UNIT,
            "consent": notice.consent,
            "disclosure": notice.disclosure,
            "meeting": notice.meeting,
            "invocation": notice.invocation,
            "helper": notice.helper,
            "told_at": notice.told_at,
            "how": told,
            "due_at": None if told == "digest" else notice.told_at or notice.at,
        }
        self._run(insert(tables.notice).inline(), row)

    def notices(self, subject: SubjectId, *, limit: int, at: datetime) -> Sequence[Notice]:
        """The latest of what the subject was told by that moment, newest first."""
        rows = self._run(_NOTICES, {"subject": subject, "limit": limit, "now": at})
        return tuple(notice(row) for row in rows)

    def add_event(self, unit: UnitId, event: Event) -> None:
        """Put an event into a unit's feed; its ``id`` is given when the transaction commits."""
        self._waiting.append((unit, event))

    def events(self, unit: UnitId, *, after: int, limit: int) -> Sequence[Event]:
        """A page of a unit's feed, oldest first, above the cursor ``after``."""
        self.write_events()
        rows = self._run(_EVENTS, {"unit": unit, "after": after, "limit": limit}).all()
        with readable():
            return tuple(
                Event.model_validate_json(body).model_copy(update={"id": position})
                for position, body in rows
            )

    def last_event(self, unit: UnitId) -> int:
        """The cursor at the present end of a unit's feed: whatever is written later comes after it."""
        return int(self._run(_LAST, {"unit": unit}).scalar_one())

    def write_events(self) -> None:
        """Write the events that wait; the transaction should have nothing else left to do."""
        waiting = sorted(self._waiting, key=lambda pair: _feed(pair[0]))
        self._waiting = []
        for feed, events in groupby(waiting, key=lambda pair: _feed(pair[0])):
            if self._connection.dialect.name == "postgresql":
                self._run(_LOCK, {"space": _LOCKS, "feed": feed})
            rows = [{"unit": unit, "body": event.model_dump_json()} for unit, event in events]
            self._run(insert(tables.event).inline(), rows)


def notice(row: Row[*tuple[Any, ...]]) -> Notice:
    """The notice that a row holds."""
    return Notice(
        kind=row.kind,
        at=row.at,
        unit=None if row.unit == _NO_UNIT else UnitId(row.unit),
        consent=None if row.consent is None else ConsentId(row.consent),
        disclosure=None if row.disclosure is None else DisclosureId(row.disclosure),
        meeting=None if row.meeting is None else MeetingId(row.meeting),
        invocation=None if row.invocation is None else InvocationId(row.invocation),
        told_at=row.told_at,
        helper=None if row.helper is None else HelperId(row.helper),
        how="digest" if row.how == "digest" else "at_once",
        due_at=row.due_at,
    )


def _feed(unit: UnitId) -> int:
    """A 32-bit signed number for a unit's feed; two units that share one merely wait longer."""
    return zlib.crc32(unit.encode()) - 2**31
