"""Attacks on the log, each found from outside with the public key only (design.md § 7).

Two kinds of attackers: one has the database, one has the signing key as well. What the second does
within the rules of the tree only shows against a checkpoint from an earlier visit, which is why
auditors keep one.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from audit import fsck, storage
from audit.entries import Entry
from audit.sources import DirectorySource
from audit.storage import log_checkpoint, log_entry, log_tile
from tests.logs import ORIGIN, Clock, Log, opened
from tillit.leaves import leaf_at, leaf_hash
from tillit.notes import VerifiedCheckpoint, Vkey, sign_checkpoint, sign_note

SIZE = 600


@pytest.fixture
def log(sqlite_url: str) -> Iterator[Log]:
    """A log of a little more than two tiles."""
    with opened(sqlite_url) as log:
        log.grow(SIZE)
        yield log


@pytest.fixture
def check(log: Log, tmp_path: Path) -> Callable[..., fsck.Report]:
    """Look at the log from outside: only what it serves, and its public key."""

    def check(since: VerifiedCheckpoint | None = None, vkey: Vkey | None = None) -> fsck.Report:
        source = DirectorySource(log.export(tmp_path / "served"))
        return fsck.verify(source, vkey or log.vkey, now=log.clock(), since=since)

    return check


def kinds(report: fsck.Report) -> set[str]:
    """What was found, without where."""
    return {finding.kind for finding in report.findings}


def places(report: fsck.Report, kind: str) -> list[int | None]:
    """Where it was found."""
    return [finding.index for finding in report.findings if finding.kind == kind]


def rehash(log: Log) -> None:
    """Make stored leaf hashes those of the stored entries, as a careful forger would."""
    query = select(log_entry.c.position, log_entry.c.type, log_entry.c.at, log_entry.c.commitment)
    with log.engine.begin() as connection:
        for position, kind, at, mac in connection.execute(query).all():
            connection.execute(
                update(log_entry)
                .where(log_entry.c.position == position)
                .values(leaf_hash=leaf_hash(leaf_at(kind, at, mac)))
            )


def build_anew(log: Log) -> None:
    """What only the holder of the key can do.

    A new tree over what the database now holds, signed.
    """
    rehash(log)
    log.run(delete(log_tile))
    log.run(delete(log_checkpoint))
    log.run(update(log_entry).values(idx=None))
    log.sequencer.run_once()


def edit(log: Log, index: int = 300) -> None:
    """Let an entry have committed to something else."""
    log.run(update(log_entry).where(log_entry.c.idx == index).values(commitment=bytes(32)))


def write_late(log: Log, at: datetime) -> None:
    """Write an entry now that claims to be from ``at``."""
    with log.engine.begin() as connection:
        storage.append(connection, Entry("a", at, {}), origin=ORIGIN, salt=bytes(32))
    log.sequencer.run_once()


def test_an_honest_log_holds(log: Log, check: Callable[..., fsck.Report]) -> None:
    """First and again: it continues what was seen before, at every size it had."""
    first = check()
    assert (first.findings, first.entries, first.types) == ((), SIZE, {"disclosure.released": SIZE})
    log.grow(1)
    log.grow(167)
    second = check(since=first.checkpoint)
    assert (second.findings, second.entries) == ((), SIZE + 168)
    assert check(since=second.checkpoint).holds


def test_an_empty_log_holds(sqlite_url: str, tmp_path: Path) -> None:
    """Nothing has happened yet, and that is signed too."""
    with opened(sqlite_url) as log:
        log.sequencer.run_once()
        source = DirectorySource(log.export(tmp_path / "served"))
        empty = fsck.verify(source, log.vkey, now=log.clock())
        assert (empty.holds, empty.entries) == (True, 0)
        log.grow(3)
        grown = DirectorySource(log.export(tmp_path / "served"))
        assert fsck.verify(grown, log.vkey, now=log.clock(), since=empty.checkpoint).holds


# --- with the database ---


def test_an_edited_entry_is_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """At its index, and the root no longer follows."""
    edit(log, 300)
    report = check()
    assert kinds(report) == {"altered", "tile", "root"}
    assert places(report, "altered") == [300]


def test_a_time_set_back_in_place_is_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """The time is part of the leaf."""
    early = "2020-01-01T08:00:00.000000Z"
    log.run(update(log_entry).where(log_entry.c.idx == 599).values(at=early))
    report = check()
    assert kinds(report) == {"altered", "backdated", "root"}
    assert places(report, "altered") == places(report, "backdated") == [599]


def test_reordered_entries_are_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """Told from edited ones: both stand in the tree, each where the other was."""
    for was, becomes in ((10, -1), (20, 10), (-1, 20)):
        log.run(update(log_entry).where(log_entry.c.idx == was).values(idx=becomes))
    report = check()
    assert kinds(report) == {"reordered", "tile", "root"}
    assert places(report, "reordered") == [10, 20]


def test_removed_entries_are_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """The signed checkpoint says how many there are."""
    log.run(delete(log_entry).where(log_entry.c.idx >= SIZE - 5))
    report = check()
    assert kinds(report) == {"missing"}
    assert places(report, "missing") == [512]


def test_everything_removed_is_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """Down to the tiles: the checkpoint alone convicts."""
    log.run(delete(log_entry))
    log.run(delete(log_tile))
    assert places(check(), "missing") == [0, 0]


def test_edited_tiles_are_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """Entries still add up to the root, and each tile is compared with them."""
    with log.engine.begin() as connection:
        for level, n in ((0, 1), (1, 0)):
            row = (log_tile.c.level == level) & (log_tile.c.n == n)
            held = bytes(connection.execute(select(log_tile.c.hashes).where(row)).scalar_one())
            connection.execute(update(log_tile).where(row).values(hashes=bytes(32) + held[32:]))
    report = check()
    assert kinds(report) == {"altered", "tile"}
    assert (places(report, "altered"), places(report, "tile")) == ([256], [0])


def test_an_edit_carried_into_the_tiles_is_found(
    log: Log, check: Callable[..., fsck.Report]
) -> None:
    """A consistent forgery without the key ends at the signed root."""
    note = log.checkpoint().note
    edit(log)
    build_anew(log)
    log.run(update(log_checkpoint).values(note=note))
    assert kinds(check()) == {"root"}


def test_an_edited_checkpoint_is_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """Size and root are signed."""
    head = log.checkpoint()
    log.run(update(log_checkpoint).values(note=head.note.replace(f"\n{SIZE}\n", "\n512\n")))
    report = check_unexported(log, check)
    assert kinds(report) == {"signature"}
    assert (report.checkpoint, report.entries) == (None, 0)


def check_unexported(log: Log, check: Callable[..., fsck.Report]) -> fsck.Report:
    """As ``check``, where the log's own checkpoint does not verify any more."""
    log.checkpoint = lambda: read_loosely(log)  # type: ignore[method-assign]
    return check()


