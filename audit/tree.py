"""Tree maths: roots, proofs and growth of an RFC 6962 tree kept as C2SP tiles.

Pure, and of the standard library only. A tile at level L, number n, holds the hashes of up to 256
neighbouring full subtrees of 256^L leaves. Every function reads tiles through ``Tiles`` and only
those it needs; a tile may hold more hashes than the tree in question has.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from audit.errors import LogDamaged
from tillit.proofs import HASH_BYTES, node_hash

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES
MAX_LEVEL = 7
EMPTY_ROOT = hashlib.sha256().digest()

Tiles = Callable[[int, int], bytes]
"""(level, n) → the tile's hashes so far, one after the other."""


def root(tiles: Tiles, size: int) -> bytes:
    """The root of the first ``size`` leaves."""
    return _subtree(tiles, 0, size) if size else EMPTY_ROOT


def inclusion(tiles: Tiles, index: int, size: int) -> tuple[bytes, ...]:
    """The proof that leaf ``index`` is in the tree of ``size`` leaves (RFC 6962 § 2.1.1)."""
    low, high = 0, size
    beside: list[tuple[int, int]] = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            beside.append((middle, high))
            high = middle
        else:
            beside.append((low, middle))
            low = middle
    return tuple(_subtree(tiles, *span) for span in reversed(beside))


def consistency(tiles: Tiles, old: int, new: int) -> tuple[bytes, ...]:
    """The proof that the tree of ``new`` leaves continues that of ``old`` (RFC 6962 § 2.1.2).

    The sizes are taken to be 0 < old ≤ new: the caller has checked them.
    """
    low, high = 0, new
    beside: list[tuple[int, int]] = []
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            beside.append((middle, high))
            high = middle
        else:
            beside.append((low, middle))
            low = middle
    if low:
        beside.append((low, high))
    return tuple(_subtree(tiles, *span) for span in reversed(beside))


def width(size: int, level: int, n: int) -> int:
    """How many hashes tile (level, n) has in the tree of ``size`` leaves.

    0 when there is no such tile.
    """
    return max(0, min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - n * TILE_WIDTH))


def edge(size: int) -> Iterable[tuple[int, int]]:
    """The partial tiles, (level, n), at the right edge of the tree.

    All that is needed to let it grow.
    """
    level = 0
    while size:
        size, partial = divmod(size, TILE_WIDTH)
        if partial:
            yield level, size
        level += 1


def grown(tiles: Tiles, size: int, leaf_hashes: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """The tiles that change when leaves are added to the tree of ``size`` leaves.

    Reads its edge only.
    """
    changed: dict[tuple[int, int], bytes] = {}
    level, start, fresh = 0, size, leaf_hashes
    while fresh:
        n, have = divmod(start, TILE_WIDTH)
        held = _hashes(tiles(level, n), 0, have) if have else []
        row = [*held, *fresh]
        full: list[bytes] = []
        for offset in range(0, len(row), TILE_WIDTH):
            part = row[offset : offset + TILE_WIDTH]
            changed[level, n + offset // TILE_WIDTH] = b"".join(part)
            if len(part) == TILE_WIDTH:
                full.append(_fold(part))
        level, start, fresh = level + 1, n, full
    return changed


def _subtree(tiles: Tiles, low: int, high: int) -> bytes:
    count = high - low
    if count & (count - 1) == 0:
        return _perfect(tiles, low, count.bit_length() - 1)
    middle = low + _split(count)
    return node_hash(_subtree(tiles, low, middle), _subtree(tiles, middle, high))


def _perfect(tiles: Tiles, low: int, height: int) -> bytes:
    level, above = divmod(height, TILE_HEIGHT)
    n, offset = divmod(low >> (TILE_HEIGHT * level), TILE_WIDTH)
    return _fold(_hashes(tiles(level, n), offset, offset + (1 << above)))


def _hashes(tile: bytes, start: int, stop: int) -> list[bytes]:
    if len(tile) < stop * HASH_BYTES:
        raise LogDamaged("a tile is missing or too short")
    return [tile[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(start, stop)]


def _fold(row: Sequence[bytes]) -> bytes:
    """The root of a power of two of hashes."""
    while len(row) > 1:
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]


def _split(count: int) -> int:
    """The largest power of two below ``count``."""
    return 1 << ((count - 1).bit_length() - 1)
