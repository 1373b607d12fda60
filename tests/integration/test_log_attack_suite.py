"""The attacks that the log must withstand, each done to a real one and found from outside (design.md § 7).

Whoever attacks owns the database and, where it says so, the log's signing key as well. Whoever looks has
what the log serves, its public key, and what the last column says; the command is ``tillit-audit``.

| attack | with | found by |
|---|---|---|
| edit an entry | database | ``verify``; carried into the tiles and signed anew: the checkpoint of an earlier visit |
| delete an entry | database | ``verify``; signed anew: the checkpoint of an earlier visit |
| reorder entries | database | ``verify``; signed anew: the checkpoint of an earlier visit |
| insert an entry | database | ``verify``; signed anew: the checkpoint of an earlier visit |
| truncate | database and key | the checkpoint of an earlier visit |
| roll back to a backup | database and key | the checkpoint of an earlier visit, also once the log has grown on |
| fork to two viewers | database and key | either viewer with the other's checkpoint; without one, by witnesses |
| back-date an entry | database and key | ``verify`` alone |
| replace the log's key | database and a new key | the public key that the auditor has |
| drop one kind of event | database and key | the checkpoint of an earlier visit; without one, whoever holds a receipt |
| release keys without an entry | broker | ``reconcile`` with the custodian's log: ``test_reconcile`` |

``test_log_attacks`` looks closer at what each finding says and where.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, insert, select, update

from audit import cli, storage, tree
from audit.entries import Entry
from audit.storage import log_checkpoint, log_entry, log_tile
from tests.logs import ORIGIN, Log, opened
from tests.vectors import verifier
from tests.witness import Refused, Witness
from tillit.leaves import leaf_at, leaf_hash
from tillit.notes import Vkey, sign_checkpoint
from tillit.quorums import NotWitnessed, Policy

SIZE = 300
DROPPED = "consent.changed"


@dataclass
class Auditor:
    """Somebody outside: the public key, the checkpoints of earlier visits, the command."""

    log: Log
    directory: Path
    vkey: Vkey
    capsys: pytest.CaptureFixture[str]
    seen: Path | None = None

    def look(self, *, remembering: bool = True) -> tuple[int, set[str]]:
        """Exit code and what was found; a visit that finds nothing is remembered."""
        served = self.log.export(self.directory / "served")
        asked = ["verify", str(served), "--vkey", str(self.vkey), "--json"]
        if remembering and self.seen:
            asked += ["--since", str(self.seen)]
        code = cli.main(asked)
        said = json.loads(self.capsys.readouterr().out)
        shutil.rmtree(served)
        return code, {found["kind"] for found in said["findings"]}

    def remember(self) -> None:
        """Look, and keep the checkpoint."""
        assert self.look() == (0, set())
        self.seen = self.directory / "seen"
        self.seen.write_text(self.log.checkpoint().note)


@pytest.fixture
def log(database_url: str) -> Iterator[Log]:
    """A log of two kinds of events, a little more than a tile."""
    with opened(database_url) as log:
        log.append(SIZE - 3)
        for n in range(3):
            write(log, DROPPED, n=n)
        log.sequencer.run_once()
        yield log


@pytest.fixture
def auditor(log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Auditor:
    """An auditor who has been here before."""
    made = Auditor(log, tmp_path, log.vkey, capsys)
    made.remember()
    return made


def write(log: Log, kind: str, *, back: timedelta = timedelta(), n: int = 0) -> bytes:
    """An entry as any replica writes it; gives the leaf hash that a receipt would promise."""
    log.clock.forward(1)
    entry = Entry(kind, log.clock() - back, {"n": n})
    with log.engine.begin() as connection:
        return storage.append(connection, entry, origin=ORIGIN, salt=bytes([n]) * 32).leaf_hash


# --- what the owner of the database does ---


def edit(log: Log) -> None:
    """An entry has committed to something else."""
    forged = bytes(32)
    row = select(log_entry.c.type, log_entry.c.at).where(log_entry.c.idx == 100)
    with log.engine.connect() as connection:
        kind, at = connection.execute(row).one()
    hashed = leaf_hash(leaf_at(kind, at, forged))
    place(log, 100, commitment=forged, leaf_hash=hashed)


def remove(log: Log) -> None:
    """An entry has never been; those after it move up."""
    log.run(delete(log_entry).where(log_entry.c.idx == 100))
    shift(log, -1)


def reorder(log: Log) -> None:
    """Two entries of the same minute change places."""
    for was, becomes in ((10, -1), (11, 10), (-1, 11)):
        place(log, was, idx=becomes)


def insert_one(log: Log) -> None:
    """An entry has been all along; those after it move down."""
    shift(log, 1)
    with log.engine.connect() as connection:
        at = connection.execute(select(log_entry.c.at).where(log_entry.c.idx == 100)).scalar_one()
    hashed = leaf_hash(leaf_at("consent.given", at, bytes(32)))
    row = {"idx": 101, "type": "consent.given", "at": at, "commitment": bytes(32)}
    log.run(insert(log_entry).values(**row, leaf_hash=hashed))


def shift(log: Log, by: int) -> None:
    """Move everything after the hundredth, by way of numbers that nobody has."""
    log.run(update(log_entry).where(log_entry.c.idx > 100).values(idx=-log_entry.c.idx))
    log.run(update(log_entry).where(log_entry.c.idx < 0).values(idx=by - log_entry.c.idx))


def place(log: Log, index: int, **values: Any) -> None:
    """Change the entry at a place."""
    log.run(update(log_entry).where(log_entry.c.idx == index).values(**values))


# --- what the owner of the key adds ---


def sign_anew(log: Log) -> None:
    """A new tree over what the database now holds, in its order, signed as if it had always been."""
    query = select(log_entry.c.position, log_entry.c.leaf_hash).order_by(log_entry.c.idx)
    with log.engine.begin() as connection:
        rows = connection.execute(query.where(log_entry.c.idx.is_not(None))).all()
        connection.execute(update(log_entry).values(idx=None))
        for index, row in enumerate(rows):
            where = log_entry.c.position == row.position
            connection.execute(update(log_entry).where(where).values(idx=index))
        tiles = tree.grown(_no_tile, 0, [bytes(row.leaf_hash) for row in rows])
        connection.execute(delete(log_tile))
        held = [{"level": at[0], "n": at[1], "hashes": tile} for at, tile in tiles.items()]
        connection.execute(insert(log_tile), held)
        root = tree.root(lambda level, n: tiles[level, n], len(rows))
        note = sign_checkpoint(
            origin=ORIGIN, size=len(rows), root=root, key=log.key, at=log.clock()
        )
        connection.execute(update(log_checkpoint).values(size=len(rows), note=note))


def _no_tile(level: int, n: int) -> bytes:
    raise AssertionError(f"a tree that begins anew has no tile {level}/{n}")


def drop_kind(log: Log) -> None:
    """One kind of event has never happened."""
    log.run(delete(log_entry).where(log_entry.c.type == DROPPED))


@dataclass
class Backup:
    """All that the log's tables held once."""

    rows: dict[str, list[Any]]

    @classmethod
    def of(cls, log: Log) -> "Backup":
        """Take one."""
        with log.engine.connect() as connection:
            tables = (log_entry, log_tile, log_checkpoint)
            return cls({t.name: list(connection.execute(select(t)).mappings()) for t in tables})

    def restore(self, log: Log) -> None:
        """Put everything back as it was."""
        with log.engine.begin() as connection:
            for table in (log_entry, log_tile, log_checkpoint):
                connection.execute(delete(table))
                connection.execute(insert(table), [dict(row) for row in self.rows[table.name]])


