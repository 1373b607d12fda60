"""The sequencer: gives waiting entries their place in the tree and signs the new checkpoint.

One transaction writes indices, tiles and checkpoint, so that a crash at any point leaves either all
of it or nothing. Any number of sequencers run: a lock in the database lets one at a time work, and
should that lock ever fail, the checkpoint is only replaced where it is still the one that was read.
Before it signs, it rebuilds the root from the stored tiles and compares it with what it signed last:
a log that was tampered with is not signed on.
"""

import itertools
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Event

from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    exists,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from audit import tree
from audit.errors import HeadMoved, LogDamaged
from audit.locks import lock
from audit.reads import StoredTiles
from audit.signers import Signing, given
from audit.spreading import CHUNK, spread
from audit.storage import log_checkpoint, log_entry, log_tile
from tillit.notes import VerifiedCheckpoint, Vkey, sign_checkpoint

BATCH = 2048
"""At most so many entries a transaction: it bounds how long writers of a SQLite database wait."""

PAUSE = 0.2
"""Seconds between looks for waiting entries."""

SPREAD_EVERY = 5
"""Looks between spreadings: searching may lag a second behind, and SQLite's one writer has less to wait for."""

STALE = timedelta(seconds=60)
"""A checkpoint older than this is signed again: standing still is not being stopped."""

_LOCK = int.from_bytes(b"tillitlg", "big")
_log = logging.getLogger(__name__)

_waiting = (
    select(log_entry.c.position, log_entry.c.leaf_hash)
    .where(log_entry.c.idx.is_(None))
    .order_by(log_entry.c.at, log_entry.c.position)
    .limit(BATCH)
)
_place = (
    update(log_entry)
    .where(log_entry.c.position == bindparam("entry"))
    .values(idx=bindparam("place"))
)


class Sequencer:
    """Sequences the log in ``engine``'s database under ``origin``, signing with ``signer`` (``audit.signers``)."""

    def __init__(
        self,
        engine: Engine,
        *,
        origin: str,
        signer: Signing,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        if engine.dialect.name == "postgresql":
            # The first statement waits for the lock: what it sees must not be from before the wait.
            self._engine = engine.execution_options(isolation_level="READ COMMITTED")
        self._origin = origin
        self._signers = given(signer)
        self._clock = clock
        self._all_spread = False

    @property
    def vkey(self) -> Vkey:
        """What auditors need in order to verify this log; the newest where several keys sign."""
        return self._signers().vkey(self._origin)

    def head(self, note: bytes) -> VerifiedCheckpoint | None:
        """A checkpoint as this log's keys have signed it; None when none has."""
        return self._signers().opened(note, self._origin)

    def run_once(self) -> int:
        """Sequence all committed entries that wait, and spread them; returns how many waited.

        Raises ``LogDamaged``.
        """
        done = self._sequence()
        self._spread_all()
        return done

    def run_forever(self, stop: Event) -> None:
        """Sequence until ``stop`` is set. A database that cannot be reached is tried again."""
        for turn in itertools.count():
            if stop.is_set():
                return
            try:
                self._sequence()
                if turn % SPREAD_EVERY == 0:
                    self._spread_all()
            except SQLAlchemyError as wrong:
                _log.warning("the log waits for its database: %s", type(wrong).__name__)
            except LogDamaged as wrong:
                _log.critical("the log is not signed on: %s", wrong.detail)
            except HeadMoved:
                _log.warning("another sequencer has signed meanwhile")
            stop.wait(PAUSE)

    def _sequence(self) -> int:
        if not self._is_due():
            return 0
        self._all_spread = False
        done = took = self._batch()
        while took == BATCH:
            took = self._batch()
            done += took
        return done

    def _spread_all(self) -> None:
        while not self._all_spread:
            with self._engine.begin() as connection:
                self._all_spread = spread(connection) < CHUNK

    def _is_due(self) -> bool:
        with self._engine.connect() as connection:
            head = self._head(connection)
            if self._is_stale(head):
                return True
            return bool(connection.execute(select(exists(_waiting))).scalar())

    def _is_stale(self, head: VerifiedCheckpoint | None) -> bool:
        """Whether to sign it again: it is old, or a key that signs now has not."""
        if head is None or head.at is None or self._clock() - head.at > STALE:
            return True
        return not self._signers().have_all_signed(head.note, self._origin)

    def _batch(self) -> int:
        with self._engine.begin() as connection:
            lock(connection, _LOCK)
            head = self._head(connection)
            size = head.size if head else 0
            tiles = StoredTiles(connection)
            if head and tree.root(tiles, size) != head.root:
                raise LogDamaged("the tiles do not add up to the signed root")
            waiting = connection.execute(_waiting).all()
            if not waiting and not self._is_stale(head):
                return 0  # Whoever held the lock before has done it all.
            if waiting:
                places = [
                    {"entry": row.position, "place": size + n} for n, row in enumerate(waiting)
                ]
                connection.execute(_place, places)
            changed = tree.grown(tiles, size, [bytes(row.leaf_hash) for row in waiting])
            _write_tiles(connection, size, changed)
            self._sign(connection, size + len(waiting), _Overlay(changed, tiles), was=head)
            return len(waiting)

    def _head(self, connection: Connection) -> VerifiedCheckpoint | None:
        row = connection.execute(select(log_checkpoint.c.size, log_checkpoint.c.note)).first()
        if row is None:
            return None
        head = self._signers().opened(row.note, self._origin)
        if head is None:
            raise LogDamaged("the stored checkpoint is not signed by this log's key")
        if head.size != row.size:
            raise LogDamaged("the stored size is not the one that was signed")
        return head

    def _sign(
        self,
        connection: Connection,
        size: int,
        tiles: tree.Tiles,
        *,
        was: VerifiedCheckpoint | None,
    ) -> None:
        newest, *others = self._signers().now
        note = sign_checkpoint(
            origin=self._origin,
            size=size,
            root=tree.root(tiles, size),
            key=newest,
            at=self._clock(),
            also=others,
        )
        if was is None:
            connection.execute(insert(log_checkpoint).values(id=1, size=size, note=note))
            return
        swap = update(log_checkpoint).where(log_checkpoint.c.note == was.note)
        if connection.execute(swap.values(size=size, note=note)).rowcount != 1:
            raise HeadMoved


class _Overlay:
    """Tiles of which some have just grown."""

    def __init__(self, changed: Mapping[tuple[int, int], bytes], below: tree.Tiles) -> None:
        self._changed = changed
        self._below = below

    def __call__(self, level: int, n: int) -> bytes:
        grown = self._changed.get((level, n))
        return self._below(level, n) if grown is None else grown


def _write_tiles(
    connection: Connection, size: int, changed: Mapping[tuple[int, int], bytes]
) -> None:
    there = set(tree.edge(size))
    for (level, n), hashes in changed.items():
        if (level, n) in there:
            connection.execute(
                update(log_tile)
                .where(log_tile.c.level == level, log_tile.c.n == n)
                .values(hashes=hashes)
            )
    fresh = [
        {"level": level, "n": n, "hashes": hashes}
        for (level, n), hashes in changed.items()
        if (level, n) not in there
    ]
    if fresh:
        connection.execute(insert(log_tile), fresh)
