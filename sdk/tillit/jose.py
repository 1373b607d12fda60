"""Tillit's profile of JOSE: base64url, JSON, JWKs and EdDSA-signed compact tokens, by joserfc.

The profile is closed: which algorithm and type a token has is fixed by where it stands, and a token
that says anything else, or says it in a second spelling of the same bytes, is refused before the
library sees it. So there is nothing to negotiate, and no bit of a token that can change unseen.
What is written here opens in any JOSE library (RFC 7515, 7516, 7517, 7638, 8037).
"""

import json
import math
import sys
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import EdDSAAlgorithm, JWSAlgModel
from joserfc.jwk import OKPKey
from joserfc.jwk import thumbprint as rfc7638_thumbprint

KEYS_REMEMBERED = 1024
"""So many public keys, and thumbprints, are remembered as read: the same few are used again and again."""

_MAX_EXACT = 2**53 - 1
_TO_URL, _FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")
_THUMBPRINT_MEMBERS = {"OKP": ("crv", "kty", "x"), "AKP": ("alg", "kty", "pub")}


class TokenInvalid(ValueError):
    """What was read has not the one form it must have, or its signature does not hold.

    Callers give it its own name.
    """


def b64u(data: bytes) -> str:
    """Base64url without padding (RFC 7515 § 2)."""
    return b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def unb64u(text: str, *, size: int | None = None) -> bytes:
    """The bytes of a base64url text.

    Padding, other alphabets and stray last bits raise ``TokenInvalid``.
    """
    try:
        padded = text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4)
        data = a2b_base64(padded, strict_mode=True)
    except ValueError:
        raise TokenInvalid("not base64url") from None
    if b64u(data) != text or (size is not None and len(data) != size):
        raise TokenInvalid("not base64url of the right length in its one spelling")
    return data


def compact_json(value: Mapping[str, Any]) -> bytes:
    """A token's header.

    It is signed or authenticated as it stands, so no canonical form is needed.
    """
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def strict_json(data: bytes) -> Any:
    """JSON in UTF-8 with no member named twice, no number outside JSON, and no half of a character.

    Anything else raises ``TokenInvalid``.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_distinct_members,
            parse_constant=_refuse,
            parse_float=_double,
            parse_int=_integer,
        )
        if b"\\u" in data:  # only so written can a surrogate stand alone (RFC 7493 section 2.1)
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise TokenInvalid("not JSON") from None
    return value


def _distinct_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise TokenInvalid("a member stands twice")
    return members


def _double(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise TokenInvalid("a number beyond any double")
    return number


def _integer(text: str) -> int | float:
    """A whole number: exact where doubles are, else the double that its writer had (RFC 8785)."""
    number = _double(text)
    return int(text) if abs(number) <= _MAX_EXACT else number


def _refuse(name: str) -> NoReturn:
    raise TokenInvalid(f"{name} is not JSON")


def members(data: bytes, *names: str) -> dict[str, Any]:
    """A JSON object with exactly the named members."""
    parsed = strict_json(data)
    if not isinstance(parsed, dict) or parsed.keys() != set(names):
        raise TokenInvalid("not an object of the expected members")
    return parsed


# --- keys ---
def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The key's id: its RFC 7638 SHA-256 thumbprint.

    For ``OKP`` (RFC 8037) and ``AKP`` keys only.
    """
    names = _THUMBPRINT_MEMBERS.get(str(jwk.get("kty")), ())
    required = {name: jwk.get(name) for name in names}
    if not required or not all(isinstance(member, str) for member in required.values()):
        raise TokenInvalid("not a key of a known type")
    return _thumbprint(tuple(required.items()))


@lru_cache(maxsize=KEYS_REMEMBERED)
def _thumbprint(required: tuple[tuple[str, str], ...]) -> str:
    return rfc7638_thumbprint(dict(required))


def ed25519_public(jwk: Mapping[str, Any]) -> Ed25519PublicKey:
    """The Ed25519 public key of a JWK (RFC 8037)."""
    public = _okp(jwk).public_key
    if not isinstance(public, Ed25519PublicKey):
        raise TokenInvalid("not a public Ed25519 key")
    return public


