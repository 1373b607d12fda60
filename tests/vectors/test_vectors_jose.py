"""Published vectors for the primitives under sealed fields, through the functions that use them.

Wycheproof (C2SP, Apache-2.0) is read in place beside the project; HPKE's come with the package
``cryptography_vectors``. Tokens of other algorithms are vectors too: every one must be refused.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from tillit.envelopes import (
    hybrid_jwk,
    hybrid_private,
    open_key,
    seal_key,
    unwrap,
    wrap,
)
from tillit.jose import (
    TokenInvalid,
    b64u,
    ed25519_jwk,
    ed25519_public,
    unb64u,
    verify_compact,
    x25519_jwk,
    x25519_reader,
)
from tillit.keys import ServiceKey
from tillit.wire import SealedKey

FOLDER = Path(__file__).parents[3] / "shared" / "vectors" / "wycheproof"
wycheproof = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the published vectors are not at {FOLDER}"
)
hpke = openssl.hpke
MLKEM768_X25519 = 0x647A
KEY, BOUND = bytes(range(1, 33)), bytes(range(32, 64))
KDFS = {1: hpke.KDF.HKDF_SHA256, 17: hpke.KDF.SHAKE256}
AEADS = {2: hpke.AEAD.AES_256_GCM, 3: hpke.AEAD.CHACHA20_POLY1305}

pytestmark = pytest.mark.vectors


def _groups(file: str) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = json.loads((FOLDER / file).read_text())["testGroups"]
    return groups


def _hpke(file: str) -> list[dict[str, Any]]:
    with cryptography_vectors.open_vector_file(f"HPKE/{file}", "r") as vectors:
        cases: list[dict[str, Any]] = json.load(vectors)
    return cases


# --- Wycheproof ---


@wycheproof
def test_key_wrap() -> None:
    """RFC 3394 with 256-bit keys, as content keys are wrapped; other sizes only as a primitive."""
    seen = {"valid": 0, "invalid": 0}
    for group in _groups("aes_wrap_test.json"):
        for case in group["tests"]:
            key, sealed = bytes.fromhex(case["key"]), bytes.fromhex(case["ct"])
            message = bytes.fromhex(case["msg"])
            ours = group["keySize"] == 256 and len(message) == 32
            if case["result"] == "valid":
                assert aes_key_unwrap(key, sealed) == message
                if ours:
                    assert unwrap(b64u(sealed), key=key) == message
                    assert wrap(message, key=key) == b64u(sealed)
                seen["valid"] += ours
            elif group["keySize"] == 256:
                with pytest.raises(TokenInvalid):
                    unwrap(b64u(sealed), key=key)
                seen["invalid"] += 1
    assert seen == {"valid": 4, "invalid": 55}
    with pytest.raises(InvalidUnwrap):
        aes_key_unwrap(bytes(32), bytes(40))


@wycheproof
def test_ed25519() -> None:
    """RFC 8032 with malleable, truncated and malformed signatures among them."""
    seen = 0
    for group in _groups("ed25519_test.json"):
        public = ed25519_public(group["publicKeyJwk"])
        assert ed25519_jwk(public)["x"] == group["publicKeyJwk"]["x"]
        for case in group["tests"]:
            signature, message = bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])
            if case["result"] == "valid":
                public.verify(signature, message)
            else:
                with pytest.raises(InvalidSignature):
                    public.verify(signature, message)
            seen += 1
    assert seen == 151


def _sealed(secret: bytes, *, epk: dict[str, Any], private: X25519PrivateKey) -> SealedKey:
    """A key sealed by hand: what the ephemeral key ``epk`` agrees on with ``private`` is given."""
    kid = str(x25519_jwk(private.public_key())["kid"])
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "kid": kid, "apv": b64u(BOUND), "epk": epk}
    protected = b64u(json.dumps(header).encode())
    content_key, iv = bytes(range(32)), bytes(12)
    sealed = AESGCM(content_key).encrypt(iv, KEY, protected.encode())
    parts = (aes_key_wrap(_kek(secret, BOUND), content_key), iv, sealed[:-16], sealed[-16:])
    return SealedKey(
        alg="ECDH-ES+A256KW", kid=kid, jwe=".".join((protected, *(b64u(part) for part in parts)))
    )


def _opened(sealed: SealedKey, private: X25519PrivateKey) -> bytes:
    return open_key(sealed, key=private, kid=sealed.kid, manifest_hash=BOUND)


def _kek(secret: bytes, party: bytes) -> bytes:
    """RFC 7518 § 4.6.2 written out: one round of SHA-256 for a 256-bit key."""
    name = b"ECDH-ES+A256KW"
    info = len(name).to_bytes(4, "big") + name + bytes(4)
    info += len(party).to_bytes(4, "big") + party + (256).to_bytes(4, "big")
    return hashlib.sha256((1).to_bytes(4, "big") + secret + info).digest()


@wycheproof
def test_x25519_by_jwk() -> None:
    """RFC 7748 and RFC 8037: low order is refused, the rest opens what its secret and KEK sealed."""
    seen = {"valid": 0, "acceptable": 0, "low order": 0, "invalid": 0}
    for case in (case for group in _groups("x25519_jwk_test.json") for case in group["tests"]):
        if case["result"] == "invalid" and case["private"].get("crv") == "X25519":
            with pytest.raises(TokenInvalid):
                x25519_reader(case["public"])
            seen["invalid"] += 1
            continue
        private = X25519PrivateKey.from_private_bytes(unb64u(case["private"]["d"], size=32))
        assert x25519_jwk(private.public_key())["x"] == case["private"]["x"]
        public = x25519_reader(case["public"]).public_key
        epk = {name: case["public"][name] for name in ("kty", "crv", "x")}
        assert b64u(public.public_bytes_raw()) == epk["x"]
        sealed = _sealed(bytes.fromhex(case["shared"]), epk=epk, private=private)
        if "ZeroSharedSecret" in case["flags"]:
            with pytest.raises(TokenInvalid):
                _opened(sealed, private)
            with pytest.raises(TokenInvalid):
                seal_key(KEY, reader=epk, manifest_hash=BOUND)
            seen["low order"] += 1
            continue
        assert _opened(sealed, private) == KEY
        seen[case["result"]] += 1
    assert seen == {"valid": 264, "acceptable": 223, "low order": 31, "invalid": 13}


@wycheproof
def test_no_token_of_another_algorithm_opens() -> None:
    """Valid or not: whatever its header says, only our one kind of token is a sealed key."""
    reader = ServiceKey.generate("x")
    tokens = [
        (case["jwe"], group["private"])
        for group in _groups("json_web_encryption_test.json")
        for case in group["tests"]
    ]
    for token, private in tokens:
        text = token if isinstance(token, str) else json.dumps(token)
        for kid in (reader.enc_kid, str(private.get("kid"))):
            for alg in ("ECDH-ES+A256KW", "HPKE-MLKEM768-X25519"):
                sealed = SealedKey.model_construct(alg=alg, kid=kid, jwe=text)
                with pytest.raises(TokenInvalid):
                    open_key(sealed, key=reader.reader, kid=kid, manifest_hash=bytes(32))
    assert len(tokens) > 100


@wycheproof
def test_no_token_of_another_algorithm_verifies() -> None:
    """No HMAC with a public key, no RSA, no ECDSA, no spelling tricks: not even with its own key."""
    seen = 0
    for group in _groups("json_web_signature_test.json"):
        own = {**group.get("public", group["private"])}
        jwks = {"keys": [own, *ServiceKey.generate("x").public_jwks()["keys"]]}
        for case in group["tests"]:
            text = case["jws"] if isinstance(case["jws"], str) else json.dumps(case["jws"])
            for typ in ("JWT", "tillit-field+jws", ""):
                with pytest.raises(TokenInvalid):
                    verify_compact(text, jwks=jwks, typ=typ, max_chars=1_000_000)
            seen += 1
    assert seen > 300


# --- HPKE ---


@pytest.mark.parametrize(
    "case",
    [case for case in _hpke("hpke-pq-test-vectors.json") if case["kem_id"] == MLKEM768_X25519],
    ids=lambda case: f"kdf{case['kdf_id']}-aead{case['aead_id']}",
)
def test_hybrid_keys(case: dict[str, Any]) -> None:
    """Our seed expands to the published key pair, which opens the published first message."""
    seed = bytes.fromhex(case["skRm"])
    assert unb64u(hybrid_jwk(seed)["pub"]).hex() == case["pkRm"]
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, KDFS[case["kdf_id"]], AEADS[case["aead_id"]])
    first = case["encryptions"][0]
    opened = hpke._decrypt_with_aad(
        suite,
        bytes.fromhex(case["enc"] + first["ct"]),
        hybrid_private(seed),
        bytes.fromhex(case["info"]),
        bytes.fromhex(first["aad"]),
    )
    assert opened.hex() == first["pt"]


def test_the_hybrid_vectors_are_there() -> None:
    """Two suites with our KEM are published; an empty list would prove nothing."""
    kems = [case["kem_id"] for case in _hpke("hpke-pq-test-vectors.json")]
    assert kems.count(MLKEM768_X25519) == 2


def test_the_hpke_library_is_the_standards() -> None:
    """RFC 9180 base mode with our KDF and AEAD, on the curve half of our KEM."""
    cases = [
        case
        for case in _hpke("test-vectors.json")
        if (case["mode"], case["kem_id"], case["kdf_id"], case["aead_id"]) == (0, 0x20, 1, 2)
    ]
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    for case in cases:
        first = case["encryptions"][0]
        opened = hpke._decrypt_with_aad(
            suite,
            bytes.fromhex(case["enc"] + first["ct"]),
            X25519PrivateKey.from_private_bytes(bytes.fromhex(case["skRm"])),
            bytes.fromhex(case["info"]),
            bytes.fromhex(first["aad"]),
        )
        assert opened.hex() == first["pt"]
    assert len(cases) == 1


# --- RFC 7748 ---


def test_the_standards_own_example() -> None:
    """RFC 7748 § 5.2, for machines without the vectors beside the project."""
    with cryptography_vectors.open_vector_file("asymmetric/X25519/rfc7748.txt", "r") as vectors:
        numbers = [line.split(" = ")[1].strip() for line in vectors if "PUT" in line]
    cases = [numbers[at : at + 3] for at in range(0, len(numbers), 3)]
    for scalar, point, shared in cases:
        private = X25519PrivateKey.from_private_bytes(bytes.fromhex(scalar))
        epk = {"kty": "OKP", "crv": "X25519", "x": b64u(bytes.fromhex(point))}
        sealed = _sealed(bytes.fromhex(shared), epk=epk, private=private)
        assert _opened(sealed, private) == KEY
    assert len(cases) == 3
