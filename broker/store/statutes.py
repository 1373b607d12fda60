"""Statutes relied on, and what subjects speak against sharing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Boolean, bindparam, delete, insert, or_, select, true, update

from broker.domain.ids import InvocationId, SubjectId, UnitId
from broker.domain.invocations import Invocation
from broker.errors import Contended
from broker.store import tables
from broker.store.faults import readable
from broker.store.part import Part
from broker.stored import Objection

# What the policy is told of at most: with more of them towards one unit the oldest no longer count.
MOST_TOWARDS = 100

_INVOCATION = TypeAdapter(Invocation)

_ONE = select(tables.invocation.c.body).where(tables.invocation.c.id == bindparam("invocation"))
_SAVE = (
    update(tables.invocation)
    .where(
        tables.invocation.c.id == bindparam("invocation"),
        tables.invocation.c.version == bindparam("was"),
    )
    .values(
        version=bindparam("now"),
        closes=bindparam("new_closes"),
        review_due=bindparam("new_due"),
        body=bindparam("new_body"),
    )
)
_TOWARDS = (
    select(tables.invocation.c.body)
    .where(
        tables.invocation.c.subject == bindparam("subject"),
        tables.invocation.c.recipient == bindparam("unit"),
        tables.invocation.c.closes > bindparam("since"),
    )
    .order_by(tables.invocation.c.position.desc())
    .limit(MOST_TOWARDS)
)
_BY = (
    select(tables.invocation.c.body)
    .where(
        tables.invocation.c.unit == bindparam("unit"),
        or_(bindparam("any", type_=Boolean), tables.invocation.c.review_due == true()),
    )
    .order_by(tables.invocation.c.position)
    .limit(bindparam("limit"))
)
_POSITION = (
    select(tables.invocation.c.position)
    .where(
        tables.invocation.c.unit == bindparam("unit"), tables.invocation.c.id == bindparam("after")
    )
    .scalar_subquery()
)
_BY_AFTER = _BY.where(tables.invocation.c.position > _POSITION)
_OBJECTIONS = (
    select(tables.objection)
    .where(tables.objection.c.subject == bindparam("subject"))
    .order_by(tables.objection.c.category)
)


class Statutes(Part):
    """Queries on invocations and objections."""

    def add_invocation(self, invocation: Invocation) -> None:
        """Keep a new invocation."""
        row = {
            "id": invocation.id,
            "subject": invocation.subject,
            "unit": invocation.unit,
            "recipient": invocation.recipient,
            "closes": invocation.closes,
            "review_due": invocation.review_due,
            "version": invocation.version,
            "body": _body(invocation),
        }
        self._run(insert(tables.invocation).inline(), row)

    def save_invocation(self, invocation: Invocation, *, was: int) -> None:
        """Put the next version in place of version ``was``. Raises ``Contended`` when it is not at that version any more."""
        row = {
            "invocation": invocation.id,
            "was": was,
            "now": invocation.version,
            "new_closes": invocation.closes,
            "new_due": invocation.review_due,
            "new_body": _body(invocation),
        }
        if self._run(_SAVE, row).rowcount != 1:
            raise Contended

    def invocation(self, invocation: InvocationId) -> Invocation | None:
        """An invocation by its id, whosever it is."""
        found = self._run(_ONE, {"invocation": invocation}).scalar()
        return None if found is None else _read(found)

    def invocations_towards(
        self, unit: UnitId, subject: SubjectId, *, since: datetime
    ) -> Sequence[Invocation]:
        """Those about a subject that let this unit know something and close after ``since``, newest first."""
        rows = self._run(_TOWARDS, {"unit": unit, "subject": subject, "since": since})
        return tuple(_read(body) for body in rows.scalars())

    def invocations_by(
        self, unit: UnitId, *, after: str | None, limit: int, open_reviews: bool
    ) -> Sequence[Invocation]:
        """A page of those that a unit made, oldest first; with ``open_reviews`` only those that wait for a review.

        ``after`` is the id of the last one seen; one that is not the unit's gives nothing.
        """
        values: dict[str, Any] = {"unit": unit, "limit": limit, "any": not open_reviews}
        page = _BY
        if after is not None:
            page, values["after"] = _BY_AFTER, after
        return tuple(_read(body) for body in self._run(page, values).scalars())

    def add_objection(self, subject: SubjectId, objection: Objection) -> bool:
        """Keep an objection; False when the subject spoke against that category already."""
        row = {
            "subject": subject,
            "category": objection.category,
            "at": objection.at,
            "recorded_by": objection.recorded_by,
        }
        return self._insert_new(tables.objection, row)

    def remove_objection(self, subject: SubjectId, category: str) -> bool:
        """Take an objection back; False when there is none."""
        gone = delete(tables.objection).where(
            tables.objection.c.subject == subject, tables.objection.c.category == category
        )
        return self._run(gone).rowcount == 1

    def objections(self, subject: SubjectId) -> Sequence[Objection]:
        """What the subject speaks against sharing, by category."""
        return tuple(
            Objection(
                category=row.category,
                at=row.at,
                recorded_by=None if row.recorded_by is None else UnitId(row.recorded_by),
            )
            for row in self._run(_OBJECTIONS, {"subject": subject})
        )


def _body(invocation: Invocation) -> str:
    return _INVOCATION.dump_json(invocation).decode()


def _read(body: str) -> Invocation:
    with readable():
        return _INVOCATION.validate_json(body)
