"""Mirror: copies a log into a directory, whole tiles once and for ever, the checkpoint last.

A mirror copies and does not judge: ``audit.fsck`` does, on the copy, at any later time and without
the network.
"""

from pathlib import Path

from audit import files
from audit.bundles import MAX_BUNDLE_BYTES
from audit.errors import AuditError
from audit.fsck import Progress
from audit.paths import CHECKPOINT, count_needed, needed
from audit.sources import Source
from audit.tree import TILE_BYTES
from tillit.notes import (
    MAX_NOTE_BYTES,
    UnsafeCheckpoint,
    Vkey,
    open_checkpoint,
    read_unsafe_checkpoint,
)


class MirrorRefused(AuditError):
    """The log is shorter than its mirror, or another log: the mirror is kept as it is."""

    code = "audit.mirror_refused"


def mirror(
    source: Source, directory: Path, *, vkey: Vkey | None = None, progress: Progress | None = None
) -> UnsafeCheckpoint:
    """Bring the copy up to date. With ``vkey`` the checkpoint's signature is verified first.

    Raises ``SourceUnavailable``, ``ResourceMissing``, ``MirrorRefused``, or ``NoteInvalid`` for a
    checkpoint that is none.
    """
    note = source.get(CHECKPOINT, limit=MAX_NOTE_BYTES)
    if vkey is not None:
        open_checkpoint(note, vkey)
    head = read_unsafe_checkpoint(note)
    _check_continues(directory, head)
    for done, path in enumerate(needed(head.size), 1):
        target = directory / str(path)
        if not target.is_file():
            limit = MAX_BUNDLE_BYTES if path.level is None else TILE_BYTES
            files.write(target, source.get(str(path), limit=limit))
        if progress:
            progress(done, count_needed(head.size))
    files.write(directory / CHECKPOINT, note)
    return head


def _check_continues(directory: Path, head: UnsafeCheckpoint) -> None:
    try:
        held = read_unsafe_checkpoint((directory / CHECKPOINT).read_bytes())
    except FileNotFoundError:
        return
    if held.origin != head.origin:
        raise MirrorRefused("the directory holds another log")
    if held.size > head.size:
        raise MirrorRefused(f"the log had {held.size} entries and has {head.size}")