def read_loosely(log: Log) -> VerifiedCheckpoint:
    """The size to export by, without believing it."""
    note = log.resource("checkpoint") or b""
    return VerifiedCheckpoint(ORIGIN, SIZE, b"", None, note.decode())


def test_the_wrong_public_key_opens_nothing(check: Callable[..., fsck.Report]) -> None:
    """Another key under the same name, or the same key under another name."""
    stranger = Ed25519PrivateKey.generate()
    assert kinds(check(vkey=Vkey.of(ORIGIN, stranger))) == {"signature"}


# --- with the signing key as well ---


def test_a_rewritten_log_is_found_by_who_saw_it_before(
    log: Log, check: Callable[..., fsck.Report]
) -> None:
    """Without memory the forgery holds, which is said plainly; with it, the log is forked."""
    seen = log.checkpoint()
    edit(log)
    build_anew(log)
    assert check().holds
    assert kinds(check(since=seen)) == {"forked"}


def test_a_rewritten_log_that_grew_on_is_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """At the size that was seen, in the middle of a bundle."""
    seen = log.checkpoint()
    edit(log)
    build_anew(log)
    log.grow(300)
    assert kinds(check(since=seen)) == {"forked"}


def test_an_inserted_entry_is_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """With a time that fits where it is put: only memory tells."""
    seen = log.checkpoint()
    write_late(log, log.clock() - timedelta(seconds=90, milliseconds=500))
    build_anew(log)
    assert check().holds
    assert kinds(check(since=seen)) == {"forked"}


def test_a_truncated_log_is_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """The last entries never happened, says the holder of the key."""
    seen = log.checkpoint()
    log.run(delete(log_entry).where(log_entry.c.idx >= SIZE - 1))
    build_anew(log)
    report = check(since=seen)
    assert kinds(report) == {"truncated"}
    assert places(report, "truncated") == [SIZE - 1]


def test_two_logs_of_one_size_are_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """A split view: the same number of entries under another root."""
    seen = log.checkpoint()
    log.run(delete(log_entry).where(log_entry.c.idx == SIZE - 1))
    log.append(1)
    build_anew(log)
    assert log.checkpoint().size == SIZE
    assert kinds(check(since=seen)) == {"forked"}


