"""Calls: what a broker answers to a GET over HTTP, asked again while it is busy, with a token that is renewed when refused."""

import time
from collections.abc import Callable, Mapping
from typing import Final

import httpx

from audit.errors import SourceUnavailable

ATTEMPTS: Final = 4
FIRST_WAIT: Final = 0.2

_UNAUTHORIZED = 401
_BUSY = frozenset({429, 500, 502, 503, 504})


class Caller:
    """GETs under one address. ``bearer`` is asked for a token, anew when the broker refuses the last one."""

    def __init__(
        self,
        client: httpx.Client,
        address: str,
        bearer: Callable[[], str] | None = None,
        *,
        wait: float = FIRST_WAIT,
    ) -> None:
        self._client = client
        self._address = address
        self._bearer = bearer
        self._wait = wait
        self._token = ""

    def get(
        self, path: str, *, limit: int, query: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body, of which at most ``limit`` + 1 bytes are read.

        Raises ``SourceUnavailable`` when it is out of reach, or busy, again and again.
        """
        wait, reason = self._wait, ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(wait)
                wait *= 2
            try:
                status, body = self._authorized(path, limit, query)
            except httpx.HTTPError as wrong:
                reason = type(wrong).__name__
                continue
            if status not in _BUSY:
                return status, body
            reason = f"HTTP {status}"
        raise SourceUnavailable(f"{path}: {reason}")

    def _authorized(
        self, path: str, limit: int, query: Mapping[str, str] | None
    ) -> tuple[int, bytes]:
        status, body = self._once(path, limit, query)
        if status == _UNAUTHORIZED and self._bearer is not None:
            self._token = self._bearer()
            status, body = self._once(path, limit, query)
        return status, body

    def _once(self, path: str, limit: int, query: Mapping[str, str] | None) -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        with self._client.stream(
            "GET", self._address + path, params=query, headers=headers
        ) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > limit:
                    break
            return response.status_code, bytes(body[: limit + 1])
