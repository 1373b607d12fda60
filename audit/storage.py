"""Storage: the log's own tables, and writing an entry inside the transaction that it describes.

``log_entry`` holds what is public for ever (type, time, commitment) and the facets, ``log_sealed``
what dies with a person or a time (content and salt, sealed), ``log_volume`` the wrapped keys that it
is sealed under, ``log_subject`` and ``log_epoch`` the public keys that those are wrapped to
(``audit.sealing``). Rows wait in ``log_entry`` with no index until the sequencer gives them their
place in the tree.
"""

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    insert,
)

from audit.entries import Entry, Promised
from audit.errors import EntryInvalid
from audit.facets import MAX_WORD_CHARS, packed
from tillit.jcs import canonical
from tillit.leaves import SALT_BYTES, commitment_to, instant, leaf_at, leaf_hash

if TYPE_CHECKING:
    from audit.sealing import Sealing

metadata = MetaData()

_position = BigInteger().with_variant(Integer, "sqlite")

log_entry = Table(
    "log_entry",
    metadata,
    Column("position", _position, primary_key=True, autoincrement=True),
    Column("idx", BigInteger, nullable=True),
    Column("type", String(64), nullable=False),
    Column("at", String(27), nullable=False),
    Column("commitment", LargeBinary(32), nullable=False),
    Column("leaf_hash", LargeBinary(32), nullable=False),
    Column("facets", Text, nullable=True),
)
Index("log_entry_idx", log_entry.c.idx, unique=True)
Index("log_entry_leaf_hash", log_entry.c.leaf_hash, unique=True)
Index(
    "log_entry_waiting",
    log_entry.c.at,
    log_entry.c.position,
    sqlite_where=log_entry.c.idx.is_(None),
    postgresql_where=log_entry.c.idx.is_(None),
)

Index(
    "log_entry_at",
    log_entry.c.at,
    log_entry.c.idx,
    sqlite_where=log_entry.c.idx.is_not(None),
    postgresql_where=log_entry.c.idx.is_not(None),
)

# Contents in clear, of the releases before: ``audit.contents.seal_waiting`` empties it.
log_content = Table(
    "log_content",
    metadata,
    Column("leaf_hash", LargeBinary(32), primary_key=True),
    Column("subject", String(64), nullable=True, index=True),
    Column("salt", LargeBinary(32), nullable=False),
    Column("content", Text, nullable=False),
)

log_sealed = Table(
    "log_sealed",
    metadata,
    Column("leaf_hash", LargeBinary(32), primary_key=True),
    Column("volume", LargeBinary(64), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
)

# The id in ASCII: as bytes it sorts the same in every database, so that an epoch is a range.
log_volume = Table(
    "log_volume",
    metadata,
    Column("id", LargeBinary(64), primary_key=True),
    Column("subject", String(64), nullable=True, index=True),
    Column("sealed", LargeBinary, nullable=False),
)

# ``jwk``: the public key as JSON, NULL once the subject was erased.
log_subject = Table(
    "log_subject",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("jwk", Text, nullable=True),
)

# ``jwk``: the public key as JSON, NULL once the epoch is over.
log_epoch = Table(
    "log_epoch",
    metadata,
    Column("epoch", String(32), primary_key=True),
    Column("jwk", Text, nullable=True),
)

log_tile = Table(
    "log_tile",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary(8192), nullable=False),
)

# One row: the newest signed checkpoint. ``id`` is always 1.
log_checkpoint = Table(
    "log_checkpoint",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
)

# What entries are searched by. The key is the order of a search; there is nothing but the key.
log_facet = Table(
    "log_facet",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("word", String(MAX_WORD_CHARS), primary_key=True),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# One row: how many entries, from the first on, are in ``log_facet``. ``id`` is always 1.
log_spread = Table(
    "log_spread",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
)

# At most two rows: the checkpoint ``offered`` to the witnesses, and the newest one ``held`` by enough of them, with their
# cosignatures in the note. Each offer is a round of its own.
log_head = Table(
    "log_head",
    metadata,
    Column("state", String(8), primary_key=True),
    Column("round", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("at", String(27), nullable=False),
    Column("note", Text, nullable=False),
)

# What is known of each witness, by its public key in hex: the size it cosigned last, in which round, with what line, and
# from when on it may be spoken to by whoever is first.
log_witness = Table(
    "log_witness",
    metadata,
    Column("witness", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("round", BigInteger, nullable=False),
    Column("line", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("free_at", String(27), nullable=False),
)

_INSERT_ENTRY = insert(log_entry).inline()


def append(
    connection: Connection,
    entry: Entry,
    *,
    origin: str,
    salt: bytes,
    sealing: "Sealing | None" = None,
) -> Promised:
    """Write the entry in the caller's transaction: with it the entry stands or falls.

    ``salt`` is 32 fresh random bytes. Without ``sealing`` no content is kept, only the commitment
    to it. Raises ``EntryInvalid`` before anything is written.
    """
    if len(salt) != SALT_BYTES:
        raise EntryInvalid("the salt has not 32 bytes")
    try:
        at = instant(entry.at)
        content = canonical(dict(entry.content))
        commitment = commitment_to(salt, content)
        hashed = leaf_hash(leaf_at(entry.type, at, commitment))
    except ValueError as wrong:
        raise EntryInvalid(f"no leaf can be made of this entry: {type(wrong).__name__}") from wrong
    connection.execute(
        _INSERT_ENTRY,
        {
            "type": entry.type,
            "at": at,
            "commitment": commitment,
            "leaf_hash": hashed,
            "facets": packed(entry.facets),
        },
    )
    if sealing is not None:
        sealing.write(
            connection,
            content,
            type_=entry.type,
            at=entry.at,
            subject=entry.subject,
            salt=salt,
            leaf_hash=hashed,
        )
    return Promised(origin=origin, at=entry.at, salt=salt, leaf_hash=hashed)