ATTACKS = [edit, remove, reorder, insert_one]


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_the_database_alone_allows_is_found_without_memory(
    log: Log, auditor: Auditor, attack: Callable[[Log], None]
) -> None:
    """By anybody, on the first visit: the signed root does not follow."""
    attack(log)
    code, found = auditor.look(remembering=False)
    assert code == 1
    assert found & {"altered", "reordered", "root", "missing"}


@pytest.mark.parametrize("attack", [*ATTACKS, drop_kind])
def test_what_the_key_allows_is_found_by_who_was_here_before(
    log: Log, auditor: Auditor, attack: Callable[[Log], None]
) -> None:
    """A forgery in itself whole: it holds for a newcomer, and not for whoever has a checkpoint."""
    attack(log)
    sign_anew(log)
    assert auditor.look(remembering=False) == (0, set())
    code, found = auditor.look()
    assert code == 1
    assert found & {"forked", "truncated"}
    log.grow(200)
    assert auditor.look()[0] == 1


def test_truncation_is_found(log: Log, auditor: Auditor) -> None:
    """The last entries never happened, says the holder of the key; then the log grows on over the gap."""
    log.run(delete(log_entry).where(log_entry.c.idx >= SIZE - 2))
    sign_anew(log)
    assert auditor.look(remembering=False) == (0, set())
    assert auditor.look() == (1, {"truncated"})
    log.grow(50)
    assert auditor.look() == (1, {"forked"})


