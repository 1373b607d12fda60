"""Published proofs of transparency-dev/merkle (Apache-2.0), read in place beside the project."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tillit.proofs import ProofError, verify_consistency, verify_inclusion

FILE = Path(__file__).parents[3] / "shared" / "vectors" / "merkle" / "proofs.json"
pytestmark = pytest.mark.vectors

if not FILE.is_file():
    pytest.skip(f"the published vectors are not at {FILE}", allow_module_level=True)

VECTORS: dict[str, Any] = json.loads(FILE.read_text())


def _bytes(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def _check_inclusion(case: dict[str, Any], **changed: Any) -> None:
    members: dict[str, Any] = {
        "leaf_hash": _bytes(case["leafHash"]),
        "index": case["leafIdx"],
        "size": case["treeSize"],
        "path": [_bytes(step) for step in case["proof"] or []],
        "root": _bytes(case["root"]),
    }
    verify_inclusion(**(members | changed))


def _check_consistency(case: dict[str, Any], **changed: Any) -> None:
    members: dict[str, Any] = {
        "old_size": case["size1"],
        "new_size": case["size2"],
        "old_root": _bytes(case["root1"]),
        "new_root": _bytes(case["root2"]),
        "path": [_bytes(step) for step in case["proof"] or []],
    }
    verify_consistency(**(members | changed))


CHECKS = {"inclusion": _check_inclusion, "consistency": _check_consistency}
CASES = [(kind, case) for kind in CHECKS for case in VECTORS[kind]]
HAPPY = [(kind, case) for kind, case in CASES if not case["wantErr"]]


def _name(value: Any) -> str:
    return value if isinstance(value, str) else str(value["name"])


def test_both_kinds_and_both_answers_are_there() -> None:
    """A vector file that lost its cases would pass in silence."""
    assert {kind: len(VECTORS[kind]) for kind in CHECKS} == {"inclusion": 49, "consistency": 49}
    assert {kind for kind, _ in HAPPY} == set(CHECKS)


@pytest.mark.parametrize(("kind", "case"), CASES, ids=_name)
def test_published_case(kind: str, case: dict[str, Any]) -> None:
    """Accepts what the reference accepts and refuses what it refuses; trees of size 0 always."""
    sizes = (case["size1"], case["size2"]) if kind == "consistency" else (case["treeSize"],)
    if case["wantErr"] or 0 in sizes:
        with pytest.raises(ProofError):
            CHECKS[kind](case)
    else:
        CHECKS[kind](case)


@pytest.mark.parametrize(("kind", "case"), HAPPY, ids=_name)
def test_every_bit_of_a_good_proof_counts(kind: str, case: dict[str, Any]) -> None:
    """Each accepted case with one bit of one hash flipped, for every bit of every hash."""
    path = [_bytes(step) for step in case["proof"] or []]
    for at, step in enumerate(path):
        for bit in range(256):
            wrong = (int.from_bytes(step, "big") ^ 1 << bit).to_bytes(32, "big")
            with pytest.raises(ProofError):
                CHECKS[kind](case, path=[*path[:at], wrong, *path[at + 1 :]])
