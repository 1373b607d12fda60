"""Searching the log, the same on SQLite and PostgreSQL: what a page says is what a look at every entry would."""

import os
import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import insert, text

from audit import search, storage
from audit.entries import Entry
from audit.facets import Facets
from audit.search import ASTRAY, WINDOW, Found, Search
from tests.logs import ORIGIN, START, Log, opened

SERVICES = ("nav-larvik", "thor-heyerdahl-vgs", "larvikshjelpa")
OUTCOMES = ("released", "refused")
COUNT = 300

_MANY = text(
    "INSERT INTO log_entry (idx, type, at, commitment, leaf_hash) SELECT n, 'check', "
    "'2026-01-01T00:00:00.000000Z', '', sha256(n::text::bytea) FROM generate_series(0, :size - 1) n"
)
_HAVE = text(
    "INSERT INTO log_facet SELECT kind, :word, n FROM unnest(ARRAY['service', 'purpose']) kind, "
    "generate_series(0, :size - 1, :step) n"
)
_READ = text(
    "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'log_facet'"
)


@pytest.fixture
def log(database_url: str) -> Iterator[Log]:
    """A log in a database of each kind."""
    with opened(database_url) as log:
        yield log


def append(log: Log, kind: str, facets: Facets, *, late: float = 0) -> None:
    """Write an entry that is found by these, dated back so many seconds."""
    log.clock.forward(1)
    entry = Entry(kind, log.clock() - timedelta(seconds=late), {}, None, facets)
    with log.engine.begin() as connection:
        storage.append(connection, entry, origin=ORIGIN, salt=os.urandom(32))


def filled(log: Log) -> None:
    """Entries of chance facets, some of them up to five seconds late."""
    chance = random.Random(4)
    for _ in range(COUNT):
        services = tuple(sorted(chance.sample(SERVICES, chance.randint(1, 3))))
        facets = {"service": services, "outcome": (chance.choice(OUTCOMES),)}
        kind = chance.choice(("check", "disclosure"))
        append(log, kind, facets, late=chance.choice((0, 0, 0, 5)))
    log.sequencer.run_once()


def every(log: Log, asked: Search) -> list[Found]:
    """All pages, one after the other."""
    found: list[Found] = []
    after: int | None = asked.after
    with log.engine.connect() as connection:
        while after is not None:
            page = search.search(
                connection,
                Search(asked.facets, asked.since, asked.until, after=after, limit=asked.limit),
            )
            found += page.entries
            assert page.after is None or page.after > after
            after = page.after
    return found


def fits(entry: Found, asked: Search) -> bool:
    """Whether an entry is searched for, by the plainest reading."""
    words = {"type": (entry.type,), **entry.facets}
    return (
        all(word in words.get(kind, ()) for kind, word in asked.facets.items())
        and (asked.since is None or entry.at >= asked.since)
        and (asked.until is None or entry.at < asked.until)
        and entry.index > asked.after
    )


def test_pages_hold_what_a_look_at_every_entry_finds(log: Log) -> None:
    """No entry is left out and none stands twice, whatever is asked for together."""
    filled(log)
    whole = every(log, Search(limit=500))
    assert [entry.index for entry in whole] == list(range(COUNT))
    chance = random.Random(5)
    for _ in range(60):
        facets = {
            kind: chance.choice(words)
            for kind, words in {
                "type": ("check", "disclosure", "deposit"),
                "service": (*SERVICES, "ot-vestfold"),
                "outcome": OUTCOMES,
            }.items()
            if chance.random() < 0.5
        }
        edges = [START + timedelta(seconds=chance.randint(-5, COUNT + 5)) for _ in range(2)]
        asked = Search(
            facets,
            chance.choice((None, min(edges))),
            chance.choice((None, max(edges))),
            after=chance.choice((-1, chance.randrange(COUNT))),
            limit=chance.choice((1, 7, 500)),
        )
        assert every(log, asked) == [entry for entry in whole if fits(entry, asked)]


def test_what_never_occurs_together_is_told_in_bounded_steps(log: Log) -> None:
    """Two common facets that no entry has together must not make one call read the whole log."""
    with log.engine.begin() as connection:
        for n in range(WINDOW + 50):
            facets = {"service": (SERVICES[n % 2],), "outcome": (OUTCOMES[n % 2],)}
            entry = Entry("check", log.clock(), {"n": n}, None, facets)
            storage.append(connection, entry, origin=ORIGIN, salt=os.urandom(32))
        for n in range(WINDOW * 2):
            facets = {"service": (SERVICES[0],), "outcome": (OUTCOMES[0],)}
            entry = Entry("check", log.clock(), {"m": n}, None, facets)
            storage.append(connection, entry, origin=ORIGIN, salt=os.urandom(32))
    log.sequencer.run_once()
    asked = Search({"type": "check", "service": SERVICES[1], "outcome": OUTCOMES[0]})
    with log.engine.connect() as connection:
        page = search.search(connection, asked)
        assert (page.entries, page.after) == ([], None)
        rare = search.search(connection, Search({"service": SERVICES[0], "outcome": "refused"}))
    assert rare.entries == []
    unfiltered = Search(since=log.clock() + ASTRAY * 3)
    assert every(log, unfiltered) == []


def test_a_plan_kept_for_any_words_reads_no_common_one_through(postgres_url: str) -> None:
    """After ten calls PostgreSQL plans for words that it does not know, and must still probe for each row."""
    size, apart = 60_000, 100
    with opened(postgres_url) as log, log.engine.begin() as connection:
        connection.execute(_MANY, {"size": size})
        for word, step in (("common", 1), ("rare", apart)):
            connection.execute(_HAVE, {"word": word, "step": step, "size": size})
        connection.execute(insert(storage.log_spread).values(id=1, size=size))
        connection.execute(text("ANALYZE log_facet, log_entry"))
        connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        before = connection.execute(_READ).scalar_one()
        asked = {"service": "rare", "purpose": "common"}
        for since in (None, START):
            page = search.search(connection, Search(asked, since=since, limit=500))
            assert [entry.index for entry in page.entries] == list(range(0, 500 * apart, apart))
        # Each of the two looks at a window of both words, and at one of the rare word with a probe for each.
        assert connection.execute(_READ).scalar_one() - before <= 2 * 4 * WINDOW


def test_an_entry_without_facets_is_found_by_type_and_time(log: Log) -> None:
    """As those of an earlier release are."""
    append(log, "policy.loaded", {})
    append(log, "check", {"service": (SERVICES[0],)})
    log.sequencer.run_once()
    (found,) = every(log, Search({"type": "policy.loaded"}))
    assert (found.index, found.facets) == (0, {})
    assert every(log, Search(until=START + timedelta(seconds=2))) == [found]


def test_one_entry_is_read_by_its_index(log: Log) -> None:
    """What is not in the tree is nothing, also when it waits."""
    append(log, "check", {"service": (SERVICES[0],)})
    with log.engine.connect() as connection:
        assert search.entry(connection, 0) is None
    log.sequencer.run_once()
    with log.engine.connect() as connection:
        found = search.entry(connection, 0)
        assert found is not None
        assert (found.type, found.facets) == ("check", {"service": (SERVICES[0],)})
        assert search.entry(connection, 1) is None


def test_an_empty_log_has_an_empty_page(log: Log) -> None:
    """Before anything is sequenced, too."""
    with log.engine.connect() as connection:
        page = search.search(connection, Search({"type": "check"}))
    assert (page.entries, page.after, page.size) == ([], None, 0)
