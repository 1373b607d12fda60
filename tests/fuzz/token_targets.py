"""Targets that read what is sealed, signed and stated: keys, fields, receipts, manifests and JSON."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pydantic import ValidationError

from tests.fuzz.judging import Target, by_both, given_in, require
from tests.vectors.drafts import secret
from tillit import receipts
from tillit.envelopes import ReaderKey, hybrid_private, open_field, open_key
from tillit.errors import ReceiptInvalid
from tillit.jcs import canonical
from tillit.jose import TokenInvalid, b64u, strict_json, unb64u
from tillit.leaves import parse_leaf
from tillit.manifests import field_aad, manifest_hash
from tillit.wire import DepositManifest, Manifest, SealedField, SealedKey


def sealed_keys(kty: str) -> Target[str]:
    """``open_key``: the one token that was sealed."""
    example = next(each for each in given_in("sealed-key") if each["kty"] == kty)
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
        return require(sealed.model_dump() == example["sealed"])

    name = "sealed key (hybrid)" if kty == "AKP" else "sealed key (JWE)"
    return Target(name, [json.dumps(example["sealed"], separators=(",", ":"))], judge)


def compact_keys() -> Target[str]:
    """``open_key`` on the compact JWE itself, so that every input reaches it."""
    example = given_in("sealed-key")[0]
    sealed, seed = example["sealed"], bytes.fromhex(example["seed_hex"])
    bound, reader = (
        bytes.fromhex(example["manifest_hash_hex"]),
        X25519PrivateKey.from_private_bytes(seed),
    )
    refused = [each["sealed"]["jwe"] for each in given_in("sealed-key", "refused")]

    def judge(text: str) -> bool:
        taken = SealedKey.model_construct(alg=sealed["alg"], kid=sealed["kid"], jwe=text)
        try:
            open_key(taken, key=reader, kid=example["kid"], manifest_hash=bound)
        except TokenInvalid:
            return False
        return require(text == sealed["jwe"])

    def given(text: str) -> dict[str, Any]:
        return example | {"sealed": sealed | {"jwe": text}}

    originals = [sealed["jwe"], sealed["jwe"], *refused]
    return Target("compact JWE", originals, by_both("sealed-key", judge, given), 2)


def sealed_fields() -> Target[str]:
    """``open_field``: the one value that was sealed, in its one form."""
    examples = given_in("sealed-field")
    key, kid = bytes.fromhex(examples[0]["key_hex"]), examples[0]["kid"]
    aad = field_aad(**{name: examples[0][name] for name in ("field", "record", "source")})
    good = [each["sealed"] for each in examples]

    def judge(text: str) -> bool:
        try:
            sealed = SealedField.model_validate_json(text)
            open_field(sealed, aad=aad, key=key, kid=kid)
        except (ValidationError, TokenInvalid):
            return False
        return require(sealed.model_dump() in good)

    return Target("sealed field", [json.dumps(one, separators=(",", ":")) for one in good], judge)


def signed_receipts() -> Target[str]:
    """``receipts.verify``: the very tokens that were signed, and their leaves."""
    examples = given_in("receipt")
    tokens = {each["token"] for each in examples}
    jwks = examples[0]["jwks"]

    def judge(text: str) -> bool:
        try:
            verified = receipts.verify(text, jwks)
        except ReceiptInvalid:
            return False
        verified.leaf()
        return require(text in tokens)

    alike = by_both("receipt", judge, lambda text: {"token": text, "jwks": jwks})
    return Target("receipt", sorted(tokens), alike)


def receipt_payloads() -> Target[bytes]:
    """``receipts.verify`` on whatever a broker may have signed: it is read as it was signed, or refused."""
    examples = given_in("receipt")
    key = Ed25519PrivateKey.from_private_bytes(secret("receipts"))
    head, jwks = examples[0]["token"].partition(".")[0], examples[0]["jwks"]
    payloads = [unb64u(each["token"].split(".")[1]) for each in examples]

    def given(data: bytes) -> dict[str, Any]:
        text = f"{head}.{b64u(data)}"
        return {"token": f"{text}.{b64u(key.sign(text.encode()))}", "jwks": jwks}

    def judge(data: bytes) -> bool:
        try:
            verified = receipts.verify(given(data)["token"], jwks)
        except ReceiptInvalid:
            return False
        parse_leaf(verified.leaf())
        read = verified.statement.model_dump(mode="json")
        return require(read == strict_json(data)["statement"])

    return Target("receipt payload", payloads, by_both("receipt", judge, given))


def manifests() -> Target[str]:
    """A manifest off the wire and its hash: another hash for everything that says something else."""
    examples = given_in("manifest")
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
        return require(hashed not in known or known[hashed] == read)

    return Target("manifest", [each["manifest"] for each in examples], judge)


def json_texts() -> Target[bytes]:
    """``strict_json``: whatever it reads has one canonical form, which says the same."""
    originals = [each["manifest"].encode() for each in given_in("manifest")]
    originals.append(base64.b64decode("eyJhIjpbMSwyLjUsbnVsbCx0cnVlLCLDpiIseyJiIjotMX1dfQ=="))

    def judge(data: bytes) -> bool:
        try:
            read = strict_json(data)
        except TokenInvalid:
            return False
        written = canonical(read)
        again = strict_json(written)
        return require(again == read and canonical(again) == written)

    return Target("strict JSON", originals, judge)
