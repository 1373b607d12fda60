"""Proofs.

Every leaf of every small tree is in it, every small tree continues every smaller one, and nothing
else is.
"""

import hashlib
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import tree
from audit.errors import LogDamaged
from tests.logs import NaiveTree
from tillit.proofs import HASH_BYTES, ProofError, verify_consistency, verify_inclusion

NAIVE = NaiveTree()
LARGEST = 300
ELSEWHERE = hashlib.sha256(b"another log").digest()

Stored = dict[tuple[int, int], bytes]


def grown_to(size: int, steps: list[int] | None = None) -> Stored:
    """The tiles of the tree of ``size`` leaves, having grown by way of the sizes in ``steps``."""
    stored: Stored = {}
    sizes = [0, *sorted(step for step in steps or [] if step <= size), size]
    for was, becomes in pairwise(sizes):
        leaves = [NAIVE.leaf(index) for index in range(was, becomes)]
        stored.update(tree.grown(reading(stored), was, leaves))
    return stored


def reading(stored: Stored) -> tree.Tiles:
    """The stored tiles as the maths reads them."""
    return lambda level, n: stored[level, n]


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_leaf_is_included(size: int) -> None:
    """All indices of all sizes up to beyond one tile, with the proofs of the RFC's own recursion."""
    root = NAIVE.hash(0, size)
    for index in range(size):
        path = NAIVE.path(index, 0, size)
        verify_inclusion(leaf_hash=NAIVE.leaf(index), index=index, size=size, path=path, root=root)


@pytest.mark.parametrize("new", range(1, LARGEST + 1))
def test_every_tree_continues_every_smaller_one(new: int) -> None:
    """All pairs of sizes up to beyond one tile."""
    for old in range(1, new + 1):
        verify_consistency(
            old_size=old,
            old_root=NAIVE.hash(0, old),
            new_size=new,
            new_root=NAIVE.hash(0, new),
            path=NAIVE.proof(old, new),
        )


