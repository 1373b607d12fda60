"""Contests: records that their subject does not agree with."""

from collections.abc import Mapping

from sqlalchemy import bindparam, delete, insert, select

from broker.domain.ids import RecordId, SubjectId, UnitId
from broker.store.choice_tables import contest as table
from broker.store.part import Part
from broker.stored import Contest

_OF = (
    select(table)
    .where(table.c.subject == bindparam("subject"))
    .order_by(table.c.at.desc(), table.c.record)
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
        return {
            RecordId(row.record): Contest(
                RecordId(row.record),
                row.field,
                UnitId(row.source),
                RecordId(row.objection),
                row.at,
            )
            for row in self._run(_OF, {"subject": subject})
        }
