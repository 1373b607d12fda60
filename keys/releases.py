"""The release log's files: every release is written down before it is answered for.

A directory of segments (``tillit.releases``) that several processes may share: each appends under
one lock, and first reads what the others wrote. Nothing that was written is ever changed, not even
a line that its writer died in: the next segment says how many bytes those are.

What was appended outlives kill -9 at once, and a power cut after ``SETTLE_SECONDS``: an fsync for
each release would cost more than all the rest of it, so one in the background serves all since the
last. A power cut may so lose the last second's releases from this log (not from the broker's, which
committed before), and an operator who will not have that sets ``sync_each``. What lasts is signed
and kept beside it (``head``); a log that is shorter than its kept head is not gone on with.
"""

import errno
import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys import files
from keys.errors import CustodianError, KeyringDamaged
from keys.warrants import Warranted
from tillit.errors import VerificationError
from tillit.notes import MAX_NOTE_BYTES, open_checkpoint
from tillit.releases import (
    HEAD,
    MAX_SEGMENT_BYTES,
    Chain,
    Release,
    ReleaseLogInvalid,
    Start,
    release_line,
    segment_name,
    start_line,
    vkey,
)

LOCK = "lock"
SEGMENT_BYTES = MAX_SEGMENT_BYTES // 2
SETTLE_SECONDS = 1.0

_log = logging.getLogger("tillit.custodian")


def begin(directory: Path) -> None:
    """Make a release log with nothing in it; one that is there already is left as it is."""
    with suppress(FileExistsError):
        files.make_directory(directory)
    first = start_line(Start(1, 1, 0), Chain().head) + b"\n"
    files.write_first(directory / segment_name(1), first)


@dataclass(slots=True)
class _Segment:
    """The segment that is written to, and how far into it ``chain`` has come."""

    path: Path
    descriptor: int
    chain: Chain
    size: int = 0

    def read_on(self, size: int) -> None:
        """Take what is in the file up to ``size``."""
        self.size += self.chain.follow(os.pread(self.descriptor, size - self.size, self.size))


