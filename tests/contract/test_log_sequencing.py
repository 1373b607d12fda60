"""The log in its database, the same on SQLite and PostgreSQL: append, sequence, read."""

import hashlib
import itertools
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, func, insert, select, update

from audit import bundles, paths, reads, storage, tree
from audit.entries import Entry
from audit.errors import EntryInvalid, LogDamaged, NoCheckpoint, SizeUnknown
from audit.sequencer import BATCH, STALE, Sequencer
from audit.storage import log_checkpoint, log_entry, log_tile
from broker.store.engine import open_engine
from tests.log_keys import sealer
from tests.logs import ORIGIN, START, Log, opened
from tillit.leaves import commitment, leaf, leaf_hash
from tillit.proofs import HASH_BYTES

SALT = bytes(32)


@pytest.fixture
def log(database_url: str) -> Iterator[Log]:
    """A log in a database of each kind."""
    with opened(database_url) as log:
        yield log


def hashes(log: Log) -> list[bytes]:
    """The leaf hashes in the order of the tree."""
    query = select(log_entry.c.leaf_hash).order_by(log_entry.c.idx)
    with log.engine.connect() as connection:
        return [
            bytes(found)
            for found in connection.execute(query.where(log_entry.c.idx.is_not(None))).scalars()
        ]


def rebuilt(leaves: list[bytes]) -> bytes:
    """The root of these leaf hashes, by the definition of RFC 6962."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return leaf_hash_of(rebuilt(leaves[:k]), rebuilt(leaves[k:]))


def leaf_hash_of(left: bytes, right: bytes) -> bytes:
    """An inner node, without the code under test."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def test_a_new_log_starts_by_signing_the_empty_tree(log: Log) -> None:
    """An auditor can tell an empty log from none."""
    with pytest.raises(NoCheckpoint):
        log.resource("checkpoint")
    assert log.sequencer.run_once() == 0
    head = log.checkpoint()
    assert (head.size, head.root, head.at) == (0, tree.EMPTY_ROOT, START)


def test_what_is_rolled_back_was_never_there(log: Log) -> None:
    """The entry stands or falls with what it describes."""
    with log.engine.connect() as connection:
        storage.append(connection, Entry("a", START, {}), origin=ORIGIN, salt=SALT)
        connection.rollback()
    assert log.sequencer.run_once() == 0
    assert hashes(log) == []


def test_an_entry_waits_and_is_then_proven(log: Log) -> None:
    """The promise given at once is kept by the next round."""
    (promised,) = log.append()
    assert log.inclusion(promised) is None
    assert log.sequencer.run_once() == 1
    proof = log.inclusion(promised)
    assert proof is not None
    assert (proof.index, proof.leaf_hash, proof.path) == (0, promised.leaf_hash, ())
    log.checkpoint().check_inclusion(leaf_hash=promised.leaf_hash, index=0, path=proof.path)
    assert log.sequencer.run_once() == 0


def test_the_promise_gives_the_leaf_to_who_has_the_content(log: Log) -> None:
    """What a receipt's holder recomputes is what stands in the tree."""
    (promised,) = log.grow(1)
    mac = commitment(promised.salt, {"number": 1, "of": "nobody"})
    assert leaf_hash(leaf("disclosure.released", promised.at, mac)) == promised.leaf_hash
    assert (promised.origin, promised.at) == (ORIGIN, START + timedelta(seconds=1))


def test_every_entry_of_a_growing_log_is_proven(log: Log) -> None:
    """In rounds that end inside, at and beyond the edges of tiles.

    Old proofs stay checkable by consistency.
    """
    heads, promised = [], []
    for count in (1, 2, 252, 1, 1, 255, 3):
        promised += log.grow(count)
        heads.append(log.checkpoint())
    assert [head.size for head in heads] == [1, 3, 255, 256, 257, 512, 515]
    assert hashes(log) == [each.leaf_hash for each in promised]
    for head in heads:
        assert head.root == rebuilt(hashes(log)[: head.size])
        heads[-1].check_continues(head, log.consistency(head.size, 515))
    for index, each in enumerate(promised):
        proof = log.inclusion(each)
        assert proof is not None
        assert proof.index == index
        heads[-1].check_inclusion(leaf_hash=each.leaf_hash, index=index, path=proof.path)


