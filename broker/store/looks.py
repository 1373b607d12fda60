"""What time may change: which consents, disclosures and complaints are due to be looked at, and what has been told once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, Table, Update, bindparam, func, select, tuple_, update

from broker.domain.ids import ComplaintId, ConsentId, DisclosureId, SubjectId
from broker.errors import Contended
from broker.store import tables
from broker.store.choice_tables import complaint
from broker.store.part import Part
from broker.stored import Due

SOON = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def _due(table: Table) -> Select[tuple[datetime, str]]:
    return (
        select(table.c.look_at, table.c.id)
        .where(
            table.c.look_at <= bindparam("at"),
            tuple_(table.c.look_at, table.c.id)
            > tuple_(bindparam("seen_at", type_=tables.Instant()), bindparam("seen_id")),
        )
        .order_by(table.c.look_at, table.c.id)
        .limit(bindparam("limit"))
    )


def _count(table: Table) -> Select[Any]:
    return select(func.count()).select_from(table).where(table.c.look_at <= bindparam("at"))


def _look(table: Table) -> Update:
    """Only while it is due: of two replicas that look at once, one finds that the other has."""
    return (
        update(table)
        .where(table.c.id == bindparam("one"), table.c.look_at <= bindparam("now"))
        .values(look_at=bindparam("then"))
    )


_CONSENTS, _DISCLOSURES = _due(tables.consent), _due(tables.disclosure)
_COMPLAINTS = _due(complaint)
_COUNTS = _count(tables.consent), _count(tables.disclosure), _count(complaint)
_LOOK_CONSENT = _look(tables.consent).where(tables.consent.c.version == bindparam("seen"))
_LOOK_DISCLOSURE = _look(tables.disclosure)
_LOOK_COMPLAINT = _look(complaint)


class Looks(Part):
    """Queries on what is due. ``then`` None is never again."""

    def consents_due(self, *, at: datetime, after: Due | None, limit: int) -> Sequence[Due]:
        """A page of the consents that time may have changed by then, longest due first, after the last one seen."""
        return self._page(_CONSENTS, at=at, after=after, limit=limit)

    def disclosures_due(self, *, at: datetime, after: Due | None, limit: int) -> Sequence[Due]:
        """A page of the disclosures whose values should be gone by then, longest due first, after the last one seen."""
        return self._page(_DISCLOSURES, at=at, after=after, limit=limit)

    def complaints_due(self, *, at: datetime, after: Due | None, limit: int) -> Sequence[Due]:
        """A page of the complaints that should have been answered by then, longest due first, after the last one seen."""
        return self._page(_COMPLAINTS, at=at, after=after, limit=limit)

    def due(self, *, at: datetime) -> int:
        """How many of all of them."""
        return sum(self._run(count, {"at": at}).scalar_one() for count in _COUNTS)

    def look_at_consent(
        self, consent: ConsentId, version: int, *, now: datetime, then: datetime | None
    ) -> None:
        """Note when to look at it next. Raises ``Contended`` when it has changed, or somebody else has looked."""
        self._look(_LOOK_CONSENT, {"one": consent, "seen": version, "now": now}, then)

    def look_at_disclosure(
        self, disclosure: DisclosureId, *, now: datetime, then: datetime | None
    ) -> None:
        """Note when to look at it next. Raises ``Contended`` when somebody else has looked."""
        self._look(_LOOK_DISCLOSURE, {"one": disclosure, "now": now}, then)

    def look_at_complaint(
        self, complaint: ComplaintId, *, now: datetime, then: datetime | None
    ) -> None:
        """Note when to look at it next. Raises ``Contended`` when it was answered, or somebody else has looked."""
        self._look(_LOOK_COMPLAINT, {"one": complaint, "now": now}, then)

    def tell_once(self, subject: SubjectId, what: str) -> bool:
        """Whether this is the first time; it never is again."""
        return self._insert_new(tables.told_once, {"subject": subject, "what": what})

    def _page(
        self, query: Select[tuple[datetime, str]], *, at: datetime, after: Due | None, limit: int
    ) -> Sequence[Due]:
        seen = after or Due(SOON, "")
        row = {"at": at, "seen_at": seen.look_at, "seen_id": seen.id, "limit": limit}
        return tuple(Due(look_at, identity) for look_at, identity in self._run(query, row))

    def _look(self, statement: Update, row: dict[str, Any], then: datetime | None) -> None:
        if self._run(statement, {**row, "then": then or NEVER}).rowcount != 1:
            raise Contended
