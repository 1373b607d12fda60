"""Where a custodian's process listens, and whom it lets in.

On a unix socket that only its owner may open (or a group), each peer asked for by the kernel; or
on TCP, where both sides show certificates. There is no other way.
"""

import contextlib
import errno
import grp
import os
import socket
import ssl
import stat
import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from keys.custodian import Custodian
from keys.server import Application

MAX_CONNECTIONS = 256
MAX_HEADER_BYTES = 16 * 1024
STOP_SECONDS = 10
KEPT_SECONDS = 60
PARTING_SECONDS = 1

_PEER = struct.Struct("3i")


class AddressUnfit(Exception):
    """Nothing can listen where it was told to; the text says why."""


def serve(
    custodian: Custodian,
    listening: socket.socket,
    *,
    peers: Collection[int] | None = None,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Answer on a socket until SIGTERM or SIGINT; what has begun is ended first.

    ``peers``: the users that may connect to a unix socket, ``tls``: how any other is protected; one
    of them is needed.
    """
    application = Application(custodian)
    try:
        server(application, peers=peers, tls=tls).run(sockets=[listening])
    finally:
        application.close()


def server(
    application: Application,
    *,
    peers: Collection[int] | None = None,
    tls: ssl.SSLContext | None = None,
) -> uvicorn.Server:
    """The HTTP server of an application, for whoever runs it otherwise than ``serve``."""
    if (peers is None) is (tls is None):
        raise AddressUnfit("either peers of a unix socket are checked, or certificates")
    config = uvicorn.Config(
        application,
        http=_Parting if peers is None else checking(frozenset(peers)),
        ssl_context_factory=None if tls is None else lambda *_: tls,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEPT_SECONDS,
        limit_concurrency=MAX_CONNECTIONS,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return uvicorn.Server(config)


class _Parting(H11Protocol):
    """HTTP over TLS that ends with the process: a peer that is idle never answers TLS's goodbye."""

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self.loop.call_later(PARTING_SECONDS, self.transport.abort)


def checking(peers: frozenset[int]) -> type[H11Protocol]:
    """The HTTP of peers whom the kernel says to be one of these users; others are cut off unheard."""

    class Checked(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if user_of(transport.get_extra_info("socket")) not in peers:
                transport.abort()

    return Checked


def user_of(connection: Any) -> int:
    """The user at the other end of a unix socket (SO_PEERCRED)."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, user, _ = _PEER.unpack(raw)
    return int(user)


@contextmanager
def unix_socket(path: Path, *, group: str | None = None) -> Iterator[socket.socket]:
    """A socket that its owner alone may open, or a group too; its file goes when it is let go.

    One that a killed process left is replaced; one that somebody answers on is not.
    """
    _clear(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listening.bind(os.fspath(path))
        if group is not None:
            os.chown(path, -1, grp.getgrnam(group).gr_gid)
            path.chmod(0o660)
    except (OSError, KeyError) as error:
        listening.close()
        raise AddressUnfit(f"cannot listen on {path}: {error}") from None
    finally:
        os.umask(mask)
    try:
        yield listening
    finally:
        listening.close()
        path.unlink(missing_ok=True)


@contextmanager
def tcp_socket(host: str, port: int) -> Iterator[socket.socket]:
    """A socket on an address of this machine."""
    with contextlib.ExitStack() as stack:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
            )[0]
            listening = stack.enter_context(socket.socket(family, kind, protocol))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
        except OSError as error:
            raise AddressUnfit(f"cannot listen on {host} port {port}: {error.strerror}") from None
        yield listening


def _clear(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise AddressUnfit(f"{path} is something else than a socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        refused = probe.connect_ex(os.fspath(path))
    if refused != errno.ECONNREFUSED:
        raise AddressUnfit(f"somebody listens on {path} already")
    path.unlink()
