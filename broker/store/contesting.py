"""Contests: records that their subject does not agree with."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from broker.domain.ids import RecordId, SubjectId, UnitId
from broker.store.choice_tables import contest as table
from broker.store.part import Part
from broker.stored import Contest
from tillit.wire import ContestFinding

_OF = (
    select(table)
    .where(table.c.subject == bindparam("subject"))
    .order_by(table.c.at.desc(), table.c.record)
)
_ONE = select(table).where(
    table.c.record == bindparam("which"), table.c.source == bindparam("source")
)
_ANSWER = (
    update(table)
    .where(table.c.record == bindparam("which"), table.c.at == bindparam("made"))
    .values(finding=bindparam("found"), answered_at=bindparam("now"))
)
_END = delete(table).where(
    table.c.record == bindparam("which"), table.c.subject == bindparam("whose")
)


class Contesting(Part):
    """Queries on contests."""

    def contest(self, subject: SubjectId, contest: Contest) -> None:
        """Keep a contest, in the place of one of the same record. Raises ``Contended`` when another came first."""
        self.end_contest(subject, contest.record)
        row = {
            "record": contest.record,
            "subject": subject,
            "field": contest.field,
            "source": contest.source,
            "objection": contest.objection,
            "at": contest.at,
        }
        self._run(insert(table), row)

    def end_contest(self, subject: SubjectId, record: RecordId) -> bool:
        """End a contest; False where there is none of that record of the subject's."""
        return self._run(_END, {"which": record, "whose": subject}).rowcount == 1

    def contests(self, subject: SubjectId) -> Mapping[RecordId, Contest]:
        """What the subject contests, by record, the latest first."""
        found = (_contest(row) for row in self._run(_OF, {"subject": subject}))
        return {contest.record: contest for contest in found}

    def contested(self, source: UnitId, record: RecordId) -> tuple[SubjectId, Contest] | None:
        """A contested record that a source wrote, and whom it is about."""
        row = self._run(_ONE, {"which": record, "source": source}).one_or_none()
        return None if row is None else (SubjectId(row.subject), _contest(row))

    def answer_contest(
        self, record: RecordId, finding: ContestFinding, *, made: datetime, at: datetime
    ) -> bool:
        """Keep what the source says to a contest that was made at ``made``; False where it is not that one any more."""
        row = {"which": record, "made": made, "found": finding, "now": at}
        return self._run(_ANSWER, row).rowcount == 1


def _contest(row: Row[*tuple[Any, ...]]) -> Contest:
    return Contest(
        RecordId(row.record),
        row.field,
        UnitId(row.source),
        RecordId(row.objection),
        row.at,
        row.finding,
        row.answered_at,
    )
