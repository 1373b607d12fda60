"""The log's head among several sequencers: one at a time, and none replaces what it has not read."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from audit.errors import HeadMoved
from audit.sequencer import Sequencer
from audit.storage import log_checkpoint, log_entry
from tests.logs import ORIGIN, Log, opened
from tillit.notes import sign_checkpoint


@pytest.fixture
def log(database_url: str) -> Iterator[Log]:
    """A log in a database of each kind."""
    with opened(database_url) as log:
        yield log


@pytest.fixture
def postgres_log(postgres_url: str) -> Iterator[Log]:
    """A log where somebody else can write between two statements of a transaction."""
    with opened(postgres_url) as log:
        yield log


def before(log: Log, begins: tuple[str, ...], act: Callable[[], Any]) -> None:
    """Do something, once, just before the statement that begins so."""
    due = [act]

    def listen(_: Any, __: Any, statement: str, *___: Any) -> None:
        if due and statement.startswith(begins):
            due.pop()()

    event.listen(log.engine, "before_cursor_execute", listen)


def sign_beside(log: Log, other: Log) -> None:
    """Somebody signs the same tree again, in a transaction that goes by no lock."""
    head = log.checkpoint()
    note = sign_checkpoint(
        origin=ORIGIN,
        size=head.size,
        root=head.root,
        key=log.key,
        at=log.clock() + timedelta(seconds=1),
    )
    other.run(update(log_checkpoint).values(note=note))


def test_a_head_that_moved_is_not_replaced(postgres_log: Log, postgres_url: str) -> None:
    """A lock that did not hold, as after a failover, must cost a round and never a fork."""
    log = postgres_log
    log.grow(3)
    (promised,) = log.append()
    with opened(postgres_url) as other:
        before(log, ("UPDATE log_checkpoint SET size",), lambda: sign_beside(log, other))
        with pytest.raises(HeadMoved):
            log.sequencer.run_once()
        assert log.inclusion(promised) is None
        assert log.checkpoint().size == 3
        with log.engine.connect() as connection:
            waiting = select(log_entry.c.leaf_hash).where(log_entry.c.idx.is_(None))
            assert [bytes(row) for row in connection.execute(waiting).scalars()] == [
                promised.leaf_hash
            ]
    assert log.sequencer.run_once() == 1
    assert log.checkpoint().size == 4


def test_the_background_thread_tries_again(
    postgres_log: Log, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """By itself, and says what happened."""
    log = postgres_log
    log.grow(3)
    (promised,) = log.append()
    stop = threading.Event()
    with opened(postgres_url) as other, caplog.at_level(logging.WARNING):
        before(log, ("UPDATE log_checkpoint SET size",), lambda: sign_beside(log, other))
        thread = threading.Thread(target=log.sequencer.run_forever, args=(stop,))
        thread.start()
        try:
            until = time.monotonic() + 5
            while log.inclusion(promised) is None:
                assert time.monotonic() < until
                time.sleep(0.02)
        finally:
            stop.set()
            thread.join(2)
    assert "another sequencer has signed meanwhile" in caplog.text


def test_who_waited_for_the_lock_signs_nothing_anew(log: Log, database_url: str) -> None:
    """The one before has done it all: a second checkpoint of the same tree would tell nobody anything."""
    log.grow(3)
    (promised,) = log.append()
    with opened(database_url) as other:
        first = Sequencer(other.engine, origin=ORIGIN, signer=log.key, clock=log.clock)
        locks = ("SELECT pg_advisory_xact_lock", "UPDATE log_checkpoint SET id")
        notes: list[str] = []

        def overtake() -> None:
            assert first.run_once() == 1
            notes.append(log.checkpoint().note)
            log.clock.forward(5)

        before(log, locks, overtake)
        assert log.sequencer.run_once() == 0
    assert [log.checkpoint().note] == notes
    assert log.inclusion(promised) is not None
