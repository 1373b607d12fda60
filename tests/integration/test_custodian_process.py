"""The custodian's own process from the outside: who may speak to it, and what comes of what is no message."""

import asyncio
import grp
import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from keys import serving
from keys.custodian import Custodian
from keys.errors import CustodianUnreachable, ReleaseRateExceeded
from keys.keyring import LocalCustodian
from keys.messages import MAX_ANSWER_BYTES, MAX_BODY_BYTES
from keys.rates import Rate
from keys.remote import RemoteCustodian, tls_context
from keys.server import CALLS, THREADS, Application
from keys.serving import AddressUnfit
from tests.custodians import Authority, both_ends, on_a_socket, over_tls, short_directory
from tests.keyring_case import a_deposit
from tests.sealed_case import NOW, PASSPHRASE, SUBJECT, admit, local_custodian, warrant_for
from tillit.keys import ServiceKey

BODY_NAMES = ("key", "wrapped", "recipient_jwk", "receipt", "manifest", "kid", "manifest_hash")


@pytest.fixture
def local(tmp_path: Path) -> LocalCustodian:
    """A custodian on a fresh keyring."""
    return local_custodian(tmp_path / "keyring")


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Something else on a socket, which says the same to everybody; none: it says nothing."""
    with short_directory() as home, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(home / "socket"))
        listening.listen()
        held: list[socket.socket] = []

        def answer_all() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                held.append(connection)
                connection.recv(65536)
                if answer:
                    connection.sendall(answer)
                    connection.close()

        thread = threading.Thread(target=answer_all, daemon=True)
        thread.start()
        yield str(home / "socket")
        listening.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()
        thread.join(5)


def http(status: int, body: bytes) -> bytes:
    """An HTTP answer."""
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


# --- what is no message, and no answer ---


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/public_jwk", b"", 404, "message.unknown"),
        ("POST", "/", b"{}", 404, "message.unknown"),
        ("POST", "/open", b"{}", 404, "message.unknown"),
        ("POST", "/public_jwk", b"", 400, "message.malformed"),
        ("POST", "/public_jwk", b"[]", 400, "message.malformed"),
        ("POST", "/public_jwk", b'{"x":1}', 400, "message.malformed"),
        ("POST", "/shred", b'{"subject":"a","subject":"b"}', 400, "message.malformed"),
        ("POST", "/shred", b'{"subject":""}', 400, "message.malformed"),
        ("POST", "/shred", b"\xff", 400, "message.malformed"),
        ("POST", "/shred", b" " * (MAX_BODY_BYTES + 1), 413, "message.too_large"),
    ],
)
def test_what_is_no_message_changes_nothing(
    local: LocalCustodian,
    tmp_path: Path,
    method: str,
    path: str,
    body: bytes,
    status: int,
    code: str,
) -> None:
    """Each is refused with a code, and the keyring is as it was."""
    with on_a_socket(local) as remote:
        answer = remote._client.request(method, path, content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert list((tmp_path / "keyring" / "subjects").iterdir()) == []


def test_no_message_holds_a_value_even_a_sealed_one(local: LocalCustodian) -> None:
    """The custodian never gets ciphertext: there is no member that could carry any."""
    named = {name for model, _ in CALLS.values() for name in model.model_fields}
    assert named - {"subject", "epoch", "volumes"} == set(BODY_NAMES)
    with on_a_socket(local) as remote:
        body = {"subject": "s", "ciphertext": "x"}
        assert remote._client.post("/shred", json=body).status_code == 400


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        http(200, b"<html>"),
        http(200, b'{"jwk":7}'),
        http(200, b'{"jwk":{},"more":1}'),
        http(502, b"Bad Gateway"),
        http(422, b'{"code":"nobody.knows"}'),
        http(422, b'{"code":7}'),
        http(200, b" " * (MAX_ANSWER_BYTES + 1)),
    ],
    ids=[
        "nothing",
        "ssh",
        "html",
        "a number",
        "more",
        "bad gateway",
        "unknown",
        "no code",
        "large",
    ],
)
def test_an_answer_that_is_none_is_no_answer(answer: bytes) -> None:
    """Whatever listens there, the broker has nothing released and may ask again."""
    with answering(answer) as path:
        remote = RemoteCustodian(path)
        with pytest.raises(CustodianUnreachable):
            remote.public_jwk()
        remote.close()


def test_nobody_there_is_told_at_once() -> None:
    """A custodian that is being started anew is away, not wrong."""
    with short_directory() as home:
        remote = RemoteCustodian(str(home / "socket"))
        with pytest.raises(CustodianUnreachable):
            remote.public_jwk()
        remote.close()


def test_what_breaks_inside_leaves_nothing_of_it_outside(tmp_path: Path) -> None:
    """No text of an unexpected error crosses: it could hold a secret."""
    local_custodian(tmp_path / "keyring")

    def broken() -> bytes:
        raise RuntimeError("a secret")

    with on_a_socket(LocalCustodian(tmp_path / "keyring", broken)) as remote:
        answer = remote._client.post("/public_jwk", json={})
        assert (answer.status_code, answer.json()["code"]) == (500, "custodian.failure")
        assert "secret" not in answer.text


def test_how_long_to_wait_crosses_too(tmp_path: Path) -> None:
    """A recipient that had much is told the same from another process."""
    local_custodian(tmp_path / "keyring")
    rate = Rate(per_second=0.01, burst=1)
    slow = LocalCustodian(tmp_path / "keyring", lambda: PASSPHRASE, clock=lambda: NOW, rate=rate)
    enc = ServiceKey.generate("nav-larvik").public_jwks()["keys"][1]
    with on_a_socket(slow) as remote:
        stored = admit(remote, a_deposit(slow))
        given: dict[str, Any] = {
            "subject": SUBJECT,
            "wrapped": stored,
            "recipient_jwk": enc,
            "kid": enc["kid"],
            "warrant": warrant_for(stored, enc["kid"], slow.broker_keys().receipts),
        }
        remote.release(**given)
        with pytest.raises(ReleaseRateExceeded) as caught:
            remote.release(**given)
    assert 90 <= caught.value.retry_after <= 100


# --- bounds ---


def called(application: Application, receive: Callable[[], Any]) -> tuple[int, Mapping[str, Any]]:
    """What the application answers to a POST of /public_jwk that is received like this."""
    sent: list[Mapping[str, Any]] = []

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/public_jwk"}
    asyncio.run(application(scope, receive, send))
    application.close()
    return int(sent[0]["status"]), json.loads(sent[1]["body"])


def test_a_body_that_does_not_come_is_not_waited_for(local: LocalCustodian) -> None:
    """A broker that hangs holds nobody up."""

    async def never() -> Mapping[str, Any]:
        await asyncio.sleep(60)
        return {}

    answer = called(Application(local, body_seconds=0.01), never)
    assert answer == (400, {"code": "message.too_slow", "detail": "", "retry_after": None})


def test_a_body_that_is_cut_off_is_no_message(local: LocalCustodian) -> None:
    """Half of a message is none."""
    parts: list[Mapping[str, Any]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def cut() -> Mapping[str, Any]:
        return parts.pop(0)

    assert called(Application(local), cut)[1]["code"] == "message.cut_off"


def test_more_than_can_wait_are_sent_away(local: LocalCustodian) -> None:
    """The custodian's memory has a bound, whatever the broker does."""

    async def empty() -> Mapping[str, Any]:
        return {"type": "http.request", "body": b"{}"}

    assert called(Application(local, waiting=-THREADS), empty) == (
        503,
        {"code": "custodian.busy", "detail": "", "retry_after": None},
    )


