"""Sealing: how the content of an entry is sealed as it is written, with public keys alone.

A volume key seals what is written about one subject in one epoch for a while (``tillit.contents``
has the formats). It is made here, wrapped to the subject and to the epoch, and its wrapped form
written in the transaction that first uses it. In clear it is held in memory only, for at most
``LASTS`` seconds and ``MOST`` contents: that is what an entry costs no more than AES-GCM for.

What is *not* protected: another process that holds a volume key when the subject is erased writes
under it until it lets go of it. What it writes then can be opened by nobody else.
"""

import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Table, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from audit.storage import log_epoch, log_sealed, log_subject, log_volume
from tillit.contents import fresh_id, seal_content, seal_volume
from tillit.envelopes import KEY_BYTES, Randomness

LASTS = 15 * 60.0
"""Seconds that a volume key is used for."""

MOST = 2**20
"""Contents sealed under one volume key: far from where random IVs of 96 bits meet (2^-57)."""

HELD = 4096
"""At most so many volume keys in memory."""

Jwk = Mapping[str, Any]

_SUBJECT = select(log_subject.c.jwk).where(log_subject.c.subject == bindparam("whose"))
_EPOCH = select(log_epoch.c.jwk).where(log_epoch.c.epoch == bindparam("which"))
_VOLUME = insert(log_volume).inline()
_SEALED = insert(log_sealed).inline()


class LogKeys(Protocol):
    """Whose public keys contents are sealed to, asked when the database does not know one yet."""

    def subject(self, subject: str) -> Jwk | None:
        """The subject's log key, None when the subject has been erased."""
        ...

    def epoch(self, epoch: str) -> Jwk | None:
        """The epoch's key, None when it was destroyed."""
        ...


class _Over(Exception):
    """The subject was erased, or the epoch is over: no content is kept."""


@dataclass(slots=True)
class InUse:
    """A volume as it is written in: its id, until when, its key, how many contents it still takes."""

    id: bytes
    until: float
    key: bytes = field(repr=False)
    left: int = MOST


