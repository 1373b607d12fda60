"""The log on PostgreSQL, with every commit on the disk.

Appending and sequencing what waits by one sequencer, and how long a committed entry waits for its
place while a sequencer runs beside steady writers. Entries as a disclosure of 20 fields writes them.
"""

import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, func, select

from audit import storage
from audit.entries import Entry
from audit.sequencer import Sequencer
from audit.storage import log_entry
from broker.store.engine import open_engine
from broker.store.migrate import migrate
from tests.databases import Postgres, running_postgres

ENTRIES = 12_032
TOGETHER = 64
ALONE = 1_000
SECONDS = 8.0
A_SECOND = 150
TARGET_PER_SECOND = 3_000
TARGET_WAIT_MS = 1_000.0
ORIGIN = "log.example/bench"

_CONTENT = {
    "type": "disclosure",
    "recipient": "nav-larvik",
    "purpose": "case_discussion",
    "decision": {f"education.attendance.field_{chr(97 + n)}": "permit" for n in range(20)},
}
_FACETS = {
    "service": ("nav-larvik", "thor-heyerdahl-vgs"),
    "purpose": ("case_discussion",),
    "outcome": ("released",),
    "ground": ("consent",),
    "collaboration": ("ungdomsutvalget-larvik",),
}


def run() -> dict[str, Any]:
    """Measure; ``met`` says whether both targets are."""
    with running_postgres(durable=True) as server:
        together = _append_and_sequence(server, "together", ENTRIES, TOGETHER)
        alone = _append_and_sequence(server, "alone", ALONE, 1)
        waits = _waits(server)
    return {
        "batched": together,
        "alone": alone,
        "wait": waits,
        "met": together["both"] >= TARGET_PER_SECOND and waits["p99_ms"] <= TARGET_WAIT_MS,
    }


def report(result: dict[str, Any]) -> str:
    """The measurements in words."""
    batched, alone, wait = result["batched"], result["alone"], result["wait"]
    return "\n".join(
        [
            "log, PostgreSQL with fsync",
            (
                f"  {TOGETHER} entries a transaction: append {batched['append']:,.0f}/s, sequence "
                f"{batched['sequence']:,.0f}/s, both {batched['both']:,.0f}/s (target "
                f"{TARGET_PER_SECOND:,}/s); made searchable at {batched['spread']:,.0f}/s"
            ),
            (
                f"  one entry a transaction: append {alone['append']:,.0f}/s by one writer, "
                f"sequence {alone['sequence']:,.0f}/s"
            ),
            (
                f"  from commit to a signed place at {wait['per_second']:,.0f} entries/s: "
                f"p50 {wait['p50_ms']:.0f} ms, p99 {wait['p99_ms']:.0f} ms, most "
                f"{wait['max_ms']:.0f} ms (target p99 {TARGET_WAIT_MS:,.0f} ms)"
            ),
            f"  {'met' if result['met'] else 'MISSED'}",
        ]
    )


@contextmanager
def _log(server: Postgres, name: str) -> Iterator[tuple[Engine, Sequencer]]:
    server.run(f"CREATE DATABASE {name}")
    migrate(server.url(name))
    engine = open_engine(server.url(name))
    signer = Ed25519PrivateKey.generate()
    sequencer = Sequencer(engine, origin=ORIGIN, signer=signer, clock=lambda: datetime.now(UTC))
    sequencer.run_once()
    try:
        yield engine, sequencer
    finally:
        engine.dispose()


def _append(engine: Engine, count: int) -> None:
    with engine.begin() as connection:
        for _ in range(count):
            entry = Entry(
                "disclosure.released", datetime.now(UTC), _CONTENT, "sub_a", facets=_FACETS
            )
            storage.append(connection, entry, origin=ORIGIN, salt=os.urandom(32))


def _append_and_sequence(
    server: Postgres, name: str, entries: int, together: int
) -> dict[str, float]:
    """Entries a second, appended so many a transaction, then sequenced and spread all at once."""
    with _log(server, name) as (engine, sequencer):
        start = time.perf_counter()
        for _ in range(entries // together):
            _append(engine, together)
        appended = time.perf_counter()
        count = sequencer._sequence()
        sequenced = time.perf_counter()
        sequencer._spread_all()
        done = time.perf_counter()
    return {
        "append": count / (appended - start),
        "sequence": count / (sequenced - appended),
        "both": count / (sequenced - start),
        "spread": count / (done - sequenced),
    }


def _waits(server: Postgres) -> dict[str, float]:
    """Milliseconds from commit until the entry is under a signed root, seen from another connection."""
    committed: list[float] = []
    placed: list[tuple[float, int]] = []
    with _log(server, "waits") as (engine, sequencer):
        stop = threading.Event()
        watching = threading.Thread(target=_watch, args=(engine, placed, stop))
        sequencing = threading.Thread(target=sequencer.run_forever, args=(stop,))
        for thread in (watching, sequencing):
            thread.start()
        begun = time.perf_counter()
        while time.perf_counter() - begun < SECONDS:
            _append(engine, 1)
            committed.append(time.perf_counter())
            time.sleep(max(0.0, begun + len(committed) / A_SECOND - time.perf_counter()))
        until = time.perf_counter() + 10
        while (placed[-1][1] if placed else 0) < len(committed):
            if time.perf_counter() > until:
                raise RuntimeError("the log is not sequenced")
            time.sleep(0.01)
        stop.set()
        for thread in (watching, sequencing):
            thread.join()
    # One writer, whose entries get their places in the order of their commits.
    waits: list[float] = []
    for seen, count in placed:
        waits += [1000 * (seen - at) for at in committed[len(waits) : count]]
    waits.sort()
    return {
        "per_second": len(committed) / SECONDS,
        "p50_ms": statistics.median(waits),
        "p99_ms": waits[int(0.99 * len(waits))],
        "max_ms": waits[-1],
    }


def _watch(engine: Engine, placed: list[tuple[float, int]], stop: threading.Event) -> None:
    query = select(func.max(log_entry.c.idx))
    while not stop.is_set():
        with engine.connect() as connection:
            last = connection.execute(query).scalar()
        count = 0 if last is None else last + 1
        if not placed or placed[-1][1] != count:
            placed.append((time.perf_counter(), count))
        stop.wait(0.005)


if __name__ == "__main__":
    print(report(run()))  # noqa: T201 - the report is the product
