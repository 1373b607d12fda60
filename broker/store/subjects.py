"""Subjects, and each unit's own handles for them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from broker.domain.ids import PersonKey, SubjectHandle, SubjectId, UnitId
from broker.store import tables
from broker.store.part import Part

_BY_PERSON = select(tables.subject.c.id).where(tables.subject.c.person == bindparam("person"))
_PERSON_OF = select(tables.subject.c.person).where(tables.subject.c.id == bindparam("subject"))
_HANDLE = select(tables.handle.c.handle).where(
    tables.handle.c.unit == bindparam("unit"), tables.handle.c.subject == bindparam("subject")
)
_HANDLES = (
    select(tables.handle.c.unit, tables.handle.c.handle)
    .where(tables.handle.c.subject == bindparam("subject"))
    .order_by(tables.handle.c.unit)
)
_SUBJECT_OF = (
    select(tables.handle.c.subject, tables.subject.c.person)
    .join(tables.subject, tables.subject.c.id == tables.handle.c.subject)
    .where(tables.handle.c.unit == bindparam("unit"), tables.handle.c.handle == bindparam("handle"))
)


class Subjects(Part):
    """Queries on subjects and handles. Who a subject is never changes, so within a transaction it is read once."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._persons: dict[SubjectId, PersonKey] = {}

    def subject_by_person(self, person: PersonKey) -> SubjectId | None:
        """The subject with this keyed hash."""
        found = self._run(_BY_PERSON, {"person": person}).scalar()
        return None if found is None else SubjectId(found)

    def add_subject(self, subject: SubjectId, person: PersonKey, *, at: datetime) -> None:
        """Add a subject. Raises ``Contended`` when the person is one already."""
        self._run(insert(tables.subject), {"id": subject, "person": person, "added_at": at})

    def person_of(self, subject: SubjectId) -> PersonKey:
        """The keyed hash behind a subject's id. Raises ``KeyError`` for an id that is none."""
        if subject not in self._persons:
            found = self._run(_PERSON_OF, {"subject": subject}).scalar()
            if found is None:
                raise KeyError("no such subject")
            self._persons[subject] = PersonKey(found)
        return self._persons[subject]

    def handle(self, unit: UnitId, subject: SubjectId) -> SubjectHandle | None:
        """The unit's handle for a subject, if it has one."""
        found = self._run(_HANDLE, {"unit": unit, "subject": subject}).scalar()
        return None if found is None else SubjectHandle(found)

    def add_handle(self, unit: UnitId, subject: SubjectId, handle: SubjectHandle) -> None:
        """Give a unit its handle. Raises ``Contended`` when it has one."""
        self._run(insert(tables.handle), {"unit": unit, "subject": subject, "handle": handle})

    def handles(self, subject: SubjectId) -> Sequence[tuple[UnitId, SubjectHandle]]:
        """Every unit's handle for the subject."""
        rows = self._run(_HANDLES, {"subject": subject})
        return [(UnitId(row.unit), SubjectHandle(row.handle)) for row in rows]

    def subject_of(self, unit: UnitId, handle: SubjectHandle) -> SubjectId | None:
        """The subject behind the unit's own handle; another unit's is not found."""
        found = self._run(_SUBJECT_OF, {"unit": unit, "handle": handle}).first()
        if found is None:
            return None
        subject = SubjectId(found.subject)
        self._persons[subject] = PersonKey(found.person)
        return subject