def test_more_than_a_batch_is_sequenced_in_one_run(log: Log) -> None:
    """After an outage of the sequencer nothing is left waiting."""
    promised = log.append(BATCH + 5)
    assert log.sequencer.run_once() == BATCH + 5
    assert hashes(log) == [each.leaf_hash for each in promised]
    assert log.checkpoint().root == rebuilt(hashes(log))


def test_waiting_entries_are_ordered_by_time(log: Log) -> None:
    """Transactions commit in any order.

    The tree runs forward in time, ties in the order they were written.
    """
    moments = [3, 1, 2, 1]
    with log.engine.begin() as connection:
        promised = [
            storage.append(
                connection,
                Entry("a", START + timedelta(seconds=second), {"n": n}),
                origin=ORIGIN,
                salt=SALT,
            )
            for n, second in enumerate(moments)
        ]
    log.sequencer.run_once()
    assert hashes(log) == [promised[n].leaf_hash for n in (1, 3, 2, 0)]


def test_an_unknown_leaf_has_no_proof(log: Log) -> None:
    """Not in the tree, not waiting: no answer that could be taken for one."""
    log.grow(3)
    with log.engine.connect() as connection:
        assert reads.inclusion(connection, bytes(32)) is None


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3), (1, 4), (-1, 2)])
def test_no_proof_between_sizes_the_log_has_not(log: Log, old: int, new: int) -> None:
    """Least of all from the empty tree, which everything continues."""
    log.grow(3)
    with pytest.raises(SizeUnknown):
        log.consistency(old, new)


def test_resources_are_those_of_the_specification(log: Log) -> None:
    """Tiles and bundles under C2SP paths, partial ones of every width that ever was, nothing else."""
    log.grow(258)
    leaves = hashes(log)
    assert log.resource("tile/0/000") == b"".join(leaves[:256])
    assert log.resource("tile/0/001.p/2") == b"".join(leaves[256:])
    assert log.resource("tile/0/000.p/7") == b"".join(leaves[:7])
    assert log.resource("tile/1/000.p/1") == rebuilt(leaves[:256])
    bundle = log.resource("tile/entries/001.p/2")
    assert bundle is not None
    assert [leaf_hash(entry) for entry in bundles.unpack(bundle, 2)] == leaves[256:]
    for path in paths.needed(258):
        assert log.resource(str(path)) is not None
    for nothing in (
        "tile/0/001",
        "tile/0/001.p/3",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
        "tile/2/000.p/1",
        "tile/entries/001",
        "tile/entries/001.p/3",
        "tile/entries/002.p/1",
        "tile/0/0",
        "tile/0/x000/001",
        "tile/8/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "../checkpoint",
        "",
    ):
        assert log.resource(nothing) is None, nothing


def test_waiting_entries_are_served_nowhere(log: Log) -> None:
    """What is not under a signed root is nobody's business yet."""
    log.grow(2)
    log.append(1)
    assert log.resource("tile/0/000.p/3") is None
    assert log.resource("tile/entries/000.p/3") is None


def test_a_proof_reads_the_tiles_it_needs(log: Log) -> None:
    """Two levels of path and the right edge, not the log."""
    promised = log.grow(1500)
    with log.engine.connect() as connection:
        tiles = reads.StoredTiles(connection)
        assert reads.inclusion(connection, promised[300].leaf_hash, tiles=tiles) is not None
    assert tiles.read == 3


def test_the_tree_tells_nothing_of_contents(log: Log) -> None:
    """Not the subject, not the content, not the salt: only type, time and commitment are served."""
    canary = "canary-5f0c"
    entry = Entry("consent.changed", START, {"value": canary, canary: 1}, subject=canary)
    salt = b"canary-5f0c-salt".ljust(32)
    with log.engine.begin() as connection:
        sealing = sealer().begin()
        storage.append(connection, entry, origin=ORIGIN, salt=salt, sealing=sealing)
    log.sequencer.run_once()
    with log.engine.connect() as connection:
        rows = connection.execute(select(log_entry)).all()
    assert canary not in repr(rows)
    for path in ("checkpoint", *map(str, paths.needed(1))):
        assert canary.encode() not in (log.resource(path) or b"")


