"""Signals: what is called unusual, on which entries, and whom it is about for those who may know; on both databases."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from audit.signals import load
from broker.demo.national_ids import numbers
from broker.domain.accesses import SignalQuery
from broker.domain.ids import UnitId
from broker.errors import Contended, UnknownSignal
from broker.store import tables
from broker.store.audit_tables import access
from broker.usecases import me, signalling
from tests.house import EMIL, SARA, House, build
from tests.integration.entries import entries_about
from tests.integration.test_statutes import HEALTH, relied
from tests.integration.test_statutes_released import urgent
from tillit.wire import Actor
from tillit.wire.auditing import Look, Signal, Signals

NAV, RATE = "nav-larvik", "education.attendance.rate"
AUDITOR = UnitId("auditor-datatilsynet")
LOOK = Look(case="2026/77", reason="Asked why by the person's guardian.")
RULES = load().rules


def ask(house: House, national_id: str = EMIL, *, actor: str = "a17", times: int = 1) -> None:
    """Somebody at Nav asks, a minute apart, and is refused."""
    for _ in range(times):
        house.clock.step(minutes=1)
        about = {"actor": Actor(id=actor, role="veileder")}
        house.disclose(house.ask(NAV, national_id, RATE, **about), NAV)


def raised(house: House, **query: object) -> list[Signal]:
    """What the clock's job finds once everything is settled."""
    house.clock.step(minutes=3)
    house.sequencer.run_once()
    while signalling.look_for(ports=house.ports):
        pass
    return list(seen(house, **query).signals)


def seen(house: House, **query: object) -> Signals:
    """A page of signals."""
    asked = SignalQuery(**query)  # type: ignore[arg-type]
    return signalling.signals(asked, auditor=AUDITOR, language="en", ports=house.ports)


def rules(signals: list[Signal]) -> list[str]:
    """Which rules."""
    return [signal.rule for signal in signals]


def test_ordinary_work_raises_nothing(house: House) -> None:
    """A few asks on a working day by those who follow the case."""
    ask(house, times=2)
    ask(house, actor="b2")
    assert raised(house) == []
    assert entries_about(house, "signal.raised") == []


def test_an_ask_after_several_refusals_is_a_signal_once(house: House) -> None:
    """It says the numbers, and leads to the ask and the refusals before it; the next ask that day is no other one."""
    ask(house, times=RULES.after_refusal.refusals)
    assert raised(house) == []
    ask(house, times=2)
    (signal,) = raised(house)
    assert (signal.rule, signal.service, signal.more) == ("after_refusal", NAV, 0)
    assert signal.numbers == {"refusals": 3, "threshold": 3}
    with house.store.read() as tx:
        found = [tx.entry_at(index) for index in signal.events]
    assert [entry.type for entry in found if entry] == ["disclosure"] * 4
    (entry,) = entries_about(house, "signal.raised")
    assert (entry["rule"], entry["signal"], entry["unit"]) == ("after_refusal", signal.id, NAV)


def test_a_colleague_outside_the_case_is_a_signal(house: House) -> None:
    """Who asks about a youth for the first time, where others of the unit have asked often."""
    ask(house, times=2)
    ask(house, actor="b2", times=1)
    ask(house, actor="c3")
    ask(house, SARA, actor="c3")
    (signal,) = raised(house)
    assert (signal.rule, signal.numbers) == (
        "outside_case",
        {"asks_by_colleagues": 3, "threshold": 3},
    )
    assert len(signal.events) == 4


def test_asks_out_of_hours_are_a_signal(house: House) -> None:
    """At night and at weekends, from so many on; not those by day."""
    house.clock.at = datetime(2026, 11, 27, 18, 56, tzinfo=UTC)
    ask(house, SARA, times=3)
    assert raised(house) == []
    ask(house, times=RULES.out_of_hours.asks - 1)
    assert "out_of_hours" not in rules(raised(house))
    ask(house)
    (signal,) = raised(house, rule="out_of_hours")
    assert signal.numbers == {"asks": 5, "threshold": 5}
    assert len(signal.events) == 5


def test_many_subjects_by_one_person_are_a_signal(tmp_path: Path, database_url: str) -> None:
    """So many youths in a day, by one person; those of colleagues do not count."""
    born = date(2008, 3, 1)
    people = list(islice(numbers(born, "man"), RULES.many_subjects.subjects))
    others = [{"national_id": each, "born": "2008-03-01", "guardians": []} for each in people]
    house = build(tmp_path, database_url, others=others)
    for national_id in people[:-1]:
        ask(house, national_id)
    ask(house, people[-1], actor="b2")
    assert "many_subjects" not in rules(raised(house))
    ask(house, people[-1])
    (signal,) = raised(house, rule="many_subjects")
    assert signal.numbers == {"subjects": 30, "threshold": 30}
    assert (len(signal.events), signal.more) == (20, 10)
    house.store.close()


