"""Retention: what time does to the contents of the log. Months to come get their keys, months that are over lose theirs.

Whatever was written in clear by an earlier release is sealed on the way. Every step may be repeated: an interrupted run, or
two at once, end with the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from audit.entries import Entry
from audit.retention import Rules, rules
from broker.errors import CustodianDown
from broker.ports import Ports
from keys.errors import CustodianError, EpochEnded

CHUNK = 500
"""So many contents a transaction: it bounds how long writers of a SQLite database wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What one run came to: months of a class given a key and ended, contents erased with them, contents sealed."""

    log_months_made: int = 0
    log_months_ended: int = 0
    contents_erased: int = 0
    contents_sealed: int = 0


def keep(
    *,
    ports: Ports,
    kept: Rules | None = None,
    chunk: int = CHUNK,
    stopped: Callable[[], bool] = lambda: False,
) -> Kept:
    """Do all that is due, until done or ``stopped``, by the release's own rules unless others are given.

    Raises:
        CustodianDown: keys can be neither made nor destroyed now; what is due stays due.
        StoreDown: the store does not answer, or will not write.
    """
    kept = kept or rules()
    now = ports.clock()
    with ports.store.read() as tx:
        there = tx.log_epochs()
        waiting = tx.how_many_unsealed()
        receipts = tx.how_many_receipts_wait()
    made = sum(_make(epoch, ports=ports) for epoch in kept.ahead(now) if epoch not in there)
    over = sorted(epoch for epoch, has in there.items() if has and kept.is_over(epoch, now))
    ended = erased = sealed = 0
    for epoch in over:
        if stopped():
            break
        erased += _end(epoch, now=now, chunk=chunk, ports=ports)
        ended += 1
    while waiting and not stopped():
        with ports.store.write() as tx:
            waiting = tx.seal_waiting(limit=chunk)
        sealed += waiting
    while receipts and not stopped():
        with ports.store.write() as tx:
            receipts = tx.seal_receipts(limit=chunk)
        sealed += receipts
    return Kept(
        log_months_made=made,
        log_months_ended=ended,
        contents_erased=erased,
        contents_sealed=sealed,
    )


def _make(epoch: str, *, ports: Ports) -> int:
    try:
        jwk = ports.custodian.log_epoch_key(epoch=epoch)
    except EpochEnded:
        jwk = None
    except CustodianError as down:
        raise CustodianDown from down
    with ports.store.write() as tx:
        tx.add_log_epoch(epoch, jwk)
    return 1


def _end(epoch: str, *, now: datetime, chunk: int, ports: Ports) -> int:
    """The key first, which makes every copy unreadable; its end is written last, so that a half-done one is done again."""
    try:
        ports.custodian.end_log_epoch(epoch=epoch)
    except CustodianError as down:
        raise CustodianDown from down
    erased, some = 0, chunk
    while some == chunk:
        with ports.store.write() as tx:
            some = tx.erase_log_epoch(epoch, limit=chunk)
        erased += some
    with ports.store.write() as tx:
        if tx.end_log_epoch(epoch):
            tx.append(Entry("retention.ended", now, {"contents": erased, "epoch": epoch}))
    return erased
