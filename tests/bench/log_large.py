"""Reading a large log: verifying a million entries from outside, proving and searching among ten million.

Not among the benches that ``python -m tests.bench`` runs by itself: making the log takes minutes and some
gigabytes. Entries have a type and four facets, and are 200,000 a day; the words of a facet are from 3 to 1,000.
"""

import hashlib
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, text

from audit import reads, search, storage
from broker.store.engine import open_engine
from tests.architecture.sources import ROOT
from tests.bench import large_log
from tests.databases import running_postgres
from tillit.leaves import instant
from tillit.notes import Vkey, open_checkpoint

VERIFIED = 1_000_000
ENTRIES = 10_000_000
ROUNDS = 300
CHUNK = 100_000
TARGET_SECONDS, TARGET_MB = 60.0, 300.0
TARGET_PROOF_MS = 5.0
TARGET_SEARCH_MS = 50.0

# Kind → how many words it has; entry n has word n % words. ``type`` is a facet as well.
WORDS: Mapping[str, int] = {"collaboration": 40, "outcome": 3, "purpose": 12, "service": 1000}


def run(*, entries: int = ENTRIES, verified: int = VERIFIED) -> dict[str, Any]:
    """Measure; ``met`` says whether every target is. Each part is told on stderr when it is done."""
    with tempfile.TemporaryDirectory() as home:
        checked = _told(_verified(Path(home), verified), _of_verifying)
        made, seconds = _in_sqlite(Path(home) / "large.db", entries)
        engine = open_engine(f"sqlite:///{Path(home) / 'large.db'}")
        proofs = _told(_proofs(engine, made), _of_proofs)
        searches = {"sqlite": _told(_searches(engine, entries), _of_searches)}
        engine.dispose()
    with running_postgres() as server:
        server.run("CREATE DATABASE large")
        # Not the broker's engine, whose statements may take half a minute and no longer.
        filling = create_engine(server.url("large"))
        _in_postgres(filling, entries)
        filling.dispose()
        engine = open_engine(server.url("large"))
        searches["postgresql"] = _told(_searches(engine, entries), _of_searches)
        engine.dispose()
    return {
        "verify": checked,
        "entries": entries,
        "made_seconds": seconds,
        "inclusion": proofs,
        "search": searches,
        "met": checked["seconds"] <= TARGET_SECONDS
        and checked["mb"] <= TARGET_MB
        and proofs["p99_ms"] <= TARGET_PROOF_MS
        and all(one["p99_ms"] <= TARGET_SEARCH_MS for one in searches.values()),
    }


def report(result: Mapping[str, Any]) -> str:
    """The measurements in words, and the plans of the searches."""
    lines = [*_of_verifying(result["verify"]), *_of_proofs(result["inclusion"])]
    lines += [line for one in result["search"].values() for line in _of_searches(one)]
    return "\n".join(["large logs", *lines, f"  {'met' if result['met'] else 'MISSED'}"])


def _of_verifying(checked: Mapping[str, Any]) -> Sequence[str]:
    line = (
        f"  tillit-audit verify of {checked['entries']:,} entries: {checked['seconds']:.1f} s, "
        f"{checked['mb']:.0f} MB (targets {TARGET_SECONDS:.0f} s, {TARGET_MB:.0f} MB)"
    )
    return [line]


def _of_proofs(proofs: Mapping[str, Any]) -> Sequence[str]:
    line = (
        f"  inclusion among {proofs['entries']:,} (SQLite): p50 {proofs['p50_ms']:.2f} ms, p99 "
        f"{proofs['p99_ms']:.2f} ms, most {proofs['max_ms']:.2f} ms "
        f"(target {TARGET_PROOF_MS:.0f} ms), {proofs['tiles']} tiles read"
    )
    return [line]


def _of_searches(one: Mapping[str, Any]) -> Sequence[str]:
    line = (
        f"  search among {one['entries']:,} ({one['database']}): p50 {one['p50_ms']:.1f} ms, p99 {one['p99_ms']:.1f} ms, "
        f"most {one['max_ms']:.1f} ms ({one['slowest']}; target {TARGET_SEARCH_MS:.0f} ms)"
    )
    return [line, *(f"    {step}" for step in one["plan"])]


def _told(
    measured: dict[str, Any], words: Callable[[Mapping[str, Any]], Sequence[str]]
) -> dict[str, Any]:
    sys.stderr.write("\n".join([*words(measured), ""]))
    sys.stderr.flush()
    return measured