def test_a_roll_back_is_found(log: Log, auditor: Auditor) -> None:
    """Yesterday's backup is put back, what came after never was, and the sequencer signs on."""
    backup = Backup.of(log)
    log.grow(20)
    auditor.remember()
    backup.restore(log)
    log.clock.forward(3600)
    log.sequencer.run_once()
    assert auditor.look(remembering=False) == (0, set())
    assert auditor.look() == (1, {"truncated"})
    log.grow(30)
    assert auditor.look() == (1, {"forked"})


def test_a_fork_to_two_viewers_is_found_by_either(log: Log, auditor: Auditor) -> None:
    """Each is shown a log that holds; each other's checkpoint convicts."""
    before = Backup.of(log)
    log.grow(1)
    first_note, first = log.checkpoint().note, Backup.of(log)
    before.restore(log)
    log.grow(1)
    second_note = log.checkpoint().note
    assert auditor.seen is not None
    assert auditor.look() == (0, set())
    auditor.seen.write_text(first_note)
    assert auditor.look() == (1, {"forked"})
    first.restore(log)
    assert auditor.look() == (0, set())
    auditor.seen.write_text(second_note)
    assert auditor.look() == (1, {"forked"})


def test_a_fork_is_found_by_who_asks_for_witnesses(log: Log) -> None:
    """Witnesses cosign one of the two: whoever is shown the other finds too few, on the first visit."""
    watching = [
        Witness(f"witness.example/{n}", ORIGIN, log.vkey.public_key, clock=_seconds(log))
        for n in range(3)
    ]
    lines = "".join(f"witness w{n} {each.vkey}\n" for n, each in enumerate(watching))
    policy = Policy.parse(f"{lines}group two 2 w0 w1 w2\nquorum two\n")
    before = Backup.of(log)
    log.grow(1)
    shown = log.checkpoint().note
    cosigned = shown + "".join(each.add_checkpoint(f"old 0\n\n{shown}") for each in watching)
    assert policy.check(cosigned, log=log.vkey).missing == ()
    before.restore(log)
    log.grow(1)
    other = log.checkpoint().note
    for each in watching:
        with pytest.raises(Refused):
            each.add_checkpoint(f"old {SIZE + 1}\n\n{other}")
    with pytest.raises(NotWitnessed):
        policy.check(other, log=log.vkey)


def _seconds(log: Log) -> Callable[[], float]:
    return lambda: log.clock().timestamp()


def test_a_back_dated_entry_is_found(log: Log, auditor: Auditor) -> None:
    """Written and signed today, dated last week: it comes after younger ones."""
    write(log, "consent.given", back=timedelta(days=7), n=9)
    log.sequencer.run_once()
    assert auditor.look(remembering=False) == (1, {"backdated"})


def test_another_key_is_found(log: Log, auditor: Auditor) -> None:
    """The log is signed anew under the same name by whoever has lost, or never had, the key."""
    stranger = Log(log.engine, Ed25519PrivateKey.generate(), log.clock)
    sign_anew(stranger)
    with pytest.raises(verifier.WRONG):
        verifier.checkpoint({"note": stranger.checkpoint().note, "vkey": str(auditor.vkey)})
    auditor.log = stranger
    code, found = auditor.look(remembering=False)
    assert (code, found) == (1, {"signature"})
    assert auditor.look() == (1, {"signature"})


def test_a_dropped_event_is_found_by_who_holds_its_receipt(log: Log, auditor: Auditor) -> None:
    """Without any checkpoint from before: a receipt promises a leaf, and the leaf is not there."""
    promised = write(log, DROPPED, n=7)
    log.sequencer.run_once()
    served = leaf_hashes(log, auditor)
    assert promised in served
    drop_kind(log)
    sign_anew(log)
    assert auditor.look(remembering=False) == (0, set())
    assert promised not in leaf_hashes(log, auditor)


def leaf_hashes(log: Log, auditor: Auditor) -> set[bytes]:
    """The leaf hashes of a mirrored log, as anybody reads them off its tiles."""
    served = log.export(auditor.directory / "served")
    size = log.checkpoint().size
    data = b"".join(
        verifier.tile(served, 0, n, min(256, size - 256 * n)) for n in range(-(-size // 256))
    )
    shutil.rmtree(served)
    return {data[at : at + 32] for at in range(0, len(data), 32)}
