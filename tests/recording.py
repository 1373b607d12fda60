"""A wire that remembers: a TCP proxy on loopback that keeps every byte that passes, in both directions."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Wire:
    """What has passed, by direction, and who was on it."""

    url: str
    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)
    clients: list[socket.socket] = field(default_factory=list)


@contextlib.contextmanager
def recorded(url: str) -> Iterator[Wire]:
    """A wire to the server at ``url``; its own address is in ``url`` of what it yields."""
    there = urlsplit(url)
    assert there.hostname is not None
    assert there.port is not None
    with socket.create_server(("127.0.0.1", 0)) as listening:
        wire = Wire(f"http://127.0.0.1:{listening.getsockname()[1]}")
        accepting = threading.Thread(
            target=_accept, args=(listening, (there.hostname, there.port), wire)
        )
        accepting.start()
        try:
            yield wire
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for client in wire.clients:
                # One that was left open, by a test that failed say, must not be waited for.
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(listening: socket.socket, there: tuple[str, int], wire: Wire) -> None:
    threads = []
    with contextlib.suppress(OSError):
        while True:
            near, _ = listening.accept()
            wire.clients.append(near)
            thread = threading.Thread(target=_connect, args=(near, there, wire))
            thread.start()
            threads.append(thread)
    for thread in threads:
        thread.join()


def _connect(near: socket.socket, there: tuple[str, int], wire: Wire) -> None:
    with near, socket.create_connection(there) as far:
        back = threading.Thread(target=_carry, args=(far, near, wire.received))
        back.start()
        _carry(near, far, wire.sent)
        back.join()


def _carry(one: socket.socket, other: socket.socket, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            kept += data
            other.sendall(data)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_WR)
