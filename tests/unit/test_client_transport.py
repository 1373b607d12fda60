"""Both clients against a broker that is slow, busy, gone, or not a broker."""

import inspect
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests import shells
from tests.scripted import Act, Seen, answer, drip, hang_up, problem, scripted, stall
from tests.shells import Shell
from tillit import (
    Actor,
    AsyncClient,
    AuthenticationFailed,
    Client,
    ProtocolError,
    RateLimited,
    Retries,
    ServiceKey,
    Subject,
    Timeout,
    TransportError,
    Unavailable,
    UsageError,
    wire,
)

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
KEY = ServiceKey.generate("nav-larvik", randomness=lambda size: b"\x05" * size)
QUICK = Retries(attempts=3, within=5.0, first_wait=0.001, longest_wait=0.002)
TRUST = wire.BrokerKeys(issuer="https://tillit.test", receipts={}, custodian={}, log="")
TOKEN = answer({"access_token": "t1", "token_type": "Bearer", "expires_in": 120})
HANDLE = "hdl_" + "a" * 22
FOUND = answer({"subject": HANDLE})
NUMBER = "13097248022"


@pytest.fixture(params=shells.NAMES)
def kind(request: pytest.FixtureRequest) -> str:
    """Which of the two clients."""
    return str(request.param)


def _client(kind: str, url: str, **more: Any) -> Any:
    given = {"service": "nav-larvik", "key": KEY, "trust": TRUST, "retries": QUICK, **more}
    return shells.opened(kind, url, **{"clock": lambda: NOW, **given})


def _number(shell: Shell) -> Any:
    return shell("subject", national_id=NUMBER)


@pytest.mark.parametrize(
    "fault",
    [
        problem("store.unavailable", 503, retry_after="0"),
        problem("server.busy", 503),
        problem("too.many", 429, retry_after="0"),
        hang_up,
    ],
)
def test_repeat_carries_the_same_bytes_and_idempotency_key(kind: str, fault: Act) -> None:
    """So that a call whose answer was lost is not done twice."""
    with scripted(TOKEN, fault, fault, FOUND) as broker, _client(kind, broker.url) as shell:
        assert Subject(HANDLE, national_id=NUMBER) == _number(shell)
    first, *rest = broker.seen[1:]
    assert [_said(first)] * 2 == [_said(again) for again in rest]
    assert len(first.headers["idempotency-key"]) == 32


def _said(seen: Seen) -> tuple[str, str, bytes, str, str]:
    headers = seen.headers
    return (
        seen.method,
        seen.path,
        seen.body,
        headers["idempotency-key"],
        headers["authorization"],
    )


def test_two_calls_are_two_calls(kind: str) -> None:
    """Without a key of the caller's, nothing is taken for a repeat that is none."""
    with scripted(TOKEN, FOUND) as broker, _client(kind, broker.url) as shell:
        _number(shell)
        _number(shell)
    assert len({seen.headers["idempotency-key"] for seen in broker.seen[1:]}) == 2


def test_gives_up_after_the_last_attempt_with_the_brokers_own_reason(kind: str) -> None:
    """The last answer is what the caller is told."""
    with scripted(TOKEN, problem("store.unavailable", 503)) as broker:
        with _client(kind, broker.url) as shell, pytest.raises(Unavailable) as caught:
            _number(shell)
        assert (caught.value.code, caught.value.status) == ("store.unavailable", 503)
        assert 1 + QUICK.attempts == len(broker.seen)


def test_asks_no_more_when_told_to_wait_longer_than_it_may(kind: str) -> None:
    """A caller in an appointment is told now, not in an hour."""
    fault = problem("too.many", 429, retry_after="3600")
    with scripted(TOKEN, fault) as broker:
        with _client(kind, broker.url) as shell, pytest.raises(RateLimited):
            _number(shell)
        assert len(broker.seen) == 2


