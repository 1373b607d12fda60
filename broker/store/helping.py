"""Helpers whom subjects chose, from the invitation on."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from broker.domain.helping import MOST_TRIES, Helper
from broker.domain.ids import HelperId, PersonKey, SubjectId
from broker.errors import Contended
from broker.store import choice_tables as tables
from broker.store.part import Part

_HELPER = tables.helper.c
_ONE = select(tables.helper).where(_HELPER.id == bindparam("helper"))
_OF = (
    select(tables.helper)
    .where(_HELPER.subject == bindparam("whose"))
    .order_by(_HELPER.position.desc())
    .limit(bindparam("limit"))
)
_BY = (
    select(tables.helper)
    .where(_HELPER.person == bindparam("who"), _HELPER.ended_at.is_(None))
    .order_by(_HELPER.position.desc())
    .limit(bindparam("limit"))
)
# Without the right first group of a code no try reaches anybody's invitation.
_WAITING = (
    _HELPER.finds == bindparam("first"),
    _HELPER.person.is_(None),
    _HELPER.ended_at.is_(None),
    _HELPER.code_until > bindparam("now"),
)
_TRY = (
    update(tables.helper)
    .where(*_WAITING, _HELPER.tries < MOST_TRIES)
    .values(tries=_HELPER.tries + 1)
    .returning(tables.helper)
)
_SAVE = (
    update(tables.helper)
    .where(_HELPER.id == bindparam("helper"), _HELPER.version == bindparam("was"))
    .values(
        version=bindparam("new_version"),
        person=bindparam("new_person"),
        accepted_at=bindparam("new_accepted_at"),
        until=bindparam("new_until"),
        ended_at=bindparam("new_ended_at"),
        ended_by=bindparam("new_ended_by"),
        finds=b"",
        code=b"",
    )
)


class Helping(Part):
    """Queries on helpers."""

    def add_helper(self, helper: Helper, *, finds: bytes, code: bytes) -> None:
        """Keep an invitation and the keyed hashes of its code's first group and of all of it.

        Raises:
            Contended: the subject has another that has not ended.
        """
        row = {
            **asdict(helper),
            "shows": " ".join(sorted(helper.shows)),
            "finds": finds,
            "code": code,
            "tries": 0,
        }
        if not self._insert_new(tables.helper, row):
            raise Contended

    def save_helper(self, helper: Helper, *, was: int) -> None:
        """Put the next version in place of version ``was``; its code is good for nothing then.

        Raises:
            Contended: it is not at that version any more.
        """
        row = {
            "helper": helper.id,
            "was": was,
            "new_version": helper.version,
            "new_person": helper.person,
            "new_accepted_at": helper.accepted_at,
            "new_until": helper.until,
            "new_ended_at": helper.ended_at,
            "new_ended_by": helper.ended_by,
        }
        if self._run(_SAVE, row).rowcount != 1:
            raise Contended

    def helper(self, helper: HelperId) -> Helper | None:
        """A helper by the id, whosever it is."""
        found = self._run(_ONE, {"helper": helper}).first()
        return None if found is None else _helper(found)

    def helpers_of(self, subject: SubjectId, *, limit: int) -> Sequence[Helper]:
        """Those whom a subject invited, the latest first."""
        return tuple(_helper(row) for row in self._run(_OF, {"whose": subject, "limit": limit}))

    def helped_by(self, person: PersonKey, *, limit: int) -> Sequence[Helper]:
        """Those who took an invitation as this person and have not ended, the latest first."""
        return tuple(_helper(row) for row in self._run(_BY, {"who": person, "limit": limit}))

    def try_helper_code(self, finds: bytes, *, at: datetime) -> Sequence[tuple[Helper, bytes]]:
        """Count one try at each invitation that waits by a code's first group, if it may be tried still.

        Returns those, each with the keyed hash of its whole code.
        """
        tried = self._run(_TRY, {"first": finds, "now": at}).all()
        return tuple((_helper(row), bytes(row.code)) for row in tried)


def _helper(row: Row[*tuple[Any, ...]]) -> Helper:
    return Helper(
        id=HelperId(row.id),
        subject=SubjectId(row.subject),
        version=row.version,
        shows=frozenset(row.shows.split()),
        invited_at=row.invited_at,
        code_until=row.code_until,
        person=None if row.person is None else PersonKey(row.person),
        accepted_at=row.accepted_at,
        until=row.until,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )
