"""Our own vectors as the SDK judges them: each form by the very functions that services call.

Every function raises one of ``REFUSALS`` or returns what the SDK has read.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tillit import proof_files, receipts
from tillit.envelopes import hybrid_private, open_key
from tillit.errors import VerificationError
from tillit.jose import strict_json
from tillit.leaves import instant, leaf_hash, parse_leaf
from tillit.leaves import leaf as leaf_bytes
from tillit.manifests import manifest_hash
from tillit.notes import Vkey, open_checkpoint
from tillit.opening import SealedValue
from tillit.proofs import verify_consistency, verify_inclusion
from tillit.quorums import Policy, PolicyInvalid
from tillit.wire import DepositManifest, Manifest, ManifestField, SealedField, SealedKey

# What is read from outside is refused by a model (ValueError, as ``TokenInvalid`` is) or by a check.
REFUSALS = (VerificationError, ValueError)

Given = Mapping[str, Any]
Read = dict[str, Any]


def raw(given: Given, name: str) -> bytes:
    """A member that is text, or bytes in hexadecimal."""
    return given[name].encode() if name in given else bytes.fromhex(given[f"{name}_hex"])


def leaf(given: Given) -> Read:
    """``tillit.leaves``."""
    data = raw(given, "leaf")
    read = parse_leaf(data)
    return {
        "type": read.type,
        "at": instant(read.at),
        "commitment_hex": read.commitment.hex(),
        "leaf_hash_hex": leaf_hash(data).hex(),
    }


def checkpoint(given: Given) -> Read:
    """``tillit.notes``."""
    note = given["note"] if "note" in given else bytes.fromhex(given["note_hex"])
    head = open_checkpoint(note, Vkey.parse(given["vkey"]))
    at = None if head.at is None else head.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"origin": head.origin, "size": head.size, "root_hex": head.root.hex(), "at": at}


def policy(given: Given) -> Policy:
    """So many of these witnesses."""
    lines = [f"witness w{n} {vkey}" for n, vkey in enumerate(given["witnesses"])]
    group = " ".join(f"w{n}" for n in range(len(lines)))
    text = "\n".join([*lines, f"group q {given['threshold']} {group}", "quorum q", ""])
    try:
        return Policy.parse(text)
    except PolicyInvalid as wrong:
        raise ValueError("not such witnesses") from wrong


def cosigned_checkpoint(given: Given) -> Read:
    """``tillit.notes`` and ``tillit.quorums``."""
    head = open_checkpoint(given["note"], Vkey.parse(given["vkey"]))
    witnessed = policy(given).check(given["note"], log=Vkey.parse(given["vkey"]))
    seen = {c.witness.name: c.at.strftime("%Y-%m-%dT%H:%M:%SZ") for c in witnessed.cosignatures}
    return {"size": head.size, "root_hex": head.root.hex(), "cosigned": seen}


def inclusion(given: Given) -> Read:
    """``tillit.proofs``."""
    verify_inclusion(
        leaf_hash=bytes.fromhex(given["leaf_hash_hex"]),
        index=given["index"],
        size=given["size"],
        path=[bytes.fromhex(step) for step in given["path_hex"]],
        root=bytes.fromhex(given["root_hex"]),
    )
    return {}


def consistency(given: Given) -> Read:
    """``tillit.proofs``."""
    verify_consistency(
        old_size=given["old_size"],
        old_root=bytes.fromhex(given["old_root_hex"]),
        new_size=given["new_size"],
        new_root=bytes.fromhex(given["new_root_hex"]),
        path=[bytes.fromhex(step) for step in given["path_hex"]],
    )
    return {}


def tlog_proof(given: Given) -> Read:
    """``tillit.proof_files``: the log alone vouches, and where there is a receipt its signer too."""
    file = proof_files.ProofFile.parse(given["proof"])
    vkey, quorum = Vkey.parse(given["vkey"]), policy(given)
    proven = proof_files.verify(file, vkey, policy=quorum)
    if proven.statement is not None:
        proof_files.verify(file, vkey, policy=quorum, receipt_keys=given["jwks"])
    made = leaf_bytes(proven.leaf.type, proven.leaf.at, proven.leaf.commitment)
    return {"index": proven.index, "size": proven.checkpoint.size, "leaf": made.decode()}


def receipt(given: Given) -> Read:
    """``tillit.receipts``."""
    verified = receipts.verify(given["token"], given["jwks"])
    return {
        "issuer": verified.issuer,
        "statement": verified.statement.model_dump(mode="json"),
        "leaf": verified.leaf().decode(),
        "leaf_hash_hex": verified.leaf_hash.hex(),
    }


def manifest(given: Given) -> Read:
    """``tillit.manifests``."""
    form: type[Manifest | DepositManifest] = (
        Manifest if given["kind"] == "disclosure" else DepositManifest
    )
    read = form.model_validate(strict_json(given["manifest"].encode()))
    if manifest_hash(read).hex() != given["hash_hex"]:
        raise ValueError("another manifest")
    return {}


def sealed_key(given: Given) -> Read:
    """``tillit.envelopes``."""
    seed = bytes.fromhex(given["seed_hex"])
    reader = (
        hybrid_private(seed) if given["kty"] == "AKP" else X25519PrivateKey.from_private_bytes(seed)
    )
    opened = open_key(
        SealedKey.model_validate(given["sealed"]),
        key=reader,
        kid=given["kid"],
        manifest_hash=bytes.fromhex(given["manifest_hash_hex"]),
    )
    return {"key_hex": opened.hex()}


def sealed_field(given: Given) -> Read:
    """``tillit.opening``, one value of a disclosure."""
    named = ManifestField(
        record=given["record"],
        source=given["source"],
        observed_at=datetime.fromisoformat(given["observed_at"]),
    )
    sealed = SealedValue(
        name=given["field"],
        named=named,
        sealed=SealedField.model_validate(given["sealed"]),
        key=bytes.fromhex(given["key_hex"]),
        kid=given["kid"],
        jwks=given["jwks"],
        national_id=given["national_id"],
    )
    opened = sealed.value()
    return {"value": opened.value, "basis": opened.basis, "author_role": opened.author_role}


FORMS: Mapping[str, Callable[[Given], Read]] = {
    "leaf": leaf,
    "checkpoint": checkpoint,
    "cosigned-checkpoint": cosigned_checkpoint,
    "inclusion": inclusion,
    "tlog-proof": tlog_proof,
    "consistency": consistency,
    "receipt": receipt,
    "manifest": manifest,
    "sealed-key": sealed_key,
    "sealed-field": sealed_field,
}
