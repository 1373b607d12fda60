"""Access tokens for people: signed by the identity provider, checked here, and turned into a keyed hash at once.

ID-porten in production; the demo's own synthetic issuer otherwise. The number in ``pid`` is in memory only while its hash is
made: what is remembered of a token is the token's SHA-256 and the person's keyed hash.
"""

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

import jwt

from broker.api.access_tokens import MAX_TOKEN_CHARS, REMEMBERED, decode
from broker.api.errors import PersonIssuerDown, TokenExpired, TokenInvalid
from broker.domain.ids import PersonKey

MAX_LIFETIME = 600
SKEW = 10
ALGORITHMS = {"OKP": "EdDSA", "RSA": "RS256"}
MIN_RSA_BITS = 2048
MAX_KEYS = 20
MAX_FILE_BYTES = 256 * 1024
_NATIONAL_ID = re.compile(r"[0-9]{11}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PersonAuthenticated:
    """An authenticated person, known by keyed hash only."""

    key: PersonKey
    until: int


class IssuerKeys:
    """The identity provider's public keys, read from a JWK set file that is read again when it changes."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._seen: tuple[int, int, int] | None = None
        self._keys: Mapping[str, tuple[str, Any]] = {}
        self._lock = Lock()

    def find(self, kid: str) -> tuple[str, Any]:
        """The one algorithm and the key of a ``kid``.

        Raises:
            PersonIssuerDown: no file is set, or it cannot be read or understood.
            TokenInvalid: no such key.
        """
        if self._file is None:
            raise PersonIssuerDown("no identity provider is configured")
        try:
            with self._lock:
                self._refresh(self._file)
                found = self._keys.get(kid)
        except (OSError, ValueError, TypeError, KeyError, jwt.PyJWTError, RecursionError):
            raise PersonIssuerDown from None
        if found is None:
            raise TokenInvalid
        return found

    def _refresh(self, file: Path) -> None:
        found = file.stat()
        seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        if seen != self._seen:
            if found.st_size > MAX_FILE_BYTES:
                raise ValueError("the key file is too large")
            self._keys = _parsed(json.loads(file.read_bytes()))
            self._seen = seen


class PersonTokens:
    """Checks people's access tokens."""

    def __init__(
        self, keys: IssuerKeys, *, issuer: str, audience: str, keyed: Callable[[str], PersonKey]
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._keyed = keyed
        self._known: OrderedDict[bytes, PersonAuthenticated] = OrderedDict()
        self._lock = Lock()

    def check(self, token: str, *, now: datetime) -> PersonAuthenticated:
        """The person a token speaks for.

        Raises:
            TokenInvalid, TokenExpired: it speaks for nobody (any more).
            PersonIssuerDown: the issuer's keys cannot be read.
        """
        kid = _kid(token)
        algorithm, key = self._keys.find(kid)
        digest = hashlib.sha256(f"{kid} {token}".encode()).digest()
        with self._lock:
            person = self._known.get(digest)
        if person is None:
            person = self._verified(token, algorithm, key, now=now)
            with self._lock:
                self._known[digest] = person
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        if now.timestamp() >= person.until:
            raise TokenExpired
        return person

    def _verified(
        self, token: str, algorithm: str, key: Any, *, now: datetime
    ) -> PersonAuthenticated:
        claims = decode(
            token,
            key,
            algorithms=(algorithm,),
            types=frozenset(("at+jwt", "application/at+jwt")),
            required=("iss", "aud", "iat", "exp", "pid"),
        )
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims["iss"] != self._issuer or self._audience not in audience:
            raise TokenInvalid
        issued, until = claims["iat"], claims["exp"]
        if until - issued > MAX_LIFETIME or issued > now.timestamp() + SKEW:
            raise TokenInvalid("the token's lifetime is not accepted")
        pid = claims["pid"]
        if not isinstance(pid, str) or not _NATIONAL_ID.fullmatch(pid):
            raise TokenInvalid
        return PersonAuthenticated(self._keyed(pid), until)


def _kid(token: str) -> str:
    if len(token) > MAX_TOKEN_CHARS:
        raise TokenInvalid
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise TokenInvalid from None
    if not isinstance(kid, str):
        raise TokenInvalid
    return kid


def _parsed(jwks: Any) -> Mapping[str, tuple[str, Any]]:
    keys = jwks["keys"][:MAX_KEYS]
    return {jwk["kid"]: _key(jwk) for jwk in keys if jwk.get("use", "sig") == "sig"}


def _key(jwk: Mapping[str, Any]) -> tuple[str, Any]:
    """A key and the one algorithm its kind is used with: the token's own word is not asked."""
    if {"d", "k"} & jwk.keys():
        raise ValueError("the key file holds a secret")
    algorithm = ALGORITHMS[jwk["kty"]]
    key = jwt.PyJWK.from_dict(dict(jwk), algorithm=algorithm).key
    if algorithm == "RS256" and key.key_size < MIN_RSA_BITS:
        raise ValueError("an RSA key is too short")
    return algorithm, key
