"""Tillit's profile of JOSE: base64url, JSON, JWKs (by joserfc) and EdDSA-signed compact tokens.

The profile is closed: which algorithm and type a token has is fixed by where it stands, and a token
that says anything else, or says it in a second spelling of the same bytes, is refused before its
signature is looked at. So there is nothing to negotiate, and no bit of a token that can change unseen.
What is written here opens in any JOSE library (RFC 7515, 7516, 7517, 7638, 8037).
"""

import json
import math
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jwk import thumbprint as rfc7638_thumbprint

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
    """JSON in UTF-8 with no member named twice and no number outside JSON.

    Anything else raises ``TokenInvalid``.
    """
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_distinct_members,
            parse_constant=_refuse,
            parse_float=_double,
            parse_int=_integer,
        )
    except (ValueError, RecursionError):
        raise TokenInvalid("not JSON") from None


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
    return rfc7638_thumbprint(required)


def ed25519_public(jwk: Mapping[str, Any]) -> Ed25519PublicKey:
    """The Ed25519 public key of a JWK (RFC 8037)."""
    public = _okp(jwk).public_key
    if not isinstance(public, Ed25519PublicKey):
        raise TokenInvalid("not a public Ed25519 key")
    return public


def x25519_public(jwk: Mapping[str, Any]) -> X25519PublicKey:
    """The X25519 public key of a JWK (RFC 8037).

    Low-order points are found when a secret is agreed on.
    """
    public = _okp(jwk).public_key
    if not isinstance(public, X25519PublicKey):
        raise TokenInvalid("not a public X25519 key")
    return public


def _okp(jwk: Mapping[str, Any]) -> OKPKey:
    """By its public members alone: what else a JWK says of itself decides nothing here."""
    if jwk.get("kty") != "OKP":
        raise TokenInvalid("not a public key on a curve")
    try:
        return OKPKey.import_key({name: jwk[name] for name in _THUMBPRINT_MEMBERS["OKP"]})
    except (JoseError, ValueError, KeyError):
        raise TokenInvalid("not a public key on a curve") from None


def ed25519_jwk(public: Ed25519PublicKey) -> dict[str, Any]:
    """A public signing key as a JWK with its thumbprint as ``kid``."""
    return _jwk(OKPKey.import_key(public), use="sig", alg="EdDSA")


def x25519_jwk(public: X25519PublicKey) -> dict[str, Any]:
    """A public encryption key as a JWK with its thumbprint as ``kid``."""
    return _jwk(OKPKey.import_key(public), use="enc", alg="ECDH-ES+A256KW")


def _jwk(key: OKPKey, **says: str) -> dict[str, Any]:
    return {**key.as_dict(), "kid": key.thumbprint(), **says}


def _verifier(jwks: Mapping[str, Any], kid: str) -> Ed25519PublicKey:
    keys = jwks.get("keys")
    for jwk in keys if isinstance(keys, list | tuple) else ():
        if isinstance(jwk, Mapping) and jwk.get("kid") == kid and jwk.get("use", "sig") == "sig":
            return ed25519_public(jwk)
    raise TokenInvalid("signed by a key that is not known")


# --- signed tokens ---
def sign_compact(payload: bytes, *, signer: Ed25519PrivateKey, kid: str, typ: str) -> str:
    """A compact JWS (RFC 7515 § 7.1) with header {alg: EdDSA, kid, typ}."""
    header = compact_json({"alg": "EdDSA", "kid": kid, "typ": typ})
    signed = f"{b64u(header)}.{b64u(payload)}"
    return f"{signed}.{b64u(signer.sign(signed.encode('ascii')))}"


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
    payload, signature = unb64u(parts[1]), unb64u(parts[2], size=64)
    try:
        _verifier(jwks, header["kid"]).verify(signature, f"{parts[0]}.{parts[1]}".encode("ascii"))
    except InvalidSignature:
        raise TokenInvalid("the signature does not hold") from None
    return payload
