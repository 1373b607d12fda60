"""Asked first: an ask waits for the youth's word, on both databases, from the condition to the release and back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from broker.domain.errors import (
    LinesNotForSigner,
    QuestionAnswered,
    QuestionOver,
    SignerNotNeeded,
)
from broker.domain.ids import ConsentId, DisclosureId, QuestionId, UnitId
from broker.errors import DisclosureGone, UnknownQuestion
from broker.usecases import asks, consents, disclosures, feed, me, questions
from tests.house import EMIL, FATHER, LARVIK, MOTHER, SARA, House
from tests.integration.test_statutes import logged, told
from tillit.wire import (
    Condition,
    ConditionsRequest,
    ConsentView,
    DisclosureAnswer,
    Event,
    MyQuestion,
    QuestionAnswer,
    Withdrawal,
)

NAV, SCHOOL = "nav-larvik", "thor-heyerdahl-vgs"
RATE, GRADES = "education.attendance.rate", "education.grades"


def asked_first(
    house: House, national_id: str = EMIL, word: Any = "ask_me_first", **asked: Any
) -> ConsentView:
    """The person says yes to everything, and wants to be asked first about school."""
    house.deposit(SCHOOL, national_id, {RATE: 0.62})
    view = house.request(NAV, national_id, **asked)
    lines = {g.id: word for g in view.grants if g.category == "education"}
    return house.answer(view, national_id, conditions=lines)


def ask(house: House, national_id: str = EMIL, *fields: str, **more: Any) -> DisclosureAnswer:
    """Nav asks, anew."""
    return house.disclose(house.ask(NAV, national_id, *(fields or (RATE,)), **more), NAV)


def put_to(house: House, national_id: str = EMIL) -> tuple[MyQuestion, ...]:
    """What the person is asked."""
    found = questions.questions(person=house.hashed(national_id), limit=50, ports=house.ports)
    return found.questions


def say(
    house: House, word: Any, national_id: str = EMIL, question: str | None = None
) -> MyQuestion:
    """The person answers the newest question."""
    identity = QuestionId(question or put_to(house, national_id)[0].id)
    call = house.person(national_id)
    return questions.answer(identity, QuestionAnswer(answer=word), call=call, ports=house.ports)


def heard(house: House, unit: str = NAV) -> list[Event]:
    """What a unit's feed says of questions."""
    page = feed.events(unit=UnitId(unit), after=0, limit=200, ports=house.ports)
    return [event for event in page.events if event.type.startswith("question.")]


def codes(answer: DisclosureAnswer) -> dict[str, list[str]]:
    """Why each field is withheld."""
    return {name: [r.code for r in reasons] for name, reasons in answer.withheld.items()}


def test_a_yes_lets_what_was_asked_once(house: House) -> None:
    """Withheld, asked, answered, released; and the next time asked again."""
    asked_first(house)
    first = ask(house)
    assert codes(first) == {RATE: ["consent.ask_first"]}
    (question,) = put_to(house)
    assert (question.unit, question.purpose, question.fields, question.sources) == (
        NAV,
        "case_discussion",
        (RATE,),
        (SCHOOL,),
    )
    assert (question.state, question.role, question.also) == ("open", "veileder", "ask_me_first")
    assert heard(house) == []
    answered = say(house, "yes")
    assert (answered.state, answered.answered_by) == ("yes", ("subject",))
    (event,) = heard(house)
    assert event.id > (first.events_after or 0)
    assert (event.subject, event.purpose, event.fields) == (
        house.handle(NAV, EMIL),
        "case_discussion",
        (RATE,),
    )
    released = ask(house)
    assert (released.outcome, released.events_after) == ("released", None)
    assert [q.state for q in put_to(house)] == ["used"]
    assert codes(ask(house)) == {RATE: ["consent.ask_first"]}
    assert [q.state for q in put_to(house)] == ["open", "used"]


def test_the_time_of_a_yes_is_the_time_of_the_answer(house: House) -> None:
    """Neither a lease nor a repeated call hands anything out when it is over."""
    asked_first(house)
    ask(house)
    until = house.clock() + timedelta(hours=24)
    say(house, "yes")
    wanted = house.ask(NAV, EMIL, RATE)
    released = house.disclose(wanted, NAV, key="the-same-key-again")
    assert released.stable_until == until
    house.clock.step(hours=23, minutes=59)
    assert house.disclose(wanted, NAV, key="the-same-key-again").sealed
    house.clock.step(minutes=1)
    with pytest.raises(DisclosureGone):
        house.disclose(wanted, NAV, key="the-same-key-again")
    with pytest.raises(DisclosureGone):
        disclosures.again(
            DisclosureId(released.id), unit=UnitId(NAV), language="nb", ports=house.ports
        )


