"""Vectors of proof files: what is kept for years to show, with no network, that the log holds an entry."""

import base64
from typing import Any

from tests.vectors.cosigned_forms import NAMES, line, witness
from tests.vectors.drafts import (
    Accepted,
    Vectors,
    changed,
    compact,
    flipped,
    secret,
    signer,
    stray,
    token,
)
from tests.vectors.log_forms import AT, ORIGIN, SIGNED
from tests.vectors.receipt_forms import BROKER, HEADER, JWKS, payload
from tillit import leaves
from tillit.notes import Vkey, sign_checkpoint
from tillit.proofs import node_hash

BESIDE, AFTER = secret("the leaf before"), secret("the leaf after")


def _text(extra: str, index: str, path: list[bytes], note: str) -> str:
    """A file by the letter of C2SP tlog-proof, good or not."""
    said = base64.b64encode(extra.encode()).decode()
    steps = [base64.b64encode(step).decode() for step in path]
    head = ["c2sp.org/tlog-proof@v1", f"extra {said}", f"index {index}", *steps]
    return "\n".join(head) + "\n\n" + note


def _note(hashed: bytes) -> tuple[str, str]:
    """The checkpoint of three entries, the second of them this one, and its cosignatures."""
    root = node_hash(node_hash(BESIDE, hashed), AFTER)
    note = sign_checkpoint(origin=ORIGIN, size=3, root=root, key=signer("log"), at=SIGNED)
    text = note.partition("\n\n")[0] + "\n"
    return note, line(text, NAMES[0]) + line(text, NAMES[1])


def _example(name: str, why: str, extra: dict[str, Any], leaf: bytes) -> Accepted:
    note = "".join(_note(leaves.leaf_hash(leaf)))
    given = {
        "proof": _text(compact(extra), "1", [BESIDE, AFTER], note),
        "vkey": str(Vkey.of(ORIGIN, signer("log"))),
        "witnesses": [str(witness(each)) for each in NAMES],
        "threshold": 2,
        "jwks": JWKS,
    }
    return Accepted(name, why, given, {"index": 1, "size": 3, "leaf": leaf.decode()})


def proof_files() -> Vectors:
    """The file: an entry's leaf or receipt, its place and path, and a cosigned checkpoint."""
    whole = payload()
    mac = leaves.commitment(secret("receipt's salt"), whole["statement"])
    leaf = leaves.leaf("disclosure", AT, mac)
    signed = token(compact(HEADER), compact(whole), BROKER)
    plain = _example("plain", "by a receipt", {"receipt": signed, "v": 1}, leaf)
    by_leaf = _example("leaf", "by the leaf alone", {"leaf": leaf.decode(), "v": 1}, leaf)
    good, path = str(plain.given["proof"]), [BESIDE, AFTER]
    note, seen = _note(leaves.leaf_hash(leaf))
    steps = [base64.b64encode(step).decode() for step in path]
    extra = compact({"receipt": signed, "v": 1})
    altered = payload(recipient="nav-skien")
    elsewhere = {**whole, "promise": {**whole["promise"], "origin": "log.example/other"}}

    def saying(said: Any, *, path: list[bytes] = path, index: str = "1") -> dict[str, Any]:
        text = said if isinstance(said, str) else compact(said)
        return {"proof": _text(text, index, path, note + seen)}

    def signing(says: dict[str, Any]) -> dict[str, Any]:
        return saying({"receipt": token(compact(HEADER), compact(says), BROKER), "v": 1})

    examples: dict[str, tuple[dict[str, Any], str]] = {
        "header": ({"proof": good.replace("@v1", "@v2", 1)}, "of a version that is not known"),
        "space": ({"proof": " " + good}, "nothing stands before the first line"),
        "line-ends": ({"proof": good.replace("\n", "\r\n")}, "a line ends in a newline alone"),
        "no-extra": (
            {"proof": good.replace(good.split("\n")[1] + "\n", "", 1)},
            "nothing leads to a leaf",
        ),
        "extra-twice": (
            {"proof": good.replace("index", good.split("\n")[1] + "\nindex", 1)},
            "a line that stands twice",
        ),
        "no-index": ({"proof": good.replace("index 1\n", "", 1)}, "it has no place"),
        "index": (saying(extra, index="0"), "the entry stands elsewhere"),
        "index-zero": (saying(extra, index="01"), "a number is written in one way"),
        "index-sign": (saying(extra, index="+1"), "a number is written in one way"),
        "outside": (saying(extra, index="3"), "an index is below the size"),
        "beyond": (saying(extra, index="9223372036854775808"), "an index is below 2^63"),
        "short": (saying(extra, path=path[:1]), "a step is missing"),
        "long": (saying(extra, path=[*path, AFTER]), "a step too many"),
        "order": (saying(extra, path=path[::-1]), "the path runs from the leaf to the root"),
        "narrow": (saying(extra, path=[BESIDE, AFTER[:-1]]), "a hash has 32 bytes"),
        "endless": (saying(extra, path=path * 32), "longer than any tree is high"),
        "stray-bits": (
            {"proof": good.replace(steps[0], stray(steps[0]), 1)},
            "the last bits spell no byte",
        ),
        "no-blank": ({"proof": good.replace("\n\n", "\n", 1)}, "the checkpoint does not begin"),
        "no-note": ({"proof": good.partition("\n\n")[0] + "\n\n"}, "there is no checkpoint"),
        "few": ({"proof": good.replace(seen, seen.splitlines()[0] + "\n")}, "too few have seen it"),
        "unsigned": ({"proof": good.replace(note.split("\n")[4] + "\n", "")}, "not the log's"),
        "flip": ({"proof": flipped(good, -9)}, "a signature is altered"),
        "version": (saying({"receipt": signed, "v": 2}), "of a version that is not known"),
        "version-true": (saying({"receipt": signed, "v": True}), "a version is a number"),
        "member": (saying({"receipt": signed, "v": 1, "x": ""}), "a member that is not known"),
        "both": (
            saying({"leaf": leaf.decode(), "receipt": signed, "v": 1}),
            "either a leaf or a receipt",
        ),
        "twice": (saying(extra[:-1] + ',"v":1}'), "a member that stands twice"),
        "not-json": (saying("{"), "not JSON"),
        "other-leaf": (
            saying({"leaf": flipped(leaf.decode(), 60), "v": 1}),
            "the log holds no such leaf",
        ),
        "no-leaf": (saying({"leaf": leaf.decode() + "\n", "v": 1}), "a byte too many"),
        "statement": (signing(altered), "the log holds nothing of the kind, though it is signed"),
        "origin": (signing(elsewhere), "the receipt promises another log"),
        "signature": (
            saying({"receipt": flipped(signed, -9), "v": 1}),
            "the receipt's signature is altered",
        ),
    }
    given = {name: members for name, (members, _) in examples.items()}
    refused = changed(plain, given, {name: why for name, (_, why) in examples.items()})
    return Vectors(
        "tlog-proof",
        "given `proof`, the log's `vkey`, the vkeys of `witnesses`, a `threshold` and the broker's `jwks`: the"
        " extra data leads to a leaf (by a receipt, whose signature is checked too, or as it is), which stands at"
        " the index in the tree of the checkpoint, which is the log's and cosigned by so many.",
        ["C2SP tlog-proof@v1", "C2SP tlog-checkpoint", "C2SP tlog-cosignature", "RFC 9162"],
        [plain, by_leaf],
        refused,
    )
