"""Proofs: checking that a leaf is in a tree, and that one tree continues another (RFC 9162 § 2.1).

Standard library only. Every function raises ``ProofError`` or returns nothing: there is no answer
to forget to look at. The roots must come from a checkpoint whose signature has been verified; that
is not checked here.
"""

import hashlib
from collections.abc import Sequence

from tillit.errors import VerificationError

HASH_BYTES = 32
MAX_SIZE = 2**63 - 1


class ProofError(VerificationError):
    """The proof does not show what it claims."""

    code = "verification.proof_invalid"


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (RFC 6962 § 2.1): SHA-256 over 0x01, left, right."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def verify_inclusion(
    *, leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf stands at ``index`` in the tree of ``size`` (RFC 9162 § 2.1.3.2)."""
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofError("the index is not in the tree")
    _check_hashes(leaf_hash, root, *_bounded(path))
    node, last, found = index, size - 1, leaf_hash
    for step in path:
        if last == 0:
            raise ProofError("the proof is too long")
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short")
    if found != root:
        raise ProofError("the leaf is not in this tree")


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the new tree begins with all of the old one (RFC 9162 § 2.1.4.2).

    The empty tree is refused: everything continues it, so that a proof would show nothing.
    """
    if not 0 < old_size <= new_size <= MAX_SIZE:
        raise ProofError("the sizes are not those of an older and a newer tree")
    _check_hashes(old_root, new_root, *_bounded(path))
    if old_size == new_size:
        if path:
            raise ProofError("the proof is too long")
        if old_root != new_root:
            raise ProofError("two different trees of one size")
        return
    steps = list(path) if old_size & (old_size - 1) else [old_root, *path]
    if not steps:
        raise ProofError("the proof is too short")
    found_old, found_new = _both_roots(old_size - 1, new_size - 1, steps)
    if found_old != old_root or found_new != new_root:
        raise ProofError("the new tree does not continue the old one")


def _both_roots(node: int, last: int, steps: Sequence[bytes]) -> tuple[bytes, bytes]:
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise ProofError("the proof is too long")
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short")
    return old, new


def _bounded(path: Sequence[bytes]) -> Sequence[bytes]:
    if len(path) > MAX_SIZE.bit_length():
        raise ProofError("the proof is too long")
    return path


def _check_hashes(*hashes: bytes) -> None:
    if any(len(found) != HASH_BYTES for found in hashes):
        raise ProofError("a hash has not 32 bytes")
