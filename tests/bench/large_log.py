"""A log of any size, made at once: entries that follow from their numbers, and the tree over them.

Not through the sequencer: what is measured is reading, and a log of ten million entries would take it
an hour.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import bundles, paths, tree
from tillit.leaves import instant, leaf_at, leaf_hash
from tillit.notes import Vkey, sign_checkpoint

ORIGIN = "log.example/bench"
KEY = Ed25519PrivateKey.from_private_bytes(b"a key of the benches, not others")
START = datetime(2026, 1, 1, tzinfo=UTC)
APART = timedelta(milliseconds=432)
"""From each entry to the next: 200,000 a day."""
TYPES = ("disclosure", "consent.changed", "deposit.admitted", "query.made")

WriteTile = Callable[[int, int, bytes], None]
"""(level, n, hashes): a tile as it stands in the end."""


@dataclass(frozen=True, slots=True)
class Made:
    """The tree that was made, signed a second after its last entry."""

    size: int
    root: bytes
    note: str

    @property
    def vkey(self) -> str:
        """What verifies it."""
        return str(Vkey.of(ORIGIN, KEY))


@dataclass(frozen=True, slots=True)
class Numbered:
    """The entry of a number."""

    type: str
    at: str
    commitment: bytes
    leaf: bytes


def entry(n: int) -> Numbered:
    """The nth entry: ``APART`` from the one before it."""
    kind = TYPES[n * 7 % 11 % 4]
    at = instant(START + n * APART)
    mac = hashlib.sha256(b"%d" % n).digest()
    return Numbered(kind, at, mac, leaf_at(kind, at, mac))


def hashes(size: int, *, of: Callable[[int], bytes] | None = None) -> Iterator[list[bytes]]:
    """The leaf hashes, a full tile at a time."""
    made = of or (lambda n: leaf_hash(entry(n).leaf))
    for first in range(0, size, tree.TILE_WIDTH):
        yield [made(n) for n in range(first, min(size, first + tree.TILE_WIDTH))]


def grow(rows: Iterator[list[bytes]], write: WriteTile) -> Made:
    """Build the tree over leaf hashes; each tile is written once, in its last form."""
    edge: dict[tuple[int, int], bytes] = {}

    def held(level: int, n: int) -> bytes:
        return edge[level, n]

    size = 0
    for row in rows:
        changed = tree.grown(held, size, row)
        size += len(row)
        edge.update(changed)
        for at in [at for at in changed if len(edge[at]) == tree.TILE_BYTES]:
            write(*at, edge.pop(at))
    for (level, n), partial in edge.items():
        write(level, n, partial)
    root = tree.root(held, size)
    signed = START + size * APART + timedelta(seconds=1)
    note = sign_checkpoint(origin=ORIGIN, size=size, root=root, key=KEY, at=signed)
    return Made(size, root, note)


def mirror(directory: Path, size: int) -> Made:
    """The log as ``tillit-audit mirror`` would have copied it."""

    def put(path: paths.TilePath, data: bytes) -> None:
        where = directory / str(path)
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(data)

    def rows() -> Iterator[list[bytes]]:
        for n in range(-(-size // tree.TILE_WIDTH)):
            first, width = n * tree.TILE_WIDTH, tree.width(size, 0, n)
            leaves = [entry(number).leaf for number in range(first, first + width)]
            put(paths.TilePath(None, n, width), bundles.pack(leaves))
            yield [leaf_hash(leaf) for leaf in leaves]

    made = grow(
        rows(),
        lambda level, n, data: put(paths.TilePath(level, n, tree.width(size, level, n)), data),
    )
    (directory / paths.CHECKPOINT).write_text(made.note)
    return made
