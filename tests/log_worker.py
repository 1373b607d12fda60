"""A process that sequences a log and is killed at it.

``python -m tests.log_worker URL SEED [STATEMENT]``.

Writes and sequences without end, telling each committed leaf hash on standard output. With
STATEMENT, kills itself with SIGKILL just before that statement of the sequencing transaction (0:
before its commit).
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, event

from audit import storage
from audit.entries import Entry
from audit.sequencer import Sequencer
from broker.store.engine import open_engine
from tests.logs import ORIGIN

KEY = Ed25519PrivateKey.from_private_bytes(b"a key of the tests, and no other")
BATCH = 300


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def write(engine: Engine, seed: int, batch: int) -> None:
    """Commit a batch of entries, then tell."""
    with engine.begin() as connection:
        promised = [
            storage.append(
                connection,
                Entry("a", now(), {"seed": seed, "n": n}),
                origin=ORIGIN,
                salt=b"%8d%8d%16d" % (seed, batch, n),
            )
            for n in range(BATCH)
        ]
    sys.stdout.write("".join(f"{each.leaf_hash.hex()}\n" for each in promised))
    sys.stdout.flush()


def die() -> None:
    """As a power cut would have it."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying_at(statement: int) -> Callable[..., None]:
    """A listener that counts statements."""
    counter = count(1)

    def listen(*_: object) -> None:
        if next(counter) == statement:
            die()

    return listen


def main(url: str, seed: int, statement: int | None) -> None:
    """Run until killed."""
    engine = open_engine(url)
    sequencer = Sequencer(engine, origin=ORIGIN, signer=KEY, clock=now)
    for batch in count():
        write(engine, seed, batch)
        if statement == 0:
            event.listen(engine, "commit", dying_at(1))
        elif statement is not None:
            event.listen(engine, "before_cursor_execute", dying_at(statement))
        sequencer.run_once()
        if statement is not None:
            # The transaction had fewer statements than that: it is through.
            return


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if sys.argv[3:] else None)
