"""Logging in at the identity provider: OpenID Connect's code flow with PKCE, as ID-porten does it.

The client shows who it is by a signed assertion (``private_key_jwt``), with an RSA or a P-256 key. Of a person only ``pid``
is read, and only to make its keyed hash; of an employee only ``sub``, ``orgno`` and ``roles``. *Not checked*: how the provider
found out who somebody is, beyond the level (``acr``) that it vouches for.
"""

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet, import_key

from broker.domain.sessions import Login
from broker.portal.errors import LoginRefused, ProviderDown

LEVELS = ("idporten-loa-substantial", "idporten-loa-high")
"""What a login must come to: the first of these, or better."""
ALGORITHM: Mapping[str, str] = {"RSA": "RS256", "EC": "ES256"}
"""What is signed with, by the kind of key."""
ASSERTION_SECONDS = 60
READ_AGAIN = timedelta(hours=1)
LOOK_AGAIN = timedelta(minutes=1)
"""For a key that is not known yet, what the provider publishes is read again, but no sooner than this."""
TRY_AGAIN = timedelta(seconds=5)
"""A provider that did not answer is not asked what it publishes any sooner, so that nobody waits for it behind the others."""
TIMEOUT = httpx.Timeout(5.0)
PATIENCE_SECONDS = 10.0
"""A whole answer takes no longer, its head included, also when something of it comes all the time."""
MAX_ANSWER_BYTES = 256 * 1024
MAX_CODE_CHARS = 2048
SKEW_SECONDS = 30
FRESH_SECONDS = 300

MAX_SUBJECT_CHARS, MAX_ROLES = 255, 64