def test_tiles_prove_what_the_definition_proves() -> None:
    """Tiles of one large tree give root and proofs of every smaller one, bit by bit as the RFC has them."""
    tiles = reading(grown_to(LARGEST))
    for size in range(1, LARGEST + 1):
        assert tree.root(tiles, size) == NAIVE.hash(0, size)
        for other in {1, 2, size // 3 + 1, size // 2 + 1, size - size // 5, size} - {0}:
            if other <= size:
                assert list(tree.inclusion(tiles, other - 1, size)) == NAIVE.path(
                    other - 1, 0, size
                )
                assert list(tree.consistency(tiles, other, size)) == NAIVE.proof(other, size)


sizes = st.integers(min_value=1, max_value=3000) | st.sampled_from([255, 256, 257, 512, 2303])


@given(sizes, st.lists(st.integers(min_value=0, max_value=3000), max_size=5))
def test_how_a_tree_has_grown_does_not_show(size: int, steps: list[int]) -> None:
    """In one batch or in many, empty ones among them: the same tiles, as wide as the size says."""
    stored = grown_to(size, steps)
    assert stored == grown_to(size)
    assert tree.root(reading(stored), size) == NAIVE.hash(0, size)
    assert {key: len(hashes) // HASH_BYTES for key, hashes in stored.items()} == {
        (level, n): tree.width(size, level, n)
        for level in range(3)
        for n in range(size)
        if tree.width(size, level, n)
    }


@given(sizes, st.data())
def test_a_tree_grows_from_its_edge_alone(size: int, data: st.DataObject) -> None:
    """The sequencer loads no more than the edge, however large the log is."""
    more = data.draw(st.integers(min_value=0, max_value=600))
    stored = grown_to(size)
    edge = {key: stored[key] for key in tree.edge(size)}
    leaves = [NAIVE.leaf(index) for index in range(size, size + more)]
    edge.update(tree.grown(reading(edge), size, leaves))
    assert tree.root(reading(edge), size + more) == NAIVE.hash(0, size + more)


@given(sizes, st.data())
def test_proofs_from_tiles_verify(size: int, data: st.DataObject) -> None:
    """Whatever is asked of a log that has grown on since."""
    tiles = reading(grown_to(size + data.draw(st.integers(min_value=0, max_value=300))))
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    root = NAIVE.hash(0, size)
    verify_inclusion(
        leaf_hash=NAIVE.leaf(index),
        index=index,
        size=size,
        path=tree.inclusion(tiles, index, size),
        root=root,
    )
    verify_consistency(
        old_size=index + 1,
        old_root=NAIVE.hash(0, index + 1),
        new_size=size,
        new_root=root,
        path=tree.consistency(tiles, index + 1, size),
    )


def flip(data: bytes, bit: int) -> bytes:
    """One bit the other way."""
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


mutations = st.sampled_from(
    [
        lambda path, n, bit: [*path[:n], flip(path[n], bit), *path[n + 1 :]],
        lambda path, n, _: [*path[:n], *path[n + 1 :]],
        lambda path, n, _: [*path[:n], path[n], *path[n:]],
        lambda path, n, _: [*path[n + 1 :], *path[: n + 1]] if path[n + 1 :] else [*path, path[n]],
        lambda path, n, bit: [*path, flip(path[n], bit)],
    ]
)
Mutation = Callable[[list[bytes], int, int], list[bytes]]


@given(st.integers(2, LARGEST), st.data(), mutations, st.integers(0, 255))
def test_a_mutated_inclusion_proof_fails(
    size: int, data: st.DataObject, mutate: Mutation, bit: int
) -> None:
    """A flipped, dropped, doubled, moved or added hash: none verifies."""
    index = data.draw(st.integers(0, size - 1))
    path = NAIVE.path(index, 0, size)
    wrong = mutate(path, data.draw(st.integers(0, len(path) - 1)), bit)
    with pytest.raises(ProofError):
        verify_inclusion(
            leaf_hash=NAIVE.leaf(index),
            index=index,
            size=size,
            path=wrong,
            root=NAIVE.hash(0, size),
        )


@given(st.integers(2, LARGEST), st.data(), mutations, st.integers(0, 255))
def test_a_mutated_consistency_proof_fails(
    size: int, data: st.DataObject, mutate: Mutation, bit: int
) -> None:
    """As above, between trees."""
    old = data.draw(st.integers(1, size - 1))
    path = NAIVE.proof(old, size)
    wrong = mutate(path, data.draw(st.integers(0, len(path) - 1)), bit)
    with pytest.raises(ProofError):
        verify_consistency(
            old_size=old,
            old_root=NAIVE.hash(0, old),
            new_size=size,
            new_root=NAIVE.hash(0, size),
            path=wrong,
        )


@given(st.integers(1, LARGEST), st.data())
def test_a_leaf_is_at_no_other_index(size: int, data: st.DataObject) -> None:
    """A true proof says where, too."""
    index, other = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    if index == other:
        return
    with pytest.raises(ProofError):
        verify_inclusion(
            leaf_hash=NAIVE.leaf(index),
            index=other,
            size=size,
            path=NAIVE.path(index, 0, size),
            root=NAIVE.hash(0, size),
        )


@given(
    st.integers(-1, 2**65),
    st.integers(-1, 2**65),
    st.lists(st.binary(min_size=31, max_size=33), max_size=70),
    st.binary(max_size=33),
)
def test_garbage_is_refused_not_crashed_on(
    one: int, two: int, path: list[bytes], root: bytes
) -> None:
    """Proofs come from outside: whatever they hold, the answer is ``ProofError``."""
    with pytest.raises(ProofError):
        verify_inclusion(leaf_hash=root, index=one, size=two, path=path, root=ELSEWHERE)
    with pytest.raises(ProofError):
        verify_consistency(old_size=one, old_root=root, new_size=two, new_root=ELSEWHERE, path=path)


def test_a_short_tile_is_damage() -> None:
    """Proofs out of too few hashes would be nonsense that verifies nowhere: better said at once."""
    with pytest.raises(LogDamaged):
        tree.root(lambda _level, _n: b"\0" * 32, 2)


def test_the_empty_tree() -> None:
    """RFC 6962: the hash of nothing."""
    assert tree.root(reading({}), 0) == NAIVE.hash(0, 0) == tree.EMPTY_ROOT
