"""Anonymous cases, and whose they turned out to be."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, bindparam, insert, select

from broker.domain.ids import CaseId, SubjectId, UnitId
from broker.store import tables
from broker.store.faults import readable
from broker.store.part import Part
from broker.stored import Case
from tillit.wire import CaseWord

_WORDS = TypeAdapter(tuple[CaseWord, ...])

_OF = (
    select(tables.anonymous_case)
    .where(tables.anonymous_case.c.collaboration == bindparam("where"))
    .order_by(tables.anonymous_case.c.position)
    .limit(bindparam("limit"))
)
_POSITION = (
    select(tables.anonymous_case.c.position)
    .where(
        tables.anonymous_case.c.id == bindparam("last"),
        tables.anonymous_case.c.collaboration == bindparam("where"),
    )
    .scalar_subquery()
)
_OF_AFTER = _OF.where(tables.anonymous_case.c.position > _POSITION)
_BY_CLAIM = select(tables.anonymous_case).where(
    tables.anonymous_case.c.claim_sha256 == bindparam("claim")
)


class Cases(Part):
    """Queries on anonymous cases."""

    def add_case(self, case: Case, *, claim_sha256: bytes) -> None:
        """Keep a case, and the hash of the code that claims it."""
        row = {
            "id": case.id,
            "collaboration": case.collaboration,
            "told_by": case.told_by,
            "age_band": case.age_band,
            "gender": case.gender,
            "municipality": case.municipality,
            "topics": _WORDS.dump_json(case.topics).decode(),
            "needs": _WORDS.dump_json(case.needs).decode(),
            "claim_sha256": claim_sha256,
        }
        self._run(insert(tables.anonymous_case).inline(), row)

    def cases(self, collaboration: str, *, after: str | None, limit: int) -> Sequence[Case]:
        """A page of a collaboration's, in the order in which they were told.

        ``after`` is the id of the last one seen; another collaboration's gives nothing.
        """
        values = {"where": collaboration, "limit": limit}
        page = (_OF, values) if after is None else (_OF_AFTER, {**values, "last": after})
        rows = self._run(*page)
        return tuple(_case(row) for row in rows)

    def claim_case(self, claim_sha256: bytes, subject: SubjectId, *, at: datetime) -> Case | None:
        """Say whose a case is, once; None when there is none by that code or it was claimed before."""
        found = self._run(_BY_CLAIM, {"claim": claim_sha256}).first()
        if found is None:
            return None
        row = {"case": found.id, "subject": subject, "at": at}
        return _case(found) if self._insert_new(tables.claimed_case, row) else None


def _case(row: Row[*tuple[Any, ...]]) -> Case:
    with readable():
        return Case(
            id=CaseId(row.id),
            collaboration=row.collaboration,
            told_by=UnitId(row.told_by),
            age_band=row.age_band,
            gender=row.gender,
            municipality=row.municipality,
            topics=_WORDS.validate_json(row.topics),
            needs=_WORDS.validate_json(row.needs),
        )
