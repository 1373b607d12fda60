"""Both clients behind one face, so that every test of one is a test of the other."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from tillit import AsyncClient, Client

NAMES = ("sync", "async")
LISTED = frozenset({"cases", "complaints", "consents", "events", "invocations"})


class Shell(Protocol):
    """A client that is told what to call, by name; iterators come back as lists."""

    def __call__(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method of the client."""
        ...


Open = Callable[..., Any]


@contextmanager
def opened(name: str, *args: Any, **kwargs: Any) -> Iterator[Shell]:
    """A client of the kind that ``name`` says, closed at the end."""
    if name == "sync":
        with Client(*args, **kwargs) as client:
            yield _sync(client)
        return
    with asyncio.Runner() as runner:
        entered = runner.run(_entered(AsyncClient(*args, **kwargs)))
        try:
            yield _async(entered, runner)
        finally:
            runner.run(entered.__aexit__(None, None, None))


async def _entered(client: AsyncClient) -> AsyncClient:
    return await client.__aenter__()


def _sync(client: Client) -> Shell:
    def call(name: str, *args: Any, **kwargs: Any) -> Any:
        result = getattr(client, name)(*args, **kwargs)
        return list(result) if name in LISTED else result

    return call


def _async(client: AsyncClient, runner: asyncio.Runner) -> Shell:
    def call(name: str, *args: Any, **kwargs: Any) -> Any:
        result = getattr(client, name)(*args, **kwargs)
        return runner.run(_listed(result) if name in LISTED else result)

    return call


async def _listed(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]
