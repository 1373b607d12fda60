"""Contacts: addresses outside the portal, sealed as the log's contents are, and what is to be sent there."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, func, insert, select, update

from audit.storage import log_volume
from broker.domain.contacts import ASKED_WITHIN, Contact
from broker.domain.ids import ContactId, SubjectId
from broker.errors import Contended
from broker.store import tables
from broker.store.choice_tables import contact as table
from broker.store.part import Part
from broker.stored import Reached
from tillit.contents import Volume, seal_address
from tillit.wire import Channel

_TYPE = "contact.asked"  # the entry whose time an address is kept for
_C, _NOTICE = table.c, tables.notice.c

_REACHED = select(table, log_volume.c.sealed.label("key")).outerjoin(
    log_volume, log_volume.c.id == _C.volume
)
_OF = _REACHED.where(_C.subject == bindparam("whose"), _C.ended_at.is_(None)).order_by(_C.asked_at)
_ASKED = (
    select(func.count())
    .select_from(table)
    .where(_C.subject == bindparam("whose"), _C.asked_at > bindparam("since"))
)
_LATE = delete(table).where(
    _C.subject == bindparam("whose"),
    _C.ended_at.is_not(None),
    _C.asked_at <= bindparam("since"),
)
_SAVE = update(table).where(_C.id == bindparam("which"), _C.version == bindparam("was"))
_WAIT = (_NOTICE.handed_at.is_(None), _NOTICE.due_at <= bindparam("now"))
_IN_USE = (_C.ended_at.is_(None), _C.refused_at.is_(None))
_DUE = (
    _REACHED.where(
        *_IN_USE,
        _C.channel.in_(bindparam("channels", expanding=True)),
        _C.try_at <= bindparam("now"),
    )
    .order_by(_C.try_at, _C.id)
    .limit(bindparam("limit"))
)
_CODES = _DUE.where(
    _C.confirmed_at.is_(None), _C.sent_at.is_(None), _C.code_until > bindparam("now")
)
_NEWS = _DUE.where(
    _C.confirmed_at.is_not(None), _C.subject.in_(select(_NOTICE.subject).where(*_WAIT))
)
_UNREACHED = (
    select(_NOTICE.position)
    .where(
        *_WAIT,
        ~exists().where(_C.subject == _NOTICE.subject, _C.confirmed_at.is_not(None), *_IN_USE),
    )
    .order_by(_NOTICE.due_at)
    .limit(bindparam("limit"))
)
_HANDED = (
    update(tables.notice)
    .where(
        _NOTICE.subject == bindparam("whose"),
        _NOTICE.handed_at.is_(None),
        _NOTICE.due_at <= bindparam("due_by"),
    )
    .values(handed_at=bindparam("now", type_=tables.Instant()))
)


class Contacts(Part):
    """Queries on contacts."""

    def add_contact(self, contact: Contact, address: str) -> bool:
        """Keep a contact and, sealed, its address; False where the subject was erased: none is kept then.

        Raises:
            Contended: the subject has another at the same standing.
        """
        sealing = self._sealer()
        volume = sealing.volume(
            self._connection, type_=_TYPE, at=contact.asked_at, subject=contact.subject
        )
        if volume is None:
            return False
        sealed = seal_address(
            address, contact=contact.id, key=volume.key, randomness=sealing.randomness
        )
        self._run(_LATE, {"whose": contact.subject, "since": contact.asked_at - ASKED_WITHIN})
        row = {**asdict(contact), "volume": volume.id, "sealed": sealed}
        self._run(insert(table), row)
        return True

    def save_contact(self, contact: Contact, *, was: int) -> None:
        """Put the next version in place of version ``was``; the address of one that has ended is not kept.

        Raises:
            Contended: it is not at that version any more, or the subject has another at the same standing.
        """
        row = asdict(contact)
        row["which"] = row.pop("id")
        if contact.ended_at is not None:
            row |= {"volume": None, "sealed": b""}
        values = {name: value for name, value in row.items() if name != "which"}
        if self._run(_SAVE.values(values), {"which": row["which"], "was": was}).rowcount != 1:
            raise Contended

    def contacts_of(self, subject: SubjectId) -> Sequence[Reached]:
        """Those of a subject that have not ended: one that waits or waited for its code, and one that is confirmed."""
        return tuple(_reached(row) for row in self._run(_OF, {"whose": subject}))

    def codes_asked(self, subject: SubjectId, *, since: datetime) -> int:
        """How many contacts a subject asked for since then."""
        return int(self._run(_ASKED, {"whose": subject, "since": since}).scalar_one())

    def contacts_due(
        self, *, at: datetime, channels: Iterable[Channel], limit: int
    ) -> Sequence[Reached]:
        """A page of those at which a code, or news of a notice that is due, waits to be sent by then; codes first."""
        values = {"now": at, "channels": list(channels), "limit": limit}
        found = [self._run(statement, values).all() for statement in (_CODES, _NEWS)]
        return tuple(_reached(row) for rows in found for row in rows)[:limit]

    def notices_unreached(self, *, at: datetime, limit: int) -> Sequence[int]:
        """A page of the notices that are due by then and are told nowhere but in the portal."""
        return tuple(self._run(_UNREACHED, {"now": at, "limit": limit}).scalars())

    def hand_on_notices_of(self, subject: SubjectId, *, due_by: datetime, at: datetime) -> int:
        """Mark what was due by then as handed on; says how many notices."""
        values = {"whose": subject, "due_by": due_by, "now": at}
        return self._run(_HANDED, values).rowcount


def _reached(row: Row[*tuple[Any, ...]]) -> Reached:
    volume: Volume | None = None
    if row.key is not None:
        volume = Volume(bytes(row.volume).decode("ascii", "replace"), row.subject, bytes(row.key))
    contact = Contact(
        id=ContactId(row.id),
        subject=SubjectId(row.subject),
        version=row.version,
        channel=row.channel,
        language=row.language,
        asked_at=row.asked_at,
        code_until=row.code_until,
        tries=row.tries,
        sent_at=row.sent_at,
        confirmed_at=row.confirmed_at,
        refused_at=row.refused_at,
        ended_at=row.ended_at,
        message=row.message,
        failures=row.failures,
        try_at=row.try_at,
    )
    return Reached(contact, volume, bytes(row.sealed))
