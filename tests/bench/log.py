"""The log.

Appending and sequencing what waits, and proving inclusion in a log of a million entries.

SQLite as the broker opens it (WAL, synchronous=FULL), entries with the content of a disclosure of
20 fields and its facets, which sequencing makes searchable.
"""

import hashlib
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, insert

from audit import reads, storage, tree
from audit.entries import Entry
from audit.sequencer import Sequencer
from audit.storage import log_entry
from broker.store.engine import open_engine
from tillit.leaves import instant, leaf_at, leaf_hash
from tillit.notes import open_checkpoint

ENTRIES = 6016
COMMITS = 1000
TOGETHER = 64
LARGE = 1_000_000
PROOFS = 300
TARGET_PER_SECOND = 1500
TARGET_MS = 5.0
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


def run(*, large: int = LARGE) -> dict[str, Any]:
    """Measure; ``met`` says whether both targets are."""
    with tempfile.TemporaryDirectory() as home:
        bare = _bare_commits(Path(home))
        alone = _append_and_sequence(Path(home), 1)
        together = _append_and_sequence(Path(home), TOGETHER)
        proofs = _prove(Path(home), large)
    return {
        "batched": together,
        "alone": alone,
        "bare_commits": bare,
        "inclusion": proofs,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "met": together["both"] >= TARGET_PER_SECOND and proofs["p99_ms"] <= TARGET_MS,
    }


def report(result: dict[str, Any]) -> str:
    """The measurements in words."""
    batched, alone, bare = result["batched"], result["alone"], result["bare_commits"]
    lines = [
        "log, SQLite with synchronous=FULL",
        (
            f"  {TOGETHER} entries a transaction: append {batched['append']:,.0f}/s, sequence "
            f"{batched['sequence']:,.0f}/s, both {batched['both']:,.0f}/s "
            f"(target {TARGET_PER_SECOND:,}/s)"
        ),
        (
            f"  one entry a transaction: {alone['append']:,.0f}/s, where this disk commits "
            f"{bare:,.0f} rows a second of any kind (ratio {alone['append'] / bare:.2f})"
        ),
    ]
    proof = result["inclusion"]
    lines.append(
        f"  inclusion in {proof['size']:,} entries: p50 {proof['p50_ms']:.2f} ms, "
        f"p99 {proof['p99_ms']:.2f} ms (target p99 {TARGET_MS} ms), at most {proof['tiles_read']} of "
        f"{proof['tiles']:,} tiles read; the log was sequenced at {proof['sequence']:,.0f}/s"
    )
    lines.append(
        f"  peak memory {result['peak_mb']:.0f} MB; {'met' if result['met'] else 'MISSED'}"
    )
    return "\n".join(lines)


@contextmanager
def _log(path: Path) -> Iterator[tuple[Engine, Sequencer]]:
    engine = open_engine(f"sqlite:///{path}")
    storage.metadata.create_all(engine)
    signer = Ed25519PrivateKey.generate()
    sequencer = Sequencer(engine, origin=ORIGIN, signer=signer, clock=lambda: datetime.now(UTC))
    sequencer.run_once()
    try:
        yield engine, sequencer
    finally:
        engine.dispose()


def _bare_commits(home: Path) -> float:
    """Transactions a second that insert one small row each: what the disk allows."""
    with _log(home / "bare.db") as (engine, _):
        start = time.perf_counter()
        for n in range(COMMITS):
            with engine.begin() as connection:
                connection.execute(insert(log_entry), _row(n))
        return COMMITS / (time.perf_counter() - start)


def _append_and_sequence(home: Path, writes: int) -> dict[str, float]:
    """Entries a second, appended so many a transaction and then sequenced all at once."""
    with _log(home / f"append-{writes}.db") as (engine, sequencer):
        start = time.perf_counter()
        for _ in range(min(ENTRIES // writes, COMMITS)):
            with engine.begin() as connection:
                for _ in range(writes):
                    entry = Entry(
                        "disclosure.released", datetime.now(UTC), _CONTENT, "sub_bench", _FACETS
                    )
                    storage.append(connection, entry, origin=ORIGIN, salt=os.urandom(32))
        appended = time.perf_counter()
        count = sequencer.run_once()
        done = time.perf_counter()
    return {
        "append": count / (appended - start),
        "sequence": count / (done - appended),
        "both": count / (done - start),
    }


def _prove(home: Path, size: int) -> dict[str, Any]:
    with _log(home / "large.db") as (engine, sequencer):
        with engine.begin() as connection:
            for first in range(0, size, 50_000):
                rows = [_row(n) for n in range(first, min(size, first + 50_000))]
                connection.execute(insert(log_entry), rows)
        start = time.perf_counter()
        sequencer.run_once()
        rate = size / (time.perf_counter() - start)
        chance = random.Random(size)
        taken = [_proof(engine, sequencer, chance.randrange(size), size) for _ in range(PROOFS)]
    milliseconds = sorted(1000 * seconds for seconds, _ in taken)
    return {
        "size": size,
        "sequence": rate,
        "p50_ms": statistics.median(milliseconds),
        "p99_ms": milliseconds[int(0.99 * len(milliseconds))],
        "tiles_read": max(read for _, read in taken),
        "tiles": sum(-(-(size >> 8 * level) // tree.TILE_WIDTH) for level in range(4)),
    }


def _row(n: int) -> dict[str, Any]:
    at = instant(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=n))
    mac = hashlib.sha256(b"%d" % n).digest()
    hashed = leaf_hash(leaf_at("disclosure.released", at, mac))
    return {"type": "disclosure.released", "at": at, "commitment": mac, "leaf_hash": hashed}


def _proof(engine: Engine, sequencer: Sequencer, n: int, size: int) -> tuple[float, int]:
    """Seconds until a proof was there, and tiles read for it; checked outside the measured time."""
    hashed = _row(n)["leaf_hash"]
    start = time.perf_counter()
    with engine.connect() as connection:
        tiles = reads.StoredTiles(connection)
        proof = reads.inclusion(connection, hashed, tiles=tiles)
    seconds = time.perf_counter() - start
    if proof is None or proof.index != n:
        raise RuntimeError("the proof is not of the entry that was asked for")
    head = open_checkpoint(proof.checkpoint, sequencer.vkey)
    if head.size != size:
        raise RuntimeError("the proof is not in the whole log")
    head.check_inclusion(leaf_hash=hashed, index=n, path=proof.path)
    return seconds, tiles.read


if __name__ == "__main__":
    print(report(run()))  # noqa: T201 - the report is the product