def test_who_is_there_lets_it_as_often_as_needed_for_a_quarter_of_an_hour(house: House) -> None:
    """A conversation is more than one look, and it ends."""
    asked_first(house, word="only_when_present")
    assert codes(ask(house)) == {RATE: ["consent.not_present"]}
    say(house, "yes")
    assert [ask(house).outcome, ask(house).outcome] == ["released", "released"]
    house.clock.step(minutes=15)
    assert codes(ask(house)) == {RATE: ["consent.not_present"]}


def test_a_no_is_kept_and_nobody_asks_again_for_a_day(house: House) -> None:
    """The service hears that there is an answer; what it is withheld for says no more than before."""
    asked_first(house)
    before = ask(house)
    say(house, "no")
    assert len(heard(house)) == 1
    for fields in ((RATE,), (GRADES,)):
        after = ask(house, EMIL, *fields)
        assert codes(after) == {name: ["consent.ask_first"] for name in fields}
        assert after.withheld.get(RATE, before.withheld[RATE]) == before.withheld[RATE]
    assert [q.state for q in put_to(house)] == ["no"]
    house.clock.step(hours=24)
    ask(house)
    assert [q.state for q in put_to(house)] == ["open", "no"]


def test_while_it_waits_it_is_put_once(house: House) -> None:
    """However often the service asks, by whatever field of the line."""
    asked_first(house)
    for fields in ((RATE,), (RATE,), (GRADES,), (RATE, GRADES)):
        ask(house, EMIL, *fields)
    assert [q.fields for q in put_to(house)] == [(RATE,)]
    assert len([n for n in told(house, EMIL) if n.kind == "question_asked"]) == 1
    house.clock.step(hours=24)
    assert [q.state for q in put_to(house)] == ["over"]
    with pytest.raises(QuestionOver):
        say(house, "yes")
    ask(house)
    assert [q.state for q in put_to(house)] == ["open", "over"]


def test_asks_at_once_put_one_question_and_a_yes_is_used_by_one(house: House) -> None:
    """Whichever replica they reach: the consent is pinned while it is put, and a used yes is used."""
    asked_first(house)
    wanted = house.ask(NAV, EMIL, RATE)

    def at_once() -> list[str]:
        with ThreadPoolExecutor(3) as pool:
            return sorted(a.outcome for a in pool.map(lambda _: house.disclose(wanted, NAV), "123"))

    assert at_once() == ["refused"] * 3
    assert [q.state for q in put_to(house)] == ["open"]
    say(house, "yes")
    assert at_once() == ["refused", "refused", "released"]
    assert [q.state for q in put_to(house)] == ["open", "used"]


def test_a_check_puts_no_question(house: House) -> None:
    """May I? is no reason to disturb anybody."""
    asked_first(house)
    wanted = house.ask(NAV, EMIL, RATE)
    answer = asks.check(wanted, call=house.call(NAV), ports=house.ports)
    assert [r.code for r in answer.withheld[RATE]] == ["consent.ask_first"]
    assert put_to(house) == ()


def test_a_repeated_call_puts_no_second_question(house: House) -> None:
    """It is the same ask; its feed is read from the beginning."""
    asked_first(house)
    wanted = house.ask(NAV, EMIL, RATE)
    first = house.disclose(wanted, NAV, key="the-same-key-again")
    say(house, "no")
    house.clock.step(hours=25)
    again = house.disclose(wanted, NAV, key="the-same-key-again")
    assert (again.id, again.events_after) == (first.id, 0)
    assert [q.state for q in put_to(house)] == ["no"]


def test_nobody_learns_whether_there_is_anything_before_the_yes(house: House) -> None:
    """It waits, is asked, and is answered, whether there is or not."""
    asked_first(house)
    assert codes(ask(house, EMIL, GRADES)) == {GRADES: ["consent.ask_first"]}
    assert [q.fields for q in put_to(house)] == [(GRADES,)]
    say(house, "yes")
    assert codes(ask(house, EMIL, GRADES)) == {GRADES: ["data.none"]}
    assert [q.state for q in put_to(house)] == ["yes"]


