"""Reads: checkpoint, proofs, tiles and bundles, each from only the tiles it needs.

Tiles only ever gain hashes at their end, so that no read needs a lock: whatever the checkpoint of a
moment ago needs is there.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from audit import bundles, paths, tree
from audit.errors import LogDamaged, NoCheckpoint, SizeUnknown
from audit.storage import log_checkpoint, log_entry, log_head, log_tile
from tillit.leaves import leaf_at
from tillit.notes import read_unsafe_checkpoint
from tillit.proofs import HASH_BYTES


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Where a leaf stands in the tree that ``checkpoint`` signs, and its path to the root."""

    index: int
    leaf_hash: bytes
    path: tuple[bytes, ...]
    checkpoint: str


class StoredTiles:
    """The tiles in the database as ``tree.Tiles``, each read once. ``read`` counts them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._held: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, n: int) -> bytes:
        """The tile's hashes so far, empty when there is none."""
        if (level, n) not in self._held:
            self._held[level, n] = _stored(self._connection, level, n)
        return self._held[level, n]

    @property
    def read(self) -> int:
        """How many tiles have been read."""
        return len(self._held)


def checkpoint(connection: Connection, *, witnessed: bool = False) -> str:
    """The newest signed checkpoint or, ``witnessed``, the newest that the quorum of witnesses has cosigned.

    Raises ``NoCheckpoint`` before there is one.
    """
    query = select(log_checkpoint.c.note)
    if witnessed:
        query = select(log_head.c.note).where(log_head.c.state == "held")
    note: str | None = connection.execute(query).scalar()
    if note is None:
        raise NoCheckpoint
    return note


def inclusion(
    connection: Connection,
    leaf_hash: bytes,
    *,
    tiles: StoredTiles | None = None,
    witnessed: bool = False,
) -> InclusionProof | None:
    """The proof for a leaf, or None while it is not (yet) in the tree that the checkpoint is about.

    See ``checkpoint`` for which. Raises ``LogDamaged``.
    """
    query = select(log_entry.c.idx).where(log_entry.c.leaf_hash == leaf_hash)
    index: int | None = connection.execute(query).scalar()
    if index is None:
        return None
    # Read after the index: this checkpoint, or one before it, was signed with the leaf.
    try:
        note = checkpoint(connection, witnessed=witnessed)
    except NoCheckpoint:
        if witnessed:
            return None
        raise
    size = read_unsafe_checkpoint(note).size
    if index >= size and witnessed:
        return None
    if index >= size:
        raise LogDamaged("an entry has a place that the checkpoint does not cover")
    path = tree.inclusion(tiles or StoredTiles(connection), index, size)
    return InclusionProof(index, leaf_hash, path, note)


def consistency(connection: Connection, old: int, new: int) -> tuple[bytes, ...]:
    """The proof that the tree of ``new`` leaves continues that of ``old``.

    Raises ``SizeUnknown``.
    """
    size = read_unsafe_checkpoint(checkpoint(connection)).size
    if not 0 < old <= new <= size:
        raise SizeUnknown("no such two trees")
    return tree.consistency(StoredTiles(connection), old, new)


def tile(connection: Connection, level: int, n: int, width: int = tree.TILE_WIDTH) -> bytes | None:
    """The first ``width`` hashes of a tile, or None when the tree has not that many there."""
    held = _stored(connection, level, n)[: width * HASH_BYTES]
    return held if width and len(held) == width * HASH_BYTES else None


def entry_bundle(connection: Connection, n: int, width: int = tree.TILE_WIDTH) -> bytes | None:
    """The first ``width`` leaves of bundle ``n``, or None when the tree has not that many there."""
    first = n * tree.TILE_WIDTH
    rows = connection.execute(
        select(log_entry.c.type, log_entry.c.at, log_entry.c.commitment)
        .where(log_entry.c.idx >= first, log_entry.c.idx < first + width)
        .order_by(log_entry.c.idx)
    ).all()
    if not rows or len(rows) != width:
        return None
    try:
        return bundles.pack(leaf_at(type_, at, commitment) for type_, at, commitment in rows)
    except ValueError:
        # Somebody has written what no leaf can hold: the entry that was signed is no longer there.
        return None


def resource(connection: Connection, path: str, *, witnessed: bool = False) -> bytes | None:
    """What the log serves under a C2SP path (``checkpoint``, ``tile/…``), None when nothing."""
    if path == paths.CHECKPOINT:
        return checkpoint(connection, witnessed=witnessed).encode()
    wanted = paths.parse(path)
    if wanted is None:
        return None
    if wanted.level is None:
        return entry_bundle(connection, wanted.n, wanted.width)
    return tile(connection, wanted.level, wanted.n, wanted.width)


def _stored(connection: Connection, level: int, n: int) -> bytes:
    found = connection.execute(
        select(log_tile.c.hashes).where(log_tile.c.level == level, log_tile.c.n == n)
    ).scalar()
    return b"" if found is None else bytes(found)
