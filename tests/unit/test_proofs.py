"""Proof checking: the smallest trees by hand, and every way a proof can be of the wrong shape."""

import pytest

from tests.logs import NaiveTree
from tillit.proofs import MAX_SIZE, ProofError, node_hash, verify_consistency, verify_inclusion

NAIVE = NaiveTree()
A, B, C = (NAIVE.leaf(index) for index in range(3))
AB = node_hash(A, B)
ABC = node_hash(AB, C)


def test_inclusion_by_hand() -> None:
    """The definition of RFC 6962, spelled out for trees that fit on a line."""
    verify_inclusion(leaf_hash=A, index=0, size=1, path=[], root=A)
    verify_inclusion(leaf_hash=B, index=1, size=2, path=[A], root=AB)
    verify_inclusion(leaf_hash=A, index=0, size=3, path=[B, C], root=ABC)
    verify_inclusion(leaf_hash=C, index=2, size=3, path=[AB], root=ABC)


def test_consistency_by_hand() -> None:
    """As above, for trees that grow."""
    verify_consistency(old_size=1, old_root=A, new_size=1, new_root=A, path=[])
    verify_consistency(old_size=1, old_root=A, new_size=2, new_root=AB, path=[B])
    verify_consistency(old_size=2, old_root=AB, new_size=3, new_root=ABC, path=[C])
    verify_consistency(old_size=1, old_root=A, new_size=3, new_root=ABC, path=[B, C])


@pytest.mark.parametrize(
    ("index", "size", "path", "why"),
    [
        (0, 0, [], "not in the tree"),
        (-1, 1, [], "not in the tree"),
        (1, 1, [], "not in the tree"),
        (2**64 - 1, 3, [B, C], "not in the tree"),
        (0, MAX_SIZE + 1, [B, C], "not in the tree"),
        (0, 3, [], "too short"),
        (0, 3, [B], "too short"),
        (0, 3, [B, C, C], "too long"),
        (0, 3, [B] * 64, "too long"),
        (0, 3, [B, C[:31]], "32 bytes"),
        (0, 3, [C, B], "not in this tree"),
        (1, 3, [B, C], "not in this tree"),
    ],
)
def test_inclusion_of_the_wrong_shape(index: int, size: int, path: list[bytes], why: str) -> None:
    """Each is refused for its own reason and none by a crash."""
    with pytest.raises(ProofError, match=why) as caught:
        verify_inclusion(leaf_hash=A, index=index, size=size, path=path, root=ABC)
    assert caught.value.code == "verification.proof_invalid"


@pytest.mark.parametrize(("leaf", "root"), [(A[:31], ABC), (A, b""), (A + b"\0", ABC)])
def test_inclusion_of_what_is_no_hash(leaf: bytes, root: bytes) -> None:
    """A hash of another length can hide a second preimage: it is refused before any hashing."""
    with pytest.raises(ProofError, match="32 bytes"):
        verify_inclusion(leaf_hash=leaf, index=0, size=3, path=[B, C], root=root)


@pytest.mark.parametrize(
    ("old", "new", "path", "why"),
    [
        (0, 3, [], "sizes"),
        (0, 0, [], "sizes"),
        (3, 2, [], "sizes"),
        (2, MAX_SIZE + 1, [C], "sizes"),
        (2, 3, [], "too short"),
        (2, 3, [C, C], "too long"),
        (2, 3, [C] * 64, "too long"),
        (2, 3, [C[:31]], "32 bytes"),
        (2, 3, [B], "does not continue"),
        (3, 3, [C], "too long"),
        (3, 3, [], "of one size"),
        (3, 5, [], "too short"),
    ],
)
def test_consistency_of_the_wrong_shape(old: int, new: int, path: list[bytes], why: str) -> None:
    """Each is refused for its own reason.

    The empty tree too, for a proof of it would show nothing.
    """
    with pytest.raises(ProofError, match=why):
        verify_consistency(old_size=old, old_root=AB, new_size=new, new_root=ABC, path=path)
