"""A witness of our own, written from C2SP tlog-witness and tlog-cosignature alone: it shares no code with the product.

It keeps one log's latest tree, cosigns what continues it, and refuses everything else. It can be made slow, deaf or forgetful.
"""

import base64
import contextlib
import hashlib
import http.server
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

DASH = "\u2014"


class Refused(Exception):
    """The status and body that the specification wants."""

    def __init__(self, status: int, body: str = "") -> None:
        super().__init__(status)
        self.status, self.body = status, body


@dataclass
class Witness:
    """One witness that knows one log: its origin and raw public key."""

    name: str
    origin: str
    log_key: bytes
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    clock: Any = time.time
    size: int = 0
    root: bytes = b""
    delay: float = 0.0
    broken: int | None = None
    answer: bytes | None = None
    asked: list[tuple[int, int]] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def public(self) -> bytes:
        """The raw public key."""
        return self.key.public_key().public_bytes_raw()

    def key_id(self) -> bytes:
        """As tlog-cosignature computes it."""
        return hashlib.sha256(self.name.encode() + b"\n\x04" + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """As signed-note writes it."""
        key = base64.b64encode(b"\x04" + self.public).decode()
        return f"{self.name}+{self.key_id().hex()}+{key}"

    def cosign(self, body: str, at: int | None = None) -> str:
        """A cosignature/v1 line on a note's text, whatever it says."""
        seconds = int(self.clock()) if at is None else at
        signed = self.key.sign(f"cosignature/v1\ntime {seconds}\n{body}".encode())
        blob = self.key_id() + seconds.to_bytes(8, "big") + signed
        return f"{DASH} {self.name} {base64.b64encode(blob).decode()}\n"

    def add_checkpoint(self, request: str) -> str:
        """The ``add-checkpoint`` call. Raises ``Refused``."""
        head, _, note = request.partition("\n\n")
        first, *proof = head.split("\n")
        if not first.startswith("old ") or not first[4:].isascii() or not first[4:].isdigit():
            raise Refused(400)
        old, path = int(first[4:]), [base64.b64decode(line, validate=True) for line in proof]
        body, _, signatures = note.rpartition("\n\n")
        origin, size_line, root_line = (body + "\n").split("\n")[:3]
        size, root = int(size_line), base64.b64decode(root_line, validate=True)
        self._check_signed(origin, body + "\n", signatures)
        with self.lock:
            self.asked.append((old, size))
            if old > size or len(path) > 63:
                raise Refused(400)
            if old != self.size:
                raise Refused(409, f"{self.size}\n")
            if old == size and self.root and root != self.root:
                raise Refused(409, f"{self.size}\n")
            self._check_consistent(old, size, root, path)
            self.size, self.root = size, root
        return self.cosign(body + "\n")

    def _check_signed(self, origin: str, body: str, signatures: str) -> None:
        if origin != self.origin:
            raise Refused(404)
        wanted = hashlib.sha256(origin.encode() + b"\n\x01" + self.log_key).digest()[:4]
        for line in signatures.split("\n")[:-1]:
            _, name, blob = line.split(" ")
            data = base64.b64decode(blob, validate=True)
            if (name, data[:4]) == (origin, wanted):
                try:
                    Ed25519PublicKey.from_public_bytes(self.log_key).verify(data[4:], body.encode())
                except InvalidSignature:
                    raise Refused(403) from None
                return
        raise Refused(403)

    def _check_consistent(self, old: int, size: int, root: bytes, path: list[bytes]) -> None:
        if old in {0, size}:
            if path:
                raise Refused(422)
            return
        left = list(path)
        try:
            was, became = roots(old, size, left, self.root, whole=True)
        except IndexError:
            raise Refused(422) from None
        if left or (was, became) != (self.root, root):
            raise Refused(422)


def roots(m: int, n: int, path: list[bytes], old: bytes, *, whole: bool) -> tuple[bytes, bytes]:
    """Undo SUBPROOF of RFC 6962 § 2.1.2 from its end: the roots of the first m, and of all n leaves."""
    if m == n:
        known = old if whole else path.pop()
        return known, known
    k = 1
    while k * 2 < n:
        k *= 2
    beside = path.pop()
    if m <= k:
        was, became = roots(m, k, path, old, whole=whole)
        return was, _pair(became, beside)
    was, became = roots(m - k, n - k, path, old, whole=False)
    return _pair(beside, was), _pair(beside, became)


def _pair(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@contextlib.contextmanager
def listening(witness: Witness) -> Iterator[str]:
    """Serve a witness on a free port of loopback; gives its submission prefix."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.witness = witness  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/w"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server: Any = self.server
        witness: Witness = server.witness
        body = self.rfile.read(int(self.headers["content-length"]))
        time.sleep(witness.delay)
        if witness.broken is not None:
            self._answer(witness.broken, b"")
            return
        if self.path != "/w/add-checkpoint":
            self._answer(404, b"")
            return
        try:
            said = witness.add_checkpoint(body.decode()).encode()
        except Refused as refused:
            witness.refusals.append(refused.status)
            self._answer(refused.status, refused.body.encode())
            return
        self._answer(200, said if witness.answer is None else witness.answer)

    def _answer(self, status: int, body: bytes) -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            if status == http.HTTPStatus.CONFLICT:
                self.send_header("content-type", "text/x.tlog.size")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
