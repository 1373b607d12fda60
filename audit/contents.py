"""Contents: reading what entries commit to, erasing it by person and by time.

Reading takes two steps, so that the custodian is asked between them: ``stored`` reads what lies in
the database, ``opened`` opens one with its volume key and holds it against the entry's commitment.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, delete, func, select

from audit.sealing import Sealing, forget_subject
from audit.storage import log_content, log_entry, log_sealed, log_volume
from tillit import leaves
from tillit.contents import ContentBroken, Volume, check_content, open_content

_STORED = (
    select(
        log_entry.c.leaf_hash,
        log_entry.c.type,
        log_entry.c.at,
        log_entry.c.commitment,
        log_sealed.c.sealed,
        log_volume.c.id.label("volume"),
        log_volume.c.subject,
        log_volume.c.sealed.label("key"),
        log_content.c.salt,
        log_content.c.content,
        log_content.c.subject.label("whose"),
    )
    .outerjoin(log_sealed, log_sealed.c.leaf_hash == log_entry.c.leaf_hash)
    .outerjoin(log_volume, log_volume.c.id == log_sealed.c.volume)
    .outerjoin(log_content, log_content.c.leaf_hash == log_entry.c.leaf_hash)
    .where(log_entry.c.leaf_hash.in_(bindparam("hashes", expanding=True)))
)
_WAITING = (
    select(
        log_content.c.leaf_hash,
        log_content.c.subject,
        log_content.c.salt,
        log_content.c.content,
        log_entry.c.type,
        log_entry.c.at,
    )
    .join(log_entry, log_entry.c.leaf_hash == log_content.c.leaf_hash)
    .limit(bindparam("limit"))
)


Reason = Literal["erased", "ended", "no_key", "broken"]

# Why the custodian did not open a volume (``keys.logkeys.Gone``), as it is told of a content.
_REASONS: Mapping[str, Reason] = {"shredded": "erased", "ended": "ended", "broken": "broken"}


@dataclass(frozen=True, slots=True)
class StoredContent:
    """What lies in the database of an entry's content.

    ``sealed``: the volume and the bytes under its key. ``clear``: salt and content as the release
    before wrote them, waiting to be sealed. Both None: it was erased.
    """

    leaf_hash: bytes
    leaf: leaves.Leaf
    subject: str | None = None
    sealed: tuple[Volume, bytes] | None = field(default=None, repr=False)
    clear: tuple[bytes, bytes] | None = field(default=None, repr=False)

    @property
    def volume(self) -> Volume | None:
        """The volume whose key opens it, if it takes one."""
        return None if self.sealed is None else self.sealed[0]


@dataclass(frozen=True, slots=True)
class Content:
    """An entry's content, which its leaf commits to; ``subject`` is whom it is about."""

    leaf_hash: bytes
    type: str
    at: datetime
    subject: str | None
    content: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry whose content cannot be had.

    ``reason``: erased (with the subject), ended (its time was out): it was forgotten, as it should
    be. no_key (no key was ever there), broken (altered, or not what the leaf commits to): something
    is wrong.
    """

    leaf_hash: bytes
    type: str
    at: datetime
    reason: Reason

    @property
    def forgotten(self) -> bool:
        """Whether it is gone as it should be."""
        return self.reason in {"erased", "ended"}


def stored(connection: Connection, leaf_hashes: Sequence[bytes]) -> list[StoredContent]:
    """What is stored for these entries, in the order asked for; those that are none are left out."""
    rows = connection.execute(_STORED, {"hashes": list(leaf_hashes)})
    found = {bytes(row.leaf_hash): _stored(row) for row in rows}
    return [found[each] for each in leaf_hashes if each in found]


def opened(
    one: StoredContent, *, keys: Mapping[str, bytes], gone: Mapping[str, str]
) -> Content | Unreadable:
    """The content, checked against its commitment, with the volume keys that could be opened."""
    try:
        if one.sealed is None:
            if one.clear is None:
                return _unreadable(one, "erased")
            salt, content = one.clear
        else:
            volume, sealed = one.sealed
            key = keys.get(volume.id)
            if key is None:
                return _unreadable(one, _REASONS.get(gone.get(volume.id, ""), "no_key"))
            salt, content = open_content(sealed, leaf_hash=one.leaf_hash, key=key)
        check_content(content, salt=salt, leaf=one.leaf)
        read: Mapping[str, Any] = json.loads(content)
    except (ContentBroken, ValueError):
        return _unreadable(one, "broken")
    return Content(one.leaf_hash, one.leaf.type, one.leaf.at, one.subject, read)


def _unreadable(one: StoredContent, reason: Reason) -> Unreadable:
    return Unreadable(one.leaf_hash, one.leaf.type, one.leaf.at, reason)


def forget(connection: Connection, subject: str) -> int:
    """Erase every content and salt about the subject, and keep none again; proofs stay.

    Returns how many contents there were.
    """
    volumes = select(log_volume.c.id).where(log_volume.c.subject == subject)
    erased = connection.execute(delete(log_sealed).where(log_sealed.c.volume.in_(volumes))).rowcount
    erased += connection.execute(
        delete(log_content).where(log_content.c.subject == subject)
    ).rowcount
    connection.execute(delete(log_volume).where(log_volume.c.subject == subject))
    forget_subject(connection, subject)
    return erased


def forget_epoch(connection: Connection, epoch: str, *, limit: int) -> int:
    """Erase at most ``limit`` contents of an epoch, its volumes with the last of them.

    Returns how many contents it were: fewer than ``limit`` when none is left.
    """
    first, after = f"{epoch}.".encode(), f"{epoch}/".encode()
    some = (
        select(log_sealed.c.leaf_hash)
        .where(log_sealed.c.volume >= first, log_sealed.c.volume < after)
        .limit(limit)
    )
    erased = connection.execute(delete(log_sealed).where(log_sealed.c.leaf_hash.in_(some))).rowcount
    if erased < limit:
        connection.execute(
            delete(log_volume).where(log_volume.c.id >= first, log_volume.c.id < after)
        )
    return erased


def how_many_waiting(connection: Connection) -> int:
    """How many contents still lie in clear."""
    return connection.execute(select(func.count()).select_from(log_content)).scalar_one()


def seal_waiting(connection: Connection, sealing: Sealing, *, limit: int) -> int:
    """Seal contents that an earlier release wrote in clear; returns how many were looked at.

    What was written about somebody who was erased since, or is out of its time, is not kept.
    """
    rows = connection.execute(_WAITING, {"limit": limit}).all()
    for row in rows:
        sealing.write(
            connection,
            row.content.encode(),
            type_=row.type,
            at=datetime.fromisoformat(row.at),
            subject=row.subject,
            salt=bytes(row.salt),
            leaf_hash=bytes(row.leaf_hash),
        )
        connection.execute(delete(log_content).where(log_content.c.leaf_hash == row.leaf_hash))
    return len(rows)


def _stored(row: Row[*tuple[Any, ...]]) -> StoredContent:
    at = datetime.fromisoformat(row.at)
    leaf = leaves.Leaf(row.type, at, bytes(row.commitment))
    if row.content is not None:
        clear = (bytes(row.salt), row.content.encode())
        return StoredContent(bytes(row.leaf_hash), leaf, row.whose, clear=clear)
    if row.key is None:
        return StoredContent(bytes(row.leaf_hash), leaf)
    volume = Volume(bytes(row.volume).decode("ascii", "replace"), row.subject, bytes(row.key))
    sealed = (volume, bytes(row.sealed))
    return StoredContent(bytes(row.leaf_hash), leaf, row.subject, sealed)
