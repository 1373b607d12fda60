"""The door's own parts: the bounded pool, arrival time, languages, and failures that keep quiet."""

import asyncio
import logging
import threading
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from broker.api.door import Pool, language, log_failure
from broker.api.edge import Edge
from broker.api.errors import BodyTooLarge, BodyTooSlow, Busy
from broker.api.limits import MAX_DRAINED_BYTES, read_body
from broker.api.metrics import Metrics
from tillit.wire import PolicyRef


def _request(*messages: dict[str, Any], hang: bool = False) -> Request:
    """A request whose body arrives as those messages, and then never ends."""
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        if not waiting and hang:
            await asyncio.sleep(60)
        return waiting.pop(0)

    scope = {"type": "http", "method": "POST", "headers": [], "path": "/"}
    return Request(scope, receive)


def test_pool_answers_busy_when_too_many_wait() -> None:
    """Waiting without end would be worse than being told to come back."""
    release = threading.Event()

    def slow() -> Response:
        release.wait(10)
        return Response()

    async def crowd() -> int:
        pool = Pool(threads=1, waiting=1)
        accepted = [asyncio.create_task(pool.run(slow)) for _ in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(Busy):
            await pool.run(slow)
        release.set()
        await asyncio.gather(*accepted)
        again = await pool.run(slow)
        pool.close()
        return again.status_code

    assert asyncio.run(crowd()) == 200


def test_body_that_trickles_is_given_up() -> None:
    """Slow senders do not hold a connection for ever."""
    request = _request({"type": "http.request", "body": b"{", "more_body": True}, hang=True)
    with pytest.raises(BodyTooSlow):
        asyncio.run(read_body(request, seconds=0.05))


def test_body_that_breaks_off_is_refused() -> None:
    """Half a body is no body."""
    request = _request(
        {"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}
    )
    with pytest.raises(BodyTooSlow):
        asyncio.run(read_body(request))


def test_endless_body_is_given_up_unread() -> None:
    """What is refused is drained only so far."""
    chunk = {"type": "http.request", "body": b" " * 1024 * 1024, "more_body": True}
    request = _request(*[chunk] * 20, hang=True)
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(request))
    assert MAX_DRAINED_BYTES < 20 * 1024 * 1024


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("nn", "nn"), ("EN-us", "en"), ("sv;q=1, no", "nb"), ("," * 999, "nb")],
)
def test_language_is_the_first_that_is_spoken(accepted: str, expected: str) -> None:
    """Bokmål when none is."""
    assert language(accepted) == expected


def test_failure_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    """An exception's text can hold what somebody sent."""
    with pytest.raises(KeyError) as failed:
        dict[str, int]()["01810750026"]
    log_failure(failed.value, "GET /x")
    assert "KeyError" in caplog.text
    assert "01810750026" not in caplog.text


def test_failure_anywhere_inside_is_a_500_problem_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The last line of defence."""

    async def broken(*_: Any) -> None:
        raise ValueError("01810750026")

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/01810750026", "headers": []}
    with caplog.at_level(logging.DEBUG):
        metrics = Metrics(PolicyRef(version="1", digest="sha256:" + "0" * 64))
        edge = Edge(broken, https=True, metrics=metrics)
        asyncio.run(edge(scope, receive, send))
    assert sent[0]["status"] == 500
    assert b'"code": "server.failure"' in sent[1]["body"]
    assert (b"strict-transport-security", b"max-age=63072000") in sent[0]["headers"]
    assert "01810750026" not in caplog.text + str(sent)
