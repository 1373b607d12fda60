"""Files of a keyring: written whole or not at all, fsynced, readable by their owner only."""

import os
import secrets
from pathlib import Path

from keys.errors import KeyringDamaged

MAX_FILE_BYTES = 64 * 1024
_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600


def make_directory(path: Path) -> None:
    """A new directory that only its owner may enter."""
    path.mkdir(mode=_DIRECTORY_MODE)


def read(path: Path) -> bytes:
    """A small file's content.

    Raises ``KeyringDamaged`` when it is too large, OSError when it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise KeyringDamaged(f"{path.name} is too large")
    return data


def write_first(path: Path, data: bytes) -> bool:
    """Write a file unless there is one; False when another writer was first.

    The file appears whole.
    """
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
    """Put a file in the place of another at once, then overwrite what the other held."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "r+b") as old:
        draft = _draft(path, data)
        try:
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        sync_directory(path.parent)
        old.write(os.urandom(os.fstat(old.fileno()).st_size))
        old.flush()
        os.fsync(old.fileno())


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