# --- who may connect ---


def test_only_its_owner_opens_the_socket(local: LocalCustodian) -> None:
    """Mode 0600, and the kernel says who is at the other end."""
    with short_directory() as home:
        with serving.unix_socket(home / "socket"):
            assert stat.S_IMODE((home / "socket").stat().st_mode) == 0o600
        assert not (home / "socket").exists()
    with on_a_socket(local) as remote:
        assert remote.public_jwk() == local.public_jwk()
    with on_a_socket(local, peers={os.getuid() + 1}) as remote, pytest.raises(CustodianUnreachable):
        remote.public_jwk()


def test_a_group_may_open_the_socket_when_it_is_named() -> None:
    """A broker of another user needs the group, and to be named as a peer."""
    own = grp.getgrgid(os.getgid()).gr_name
    with short_directory() as home, serving.unix_socket(home / "socket", group=own):
        assert stat.S_IMODE((home / "socket").stat().st_mode) == 0o660
    with (
        short_directory() as home,
        pytest.raises(AddressUnfit),
        serving.unix_socket(home / "socket", group="no such group"),
    ):
        raise AssertionError


def test_a_socket_that_was_left_is_replaced_and_one_in_use_is_not() -> None:
    """After kill -9 it starts without anybody's help, and never beside itself."""
    with short_directory() as home:
        path = home / "socket"
        with serving.unix_socket(path) as listening:
            listening.listen()
            with pytest.raises(AddressUnfit, match="already"), serving.unix_socket(path):
                raise AssertionError
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
        with serving.unix_socket(path):
            assert path.exists()
        path.write_text("a file of somebody's")
        with pytest.raises(AddressUnfit, match="something else"), serving.unix_socket(path):
            raise AssertionError
        assert path.read_text() == "a file of somebody's"


