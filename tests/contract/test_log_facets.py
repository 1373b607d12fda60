"""Spreading of facets, the same on SQLite and PostgreSQL: once, in order, whoever sequenced."""

import os
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from audit import storage
from audit.entries import Entry
from audit.facets import Facets
from audit.spreading import CHUNK, spread
from audit.storage import log_entry, log_facet, log_spread
from tests.logs import ORIGIN, Log, opened

NAV, SCHOOL = "nav-larvik", "thor-heyerdahl-vgs"


@pytest.fixture
def log(database_url: str) -> Iterator[Log]:
    """A log in a database of each kind."""
    with opened(database_url) as log:
        yield log


def append(log: Log, kind: str, facets: Facets) -> None:
    """Write an entry that is found by these."""
    log.clock.forward(1)
    entry = Entry(kind, log.clock(), {}, None, facets)
    with log.engine.begin() as connection:
        storage.append(connection, entry, origin=ORIGIN, salt=os.urandom(32))


def rows(log: Log) -> list[tuple[str, str, int]]:
    """All that leads to an entry."""
    query = select(log_facet).order_by(log_facet.c.idx, log_facet.c.kind, log_facet.c.word)
    with log.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_what_is_sequenced_is_found_by_its_facets(log: Log) -> None:
    """By each value of each kind, and by its type, in the order of the tree."""
    append(log, "check", {"service": (NAV, SCHOOL), "outcome": ("refused",)})
    append(log, "policy.loaded", {})
    assert rows(log) == []
    assert log.sequencer.run_once() == 2
    assert rows(log) == [
        ("outcome", "refused", 0),
        ("service", NAV, 0),
        ("service", SCHOOL, 0),
        ("type", "check", 0),
        ("type", "policy.loaded", 1),
    ]


def test_what_an_earlier_release_placed_is_caught_up_with(log: Log) -> None:
    """Its sequencer knows nothing of facets: what it placed must not be missing from every search."""
    append(log, "check", {"service": (NAV,)})
    append(log, "deposit", {"service": (SCHOOL,)})
    log.sequencer.run_once()
    found = rows(log)
    log.run(delete(log_facet))
    log.run(delete(log_spread))
    assert log.sequencer.run_once() == 0
    assert rows(log) == found


def test_nothing_is_spread_twice(log: Log) -> None:
    """However often and from wherever it begins."""
    append(log, "check", {"service": (NAV,)})
    log.sequencer.run_once()
    found = rows(log)
    log.run(update(log_spread).values(size=0))
    with log.engine.begin() as connection:
        assert spread(connection) == 1
        assert spread(connection) == 0
    assert rows(log) == found


def test_many_are_spread_in_bounded_steps_by_however_many_sequencers(log: Log) -> None:
    """A backlog never makes one long transaction, and two replicas do not get in each other's way."""
    with log.engine.begin() as connection:
        for n in range(CHUNK + 10):
            entry = Entry("check", log.clock(), {"n": n}, None, {"service": (NAV,)})
            storage.append(connection, entry, origin=ORIGIN, salt=os.urandom(32))
    sequencers = [log.sequencer for _ in range(3)]
    threads = [threading.Thread(target=each.run_once) for each in sequencers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.sequencer.run_once()
    assert [idx for kind, _, idx in rows(log) if kind == "service"] == list(range(CHUNK + 10))
    with log.engine.connect() as connection:
        assert connection.execute(select(log_spread.c.size)).scalar() == CHUNK + 10


def test_facets_that_were_tampered_with_stop_no_sequencing(log: Log) -> None:
    """They are beside the tree: what cannot be read there is no reason not to sign the log."""
    append(log, "check", {"service": (NAV,)})
    log.run(update(log_entry).values(facets="{"))
    with pytest.raises(DBAPIError):
        log.sequencer.run_once()
    assert log.checkpoint().size == 1
