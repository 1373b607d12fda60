"""Putting off, on both databases: "not now" is shared with nobody, told to nobody as a no, and can be answered later."""

from typing import Any

import pytest

from broker.domain.errors import AskedTooSoon, NothingAnswered
from broker.domain.ids import ConsentId, UnitId
from broker.usecases import consents, feed, me
from tests.house import EMIL, FATHER, MOTHER, SARA, House
from tests.integration.test_statutes import logged
from tillit.wire import Capture, ConsentView, DigitalAnswer, DisclosureAnswer

NAV, SCHOOL = "nav-larvik", "thor-heyerdahl-vgs"
RATE = "education.attendance.rate"


def school_later(line: Any) -> Any:
    """Yes to all but school, which is put off."""
    return "not_now" if line.category == "education" else "yes"


def put_off(house: House, say: Any = school_later, **asked: Any) -> ConsentView:
    """Emil is asked, and puts something off."""
    house.deposit(SCHOOL, EMIL, {RATE: 0.62})
    return house.answer(house.request(NAV, EMIL, **asked), EMIL, say)


def ask(house: House) -> DisclosureAnswer:
    """Nav asks for what the school knows."""
    return house.disclose(house.ask(NAV, EMIL, RATE), NAV)


def later(house: House, view: ConsentView, word: Any, person: str = EMIL) -> ConsentView:
    """The person answers what they put off."""
    shown = me.consent(ConsentId(view.id), person=house.hashed(person), ports=house.ports)
    said = DigitalAnswer(read=view.text_sha256, answers=dict.fromkeys(shown.put_off, word))
    call = house.person(person)
    return me.answer(ConsentId(view.id), said, call=call, ports=house.ports)


def heard(house: House, unit: str) -> list[str]:
    """The kinds of what a unit's feed says."""
    return [
        e.type for e in feed.events(unit=UnitId(unit), after=0, limit=99, ports=house.ports).events
    ]


def test_it_is_shared_with_nobody_until_it_is_answered(house: House) -> None:
    """Beside a consent that is in force; and from the answer on it is."""
    view = put_off(house)
    assert view.state == "active"
    assert ask(house).outcome == "refused"
    assert later(house, view, "yes").put_off == ()
    assert ask(house).outcome == "released"
    assert heard(house, NAV)[-2:] == ["consent.activated", "consent.answered_later"]
    (entry,) = logged(house, "consent.answered_later")
    assert (entry["yes"], entry["by"]) == (list(view.put_off), "subject")


def test_to_services_it_is_no_answer_and_to_the_youth_what_it_is(house: House) -> None:
    """Whoever asked reads neither a no nor that it was put off, and those whom it would be about read nothing."""
    view = put_off(house)
    assert {g.answer for g in view.grants if g.category == "education"} == {"not_now"}
    assert set(view.put_off) == {g.id for g in view.grants if g.category == "education"}
    for unit in (NAV, SCHOOL):
        page = consents.party(unit=UnitId(unit), after=None, limit=9, ports=house.ports)
        (seen,) = page.consents
        assert {g.answer for g in seen.grants} <= {"yes", None}
        assert "put_off" not in seen.model_dump_json()
        assert "not_now" not in seen.model_dump_json()


def test_the_reason_for_nothing_is_the_one_of_a_line_never_granted(house: House) -> None:
    """An ask tells a service nothing more than before."""
    put_off(house)
    off = ask(house)
    house.answer(
        house.request(NAV, EMIL),
        EMIL,
        lambda line: "no" if line.category == "education" else "yes",
    )
    assert ask(house).withheld == off.withheld


def test_without_any_yes_it_waits_and_may_be_asked_again(house: House) -> None:
    """It is told as put off, not as a refusal, and no cool-down begins."""
    view = put_off(house, lambda g: "not_now" if g.category == "education" else "no")
    assert (view.state, view.waiting_for) == ("requested", ("subject",))
    assert heard(house, NAV)[-1] == "consent.put_off"
    assert heard(house, SCHOOL) == []
    assert ask(house).outcome == "refused"
    again = house.request(NAV, EMIL)
    assert again.state == "requested"
    assert later(house, view, "no").state == "refused"
    with pytest.raises(AskedTooSoon):
        house.request(NAV, EMIL)


def test_an_older_request_answered_later_does_not_take_a_newer_ones_place(house: House) -> None:
    """What was asked since stays to be answered."""
    view = put_off(house)
    newer = house.request(NAV, EMIL)
    later(house, view, "yes")
    states = {
        c.id: c.state for c in me.consents(person=house.hashed(EMIL), ports=house.ports).consents
    }
    assert states == {view.id: "active", newer.id: "requested"}


def test_a_professional_writes_down_a_not_now_too(house: House) -> None:
    """An oral answer is recorded as fully as a digital one (N2)."""
    view = house.request(NAV, EMIL)
    said = {g.id: school_later(g) for g in view.grants}
    actor = {"id": "a17", "role": "veileder"}
    captured = Capture.model_validate(
        {
            "method": "oral",
            "signer": "subject",
            "read_out": view.text_sha256,
            "answered_at": house.clock(),
            "answers": said,
            "actor": actor,
        }
    )
    seen = consents.capture(ConsentId(view.id), captured, call=house.call(NAV), ports=house.ports)
    assert {g.answer for g in seen.grants if g.category == "education"} == {None}
    shown = me.consent(ConsentId(view.id), person=house.hashed(EMIL), ports=house.ports)
    assert len(shown.put_off) == len([g for g in view.grants if g.category == "education"])


def test_everything_put_off_is_nothing_done(house: House) -> None:
    """No entry, no version, no word to anybody."""
    before = house.request(NAV, EMIL)
    with pytest.raises(NothingAnswered):
        house.answer(before, EMIL, lambda _: "not_now")
    shown = me.consent(ConsentId(before.id), person=house.hashed(EMIL), ports=house.ports)
    assert (shown.version, shown.put_off) == (before.version, ())


def test_a_parent_who_puts_off_sees_and_answers_their_own_lines(house: House) -> None:
    """And what one of them puts off, the other's yes does not open."""
    view = house.request(NAV, SARA, categories=["education", "health"])
    house.answer(view, SARA)
    house.answer(view, FATHER, child_heard=True)
    health = [g.id for g in view.grants if g.category == "health"]
    first = health[0]
    seen = house.answer(
        view, MOTHER, lambda g: "not_now" if g.id == first else "yes", child_heard=True
    )
    assert (seen.state, seen.put_off) == ("active", (first,))
    for other in (SARA, FATHER):
        shown = me.consent(ConsentId(view.id), person=house.hashed(other), ports=house.ports)
        assert shown.put_off == ()
        assert {g.id: g.answer for g in shown.grants}[first] == "not_now"
    assert later(house, view, "yes", MOTHER).put_off == ()
