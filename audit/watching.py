"""Watching: one look at a log after another, each compared with what was seen before.

Reads the checkpoint and the few tiles that a consistency proof takes. It finds forks, rollbacks, a log that stands still, and
heads that its witnesses have not cosigned. *Not checked*: the entries themselves, which ``audit.fsck`` does.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from audit import tree
from audit.errors import LogDamaged, ResourceMissing, SourceUnavailable
from audit.fsck import TOLERANCE
from audit.paths import CHECKPOINT, TilePath
from audit.sources import Source
from tillit.errors import VerificationError
from tillit.notes import MAX_NOTE_BYTES, VerifiedCheckpoint, Vkey, open_checkpoint
from tillit.quorums import NotWitnessed, Policy
from tillit.witnesses import Cosignature

STALE = timedelta(minutes=5)
"""A log older than this stands still, unless it is said otherwise."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is wrong.

    ``kind``: signature, untimed, postdated, stale, cosignature, unwitnessed, rollback, fork, damaged.
    """

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """One look. ``note`` is what was served, evidence if it is wrong; ``head`` is None when its signature does not hold.

    ``keep``: it continues what was seen before, and is what the next look is to be compared with.
    """

    note: str
    head: VerifiedCheckpoint | None
    cosignatures: tuple[Cosignature, ...]
    alarms: tuple[Alarm, ...]
    keep: bool


class FetchedTiles:
    """The tiles of a log's tree of ``size`` leaves as ``tree.Tiles``, each fetched once."""

    def __init__(self, source: Source, size: int) -> None:
        self._source = source
        self._size = size
        self._held: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, n: int) -> bytes:
        """The tile's hashes, as many as this tree has there. Raises ``ResourceMissing`` or ``SourceUnavailable``."""
        if (level, n) not in self._held:
            path = TilePath(level, n, tree.width(self._size, level, n))
            self._held[level, n] = self._source.get(str(path), limit=tree.TILE_BYTES)
        return self._held[level, n]


def look(
    source: Source,
    vkey: Vkey,
    *,
    now: datetime,
    before: VerifiedCheckpoint | None = None,
    policy: Policy | None = None,
    stale: timedelta = STALE,
) -> Sighting:
    """Look once. Raises ``SourceUnavailable`` where nothing can be seen, which is neither good nor bad."""
    try:
        served = source.get(CHECKPOINT, limit=MAX_NOTE_BYTES)
    except ResourceMissing as wrong:
        raise SourceUnavailable("there is no checkpoint") from wrong
    note = served.decode("utf-8", "replace")
    try:
        head = open_checkpoint(served, vkey)
    except VerificationError as wrong:
        return Sighting(note, None, (), (Alarm("signature", wrong.detail),), keep=False)
    torn = [] if before is None else _compared(source, before, head)
    alarms = [*torn, *_timed(head, now, stale)]
    cosignatures: tuple[Cosignature, ...] = ()
    unseen: list[Alarm] = []
    if policy is not None:
        cosignatures, unseen = _witnessed(head, vkey, policy, now - stale)
    return Sighting(note, head, cosignatures, (*alarms, *unseen), keep=not torn and not unseen)


def _timed(head: VerifiedCheckpoint, now: datetime, stale: timedelta) -> list[Alarm]:
    if head.at is None:
        return [Alarm("untimed", "the checkpoint does not say when it was signed")]
    if head.at > now + TOLERANCE:
        return [Alarm("postdated", "the checkpoint is dated in the future")]
    if head.at < now - stale:
        return [Alarm("stale", f"the log has not signed since {head.at.isoformat()}")]
    return []


def _witnessed(
    head: VerifiedCheckpoint, vkey: Vkey, policy: Policy, since: datetime
) -> tuple[tuple[Cosignature, ...], list[Alarm]]:
    try:
        found = policy.check(head.note, log=vkey).cosignatures
        policy.check(head.note, log=vkey, since=since)
    except NotWitnessed as wrong:
        return (), [Alarm("unwitnessed", wrong.detail)]
    except VerificationError as wrong:
        return (), [Alarm("cosignature", wrong.detail)]
    return found, []


def _compared(source: Source, before: VerifiedCheckpoint, head: VerifiedCheckpoint) -> list[Alarm]:
    if head.size < before.size:
        return [Alarm("rollback", f"the log had {before.size} entries and has {head.size}")]
    if before.at and head.at and head.at < before.at - TOLERANCE:
        return [Alarm("rollback", "the checkpoint is older than one that was seen before")]
    if head.size == before.size and head.root != before.root:
        return [Alarm("fork", f"two different trees of {head.size} entries are signed")]
    return _continued(source, before, head) if 0 < before.size < head.size else []


def _continued(source: Source, before: VerifiedCheckpoint, head: VerifiedCheckpoint) -> list[Alarm]:
    tiles = FetchedTiles(source, head.size)
    try:
        if tree.root(tiles, head.size) != head.root:
            return [Alarm("damaged", "the tiles do not add up to the root that is signed")]
        head.check_continues(before, tree.consistency(tiles, before.size, head.size))
    except ResourceMissing as wrong:
        return [Alarm("damaged", f"{wrong.detail} is not there")]
    except LogDamaged as wrong:
        return [Alarm("damaged", wrong.detail)]
    except VerificationError:
        was = before.size
        return [Alarm("fork", f"the {head.size} entries do not begin with the {was} seen before")]
    return []
