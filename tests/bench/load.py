"""A small closed-loop load generator: prebuilt requests over kept-alive sockets, in a process of its own.

It does as little per request as can be done, so that two servers are compared and not their client.
"""

import multiprocessing
import re
import socket
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send what. ``{unique}`` in ``head`` is replaced by a number never used twice.

    ``head`` is the request line and headers up to the blank line, without it. ``bodies`` are of one length, and sent in turn.
    """

    port: int
    head: str
    bodies: Sequence[bytes]
    expected: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run saw: answered requests, seconds, and seconds per request, ascending."""

    requests: int
    seconds: float
    latencies: tuple[float, ...]

    @property
    def throughput(self) -> float:
        """Answers per second."""
        return self.requests / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds within which that share of the requests was answered."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]

    @property
    def p50(self) -> float:
        """The median latency in seconds."""
        return statistics.median(self.latencies)

    @property
    def p99(self) -> float:
        """The latency in seconds that one in a hundred exceeds."""
        return self.percentile(0.99)


def measure(target: Target, *, connections: int, seconds: float) -> Measured:
    """Keep every connection busy for that long.

    Raises:
        RuntimeError: an answer had another status than expected.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_generate, args=(sender, target, connections, seconds))
    process.start()
    sender.close()
    try:
        result = receiver.recv()
    except EOFError:
        result = "the load generator ended without a result"
    process.join()
    if isinstance(result, str):
        raise RuntimeError(result)  # noqa: TRY004 - the child's own words
    requests, elapsed, latencies = result
    return Measured(requests, elapsed, tuple(sorted(latencies)))


def _generate(sender: Connection, target: Target, connections: int, seconds: float) -> None:
    """The child process: one thread per connection."""
    numbers = count(time.time_ns())
    latencies: list[float] = []
    failures: list[str] = []
    start = time.perf_counter()
    until = start + seconds

    def work() -> None:
        try:
            latencies.extend(_connection(target, lambda: next(numbers), until))
        except (OSError, RuntimeError) as error:
            failures.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - start
    sender.send(failures[0] if failures else (len(latencies), elapsed, latencies))


def _connection(target: Target, unique: Callable[[], int], until: float) -> Sequence[float]:
    latencies = []
    with socket.create_connection(("127.0.0.1", target.port), timeout=30.0) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (begun := time.perf_counter()) < until:
            number = unique()
            head = target.head.replace("{unique}", str(number))
            body = target.bodies[number % len(target.bodies)]
            connection.sendall(head.encode() + b"\r\n\r\n" + body)
            status = _answer(connection)
            if status != target.expected:
                raise RuntimeError(f"status {status} instead of {target.expected}")
            latencies.append(time.perf_counter() - begun)
    return latencies


def _answer(connection: socket.socket) -> int:
    """Read one whole answer and give its status."""
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _more(connection)
    head = received[:end]
    length, status = _LENGTH.search(head), _STATUS.match(head)
    if length is None or status is None:
        raise RuntimeError("an answer without status or length")
    missing = int(length.group(1)) - (len(received) - end - 4)
    while missing > 0:
        missing -= len(_more(connection))
    return int(status.group(1))


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(262_144)
    if not data:
        raise RuntimeError("the server closed the connection")
    return data


def peak_memory(pid: int) -> int:
    """Bytes that a process has had in memory at most, 0 where the system does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found.group(1)) * 1024 if found else 0
