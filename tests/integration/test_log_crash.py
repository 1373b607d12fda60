"""The log when its process is killed.

Nothing acknowledged is lost, nothing stands twice, no repair is needed.
"""

import dataclasses
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from audit import fsck
from audit.sources import DirectorySource
from audit.storage import log_entry
from tests.log_worker import BATCH, KEY, now
from tests.logs import Clock, Log, opened

pytestmark = pytest.mark.slow

ROUNDS = 12


class SystemClock(Clock):
    """The clock that the workers go by."""

    def __call__(self) -> datetime:
        """The time."""
        return now()


@pytest.fixture
def log(database_url: str) -> Iterator[Log]:
    """The log the killed processes work on, seen from here."""
    with opened(database_url) as log:
        yield dataclasses.replace(log, key=KEY, clock=SystemClock())


def worker(url: str, *arguments: int) -> "subprocess.Popen[str]":
    """A process that sequences."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.log_worker", url, *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )


def places(log: Log) -> dict[str, int | None]:
    """Leaf hash → place in the tree, None while it waits."""
    with log.engine.connect() as connection:
        rows = connection.execute(select(log_entry.c.leaf_hash, log_entry.c.idx)).all()
    return {bytes(row.leaf_hash).hex(): row.idx for row in rows}


def test_killed_before_every_statement(log: Log, database_url: str) -> None:
    """For each statement of the transaction, and its commit.

    Afterwards all of it is there, or nothing.
    """
    acknowledged: set[str] = set()
    killed = 0
    for statement in range(40):
        process = worker(database_url, statement, statement)
        said, _ = process.communicate(timeout=60)
        acknowledged |= set(said.split())
        found = places(log)
        assert acknowledged <= set(found)
        sequenced = sorted(place for place in found.values() if place is not None)
        assert sequenced == list(range(len(sequenced)))
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        killed += 1
        assert log.sequencer.run_once() in (0, BATCH)
    assert killed >= 8
    assert acknowledged == {leaf for leaf, place in places(log).items() if place is not None}


def test_killed_at_any_moment(log: Log, database_url: str, tmp_path: Path) -> None:
    """At random, with the next process going on at once.

    In the end an auditor finds nothing wrong.
    """
    chance = random.Random(20261123)
    acknowledged: set[str] = set()
    for seed in range(ROUNDS):
        process = worker(database_url, seed)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(chance.uniform(0, 0.25))
        process.kill()
        said = first + process.stdout.read()
        process.stdout.close()
        process.wait(60)
        # The last line may have been cut off in the pipe.
        acknowledged |= set(said.split("\n")[:-1])
    log.sequencer.run_once()
    found = places(log)
    assert acknowledged <= set(found)
    assert sorted(found.values(), key=lambda place: -1 if place is None else place) == list(
        range(len(found))
    )
    source = DirectorySource(log.export(tmp_path / "served"))
    report = fsck.verify(source, log.vkey, now=now())
    assert (report.findings, report.entries) == ((), len(found))
