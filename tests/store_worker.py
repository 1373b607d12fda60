"""Another process at the same database, told what to do on its standard input.

``python -m tests.store_worker URL hold CONSENT VERSION``: holds, says whether it may, and lets go
when a line comes. ``… release CONSENT VERSION``: holds again and again, noting in each hold the time
(the machine's monotonic clock, nanoseconds), until it may not; then prints the last one and the count.
"""

import sys
import time

from broker.domain.ids import ConsentId
from broker.store.sql import SqlStore


def hold(store: SqlStore, named: list[tuple[ConsentId, int]]) -> None:
    """Hold until a line comes."""
    with store.hold(named) as tx:
        print("held" if tx else "refused", flush=True)  # noqa: T201 - the answer
        sys.stdin.readline()


def release(store: SqlStore, named: list[tuple[ConsentId, int]]) -> None:
    """Release until it is refused."""
    last = count = 0
    print("ready", flush=True)  # noqa: T201 - the answer
    while True:
        with store.hold(named) as tx:
            if tx is None:
                break
            # As long as a custodian takes: a change that does not wait would slip in here.
            time.sleep(0.001)
            last = time.monotonic_ns()
            count += 1
        # SQLite waits by polling: who never lets go would never be interrupted.
        time.sleep(0.005)
    print(last, count, flush=True)  # noqa: T201 - the answer


def main() -> None:
    """Do what the command line says."""
    url, act, consent, version = sys.argv[1:]
    store = SqlStore(url, origin="worker", wait=30)
    {"hold": hold, "release": release}[act](store, [(ConsentId(consent), int(version))])
    store.close()


if __name__ == "__main__":
    main()
