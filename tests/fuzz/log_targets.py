"""Targets that read the log: leaves, notes, checkpoints, proofs and tiles."""

from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from audit import bundles, paths
from tests.fuzz.judging import Target, by_both, given_in, require, vectors
from tests.logs import NaiveTree
from tests.vectors import judged
from tests.vectors.drafts import secret
from tillit.errors import ReceiptInvalid
from tillit.jose import TokenInvalid, b64u, unb64u
from tillit.leaves import LeafInvalid, leaf, leaf_hash, parse_leaf
from tillit.notes import (
    NoteInvalid,
    Vkey,
    open_checkpoint,
    open_note,
    read_unsafe_checkpoint,
    sign_checkpoint,
)
from tillit.proof_files import ProofFile, ProofFileInvalid
from tillit.proofs import ProofError
from tillit.quorums import NotWitnessed, Policy, PolicyInvalid
from tillit.wire import ProofAnswer

# What ``proof_files.verify`` documents: a ``VerificationError``, which these are.
_NO_PROOF = (ProofFileInvalid, NoteInvalid, ProofError, NotWitnessed, LeafInvalid, ReceiptInvalid)


def leaves() -> Target[bytes]:
    """``parse_leaf``: one byte form per leaf."""

    def judge(data: bytes) -> bool:
        try:
            read = parse_leaf(data)
        except LeafInvalid:
            return False
        return require(leaf(read.type, read.at, read.commitment) == data)

    alike = by_both("leaf", judge, lambda data: {"leaf_hex": data.hex()})
    return Target("leaf", [each["leaf"].encode() for each in given_in("leaf")], alike)


def vkeys() -> Target[str]:
    """``Vkey.parse``: surrounding white space aside, one form per key."""
    vkey = str(given_in("checkpoint")[0]["vkey"])

    def judge(text: str) -> bool:
        try:
            read = Vkey.parse(text)
        except NoteInvalid:
            return False
        return require(str(read) == text.strip())

    other = str(Vkey.of("log", Ed25519PrivateKey.from_private_bytes(secret("other"))))
    return Target("vkey", [vkey, other], judge)


def notes() -> Target[bytes]:
    """``open_note``: what is signed is a text that the key has signed."""
    examples = given_in("checkpoint")
    vkey = Vkey.parse(examples[0]["vkey"])
    texts = {open_note(each["note"], vkey).text for each in examples}

    def judge(data: bytes) -> bool:
        try:
            return require(open_note(data, vkey).text in texts)
        except NoteInvalid:
            return False

    return Target("note", [each["note"].encode() for each in examples], judge)


def checkpoints() -> Target[str]:
    """``open_checkpoint`` and ``read_unsafe_checkpoint``: signed heads only, at signed times only."""
    examples = given_in("checkpoint")
    vkey = Vkey.parse(examples[0]["vkey"])
    heads = [open_checkpoint(each["note"], vkey) for each in examples]
    signed = {(head.origin, head.size, head.root) for head in heads}
    times = {head.at for head in heads}

    def judge(text: str) -> bool:
        try:
            unsafe = read_unsafe_checkpoint(text)
            head = open_checkpoint(text, vkey)
        except NoteInvalid:
            return False
        same = (unsafe.origin, unsafe.size, unsafe.root) == (head.origin, head.size, head.root)
        known = (head.origin, head.size, head.root) in signed
        return require(same and known and head.at in times)

    alike = by_both("checkpoint", judge, lambda text: {"note": text, "vkey": str(vkey)})
    return Target("checkpoint", [each["note"] for each in examples], alike)


def cosigned_checkpoints() -> Target[str]:
    """``Policy.check``: only what enough witnesses have cosigned, by both implementations."""
    examples = given_in("cosigned-checkpoint")
    plain = examples[0]
    read = [judged.cosigned_checkpoint(each) for each in examples]
    refused = [each["note"] for each in given_in("cosigned-checkpoint", "refused")]
    # One witness has signed twice: with another's line beside it, either time is rightly read.
    twice = next(
        each for each in vectors("cosigned-checkpoint")["refused"] if "later" in each["id"]
    )
    read.append(judged.cosigned_checkpoint({**twice["given"], "threshold": 1}))
    times = {pair for each in read for pair in each["cosigned"].items()}

    def judge(text: str) -> bool:
        try:
            found = judged.cosigned_checkpoint({**plain, "note": text})
        except (NoteInvalid, NotWitnessed):
            return False
        return require(
            any(
                found["root_hex"] == each["root_hex"]
                and found["size"] == each["size"]
                and found["cosigned"].items() <= times
                for each in read
            )
        )

    alike = by_both("cosigned-checkpoint", judge, lambda text: {**plain, "note": text})
    originals = [*(each["note"] for each in examples), *refused]
    return Target("cosigned checkpoint", originals, alike, len(examples))


