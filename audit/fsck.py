"""Fsck: checks a whole log from the outside, with its public key only.

Reads every entry once and keeps only the tree's right edge, so that memory does not grow with the
log. It finds entries altered, moved, missing or dated back, trees that do not add up, and, given a
checkpoint from an earlier visit, truncation and forks. *Not checked*: what the commitments commit
to, and whether others are shown the same log (that takes witnesses).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit import bundles, tree
from audit.errors import ResourceMissing, SourceUnavailable
from audit.paths import CHECKPOINT, TilePath
from audit.sources import Source
from tillit.errors import VerificationError
from tillit.leaves import Leaf, leaf_hash, parse_leaf
from tillit.notes import MAX_NOTE_BYTES, VerifiedCheckpoint, Vkey, open_checkpoint
from tillit.proofs import HASH_BYTES

TOLERANCE = timedelta(seconds=10)
"""How far a leaf's time may lie before the latest one so far, or after the checkpoint's."""

MAX_FINDINGS = 100

Progress = Callable[[int, int], None]
"""Told (entries done, entries in all)."""

Seen = Callable[[int, Leaf, bytes], None]
"""Told (index, what the leaf says, the leaf's bytes)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and at which entry where that can be told.

    ``kind``: signature, untimed, postdated, backdated, stale, truncated, forked, missing,
    malformed, altered, reordered, tile, root.
    """

    kind: str
    detail: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked and what is wrong.

    ``checkpoint`` is None when its signature does not hold.
    """

    checkpoint: VerifiedCheckpoint | None
    since: VerifiedCheckpoint | None
    entries: int
    types: dict[str, int]
    findings: tuple[Finding, ...]
    more: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.findings


def verify(
    source: Source,
    vkey: Vkey,
    *,
    now: datetime,
    since: VerifiedCheckpoint | None = None,
    progress: Progress | None = None,
    seen: Seen | None = None,
) -> Report:
    """Check the whole log against ``vkey`` and, where given, against what was seen before.

    ``seen`` is told of each entry that can be read, in order; whether the tree holds is known at the end.
    Raises ``SourceUnavailable``, also when there is no checkpoint at all: then nothing is known.
    """
    try:
        note = source.get(CHECKPOINT, limit=MAX_NOTE_BYTES)
    except ResourceMissing as wrong:
        raise SourceUnavailable("there is no checkpoint, so no log to check") from wrong
    try:
        head = open_checkpoint(note, vkey)
    except VerificationError as wrong:
        return Report(None, since, 0, {}, (Finding("signature", wrong.detail),))
    check = _Check(source, head, since, progress, seen or _unseen)
    check.head_times(now)
    if check.sizes():
        check.entries()
    return Report(head, since, check.size, dict(check.types), tuple(check.findings), check.more)


@dataclass(slots=True)
class _Check:
    source: Source
    head: VerifiedCheckpoint
    since: VerifiedCheckpoint | None
    progress: Progress | None
    seen: Seen
    size: int = 0
    latest: datetime | None = None
    more: int = 0
    edge: dict[tuple[int, int], bytes] = field(default_factory=dict)
    types: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def found(self, kind: str, detail: str, index: int | None = None) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(kind, detail, index))
        else:
            self.more += 1

    def head_times(self, now: datetime) -> None:
        if self.head.at is None:
            self.found("untimed", "the checkpoint does not say when it was signed")
            return
        if self.head.at > now + TOLERANCE:
            self.found("postdated", "the checkpoint is dated in the future")
        if self.since and self.since.at and self.head.at < self.since.at - TOLERANCE:
            self.found("stale", "the checkpoint is older than one that was seen before")

    def sizes(self) -> bool:
        """Whether the log is at least as long as it was."""
        if self.since is None or self.since.size <= self.head.size:
            return True
        self.found(
            "truncated",
            f"the log had {self.since.size} entries and has {self.head.size}",
            self.head.size,
        )
        return False

    def entries(self) -> None:
        self._compare_since()
        while self.size < self.head.size:
            if not self._bundle(self.size // tree.TILE_WIDTH):
                return
            if self.progress:
                self.progress(self.size, self.head.size)
        if tree.root(self._tile, self.size) != self.head.root:
            self.found("root", "the entries do not add up to the root that is signed")

    def _bundle(self, n: int) -> bool:
        width = tree.width(self.head.size, 0, n)
        first = self.size
        leaves = self._leaves(n, width)
        hashes = [leaf_hash(leaf) for leaf in leaves]
        served = self._served(TilePath(0, n, width), width)
        if served is not None and leaves:
            self._compare_leaves(first, hashes, served)
        elif served is not None:
            hashes = served
        elif not leaves:
            return False
        for at, leaf in enumerate(leaves, first):
            self._leaf(at, leaf)
        self._grow(hashes)
        return True

    def _leaves(self, n: int, width: int) -> list[bytes]:
        path = TilePath(None, n, width)
        try:
            return bundles.unpack(self._get(path, bundles.MAX_BUNDLE_BYTES), width)
        except ResourceMissing:
            self.found("missing", f"{path} is not there", n * tree.TILE_WIDTH)
        except bundles.BundleInvalid as wrong:
            self.found("malformed", f"{path}: {wrong}", n * tree.TILE_WIDTH)
        return []

    def _served(self, path: TilePath, width: int) -> list[bytes] | None:
        first = path.n << (tree.TILE_HEIGHT * ((path.level or 0) + 1))
        try:
            data = self._get(path, tree.TILE_BYTES)
        except ResourceMissing:
            self.found("missing", f"{path} is not there", first)
            return None
        if len(data) != width * HASH_BYTES:
            self.found("malformed", f"{path} has not {width} hashes", first)
            return None
        return _row(data)

    def _get(self, path: TilePath, limit: int) -> bytes:
        return self.source.get(str(path), limit=limit)

    def _compare_leaves(self, first: int, hashes: Sequence[bytes], served: Sequence[bytes]) -> None:
        wrong = [at for at in range(len(hashes)) if hashes[at] != served[at]]
        moved = Counter(hashes[at] for at in wrong) == Counter(served[at] for at in wrong)
        for at in wrong:
            if moved:
                self.found("reordered", "another entry of the tree stands here", first + at)
            else:
                self.found("altered", "the entry is not the one in the tree", first + at)

    def _leaf(self, index: int, leaf: bytes) -> None:
        try:
            read = parse_leaf(leaf)
        except VerificationError as wrong:
            self.found("malformed", wrong.detail, index)
            return
        self.types[read.type] += 1
        self.seen(index, read, leaf)
        if self.latest is not None and read.at < self.latest - TOLERANCE:
            self.found("backdated", "the entry is older than one before it", index)
        elif self._after_since(index, read.at):
            self.found("backdated", "the entry is older than a checkpoint without it", index)
        if self.head.at is not None and read.at > self.head.at + TOLERANCE:
            self.found("postdated", "the entry is younger than the checkpoint", index)
        self.latest = read.at if self.latest is None else max(self.latest, read.at)

    def _after_since(self, index: int, at: datetime) -> bool:
        """Whether the entry claims to be from before a checkpoint that it is not under."""
        if self.since is None or self.since.at is None or index < self.since.size:
            return False
        return at < self.since.at - TOLERANCE

    def _grow(self, hashes: Sequence[bytes]) -> None:
        """Add leaves.

        Stop on the way where the earlier checkpoint ended, and compare roots there.
        """
        while hashes:
            upto = len(hashes)
            if self.since and self.size < self.since.size < self.size + upto:
                upto = self.since.size - self.size
            changed = tree.grown(self._tile, self.size, hashes[:upto])
            self.size, hashes = self.size + upto, hashes[upto:]
            self.edge.update(changed)
            self._compare_since()
            for level, n in changed:
                self._settle(level, n)

    def _settle(self, level: int, n: int) -> None:
        """Compare a tile of inner hashes once it is as wide as it gets, and drop it once it is full."""
        built = self.edge[level, n]
        width = tree.width(self.head.size, level, n)
        if level and len(built) == width * HASH_BYTES:
            served = self._served(TilePath(level, n, width), width)
            if served is not None and served != _row(built):
                first = n << (tree.TILE_HEIGHT * (level + 1))
                self.found("tile", f"{TilePath(level, n, width)} does not add up", first)
        if len(built) == tree.TILE_BYTES:
            del self.edge[level, n]

    def _compare_since(self) -> None:
        if self.since is None or self.size != self.since.size:
            return
        if tree.root(self._tile, self.size) != self.since.root:
            self.found("forked", "the log is not the one that was seen before")

    def _tile(self, level: int, n: int) -> bytes:
        return self.edge[level, n]


def _unseen(*_: object) -> None:
    """Nobody wants to be told."""


def _row(data: bytes) -> list[bytes]:
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