def test_it_stops_while_a_broker_holds_an_idle_connection(
    local: LocalCustodian, tmp_path: Path
) -> None:
    """A custodian that is told to stop is back soon, whoever is connected."""
    server, client = both_ends(tmp_path)
    with over_tls(local, server=server, client=client) as remote:
        idle = RemoteCustodian(str(remote._client.base_url), tls=client)
        assert idle.public_jwk() == local.public_jwk()
        told = time.monotonic()
    assert time.monotonic() - told < serving.STOP_SECONDS / 2
    idle.close()


def test_what_has_begun_is_answered_before_it_stops(local: LocalCustodian, tmp_path: Path) -> None:
    """However long after an idle peer is let go."""
    begun, go = threading.Event(), threading.Event()

    def slowly() -> bytes:
        begun.set()
        assert go.wait(10)
        return PASSPHRASE

    slow, (server, client) = LocalCustodian(tmp_path / "keyring", slowly), both_ends(tmp_path)
    answers: list[dict[str, Any]] = []
    with over_tls(slow, server=server, client=client) as remote:
        asking = RemoteCustodian(str(remote._client.base_url), tls=client)
        thread = threading.Thread(target=lambda: answers.append(asking.public_jwk()))
        thread.start()
        assert begun.wait(5)
        threading.Timer(serving.PARTING_SECONDS * 1.5, go.set).start()
    thread.join(5)
    asking.close()
    assert answers == [local.public_jwk()]


def test_tcp_takes_certificates_on_both_sides(local: LocalCustodian, tmp_path: Path) -> None:
    """Nobody who cannot show one that the custodian believes gets as far as a message."""
    server, client = both_ends(tmp_path)
    stranger = Authority(tmp_path, "stranger")
    chain, key = stranger.certificate("somebody")
    wrong = tls_context(certificate=chain, key=key, authorities=tmp_path / "custodians.ca.pem")
    with over_tls(local, server=server, client=client) as remote:
        assert remote.public_jwk() == local.public_jwk()
        url = str(remote._client.base_url)
        unbelieved = RemoteCustodian(url, tls=wrong)
        with pytest.raises(CustodianUnreachable):
            unbelieved.public_jwk()
        unbelieved.close()
        with pytest.raises(httpx.HTTPError):
            httpx.post(url.replace("https", "http") + "/public_jwk", json={})
    doubting = tls_context(certificate=chain, key=key, authorities=stranger.file)
    with (
        over_tls(local, server=server, client=doubting) as remote,
        pytest.raises(CustodianUnreachable),
    ):
        remote.public_jwk()


def test_there_is_no_way_without_a_check(local: LocalCustodian) -> None:
    """Neither side can be set up for plain TCP."""
    with pytest.raises(ValueError, match="TLS"):
        RemoteCustodian("https://127.0.0.1:1")
    application = Application(local)
    with pytest.raises(AddressUnfit, match="either"):
        serving.server(application)
    application.close()
    with serving.tcp_socket("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        listening.listen()
        with pytest.raises(AddressUnfit), serving.tcp_socket("127.0.0.1", port):
            raise AssertionError


def test_the_port_is_the_same_on_both_sides() -> None:
    """What the broker's side can do is what the port says, no less."""
    wanted = {name for name in vars(Custodian) if not name.startswith("_")}
    assert wanted == {path.removeprefix("/") for path in CALLS}
    for name in wanted:
        assert callable(getattr(RemoteCustodian, name))