def test_an_emergency_is_a_signal_each_time(house: House) -> None:
    """However well it was reasoned: it is reviewed by somebody else anyway."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {"contact.phone": "+47 000 00 000"})
    relied(house, HEALTH, EMIL, "S4", fields=["contact.phone"])
    house.disclose(urgent(house), HEALTH)
    house.disclose(urgent(house), HEALTH)
    found = raised(house, rule="emergency")
    assert [(signal.service, len(signal.events)) for signal in found] == [(HEALTH, 1)] * 2


def test_nothing_of_a_signal_names_anybody_until_a_reason_is_given(house: House) -> None:
    """Then the actor as the service knows them, and the service's own handles; each subject is told."""
    ask(house, times=4)
    (signal,) = raised(house)
    told = signal.model_dump_json() + str(entries_about(house, "signal.raised"))
    handle = house.handle(NAV, EMIL)
    for secret in ("a17", handle, "sub_", "dis_", EMIL):
        assert secret not in told
    content = signalling.content(signal.id, LOOK, auditor=AUDITOR, ports=house.ports)
    assert (content.actor, content.role, content.subjects) == ("a17", "veileder", (handle,))
    (entry,) = entries_about(house, "audit.looked")
    assert (entry["case"], entry["signal"]) == (LOOK.case, signal.id)
    notices = me.notices(person=house.hashed(EMIL), limit=9, ports=house.ports).notices
    assert (notices[0].kind, notices[0].unit) == ("audit_looked", AUDITOR)


def test_a_look_at_what_is_gone_is_logged_all_the_same(house: House) -> None:
    """And one at no signal is told as that."""
    ask(house, times=4)
    (signal,) = raised(house)
    with house.store.engine.begin() as connection:
        connection.execute(delete(tables.disclosure))
    content = signalling.content(signal.id, LOOK, auditor=AUDITOR, ports=house.ports)
    assert (content.actor, content.subjects) == (None, ())
    assert len(entries_about(house, "audit.looked")) == 1
    with pytest.raises(UnknownSignal):
        signalling.content("sig_" + "0" * 22, LOOK, auditor=AUDITOR, ports=house.ports)


def test_signals_are_paged_and_searched(house: House) -> None:
    """By rule, service and time; each page is an entry."""
    ask(house, times=4)
    ask(house, SARA, times=4)
    first, second = raised(house)
    page = seen(house, limit=1)
    assert (page.signals, page.next) == ((first,), first.id)
    assert page.rules == {"after_refusal": RULES.after_refusal.labels.en}
    assert seen(house, limit=1, after=first.id).signals == (second,)
    assert seen(house, after=second.id).signals == ()
    assert seen(house, service="ot-vestfold").signals == ()
    assert seen(house, rule="emergency").signals == ()
    assert seen(house, since=first.at).signals == (first, second)
    assert seen(house, until=first.at).signals == ()
    assert len(entries_about(house, "audit.signals")) == 8


def test_what_is_not_settled_waits(house: House) -> None:
    """An ask that was begun before may still be committed: its place must not be passed by."""
    ask(house, times=4)
    assert signalling.look_for(ports=house.ports) == 2
    house.clock.step(minutes=2)
    assert signalling.look_for(ports=house.ports) == 2
    assert signalling.look_for(ports=house.ports) == 0


def test_two_replicas_do_not_look_at_the_same(house: House) -> None:
    """Whoever comes second finds that it has been looked at."""
    ask(house)
    house.clock.step(minutes=3)
    assert signalling.look_for(ports=house.ports) == 1
    with pytest.raises(Contended), house.store.write() as tx:
        tx.look_up_to(7, was=99)
    with pytest.raises(Contended), house.store.write() as tx:
        tx.look_up_to(7, was=-1)


def test_who_asked_about_whom_is_kept_by_pseudonym_and_not_for_long(house: House) -> None:
    """Neither actor nor subject in clear, and no longer than the longest rule looks back."""
    ask(house, actor="veileder-17")  # no digest can hold these letters
    raised(house)
    with house.store.engine.connect() as connection:
        (row,) = connection.execute(select(access)).all()
    assert "veileder" not in str(row)
    assert "sub_" not in str(row)
    house.clock.step(days=load().keep.days + 1)
    ask(house, SARA)
    raised(house)
    with house.store.engine.connect() as connection:
        assert len(connection.execute(select(access)).all()) == 1


def test_a_receipt_that_says_nothing_stands_in_nobodys_way(house: House) -> None:
    """Gone with its time, or damaged: who asked is not known any more, and the others are looked at."""
    ask(house, times=5)
    with house.store.engine.begin() as connection:
        table = tables.disclosure
        nothing = {"receipt": "x", "receipt_sealed": None}
        connection.execute(update(table).where(table.c.position == 1).values(nothing))
        connection.execute(update(table).where(table.c.position == 2).values(receipt_volume=b"no"))
    assert raised(house) == []
    ask(house)
    assert rules(raised(house)) == ["after_refusal"]


def test_a_signal_is_not_kept_for_ever(house: House) -> None:
    """It leads to whom it is about; its entry in the log, which does not, stays."""
    ask(house, times=4)
    assert len(raised(house)) == 1
    house.clock.step(days=load().keep.signal_days + 1)
    ask(house, SARA)
    assert raised(house) == []
    assert len(entries_about(house, "signal.raised")) == 1


def test_no_window_is_longer_than_what_is_kept() -> None:
    """A rule that looked back further would count what is forgotten."""
    kept = timedelta(days=load().keep.days)
    windows = [rule.window_hours for _, rule in RULES if hasattr(rule, "window_hours")]
    assert len(windows) == 4
    assert timedelta(hours=max(windows)) <= kept
