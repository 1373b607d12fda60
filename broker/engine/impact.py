"""Impact: decisions made once, made again by other rules; field by field, who would gain and who would lose."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context

from pydantic import ValidationError

from broker.domain.decisions import Decision
from broker.domain.facts import Facts
from broker.engine.bundle import Bundle
from broker.engine.regorus import RegorusEngine

PATIENT_SECONDS = 30.0
PAGE = 500
PROCESSES = 2
_UNDECIDED = frozenset({"policy.error", "policy.stale"})

Line = tuple[str, str, str, str]
"""Recipient, purpose, collaboration (or empty), field."""
Stored = tuple[str, str, str]
"""Subject, facts and decision, the last two as JSON."""
Found = tuple[Line, bool, str]


@dataclass(slots=True)
class Tally:
    """How many decisions gain or lose a field on one line, and about whom."""

    decisions: int = 0
    subjects: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Impact:
    """What other rules would change: lines that gain, lines that lose; how many decisions were looked at, or could not be."""

    gains: dict[Line, Tally] = field(default_factory=dict)
    loses: dict[Line, Tally] = field(default_factory=dict)
    decisions: int = 0
    unreadable: int = 0

    @property
    def widens(self) -> bool:
        """Whether anybody gains anything; also where that could not be looked at."""
        return bool(self.gains) or self.unreadable > 0

    def add(self, found: Iterable[Found]) -> None:
        """Count what was found in some decisions."""
        for line, gained, subject in found:
            shelf = self.gains if gained else self.loses
            tally = shelf.setdefault(line, Tally())
            tally.decisions += 1
            tally.subjects.add(subject)


class Comparison:
    """Two bundles side by side on the embedded engine."""

    def __init__(self, old: Bundle, new: Bundle) -> None:
        self._policy = old.policy
        self._old = RegorusEngine(old, deadline=PATIENT_SECONDS)
        self._new = RegorusEngine(new, deadline=PATIENT_SECONDS)

    def decided(
        self, facts: Facts, subject: str, stored: Decision | None = None
    ) -> Iterator[Found]:
        """What changes for one ask. ``stored`` saves asking the old rules where they gave it."""
        if stored is None or stored.policy != self._policy or _is_undecided(stored):
            stored = self._old.decide(facts)
        before, after = stored.permitted(), self._new.decide(facts).permitted()
        ask = facts.ask
        for name in sorted(before.keys() ^ after.keys()):
            line = (ask.recipient, ask.purpose, ask.collaboration, name)
            yield line, name in after, subject

    def page(self, stored: Sequence[Stored]) -> tuple[list[Found], int]:
        """What changes in some recorded decisions, and how many could not be read."""
        found: list[Found] = []
        unreadable = 0
        for subject, facts, decision in stored:
            try:
                asked = Facts.model_validate_json(facts)
                made = Decision.model_validate_json(decision)
            except ValidationError:
                unreadable += 1
            else:
                found += self.decided(asked, subject, made)
        return found, unreadable


def replayed(stored: Iterable[Stored], old: Bundle, new: Bundle) -> Iterator[tuple[Impact, int]]:
    """The impact on recorded decisions so far, and how many the last step took in. More than a page go to two processes."""
    impact = Impact()
    pages = _pages(iter(stored))
    first = next(pages, [])
    here = Comparison(old, new)
    yield impact, _take(impact, here.page(first), len(first))
    second = next(pages, None)
    if second is None:
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, context, initializer=_prepare, initargs=(old, new)) as pool:
        waiting = [(pool.submit(_work, second), len(second))]
        for page in pages:
            waiting.append((pool.submit(_work, page), len(page)))
            if len(waiting) > PROCESSES * 2:
                done, size = waiting.pop(0)
                yield impact, _take(impact, done.result(), size)
        for done, size in waiting:
            yield impact, _take(impact, done.result(), size)


def _take(impact: Impact, found: tuple[list[Found], int], size: int) -> int:
    impact.add(found[0])
    impact.unreadable += found[1]
    impact.decisions += size
    return size


def _pages(stored: Iterator[Stored]) -> Iterator[list[Stored]]:
    while page := list(islice(stored, PAGE)):
        yield page


def _is_undecided(decision: Decision) -> bool:
    return any(_UNDECIDED.intersection(w.reasons) for w in decision.withheld().values())


_here: dict[str, Comparison] = {}


def _prepare(old: Bundle, new: Bundle) -> None:
    _here["now"] = Comparison(old, new)


def _work(page: list[Stored]) -> tuple[list[Found], int]:
    return _here["now"].page(page)
