"""Auditing: auditors' roles, and the log as they search it."""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select

from audit import search
from audit.search import Found, Page, Search
from broker.domain.ids import UnitId
from broker.store.audit_tables import auditor
from broker.store.faults import readable
from broker.store.part import Part
from tillit.wire.auditing import Role

_ROLE = select(auditor.c.role).where(auditor.c.unit == bindparam("unit"))


class Auditing(Part):
    """Queries of auditors, and on them."""

    def set_auditor(self, unit: UnitId, role: Role, *, at: datetime) -> None:
        """Give an auditor a role in place of the one it had."""
        self._run(delete(auditor).where(auditor.c.unit == unit))
        self._run(insert(auditor), {"unit": unit, "role": role, "at": at})

    def auditor_role(self, unit: UnitId) -> Role:
        """An auditor's role: the one that sees nobody unless another was given."""
        role: str | None = self._run(_ROLE, {"unit": unit}).scalar()
        return "content" if role == "content" else "integrity"

    def search(self, asked: Search) -> Page:
        """A page of the entries searched for."""
        with readable():
            return search.search(self._connection, asked)

    def entry_at(self, index: int) -> Found | None:
        """The entry that stands there in the tree."""
        with readable():
            return search.entry(self._connection, index)
