"""Sources: where a log is read from outside, a broker's HTTP address or a mirrored directory.

A resource that the log does not have (``ResourceMissing``) is told from a log that cannot be
reached (``SourceUnavailable``): the first says something about the log, the second nothing.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import httpx

from audit.calls import Caller
from audit.errors import ResourceMissing, SourceUnavailable
from tillit import protocol
from tillit.errors import TillitError
from tillit.keys import ServiceKey
from tillit.responses import Response
from tillit.transport import address

SCOPE = "log"


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
        self._calls = Caller(client, f"{broker_address(url)}/log/", bearer)

    def get(self, path: str, *, limit: int) -> bytes:
        """Fetch one resource, asking again a few times when the broker is busy or out of reach."""
        status, body = self._calls.get(path, limit=limit)
        if status == httpx.codes.OK:
            return body
        if status == httpx.codes.NOT_FOUND:
            raise ResourceMissing(path)
        raise SourceUnavailable(f"{path}: HTTP {status}")


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
