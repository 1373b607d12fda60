"""Transports that change an answer on its way, as a false broker or somebody between could."""

import json
from collections.abc import Callable
from typing import Any

import httpx

Change = Callable[[Any], Any]


class Tampering(httpx.BaseTransport):
    """Changes the JSON of every answer on paths that begin so, and makes a success of it."""

    def __init__(self, path: str, change: Change) -> None:
        self._path, self._change = path, change
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Carry, then change."""
        response = self._inner.handle_request(request)
        response.read()
        return _changed(request, response, self._path, self._change)

    def close(self) -> None:
        """Close what carries."""
        self._inner.close()


class AsyncTampering(httpx.AsyncBaseTransport):
    """The same for the asynchronous client."""

    def __init__(self, path: str, change: Change) -> None:
        self._path, self._change = path, change
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry, then change."""
        response = await self._inner.handle_async_request(request)
        await response.aread()
        return _changed(request, response, self._path, self._change)

    async def aclose(self) -> None:
        """Close what carries."""
        await self._inner.aclose()


def _changed(
    request: httpx.Request, response: httpx.Response, path: str, change: Change
) -> httpx.Response:
    if not request.url.path.startswith(path):
        return response
    content = json.dumps(change(response.json())).encode()
    return httpx.Response(200, headers={"content-type": "application/json"}, content=content)
