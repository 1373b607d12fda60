"""The custodian's release log, read from a directory: every line in order, against the signed head.

A release log lies in segments beside the head that the custodian has signed (``tillit.releases``),
as the custodian keeps it or as ``tillit-custodian export`` copies it. Whoever edited, removed or
reordered a line broke the chain from there on; whoever cut lines off is found by a head that says
more. *Not found*: a custodian that writes down what it did not release, or not what it did.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from audit.files import read
from audit.fsck import Finding
from tillit.notes import MAX_NOTE_BYTES, NoteInvalid, VerifiedCheckpoint, Vkey, open_checkpoint
from tillit.releases import HEAD, MAX_SEGMENT_BYTES, Chain, Release, Start, segment_name

SIGNED, BEFORE = "signed", "seen before"


@dataclass(frozen=True, slots=True)
class ReleasesRead:
    """What a release log holds and what is wrong with it.

    ``head`` is None when its signature does not hold. ``torn``: bytes that are no line, where a
    writer died.
    """

    head: VerifiedCheckpoint | None
    number: int
    torn: int
    findings: tuple[Finding, ...]


def read_releases(
    directory: Path,
    vkey: Vkey,
    *,
    since: VerifiedCheckpoint | None = None,
    seen: Callable[[Release], None],
) -> ReleasesRead:
    """Read a release log; ``seen`` is told of each release that holds, in order.

    ``since`` is a head from an earlier visit. Raises ``SourceUnavailable`` where there is none.
    """
    # Before the lines: a running custodian adds to them, and signs no more than there are.
    note = read(directory / HEAD, MAX_NOTE_BYTES)
    try:
        head = open_checkpoint(note, vkey)
    except NoteInvalid as wrong:
        return ReleasesRead(None, 0, 0, (Finding("releases_signature", wrong.detail),))
    heads = {SIGNED: head} if since is None else {SIGNED: head, BEFORE: since}
    reading = _Reading(heads, seen)
    names = sorted(path.name for path in directory.glob("*.jsonl"))
    for number, name in enumerate(names, 1):
        if name != segment_name(number):
            reading.found("releases_missing", f"{segment_name(number)} is not there")
            break
        data = read(directory / name, MAX_SEGMENT_BYTES)
        if not reading.take(name, data, last=number == len(names)):
            break
    reading.compare()
    return ReleasesRead(head, reading.chain.number, reading.torn, tuple(reading.findings))


@dataclass(slots=True)
class _Reading:
    heads: dict[str, VerifiedCheckpoint]
    seen: Callable[[Release], None]
    chain: Chain = field(default_factory=Chain)
    torn: int = 0
    met: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def take(self, name: str, data: bytes, *, last: bool) -> bool:
        """Take a segment; whether another can follow it.

        What is left over at its end the next one must have found; at the end of the last it can
        only be a line that is being written.
        """
        before = self.chain.segment
        held = self.chain.follow(data, self._line)
        if self.chain.segment == before:
            self.found("releases_altered", f"{name} does not follow what is before it")
            return False
        if last and b"\n" in data[held:]:
            self.found("releases_altered", f"{name} is not as it was written, from byte {held} on")
        self.torn += self.chain.torn
        return True

    def compare(self) -> None:
        """Find what was cut off, and chains that are not the one that was signed."""
        for which, head in self.heads.items():
            if head.size > self.chain.number:
                detail = f"{head.size} releases were {which}, and there are {self.chain.number}"
                self.found("releases_truncated", detail)
            elif which not in self.met:
                self.found("releases_forked", f"not the release log that was {which}")

    def found(self, kind: str, detail: str) -> None:
        self.findings.append(Finding(kind, detail))

    def _line(self, line: Release | Start) -> None:
        for which, head in self.heads.items():
            if (head.size, head.root) == (self.chain.number, self.chain.head):
                self.met.add(which)
        if isinstance(line, Release):
            self.seen(line)