@pytest.mark.parametrize(
    ("entry", "salt"),
    [
        (Entry("Not a type", START, {}), SALT),
        (Entry("a", datetime(2026, 1, 1), {}), SALT),  # noqa: DTZ001 - the point
        (Entry("a", START, {"n": float("inf")}), SALT),
        (Entry("a", START, {"o": object()}), SALT),
        (Entry("a", START, {"text": "x" * 2**20}), SALT),
        (Entry("a", START, {}), SALT[:16]),
    ],
)
def test_an_entry_that_cannot_be_committed_to_is_not_written(
    log: Log, entry: Entry, salt: bytes
) -> None:
    """It fails before it writes, and its text quotes nothing of the entry."""
    with log.engine.begin() as connection:
        with pytest.raises(EntryInvalid):
            storage.append(connection, entry, origin=ORIGIN, salt=salt)
        assert connection.execute(select(func.count()).select_from(log_entry)).scalar() == 0


def test_a_log_that_stands_still_is_signed_again(log: Log) -> None:
    """A fresh time under the same root: stopping a log shows as an old checkpoint."""
    log.grow(2)
    before = log.checkpoint()
    log.clock.forward(STALE.total_seconds())
    log.sequencer.run_once()
    assert log.checkpoint() == before
    log.clock.forward(1)
    log.sequencer.run_once()
    after = log.checkpoint()
    assert (after.size, after.root, after.at) == (2, before.root, log.clock())


def tampered() -> list[Any]:
    """Statements of somebody with the database in hand but not the key."""
    return [
        update(log_tile).values(hashes=bytes(3 * HASH_BYTES)),
        delete(log_tile),
        update(log_tile).values(hashes=b""),
        update(log_checkpoint).values(size=2),
        update(log_checkpoint).values(note="no note"),
        update(log_checkpoint).values(
            note=func.replace(log_checkpoint.c.note, "\n3\n", "\n2\n"), size=2
        ),
    ]


@pytest.mark.parametrize("n", range(6))
def test_a_tampered_log_is_not_signed_on(log: Log, n: int) -> None:
    """Signing on would make the forgery the log's own word."""
    log.grow(3)
    log.append(1)
    log.run(tampered()[n])
    note = log.resource("checkpoint")
    with pytest.raises(LogDamaged):
        log.sequencer.run_once()
    assert log.resource("checkpoint") == note


def test_another_key_does_not_sign_on(log: Log) -> None:
    """A broker started with the wrong keyring must not fork the log."""
    log.grow(1)
    log.append(1)
    stranger = Sequencer(
        log.engine, origin=ORIGIN, signer=Ed25519PrivateKey.generate(), clock=log.clock
    )
    with pytest.raises(LogDamaged, match="key"):
        stranger.run_once()


def test_a_place_beyond_the_checkpoint_is_no_proof(log: Log) -> None:
    """Somebody wrote an index by hand: the tree does not cover it."""
    log.grow(1)
    (promised,) = log.append(1)
    log.run(update(log_entry).where(log_entry.c.idx.is_(None)).values(idx=7))
    with pytest.raises(LogDamaged):
        log.inclusion(promised)


def test_a_bundle_that_no_leaf_fits_in_is_not_served(log: Log) -> None:
    """Serving must not crash on rows somebody has spoilt."""
    log.grow(2)
    log.run(update(log_entry).where(log_entry.c.idx == 1).values(type="Not a type"))
    assert log.resource("tile/entries/000.p/2") is None


