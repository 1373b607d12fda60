"""Contests: what the youth says to a value goes with it to whoever gets it, and to nobody else, on both databases."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from broker.domain.ids import DisclosureId, RecordId, UnitId
from broker.errors import DisclosureGone, NotASubject, NothingToContest
from broker.usecases import contests, disclosures, me, own_reading, shredding, trust
from tests.house import ACTOR, EMIL, SARA, House
from tests.integration.entries import entries_about
from tests.integration.test_one_disclosure import CAPACITY, RATE, entries, shared
from tillit.display import answer_json, answer_text
from tillit.errors import ManifestMismatch, SealBroken, SourceSignatureInvalid
from tillit.opening import OpenedValue, sealed_values
from tillit.results import Answer
from tillit.wire import (
    Contest,
    ContestFinding,
    ContestReply,
    ContestView,
    DisclosureAnswer,
    MyContests,
)

NAV, HEALTH = "nav-larvik", "larvikshjelpa"
WORDS = "det stemmer ikke etter lunsj"


def record(house: House, field: str = CAPACITY, who: str = EMIL) -> str:
    """The id of what was written about somebody, as they read it themself."""
    reading = own_reading.read([field], call=house.person(who), ports=house.ports)
    return reading.values[field][0].record


def says(
    house: House, to: str, text: str = WORDS, *, who: str = EMIL, once: str | None = None
) -> MyContests:
    """Somebody contests a value."""
    said = Contest(record=to, text=text)
    return contests.contest(said, call=house.person(who, key=once), ports=house.ports)


def lifts(house: House, which: str, who: str = EMIL) -> MyContests:
    """Somebody contests a value no longer."""
    return contests.lift(RecordId(which), call=house.person(who), ports=house.ports)


def asked(house: House, *fields: str) -> dict[str, OpenedValue]:
    """What Nav asks for and opens."""
    ask = house.ask(NAV, EMIL, *fields)
    return dict(house.open(house.disclose(ask, NAV), ask, NAV, EMIL).values)


def test_what_the_youth_says_goes_with_the_value(house: House) -> None:
    """N18: whoever plans on it sees that it is contested, and what the youth says."""
    shared(house)
    says(house, record(house))
    held = asked(house, CAPACITY, RATE)
    assert held[CAPACITY].value == "to timer om dagen"
    objection = held[CAPACITY].contested
    assert objection is not None
    assert (objection.text, objection.at) == (WORDS, house.clock.at)
    assert held[RATE].contested is None
    assert WORDS not in repr(held)


def test_what_is_said_anew_takes_the_place_of_what_was_said(house: House) -> None:
    """One objection to a value, the one that stands."""
    shared(house)
    which = record(house)
    says(house, which, "feil")
    house.clock.step(hours=1)
    (one,) = says(house, which).contests
    assert (one.record, one.field, one.source) == (which, CAPACITY, HEALTH)
    assert one.at == house.clock.at
    assert [c.text for v in asked(house, CAPACITY).values() if (c := v.contested)] == [WORDS]


def test_the_youth_lifts_it(house: House) -> None:
    """And only what is contested can be lifted."""
    shared(house)
    which = record(house)
    says(house, which)
    assert lifts(house, which).contests == ()
    assert asked(house, CAPACITY)[CAPACITY].contested is None
    with pytest.raises(NothingToContest):
        lifts(house, which)
    seen = contests.contests(person=house.hashed(EMIL), ports=house.ports)
    assert seen.contests == ()


def test_the_copy_of_everything_says_what_is_contested(house: House) -> None:
    """N26: a copy that leaves out what I said no to is not of everything."""
    shared(house)
    seen = says(house, record(house))
    copied = me.copy(person=house.hashed(EMIL), language="nb", ports=house.ports)
    assert copied.contests == seen.contests != ()


def test_the_youth_reads_it_beside_the_value(house: House) -> None:
    """What I said, and to what."""
    shared(house)
    says(house, record(house))
    reading = own_reading.read([CAPACITY], call=house.person(EMIL), ports=house.ports)
    assert [c.text for v in reading.values[CAPACITY] if (c := v.contested)] == [WORDS]


def test_who_does_not_get_the_value_does_not_get_what_is_said_to_it(house: House) -> None:
    """An objection tells of what it is against; a yes to one's own words is no yes to that."""
    shared(house)
    words = {"fields": ["voice.objection"], "categories": [], "purposes": ["coordination"]}
    house.answer(house.request(NAV, EMIL, **words), EMIL)
    says(house, record(house))
    ask = house.ask(NAV, EMIL, "voice.objection", purpose="coordination")
    answer = house.disclose(ask, NAV)
    assert (answer.outcome, answer.objections) == ("refused", {})