_PID = re.compile(r"[0-9]{11}", re.ASCII)
# As the provider may write it: bare, or as ISO 6523 has Norwegian organisations.
_ORGNO = re.compile(r"(?:0192:)?([0-9]{9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for, and when they showed it who they are: long ago where it does not say."""

    national_id: str = field(repr=False)
    login_at: datetime


@dataclass(frozen=True, slots=True)
class Employed:
    """An employee whom the provider vouches for: its own id for them, their organisation, and what they are there."""

    subject: str = field(repr=False)
    organisation: str
    roles: frozenset[str]
    login_at: datetime


@dataclass(frozen=True, slots=True)
class _Found:
    """What the provider publishes of itself, and when it was read."""

    authorize: str
    token: str
    keys: KeySet
    read_at: datetime


class Provider:
    """One identity provider, and this portal as its client."""

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        key_file: Path,
        redirect_uri: str,
        clock: Callable[[], datetime],
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Nothing is asked yet. ``key_file`` holds the client's private JWK, and is read anew for each login."""
        self.issuer = issuer
        self._client_id = client_id
        self._key_file = key_file
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._patience = patience
        self._trusted = httpx.create_ssl_context()
        self._lock = threading.Lock()
        self._found: _Found | None = None
        self._failed_at: datetime | None = None

    def address(self, login: Login, *, again: bool) -> str:
        """Where the browser goes to log in. ``again``: also where the provider knows the person already.

        Raises:
            ProviderDown: it does not say where.
        """
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid profile",
            "acr_values": LEVELS[0],
            "ui_locales": login.language,
            "state": login.state,
            "nonce": login.nonce,
            "code_challenge": create_s256_code_challenge(login.verifier),
            "code_challenge_method": "S256",
        }
        if again:
            asked |= {"prompt": "login", "max_age": "0"}
        return f"{self._metadata().authorize}?{urlencode(asked)}"

    def vouched(self, login: Login, *, code: str, again: bool) -> Vouched:
        """Whom the provider vouches for in exchange for the code.

        Raises:
            LoginRefused: for nobody's, or its word does not hold.
            ProviderDown: it cannot be asked.
        """
        claims, shown_at = self._claims(login, code=code, again=again)
        pid = claims.get("pid")
        if not isinstance(pid, str) or not _PID.fullmatch(pid):
            raise LoginRefused
        return Vouched(pid, shown_at)

    def employed(self, login: Login, *, code: str, again: bool) -> Employed:
        """The employee whom the provider vouches for in exchange for the code.

        Raises:
            LoginRefused: it vouches for nobody, or does not say of which organisation and in which roles.
            ProviderDown: it cannot be asked.
        """
        claims, shown_at = self._claims(login, code=code, again=again)
        subject, orgno, roles = (claims.get(name) for name in ("sub", "orgno", "roles"))
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARS:
            raise LoginRefused
        number = _ORGNO.fullmatch(orgno) if isinstance(orgno, str) else None
        if number is None or not isinstance(roles, list) or len(roles) > MAX_ROLES:
            raise LoginRefused
        named = frozenset(role for role in roles if isinstance(role, str))
        return Employed(subject, number[1], named, shown_at)

    def _claims(
        self, login: Login, *, code: str, again: bool
    ) -> tuple[Mapping[str, Any], datetime]:
        """What the provider says in exchange for the code, its signature checked, and when the login was."""
        found = self._metadata()
        answer = self._ask(
            "POST",
            found.token,
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._redirect_uri,
                "code_verifier": login.verifier,
                "client_id": self._client_id,
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": self._assertion(),
            },
        )
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise LoginRefused
        return self._checked(token, login, again=again)

    def _assertion(self) -> str:
        now = int(self._clock().timestamp())
        try:
            jwk = json.loads(self._key_file.read_bytes())
            algorithm = ALGORITHM[jwk["kty"]]
            key = import_key(jwk)
            assertion = private_key_jwt_sign(
                key,
                client_id=self._client_id,
                token_endpoint=self.issuer,
                alg=algorithm,
                issued_at=now,
                expires_at=now + ASSERTION_SECONDS,
                header={"kid": key.kid, "alg": algorithm},
            )
        except (OSError, ValueError, KeyError, TypeError, JoseError):
            raise ProviderDown("the client's key cannot be used") from None
        return str(assertion)

    def _decoded(self, token: str) -> jwt.Token:
        algorithms = list(ALGORITHM.values())
        try:
            return jwt.decode(token, self._metadata().keys, algorithms=algorithms)
        except InvalidKeyIdError:
            renewed = self._metadata(within=LOOK_AGAIN)
            return jwt.decode(token, renewed.keys, algorithms=algorithms)

    def _checked(
        self, token: str, login: Login, *, again: bool
    ) -> tuple[Mapping[str, Any], datetime]:
        now = int(self._clock().timestamp())
        try:
            decoded = self._decoded(token)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self._client_id},
                    "acr": {"essential": True, "values": list(LEVELS)},
                },
                params={"nonce": login.nonce, "client_id": self._client_id},
            )
            claims.validate(now=now, leeway=SKEW_SECONDS)
        except (JoseError, ValueError, TypeError, KeyError):
            raise LoginRefused from None
        said = claims.get("auth_time")
        shown = said if isinstance(said, int) else 0
        if again and abs(now - shown) > FRESH_SECONDS:
            raise LoginRefused("the provider did not ask the person again")
        if not isinstance(claims.get("acr"), str):
            raise LoginRefused
        return claims, datetime.fromtimestamp(max(0, min(shown, now)), UTC)

    def _metadata(self, *, within: timedelta = READ_AGAIN) -> _Found:
        if (found := self._known(within)) is not None:
            return found
        with self._lock:  # one asks; who waited for it has its answer, or that there was none
            if (found := self._known(within)) is not None:
                return found
            now = self._clock()
            if self._failed_at is not None and abs(now - self._failed_at) < TRY_AGAIN:
                raise ProviderDown
            try:
                self._found = self._read(now)
            except ProviderDown:
                self._failed_at = self._clock()
                raise
            return self._found

    def _known(self, within: timedelta) -> _Found | None:
        found = self._found
        return None if found is None or self._clock() >= found.read_at + within else found

    def _read(self, now: datetime) -> _Found:
        said = self._ask("GET", f"{self.issuer}/.well-known/openid-configuration")
        try:
            if said["issuer"] != self.issuer:
                raise ProviderDown("the provider calls itself something else")
            keys = _signing(self._ask("GET", str(said["jwks_uri"]))["keys"])
            return _Found(
                authorize=str(said["authorization_endpoint"]),
                token=str(said["token_endpoint"]),
                keys=keys,
                read_at=now,
            )
        except (KeyError, ValueError, TypeError, JoseError):
            raise ProviderDown("the provider does not describe itself") from None

    def _ask(self, method: str, url: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
        # What is packed could unpack to anything, so it is not asked for, nor unpacked.
        plain = {"accept-encoding": "identity"}
        try:
            request = httpx.Request(method, url, data=form, headers=plain)
            # A bound on all of it: httpx' own are on each read, and a head may come a line at a time.
            answer = asyncio.run(asyncio.wait_for(self._answer(request), self._patience))
            if form is not None and answer.status_code in {400, 401}:
                raise LoginRefused
            answer.raise_for_status()
            said = json.loads(answer.content)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError):
            raise ProviderDown from None
        if not isinstance(said, dict):
            raise ProviderDown
        return said

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        async with httpx.AsyncClient(timeout=TIMEOUT, verify=self._trusted) as client:
            answer = await client.send(request, stream=True)
            try:
                body = b""
                async for part in answer.aiter_raw():
                    body += part
                    if len(body) > MAX_ANSWER_BYTES:
                        raise ProviderDown("the provider says too much")
            finally:
                await answer.aclose()
        return httpx.Response(answer.status_code, content=body, request=request)


def _signing(published: Sequence[Mapping[str, Any]]) -> KeySet:
    """The keys of a set that a login can be signed with; others are passed over (RFC 7517 § 5).

    Raises:
        ValueError: there are none.
    """
    usable = []
    for jwk in published:
        if jwk["kty"] in ALGORITHM and jwk.get("use") != "enc":
            with contextlib.suppress(KeyError, ValueError, JoseError):
                usable.append(import_key(dict(jwk)))
    if not usable:
        raise ValueError("no key to check a signature with")
    return KeySet(usable)
