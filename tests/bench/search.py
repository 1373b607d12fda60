"""Searching the log: a page by each facet, by pairs and by time, in a log of ten million entries on PostgreSQL.

The rows are made in the database, of the shape that sequencing gives them: words of very different frequency, six or seven
facets an entry, 200,000 entries a day; also pages that find nothing. ``python -m tests.bench search``, or with another
size ``python -m tests.bench.search SIZE``; the tables take about 1 GB a million.
"""

import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.dialects import postgresql

from audit import search, storage
from audit.search import Search
from broker.store.engine import open_engine
from tests.databases import running_postgres

SIZE = 10_000_000
TARGET_MS = 50.0
START = datetime(2026, 1, 1, tzinfo=UTC)
A_DAY = 200_000
TIMES = 15

_LOAD = (
    "INSERT INTO log_entry (idx, type, at, commitment, leaf_hash, facets) "
    "SELECT n, (ARRAY['disclosure','check','deposit','consent.requested'])[1 + n % 4], "
    "to_char(timestamp '2026-01-01' + n * interval '432 milliseconds', "
    '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\'), '
    "sha256(n::text::bytea), sha256(('leaf' || n)::bytea), "
    "json_build_object('service', json_build_array('unit-' || (n * n) % 401, 'unit-' || 401 + n % 7), "
    "'purpose', json_build_array('purpose_' || n % 13), "
    "'outcome', json_build_array((ARRAY['released','partly_released','refused'])[1 + n % 3]), "
    "'ground', json_build_array(CASE WHEN n % 100000 = 0 THEN 'emergency' ELSE 'consent' END), "
    "'collaboration', json_build_array('collaboration-' || n % 47), "
    "'reason', json_build_array('reason.r' || n % 31))::text "
    "FROM generate_series(CAST(:low AS bigint), CAST(:high AS bigint) - 1) n"
)
_SPREAD = (
    "INSERT INTO log_facet (kind, word, idx) SELECT 'type', type, idx FROM log_entry "
    "UNION ALL SELECT kinds.key, words.value, entry.idx FROM log_entry entry, "
    "jsonb_each(entry.facets::jsonb) kinds, jsonb_array_elements_text(kinds.value) words"
)
SEARCHES: Mapping[str, Mapping[str, str]] = {
    "type": {"type": "disclosure"},
    "service, of 400": {"service": "unit-25"},
    "service, of 7": {"service": "unit-403"},
    "purpose": {"purpose": "purpose_5"},
    "outcome": {"outcome": "refused"},
    "ground, most": {"ground": "consent"},
    "ground, one in 100,000": {"ground": "emergency"},
    "collaboration": {"collaboration": "collaboration-11"},
    "reason": {"reason": "reason.r7"},
    "a word that nothing has": {"service": "unit-none"},
    "service and outcome and purpose": {
        "service": "unit-25",
        "outcome": "refused",
        "purpose": "purpose_5",
    },
    "two that never meet": {"type": "check", "ground": "emergency"},
    "nothing but time": {},
}


def run(*, size: int = SIZE) -> dict[str, Any]:
    """Measure; ``met`` says whether every page came within the target."""
    with running_postgres() as server:
        server.run("CREATE DATABASE search")
        engine = open_engine(server.url("search"))
        try:
            began = time.perf_counter()
            _fill(engine, size)
            loaded = time.perf_counter() - began
            pages = {name: _measure(engine, facets, size) for name, facets in SEARCHES.items()}
            plan = _plan(engine, size)
        finally:
            engine.dispose()
    met = all(page["worst_ms"] <= TARGET_MS for page in pages.values())
    return {"size": size, "loaded_s": loaded, "pages": pages, "plan": plan, "met": met}


def report(result: dict[str, Any]) -> str:
    """The measurements in words."""
    lines = [f"search in {result['size']:,} entries, PostgreSQL, pages of 100"]
    lines += [
        f"  {name:<34} p50 {page['p50_ms']:6.1f} ms, worst {page['worst_ms']:6.1f} ms, {page['found']} found"
        for name, page in result["pages"].items()
    ]
    lines.append(f"  target {TARGET_MS} ms: {'met' if result['met'] else 'MISSED'}")
    return "\n".join([*lines, *(f"    {line}" for line in result["plan"])])


def _fill(engine: Engine, size: int) -> None:
    storage.metadata.create_all(engine)
    primary = "ALTER TABLE log_facet {} CONSTRAINT log_facet_pkey"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("SET maintenance_work_mem = '1GB'"))
        connection.execute(text(primary.format("DROP")))
        for low in range(0, size, 1_000_000):
            connection.execute(text(_LOAD), {"low": low, "high": min(size, low + 1_000_000)})
        connection.execute(text(_SPREAD))
        connection.execute(text(primary.format("ADD") + " PRIMARY KEY (kind, word, idx)"))
        connection.execute(text("INSERT INTO log_spread VALUES (1, :size)"), {"size": size})
        for table in ("log_entry", "log_facet"):
            connection.execute(text(f"VACUUM ANALYZE {table}"))


def _asked(facets: Mapping[str, str], size: int) -> Iterator[Search]:
    """From the beginning, from places by chance, and of a day by chance."""
    chance = random.Random(size)
    yield Search(facets)
    for _ in range(TIMES):
        yield Search(facets, after=chance.randrange(size))
        since = START + timedelta(days=chance.randrange(max(1, size // A_DAY)))
        yield Search(facets, since=since, until=since + timedelta(days=1))


def _measure(engine: Engine, facets: Mapping[str, str], size: int) -> dict[str, float]:
    taken, found = [], 0
    for asked in _asked(facets, size):
        began = time.perf_counter()
        with engine.connect() as connection:
            page = search.search(connection, asked)
        taken.append(1000 * (time.perf_counter() - began))
        found = max(found, len(page.entries))
    return {"p50_ms": statistics.median(taken), "worst_ms": max(taken), "found": found}


def _plan(engine: Engine, size: int) -> list[str]:
    """How the database finds a page by two facets."""
    asked = Search({"service": "unit-25", "outcome": "refused"}, after=size // 2)
    first, other = asked.facets.items()
    query = search._query(asked, first, [other], size // 2, size).limit(100)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's own
    written = query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    with engine.connect() as connection:
        connection.execute(search._PATIENT)
        rows = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {written}").scalars()
        return list(rows)


if __name__ == "__main__":
    print(report(run(size=int(sys.argv[1]) if sys.argv[1:] else SIZE)))  # noqa: T201 - the report is the product