def test_what_another_line_gives_is_not_asked_about(house: House) -> None:
    """Only what a yes is all that is wanting for."""
    asked_first(house)
    house.deposit("larvikshjelpa", EMIL, {"functioning.capacity": "part_time"})
    answer = ask(house, EMIL, "functioning.capacity", "health.diagnosis", "work.status")
    assert put_to(house) == ()
    assert answer.events_after is None
    ask(house, EMIL, RATE, "functioning.capacity")
    assert [q.fields for q in put_to(house)] == [(RATE,)]


def test_an_empty_line_that_stands_is_not_asked_about(house: House) -> None:
    """Two lines lead to the grades; the one that is open finds nothing, and a yes would change nothing."""
    view = house.request(NAV, EMIL, categories=["education"])
    house.answer(view, EMIL)
    one = house.request(
        NAV, EMIL, categories=[], fields=[GRADES], collaboration=None, services=[NAV, SCHOOL]
    )
    house.answer(one, EMIL, conditions={one.grants[0].id: "ask_me_first"})
    assert codes(ask(house, EMIL, GRADES)) == {GRADES: ["data.none"]}
    assert put_to(house) == ()


def test_both_words_are_asked_each_for_itself(house: House) -> None:
    """One yes does not let what takes another."""
    house.deposit("larvikshjelpa", EMIL, {"health.functional_impact": "some"})
    asked_first(house)
    consent = me.consents(person=house.hashed(EMIL), ports=house.ports).consents[0]
    health = {g.id: "only_when_present" for g in consent.grants if g.category == "health"}
    change(house, consent.id, health)
    ask(house, EMIL, RATE, "health.functional_impact")
    assert {(q.also, q.fields) for q in put_to(house)} == {
        ("ask_me_first", (RATE,)),
        ("only_when_present", ("health.functional_impact",)),
    }
    for question in put_to(house):
        say(house, "yes", question=question.id)
    assert ask(house, EMIL, RATE, "health.functional_impact").outcome == "released"


def change(
    house: House, consent: str, also: dict[str, Any], national_id: str = EMIL
) -> ConsentView:
    """The person says for which lines they want to be asked first."""
    request = ConditionsRequest(conditions=also)
    call = house.person(national_id)
    return me.ask_first(ConsentId(consent), request, call=call, ports=house.ports)


def test_the_youth_puts_it_on_a_standing_yes_and_takes_it_off(house: House) -> None:
    """From the moment it has returned, and by nobody's leave."""
    house.deposit(SCHOOL, EMIL, {RATE: 0.62})
    view = house.answer(house.request(NAV, EMIL), EMIL)
    assert ask(house).outcome == "released"
    lines = [g.id for g in view.grants if g.category == "education"]
    after = change(house, view.id, dict.fromkeys(lines, "ask_me_first"))
    assert {g.condition.also for g in after.grants if g.id in lines} == {"ask_me_first"}
    assert all("Du blir spurt først" in g.text for g in after.grants if g.id in lines)
    assert ask(house).outcome == "refused"
    change(house, view.id, dict.fromkeys(lines, "none"))
    assert ask(house).outcome == "released"
    assert len(logged(house, "consent.conditioned")) == 2


def test_a_service_asks_for_a_yes_that_asks_first(house: House) -> None:
    """What it promised in the text stays."""
    house.deposit(SCHOOL, EMIL, {RATE: 0.62})
    asked = house.request(NAV, EMIL, condition=Condition(also="ask_me_first"))
    assert "Du blir spurt først hver gang." in asked.text
    view = house.answer(asked, EMIL)
    line = next(g.id for g in view.grants if g.category == "education")
    change(house, view.id, {line: "none"})
    assert codes(ask(house)) == {RATE: ["consent.ask_first"]}


@pytest.mark.parametrize(
    ("how", "said"),
    [("pause", True), ("withdraw", False), ("narrow", True), ("condition", False)],
)
def test_a_changed_consent_ends_what_waits_and_what_was_let(
    house: House, how: str, said: bool
) -> None:
    """What was asked is asked no more, and what was let is let no more, also when it is resumed."""
    view = asked_first(house)
    ask(house)
    (question,) = put_to(house)
    if said:
        say(house, "yes")
    lines = [g.id for g in view.grants if g.category == "education"]
    call, identity = house.person(EMIL), ConsentId(view.id)
    match how:
        case "pause":
            me.pause(identity, call=call, ports=house.ports)
            me.resume(identity, call=house.person(EMIL), ports=house.ports)
        case "withdraw":
            me.withdraw(identity, Withdrawal(), call=call, ports=house.ports)
        case "narrow":
            me.withdraw(identity, Withdrawal(grants=tuple(lines)), call=call, ports=house.ports)
        case _:
            change(house, view.id, dict.fromkeys(lines, "only_when_present"))
    assert [q.state for q in put_to(house)] == ["lapsed"]
    assert ask(house).outcome == "refused"
    with pytest.raises(QuestionOver):
        say(house, "yes", question=question.id)
    assert len(logged(house, "question.lapsed")) == 1