def test_several_sequencers_and_writers_at_once(log: Log, database_url: str) -> None:
    """Replicas need not agree who sequences: no gap, no duplicate, every promise kept."""
    promised: list[list[bytes]] = [[] for _ in range(3)]
    writing = threading.Event()
    failures: list[BaseException] = []

    def write(mine: list[bytes], seed: int) -> None:
        with opened(database_url) as other:
            for n in range(40):
                salt = bytes([seed, n]).ljust(32)
                with other.engine.connect().execution_options(
                    tillit_begin="BEGIN IMMEDIATE"
                ) as connection:
                    entry = Entry("a", datetime.now(UTC), {"n": n})
                    kept = storage.append(connection, entry, origin=ORIGIN, salt=salt)
                    connection.commit()
                mine.append(kept.leaf_hash)

    def sequence() -> None:
        with opened(database_url) as other:
            sequencer = Sequencer(
                other.engine, origin=ORIGIN, signer=log.key, clock=lambda: datetime.now(UTC)
            )
            while not writing.is_set():
                sequencer.run_once()

    def guarded(work: Any, *arguments: Any) -> None:
        try:
            work(*arguments)
        except BaseException as failure:  # noqa: BLE001 - handed to the test's own thread
            failures.append(failure)

    sequencers = [threading.Thread(target=guarded, args=(sequence,)) for _ in range(3)]
    writers = [
        threading.Thread(target=guarded, args=(write, mine, seed))
        for seed, mine in enumerate(promised)
    ]
    for thread in (*sequencers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    writing.set()
    for thread in sequencers:
        thread.join()
    log.sequencer.run_once()
    assert failures == []
    assert sorted(hashes(log)) == sorted(itertools.chain(*promised))
    with log.engine.connect() as connection:
        places = connection.execute(select(log_entry.c.idx).order_by(log_entry.c.idx)).scalars()
        assert list(places) == list(range(120))
    assert log.checkpoint().root == rebuilt(hashes(log))


def test_sequencing_follows_within_a_second(log: Log) -> None:
    """The promise of design.md § 7, by the background thread, which stops when it is told."""
    stop = threading.Event()
    thread = threading.Thread(target=log.sequencer.run_forever, args=(stop,))
    thread.start()
    try:
        (promised,) = log.append(1)
        until = time.monotonic() + 1
        while log.inclusion(promised) is None:
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        stop.set()
        thread.join(2)
    assert not thread.is_alive()


def test_the_background_thread_outlives_damage_and_repair(
    log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so, signs nothing meanwhile, and goes on by itself once things are put right."""
    log.grow(3)
    with log.engine.connect() as connection:
        good = connection.execute(select(log_tile.c.hashes)).scalar_one()
    (promised,) = log.append(1)
    log.run(update(log_tile).values(hashes=bytes(HASH_BYTES * 3)))
    stop = threading.Event()
    thread = threading.Thread(target=log.sequencer.run_forever, args=(stop,))
    with caplog.at_level(logging.CRITICAL):
        thread.start()
        try:
            until = time.monotonic() + 2
            while not caplog.records and time.monotonic() < until:
                time.sleep(0.02)
            assert "not signed on" in caplog.text
            assert log.checkpoint().size == 3
            log.run(update(log_tile).values(hashes=good))
            while log.inclusion(promised) is None:
                assert time.monotonic() < until + 2
                time.sleep(0.02)
        finally:
            stop.set()
            thread.join(2)
    assert log.checkpoint().size == 4


def test_the_background_thread_waits_for_its_database(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Database gone: no crash, no noise beyond its kind, and work goes on when it is back."""
    home = tmp_path / "later"
    engine = open_engine(f"sqlite:///{home / 'tillit.db'}")
    log = Log(engine)
    stop = threading.Event()
    thread = threading.Thread(target=log.sequencer.run_forever, args=(stop,))
    with caplog.at_level(logging.WARNING):
        thread.start()
        try:
            until = time.monotonic() + 5
            while not caplog.records:
                assert time.monotonic() < until
                time.sleep(0.02)
            assert "waits for its database: OperationalError" in caplog.text
            home.mkdir()
            storage.metadata.create_all(engine)
            (promised,) = log.append(1)
            while log.inclusion(promised) is None:
                assert time.monotonic() < until
                time.sleep(0.02)
        finally:
            stop.set()
            thread.join(2)
            engine.dispose()


def test_a_leaf_hash_stands_once(log: Log) -> None:
    """The same entry under the same salt would be one leaf at two places.

    The database refuses it.
    """
    log.grow(1)
    row = {
        "type": "a",
        "at": "2026-11-23T08:00:00.000000Z",
        "commitment": bytes(32),
        "leaf_hash": hashes(log)[0],
    }
    with pytest.raises(Exception, match=r"(?i)unique"):
        log.run(insert(log_entry), row)
