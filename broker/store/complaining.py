"""Complaints of subjects about disclosures."""

from collections.abc import Sequence

from pydantic import TypeAdapter
from sqlalchemy import bindparam, insert, select, update

from broker.domain.complaints import Complaint
from broker.domain.ids import ComplaintId, SubjectId, UnitId
from broker.errors import Contended
from broker.store.choice_tables import complaint as table
from broker.store.faults import readable
from broker.store.looks import NEVER
from broker.store.part import Part

_COMPLAINT = TypeAdapter(Complaint)

_ONE = select(table.c.body).where(table.c.id == bindparam("complaint"))
_SAVE = (
    update(table)
    .where(table.c.id == bindparam("complaint"), table.c.version == bindparam("was"))
    .values(
        version=bindparam("now"),
        state=bindparam("new_state"),
        look_at=bindparam("then"),
        body=bindparam("new_body"),
    )
)
_OF = (
    select(table.c.body)
    .where(table.c.subject == bindparam("whose"))
    .order_by(table.c.position.desc())
    .limit(bindparam("limit"))
)
_NOT_CLOSED = (
    select(table.c.body)
    .where(table.c.subject == bindparam("whose"), table.c.state != "closed")
    .order_by(table.c.position)
)
_POSITION = select(table.c.position).where(table.c.id == bindparam("after")).scalar_subquery()
_PAGE = select(table.c.body).order_by(table.c.position).limit(bindparam("limit"))


class Complaining(Part):
    """Queries on complaints."""

    def add_complaint(self, complaint: Complaint) -> None:
        """Keep a new complaint. Raises ``Contended`` where one of the same disclosure is not closed."""
        row = {
            "id": complaint.id,
            "subject": complaint.subject,
            "disclosure": complaint.disclosure,
            "unit": complaint.unit,
            "state": complaint.state,
            "look_at": complaint.answer_by,
            "version": complaint.version,
            "body": _body(complaint),
        }
        self._run(insert(table).inline(), row)

    def save_complaint(self, complaint: Complaint, *, was: int) -> None:
        """Put the next version in place of version ``was``. Raises ``Contended`` when it is not at that version any more."""
        row = {
            "complaint": complaint.id,
            "was": was,
            "now": complaint.version,
            "new_state": complaint.state,
            "then": NEVER,
            "new_body": _body(complaint),
        }
        if self._run(_SAVE, row).rowcount != 1:
            raise Contended

    def complaint(self, complaint: ComplaintId) -> Complaint | None:
        """A complaint by its id, whosever it is."""
        found = self._run(_ONE, {"complaint": complaint}).scalar()
        return None if found is None else _read(found)

    def complaints_of(self, subject: SubjectId, *, limit: int) -> Sequence[Complaint]:
        """The latest of a subject's, newest first, whatever became of them."""
        rows = self._run(_OF, {"whose": subject, "limit": limit})
        return tuple(_read(body) for body in rows.scalars())

    def complaints_not_closed(self, subject: SubjectId) -> Sequence[Complaint]:
        """Those of a subject's that are not closed, oldest first."""
        return tuple(_read(body) for body in self._run(_NOT_CLOSED, {"whose": subject}).scalars())

    def complaints_about(
        self, unit: UnitId | None, *, after: str | None, limit: int, open_only: bool
    ) -> Sequence[Complaint]:
        """A page of those about a unit's disclosures (None: about anybody's), oldest first, after the last one seen."""
        page = _PAGE
        row: dict[str, object] = {"limit": limit}
        if unit is not None:
            page, row["about"] = page.where(table.c.unit == bindparam("about")), unit
        if after is not None:
            page, row["after"] = page.where(table.c.position > _POSITION), after
        if open_only:
            page = page.where(table.c.state == "open")
        return tuple(_read(body) for body in self._run(page, row).scalars())


def _body(complaint: Complaint) -> str:
    return _COMPLAINT.dump_json(complaint).decode()


def _read(body: str) -> Complaint:
    with readable():
        return _COMPLAINT.validate_json(body)