# --- verifying ---
def _verified(home: Path, size: int) -> dict[str, Any]:
    """What the auditor's command needs for a mirrored log, in a process of its own."""
    made = large_log.mirror(home / "mirror", size)
    start = time.perf_counter()
    command = [sys.executable, "-m", "audit.cli", "verify", str(home / "mirror")]
    subprocess.run([*command, "--vkey", made.vkey], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"entries": size, "seconds": seconds, "mb": peak}


# --- making ---
def _hashed(n: int) -> bytes:
    return hashlib.sha256(b"leaf %d" % n).digest()


def _row(n: int) -> tuple[int, int, str, str, bytes, bytes, str]:
    at = instant(large_log.START + n * large_log.APART)
    words = ",".join(f'"{kind}":["w{n % words}"]' for kind, words in WORDS.items())
    return n, n, large_log.TYPES[n % 4], at, _hashed(n), _hashed(n), f"{{{words}}}"


_ENTRY = (
    "INSERT INTO log_entry (position, idx, type, at, commitment, leaf_hash, facets) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def _in_sqlite(path: Path, size: int) -> tuple[large_log.Made, float]:
    """Tree, entries and facets, each in the order of its key; indexes afterwards."""
    begun = time.perf_counter()
    empty = create_engine(f"sqlite:///{path}")
    storage.metadata.create_all(empty)
    empty.dispose()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000"):
            database.execute(f"PRAGMA {pragma}")
        later = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%ON log_entry%'"
        ).fetchall()
        for name, _ in later:
            database.execute(f"DROP INDEX {name}")
        database.execute("BEGIN")

        def write(level: int, n: int, hashes: bytes) -> None:
            database.execute("INSERT INTO log_tile VALUES (?, ?, ?)", (level, n, hashes))

        made = large_log.grow(large_log.hashes(size, of=_hashed), write)
        database.executemany(_ENTRY, map(_row, range(size)))
        database.executemany("INSERT INTO log_facet VALUES (?, ?, ?)", _facets(size))
        database.execute("INSERT INTO log_spread VALUES (1, ?)", (size,))
        database.execute("INSERT INTO log_checkpoint VALUES (1, ?, ?)", (size, made.note))
        database.execute("COMMIT")
        for _, statement in later:
            database.execute(statement)
    return made, time.perf_counter() - begun


def _facets(size: int) -> Iterator[tuple[str, str, int]]:
    """In the order of the key, so that each is written at the end."""
    for kind, words in WORDS.items():
        for word in sorted(range(words), key=lambda n: f"w{n}"):
            yield from ((kind, f"w{word}", n) for n in range(word, size, words))
    for number in sorted(range(4), key=lambda n: large_log.TYPES[n]):
        yield from (("type", large_log.TYPES[number], n) for n in range(number, size, 4))


_SPREAD = text(
    "INSERT INTO log_facet SELECT CAST(:kind AS text), 'w' || w, n FROM "
    "generate_series(0, CAST(:words AS int) - 1) w, "
    "generate_series(w, CAST(:size AS int) - 1, CAST(:words AS int)) n"
)


def _in_postgres(engine: Engine, size: int) -> None:
    """The same entries and facets, made where they lie; the tree is the same on every database."""
    kinds = ", ".join(
        f"'{kind}', jsonb_build_array('w' || n % {words})" for kind, words in WORDS.items()
    )
    types = ", ".join(f"'{name}'" for name in large_log.TYPES)
    hashed = "sha256(convert_to('leaf ' || n, 'UTF8'))"
    begun, apart = f"{large_log.START:%Y-%m-%d}", large_log.APART // timedelta(milliseconds=1)
    entries = (
        "INSERT INTO log_entry (position, idx, type, at, commitment, leaf_hash, facets) "  # noqa: S608
        f"SELECT n, n, (ARRAY[{types}])[n % 4 + 1], to_char(timestamp '{begun}' + n * interval "
        f"'{apart} milliseconds', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), {hashed}, {hashed}, "
        f"jsonb_build_object({kinds})::text FROM generate_series(0, {size} - 1) n"
    )
    with engine.begin() as connection:
        storage.metadata.create_all(connection)
        names = text(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'log_entry' "
            "AND indexname NOT LIKE '%_pkey'"
        )
        later = connection.execute(names).all()
        for name, _ in later:
            connection.execute(text(f"DROP INDEX {name}"))
        connection.execute(text(entries))
        for kind, words in WORDS.items():
            connection.execute(_SPREAD, {"kind": kind, "words": words, "size": size})
        connection.execute(text("INSERT INTO log_facet SELECT 'type', type, idx FROM log_entry"))
        connection.execute(insert(storage.log_spread).values(id=1, size=size))
        for _, statement in later:
            connection.execute(text(statement))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE log_entry"))
        connection.execute(text("VACUUM ANALYZE log_facet"))