def x25519_reader(jwk: Mapping[str, Any]) -> OKPKey:
    """The X25519 public key of a JWK (RFC 8037), as joserfc seals to it.

    Low-order points are found when a secret is agreed on.
    """
    key = _okp(jwk)
    if not isinstance(key.public_key, X25519PublicKey):
        raise TokenInvalid("not a public X25519 key")
    return key


def _okp(jwk: Mapping[str, Any]) -> OKPKey:
    """By its public members alone: what else a JWK says of itself decides nothing here."""
    curve, x = jwk.get("crv"), jwk.get("x")
    if jwk.get("kty") != "OKP" or not isinstance(curve, str) or not isinstance(x, str):
        raise TokenInvalid("not a public key on a curve")
    return _okp_of(curve, x)


@lru_cache(maxsize=KEYS_REMEMBERED)
def _okp_of(curve: str, x: str) -> OKPKey:
    try:
        return OKPKey.import_key({"kty": "OKP", "crv": curve, "x": x})
    except (JoseError, ValueError):
        raise TokenInvalid("not a public key on a curve") from None


def ed25519_jwk(public: Ed25519PublicKey) -> dict[str, Any]:
    """A public signing key as a JWK with its thumbprint as ``kid``."""
    return _jwk(OKPKey.import_key(public), use="sig", alg="EdDSA")


def x25519_jwk(public: X25519PublicKey) -> dict[str, Any]:
    """A public encryption key as a JWK with its thumbprint as ``kid``."""
    return _jwk(OKPKey.import_key(public), use="enc", alg="ECDH-ES+A256KW")


def _jwk(key: OKPKey, **says: str) -> dict[str, Any]:
    public = key.as_dict()
    return {**public, "kid": thumbprint(public), **says}


def _verifier(jwks: Mapping[str, Any], kid: str) -> OKPKey:
    keys = jwks.get("keys")
    for jwk in keys if isinstance(keys, list | tuple) else ():
        if isinstance(jwk, Mapping) and jwk.get("kid") == kid and jwk.get("use", "sig") == "sig":
            key = _okp(jwk)
            if isinstance(key.public_key, Ed25519PublicKey):
                return key
    raise TokenInvalid("signed by a key that is not known")


# --- signed tokens ---
class _EdDSA(EdDSAAlgorithm):
    """The one signature algorithm, by its name in RFC 8037, which is the one that is deployed.

    joserfc warns at each use that RFC 9864 calls it Ed25519; nobody who uses Tillit can act on that.
    """

    security_warning = ""


class _Signatures(jws.JWSRegistry):
    """Knows one algorithm; a token's length is its caller's to bound, before joserfc reads it."""

    algorithms: dict[str, JWSAlgModel] = {"EdDSA": _EdDSA()}  # noqa: RUF012 - as joserfc has it
    max_payload_length = sys.maxsize


_SIGNATURES = _Signatures(algorithms=["EdDSA"])


def sign_compact(payload: bytes, *, signer: Ed25519PrivateKey, kid: str, typ: str) -> str:
    """A compact JWS (RFC 7515 § 7.1) with header {alg: EdDSA, kid, typ}."""
    header = {"alg": "EdDSA", "kid": kid, "typ": typ}
    return jws.serialize_compact(header, payload, OKPKey.import_key(signer), registry=_SIGNATURES)


def verify_compact(token: str, *, jwks: Mapping[str, Any], typ: str, max_chars: int) -> bytes:
    """The payload of a compact JWS of this type, signed by one of these keys.

    Raises ``TokenInvalid``.
    """
    parts = token.split(".", 3)
    if len(token) > max_chars or len(parts) != 3:  # noqa: PLR2004 - header, payload, signature
        raise TokenInvalid("not a compact JWS")
    header = members(unb64u(parts[0]), "alg", "kid", "typ")
    if header["alg"] != "EdDSA" or header["typ"] != typ or not isinstance(header["kid"], str):
        raise TokenInvalid("not a token of this kind")
    unb64u(parts[1])
    unb64u(parts[2], size=64)
    key = _verifier(jwks, header["kid"])
    try:
        return jws.deserialize_compact(token, key, registry=_SIGNATURES).payload
    except (JoseError, ValueError):
        raise TokenInvalid("the signature does not hold") from None
