"""Files: what commands read and write, within a bound, and whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from audit.errors import SourceUnavailable


def read(path: Path, limit: int) -> bytes:
    """A file's bytes, at most ``limit`` + 1 of them. Raises ``SourceUnavailable``."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as wrong:
        raise SourceUnavailable(f"{path}: {wrong.strerror}") from wrong


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and the directories it lies in. Raises ``SourceUnavailable``."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise SourceUnavailable(f"{path.name} cannot be written: {wrong.strerror}") from wrong
    with whole(path) as file:
        file.write(data)


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its place once it is whole; else there is none, or the one before. Raises ``SourceUnavailable``."""
    try:
        draft = tempfile.NamedTemporaryFile(dir=path.parent, delete=False)  # noqa: SIM115 (closed below)
    except OSError as wrong:
        raise SourceUnavailable(f"{path.name} cannot be written: {wrong.strerror}") from wrong
    try:
        with draft:
            yield draft
            draft.flush()
            os.fsync(draft.fileno())
        Path(draft.name).replace(path)
    except OSError as wrong:
        raise SourceUnavailable(f"{path.name} cannot be written: {wrong.strerror}") from wrong
    finally:
        Path(draft.name).unlink(missing_ok=True)