def test_the_source_reads_that_it_is_contested_and_not_what_is_said(house: House) -> None:
    """Whoever wrote it should look again; what is said is for those who get the value."""
    shared(house)
    which = record(house)
    says(house, which)
    lifts(house, which)
    with house.ports.store.read() as tx:
        events = tx.events(UnitId(HEALTH), after=0, limit=50)
    told = [(one.type, one.fields) for one in events if one.type.startswith("contest.")]
    assert told == [("contest.made", (CAPACITY,)), ("contest.lifted", (CAPACITY,))]
    assert WORDS not in repr(events)


def replies(
    house: House, which: str, finding: ContestFinding, *, by: str = HEALTH, once: str | None = None
) -> ContestView:
    """A source says whether its value is right."""
    said = ContestReply(finding=finding, actor=ACTOR)
    return contests.reply(RecordId(which), said, call=house.call(by, key=once), ports=house.ports)


def test_the_source_finds_the_value_in_its_feed_and_replies(house: House) -> None:
    """N18: a contest that nobody answers is a shout into the void; the youth is told, and sees what was found."""
    shared(house)
    which = record(house)
    says(house, which)
    with house.ports.store.read() as tx:
        told = [e.record for e in tx.events(UnitId(HEALTH), after=0, limit=50)]
    assert which in told
    house.clock.step(hours=1)
    view = replies(house, which, "looking_into", once="the-very-same-key")
    assert replies(house, which, "looking_into", once="the-very-same-key") == view
    assert (view.record, view.subject) == (which, house.handle(HEALTH, EMIL))
    said = replies(house, which, "corrected")
    assert replies(house, which, "corrected") == said
    (seen,) = contests.contests(person=house.hashed(EMIL), ports=house.ports).contests
    assert (seen.finding, seen.answered_at) == ("corrected", house.clock.at)
    findings = [one["finding"] for one in entries_about(house, "contest.answered")]
    assert findings == ["looking_into", "corrected"]
    with house.ports.store.read() as tx:
        subject = tx.subject_by_person(house.hashed(EMIL))
        assert subject is not None
        notices = tx.notices(subject, limit=9, at=house.clock.at)
    assert [n.unit for n in notices if n.kind == "contest_answered"] == [HEALTH, HEALTH]
    assert asked(house, CAPACITY)[CAPACITY].contested is not None


def test_what_is_said_anew_waits_for_an_answer_anew(house: House) -> None:
    """The answer was to other words."""
    shared(house)
    which = record(house)
    says(house, which, "feil")
    replies(house, which, "stands")
    (seen,) = says(house, which).contests
    assert (seen.finding, seen.answered_at) == (None, None)


def test_only_the_source_replies_and_only_while_it_is_contested(house: House) -> None:
    """Nobody else learns from the answer that there is such a value, or that it is contested."""
    shared(house)
    which = record(house)
    with pytest.raises(NothingToContest):
        replies(house, which, "stands")
    says(house, which)
    with pytest.raises(NothingToContest):
        replies(house, which, "stands", by=NAV)
    lifts(house, which)
    with pytest.raises(NothingToContest):
        replies(house, which, "stands")


def test_a_reply_to_what_was_replaced_meanwhile_is_not_kept(house: House) -> None:
    """It would stand under words that the source never knew of."""
    shared(house)
    which = RecordId(record(house))
    says(house, which)
    with house.ports.store.write() as tx:
        earlier = house.clock.at - timedelta(hours=1)
        assert not tx.answer_contest(which, "stands", made=earlier, at=house.clock.at)


def test_nothing_but_ones_own_values_by_others_is_contested(house: House) -> None:
    """Not another's, not what is not there, not what is about one's mother, not one's own words."""
    shared(house)
    house.deposit(HEALTH, SARA, {CAPACITY: "saras"})
    house.deposit("barnevern-larvik", EMIL, {"family.situation": "om mor"})
    with house.ports.store.read() as tx:
        subject = tx.subject_by_person(house.hashed(EMIL))
        assert subject is not None
        mothers = tx.newest(subject, ["family.situation"])["family.situation"][0].record
    (own,) = says(house, record(house)).contests
    with house.ports.store.read() as tx:
        words = tx.contests(subject)[RecordId(own.record)].objection
    before = entries(house)
    for which in (record(house, who=SARA), "rec_" + "a" * 22, mothers, words):
        house_before = entries(house)
        with pytest.raises(NothingToContest):
            says(house, which)
        assert entries(house) == house_before
    with pytest.raises(NothingToContest):
        lifts(house, own.record, who=SARA)
    assert entries(house) == before + 1  # Sara's reading


def test_who_is_no_subject_contests_nothing(house: House) -> None:
    """The broker holds nothing about them."""
    with pytest.raises(NotASubject):
        says(house, "rec_" + "a" * 22)
    with pytest.raises(NotASubject):
        contests.contests(person=house.hashed(EMIL), ports=house.ports)


