"""A loopback HTTP server that answers as scripted, for what a sound broker never does."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[["Handler"], None]


@dataclass(frozen=True)
class Seen:
    """One request as it arrived: header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Script:
    """What to answer, request by request; the last act is repeated. ``seen`` is what arrived."""

    acts: list[Act]
    seen: list[Seen] = field(default_factory=list)
    url: str = ""

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [one.path for one in self.seen]


class Handler(BaseHTTPRequestHandler):
    """Does the next act of the script."""

    protocol_version = "HTTP/1.1"
    script: Script

    def do_GET(self) -> None:
        """Any request."""
        size = int(self.headers.get("content-length", "0"))
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, self.path, headers, self.rfile.read(size))
        acts = self.script.acts
        act = acts.pop(0) if len(acts) > 1 else acts[0]
        self.script.seen.append(seen)
        act(self)

    do_POST = do_GET  # noqa: N815 (the base class names it)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it)
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the script."""


@contextmanager
def scripted(*acts: Act) -> Iterator[Script]:
    """A server that does the acts, one per request."""
    script = Script(list(acts))
    handler = type("Scripted", (Handler,), {"script": script})
    server = _Server(("127.0.0.1", 0), handler)
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(
    content: Any = None, *, status: int = 200, raw: bytes | None = None, **headers: str
) -> Act:
    """Answer with JSON, or with raw bytes; underscores in header names become hyphens."""
    body = json.dumps(content).encode() if raw is None else raw

    def act(handler: Handler) -> None:
        handler.send_response(status)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"content-type": "application/json", **given}.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return act


def problem(code: str, status: int, title: str = "No", **headers: str) -> Act:
    """Answer with a problem."""
    content = {"type": f"urn:tillit:problem:{code}", "title": title, "status": status, "code": code}
    typed = {"content_type": "application/problem+json", **headers}
    return answer(content, status=status, raw=None, **typed)


def hang_up(handler: Handler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def stall(until: threading.Event) -> Act:
    """Answer nothing until told to go on."""

    def act(handler: Handler) -> None:
        until.wait(10)
        hang_up(handler)

    return act


def drip(every: threading.Event, piece: bytes = b" ") -> Act:
    """Begin an answer and send it byte by byte, each after a little while, without an end."""

    def act(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", "1000000")
        handler.end_headers()
        while not every.wait(0.02):
            handler.wfile.write(piece)
            handler.wfile.flush()

    return act