class ReleaseLog:
    """One release log; used by threads and processes at once.

    Every method may raise OSError, and ``KeyringDamaged`` when what lies there is no release log.
    """

    def __init__(
        self,
        directory: Path,
        *,
        signer: Ed25519PrivateKey,
        clock: Callable[[], datetime],
        sync_each: bool = False,
        settle_seconds: float = SETTLE_SECONDS,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Nothing is opened yet. ``signer`` signs the heads."""
        self._directory = directory
        self._signer = signer
        self._clock = clock
        self._sync_each = sync_each
        self._settle_seconds = settle_seconds
        self._segment_bytes = segment_bytes
        self._threads = threading.Lock()
        self._lock: tuple[int, int] | None = None
        self._segment: _Segment | None = None
        self._timer: threading.Timer | None = None
        self._unsettled = False

    def append(self, warranted: Warranted, *, kid: str, count: int) -> int:
        """Write a release down; gives its number."""
        if self._unsettled:
            self.settle()
        with self._held():
            segment = self._last()
            release = Release(
                number=segment.chain.number + 1,
                at=self._clock(),
                leaf_hash=warranted.leaf_hash,
                manifest_hash=warranted.manifest_hash,
                kid=kid,
                count=count,
            )
            line = release_line(release, segment.chain.head)
            if os.write(segment.descriptor, line + b"\n") != len(line) + 1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            segment.chain.take(line)
            segment.size += len(line) + 1
            self._settle_soon()
            lasting = os.dup(segment.descriptor) if self._sync_each else None
        if lasting is not None:
            _sync(lasting)
        return release.number

    def settle(self) -> str:
        """Make all that was written outlive a power cut, sign how far that is, and keep that.

        Returns the signed head.
        """
        try:
            with self._held():
                segment = self._last()
                note = segment.chain.signed(self._signer, at=self._clock())
                number, descriptor = segment.chain.number, os.dup(segment.descriptor)
            _sync(descriptor)
            with self._held():
                if number >= self._kept():
                    files.put(self._directory / HEAD, note.encode())
        except (OSError, CustodianError):
            self._unsettled = True
            raise
        self._unsettled = False
        return note

    def close(self) -> None:
        """Settle what is not, and let go of the files. The log may be used again."""
        timer = self._timer
        if timer is not None:
            timer.cancel()
            self._timer = None
            self.settle()
        with self._threads:
            self._forget()
            if self._lock is not None:
                os.close(self._lock[1])
                self._lock = None

    # --- under the lock ---

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Nobody else, thread or process, is at the log."""
        with self._threads:
            descriptor = self._locked()
            try:
                yield
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _locked(self) -> int:
        """A lock that is this process's own (a fork has its parent's) and still lies there."""
        path = self._directory / LOCK
        while True:
            if self._lock is None or self._lock[0] != os.getpid():
                self._forget()
                self._timer = None
                self._lock = (os.getpid(), os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            descriptor = self._lock[1]
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
            os.close(descriptor)
            self._lock = None

    def _last(self) -> _Segment:
        """The segment to write to, with all that was written read."""
        segment = self._segment
        if segment is not None and _still_there(segment):
            segment.read_on(segment.path.stat().st_size)
        else:
            self._forget()
            segment = self._segment = self._found()
        while segment.chain.torn or segment.size >= self._segment_bytes:
            segment = self._segment = self._following(segment)
        return segment

    def _found(self) -> _Segment:
        """The last segment that lies there, read; its first line is believed."""
        names = sorted(
            path.name for path in self._directory.glob(segment_name(0).replace("0", "[0-9]"))
        )
        if not names:
            raise KeyringDamaged("the release log is gone from the keyring")
        path = self._directory / names[-1]
        with path.open("rb") as file:
            first = file.readline(MAX_NOTE_BYTES)
        try:
            chain = Chain.before(first.removesuffix(b"\n"))
        except ReleaseLogInvalid:
            raise KeyringDamaged("a segment of the release log is damaged") from None
        segment = self._opened(path, chain)
        if segment.chain.number < self._kept():
            os.close(segment.descriptor)
            raise KeyringDamaged("the release log is shorter than it was")
        return segment

    def _following(self, segment: _Segment) -> _Segment:
        """The segment after one that is full or torn; made unless another process has."""
        chain, torn = segment.chain, segment.chain.torn
        path = self._directory / segment_name(chain.segment + 1)
        line = start_line(Start(chain.segment + 1, chain.number + 1, torn), chain.head)
        os.fsync(segment.descriptor)
        files.write_first(path, line + b"\n")
        opened = self._opened(path, chain)
        os.close(segment.descriptor)
        return opened

    def _opened(self, path: Path, chain: Chain) -> _Segment:
        """A segment whose first line must follow ``chain``, read to its end."""
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW)
        segment = _Segment(path, descriptor, chain)
        was = chain.segment
        segment.read_on(path.stat().st_size)
        if chain.segment == was:
            os.close(descriptor)
            raise KeyringDamaged("a segment of the release log is damaged")
        return segment

    def _kept(self) -> int:
        """How many releases the kept head signs; 0 when there is none that this custodian signed."""
        try:
            note = files.read(self._directory / HEAD)
            return open_checkpoint(note, vkey(self._signer)).size
        except (FileNotFoundError, VerificationError):
            return 0

    def _forget(self) -> None:
        if self._segment is not None:
            os.close(self._segment.descriptor)
            self._segment = None

    # --- in the background ---

    def _settle_soon(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(self._settle_seconds, self._settled)
            self._timer.daemon = True
            self._timer.start()

    def _settled(self) -> None:
        self._timer = None
        try:
            self.settle()
        except (OSError, CustodianError) as error:
            _log.error("the release log cannot be made to last: %s", type(error).__name__)


def _sync(descriptor: int) -> None:
    """Make a file last; several at once share what the disk does. Closes the descriptor."""
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _still_there(segment: _Segment) -> bool:
    """Whether the file is the one at its path, and no shorter than it was."""
    try:
        found = segment.path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(segment.descriptor), found) and found.st_size >= segment.size