def test_refusals_are_not_asked_again(kind: str) -> None:
    """A no is an answer."""
    with scripted(TOKEN, problem("body.invalid", 422)) as broker:
        with _client(kind, broker.url) as shell, pytest.raises(Exception, match="No"):
            _number(shell)
        assert len(broker.seen) == 2


def test_each_attempt_at_a_token_has_an_assertion_of_its_own(kind: str) -> None:
    """The broker spends an assertion even when its answer gets lost."""
    with scripted(hang_up, TOKEN, FOUND) as broker, _client(kind, broker.url) as shell:
        _number(shell)
    assert broker.paths() == ["/oauth/token", "/oauth/token", "/v1/subjects"]
    assert broker.seen[0].body != broker.seen[1].body


def test_gone_broker_is_a_transport_error(kind: str) -> None:
    """The text names what happened, not whom it was about."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with _client(kind, url) as shell, pytest.raises(TransportError) as caught:
            _number(shell)
    assert str(caught.value) == "the broker could not be reached (ConnectError)"
    assert not isinstance(caught.value, Timeout)
    assert caught.value.__suppress_context__


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    """Ends what a script keeps going."""
    event = threading.Event()
    yield event
    event.set()


def test_silent_broker_is_a_timeout(kind: str, stop: threading.Event) -> None:
    """Nothing waits for ever; the attempts together are bounded too."""
    with scripted(TOKEN, stall(stop)) as broker, _client(kind, broker.url, timeout=0.1) as shell:
        with pytest.raises(Timeout) as caught:
            _number(shell)
        stop.set()
        assert caught.value.code == "transport.timeout"
        assert 1 + QUICK.attempts == len(broker.seen)


def test_dripping_broker_is_a_timeout(kind: str, stop: threading.Event) -> None:
    """One byte every little while keeps a read timeout from ever firing; the whole is bounded as well."""
    once = Retries(attempts=1)
    with (
        scripted(TOKEN, drip(stop)) as broker,
        _client(kind, broker.url, timeout=0.3, retries=once) as shell,
    ):
        with pytest.raises(Timeout):
            _number(shell)
        stop.set()


def test_answer_beyond_the_bound_is_not_read(kind: str, stop: threading.Event) -> None:
    """A broker, or whoever stands in its place, cannot fill the memory."""
    flood = drip(stop, piece=b" " * 65536)
    with (
        scripted(TOKEN, flood) as broker,
        _client(kind, broker.url, max_answer_bytes=100_000) as shell,
    ):
        with pytest.raises(ProtocolError, match="larger than 100000 bytes"):
            _number(shell)
        stop.set()
        assert len(broker.seen) == 2


@pytest.mark.parametrize(
    "garbage",
    [
        answer(raw=b"\x1f\x8b", content_encoding="gzip"),
        answer(raw=b"<html>", content_type="text/html"),
        answer(raw=b"\x00\xff"),
        answer([]),
        answer({"subject": "13097248022"}),
        answer(status=302, location="http://127.0.0.1:1/"),
        answer({"detail": "Not Found"}, status=404),
    ],
)
def test_garbage_is_a_protocol_error_and_not_repeated(kind: str, garbage: Act) -> None:
    """Whatever answers there is no broker; the text repeats nothing of it."""
    with scripted(TOKEN, garbage) as broker:
        with _client(kind, broker.url) as shell, pytest.raises(ProtocolError) as caught:
            _number(shell)
        assert NUMBER not in str(caught.value)
        assert len(broker.seen) == 2


# --- tokens ---


def test_token_is_used_again_and_renewed_in_time(kind: str) -> None:
    """One token serves many calls; a call never starts with one that is about to run out."""
    times = iter([0, 0, 60, 111, 111, 111])
    second = answer({"access_token": "t2", "token_type": "Bearer", "expires_in": 120})

    def clock() -> datetime:
        return datetime.fromtimestamp(NOW.timestamp() + next(times), UTC)

    with (
        scripted(TOKEN, FOUND, FOUND, second, FOUND) as broker,
        _client(kind, broker.url, clock=clock) as shell,
    ):
        for _ in range(3):
            _number(shell)
    assert (broker.paths()) == [
        "/oauth/token",
        "/v1/subjects",
        "/v1/subjects",
        "/oauth/token",
        "/v1/subjects",
    ]
    used = [seen.headers["authorization"] for seen in broker.seen if seen.path != "/oauth/token"]
    assert used == ["Bearer t1", "Bearer t1", "Bearer t2"]


def test_refused_token_is_renewed_once_and_the_call_repeated(kind: str) -> None:
    """Clocks differ, and a broker may have restarted with other keys."""
    refused = problem("token.expired", 401)
    with scripted(TOKEN, refused, TOKEN, FOUND) as broker, _client(kind, broker.url) as shell:
        _number(shell)
    keys = [seen.headers.get("idempotency-key") for seen in broker.seen]
    assert keys[1] == keys[3]
    with scripted(TOKEN, refused, TOKEN, refused) as broker:
        with _client(kind, broker.url) as shell, pytest.raises(AuthenticationFailed):
            _number(shell)
        assert len(broker.seen) == 4


def test_refused_assertion_ends_the_call(kind: str) -> None:
    """Without a token there is nothing to try."""
    with scripted(problem("client.unknown", 401)) as broker:
        with _client(kind, broker.url) as shell, pytest.raises(AuthenticationFailed) as caught:
            _number(shell)
        assert caught.value.code == "client.unknown"
        assert broker.paths() == ["/oauth/token"]


# --- paging ---


def test_broker_that_pages_in_circles_is_left(kind: str) -> None:
    """A cursor that does not move would be followed for ever."""
    cursor = "con_" + "a" * 22
    page = answer({"consents": [], "next": cursor})
    with scripted(TOKEN, page) as broker, _client(kind, broker.url) as shell:
        with pytest.raises(ProtocolError, match="the next page is this page"):
            shell("consents")
        assert len(broker.seen) == 3
    event = {"id": 1, "type": "consent.active", "at": NOW.isoformat(), "subject": None}
    with scripted(TOKEN, answer({"events": [event], "next": 0})) as broker:
        with _client(kind, broker.url) as shell, pytest.raises(ProtocolError):
            shell("events")
        assert len(broker.seen) == 2


def test_unchanged_catalogue_that_was_never_seen_is_an_error(kind: str) -> None:
    """There is nothing that it could be unchanged from."""
    with scripted(TOKEN, answer(status=304, raw=b"")) as broker, _client(kind, broker.url) as shell:
        with pytest.raises(ProtocolError, match="unknown catalogue"):
            shell("catalogue")
        assert "if-none-match" not in broker.seen[1].headers


def test_check_that_does_not_answer_each_field_once_is_an_error(kind: str) -> None:
    """A field that is neither permitted nor withheld could be read as either."""
    obligations = {
        "notify": "immediate",
        "erase_after": "P30D",
        "onward_sharing": False,
        "journal": True,
    }
    content = {
        "outcome": "refused",
        "permitted": {},
        "withheld": {},
        "obligations": obligations,
        "stable_until": None,
        "policy": {"version": "1", "digest": "sha256:" + "0" * 64},
    }
    with scripted(TOKEN, answer(content)) as broker, _client(kind, broker.url) as shell:
        with pytest.raises(ProtocolError, match="each asked field once"):
            shell(
                "check",
                Subject(HANDLE),
                ["education.grades"],
                purpose="coordination",
                actor=Actor(id="a17", role="veileder"),
            )
        assert "education.grades" in json.loads(broker.seen[1].body)["fields"]


# --- made with the wrong thing ---


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://broker.example", "plain http is for the same machine only"),
        ("http://10.0.0.7:8000", "plain http is for the same machine only"),
        ("ftp://broker.example", "begins with https://"),
        ("broker.example", "begins with https://"),
        ("https://", "begins with https://"),
        ("https://user:secret@broker.example", "holds a name, a query or a fragment"),
        ("https://broker.example/?a=b", "holds a name, a query or a fragment"),
        ("https://broker.example/#a", "holds a name, a query or a fragment"),
        ("https://broker.example:port", "is no URL"),
        (None, "is no URL"),
    ],
)
def test_address_that_would_give_things_away_is_refused(kind: str, url: Any, said: str) -> None:
    """Identity numbers and tokens travel there."""
    with pytest.raises(UsageError, match=said), _client(kind, url):
        pass


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("https://broker.example/tillit/", {}),
        ("http://localhost:8000", {}),
        ("http://[::1]:8000", {}),
        ("http://broker.internal", {"unsafe_plain_http": True}),
    ],
)
def test_address_may_be_encrypted_local_or_said_to_be_unsafe(
    kind: str, url: str, more: dict[str, Any]
) -> None:
    """The exception has a name that a reviewer stumbles over."""
    with _client(kind, url, **more):
        pass


def test_plain_http_stays_on_the_machine(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that the environment names would read identity numbers that were not to leave."""
    with scripted(answer(status=502, raw=b"")) as proxy, scripted(TOKEN, FOUND) as broker:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with _client(kind, broker.url) as shell:
            _number(shell)
        assert proxy.seen == []


