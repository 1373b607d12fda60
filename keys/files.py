"""Files of a keyring: written whole or not at all, fsynced, readable by their owner only.

A file is held (a shared lock on its inode) while what it says is used; ``replace`` waits for
everybody who holds the file that it replaced. So once it has returned, nobody uses the old content.
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from keys.errors import KeyringDamaged

MAX_FILE_BYTES = 64 * 1024
_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600


def make_directory(path: Path) -> None:
    """A new directory that only its owner may enter."""
    path.mkdir(mode=_DIRECTORY_MODE)


def read(path: Path) -> bytes:
    """A small file's content; see ``held``."""
    with held(path) as data:
        return data


@contextmanager
def held(path: Path) -> Iterator[bytes]:
    """A small file's content, which nothing replaces to the end before it is let go.

    Raises ``KeyringDamaged`` when the file is too large, OSError when it cannot be read.
    """
    while True:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            if not os.path.samestat(os.fstat(file.fileno()), path.lstat()):
                continue
            yield _small(file, path)
            return


def _small(file: IO[bytes], path: Path) -> bytes:
    data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise KeyringDamaged(f"{path.name} is too large")
    return data


def write_first(path: Path, data: bytes) -> bool:
    """Write a file unless there is one; False when another writer was first."""
    draft = _draft(path, data)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
        sync_directory(path.parent)
    return True


def replace(path: Path, data: bytes) -> None:
    """Put a file in the place of another at once, wait for its holders, overwrite what it held."""
    _replace(path, lambda _: data)


def exchange(path: Path, change: Callable[[bytes], bytes | None]) -> None:
    """As ``replace``, by what ``change`` makes of what the file holds; None leaves it as it is."""
    _replace(path, lambda old: change(_small(old, path)))


def _replace(path: Path, make: Callable[[IO[bytes]], bytes | None]) -> None:
    with ExitStack() as after:
        with taking_turns(path.parent):
            old = after.enter_context(os.fdopen(os.open(path, os.O_RDWR | os.O_NOFOLLOW), "r+b"))
            data = make(old)
            if data is None:
                return
            draft = _draft(path, data)
            after.callback(draft.unlink, missing_ok=True)
            draft.replace(path)
            for forgotten in path.parent.glob(f".{path.name}.*"):
                forgotten.unlink(missing_ok=True)
        sync_directory(path.parent)
        _overwrite(old.fileno())


def destroy(path: Path, mark: bytes) -> None:
    """Put a mark in a file's place, or where it would have been; see ``replace``."""
    with taking_turns(path.parent):
        if write_first(path, mark):
            return
    replace(path, mark)


@contextmanager
def taking_turns(directory: Path) -> Iterator[None]:
    """Replace files of a directory while nobody else does, in this process or another."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Draft:
    """New content for a file, on the disk already beside it, and which file it was made from."""

    path: Path
    written: Path
    seen: os.stat_result


def drafted(path: Path, change: Callable[[bytes], bytes | None]) -> Draft | None:
    """Write what a file is to hold instead; None where ``change`` leaves it as it is."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        seen = os.fstat(file.fileno())
        changed = change(_small(file, path))
    return None if changed is None else Draft(path, _draft(path, changed), seen)


def take(drafts: Sequence[Draft]) -> Sequence[Path]:
    """Put drafts of one directory in place, but none whose file was replaced since: gives those.

    The old content is not overwritten, and its holders are not waited for: it must be harmless.
    """
    if not drafts:
        return ()
    directory = drafts[0].path.parent
    with taking_turns(directory):
        stale = [draft for draft in drafts if not _taken(draft)]
    for draft in stale:
        draft.written.unlink(missing_ok=True)
    sync_directory(directory)
    return [draft.path for draft in stale]


def _taken(draft: Draft) -> bool:
    if not _is_same(draft.seen, draft.path.lstat()):
        return False
    draft.written.replace(draft.path)
    return True


def _is_same(seen: os.stat_result, now: os.stat_result) -> bool:
    """Whether it is the file that was seen: by when it was written, too, as inodes are used again."""
    written = (seen.st_mtime_ns, seen.st_size) == (now.st_mtime_ns, now.st_size)
    return written and os.path.samestat(seen, now)


def put(path: Path, data: bytes) -> None:
    """Put a file in its place at once, whether or not there was one; for what is no secret."""
    draft = _draft(path, data)
    try:
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)


def remove(path: Path) -> None:
    """Take a file away, wait for its holders, overwrite what it held."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_NOFOLLOW), "r+b") as old:
        path.unlink()
        sync_directory(path.parent)
        _overwrite(old.fileno())


def _overwrite(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.pwrite(descriptor, os.urandom(os.fstat(descriptor).st_size), 0)
    os.fsync(descriptor)


def sync_directory(path: Path) -> None:
    """Make a directory's entries outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _draft(path: Path, data: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft
