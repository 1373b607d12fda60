"""Statistics: what is counted of the log and of consents, and what was."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import JSON, ColumnElement, cast, insert, select, type_coerce

from audit import counting
from audit.counting import Counted
from broker.domain.consents import Consent
from broker.domain.ids import SubjectId, UnitId
from broker.store import tables
from broker.store.audit_tables import statistics
from broker.store.faults import readable
from broker.store.part import Part
from tillit.wire.auditing import Statistics

_CONSENT = TypeAdapter(Consent)
_ROUGHLY = timedelta(seconds=1)


class Counts(Part):
    """Queries for statistics."""

    def counted(
        self, since: datetime, until: datetime, *, after: int, limit: int
    ) -> Sequence[Counted]:
        """A page of the log's entries of that time, after an index."""
        with readable():
            return counting.counted(self._connection, since, until, after=after, limit=limit)

    def requested_between(
        self, since: datetime, until: datetime, *, after: str, limit: int
    ) -> Sequence[Consent]:
        """A page of the consents that were asked for then, or a second from it, by id, after the last one seen.

        The time stands in the body only: this reads every consent once, which a month's count may.
        """
        body = tables.consent.c.body
        document: ColumnElement[Any] = (
            cast(body, JSON)
            if self._connection.dialect.name == "postgresql"
            else type_coerce(body, JSON)
        )
        at = document["requested_at"].as_string()
        query = (
            select(body)
            .where(
                tables.consent.c.id > after,
                at >= _text(since - _ROUGHLY),
                at < _text(until + _ROUGHLY),
            )
            .order_by(tables.consent.c.id)
            .limit(limit)
        )
        with readable():
            return [_CONSENT.validate_json(row.body) for row in self._run(query)]

    def asked_between(
        self, unit: UnitId, subject: SubjectId, since: datetime, until: datetime
    ) -> bool:
        """Whether a unit asked for anything about a subject in that time."""
        disclosure = tables.disclosure
        query = (
            select(disclosure.c.id)
            .where(
                disclosure.c.subject == subject,
                disclosure.c.recipient == unit,
                disclosure.c.at >= since,
                disclosure.c.at < until,
            )
            .limit(1)
        )
        return self._run(query).first() is not None

    def add_statistics(self, counted: Statistics) -> None:
        """Keep what was counted. Raises ``Contended`` when it has been."""
        body = counted.model_dump_json()
        self._run(
            insert(statistics), {"month": counted.month, "topic": counted.topic, "body": body}
        )

    def statistics(self, month: str, topic: str) -> Statistics | None:
        """What was counted of a month, None when it has not been."""
        query = select(statistics.c.body)
        found: str | None = self._run(
            query.where(statistics.c.month == month, statistics.c.topic == topic)
        ).scalar()
        with readable():
            return None if found is None else Statistics.model_validate_json(found)

    def counted_months(self) -> frozenset[tuple[str, str]]:
        """Each month and topic that has been counted."""
        rows = self._run(select(statistics.c.month, statistics.c.topic))
        return frozenset((row.month, row.topic) for row in rows)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
