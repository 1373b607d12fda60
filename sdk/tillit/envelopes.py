"""Envelopes.

A 32-byte key sealed to one reader, and a field value sealed under a key (design.md § 4).

``SealedKey`` binds a deposit or disclosure key to a manifest: by ``apv`` in ECDH-ES+A256KW on
X25519 (RFC 7518 § 4.6), or by ``info`` in HPKE with the ML-KEM-768+X25519 hybrid (RFC 9180).
``SealedField`` is a flattened JWE (RFC 7516 § 7.2.2) whose content key is wrapped (RFC 3394) apart
from the ciphertext, so that it can be addressed anew without touching the rest. Both are written
and opened by joserfc; the profile's checks come before it.

Every function that opens raises ``tillit.jose.TokenInvalid`` and nothing else for whatever it is
given.
"""

import hashlib
from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, OKPKey

from tillit.jose import (
    TokenInvalid,
    b64u,
    compact_json,
    members,
    thumbprint,
    unb64u,
    x25519_reader,
)
from tillit.wire import MAX_SEALED_CHARS, SealedField, SealedKey

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
_KEY_PARTS = (_WRAPPED_BYTES, _IV_BYTES, None, _TAG_BYTES)
_EPK = {"kty": "OKP", "crv": "X25519"}
_MLKEM_SEED_BYTES = 64
_MLKEM_PUBLIC_BYTES = 1184
_X25519_BYTES = 32
_HPKE_SEED_BYTES = 32
_HPKE_OVERHEAD = 1088 + _X25519_BYTES + _TAG_BYTES
_HPKE_BYTES = _HPKE_OVERHEAD + KEY_BYTES
_FIELD_HEADER = {"cty": FIELD_TYP, "enc": "A256GCM"}
# Members in either order, nothing between them. joserfc authenticates the header as it would write
# it, not as it stands, so another spelling must not reach it.
_FIELD_PROTECTED = frozenset(
    b64u(compact_json(dict(order))) for order in permutations(_FIELD_HEADER.items())
)
_HYBRID = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class _Encryptions(jwe.JWERegistry):
    """Our algorithms only, and values as large as the wire lets them be."""

    max_ciphertext_length = MAX_SEALED_CHARS


_KEYS = _Encryptions(algorithms=[_ECDH_ALG, "A256GCM"])
_FIELDS = _Encryptions(algorithms=["A256KW", "A256GCM"])


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


def seal_hybrid(secret: bytes, *, reader: Mapping[str, Any], info: bytes) -> bytes:
    """HPKE (RFC 9180, base mode) to an ``AKP`` JWK, bound to ``info``. Raises ``TokenInvalid``."""
    return _HYBRID.encrypt(secret, _hybrid_public(reader), info=info)


def open_hybrid(sealed: bytes, *, key: MLKEM768X25519PrivateKey, info: bytes) -> bytes:
    """What ``seal_hybrid`` sealed to this key under the same ``info``. Raises ``TokenInvalid``."""
    if len(sealed) < _HPKE_OVERHEAD:
        raise TokenInvalid("too short")
    try:
        return _HYBRID.decrypt(sealed, key, info=info)
    except InvalidTag:
        raise TokenInvalid("altered, or sealed to another key or for another end") from None


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
def seal_key(key: bytes, *, reader: Mapping[str, Any], manifest_hash: bytes) -> SealedKey:
    """Seal 32 bytes to a reader's public JWK, bound to a manifest.

    Raises ``TokenInvalid`` when the JWK is unusable.
    """
    kid = thumbprint(reader)
    if reader.get("kty") == "AKP":
        sealed = seal_hybrid(key, reader=reader, info=manifest_hash)
        return SealedKey(alg=HPKE_ALG, kid=kid, jwe=b64u(sealed))
    public = x25519_reader(reader)
    try:
        token = jwe.encrypt_compact(_key_header(kid, manifest_hash), key, public, registry=_KEYS)
    except (JoseError, ValueError):
        raise TokenInvalid("a public key of low order") from None
    return SealedKey(alg=_ECDH_ALG, kid=kid, jwe=token)