def test_a_contest_is_an_entry_once_and_lies_nowhere_in_clear(house: House, tmp_path: Path) -> None:
    """A repeat writes nothing new; what is said is sealed."""
    shared(house)
    which = record(house)
    before = entries(house)
    assert says(house, which, once="the-very-same-key") == says(
        house, which, once="the-very-same-key"
    )
    assert entries(house) == before + 1
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert WORDS.encode() not in path.read_bytes()
    assert WORDS not in repr(Contest(record=which, text=WORDS))


def test_what_was_recorded_before_is_not_handed_out_without_it(house: House) -> None:
    """A repeat would say nothing of the objection: the recipient asks anew, and so after it was lifted."""
    shared(house)
    which = record(house)
    first = house.disclose(house.ask(NAV, EMIL, CAPACITY), NAV)
    says(house, which)
    second = house.disclose(house.ask(NAV, EMIL, CAPACITY), NAV)
    with pytest.raises(DisclosureGone):
        again(house, first)
    assert again(house, second).objections.keys() == {CAPACITY}
    lifts(house, which)
    with pytest.raises(DisclosureGone):
        again(house, second)


def again(house: House, answer: DisclosureAnswer) -> DisclosureAnswer:
    """Nav has it handed out once more."""
    identity = DisclosureId(answer.id)
    return disclosures.again(identity, unit=UnitId(NAV), language="nb", ports=house.ports)


def test_a_broker_cannot_leave_out_or_swap_what_is_said(house: House) -> None:
    """The manifest says that the value is contested and by which record; the SDK wants that, signed and sealed."""
    shared(house)
    says(house, record(house))
    ask = house.ask(NAV, EMIL, CAPACITY, RATE)
    answer = house.disclose(ask, NAV)

    def opened(**changes: object) -> None:
        house.open(answer.model_copy(update=changes), ask, NAV, EMIL)

    with pytest.raises(ManifestMismatch):
        opened(objections={})
    with pytest.raises(ManifestMismatch):
        opened(objections={**answer.objections, RATE: answer.objections[CAPACITY]})
    with pytest.raises(SealBroken):
        opened(objections={CAPACITY: answer.sealed[CAPACITY]})
    with pytest.raises(ManifestMismatch):
        opened(manifest=_uncontested(answer), objections={})


def _uncontested(answer: DisclosureAnswer) -> object:
    fields = {
        name: one.model_copy(update={"contested": None})
        for name, one in answer.manifest.fields.items()
    }
    return answer.manifest.model_copy(update={"fields": fields})


def test_what_is_said_by_somebody_else_is_found(house: House) -> None:
    """Words that the broker's key did not sign are not the youth's."""
    shared(house)
    says(house, record(house))
    ask = house.ask(NAV, EMIL, CAPACITY)
    answer = house.disclose(ask, NAV)
    (found,) = sealed_values(
        answer,
        house.keys[NAV],
        {HEALTH: house.keys[HEALTH].public_jwks()},
        trust.keys(house.ports),
        EMIL,
    )
    assert found[1].value().contested is not None
    with pytest.raises(SourceSignatureInvalid):
        replace(found[1], words_jwks=house.keys[HEALTH].public_jwks()).value()


def test_a_person_that_is_erased_contests_nothing_any_more(house: House) -> None:
    """The rows go with the person."""
    shared(house)
    says(house, record(house))
    with house.ports.store.read() as tx:
        subject = tx.subject_by_person(house.hashed(EMIL))
    assert subject is not None
    order = shredding.Order(by="drift", case="2026/1", reason="ønske fra personen selv")
    assert shredding.shred(subject, order, ports=house.ports) > 0
    with house.ports.store.read() as tx:
        assert tx.contests(subject) == {}


def test_the_command_line_shows_that_a_value_is_contested(house: House) -> None:
    """Whoever works without a system of their own sees it too, in words and in JSON."""
    shared(house)
    says(house, record(house))
    ask = house.ask(NAV, EMIL, CAPACITY, RATE)
    raw = house.disclose(ask, NAV)
    opened = house.open(raw, ask, NAV, EMIL)
    answer = Answer(
        id=raw.id,
        outcome=raw.outcome,
        values=opened.values,
        withheld={},
        grounds=raw.grounds,
        obligations=raw.manifest.obligations,
        stable_until=None,
        expires_at=raw.manifest.expires_at,
        receipt=opened.receipt,
        raw=raw,
    )
    lines = [line for line in answer_text(answer, None) if "contested" in line]
    assert lines == [f'    contested by the subject since 2026-11-23T09:00:00Z: "{WORDS}"']
    told = answer_json(answer, None)["values"]
    assert told[CAPACITY]["contested"] == {"text": WORDS, "at": "2026-11-23T09:00:00Z"}
    assert told[RATE]["contested"] is None