# --- measuring ---
def _proofs(engine: Engine, made: large_log.Made) -> dict[str, Any]:
    chance = random.Random(made.size)
    head = open_checkpoint(made.note, Vkey.parse(made.vkey))
    times, read = [], 0
    for _ in range(ROUNDS):
        n = chance.randrange(made.size)
        start = time.perf_counter()
        with engine.connect() as connection:
            tiles = reads.StoredTiles(connection)
            proof = reads.inclusion(connection, _hashed(n), tiles=tiles)
        times.append(1000 * (time.perf_counter() - start))
        if proof is None:
            raise RuntimeError("an entry has no proof")
        head.check_inclusion(leaf_hash=_hashed(n), index=n, path=proof.path)
        read = max(read, tiles.read)
    return {"entries": made.size, **_spread(times), "tiles": read}


def _searches(engine: Engine, size: int) -> dict[str, Any]:
    """Every facet by itself, pairs of them, and times, from random places on; a page of a hundred."""
    chance = random.Random(size)
    _search(engine, search.Search())
    times: list[tuple[float, search.Search]] = []
    for round_ in range(ROUNDS):
        kinds = [*WORDS, "type"]
        chosen = kinds if round_ % 10 == 0 else chance.sample(kinds, 1 + round_ % 3 // 2)
        n = chance.randrange(size)
        facets = {
            kind: large_log.TYPES[n % 4] if kind == "type" else f"w{n % WORDS[kind]}"
            for kind in chosen
        }
        since = large_log.START + n // 2 * large_log.APART if round_ % 2 else None
        asked = search.Search(facets, since=since, after=n // 2 - 1 if round_ % 4 == 0 else -1)
        times.append((_search(engine, asked), asked))
    _, asked = max(times, key=lambda each: each[0])
    return {
        "database": engine.dialect.name,
        "entries": size,
        **_spread([milliseconds for milliseconds, _ in times]),
        "slowest": " and ".join(asked.facets) + (" and a time" if asked.since else ""),
        "plan": _plan(engine, asked),
    }


def _search(engine: Engine, asked: search.Search) -> float:
    start = time.perf_counter()
    with engine.begin() as connection:
        page = search.search(connection, asked)
    milliseconds = 1000 * (time.perf_counter() - start)
    if not page.entries:
        raise RuntimeError("a search that finds nothing measures nothing")
    for found in page.entries:
        wrong = any(
            word not in (*found.facets.get(k, ()), found.type) for k, word in asked.facets.items()
        )
        if wrong or (asked.since and found.at < asked.since):
            raise RuntimeError("what was found is not what was asked for")
    return milliseconds


def _plan(engine: Engine, asked: search.Search) -> Sequence[str]:
    """How the database goes about the statements of a search."""
    said: list[tuple[str, Any]] = []
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN (ANALYZE) "

    def listen(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if statement.startswith("SELECT"):
            said.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", listen)
    _search(engine, asked)
    event.remove(engine, "before_cursor_execute", listen)
    with engine.connect() as connection:
        return [line for statement in said for line in _explained(connection, explain, *statement)]


def _explained(
    connection: Connection, explain: str, statement: str, parameters: Any
) -> Iterator[str]:
    rows = connection.exec_driver_sql(explain + statement, parameters)
    return (str(row[-1]) for row in rows)


def _spread(times: Sequence[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "p50_ms": statistics.median(ordered),
        "p99_ms": ordered[int(0.99 * len(ordered))],
        "max_ms": ordered[-1],
    }


if __name__ == "__main__":
    size = int(sys.argv[1]) if sys.argv[1:] else ENTRIES
    begun = datetime.now(UTC)
    print(report(run(entries=size, verified=min(size, VERIFIED))))  # noqa: T201 - the report is the product
    print(f"measured in {datetime.now(UTC) - begun}")  # noqa: T201
