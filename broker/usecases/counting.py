"""Counting: the statistics of closed months, each counted once, suppressed and kept (N57, N58).

Kept, so that what is erased or answered later makes no second number to subtract. Events are counted a day after the month's
end, when no entry of its time can still be on its way; answers 31 days after, so that each request has had as long.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from audit.entries import Entry
from audit.facets import KINDS, TYPE
from broker.domain.consents import Consent
from broker.domain.ids import UnitId
from broker.domain.lifetime import OSLO
from broker.domain.suppression import LEAST, Cell, quantile, shown
from broker.errors import NotCounted
from broker.ports import Ports, Transaction
from tillit.wire.auditing import Statistics, Times, Topic

SETTLED: Mapping[Topic, timedelta] = {"events": timedelta(days=1), "answers": timedelta(days=31)}
PAGE = 2000
NONE = "-"
ENOUGH = 2 * LEAST


@dataclass(slots=True)
class Tally:
    """One cell as it is counted. No more people are kept than suppression asks about."""

    entries: int = 0
    nobodys: int = 0
    people: set[str] = field(default_factory=set)

    def add(self, whose: str | None) -> None:
        """Count one."""
        self.entries += 1
        if whose is None:
            self.nobodys += 1
        elif len(self.people) < ENOUGH:
            self.people.add(whose)

    @property
    def cell(self) -> Cell:
        """The cell."""
        return Cell(self.entries, self.nobodys + len(self.people))


Tallies = dict[str, dict[str, Tally]]


def statistics(month: str, topic: Topic, *, auditor: UnitId, ports: Ports) -> Statistics:
    """What was counted of a month.

    Raises:
        NotCounted: it is not over for long enough, or lies before the log.
    """
    content = {"auditor": auditor, "month": month, "topic": topic}
    with ports.store.write() as tx:
        tx.append(Entry("audit.counted", ports.clock(), content))
        kept = tx.statistics(month, topic)
    if kept is None:
        raise NotCounted
    return kept


def count_due(*, ports: Ports) -> int:
    """Count one month that is over and not counted yet; returns how many were, so that 0 means that none is due.

    Raises:
        StoreDown: the store does not answer.
        Contended: somebody else counts it.
    """
    now = ports.clock()
    with ports.store.read() as tx:
        first = tx.entry_at(0)
        if first is None:
            return 0
        due = _due(tx, first.at, now)
        if due is None:
            return 0
        month, topic = due
        since, until = span(month)
        counts, times = (
            (_events(tx, since, until), None)
            if topic == "events"
            else _answers(tx, since, until, until + SETTLED[topic])
        )
    made = Statistics(
        month=month,
        topic=topic,
        counted_at=now,
        counts={
            dimension: shown({word: tally.cell for word, tally in table.items()})
            for dimension, table in counts.items()
        },
        times=times,
    )
    with ports.store.write() as tx:
        tx.add_statistics(made)
        tx.append(Entry("statistics.counted", now, {"month": month, "topic": topic}))
    return 1


def span(month: str) -> tuple[datetime, datetime]:
    """A month's first moment in Oslo, and the next one's."""
    year, number = (int(part) for part in month.split("-"))
    then = (year + 1, 1) if number == 12 else (year, number + 1)  # noqa: PLR2004 (December)
    first, last = (
        datetime(y, m, 1, tzinfo=OSLO).astimezone(UTC) for y, m in ((year, number), then)
    )
    return first, last


def _due(tx: Transaction, first: datetime, now: datetime) -> tuple[str, Topic] | None:
    counted = tx.counted_months()
    for month in _months(first, now):
        for topic, settled in SETTLED.items():
            if (month, topic) not in counted and span(month)[1] + settled <= now:
                return month, topic
    return None


def _months(first: datetime, last: datetime) -> Iterator[str]:
    at = first
    while at <= last:
        month = f"{at.astimezone(OSLO):%Y-%m}"
        yield month
        at = span(month)[1]


def _events(tx: Transaction, since: datetime, until: datetime) -> Tallies:
    tables: Tallies = {dimension: {} for dimension in (TYPE, *KINDS)}
    after = -1
    while page := tx.counted(since, until, after=after, limit=PAGE):
        for entry in page:
            for dimension, words in {TYPE: (entry.type,), **entry.facets}.items():
                for word in words:
                    tables[dimension].setdefault(word, Tally()).add(entry.whose)
        after = page[-1].index
    return tables


def _answers(
    tx: Transaction, since: datetime, until: datetime, closed: datetime
) -> tuple[Tallies, Times]:
    requests: dict[str, Tally] = {}
    recipients: dict[str, Tally] = {}
    days: list[int] = []
    after = ""
    while page := tx.requested_between(since, until, after=after, limit=PAGE):
        for consent in (each for each in page if since <= each.requested_at < until):
            answered = min((s.at for s in consent.signatures if s.at < closed), default=None)
            how = "unanswered" if answered is None else "answered"
            key = f"{consent.collaboration or NONE}/{how}"
            requests.setdefault(key, Tally()).add(consent.subject)
            if answered is not None:
                days.append(max(0, (answered - consent.requested_at).days))
                for unit in _named(consent):
                    asked = tx.asked_between(unit, consent.subject, answered, closed)
                    name = f"{unit}/{'present' if asked else 'absent'}"
                    recipients.setdefault(name, Tally()).add(consent.subject)
        after = page[-1].id
    times = Times(median_days=quantile(days, 0.5), p90_days=quantile(days, 0.9))
    return {"requests": requests, "recipients": recipients}, times


def _named(consent: Consent) -> frozenset[UnitId]:
    """The recipients of lines that somebody said yes to."""
    yes = {line for signature in consent.signatures for line in signature.yes}
    return frozenset(grant.recipient for grant in consent.grants if grant.id in yes)
