"""Undoing, on both databases: ten seconds of the broker's clock, logged, told, and never past what else has happened."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from broker.domain.errors import NothingToUndo, UndoTooLate
from broker.domain.ids import ConsentId, UnitId
from broker.errors import ConsentMoved, DisclosureGone, UnknownConsent
from broker.usecases import feed, me
from tests.house import EMIL, MOTHER, SARA, House
from tests.integration.test_statutes import logged
from tillit.wire import ConsentView, Withdrawal

NAV, SCHOOL = "nav-larvik", "thor-heyerdahl-vgs"
RATE = "education.attendance.rate"


def said_yes(house: House) -> ConsentView:
    """Emil has said yes to everything, a while ago."""
    house.deposit(SCHOOL, EMIL, {RATE: 0.62})
    view = house.answer(house.request(NAV, EMIL), EMIL)
    house.clock.step(minutes=5)
    return view


def stop(house: House, view: ConsentView, *lines: str, person: str = EMIL) -> ConsentView:
    """Somebody stops all of it, or some lines."""
    call = house.person(person)
    return me.withdraw(ConsentId(view.id), Withdrawal(grants=lines), call=call, ports=house.ports)


def undo(house: House, view: ConsentView, person: str = EMIL, **more: Any) -> ConsentView:
    """Somebody takes back what was done last."""
    return me.undo(ConsentId(view.id), call=house.person(person), ports=house.ports, **more)


def ask(house: House) -> str:
    """What comes of it when Nav asks."""
    return house.disclose(house.ask(NAV, EMIL, RATE), NAV).outcome


def test_a_stop_is_taken_back_logged_and_told(house: House) -> None:
    """Nothing is released between, and afterwards what was before is."""
    view = said_yes(house)
    stopped = stop(house, view)
    assert stopped.undo_until == house.clock() + timedelta(seconds=10)
    assert ask(house) == "refused"
    house.clock.step(seconds=9)
    back = undo(house, view, shown=stopped.version)
    assert (back.state, back.undo_until) == ("active", None)
    assert [g.answer for g in back.grants] == [g.answer for g in view.grants]
    assert ask(house) == "released"
    (entry,) = logged(house, "consent.restored")
    assert (entry["consent"], entry["by"], entry["state"]) == (view.id, "subject", "active")
    for unit in (NAV, SCHOOL):
        events = feed.events(unit=UnitId(unit), after=0, limit=99, ports=house.ports).events
        assert [e.type for e in events][-2:] == ["consent.withdrawn", "consent.restored"]


def test_what_was_released_before_a_stop_is_not_handed_out_again_after_it_was_taken_back(
    house: House,
) -> None:
    """The recipient was told to erase it: whoever needs it asks anew."""
    view = said_yes(house)
    wanted = house.ask(NAV, EMIL, RATE)
    assert house.disclose(wanted, NAV, key="the-same-key-again").outcome == "released"
    stop(house, view)
    undo(house, view)
    with pytest.raises(DisclosureGone):
        house.disclose(wanted, NAV, key="the-same-key-again")


def test_ten_seconds_are_ten_seconds(house: House) -> None:
    """By the broker's clock, whatever a page still shows."""
    view = said_yes(house)
    stop(house, view)
    house.clock.step(seconds=10)
    shown = me.consent(ConsentId(view.id), person=house.hashed(EMIL), ports=house.ports)
    assert shown.undo_until is None
    with pytest.raises(UndoTooLate):
        undo(house, view)
    assert ask(house) == "refused"
    assert logged(house, "consent.restored") == []


def test_a_yes_is_taken_back_by_withdrawing_it(house: House) -> None:
    """What was released in between stays in the youth's list, and its recipient is told."""
    house.deposit(SCHOOL, EMIL, {RATE: 0.62})
    view = house.answer(house.request(NAV, EMIL), EMIL)
    assert ask(house) == "released"
    assert undo(house, view).state == "withdrawn"
    assert ask(house) == "refused"
    (entry,) = logged(house, "consent.withdrawn")
    assert entry["by"] == "subject"
    with pytest.raises(NothingToUndo):
        undo(house, view)


def test_a_no_that_was_a_slip_can_be_answered_again_and_starts_no_cool_down(house: House) -> None:
    """And whoever asked may ask again too."""
    view = house.request(NAV, EMIL)
    assert house.answer(view, EMIL, lambda _: "no").state == "refused"
    back = undo(house, view)
    assert (back.state, {g.answer for g in back.grants}) == ("requested", {None})
    assert back.waiting_for == ("subject",)
    house.request(NAV, EMIL)
    assert house.answer(view, EMIL).state == "active"


def test_it_is_one_act_however_often_the_button_is_pressed(house: House) -> None:
    """The second press says what the first did."""
    view = said_yes(house)
    stop(house, view)
    call = house.person(EMIL)
    first = me.undo(ConsentId(view.id), call=call, ports=house.ports)
    house.clock.step(minutes=1)
    assert me.undo(ConsentId(view.id), call=call, ports=house.ports) == first
    assert len(logged(house, "consent.restored")) == 1


def test_nobody_else_takes_it_back(house: House) -> None:
    """Not a parent of a grown youth, not a stranger; and not with a page that is not as it was."""
    view = said_yes(house)
    stopped = stop(house, view)
    for other in (MOTHER, SARA):
        with pytest.raises(UnknownConsent):
            undo(house, view, other)
    with pytest.raises(ConsentMoved):
        undo(house, view, shown=stopped.version - 1)
    assert undo(house, view).state == "active"


def test_a_parent_does_not_take_back_what_the_youth_stopped(house: House) -> None:
    """Each takes back their own act alone, where both may act."""
    view = house.request(NAV, SARA, categories=["health"])
    signed = house.answer(view, MOTHER, child_heard=True)
    house.clock.step(minutes=5)
    stop(house, signed, person=SARA)
    mothers = me.consent(ConsentId(view.id), person=house.hashed(MOTHER), ports=house.ports)
    assert mothers.undo_until is None
    with pytest.raises(NothingToUndo):
        undo(house, view, MOTHER)


def test_not_where_a_newer_consent_has_come_into_force(house: House) -> None:
    """The newest answer is the one that counts: else two would, and one of them wider."""
    view = said_yes(house)
    newer = house.request(NAV, EMIL)
    stop(house, view)
    house.answer(newer, EMIL, lambda g: "yes" if g.category == "functioning" else "no")
    with pytest.raises(NothingToUndo):
        undo(house, view)
    assert ask(house) == "refused"


def test_two_at_once_leave_one_in_force(house: House) -> None:
    """A stop taken back in one window while a newer request is answered in another: never both, whichever comes first."""
    for _ in range(4):
        view = said_yes(house)
        newer = house.request(NAV, EMIL)
        stop(house, view)
        with ThreadPoolExecutor(2) as pool:
            back = pool.submit(undo, house, view)
            answered = pool.submit(house.answer, newer, EMIL)
            assert answered.exception() is None
            assert back.exception() is None or isinstance(back.exception(), NothingToUndo)
        found = me.consents(person=house.hashed(EMIL), ports=house.ports).consents
        assert [c.id for c in found if c.state == "active"] == [newer.id]
