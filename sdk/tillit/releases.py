"""The custodian's release log: one line per release of keys, each chained to the one before it.

A line is the JCS form (RFC 8785) of ``{v: 1, number, at, leaf, manifest, kid, count, previous}``:
``leaf`` is the Merkle hash of the log entry that the release rests on, ``manifest`` the hash of what
was released, ``kid`` the key it was sealed to, ``count`` how many values, ``previous`` the SHA-256
of the line before. No subject stands in it and no person.

The lines lie in numbered segments. Each begins with ``{v: 1, segment, first, torn, previous}``:
``first`` is the number of the release that comes next, ``torn`` how many bytes at the end of the
segment before are no line, because a writer died or the power went. They were never answered for,
and are left as they are. The custodian signs how long the chain is and the hash of its last line,
in the form of a checkpoint (``tillit.notes``) whose root is that hash.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tillit.errors import VerificationError
from tillit.jose import TokenInvalid, b64u, unb64u
from tillit.leaves import instant
from tillit.notes import Vkey, sign_checkpoint
from tillit.proofs import HASH_BYTES
from tillit.wire import MAX_FIELDS

NAME = "tillit-custodian/releases"
"""The name under which a custodian signs; its vkey says which one it is."""

HEAD = "head"
MAX_SEGMENT_BYTES = 8 * 1024 * 1024

_BEGIN = bytes(HASH_BYTES)
_NUMBER = rb"(0|[1-9][0-9]{0,17})"
_HASH = rb'"([A-Za-z0-9_-]{43})"'
_RELEASE = re.compile(
    rb'\{"at":"([0-9TZ:.-]{27})","count":' + _NUMBER + rb',"kid":' + _HASH + rb',"leaf":' + _HASH
    + rb',"manifest":' + _HASH + rb',"number":' + _NUMBER + rb',"previous":' + _HASH + rb',"v":1\}'
)  # fmt: skip
_START = re.compile(
    rb'\{"first":' + _NUMBER + rb',"previous":' + _HASH + rb',"segment":' + _NUMBER
    + rb',"torn":' + _NUMBER + rb',"v":1\}'
)  # fmt: skip


class ReleaseLogInvalid(VerificationError):
    """A line is no line of a release log, or does not follow the one before it."""

    code = "verification.release_log_invalid"


@dataclass(frozen=True, slots=True)
class Release:
    """One release: which entry it rests on, of what, to which key, how many values, when.

    ``number`` counts from 1. ``kid`` is the thumbprint of the recipient's key (RFC 7638).
    """

    number: int
    at: datetime
    leaf_hash: bytes
    manifest_hash: bytes
    kid: str
    count: int


@dataclass(frozen=True, slots=True)
class Start:
    """The first line of a segment; segments count from 1."""

    segment: int
    first: int
    torn: int


def release_line(release: Release, previous: bytes) -> bytes:
    """The line of a release, without its newline. ValueError: no line can hold it."""
    if not 0 <= release.count <= MAX_FIELDS or release.number < 1:
        raise ValueError("not a release's count and number")
    at, leaf, manifest = instant(release.at), release.leaf_hash, release.manifest_hash
    unb64u(release.kid, size=HASH_BYTES)
    return (
        f'{{"at":"{at}","count":{release.count},"kid":"{release.kid}","leaf":"{b64u(leaf)}",'
        f'"manifest":"{b64u(manifest)}","number":{release.number},"previous":"{b64u(previous)}",'
        '"v":1}'
    ).encode("ascii")


def start_line(start: Start, previous: bytes) -> bytes:
    """The first line of a segment, without its newline."""
    return (
        f'{{"first":{start.first},"previous":"{b64u(previous)}","segment":{start.segment},'
        f'"torn":{start.torn},"v":1}}'
    ).encode("ascii")


@dataclass(slots=True)
class Chain:
    """Where one stands in a release log; ``take`` goes on by one line.

    ``number`` is that of the last release, ``head`` the hash of the last line, ``torn`` how many
    bytes after it are no line.
    """

    segment: int = 0
    number: int = 0
    head: bytes = _BEGIN
    torn: int = 0

    @classmethod
    def before(cls, line: bytes) -> Self:
        """Where a segment's first line says that the log stood; whether it did is not checked.

        Raises ``ReleaseLogInvalid``.
        """
        try:
            read, previous = _read(line)
        except ValueError:
            raise ReleaseLogInvalid("not a line of a release log") from None
        if not isinstance(read, Start) or read.segment < 1 or read.first < 1:
            raise ReleaseLogInvalid("not the first line of a segment")
        return cls(read.segment - 1, read.first - 1, previous, read.torn)

    def take(self, line: bytes) -> Release | Start:
        """Read the line that comes next. Raises ``ReleaseLogInvalid`` and stays where it was."""
        try:
            read, previous = _read(line)
        except ValueError:
            raise ReleaseLogInvalid("not a line of a release log") from None
        if previous != self.head:
            raise ReleaseLogInvalid("the line does not follow the one before it")
        if isinstance(read, Start):
            if (read.segment, read.first, read.torn) != (
                self.segment + 1,
                self.number + 1,
                self.torn,
            ):
                raise ReleaseLogInvalid("not the segment that comes next")
            self.segment, self.torn = read.segment, 0
        else:
            if read.number != self.number + 1 or not self.segment:
                raise ReleaseLogInvalid("not the release that comes next")
            self.number = read.number
        self.head = hashlib.sha256(line).digest()
        return read

    def follow(self, data: bytes, seen: Callable[[Release | Start], None] = lambda _: None) -> int:
        """Take the lines of a segment, or of what was added to one, as far as they hold.

        Returns how many bytes that is; what is left over is ``torn``.
        """
        at = 0
        while (end := data.find(b"\n", at)) >= 0:
            try:
                read = self.take(data[at:end])
            except ReleaseLogInvalid:
                break
            at = end + 1
            seen(read)
        self.torn = len(data) - at
        return at

    def signed(self, key: Ed25519PrivateKey, *, at: datetime) -> str:
        """The head of the chain as a signed note."""
        return sign_checkpoint(origin=NAME, size=self.number, root=self.head, key=key, at=at)


def vkey(key: Ed25519PrivateKey) -> Vkey:
    """The verifier key of a custodian that signs with ``key``."""
    return Vkey.of(NAME, key)


def segment_name(segment: int) -> str:
    """The name of a segment's file."""
    return f"{segment:08}.jsonl"


def _read(line: bytes) -> tuple[Release | Start, bytes]:
    """A line and what it says of the one before. ValueError unless it is in its one spelling."""
    if match := _RELEASE.fullmatch(line):
        at, count, kid, leaf, manifest, number, previous = (
            p.decode("ascii") for p in match.groups()
        )
        release = Release(
            int(number), datetime.fromisoformat(at), _hash(leaf), _hash(manifest), kid, int(count)
        )
        if release_line(release, _hash(previous)) != line:
            raise TokenInvalid("in another spelling")
        return release, _hash(previous)
    if match := _START.fullmatch(line):
        first, before, segment, torn = (p.decode("ascii") for p in match.groups())
        return Start(int(segment), int(first), int(torn)), _hash(before)
    raise TokenInvalid("not a line")


def _hash(text: str) -> bytes:
    return unb64u(text, size=HASH_BYTES)
