"""Statistics of closed months: counted once, suppressed, kept; what the log and the consents say, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from audit.entries import Entry
from audit.facets import Facets
from audit.storage import log_sealed, log_volume
from broker.domain.ids import PersonKey, SubjectId, UnitId
from broker.errors import Contended, NotCounted
from broker.usecases import counting
from tests.consenting import NOW, active, asked
from tests.house import LARVIK, START, House
from tests.stored import disclosure
from tillit.wire.auditing import Statistics, Topic

NAV, SCHOOL = "nav-larvik", "thor-heyerdahl-vgs"
AUDITOR = UnitId("auditor-riksrevisjonen")
MONTH = "2026-11"


def subjects(house: House, count: int) -> list[SubjectId]:
    """So many people."""
    made = [SubjectId(f"sub_{number:022d}") for number in range(count)]
    with house.store.write() as tx:
        for number, subject in enumerate(made):
            tx.add_subject(subject, PersonKey(f"{number:064x}"), at=START)
    return made


def happened(house: House, kind: str, facets: Facets, *whom: str | None) -> None:
    """An entry of the kind about each of these."""
    with house.store.write() as tx:
        for subject in whom:
            tx.append(Entry(kind, house.clock(), {"n": 1}, subject, facets))


def later(house: House, **by: float) -> None:
    """Sequence what waits, and let time pass."""
    house.sequencer.run_once()
    house.clock.step(**by)


def counted(house: House, topic: Topic = "events") -> Statistics:
    """Count all that is due; what November came to."""
    while counting.count_due(ports=house.ports):
        pass
    return counting.statistics(MONTH, topic, auditor=AUDITOR, ports=house.ports)


def test_counts_are_of_entries_and_people_and_rounded_down(house: House) -> None:
    """Seven entries about seven people are five; seven about two, or two, are nothing."""
    people = subjects(house, 9)
    found_by: Facets = {"service": (NAV,), "outcome": ("released",)}
    happened(house, "disclosure", found_by, *people[:7], *people[:7])
    happened(house, "check", {"service": (SCHOOL,)}, *people[:2], *people[:2], *people[:2])
    happened(house, "policy.loaded", {}, *[None] * 11)
    happened(house, "deposit", {"service": (SCHOOL,)}, *people[:9])
    later(house, days=9)
    seen = counted(house).counts
    # Of the types, one that need not be hidden is, beside the check that must.
    assert seen["type"] == {"disclosure": 10, "policy.loaded": 10}
    assert seen["service"] == {NAV: 10, SCHOOL: 15}
    assert seen["outcome"] == {"released": 10}
    assert seen["purpose"] == {}


def test_a_month_is_counted_once(house: House) -> None:
    """Who is erased afterwards, and what is written about the month later, changes nothing that was told."""
    happened(house, "deposit", {"service": (SCHOOL,)}, *subjects(house, 6))
    later(house, days=9)
    before = counted(house)
    with house.store.engine.begin() as connection:
        connection.execute(delete(log_volume))
        connection.execute(delete(log_sealed))
    assert counting.count_due(ports=house.ports) == 0
    assert counted(house) == before
    with pytest.raises(Contended), house.store.write() as tx:
        tx.add_statistics(before)


def test_the_forgotten_count_as_one_person(house: House) -> None:
    """Erasing somebody must never make a small cell look like many."""
    happened(house, "deposit", {"service": (SCHOOL,)}, *subjects(house, 6))
    house.sequencer.run_once()
    with house.store.engine.begin() as connection:
        connection.execute(delete(log_volume))
        connection.execute(delete(log_sealed))
    later(house, days=9)
    assert counted(house).counts["service"] == {}


@pytest.mark.parametrize("topic", ["events", "answers"])
def test_a_month_that_is_not_over_for_long_enough_is_not_counted(
    house: House, topic: Topic
) -> None:
    """An entry of its last second may still be on its way, and the last request has had no time."""
    happened(house, "deposit", {}, *subjects(house, 6))
    end = counting.span(MONTH)[1]
    later(house, seconds=(end + counting.SETTLED[topic] - house.clock.at).total_seconds() - 1)
    with pytest.raises(NotCounted):
        counted(house, topic)
    house.clock.step(seconds=1)
    assert counted(house, topic).topic == topic
    with pytest.raises(NotCounted):
        counting.statistics("2026-10", topic, auditor=AUDITOR, ports=house.ports)


def test_an_empty_log_has_nothing_due(house: House) -> None:
    """No month lies before its first entry."""
    assert counting.count_due(ports=house.ports) == 0


def test_months_are_oslos() -> None:
    """From midnight to midnight there, in winter and in summer, and over the turn of the year."""
    assert [at.isoformat() for at in counting.span("2026-12")] == [
        "2026-11-30T23:00:00+00:00",
        "2026-12-31T23:00:00+00:00",
    ]
    assert counting.span("2026-06")[0].isoformat() == "2026-05-31T22:00:00+00:00"


def test_answers_unanswered_and_absent_recipients_are_counted(house: House) -> None:
    """Who was asked, who answered and after how long, and which service was named and never came (N57)."""
    people = subjects(house, 40)
    with house.store.write() as tx:
        for number, subject in enumerate(people):
            made = active if number < 28 else asked
            tx.add_consent(
                made(number=number, subject=subject, at=NOW - timedelta(days=number % 7))
            )
        for number, subject in enumerate(people[:12]):
            asks = disclosure(number, subject=subject)
            asks = replace(asks, recipient=UnitId(NAV), at=NOW + timedelta(days=2))
            tx.add_disclosure(asks)
        tx.append(Entry("deposit", house.clock(), {}, None))
    later(house, days=60)
    seen = counted(house, "answers")
    assert seen.counts == {
        "requests": {f"{LARVIK}/answered": 25, f"{LARVIK}/unanswered": 10},
        "recipients": {f"{NAV}/absent": 15, f"{NAV}/present": 10},
    }
    assert seen.times is not None
    assert (seen.times.median_days, seen.times.p90_days) == (3, None)


def test_requests_of_another_month_are_not_counted(house: House) -> None:
    """A second before midnight is the month before."""
    since, until = counting.span(MONTH)
    people = subjects(house, 12)
    with house.store.write() as tx:
        for number, subject in enumerate(people):
            at = since - timedelta(milliseconds=1) if number < 6 else until - timedelta(seconds=1)
            tx.add_consent(asked(number=number, subject=subject, at=at))
        tx.append(Entry("deposit", house.clock(), {}, None))
    later(house, days=60)
    assert counted(house, "answers").counts["requests"] == {f"{LARVIK}/unanswered": 5}