def _key_header(kid: str, manifest_hash: bytes) -> dict[str, Any]:
    return {"alg": _ECDH_ALG, "enc": "A256GCM", "kid": kid, "apv": b64u(manifest_hash)}


def open_key(sealed: SealedKey, *, key: ReaderKey, kid: str, manifest_hash: bytes) -> bytes:
    """The 32 bytes of a key sealed to this reader for this manifest. Raises ``TokenInvalid``."""
    if sealed.kid != kid:
        raise TokenInvalid("sealed to another key")
    if isinstance(key, X25519PrivateKey):
        return _open_ecdh(sealed, key=key, manifest_hash=manifest_hash)
    if sealed.alg != HPKE_ALG:
        raise TokenInvalid("sealed in another way than the key asks for")
    return open_hybrid(unb64u(sealed.jwe, size=_HPKE_BYTES), key=key, info=manifest_hash)


def _open_ecdh(sealed: SealedKey, *, key: X25519PrivateKey, manifest_hash: bytes) -> bytes:
    parts = sealed.jwe.split(".", 5)
    if sealed.alg != _ECDH_ALG or len(parts) != len(_KEY_PARTS) + 1:
        raise TokenInvalid("not a compact JWE")
    header = members(unb64u(parts[0]), "alg", "enc", "kid", "apv", "epk")
    epk = header.pop("epk")
    if header != _key_header(sealed.kid, manifest_hash):
        raise TokenInvalid("altered, or sealed for another manifest")
    if not isinstance(epk, dict) or epk != _EPK | {"x": epk.get("x")}:
        raise TokenInvalid("not agreed on with an X25519 key")
    for part, size in zip(parts[1:], _KEY_PARTS, strict=True):
        unb64u(part, size=size)
    try:
        opened = jwe.decrypt_compact(sealed.jwe, OKPKey.import_key(key), registry=_KEYS)
    except (JoseError, ValueError):
        raise TokenInvalid("altered") from None
    if opened.plaintext is None or len(opened.plaintext) != KEY_BYTES:
        raise TokenInvalid("not a key of the right length")
    return opened.plaintext


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


def seal_field(token: str, *, aad: bytes, key: bytes, kid: str) -> SealedField:
    """A signed value sealed under its own fresh content key, which is wrapped under ``key``."""
    sealed = jwe.FlattenedJSONEncryption({**_FIELD_HEADER}, token.encode("ascii"), aad=aad)
    sealed.add_recipient({"alg": "A256KW", "kid": kid}, _wrapping(key))
    return SealedField.model_validate(jwe.encrypt_json(sealed, None, registry=_FIELDS))


def _wrapping(key: bytes) -> OctKey:
    """Not by ``import_key``, which first tries whether the bytes are a certificate or the like."""
    return OctKey(key, key)


def has_field_form(sealed: SealedField) -> bool:
    """Whether the parts that nobody needs a key for are such as ``open_field`` accepts."""
    try:
        unb64u(sealed.encrypted_key, size=_WRAPPED_BYTES)
        unb64u(sealed.iv, size=_IV_BYTES)
        unb64u(sealed.ciphertext)
        unb64u(sealed.tag, size=_TAG_BYTES)
    except TokenInvalid:
        return False
    return sealed.protected in _FIELD_PROTECTED


def open_field(sealed: SealedField, *, aad: bytes, key: bytes, kid: str) -> str:
    """The signed value of a sealed field that is bound to ``aad`` and wrapped under ``key``.

    Raises ``TokenInvalid``.
    """
    if sealed.header.alg != "A256KW" or sealed.header.kid != kid:
        raise TokenInvalid("addressed to another key")
    if sealed.aad != b64u(aad) or not has_field_form(sealed):
        raise TokenInvalid("bound to another field, record or source, or in another form")
    data: Any = sealed.model_dump()
    try:
        opened = jwe.decrypt_json(data, _wrapping(key), registry=_FIELDS)
        return (opened.plaintext or b"").decode("ascii")
    except (JoseError, ValueError):
        raise TokenInvalid("altered, or no token") from None
