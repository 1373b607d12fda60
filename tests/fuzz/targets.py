"""Targets: everything that reads what came from outside, each with examples and what may be accepted.

A target tells an input that it refused (False) from one that it accepted and that says what an example
says, or is its own one canonical form (True). Anything else raises: ``WronglyAccepted``, or whatever
the parser crashed with.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Generic, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pydantic import ValidationError

from audit import bundles, paths
from tests.logs import NaiveTree
from tests.vectors import generate, judged, opener
from tests.vectors.drafts import secret
from tillit import receipts
from tillit.envelopes import ReaderKey, hybrid_private, open_field, open_key
from tillit.errors import ReceiptInvalid
from tillit.jose import TokenInvalid, b64u, strict_json, unb64u
from tillit.leaves import LeafInvalid, leaf, leaf_hash, parse_leaf
from tillit.manifests import field_aad, manifest_hash
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
from tillit.wire import DepositManifest, Manifest, ProofAnswer, SealedField, SealedKey

T = TypeVar("T", str, bytes)

# What ``proof_files.verify`` documents: a ``VerificationError``, which these are.
_NO_PROOF = (ProofFileInvalid, NoteInvalid, ProofError, NotWitnessed, LeafInvalid, ReceiptInvalid)


class WronglyAccepted(AssertionError):
    """The input was accepted and is neither an example nor a canonical form."""


class Disagreement(AssertionError):
    """One implementation accepts what the other refuses."""


@dataclass(frozen=True)
class Target(Generic[T]):
    """One parser: examples that it accepts, and what it makes of an input."""

    name: str
    originals: Sequence[T]
    judge: Callable[[T], bool]


def _require(rightly: object) -> bool:
    if not rightly:
        raise WronglyAccepted
    return True


def _alike(
    form: str, judge: Callable[[T], bool], given: Callable[[T], dict[str, Any]]
) -> Callable[[T], bool]:
    """The same, where the implementation that shares no code with ours must come to the same."""

    def both(data: T) -> bool:
        ours = judge(data)
        try:
            opener.FORMS[form](given(data))
        except opener.WRONG:
            theirs = False
        else:
            theirs = True
        if ours != theirs:
            raise Disagreement
        return ours

    return both


@cache
def _vectors(form: str) -> Mapping[str, Any]:
    found = next(each for each in generate.everything() if each.form == form)
    document: dict[str, Any] = json.loads(json.dumps(found.document()))
    return document


def _given(form: str, kind: str = "accepted") -> list[dict[str, Any]]:
    return [each["given"] for each in _vectors(form)[kind]]


# --- the log ---


def leaves() -> Target[bytes]:
    """``parse_leaf``: one byte form per leaf."""

    def judge(data: bytes) -> bool:
        try:
            read = parse_leaf(data)
        except LeafInvalid:
            return False
        return _require(leaf(read.type, read.at, read.commitment) == data)

    alike = _alike("leaf", judge, lambda data: {"leaf_hex": data.hex()})
    return Target("leaf", [each["leaf"].encode() for each in _given("leaf")], alike)


def vkeys() -> Target[str]:
    """``Vkey.parse``: surrounding white space aside, one form per key."""
    vkey = str(_given("checkpoint")[0]["vkey"])

    def judge(text: str) -> bool:
        try:
            read = Vkey.parse(text)
        except NoteInvalid:
            return False
        return _require(str(read) == text.strip())

    other = str(Vkey.of("log", Ed25519PrivateKey.from_private_bytes(secret("other"))))
    return Target("vkey", [vkey, other], judge)


def notes() -> Target[bytes]:
    """``open_note``: what is signed is a text that the key has signed."""
    examples = _given("checkpoint")
    vkey = Vkey.parse(examples[0]["vkey"])
    texts = {open_note(each["note"], vkey).text for each in examples}

    def judge(data: bytes) -> bool:
        try:
            return _require(open_note(data, vkey).text in texts)
        except NoteInvalid:
            return False

    return Target("note", [each["note"].encode() for each in examples], judge)


def checkpoints() -> Target[str]:
    """``open_checkpoint`` and ``read_unsafe_checkpoint``: signed heads only, at signed times only."""
    examples = _given("checkpoint")
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
        return _require(same and known and head.at in times)

    alike = _alike("checkpoint", judge, lambda text: {"note": text, "vkey": str(vkey)})
    return Target("checkpoint", [each["note"] for each in examples], alike)


def cosigned_checkpoints() -> Target[str]:
    """``Policy.check``: only what enough witnesses have cosigned, by both implementations."""
    examples = _given("cosigned-checkpoint")
    plain = examples[0]
    read = [judged.cosigned_checkpoint(each) for each in examples]
    refused = [each["note"] for each in _given("cosigned-checkpoint", "refused")]
    # One witness has signed twice: with another's line beside it, either time is rightly read.
    twice = next(
        each for each in _vectors("cosigned-checkpoint")["refused"] if "later" in each["id"]
    )
    read.append(judged.cosigned_checkpoint({**twice["given"], "threshold": 1}))
    times = {pair for each in read for pair in each["cosigned"].items()}

    def judge(text: str) -> bool:
        try:
            found = judged.cosigned_checkpoint({**plain, "note": text})
        except (NoteInvalid, NotWitnessed):
            return False
        return _require(
            any(
                found["root_hex"] == each["root_hex"]
                and found["size"] == each["size"]
                and found["cosigned"].items() <= times
                for each in read
            )
        )

    alike = _alike("cosigned-checkpoint", judge, lambda text: {**plain, "note": text})
    originals = [*(each["note"] for each in examples), *refused]
    return Target("cosigned checkpoint", originals, alike)


def policies() -> Target[str]:
    """``Policy.parse``: the documented error, or a quorum that its witnesses can make up."""
    vkeys = _given("cosigned-checkpoint")[0]["witnesses"]
    lines = [f"witness w{n} {vkey} https://w{n}.example" for n, vkey in enumerate(vkeys)]
    text = "\n".join([*lines, "# two of three", "group q 2 w0 w1 w2", "quorum q", ""])

    def judge(given: str) -> bool:
        try:
            policy = Policy.parse(given)
        except PolicyInvalid:
            return False
        return _require(policy.satisfied_by(tuple(policy.witnesses.values())))

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
        return _require(
            example is not None and (example.index, example.path) == (answer.index, answer.path)
        )

    return Target("proof", [answer.model_dump_json() for answer in answers.values()], judge)


def proof_files() -> Target[str]:
    """``ProofFile.parse`` and ``verify``: the entry that was proven, in its one form, by both."""
    examples = _given("tlog-proof")
    plain = examples[0]
    proven = [judged.tlog_proof(each) for each in examples]
    refused = [each["proof"] for each in _given("tlog-proof", "refused")]

    def judge(text: str) -> bool:
        try:
            found = judged.tlog_proof({**plain, "proof": text})
        except _NO_PROOF:
            return False
        return _require(found in proven and str(ProofFile.parse(text)) == text)

    alike = _alike("tlog-proof", judge, lambda text: {**plain, "proof": text})
    return Target("tlog-proof", [*(each["proof"] for each in examples), *refused], alike)


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
        return _require(b"".join(path) == good[pair])

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
        return read is not None and _require(str(read) == text and 0 < read.width <= 256)

    return Target("tile path", originals, judge)


def entry_bundles() -> Target[bytes]:
    """``bundles.unpack``: so many entries and not a byte more."""
    entries = [each["leaf"].encode() for each in _given("leaf")]
    originals = [bytes([count]) + bundles.pack(entries[:count]) for count in range(1, 5)]

    def judge(data: bytes) -> bool:
        try:
            read = bundles.unpack(data[1:], data[0] if data else 0)
        except bundles.BundleInvalid:
            return False
        for entry in read:
            leaf_hash(entry)
        return _require(bundles.pack(read) == data[1:])

    return Target("entry bundle", originals, judge)


# --- tokens ---


def sealed_keys(kty: str) -> Target[str]:
    """``open_key``: the one token that was sealed."""
    example = next(each for each in _given("sealed-key") if each["kty"] == kty)
    seed, bound = bytes.fromhex(example["seed_hex"]), bytes.fromhex(example["manifest_hash_hex"])
    reader: ReaderKey = (
        hybrid_private(seed) if kty == "AKP" else X25519PrivateKey.from_private_bytes(seed)
    )

    def judge(text: str) -> bool:
        try:
            sealed = SealedKey.model_validate_json(text)
            open_key(sealed, key=reader, kid=example["kid"], manifest_hash=bound)
        except (ValidationError, TokenInvalid):
            return False
        return _require(sealed.model_dump() == example["sealed"])

    name = "sealed key (hybrid)" if kty == "AKP" else "sealed key (JWE)"
    return Target(name, [json.dumps(example["sealed"], separators=(",", ":"))], judge)


def compact_keys() -> Target[str]:
    """``open_key`` on the compact JWE itself, so that every input reaches it."""
    example = _given("sealed-key")[0]
    sealed, seed = example["sealed"], bytes.fromhex(example["seed_hex"])
    bound, reader = (
        bytes.fromhex(example["manifest_hash_hex"]),
        X25519PrivateKey.from_private_bytes(seed),
    )
    refused = [each["sealed"]["jwe"] for each in _given("sealed-key", "refused")]

    def judge(text: str) -> bool:
        taken = SealedKey.model_construct(alg=sealed["alg"], kid=sealed["kid"], jwe=text)
        try:
            open_key(taken, key=reader, kid=example["kid"], manifest_hash=bound)
        except TokenInvalid:
            return False
        return _require(text == sealed["jwe"])

    def given(text: str) -> dict[str, Any]:
        return example | {"sealed": sealed | {"jwe": text}}

    originals = [sealed["jwe"], sealed["jwe"], *refused]
    return Target("compact JWE", originals, _alike("sealed-key", judge, given))


def sealed_fields() -> Target[str]:
    """``open_field``: the one value that was sealed, in its one form."""
    examples = _given("sealed-field")
    key, kid = bytes.fromhex(examples[0]["key_hex"]), examples[0]["kid"]
    aad = field_aad(**{name: examples[0][name] for name in ("field", "record", "source")})
    good = [each["sealed"] for each in examples]

    def judge(text: str) -> bool:
        try:
            sealed = SealedField.model_validate_json(text)
            open_field(sealed, aad=aad, key=key, kid=kid)
        except (ValidationError, TokenInvalid):
            return False
        return _require(sealed.model_dump() in good)

    return Target("sealed field", [json.dumps(one, separators=(",", ":")) for one in good], judge)


def signed_receipts() -> Target[str]:
    """``receipts.verify``: the very tokens that were signed, and their leaves."""
    examples = _given("receipt")
    tokens = {each["token"] for each in examples}
    jwks = examples[0]["jwks"]

    def judge(text: str) -> bool:
        try:
            verified = receipts.verify(text, jwks)
        except ReceiptInvalid:
            return False
        verified.leaf()
        return _require(text in tokens)

    alike = _alike("receipt", judge, lambda text: {"token": text, "jwks": jwks})
    return Target("receipt", sorted(tokens), alike)


def receipt_payloads() -> Target[bytes]:
    """``receipts.verify`` on whatever a broker may have signed: it is one, or it is refused."""
    examples = _given("receipt")
    key = Ed25519PrivateKey.from_private_bytes(secret("receipts"))
    head = examples[0]["token"].partition(".")[0]
    payloads = [unb64u(each["token"].split(".")[1]) for each in examples]

    def judge(data: bytes) -> bool:
        text = f"{head}.{b64u(data)}"
        try:
            verified = receipts.verify(
                f"{text}.{b64u(key.sign(text.encode()))}", examples[0]["jwks"]
            )
        except ReceiptInvalid:
            return False
        parse_leaf(verified.leaf())
        return True

    return Target("receipt payload", payloads, judge)


def manifests() -> Target[str]:
    """A manifest off the wire and its hash: another hash for everything that says something else."""
    examples = _given("manifest")
    forms: dict[str, type[Manifest | DepositManifest]] = {
        "disclosure": Manifest,
        "deposit": DepositManifest,
    }
    known = {
        bytes.fromhex(each["hash_hex"]): forms[each["kind"]].model_validate_json(each["manifest"])
        for each in examples
    }

    def judge(text: str) -> bool:
        form = Manifest if '"disclosure"' in text else DepositManifest
        try:
            read = form.model_validate_json(text)
        except ValidationError:
            return False
        hashed = manifest_hash(read)
        return _require(hashed not in known or known[hashed] == read)

    return Target("manifest", [each["manifest"] for each in examples], judge)


def json_texts() -> Target[bytes]:
    """``strict_json``: whatever it reads has one canonical form, or none."""
    originals = [each["manifest"].encode() for each in _given("manifest")]
    originals.append(base64.b64decode("eyJhIjpbMSwyLjUsbnVsbCx0cnVlLCLDpiIseyJiIjotMX1dfQ=="))

    def judge(data: bytes) -> bool:
        try:
            strict_json(data)
        except TokenInvalid:
            return False
        return True

    return Target("strict JSON", originals, judge)


def everything() -> tuple[Target[Any], ...]:
    """Every target."""
    return (
        leaves(),
        vkeys(),
        notes(),
        checkpoints(),
        cosigned_checkpoints(),
        policies(),
        proofs(),
        proof_files(),
        continuations(),
        tile_paths(),
        entry_bundles(),
        sealed_keys("OKP"),
        sealed_keys("AKP"),
        compact_keys(),
        sealed_fields(),
        signed_receipts(),
        receipt_payloads(),
        manifests(),
        json_texts(),
    )
