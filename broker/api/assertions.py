"""Client assertions: a service proves to the token endpoint that it is itself (RFC 7523 § 3), once per assertion."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import jwt

from broker.api.access_tokens import SignatureWrong, decode
from broker.api.errors import (
    AssertionAudienceWrong,
    AssertionExpired,
    AssertionMalformed,
    AssertionReplayed,
    AssertionSignatureWrong,
    AssertionTooLong,
    ClientKeyUnknown,
    ClientUnknown,
    TokenInvalid,
)
from broker.domain.ids import UnitId
from broker.errors import Refused
from broker.ports import Ports
from broker.usecases import refusals, tokens
from tillit.jose import TokenInvalid as JoseInvalid
from tillit.jose import ed25519_public

MAX_LIFETIME = 120
SKEW = 10
MAX_ASSERTION_CHARS = 4096
ROUTE = "POST /oauth/token"
_UNIT = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
_JTI = re.compile(r"[!-~]{1,128}", re.ASCII)
_TYPES = frozenset(("", "jwt", "client-authentication+jwt"))
_CLAIMS = ("iss", "sub", "aud", "iat", "exp", "jti")


def authenticate(assertion: str, *, ports: Ports) -> UnitId:
    """The unit that signed the assertion, which is spent by this.

    A refusal is logged only when the signature holds: before that no party is known, and whoever can send a request could
    otherwise fill the log in another's name.

    Raises:
        AssertionMalformed, ClientUnknown, ClientKeyUnknown, AssertionSignatureWrong: nobody is proven.
        AssertionAudienceWrong, AssertionExpired, AssertionTooLong, AssertionReplayed: proven, but not for this now.
    """
    unit, kid = _claimed(assertion)
    keys = tokens.client_keys(unit, ports)
    if not keys:
        raise ClientUnknown
    if kid not in keys:
        raise ClientKeyUnknown
    claims = _verified(assertion, keys[kid])
    try:
        _check(claims, ports.clock(), issuer=ports.issuer)
        until = datetime.fromtimestamp(claims["exp"] + SKEW, UTC)
        if not tokens.spend(unit, claims["jti"], expires_at=until, ports=ports):
            raise AssertionReplayed
    except Refused as refused:
        refusals.record(unit, route=ROUTE, code=refused.code, ports=ports)
        raise
    return unit


def _claimed(assertion: str) -> tuple[UnitId, str]:
    """Who the assertion says it is from, not yet believed: only to find the key to check it with."""
    if len(assertion) > MAX_ASSERTION_CHARS:
        raise AssertionMalformed
    try:
        unread = jwt.decode_complete(assertion, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError):
        raise AssertionMalformed from None
    header, claims = unread["header"], unread["payload"]
    if any(name not in claims for name in _CLAIMS):
        raise AssertionMalformed("iss, sub, aud, iat, exp and jti are required")
    unit, kid, jti = claims["sub"], header.get("kid"), claims["jti"]
    if not isinstance(unit, str) or claims["iss"] != unit or not _UNIT.fullmatch(unit):
        raise AssertionMalformed("iss and sub are both the unit's id")
    if header.get("alg") != "EdDSA" or not isinstance(kid, str):
        raise AssertionMalformed("sign with EdDSA and name the key by kid")
    if not isinstance(jti, str) or not _JTI.fullmatch(jti):
        raise AssertionMalformed("jti is 1 to 128 visible characters")
    return UnitId(unit), kid


def _verified(assertion: str, jwk: Mapping[str, Any]) -> dict[str, Any]:
    try:
        public = ed25519_public(jwk)
    except JoseInvalid as error:
        raise ClientKeyUnknown from error
    try:
        return decode(assertion, public, algorithms=("EdDSA",), types=_TYPES, required=_CLAIMS)
    except SignatureWrong:
        raise AssertionSignatureWrong from None
    except TokenInvalid:
        raise AssertionMalformed from None


def _check(claims: Mapping[str, Any], now: datetime, *, issuer: str) -> None:
    audience = claims["aud"]
    if audience not in (issuer, [issuer]):
        raise AssertionAudienceWrong("aud is the issuer, and nobody else")
    at = now.timestamp()
    if claims["exp"] + SKEW <= at:
        raise AssertionExpired
    if claims["exp"] > at + MAX_LIFETIME + SKEW or claims["iat"] > at + SKEW:
        raise AssertionTooLong("at most 120 seconds from now, issued before now")
    if claims["exp"] - claims["iat"] > MAX_LIFETIME:
        raise AssertionTooLong("at most 120 seconds")