def test_a_change_elsewhere_leaves_it_waiting(house: House) -> None:
    """Taking back what somebody else knows is no answer to this, and a no is not forgotten by pausing."""
    view = asked_first(house)
    ask(house)
    health = tuple(g.id for g in view.grants if g.category == "health")
    identity = ConsentId(view.id)
    narrowed = Withdrawal(grants=health)
    me.withdraw(identity, narrowed, call=house.person(EMIL), ports=house.ports)
    assert [q.state for q in put_to(house)] == ["open"]
    say(house, "no")
    me.pause(identity, call=house.person(EMIL), ports=house.ports)
    me.resume(identity, call=house.person(EMIL), ports=house.ports)
    ask(house)
    assert [q.state for q in put_to(house)] == ["no"]


def test_two_answers_and_the_later_is_told(house: House) -> None:
    """Two tabs; what was said first stands."""
    asked_first(house)
    ask(house)
    (question,) = put_to(house)
    say(house, "no", question=question.id)
    with pytest.raises(QuestionAnswered):
        say(house, "yes", question=question.id)
    assert ask(house).outcome == "refused"


def test_a_question_is_nobody_elses(house: House) -> None:
    """It reads as one that does not exist: to a stranger, and to a parent of a grown youth."""
    asked_first(house)
    house.handle(NAV, SARA)
    ask(house)
    (question,) = put_to(house)
    for other in (SARA, MOTHER, FATHER):
        assert put_to(house, other) == ()
        with pytest.raises(UnknownQuestion):
            say(house, "yes", other, question.id)
    with pytest.raises(UnknownQuestion):
        say(house, "yes", EMIL, "qst_" + "a" * 22)


def test_parents_answer_for_the_lines_that_they_signed(house: House) -> None:
    """Health at fifteen: both parents, in person; the youth sees it, and is told who acted."""
    house.deposit("larvikshjelpa", SARA, {"health.functional_impact": "some"})
    view = house.request(NAV, SARA, categories=["education", "health"])
    shown = house.answer(view, SARA)
    for parent in (MOTHER, FATHER):
        shown = house.answer(view, parent, child_heard=True)
    assert shown.state == "active"
    lines = {g.id: "ask_me_first" for g in shown.grants}
    change(house, view.id, lines, MOTHER)
    ask(house, SARA, "health.functional_impact")
    (question,) = put_to(house, MOTHER)
    assert put_to(house, FATHER) == put_to(house, SARA) == (question,)
    with pytest.raises(SignerNotNeeded):
        say(house, "yes", SARA, question.id)
    assert say(house, "yes", MOTHER, question.id).state == "open"
    assert heard(house) == []
    assert say(house, "yes", FATHER, question.id).state == "yes"
    assert ask(house, SARA, "health.functional_impact").outcome == "released"
    assert [n.kind for n in told(house, SARA)].count("guardian_acted") >= 3
    assert [entry["by"] for entry in logged(house, "question.answered")] == ["guardian"] * 2
    with pytest.raises(LinesNotForSigner):
        change(house, view.id, dict.fromkeys(lines, "none"), SARA)


def test_a_youth_at_the_age_answers_what_is_the_youths(house: House) -> None:
    """School at fifteen: no parent sees that it was asked."""
    asked_first(house, SARA, categories=["education"])
    ask(house, SARA)
    (question,) = put_to(house, SARA)
    for parent in (MOTHER, FATHER):
        assert put_to(house, parent) == ()
        with pytest.raises(UnknownQuestion):
            say(house, "no", parent, question.id)
    assert say(house, "yes", SARA).state == "yes"


