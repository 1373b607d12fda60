"""Reconciliation: every key that the custodian released stands on an entry of the log.

The custodian writes down each release with the hash of the log entry that it rests on, which it
computed itself from the receipt that the broker signed. A broker that had a key released and logged
nothing, or gave the custodian a receipt for an entry that it never committed, is found here, from
outside, with two public keys and no personal data.

The other direction cannot be told from the leaves, which do not say how a disclosure ended: one
without a release was refused, or nothing was handed out because a process died or the recipient
never came back. Neither is wrong, since nothing left the house, so they are counted and not more.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from audit import fsck
from audit.errors import SourceUnavailable
from audit.fsck import TOLERANCE, Finding, Progress
from audit.releases import ReleasesRead, read_releases
from audit.sources import Source
from tillit.leaves import Leaf, leaf_hash
from tillit.notes import VerifiedCheckpoint, Vkey
from tillit.releases import Release

DISCLOSURE = "disclosure"

SEQUENCED = timedelta(seconds=60)
"""An entry is in the tree long before: a release as young as that may rest on one that is not yet."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was compared and what is wrong.

    ``entries``: entries that releases rest on. ``disclosures``: how many the log has, of which
    ``unreleased`` had no key released. ``pending``: releases too young for the log that was read.
    """

    log: fsck.Report
    releases: ReleasesRead
    entries: int
    disclosures: int
    unreleased: int
    pending: int
    findings: tuple[Finding, ...]
    more: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing was found wrong, in either log or between them."""
        return not self.findings


def reconcile(
    source: Source,
    vkey: Vkey,
    *,
    releases: Path,
    releases_vkey: Vkey,
    now: datetime,
    since: VerifiedCheckpoint | None = None,
    releases_since: VerifiedCheckpoint | None = None,
    progress: Progress | None = None,
) -> Reconciled:
    """Check both logs whole, and the one against the other.

    ``since`` and ``releases_since`` are heads from an earlier visit. Raises ``SourceUnavailable``
    where either log cannot be read, and where the transparency log is older than the releases.
    """
    comparing = _Comparing()
    read = read_releases(releases, releases_vkey, since=releases_since, seen=comparing.released)
    report = fsck.verify(
        source, vkey, now=now, since=since, progress=progress, seen=comparing.logged
    )
    rest, pending = comparing.rest(report.checkpoint)
    found = [*report.findings, *read.findings, *comparing.early, *rest]
    return Reconciled(
        log=report,
        releases=read,
        entries=comparing.matched,
        disclosures=comparing.disclosures,
        unreleased=comparing.disclosures - comparing.matched,
        pending=pending,
        findings=tuple(found[: fsck.MAX_FINDINGS]),
        more=report.more + max(0, len(found) - fsck.MAX_FINDINGS),
    )


@dataclass(slots=True)
class _Comparing:
    """By the leaf that it rests on: the first release, its number and time."""

    waiting: dict[bytes, tuple[int, datetime]] = field(default_factory=dict)
    disclosures: int = 0
    matched: int = 0
    early: list[Finding] = field(default_factory=list)

    def released(self, release: Release) -> None:
        self.waiting.setdefault(release.leaf_hash, (release.number, release.at))

    def logged(self, index: int, leaf: Leaf, data: bytes) -> None:
        if leaf.type != DISCLOSURE:
            return
        self.disclosures += 1
        release = self.waiting.pop(leaf_hash(data), None)
        if release is None:
            return
        self.matched += 1
        number, at = release
        if at < leaf.at - TOLERANCE:
            self.early.append(
                Finding("early", f"release {number} was before the entry it rests on", index)
            )

    def rest(self, head: VerifiedCheckpoint | None) -> tuple[list[Finding], int]:
        """Releases without an entry, and how many are too young to tell."""
        if head is None or head.at is None:
            return [], len(self.waiting)
        young = {leaf for leaf, (_, at) in self.waiting.items() if at > head.at - SEQUENCED}
        if any(self.waiting[leaf][1] > head.at + SEQUENCED for leaf in young):
            raise SourceUnavailable("the log is older than the releases; read it after them")
        rest = [
            Finding("unlogged", f"release {number} of {at.isoformat()} rests on no entry")
            for leaf, (number, at) in self.waiting.items()
            if leaf not in young
        ]
        return rest, len(young)