def test_key_of_another_unit_is_refused(kind: str) -> None:
    """Speaking for the wrong unit is found before anything is sent."""
    with (
        pytest.raises(UsageError, match="the key is nav-larvik's, not ot-vestfold's"),
        _client(kind, "http://127.0.0.1:1", service="ot-vestfold"),
    ):
        pass


def test_idempotency_key_that_no_broker_takes_is_refused(kind: str) -> None:
    """Found here, where the caller can see it."""
    with _client(kind, "http://127.0.0.1:1") as shell:
        for wrong in ("short", "with space", "x" * 129, "ny_nøkkel"):
            with pytest.raises(UsageError, match="8 to 128 letters, digits"):
                shell(
                    "check",
                    Subject(HANDLE),
                    ["education.grades"],
                    purpose="coordination",
                    actor=Actor(id="a17", role="veileder"),
                    idempotency_key=wrong,
                )


def test_subject_without_a_number_cannot_open_or_deposit(kind: str) -> None:
    """Found before anything is decided, recorded and notified."""
    actor = Actor(id="a17", role="veileder")
    with _client(kind, "http://127.0.0.1:1") as shell:
        with pytest.raises(UsageError, match="without the identity number"):
            shell("ask", Subject(HANDLE), ["a.b"], purpose="coordination", actor=actor)
        with pytest.raises(UsageError, match="without the identity number"):
            shell("disclosure", "dis_" + "a" * 22, Subject(HANDLE))
        with pytest.raises(UsageError, match="without the identity number"):
            shell(
                "deposit",
                Subject(HANDLE),
                {"a.b": 1},
                observed_at=NOW,
                basis="measured",
                author_role="teacher",
            )


def test_transport_may_be_given() -> None:
    """For a proxy of one's own, or for a test without a network."""
    answers = httpx.MockTransport(lambda _: httpx.Response(200, json=TRUST.model_dump()))
    with Client("https://tillit.test", service="nav-larvik", key=KEY, transport=answers) as client:
        assert client.trust() == TRUST
        assert repr(client) == "Client('https://tillit.test', service='nav-larvik')"


def test_both_clients_have_the_same_face() -> None:
    """Call by call, argument by argument: what one can, the other can."""
    sync, other = (
        {
            name: list(inspect.signature(member).parameters.values())
            for name, member in vars(kind).items()
            if inspect.isfunction(member) and not name.startswith("_")
        }
        for kind in (Client, AsyncClient)
    )
    assert sync.keys() == other.keys()
    for name, parameters in sync.items():
        assert [(p.name, p.kind, p.default) for p in parameters] == [
            (p.name, p.kind, p.default) for p in other[name]
        ]
    assert (
        repr(AsyncClient("https://x.no", service="nav-larvik", key=KEY))
        == "AsyncClient('https://x.no', service='nav-larvik')"
    )