def policies() -> Target[str]:
    """``Policy.parse``: the documented error, or a quorum that its witnesses can make up."""
    vkeys = given_in("cosigned-checkpoint")[0]["witnesses"]
    lines = [f"witness w{n} {vkey} https://w{n}.example" for n, vkey in enumerate(vkeys)]
    text = "\n".join([*lines, "# two of three", "group q 2 w0 w1 w2", "quorum q", ""])

    def judge(given: str) -> bool:
        try:
            policy = Policy.parse(given)
        except PolicyInvalid:
            return False
        return require(policy.satisfied_by(tuple(policy.witnesses.values())))

    return Target("witness policy", [text, text.replace("group q 2", "group q any")], judge)


def proofs() -> Target[str]:
    """An inclusion proof as the SDK takes it from the broker: one leaf, one place, one path."""
    tree, size, key = NaiveTree(), 300, Ed25519PrivateKey.from_private_bytes(secret("log"))
    at = datetime(2026, 11, 20, tzinfo=UTC)
    root = tree.hash(0, size)
    note = sign_checkpoint(origin="log.example/fuzz", size=size, root=root, key=key, at=at)
    vkey = Vkey.of("log.example/fuzz", key)
    answers = {}
    for index in (0, 5, 255, 256, 299):
        path = tuple(b64u(step) for step in tree.path(index, 0, size))
        hashed = b64u(tree.leaf(index))
        answers[hashed] = ProofAnswer(index=index, leaf_hash=hashed, path=path, checkpoint=note)

    def judge(text: str) -> bool:
        try:
            answer = ProofAnswer.model_validate_json(text)
            path = [unb64u(step, size=32) for step in answer.path]
            head = open_checkpoint(answer.checkpoint, vkey)
            found = unb64u(answer.leaf_hash, size=32)
            head.check_inclusion(leaf_hash=found, index=answer.index, path=path)
        except (ValidationError, TokenInvalid, NoteInvalid, ProofError):
            return False
        example = answers.get(answer.leaf_hash)
        return require(
            example is not None and (example.index, example.path) == (answer.index, answer.path)
        )

    return Target("proof", [answer.model_dump_json() for answer in answers.values()], judge)


def proof_files() -> Target[str]:
    """``ProofFile.parse`` and ``verify``: the entry that was proven, in its one form, by both."""
    examples = given_in("tlog-proof")
    plain = examples[0]
    proven = [judged.tlog_proof(each) for each in examples]
    refused = [each["proof"] for each in given_in("tlog-proof", "refused")]

    def judge(text: str) -> bool:
        try:
            found = judged.tlog_proof({**plain, "proof": text})
        except _NO_PROOF:
            return False
        return require(found in proven and str(ProofFile.parse(text)) == text)

    alike = by_both("tlog-proof", judge, lambda text: {**plain, "proof": text})
    originals = [*(each["proof"] for each in examples), *refused]
    return Target("tlog-proof", originals, alike, len(examples))


def continuations() -> Target[bytes]:
    """A consistency proof between two signed heads, its steps one after the other: one path."""
    tree, key = NaiveTree(), Ed25519PrivateKey.from_private_bytes(secret("log"))
    at = datetime(2026, 11, 20, tzinfo=UTC)

    def head(size: int) -> Any:
        root = tree.hash(0, size)
        note = sign_checkpoint(origin="log.example/fuzz", size=size, root=root, key=key, at=at)
        return open_checkpoint(note, Vkey.of("log.example/fuzz", key))

    heads = {size: head(size) for size in (1, 3, 255, 256, 300)}
    good = {
        (old, new): b"".join(tree.proof(old, new)) for old in heads for new in heads if old <= new
    }
    pairs = list(good)
    originals = [bytes([n]) + path for n, path in enumerate(good.values())]

    def judge(data: bytes) -> bool:
        pair = pairs[(data[0] if data else 0) % len(pairs)]
        path = [data[at : at + 32] for at in range(1, len(data), 32)]
        try:
            heads[pair[1]].check_continues(heads[pair[0]], path)
        except ProofError:
            return False
        return require(b"".join(path) == good[pair])

    return Target("continuation", originals, judge)


def tile_paths() -> Target[str]:
    """``paths.parse``: one path per resource."""
    originals = [str(path) for path in paths.needed(70_000)]
    originals = [
        *originals[:5],
        *originals[-40:],
        "tile/0/x123/x456/789",
        "tile/entries/x001/000.p/7",
    ]

    def judge(text: str) -> bool:
        read = paths.parse(text)
        return read is not None and require(str(read) == text and 0 < read.width <= 256)

    return Target("tile path", originals, judge)


def entry_bundles() -> Target[bytes]:
    """``bundles.unpack``: so many entries and not a byte more."""
    entries = [each["leaf"].encode() for each in given_in("leaf")]
    originals = [bytes([count]) + bundles.pack(entries[:count]) for count in range(1, 5)]

    def judge(data: bytes) -> bool:
        try:
            read = bundles.unpack(data[1:], data[0] if data else 0)
        except bundles.BundleInvalid:
            return False
        for entry in read:
            leaf_hash(entry)
        return require(bundles.pack(read) == data[1:])

    return Target("entry bundle", originals, judge)