class Sealer:
    """Seals for one log in one process.

    ``epoch_of`` (type, time) says which epoch an entry is of. ``clock`` is monotonic, in seconds.
    """

    def __init__(
        self,
        keys: LogKeys,
        *,
        epoch_of: Callable[[str, datetime], str],
        randomness: Randomness = os.urandom,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keys = keys
        self.epoch_of = epoch_of
        self.randomness = randomness
        self.clock = clock
        self._lock = threading.Lock()
        self._volumes: OrderedDict[tuple[str | None, str], InUse] = OrderedDict()
        self._forgotten = 0

    def begin(self) -> "Sealing":
        """Sealing for one transaction."""
        return Sealing(self, self._forgotten)

    def forget(self, subject: str) -> None:
        """Let go of every volume key about the subject, also of those that are being made."""
        with self._lock:
            self._forgotten += 1
            for named in [named for named in self._volumes if named[0] == subject]:
                del self._volumes[named]

    def held(self, subject: str | None, epoch: str) -> InUse | None:
        """The volume in use, if it may be used once more."""
        with self._lock:
            found = self._volumes.get((subject, epoch))
            if found is None:
                return None
            if found.left <= 0 or found.until <= self.clock():
                del self._volumes[subject, epoch]
                return None
            found.left -= 1
            self._volumes.move_to_end((subject, epoch))
            return found

    def keep(self, made: Mapping[tuple[str | None, str], InUse], since: int) -> None:
        """Use what a transaction has made and committed, unless somebody was forgotten meanwhile."""
        with self._lock:
            if since != self._forgotten:
                return
            for named, volume in made.items():
                self._volumes[named] = volume
                self._volumes.move_to_end(named)
            while len(self._volumes) > HELD:
                self._volumes.popitem(last=False)


class Sealing:
    """Seals in one transaction; what it makes is used by others once the transaction stands."""

    def __init__(self, sealer: Sealer, since: int) -> None:
        self._sealer = sealer
        self._since = since
        self._made: dict[tuple[str | None, str], InUse] = {}
        self._forgotten: list[str] = []

    def write(
        self,
        connection: Connection,
        content: bytes,
        *,
        type_: str,
        at: datetime,
        subject: str | None,
        salt: bytes,
        leaf_hash: bytes,
    ) -> None:
        """Write content and salt, sealed; nothing when the subject was erased or the epoch is over.

        Raises what ``LogKeys`` raises when a key is needed and cannot be had.
        """
        volume = self.volume(connection, type_=type_, at=at, subject=subject)
        if volume is None:
            return
        sealed = seal_content(
            content,
            salt=salt,
            leaf_hash=leaf_hash,
            key=volume.key,
            randomness=self._sealer.randomness,
        )
        row = {"leaf_hash": leaf_hash, "volume": volume.id, "sealed": sealed}
        connection.execute(_SEALED, row)

    def volume(
        self, connection: Connection, *, type_: str, at: datetime, subject: str | None
    ) -> InUse | None:
        """The volume that what is written about somebody now goes into; None when they are over.

        Raises what ``LogKeys`` raises when a key is needed and cannot be had.
        """
        try:
            return self._volume(connection, subject, self._sealer.epoch_of(type_, at))
        except _Over:
            return None

    @property
    def randomness(self) -> Randomness:
        """Where IVs come from."""
        return self._sealer.randomness

    def forget(self, subject: str) -> None:
        """Let go of the subject's volumes, now and again once the transaction stands."""
        self._forgotten.append(subject)
        self._sealer.forget(subject)
        for named in [named for named in self._made if named[0] == subject]:
            del self._made[named]

    def committed(self) -> None:
        """The transaction stands: what it has made may be used."""
        for subject in self._forgotten:
            self._sealer.forget(subject)
        if self._made:
            self._sealer.keep(self._made, self._since)

    def _volume(self, connection: Connection, subject: str | None, epoch: str) -> InUse:
        held = self._made.get((subject, epoch)) or self._sealer.held(subject, epoch)
        if held is None:
            held = self._made[subject, epoch] = self._new(connection, subject, epoch)
        return held

    def _new(self, connection: Connection, subject: str | None, epoch: str) -> InUse:
        sealer = self._sealer
        epoch_jwk = self._epoch(connection, epoch)
        subject_jwk = None if subject is None else self._subject(connection, subject)
        key = sealer.randomness(KEY_BYTES)
        volume = seal_volume(
            key,
            id=fresh_id(epoch, sealer.randomness),
            subject=subject,
            subject_jwk=subject_jwk,
            epoch_jwk=epoch_jwk,
        )
        named = volume.id.encode()
        row = {"id": named, "subject": subject, "sealed": volume.sealed}
        connection.execute(_VOLUME, row)
        return InUse(named, sealer.clock() + LASTS, key)

    def _subject(self, connection: Connection, subject: str) -> Jwk:
        row = connection.execute(_SUBJECT, {"whose": subject}).first()
        if row is None:
            jwk = self._sealer.keys.subject(subject)
            _add(connection, log_subject, {"subject": subject, "jwk": _text(jwk)})
            return _there(jwk)
        return _there(_jwk(row.jwk))

    def _epoch(self, connection: Connection, epoch: str) -> Jwk:
        row = connection.execute(_EPOCH, {"which": epoch}).first()
        if row is None:
            jwk = self._sealer.keys.epoch(epoch)
            _add(connection, log_epoch, {"epoch": epoch, "jwk": _text(jwk)})
            return _there(jwk)
        return _there(_jwk(row.jwk))


def forget_subject(connection: Connection, subject: str) -> None:
    """Remember that the subject was erased: nothing about them is sealed, or kept, again."""
    _add(connection, log_subject, {"subject": subject, "jwk": None})
    connection.execute(update(log_subject).where(log_subject.c.subject == subject).values(jwk=None))


def add_epoch(connection: Connection, epoch: str, jwk: Jwk | None) -> None:
    """Keep an epoch's public key, so that it can be sealed to while the custodian is away."""
    _add(connection, log_epoch, {"epoch": epoch, "jwk": _text(jwk)})


def end_epoch(connection: Connection, epoch: str) -> bool:
    """Remember that an epoch is over; says whether it was not over before."""
    _add(connection, log_epoch, {"epoch": epoch, "jwk": ""})
    ended = update(log_epoch).where(log_epoch.c.epoch == epoch, log_epoch.c.jwk.is_not(None))
    return connection.execute(ended.values(jwk=None)).rowcount == 1


def epochs(connection: Connection) -> dict[str, bool]:
    """Every epoch that has, or had, a key; and whether it has it still."""
    rows = connection.execute(select(log_epoch.c.epoch, log_epoch.c.jwk.is_not(None)))
    return {epoch: bool(there) for epoch, there in rows}


def _add(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert, unless another transaction has: it was told the same by the same custodian."""
    new = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(new(table).values(**row).on_conflict_do_nothing())


def _text(jwk: Jwk | None) -> str | None:
    return None if jwk is None else json.dumps(jwk, separators=(",", ":"))


def _jwk(text: str | None) -> Jwk | None:
    read: Jwk | None = None if text is None else json.loads(text)
    return read


def _there(jwk: Jwk | None) -> Jwk:
    if jwk is None:
        raise _Over
    return jwk