def test_a_backdated_entry_is_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """Written today, dated last week: it comes after younger ones."""
    write_late(log, log.clock() - timedelta(days=7))
    report = check()
    assert kinds(report) == {"backdated"}
    assert places(report, "backdated") == [SIZE]


def test_an_entry_backdated_into_a_quiet_time_is_found(
    log: Log, check: Callable[..., fsck.Report]
) -> None:
    """Younger than all entries, but older than a checkpoint that does not have it."""
    log.clock.forward(86400)
    log.sequencer.run_once()
    seen = log.checkpoint()
    log.clock.forward(60)
    write_late(log, log.clock() - timedelta(hours=12))
    assert check().holds
    report = check(since=seen)
    assert kinds(report) == {"backdated"}
    assert places(report, "backdated") == [SIZE]


def test_clocks_a_few_seconds_apart_are_no_attack(
    log: Log, check: Callable[..., fsck.Report]
) -> None:
    """Replicas' clocks differ and transactions take time: ten seconds are let pass."""
    write_late(log, log.clock() - timedelta(seconds=9))
    write_late(log, log.clock() + timedelta(seconds=9))
    assert check().holds


def test_a_postdated_entry_is_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """From after the checkpoint it is under."""
    write_late(log, log.clock() + timedelta(minutes=1))
    report = check()
    assert kinds(report) == {"postdated"}
    assert places(report, "postdated") == [SIZE]


def test_a_postdated_checkpoint_is_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """From after the auditor's own now."""
    signing = Log(log.engine, log.key, Clock(log.clock() + timedelta(hours=1)))
    signing.sequencer.run_once()
    assert kinds(check()) == {"postdated"}


def test_an_older_checkpoint_served_again_is_found(
    log: Log, check: Callable[..., fsck.Report]
) -> None:
    """A log frozen for one auditor."""
    before = log.checkpoint().note
    log.clock.forward(3600)
    log.sequencer.run_once()
    seen = log.checkpoint()
    log.run(update(log_checkpoint).values(note=before))
    assert kinds(check(since=seen)) == {"stale"}


def test_a_checkpoint_without_its_time_is_found(
    log: Log, check: Callable[..., fsck.Report]
) -> None:
    """Leaving out the time would leave out the checks that rest on it."""
    head = log.checkpoint()
    text = head.note.partition("\n\n")[0] + "\n"
    log.run(update(log_checkpoint).values(note=sign_note(text, name=ORIGIN, key=log.key)))
    assert kinds(check()) == {"untimed"}


def test_a_root_signed_without_a_tree_is_found(log: Log, check: Callable[..., fsck.Report]) -> None:
    """The key can sign anything, but nothing adds up to it."""
    note = sign_checkpoint(origin=ORIGIN, size=SIZE, root=bytes(32), key=log.key, at=log.clock())
    log.run(update(log_checkpoint).values(note=note))
    assert kinds(check()) == {"root"}


# --- garbage ---


def test_garbage_in_every_place_is_found(log: Log, tmp_path: Path) -> None:
    """Whatever is served instead of a resource: a finding, never a crash, never silence."""
    home = log.export(tmp_path / "served")
    for path in [path for path in home.rglob("*") if path.is_file()]:
        good = path.read_bytes()
        for garbage in (b"", b"\0", good[:-1], good + b"\0", b"\xff" * len(good), good * 2):
            path.write_bytes(garbage)
            report = fsck.verify(DirectorySource(home), log.vkey, now=log.clock())
            assert not report.holds, (path, garbage[:10])
        path.write_bytes(good)


def test_findings_are_bounded(log: Log, check: Callable[..., fsck.Report]) -> None:
    """A log all wrong is reported in a page, and the rest counted."""
    log.run(update(log_entry).values(commitment=bytes(32)))
    report = check()
    assert len(report.findings) == fsck.MAX_FINDINGS
    assert report.more == SIZE + 2 - fsck.MAX_FINDINGS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_byte_can_be_changed_unseen(log: Log, tmp_path: Path, data: st.DataObject) -> None:
    """Any one bit of any one file that the log serves."""
    home = tmp_path / "served"
    if not home.exists():
        log.export(home)
    files = sorted(path for path in home.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    good = path.read_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    bit = data.draw(st.integers(0, 7))
    path.write_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
    try:
        assert not fsck.verify(DirectorySource(home), log.vkey, now=log.clock()).holds
    finally:
        path.write_bytes(good)
