"""Sources: where a log is read from outside, a broker's HTTP address or a mirrored directory.

A resource that the log does not have (``ResourceMissing``) is told from a log that cannot be
reached (``SourceUnavailable``): the first says something about the log, the second nothing.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import httpx

from audit.errors import ResourceMissing, SourceUnavailable
from tillit import protocol
from tillit.errors import TillitError
from tillit.keys import ServiceKey
from tillit.responses import Response
from tillit.transport import address

ATTEMPTS = 4
FIRST_WAIT = 0.2
SCOPE = "log"

_NOT_FOUND = 404
_UNAUTHORIZED = 401
_BUSY = frozenset({429, 500, 502, 503, 504})


class Source(Protocol):
    """Somewhere that serves a log's resources under their C2SP paths."""

    def get(self, path: str, *, limit: int) -> bytes:
        """The resource, or its first ``limit`` + 1 bytes when it is larger than it may be.

        Raises ``ResourceMissing`` or ``SourceUnavailable``.
        """
        ...


class DirectorySource:
    """A directory that holds a log's resources under their paths, as ``tillit-audit mirror`` writes it."""

    def __init__(self, directory: Path) -> None:
        if not directory.is_dir():
            raise SourceUnavailable("there is no such directory")
        self._directory = directory

    def get(self, path: str, *, limit: int) -> bytes:
        """Read one file."""
        try:
            with (self._directory / path).open("rb") as file:
                return file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as wrong:
            raise ResourceMissing(path) from wrong
        except OSError as wrong:
            raise SourceUnavailable(f"{path}: {wrong.strerror}") from wrong


class HttpSource:
    """A broker's log over HTTP.

    ``bearer`` is asked for a token, anew when the broker refuses the last one.
    """

    def __init__(
        self, client: httpx.Client, url: str, bearer: Callable[[], str] | None = None
    ) -> None:
        self._client = client
        self._prefix = f"{broker_address(url)}/log/"
        self._bearer = bearer
        self._token = ""

    def get(self, path: str, *, limit: int) -> bytes:
        """Fetch one resource, asking again a few times when the broker is busy or out of reach."""
        wait, reason = FIRST_WAIT, ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(wait)
                wait *= 2
            try:
                status, body = self._fetch(path, limit)
            except httpx.HTTPError as wrong:
                reason = type(wrong).__name__
                continue
            if status == httpx.codes.OK:
                return body
            if status == _NOT_FOUND:
                raise ResourceMissing(path)
            reason = f"HTTP {status}"
            if status not in _BUSY:
                break
        raise SourceUnavailable(f"{path}: {reason}")

    def _fetch(self, path: str, limit: int) -> tuple[int, bytes]:
        status, body = self._send(path, limit)
        if status == _UNAUTHORIZED and self._bearer is not None:
            self._token = self._bearer()
            status, body = self._send(path, limit)
        return status, body

    def _send(self, path: str, limit: int) -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        with self._client.stream("GET", self._prefix + path, headers=headers) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > limit:
                    break
            return response.status_code, bytes(body[: limit + 1])


@dataclass(frozen=True, slots=True)
class Credentials:
    """A service's key at one broker.

    Calls for an access token with the scope of the log, or another (RFC 7523).
    """

    client: httpx.Client
    url: str
    key: ServiceKey
    scope: str = SCOPE

    def __call__(self) -> str:
        """A fresh access token. Raises ``SourceUnavailable``."""
        try:
            issuer = protocol.broker_keys().read(self._send("GET", "/v1/keys")).issuer
            at, jti = datetime.now(UTC), os.urandom(16).hex()
            call = protocol.token(issuer, self.key, clock=lambda: at, randomness=os.urandom)
            form = {
                "grant_type": "client_credentials",
                "scope": self.scope,
                "client_assertion_type": protocol.ASSERTION_TYPE,
                "client_assertion": protocol.assertion(issuer, self.key, at=at, jti=jti),
            }
            return call.read(self._send("POST", call.request.path, form)).value
        except httpx.HTTPError as wrong:
            raise SourceUnavailable(f"no token: {type(wrong).__name__}") from wrong
        except TillitError as wrong:
            raise SourceUnavailable(f"no token: {wrong.code}") from wrong

    def _send(self, method: str, path: str, form: dict[str, str] | None = None) -> Response:
        answer = self.client.request(method, broker_address(self.url) + path, data=form)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, answer.content)


def broker_address(url: str) -> str:
    """The broker's address; plain HTTP only to the same machine. Raises ``SourceUnavailable``."""
    try:
        return address(url, unsafe_plain_http=False)
    except TillitError as wrong:
        raise SourceUnavailable(wrong.detail) from wrong
