"""Access tokens for services: issued and checked here (RFC 9068, EdDSA), alive for two minutes, never stored."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Literal, get_args

import jwt

from broker.api.errors import TokenExpired, TokenInvalid
from broker.domain.ids import Randomness, UnitId
from keys.parts import BrokerSecrets
from keys.signing import SigningKey
from tillit.jose import ed25519_jwk

SECONDS = 120
MAX_TOKEN_CHARS = 4096
REMEMBERED = 1024
LOOKS_AGAIN = timedelta(seconds=30)

Scope = Literal["share", "log", "audit", "audit.content"]
SCOPES: frozenset[str] = frozenset(get_args(Scope))


class SignatureWrong(TokenInvalid):
    """The signature does not hold under the key."""


@dataclass(frozen=True, slots=True)
class Service:
    """An authenticated service (or auditor client) and what it may do."""

    unit: UnitId
    scopes: frozenset[str]
    until: int


@dataclass(frozen=True, slots=True)
class _Believed:
    """The keys of a broker's secrets whose tokens are believed, by their id, until ``until``."""

    of: BrokerSecrets
    until: datetime
    keys: Mapping[str, SigningKey]


class AccessTokens:
    """Issues and checks access tokens under the broker's token keys, whichever they are now.

    A token that was checked once is remembered by its SHA-256 until it expires, so that its signature is checked once; one by
    a key that was revoked meanwhile is refused all the same.
    """

    def __init__(self, secrets: Callable[[], BrokerSecrets], issuer: str) -> None:
        self._secrets = secrets
        self._issuer = issuer
        self._known: OrderedDict[bytes, tuple[str, Service]] = OrderedDict()
        self._lock = Lock()
        self._believed: _Believed | None = None

    def jwks(self, now: datetime) -> Mapping[str, Any]:
        """The public keys, as a JWK set: those that sign, are coming, or signed what may still be valid."""
        return {"keys": [key.jwk for key in self._keys(now).values()]}

    def _keys(self, now: datetime) -> Mapping[str, SigningKey]:
        secrets, believed = self._secrets(), self._believed
        if believed is None or believed.of is not secrets or now >= believed.until:
            keys = {key.kid: key for key in secrets.signing.believed("tokens", now)}
            believed = self._believed = _Believed(secrets, now + LOOKS_AGAIN, keys)
        return believed.keys

    def issue(
        self, unit: UnitId, scopes: frozenset[str], *, now: datetime, randomness: Randomness
    ) -> str:
        """A token for the unit, valid for ``SECONDS`` from ``now``."""
        at = int(now.timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": unit,
            "client_id": unit,
            "iat": at,
            "exp": at + SECONDS,
            "jti": randomness(16).hex(),
            "scope": " ".join(sorted(scopes)),
        }
        key = self._secrets().tokens
        headers = {"kid": ed25519_jwk(key.public_key())["kid"], "typ": "at+jwt"}
        return jwt.encode(claims, key, algorithm="EdDSA", headers=headers)

    def check(self, token: str, *, now: datetime) -> Service:
        """The service a token speaks for.

        Raises:
            TokenInvalid, TokenExpired: it speaks for nobody (any more).
        """
        digest = hashlib.sha256(token.encode()).digest()
        keys = self._keys(now)
        with self._lock:
            kid, service = self._known.get(digest, ("", None))
        if service is None:
            kid, service = self._verified(token, keys)
            self._remember(digest, kid, service)
        if kid not in keys:
            raise TokenInvalid
        if now.timestamp() >= service.until:
            raise TokenExpired
        return service

    def _remember(self, digest: bytes, kid: str, service: Service) -> None:
        with self._lock:
            self._known[digest] = (kid, service)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def _verified(self, token: str, keys: Mapping[str, SigningKey]) -> tuple[str, Service]:
        kid = _claimed_kid(token)
        if kid not in keys:
            raise TokenInvalid
        claims = decode(
            token,
            keys[kid].public,
            algorithms=("EdDSA",),
            types=frozenset(("at+jwt",)),
            required=("iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope"),
        )
        if claims["iss"] != self._issuer or claims["aud"] != self._issuer:
            raise TokenInvalid
        scopes = frozenset(str(claims["scope"]).split()) & SCOPES
        return kid, Service(UnitId(str(claims["sub"])), scopes, int(claims["exp"]))


def _claimed_kid(token: str) -> str:
    """Which key the token says it is signed with: only to find the key to check it with."""
    if len(token) > MAX_TOKEN_CHARS:
        raise TokenInvalid
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError):
        raise TokenInvalid from None
    return str(kid)


def decode(
    token: str,
    key: Any,
    *,
    algorithms: tuple[str, ...],
    types: frozenset[str],
    required: tuple[str, ...],
) -> dict[str, Any]:
    """The claims under a good signature. Times are left to the caller, who holds the clock.

    Raises:
        SignatureWrong: well formed, but not signed by the key.
        TokenInvalid: malformed, of another type or algorithm, or a claim is absent.
    """
    if len(token) > MAX_TOKEN_CHARS:
        raise TokenInvalid
    try:
        decoded = jwt.decode_complete(
            token,
            key,
            algorithms=list(algorithms),
            options={
                "require": list(required),
                "verify_aud": False,
                "verify_iss": False,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidSignatureError:
        raise SignatureWrong from None
    except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError):
        raise TokenInvalid from None
    if str(decoded["header"].get("typ", "")).lower() not in types:
        raise TokenInvalid
    claims: dict[str, Any] = decoded["payload"]
    if not all(_is_instant(claims[name]) for name in ("iat", "exp")):
        raise TokenInvalid
    return claims


def _is_instant(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**40