def test_whoever_decides_benefits_hears_of_a_yes_and_not_of_a_no(house: House) -> None:
    """A no is nothing that may count against anybody (N27)."""
    house.deposit(SCHOOL, EMIL, {RATE: 0.62})
    bilateral = {"collaboration": None, "services": [NAV, SCHOOL], "categories": []}
    view = house.request(NAV, EMIL, purposes=["benefits_decision"], fields=[RATE], **bilateral)
    house.answer(view, EMIL, conditions={view.grants[0].id: "ask_me_first"})
    about = {"purpose": "benefits_decision", "collaboration": None}
    held = ask(house, EMIL, RATE, **about)
    assert (codes(held), held.events_after) == ({RATE: ["consent.none"]}, None)
    say(house, "no")
    assert heard(house) == []
    assert codes(ask(house, EMIL, RATE, **about)) == {RATE: ["consent.none"]}
    house.clock.step(hours=24)
    ask(house, EMIL, RATE, **about)
    say(house, "yes")
    assert len(heard(house)) == 1
    assert ask(house, EMIL, RATE, **about).outcome == "released"


def test_a_bounded_number_of_questions_waits(house: House) -> None:
    """Twenty for one person: what comes after is withheld, and puts none."""
    units = {"nav-larvik", SCHOOL, "larvikshjelpa"}
    asked = 0
    purposes = [name for name, p in house.ports.catalogue.purposes.items() if p.basis == "consent"]
    for purpose in purposes:
        view = house.request(
            NAV, EMIL, purposes=[purpose], fields=[RATE], categories=[], collaboration=None,
            services=sorted(units),
        )  # fmt: skip
        also = {g.id: "ask_me_first" for g in view.grants}
        house.answer(view, EMIL, conditions=also)
        asked += len(view.grants)
        for unit in (NAV, "larvikshjelpa"):
            wanted = house.ask(unit, EMIL, RATE, purpose=purpose, collaboration=None)
            house.disclose(wanted, unit)
    assert asked > 20
    assert len([q for q in put_to(house) if q.state == "open"]) == 20


def test_question_and_answer_are_entries_and_in_the_copy(house: House) -> None:
    """Who asked, what for, and who answered: the youth can show it, and an auditor find it."""
    asked_first(house)
    ask(house)
    say(house, "yes")
    (put,) = logged(house, "question.asked")
    assert (put["recipient"], put["fields"], put["actor"]["role"]) == (NAV, [RATE], "veileder")
    (answered,) = logged(house, "question.answered")
    assert (answered["question"], answered["answer"], answered["by"]) == (
        put["question"],
        "yes",
        "subject",
    )
    copied = me.copy(person=house.hashed(EMIL), language="nb", ports=house.ports)
    assert copied.questions == put_to(house)


def test_the_family_is_asked_for_itself(house: House) -> None:
    """What is about the mother waits for her word, and the youth's own yes does not do."""
    field = "family.situation"
    house.deposit("larvikshjelpa", EMIL, {field: "stable"})
    asked = {"categories": [], "fields": [field]}
    own = house.answer(house.request(NAV, EMIL, **asked), EMIL)
    assert own.state == "active"
    about = house.handle(NAV, EMIL)
    hers = house.request(NAV, MOTHER, about=about, **asked)
    house.answer(hers, MOTHER, conditions={g.id: "ask_me_first" for g in hers.grants})
    assert ask(house, EMIL, field).outcome == "refused"
    assert put_to(house) == ()
    (question,) = put_to(house, MOTHER)
    say(house, "yes", MOTHER)
    (event,) = heard(house)
    assert (event.subject, event.fields) == (about, (field,))
    assert ask(house, EMIL, field).outcome == "released"
    assert [q.state for q in put_to(house, MOTHER)] == ["used"]
    assert question.unit == NAV


def test_a_line_that_holds_once_and_asks_first_is_both(house: House) -> None:
    """Its one use takes the yes with it."""
    house.deposit(SCHOOL, EMIL, {RATE: 0.62})
    view = house.request(NAV, EMIL, condition=Condition(kind="once", also="ask_me_first"))
    house.answer(view, EMIL)
    ask(house)
    say(house, "yes")
    assert ask(house).outcome == "released"
    assert codes(ask(house)) == {RATE: ["consent.used_up"]}
    assert [q.state for q in put_to(house)] == ["used"]


def test_who_is_party_reads_the_condition(house: House) -> None:
    """A service that could be told something sees that the youth wants to be asked first."""
    view = asked_first(house)
    page = consents.party(unit=UnitId(SCHOOL), after=None, limit=9, ports=house.ports)
    shown = {g.id: g.condition.also for c in page.consents for g in c.grants}
    assert set(shown.values()) >= {"ask_me_first"}
    assert view.collaboration == LARVIK
