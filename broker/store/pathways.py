"""Pathways: the point that each subject's case has reached in a collaboration."""

from sqlalchemy import bindparam, select

from broker.domain.ids import SubjectId, UnitId
from broker.store import tables
from broker.store.part import Part
from broker.stored import Stage

_STAGE = select(tables.stage).where(
    tables.stage.c.subject == bindparam("whose"),
    tables.stage.c.collaboration == bindparam("where"),
)


class Pathways(Part):
    """Queries on stages."""

    def set_stage(self, subject: SubjectId, collaboration: str, stage: Stage) -> None:
        """Keep the point that is reached now in place of the one before."""
        said = {"number": stage.number, "at": stage.at, "unit": stage.unit}
        row = {"subject": subject, "collaboration": collaboration, **said}
        keys = [tables.stage.c.subject, tables.stage.c.collaboration]
        put = self._insert(tables.stage).on_conflict_do_update(index_elements=keys, set_=said)
        self._run(put, row)

    def stage(self, subject: SubjectId, collaboration: str) -> Stage | None:
        """The point that is reached; None where nobody has said."""
        found = self._run(_STAGE, {"whose": subject, "where": collaboration}).first()
        return None if found is None else Stage(found.number, found.at, UnitId(found.unit))
