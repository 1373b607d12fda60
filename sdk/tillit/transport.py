"""How requests travel: retries, timeouts, the bound on an answer's size, and what may go in the clear."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from tillit import errors
from tillit.protocol import Request
from tillit.responses import Response, ask_again, retry_after

CONNECT_SECONDS = 5.0


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Retries:
    """When a request is sent again: transport errors, timeouts, 429 and 503, always the same bytes.

    At most ``attempts`` in all, and none after a failure later than ``within`` seconds from the
    start. Waits grow from ``first_wait`` to ``longest_wait`` seconds, with jitter; a Retry-After of
    the broker's is kept to instead, and one longer than ``within`` ends the call at once.
    """

    attempts: int = 4
    within: float = 30.0
    first_wait: float = 0.1
    longest_wait: float = 5.0

    def schedule(self) -> dict[str, Any]:
        """The same in the words of ``stamina.retry_context``."""
        return {
            "attempts": self.attempts,
            "timeout": self.within,
            "wait_initial": self.first_wait,
            "wait_max": self.longest_wait,
            "wait_jitter": self.first_wait,
        }


class Busy(Exception):
    """The broker answered that it should be asked again."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass(frozen=True, slots=True)
class Carriage:
    """How one client's requests travel: whither, how long, how often, how much."""

    address: str
    timeout: float
    retries: Retries
    max_answer_bytes: int
    clock: Callable[[], datetime]
    monotonic: Callable[[], float] = field(repr=False)

    @property
    def proxied(self) -> bool:
        """Whether the environment's proxies are used: they would read along with plain http."""
        return self.address.startswith("https:")

    def http(self, request: Request) -> dict[str, Any]:
        """The request in the words of httpx."""
        return {
            "method": request.method,
            "url": self.address + request.path,
            "headers": dict(request.headers),
            "content": request.content(),
            "timeout": httpx.Timeout(self.timeout, connect=min(self.timeout, CONNECT_SECONDS)),
        }

    def backoff(self, error: Exception) -> bool | float:
        """Whether to send again after this error, and after how many seconds where the broker says so."""
        if isinstance(error, Busy):
            asked = retry_after(error.response, at=self.clock())
            if asked is None:
                return True
            return asked if asked <= self.retries.within else False
        return isinstance(error, httpx.TransportError)


class Reading:
    """One answer being read, within its bounds of size and time."""

    def __init__(self, response: httpx.Response, carriage: Carriage) -> None:
        self._response = response
        self._carriage = carriage
        self._until = carriage.monotonic() + carriage.timeout
        self._body = bytearray()
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise errors.ProtocolError("the answer is compressed, which was not asked for")

    def add(self, chunk: bytes) -> None:
        """Take the next piece. Raises ``ProtocolError`` (too large) or ``httpx.ReadTimeout`` (too slow)."""
        self._body += chunk
        if len(self._body) > self._carriage.max_answer_bytes:
            raise errors.ProtocolError(f"larger than {self._carriage.max_answer_bytes} bytes")
        if self._carriage.monotonic() > self._until:
            raise httpx.ReadTimeout("the answer came too slowly")

    def done(self) -> Response:
        """The whole answer. Raises ``Busy`` when the broker says that it should be asked again."""
        headers = {name.lower(): value for name, value in self._response.headers.items()}
        response = Response(self._response.status_code, headers, bytes(self._body))
        if ask_again(response):
            raise Busy(response)
        return response


def failure(error: httpx.HTTPError) -> errors.TransportError:
    """The SDK's error for one of httpx. Its text names the kind only: an address may hold an id."""
    kind = type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return errors.Timeout(f"the broker did not answer in time ({kind})")
    return errors.TransportError(f"the broker could not be reached ({kind})")


def address(url: str, *, unsafe_plain_http: bool) -> str:
    """The broker's address without a trailing slash.

    Raises:
        UsageError: no http(s) address, credentials in it, or plain HTTP to another machine.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        raise errors.UsageError("the broker's address is no URL") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise errors.UsageError("the broker's address begins with https://")
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise errors.UsageError("the broker's address holds a name, a query or a fragment")
    if parsed.scheme == "http" and not unsafe_plain_http and not _is_loopback(parsed.host):
        raise errors.UsageError("plain http is for the same machine only; use https")
    return str(parsed).rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
