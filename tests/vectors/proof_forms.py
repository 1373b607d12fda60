"""Vectors of proofs: a leaf in a tree, and a tree that continues another."""

from typing import Any

from tests.logs import NaiveTree
from tests.vectors.drafts import Accepted, Vectors, changed, flipped

_TREE = NaiveTree()


def _hexes(path: list[bytes]) -> list[str]:
    return [step.hex() for step in path]


def _inclusion(index: int, size: int) -> Accepted:
    given = {
        "leaf_hash_hex": _TREE.leaf(index).hex(),
        "index": index,
        "size": size,
        "path_hex": _hexes(_TREE.path(index, 0, size)),
        "root_hex": _TREE.hash(0, size).hex(),
    }
    return Accepted(f"{index}-of-{size}", f"leaf {index} of {size}", given, {})


def inclusions() -> Vectors:
    """Proofs that a leaf is in a tree."""
    plain = _inclusion(5, 7)
    places = ((0, 1), (0, 2), (1, 2), (6, 7), (3, 8), (255, 256), (256, 257), (299, 300))
    accepted = [plain, *(_inclusion(*place) for place in places)]
    path = list(plain.given["path_hex"])
    other = _TREE.leaf(4).hex()
    examples: dict[str, tuple[dict[str, Any], str]] = {
        "index": ({"index": 4}, "the leaf stands elsewhere"),
        "outside": ({"index": 7}, "an index is below the size"),
        "negative": ({"index": -1}, "an index is not negative"),
        "size": ({"size": 9}, "the path is that of another size"),
        "size-zero": ({"size": 0, "index": 0, "path_hex": []}, "nothing is in the empty tree"),
        "beyond": ({"size": 2**63}, "a size is below 2^63"),
        "leaf": ({"leaf_hash_hex": other}, "another leaf"),
        "root": ({"root_hex": _TREE.hash(0, 6).hex()}, "another root"),
        "flip": ({"path_hex": [*path[:1], flipped(path[1], 7, "01"), *path[2:]]}, "one letter"),
        "short": ({"path_hex": path[:-1]}, "a step is missing"),
        "long": ({"path_hex": [*path, path[-1]]}, "a step too many"),
        "none": ({"path_hex": []}, "no path"),
        "order": ({"path_hex": path[::-1]}, "the path runs from the leaf to the root"),
        "narrow": ({"path_hex": [*path[:-1], path[-1][:-2]]}, "a hash has 32 bytes"),
        "endless": ({"path_hex": path * 64}, "longer than any tree is high"),
    }
    single = _inclusion(0, 1)
    given = {name: members for name, (members, _) in examples.items()}
    refused = changed(plain, given, {name: why for name, (_, why) in examples.items()})
    refused += changed(
        single,
        {"other": {"root_hex": other}, "step": {"path_hex": [other]}},
        {"other": "the root of one leaf is the leaf", "step": "one leaf needs no path"},
    )
    return Vectors(
        "inclusion",
        "given a leaf's hash and index, a tree's size and root, and a path: the leaf is in the tree.",
        ["RFC 9162 section 2.1.3.2"],
        accepted,
        refused,
    )


def _consistency(old: int, new: int) -> Accepted:
    given = {
        "old_size": old,
        "old_root_hex": _TREE.hash(0, old).hex(),
        "new_size": new,
        "new_root_hex": _TREE.hash(0, new).hex(),
        "path_hex": _hexes(_TREE.proof(old, new)),
    }
    return Accepted(f"{old}-to-{new}", f"from {old} to {new} leaves", given, {})


def consistencies() -> Vectors:
    """Proofs that a tree continues another."""
    plain = _consistency(3, 7)
    sizes = ((1, 1), (1, 2), (4, 7), (6, 7), (7, 7), (6, 8), (4, 8), (255, 300), (256, 300))
    accepted = [plain, *(_consistency(*pair) for pair in sizes)]
    path, other = list(plain.given["path_hex"]), _TREE.hash(0, 5).hex()
    same = _consistency(7, 7)
    examples: dict[str, tuple[dict[str, Any], str]] = {
        "from-nothing": ({"old_size": 0, "path_hex": []}, "everything continues the empty tree"),
        "nothing": ({"old_size": 0, "new_size": 0, "path_hex": []}, "two empty trees show nothing"),
        "shrunk": ({"old_size": 8}, "the old tree is the smaller one"),
        "old-size": ({"old_size": 4}, "the path is that of another size"),
        "new-size": ({"new_size": 9}, "the path is that of another size"),
        "beyond": ({"new_size": 2**63}, "a size is below 2^63"),
        "old-root": ({"old_root_hex": other}, "another old root"),
        "new-root": ({"new_root_hex": other}, "another new root"),
        "flip": ({"path_hex": [flipped(path[0], 7, "01"), *path[1:]]}, "one letter"),
        "short": ({"path_hex": path[:-1]}, "a step is missing"),
        "long": ({"path_hex": [*path, path[-1]]}, "a step too many"),
        "none": ({"path_hex": []}, "no path"),
        "order": ({"path_hex": path[::-1]}, "steps in another order"),
        "narrow": ({"path_hex": [path[0][:-2], *path[1:]]}, "a hash has 32 bytes"),
        "endless": ({"path_hex": path * 64}, "longer than any tree is high"),
    }
    given = {name: members for name, (members, _) in examples.items()}
    refused = changed(plain, given, {name: why for name, (_, why) in examples.items()})
    refused += changed(
        same,
        {"other": {"new_root_hex": other}, "step": {"path_hex": [other]}},
        {"other": "two trees of one size are one tree", "step": "one tree needs no path"},
    )
    return Vectors(
        "consistency",
        "given two sizes, two roots and a path: the new tree begins with all of the old one. The empty"
        " tree is refused, since a proof would show nothing.",
        ["RFC 9162 section 2.1.4.2"],
        accepted,
        refused,
    )
