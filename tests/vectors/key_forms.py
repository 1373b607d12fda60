"""Vectors of sealed keys: 32 bytes for one reader, bound to one manifest.

The X25519 one is built from primitives. The hybrid one, which no primitive seals without fresh
randomness, was sealed once and is kept in a file of its own.
"""

import hashlib
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from tests.vectors.drafts import Accepted, Vectors, changed, compact, flipped, secret
from tillit.envelopes import hybrid_jwk
from tillit.jose import b64u, x25519_jwk

KEPT = Path(__file__).with_name("own") / "hybrid-key.txt"
KEY = secret("disclosure key")
BOUND = hashlib.sha256(b"the manifest of the vectors").digest()


def _derived(agreed: bytes, party: bytes) -> bytes:
    """RFC 7518 section 4.6.2 for one block: Concat KDF with ``apv`` and no ``apu``."""
    alg = b"ECDH-ES+A256KW"
    parts = [len(alg).to_bytes(4, "big"), alg, bytes(4), len(party).to_bytes(4, "big"), party]
    info = b"".join(parts) + (256).to_bytes(4, "big")
    return hashlib.sha256((1).to_bytes(4, "big") + agreed + info).digest()


def agreed(key: bytes = KEY, *, bound: bytes = BOUND, **header: Any) -> str:
    """A compact JWE by X25519 and the Concat KDF alone; ``header`` changes or adds members."""
    reader = X25519PrivateKey.from_private_bytes(secret("reader"))
    ephemeral = X25519PrivateKey.from_private_bytes(secret("ephemeral"))
    kek = _derived(ephemeral.exchange(reader.public_key()), bound)
    public = b64u(ephemeral.public_key().public_bytes_raw())
    whole: dict[str, Any] = {
        "alg": "ECDH-ES+A256KW",
        "enc": "A256GCM",
        "kid": x25519_jwk(reader.public_key())["kid"],
        "apv": b64u(bound),
        "epk": {"kty": "OKP", "crv": "X25519", "x": public},
    }
    protected = b64u(compact({k: v for k, v in {**whole, **header}.items() if v != ""}).encode())
    content_key, iv = secret("key's content key"), secret("key's iv")[:12]
    made = AESGCM(content_key).encrypt(iv, key, protected.encode())
    parts = (aes_key_wrap(kek, content_key), iv, made[:-16], made[-16:])
    return ".".join((protected, *map(b64u, parts)))


def _key(name: str, why: str, alg: str, kid: str, jwe: str) -> Accepted:
    given = {
        "sealed": {"alg": alg, "kid": kid, "jwe": jwe},
        "kty": "AKP" if alg.startswith("HPKE") else "OKP",
        "seed_hex": secret("reader").hex(),
        "kid": kid,
        "manifest_hash_hex": BOUND.hex(),
    }
    return Accepted(name, why, given, {"key_hex": KEY.hex()})


def keys() -> Vectors:
    """The sealed key: 32 bytes for one reader, bound to one manifest."""
    reader = X25519PrivateKey.from_private_bytes(secret("reader"))
    kid = str(x25519_jwk(reader.public_key())["kid"])
    plain = _key("plain", "X25519", "ECDH-ES+A256KW", kid, agreed())
    hybrid_kid = str(hybrid_jwk(secret("reader"))["kid"])
    kept = KEPT.read_text(encoding="ascii").strip()
    hybrid = _key("hybrid", "ML-KEM-768 and X25519", "HPKE-MLKEM768-X25519", hybrid_kid, kept)
    good: str = plain.given["sealed"]["jwe"]
    other = {"manifest_hash_hex": hashlib.sha256(b"another manifest").hexdigest()}
    low = {"kty": "OKP", "crv": "X25519", "x": b64u(bytes(32))}
    parts = good.split(".")

    def jwe(text: str, **members: str) -> dict[str, Any]:
        return {"sealed": {**plain.given["sealed"], "jwe": text, **members}}

    def part(n: int, text: str) -> dict[str, Any]:
        return jwe(".".join([*parts[:n], text, *parts[n + 1 :]]))

    examples: dict[str, tuple[dict[str, Any], str]] = {
        "manifest": (other, "it was released for another manifest"),
        "reader": ({"seed_hex": secret("stranger").hex()}, "sealed to another reader"),
        "kid": ({"kid": hybrid_kid}, "the reader's key id is another"),
        "kid-inside": (jwe(agreed(kid=hybrid_kid)), "the key id in the header is another"),
        "apv": (jwe(agreed(apv=b64u(bytes(32)))), "bound to nothing"),
        "apv-missing": (jwe(agreed(apv="")), "bound to nothing"),
        "alg": (jwe(agreed(alg="ECDH-ES")), "the algorithm is fixed"),
        "enc": (jwe(agreed(enc="A128GCM")), "the algorithm is fixed"),
        "zip": (jwe(agreed(zip="DEF")), "a header member that is not in the form"),
        "apu": (jwe(agreed(apu="QQ")), "a header member that is not in the form"),
        "low-order": (jwe(agreed(epk=low)), "a point of low order agrees on nothing"),
        "curve": (jwe(agreed(epk={**low, "crv": "P-256"})), "agreed on another curve"),
        "encrypted-key": (part(1, flipped(parts[1], 9)), "altered"),
        "iv": (part(2, flipped(parts[2], 9)), "altered"),
        "ciphertext": (part(3, flipped(parts[3], 9)), "altered"),
        "tag": (part(4, flipped(parts[4], 9)), "altered"),
        "padding": (part(4, parts[4] + "=="), "base64url is without padding"),
        "parts": (jwe(good + "."), "a compact JWE has five parts"),
        "short": (jwe(agreed(KEY[:16])), "a key has 32 bytes"),
        "named-hybrid": (
            jwe(good, alg="HPKE-MLKEM768-X25519"),
            "what the reader's key asks for is fixed",
        ),
    }
    given = {name: members for name, (members, _) in examples.items()}
    refused = changed(plain, given, {name: why for name, (_, why) in examples.items()})
    tampered = {**hybrid.given["sealed"], "jwe": flipped(kept, 40)}
    refused += changed(
        hybrid,
        {
            "manifest": other,
            "reader": {"seed_hex": secret("stranger").hex()},
            "altered": {"sealed": tampered},
            "cut": {"sealed": {**hybrid.given["sealed"], "jwe": kept[:-4]}},
            "named-plain": {"sealed": {**hybrid.given["sealed"], "alg": "ECDH-ES+A256KW"}},
        },
        {
            "manifest": "it was released for another manifest",
            "reader": "sealed to another reader",
            "altered": "altered",
            "cut": "enc and ciphertext have 1168 bytes",
            "named-plain": "what the reader's key asks for is fixed",
        },
    )
    return Vectors(
        "sealed-key",
        "given `sealed`, the reader's 32-byte private seed (`kty` OKP: the X25519 scalar; AKP: expanded"
        " by SHAKE256 to the ML-KEM-768 seed, 64 bytes, and the X25519 scalar), its key id and the"
        " manifest's hash: open the key. HPKE: base mode, HKDF-SHA256, AES-256-GCM, info = the hash.",
        ["RFC 7518 section 4.6", "RFC 9180", "draft-ietf-hpke-pq (MLKEM768-X25519, 0x647a)"],
        [plain, hybrid],
        refused,
    )
