"""Envelopes.

A 32-byte key sealed to one reader, and a field value sealed under a key (design.md § 4).

``SealedKey`` binds a deposit or disclosure key to a manifest: by ``apv`` in ECDH-ES+A256KW on
X25519 (RFC 7518 § 4.6), or by ``info`` in HPKE with the ML-KEM-768+X25519 hybrid (RFC 9180).
``SealedField`` is a flattened JWE (RFC 7516 § 7.2.2) whose content key is wrapped (RFC 3394) apart
from the ciphertext, so that it can be addressed anew without touching the rest.

Every function that opens raises ``tillit.jose.TokenInvalid`` and nothing else for whatever it is
given.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from tillit.jcs import canonical
from tillit.jose import (
    TokenInvalid,
    b64u,
    compact_json,
    members,
    okp_bytes,
    thumbprint,
    unb64u,
    x25519_public,
)
from tillit.wire import RecipientHeader, SealedField, SealedKey

Randomness = Callable[[int], bytes]
ReaderKey = X25519PrivateKey | MLKEM768X25519PrivateKey

KEY_BYTES = 32
HPKE_ALG = "HPKE-MLKEM768-X25519"
FIELD_TYP = "tillit-field+jws"
DEPOSIT_KID = "deposit"
AT_REST_KID = "at-rest"

_ECDH_ALG = "ECDH-ES+A256KW"
_IV_BYTES = 12
_TAG_BYTES = 16
_WRAPPED_BYTES = KEY_BYTES + 8
_MLKEM_SEED_BYTES = 64
_MLKEM_PUBLIC_BYTES = 1184
_X25519_BYTES = 32
_HPKE_SEED_BYTES = 32
_HPKE_BYTES = 1088 + _X25519_BYTES + KEY_BYTES + _TAG_BYTES
_FIELD_HEADER = {"enc": "A256GCM", "cty": FIELD_TYP}
_PROTECTED = b64u(canonical(_FIELD_HEADER))
_HYBRID = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


# --- hybrid keys ---
def hybrid_private(seed: bytes) -> MLKEM768X25519PrivateKey:
    """The private key that a 32-byte seed expands to.

    SHAKE256 gives the ML-KEM seed, then the X25519 scalar.
    """
    if len(seed) != _HPKE_SEED_BYTES:
        raise TokenInvalid("not the seed of a hybrid key")
    expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED_BYTES + _X25519_BYTES)
    return MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES]),
        X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:]),
    )


def hybrid_jwk(seed: bytes) -> dict[str, Any]:
    """The public half of ``hybrid_private`` as an ``AKP`` JWK.

    ML-KEM encapsulation key ‖ X25519 public key.
    """
    expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED_BYTES + _X25519_BYTES)
    kem = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES]).public_key()
    ecdh = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:]).public_key()
    public = b64u(kem.public_bytes_raw() + ecdh.public_bytes_raw())
    jwk = {"kty": "AKP", "alg": HPKE_ALG, "pub": public}
    return {**jwk, "kid": thumbprint(jwk), "use": "enc"}


def _hybrid_public(jwk: Mapping[str, Any]) -> MLKEM768X25519PublicKey:
    public = jwk.get("pub")
    if jwk.get("alg") != HPKE_ALG or not isinstance(public, str):
        raise TokenInvalid("not a public hybrid key")
    raw = unb64u(public, size=_MLKEM_PUBLIC_BYTES + _X25519_BYTES)
    try:
        kem = MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC_BYTES])
    except ValueError:
        raise TokenInvalid("not a public hybrid key") from None
    ecdh = X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC_BYTES:])
    return MLKEM768X25519PublicKey(kem, ecdh)


# --- a key, sealed to its reader ---
def seal_key(
    key: bytes, *, reader: Mapping[str, Any], manifest_hash: bytes, randomness: Randomness
) -> SealedKey:
    """Seal 32 bytes to a reader's public JWK, bound to a manifest.

    Raises ``TokenInvalid`` when the JWK is unusable.

    The hybrid draws its encapsulation randomness from the cryptographic library, not from
    ``randomness``.
    """
    kid = thumbprint(reader)
    if reader.get("kty") == "AKP":
        sealed = _HYBRID.encrypt(key, _hybrid_public(reader), info=manifest_hash)
        return SealedKey(alg=HPKE_ALG, kid=kid, jwe=b64u(sealed))
    ephemeral = X25519PrivateKey.from_private_bytes(randomness(_X25519_BYTES))
    header = {
        "alg": _ECDH_ALG,
        "enc": "A256GCM",
        "kid": kid,
        "apv": b64u(manifest_hash),
        "epk": {
            "kty": "OKP",
            "crv": "X25519",
            "x": b64u(ephemeral.public_key().public_bytes_raw()),
        },
    }
    protected = b64u(compact_json(header))
    content_key, iv = randomness(KEY_BYTES), randomness(_IV_BYTES)
    wrapped = aes_key_wrap(_agreed(ephemeral, x25519_public(reader), manifest_hash), content_key)
    sealed = AESGCM(content_key).encrypt(iv, key, protected.encode("ascii"))
    parts = (wrapped, iv, sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:])
    return SealedKey(alg=_ECDH_ALG, kid=kid, jwe=".".join((protected, *map(b64u, parts))))


def open_key(sealed: SealedKey, *, key: ReaderKey, kid: str, manifest_hash: bytes) -> bytes:
    """The 32 bytes of a key sealed to this reader for this manifest. Raises ``TokenInvalid``."""
    if sealed.kid != kid:
        raise TokenInvalid("sealed to another key")
    if isinstance(key, X25519PrivateKey):
        return _open_ecdh(sealed, key=key, manifest_hash=manifest_hash)
    if sealed.alg != HPKE_ALG:
        raise TokenInvalid("sealed in another way than the key asks for")
    try:
        return _HYBRID.decrypt(unb64u(sealed.jwe, size=_HPKE_BYTES), key, info=manifest_hash)
    except InvalidTag:
        raise TokenInvalid("altered, or sealed for another manifest") from None


def _open_ecdh(sealed: SealedKey, *, key: X25519PrivateKey, manifest_hash: bytes) -> bytes:
    parts = sealed.jwe.split(".", 5)
    if sealed.alg != _ECDH_ALG or len(parts) != 5:  # noqa: PLR2004 - the five parts of a compact JWE
        raise TokenInvalid("not a compact JWE")
    header = members(unb64u(parts[0]), "alg", "enc", "kid", "apv", "epk")
    expected = {"alg": _ECDH_ALG, "enc": "A256GCM", "kid": sealed.kid, "apv": b64u(manifest_hash)}
    epk = header.pop("epk")
    if header != expected or not isinstance(epk, dict) or epk.keys() != {"kty", "crv", "x"}:
        raise TokenInvalid("altered, or sealed for another manifest")
    ephemeral = X25519PublicKey.from_public_bytes(okp_bytes(epk, "X25519"))
    content_key = unwrap(parts[1], key=_agreed(key, ephemeral, manifest_hash))
    iv, ciphertext = unb64u(parts[2], size=_IV_BYTES), unb64u(parts[3], size=KEY_BYTES)
    tag = unb64u(parts[4], size=_TAG_BYTES)
    return _opened(content_key, iv, ciphertext + tag, parts[0].encode("ascii"))


def _agreed(private: X25519PrivateKey, public: X25519PublicKey, manifest_hash: bytes) -> bytes:
    """The key-wrapping key of RFC 7518 § 4.6.2.

    Concat KDF with empty ``apu`` and the manifest hash as ``apv``.
    """
    try:
        secret = private.exchange(public)
    except ValueError:
        raise TokenInvalid("a public key of low order") from None
    parties = [_ECDH_ALG.encode("ascii"), b"", manifest_hash]
    info = b"".join(len(party).to_bytes(4, "big") + party for party in parties)
    info += (8 * KEY_BYTES).to_bytes(4, "big")
    return ConcatKDFHash(hashes.SHA256(), KEY_BYTES, info).derive(secret)


# --- a value, sealed under a key ---
def wrap(content_key: bytes, *, key: bytes) -> str:
    """A content key wrapped under another key (A256KW), as ``encrypted_key`` holds it."""
    return b64u(aes_key_wrap(key, content_key))


def unwrap(wrapped: str, *, key: bytes) -> bytes:
    """The content key that ``wrap`` wrapped. Raises ``TokenInvalid``."""
    try:
        return aes_key_unwrap(key, unb64u(wrapped, size=_WRAPPED_BYTES))
    except InvalidUnwrap:
        raise TokenInvalid("wrapped under another key, or altered") from None


def seal_field(
    token: str, *, aad: bytes, key: bytes, kid: str, randomness: Randomness
) -> SealedField:
    """A signed value sealed under its own fresh content key, which is wrapped under ``key``."""
    content_key, iv = randomness(KEY_BYTES), randomness(_IV_BYTES)
    bound = b64u(aad)
    sealed = AESGCM(content_key).encrypt(iv, token.encode("ascii"), _bound(_PROTECTED, bound))
    return SealedField(
        protected=_PROTECTED,
        header=RecipientHeader(alg="A256KW", kid=kid),
        encrypted_key=wrap(content_key, key=key),
        aad=bound,
        iv=b64u(iv),
        ciphertext=b64u(sealed[:-_TAG_BYTES]),
        tag=b64u(sealed[-_TAG_BYTES:]),
    )


def open_field(sealed: SealedField, *, aad: bytes, key: bytes, kid: str) -> str:
    """The signed value of a sealed field that is bound to ``aad`` and wrapped under ``key``.

    Raises ``TokenInvalid``.
    """
    if sealed.header.alg != "A256KW" or sealed.header.kid != kid:
        raise TokenInvalid("addressed to another key")
    if (
        unb64u(sealed.aad) != aad
        or members(unb64u(sealed.protected), "enc", "cty") != _FIELD_HEADER
    ):
        raise TokenInvalid("bound to another field, record or source")
    content_key = unwrap(sealed.encrypted_key, key=key)
    iv, tag = unb64u(sealed.iv, size=_IV_BYTES), unb64u(sealed.tag, size=_TAG_BYTES)
    bound = _bound(sealed.protected, sealed.aad)
    token = _opened(content_key, iv, unb64u(sealed.ciphertext) + tag, bound)
    if not token.isascii():
        raise TokenInvalid("not a compact token")
    return token.decode("ascii")


def _bound(protected: str, aad: str) -> bytes:
    return f"{protected}.{aad}".encode("ascii")


def _opened(content_key: bytes, iv: bytes, sealed: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(content_key).decrypt(iv, sealed, bound)
    except InvalidTag:
        raise TokenInvalid("altered") from None
