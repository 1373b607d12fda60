"""Logs for tests.

The tree as RFC 6962 writes it down, a real log on a database, and one served over HTTP.
"""

import contextlib
import hashlib
import http.server
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from audit import paths, reads, storage
from audit.entries import Entry, Promised
from audit.errors import NoCheckpoint
from audit.files import write
from audit.sealing import Sealer
from audit.sequencer import Sequencer
from broker.store.engine import open_engine
from tillit.leaves import leaf_hash
from tillit.notes import VerifiedCheckpoint, Vkey, open_checkpoint

ORIGIN = "log.example/larvik"
START = datetime(2025, 11, 24, 8, 0, tzinfo=UTC)


class NaiveTree:
    """MTH, PATH and PROOF of RFC 6962 § 2.1, word for word, over the numbers 0, 1, 2 … as leaves."""

    def __init__(self) -> None:
        self.hash = cache(self._hash)

    @staticmethod
    def leaf(index: int) -> bytes:
        """The hash of one leaf."""
        return leaf_hash(index.to_bytes(8, "big"))

    def _hash(self, low: int, high: int) -> bytes:
        if low == high:
            return hashlib.sha256().digest()
        if high - low == 1:
            return self.leaf(low)
        k = self._k(high - low)
        pair = self.hash(low, low + k) + self.hash(low + k, high)
        return hashlib.sha256(b"\x01" + pair).digest()

    def path(self, index: int, low: int, high: int) -> list[bytes]:
        """PATH(index, D[low:high])."""
        if high - low == 1:
            return []
        k = self._k(high - low)
        if index < k:
            return [*self.path(index, low, low + k), self.hash(low + k, high)]
        return [*self.path(index - k, low + k, high), self.hash(low, low + k)]

    def proof(self, old: int, new: int) -> list[bytes]:
        """PROOF(old, D[0:new])."""
        return self._subproof(old, 0, new, whole=True)

    def _subproof(self, old: int, low: int, high: int, *, whole: bool) -> list[bytes]:
        if old == high - low:
            return [] if whole else [self.hash(low, high)]
        k = self._k(high - low)
        if old <= k:
            rest = self._subproof(old, low, low + k, whole=whole)
            return [*rest, self.hash(low + k, high)]
        rest = self._subproof(old - k, low + k, high, whole=False)
        return [*rest, self.hash(low, low + k)]

    @staticmethod
    def _k(n: int) -> int:
        k = 1
        while k * 2 < n:
            k *= 2
        return k


@dataclass
class Clock:
    """Stands still until it is told to go on."""

    now: datetime = START

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass
class Log:
    """A real log: its database, its key, its clock. Salts and contents follow from a counter.

    Contents are kept where there is a ``sealer``.
    """

    engine: Engine
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    clock: Clock = field(default_factory=Clock)
    appended: int = 0
    sealer: Sealer | None = None

    @property
    def vkey(self) -> Vkey:
        """What its auditors trust."""
        return Vkey.of(ORIGIN, self.key)

    @property
    def sequencer(self) -> Sequencer:
        """One more sequencer on this log."""
        return Sequencer(self.engine, origin=ORIGIN, signer=self.key, clock=self.clock)

    def append(self, count: int = 1, *, subject: str | None = None) -> list[Promised]:
        """Write entries one second apart."""
        promised = []
        sealing = self.sealer.begin() if self.sealer else None
        with self.engine.begin() as connection:
            for _ in range(count):
                self.clock.forward(1)
                self.appended += 1
                content = {"number": self.appended, "of": subject or "nobody"}
                entry = Entry("disclosure.released", self.clock(), content, subject)
                salt = hashlib.sha256(b"salt %d" % self.appended).digest()
                promised.append(
                    storage.append(connection, entry, origin=ORIGIN, salt=salt, sealing=sealing)
                )
        if sealing:
            sealing.committed()
        return promised

    def grow(self, count: int) -> list[Promised]:
        """Write entries and sequence them."""
        promised = self.append(count)
        assert self.sequencer.run_once() == count
        return promised

    def checkpoint(self) -> VerifiedCheckpoint:
        """The newest checkpoint, verified."""
        with self.engine.connect() as connection:
            return open_checkpoint(reads.checkpoint(connection), self.vkey)

    def inclusion(self, promised: Promised) -> reads.InclusionProof | None:
        """The proof for what was promised."""
        with self.engine.connect() as connection:
            return reads.inclusion(connection, promised.leaf_hash)

    def consistency(self, old: int, new: int) -> Sequence[bytes]:
        """The proof between two sizes."""
        with self.engine.connect() as connection:
            return reads.consistency(connection, old, new)

    def resource(self, path: str) -> bytes | None:
        """What it serves under a path."""
        with self.engine.connect() as connection:
            return reads.resource(connection, path)

    def run(self, statement: Any, parameters: Any = None) -> None:
        """Do to the database what an intruder would."""
        with self.engine.begin() as connection:
            connection.execute(statement, parameters)

    def export(self, directory: Path) -> Path:
        """Everything the log serves, as files; what it does not serve is left out."""
        for path in (paths.CHECKPOINT, *map(str, paths.needed(self.checkpoint().size))):
            served = self.resource(path)
            if served is not None:
                write(directory / path, served)
        return directory


@contextlib.contextmanager
def opened(url: str) -> Iterator[Log]:
    """A log in a migrated database, on an engine as the broker opens it."""
    log = Log(open_engine(url))
    try:
        yield log
    finally:
        log.engine.dispose()


@contextlib.contextmanager
def served(log: Log, *, busy: int = 0, token: str | None = None) -> Iterator[str]:
    """Serve the log over HTTP on a free port; the first ``busy`` requests are answered 503."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.log, server.busy, server.token = log, busy, token  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        if server.busy:
            server.busy -= 1
            self._answer(503, b"")
        elif server.token and self.headers["authorization"] != f"Bearer {server.token}":
            self._answer(401, b"")
        else:
            self._serve(server.log)

    def _serve(self, log: Log) -> None:
        try:
            body = log.resource(self.path.removeprefix("/log/"))
        except NoCheckpoint:
            body = None
        self._answer(404 if body is None else 200, body or b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
