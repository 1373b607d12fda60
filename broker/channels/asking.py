"""Asking over HTTP, bounded in size and time; whoever is asked gets nothing unpacked and no redirect followed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from broker.errors import ChannelDown

TIMEOUT = httpx.Timeout(5.0)
PATIENCE_SECONDS = 10.0
"""A whole answer takes no longer, its head included, also when something of it comes all the time."""
MAX_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered."""

    status: int
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether it was done."""
        return self.status in {HTTPStatus.OK, HTTPStatus.CREATED}


def ask(
    method: str,
    url: str,
    *,
    token: str = "",
    form: Mapping[str, str] | None = None,
    json: Mapping[str, Any] | None = None,
    patience: float = PATIENCE_SECONDS,
) -> Answered:
    """The answer.

    Raises:
        ChannelDown: there is none, or it is too long or too slow.
    """
    headers = {"accept-encoding": "identity"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    try:
        request = httpx.Request(method, url, data=form, json=json, headers=headers)
        return asyncio.run(asyncio.wait_for(_answered(request), patience))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as down:
        # Its words may repeat what was sent.
        raise ChannelDown(type(down).__name__) from None


async def _answered(request: httpx.Request) -> Answered:
    body = b""
    async with httpx.AsyncClient(timeout=TIMEOUT) as client:
        answer = await client.send(request, stream=True)
        try:
            async for part in answer.aiter_raw():
                body += part
                if len(body) > MAX_ANSWER_BYTES:
                    raise ChannelDown("too much")
        finally:
            await answer.aclose()
    return Answered(answer.status_code, body)
