"""Bundles of log entries as C2SP tlog-tiles has them: leaf upon leaf.

Each leaf stands after its length in two bytes, big-endian.
"""

from collections.abc import Iterable

from audit.tree import TILE_WIDTH
from tillit.leaves import MAX_LEAF_BYTES

MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + MAX_LEAF_BYTES)


class BundleInvalid(ValueError):
    """The bytes are no bundle of so many entries."""


def pack(leaves: Iterable[bytes]) -> bytes:
    """The bundle of these leaves."""
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def unpack(data: bytes, count: int) -> list[bytes]:
    """The ``count`` leaves of a bundle, which must hold these and nothing after them."""
    leaves: list[bytes] = []
    at = 0
    while at < len(data) and len(leaves) < count:
        length = int.from_bytes(data[at : at + 2], "big")
        at += 2 + length
        leaves.append(data[at - length : at])
    if len(leaves) != count or at != len(data):
        raise BundleInvalid("not so many whole entries")
    return leaves
