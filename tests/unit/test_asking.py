"""Asking a broker as an auditor: what it answers is checked, and what it refuses is told apart."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from audit.asking import MAX_ANSWER_BYTES, Auditor, EventWrong, Refused
from audit.errors import SourceUnavailable
from tillit.jose import b64u
from tillit.leaves import leaf, leaf_hash

URL = "http://127.0.0.1:8000"
AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

Answers = Callable[[httpx.Request], httpx.Response]


def event(index: int, **changes: Any) -> dict[str, Any]:
    """An event that is the leaf that it says it is."""
    commitment = bytes([index]) * 32
    sound = {
        "index": index,
        "type": "check",
        "at": AT.isoformat(),
        "commitment": b64u(commitment),
        "leaf_hash": b64u(leaf_hash(leaf("check", AT, commitment))),
        "facets": {},
    }
    return {**sound, **changes}


def page(*events: Any, after: int | None = None) -> dict[str, Any]:
    """A page of events."""
    return {"events": events, "next": after, "size": 9}


def auditor(answers: Answers, bearer: Callable[[], str] | None = None) -> Auditor:
    """An auditor of a broker that answers like this."""
    client = httpx.Client(transport=httpx.MockTransport(answers))
    return Auditor(client, URL, bearer, wait=0.001)


def always(body: Any, status: int = 200) -> Answers:
    """The same answer to everything."""
    return lambda _: httpx.Response(status, content=json.dumps(body))


def test_pages_are_followed_to_the_end_or_to_so_many() -> None:
    """An empty page is not the end; progress is told."""
    pages = {"-1": page(event(1), event(2), after=2), "2": page(after=5), "5": page(event(6))}
    told: list[tuple[int, int]] = []
    sizes: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sizes.append(request.url.params["limit"])
        return httpx.Response(200, json=pages[request.url.params["after"]])

    found = auditor(answer).events({}, progress=lambda done, total: told.append((done, total)))
    assert [each.index for each in found] == [1, 2, 6]
    assert told == [(2, 9), (5, 9), (9, 9)]
    assert [each.index for each in auditor(answer).events({}, most=2)] == [1, 2]
    assert sizes == ["500", "500", "500", "2"]


@pytest.mark.parametrize(
    "changes", [{"type": "deposit"}, {"at": "2026-11-23T09:00:01Z"}, {"commitment": "A" * 43}]
)
def test_an_event_that_is_not_its_leaf_is_found(changes: dict[str, str]) -> None:
    """The leaf's hash is what a proof is for: what is shown must be under it."""
    with pytest.raises(EventWrong):
        list(auditor(always(page(event(1, **changes)))).events({}))


def test_pages_that_go_back_are_not_followed_for_ever() -> None:
    """A broker cannot keep an auditor busy with the same page."""
    with pytest.raises(SourceUnavailable, match="do not go on"):
        list(auditor(always(page(event(1), after=0))).events({}, after=3))


def test_a_token_is_asked_for_when_it_is_wanted() -> None:
    """And again when the one before has expired."""
    tokens = iter(["one", "two"])
    valid = {"Bearer two"}

    def answer(request: httpx.Request) -> httpx.Response:
        known = request.headers.get("authorization") in valid
        return httpx.Response(200, json=page()) if known else httpx.Response(401)

    asked = auditor(answer, lambda: next(tokens))
    with pytest.raises(Refused, match="HTTP 401"):
        list(asked.events({}))
    assert list(asked.events({})) == []


def test_a_refusal_says_its_code() -> None:
    """Not enough scope, say."""
    with pytest.raises(Refused, match=r"token\.scope"):
        list(auditor(always({"code": "token.scope", "status": 403}, 403)).events({}))


def test_a_month_that_is_not_counted_is_none_and_no_failure() -> None:
    """Any other refusal is one."""
    assert (
        auditor(always({"code": "audit.not_counted"}, 404)).statistics("2026-11", "events") is None
    )
    with pytest.raises(Refused):
        auditor(always({"code": "path.unknown"}, 404)).statistics("2026-11", "events")


def test_signals_are_followed_to_the_end() -> None:
    """Page by page."""
    last = "sig_" + "a" * 22
    signal: dict[str, Any] = {
        "id": last,
        "rule": "emergency",
        "at": AT.isoformat(),
        "service": "nav-larvik",
    }
    signal |= {"numbers": {"uses": 1}, "events": [3], "more": 0}
    first = {"signals": [signal], "next": last, "rules": {"emergency": "Somebody did."}}

    def answer(request: httpx.Request) -> httpx.Response:
        done = request.url.params.get("after") == last
        assert request.url.params["since"] == "then"
        return httpx.Response(200, json={**first, "signals": [], "next": None} if done else first)

    pages = list(auditor(answer).signals({"since": "then"}))
    assert [len(each.signals) for each in pages] == [1, 0]
    assert len(list(auditor(lambda _: httpx.Response(200, json=first)).signals({}))) == 2


def test_one_event_comes_with_its_proof() -> None:
    """The event is held against its leaf, the proof is the caller's to check."""
    proof = {"index": 1, "leaf_hash": event(1)["leaf_hash"], "path": [], "checkpoint": "x"}
    proven = auditor(always({"event": event(1), "proof": proof})).event(1)
    assert (proven.event.index, proven.proof.index) == (1, 1)


def test_what_is_no_answer_is_told() -> None:
    """Another server, one that is busy or gone, and one that never stops."""
    with pytest.raises(SourceUnavailable, match="none that is known"):
        list(auditor(always({"hello": "world"})).events({}))
    with pytest.raises(SourceUnavailable, match="HTTP 503"):
        list(auditor(lambda _: httpx.Response(503, content=b"<html>")).events({}))

    def gone(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(SourceUnavailable, match="ConnectError"):
        list(auditor(gone).events({}))
    endless = httpx.Response(200, content=b" " * (MAX_ANSWER_BYTES + 1))
    with pytest.raises(SourceUnavailable, match="too large"):
        list(auditor(lambda _: endless).events({}))
