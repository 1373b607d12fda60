"""Paths of the log's resources as C2SP tlog-tiles names them, relative to the log's prefix."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from audit import tree
from audit.tree import MAX_LEVEL, TILE_WIDTH

CHECKPOINT = "checkpoint"

_PATH = re.compile(
    r"tile/(?P<level>entries|[0-7])/(?P<n>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class TilePath:
    """One tile, or (``level`` None) one bundle of entries.

    ``width`` below 256 names a partial one.
    """

    level: int | None
    n: int
    width: int = TILE_WIDTH

    def __str__(self) -> str:
        level = "entries" if self.level is None else str(self.level)
        digits = f"{self.n:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        n = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{n}{partial}"


def needed(size: int) -> Iterator[TilePath]:
    """Every tile and bundle of the tree of ``size`` leaves, bundles first, then tiles by level."""
    rows = -(-size // TILE_WIDTH)
    yield from (TilePath(None, n, tree.width(size, 0, n)) for n in range(rows))
    for level in range(MAX_LEVEL + 1):
        rows = -(-(size >> (tree.TILE_HEIGHT * level)) // TILE_WIDTH)
        yield from (TilePath(level, n, tree.width(size, level, n)) for n in range(rows))


def count_needed(size: int) -> int:
    """How many paths ``needed`` yields."""
    levels = (size >> (tree.TILE_HEIGHT * level) for level in range(MAX_LEVEL + 1))
    return sum(-(-row // TILE_WIDTH) for row in (size, *levels))


def parse(path: str) -> TilePath | None:
    """Read a path strictly; None for anything but the one form a resource has."""
    match = _PATH.fullmatch(path) if len(path) <= 80 else None  # noqa: PLR2004 - longer than any
    if match is None:
        return None
    level = None if match["level"] == "entries" else int(match["level"])
    n = int(match["n"].replace("x", "").replace("/", ""))
    width = int(match["width"]) if match["width"] else TILE_WIDTH
    read = TilePath(level, n, width)
    return read if width <= TILE_WIDTH and str(read) == path else None
