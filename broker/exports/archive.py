"""The archive: files as one ZIP, the same bytes for the same content, and never bigger than it may be."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

MEDIA_TYPE: Final = "application/zip"
MOST_BYTES: Final = 32 * 1024 * 1024
"""So much all files together may weigh before they are packed."""

_READABLE_BY_ITS_OWNER = 0o100600 << 16
_UNIX = 3


@dataclass(frozen=True, slots=True)
class File:
    """A file of an archive. What is in it is kept out of ``repr``."""

    name: str
    content: bytes = field(repr=False)


def fitting(
    files: Iterable[File], *, beside: Iterable[File], most: int = MOST_BYTES
) -> Iterator[File]:
    """The first of the files that fit beside others. Nothing more is made of them once one does not."""
    room = most - sum(len(one.content) for one in beside)
    for one in files:
        room -= len(one.content)
        if room < 0:
            return
        yield one


def packed(files: Iterable[File], *, at: datetime) -> bytes:
    """One ZIP of these files, in their order, each dated ``at`` and for its owner alone to read."""
    told = at.astimezone(UTC)
    when = (told.year, told.month, told.day, told.hour, told.minute, told.second)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in files:
            entry = zipfile.ZipInfo(one.name, when)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _READABLE_BY_ITS_OWNER
            entry.create_system = _UNIX
            archive.writestr(entry, one.content)
    return made.getvalue()
