"""Access tokens for services: issued and checked here (RFC 9068, EdDSA), alive for two minutes, never stored."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Literal, get_args

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.api.errors import TokenExpired, TokenInvalid
from broker.domain.ids import Randomness, UnitId
from tillit.jose import ed25519_jwk

SECONDS = 120
MAX_TOKEN_CHARS = 4096
REMEMBERED = 1024

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


class AccessTokens:
    """Issues and checks access tokens under one signing key.

    A token that was checked once is remembered by its SHA-256 until it expires, so that its signature is checked once.
    """

    def __init__(self, key: Ed25519PrivateKey, issuer: str) -> None:
        self._key = key
        self._public = key.public_key()
        self._issuer = issuer
        self._jwk = ed25519_jwk(self._public)
        self._known: OrderedDict[bytes, Service] = OrderedDict()
        self._lock = Lock()

    def jwks(self) -> Mapping[str, Any]:
        """The public key, as a JWK set."""
        return {"keys": [self._jwk]}

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
        headers = {"kid": self._jwk["kid"], "typ": "at+jwt"}
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers=headers)

    def check(self, token: str, *, now: datetime) -> Service:
        """The service a token speaks for.

        Raises:
            TokenInvalid, TokenExpired: it speaks for nobody (any more).
        """
        digest = hashlib.sha256(token.encode()).digest()
        with self._lock:
            service = self._known.get(digest)
        if service is None:
            service = self._verified(token)
            self._remember(digest, service)
        if now.timestamp() >= service.until:
            raise TokenExpired
        return service

    def _remember(self, digest: bytes, service: Service) -> None:
        with self._lock:
            self._known[digest] = service
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def _verified(self, token: str) -> Service:
        claims = decode(
            token,
            self._public,
            algorithms=("EdDSA",),
            types=frozenset(("at+jwt",)),
            required=("iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope"),
        )
        if claims["iss"] != self._issuer or claims["aud"] != self._issuer:
            raise TokenInvalid
        scopes = frozenset(str(claims["scope"]).split()) & SCOPES
        return Service(UnitId(str(claims["sub"])), scopes, int(claims["exp"]))


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
