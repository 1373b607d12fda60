"""Undoing: whoever did something takes it back within seconds, where nothing else has changed, and no further than it was."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.domain.consents import Consent
from broker.domain.errors import NothingToUndo, OutOfTime, UndoTooLate
from broker.domain.signatures import Needed, Signer
from broker.domain.states import State
from broker.domain.undoing import UNDO_WITHIN
from tests.consenting import (
    ALONE,
    EMIL,
    FATHER,
    HALF_A_YEAR,
    MOTHER,
    NOW,
    ONE_GUARDIAN,
    RECORDER,
    TOGETHER,
    active,
    answers,
    asked,
    line,
)

LATER = NOW + timedelta(hours=1)
SOON = LATER + timedelta(seconds=9)
ADULT = {"education": ALONE, "health": ALONE}
FIFTEEN = {"education": ALONE, "health": TOGETHER}


def say(
    consent: Consent, signer: Signer = EMIL, needed: Mapping[str, Needed] = ADULT, **said: Any
) -> Consent:
    """A digital answer."""
    return consent.answer(
        answers(**said), signer=signer, method="digital", at=LATER, read=consent.text_sha256, needed=needed
    )[0]  # fmt: skip


def same(one: Consent, other: Consent) -> bool:
    """Whether they differ in nothing but version and time."""
    return replace(one, version=0, changed_at=NOW) == replace(other, version=0, changed_at=NOW)


@pytest.mark.parametrize("act", ["stop", "narrow", "pause", "stop paused"])
def test_what_took_away_is_as_if_it_had_not_been(act: str) -> None:
    """A slip of the thumb on a small screen."""
    before = replace(active(), undoable=None)
    match act:
        case "stop":
            after, _ = before.withdraw(at=LATER, by=EMIL)
        case "narrow":
            after, _ = before.withdraw(at=LATER, by=EMIL, grants=[before.grants[0].id])
        case "pause":
            after, _ = before.pause(at=LATER, by=EMIL)
        case _:
            before = replace(before.pause(at=LATER, by=EMIL)[0], undoable=None)
            after, _ = before.withdraw(at=LATER, by=EMIL)
    back, told = after.undo(at=SOON, by=EMIL, needed=ADULT)
    assert same(back, before)
    assert (back.version, back.changed_at) == (after.version + 1, SOON)
    assert (told.type, told.by, told.state) == ("consent.restored", EMIL, before.state.value)
    assert told.grants == (("g1",) if act == "narrow" else ())


@pytest.mark.parametrize(
    ("said", "then"), [({"yes": (1, 2)}, "consent.withdrawn"), ({"yes": (1,), "no": (2,)}, "consent.withdrawn")]
)  # fmt: skip
def test_a_yes_is_taken_back_by_withdrawing_it(said: dict[str, Any], then: str) -> None:
    """What was released on it has to be erased, so it is no mere nothing; a new yes takes a new question."""
    consent, told = say(asked(), **said).undo(at=SOON, by=EMIL, needed=ADULT)
    assert (consent.state, told.type) == (State.WITHDRAWN, then)
    assert consent.undoable is None
    with pytest.raises(NothingToUndo):
        consent.undo(at=SOON, by=EMIL, needed=ADULT)


def test_a_later_yes_is_taken_back_alone() -> None:
    """What stood before it stands."""
    first = say(asked(), yes=(1,), not_now=(2,))
    consent, told = say(first, yes=(2,)).undo(at=SOON, by=EMIL, needed=ADULT)
    assert (consent.state, told.type, told.grants) == (State.ACTIVE, "consent.narrowed", ("g2",))


def test_a_later_no_is_put_off_again() -> None:
    """It gave nothing, so it is as before."""
    first = say(asked(), yes=(1,), not_now=(2,))
    consent, _ = say(first, no=(2,)).undo(at=SOON, by=EMIL, needed=ADULT)
    assert same(consent, replace(first, undoable=None))


@pytest.mark.parametrize("said", [{"no": (1, 2)}, {"no": (1,), "not_now": (2,)}])
def test_a_no_is_asked_again(said: dict[str, Any]) -> None:
    """As it was put, and nothing of the no is left that a cool-down could count."""
    before = asked()
    consent, told = say(before, **said).undo(at=SOON, by=EMIL, needed=ADULT)
    assert same(consent, before)
    assert told.type == "consent.restored"


def test_a_parents_no_leaves_what_the_youth_had_said() -> None:
    """The mother takes her own word back, not the youth's."""
    before = say(asked(line(1, "health")), yes=(1,), needed=FIFTEEN)
    consent, _ = say(before, MOTHER, FIFTEEN, no=(1,)).undo(at=SOON, by=MOTHER, needed=FIFTEEN)
    assert same(consent, replace(before, undoable=None))


def test_a_no_that_brings_the_rest_into_force_is_not_taken_back() -> None:
    """What the youth has shared since rests on it: there is the button to stop."""
    health = asked(line(1, "health"), line(2, "health"))
    before = say(health, yes=(1, 2), needed=FIFTEEN)
    mixed = say(before, MOTHER, FIFTEEN, yes=(1,), no=(2,))
    consent, told = mixed.undo(at=SOON, by=MOTHER, needed=FIFTEEN)
    assert (consent.state, told.type) == (State.WITHDRAWN, "consent.withdrawn")
    school = say(asked(), yes=(1, 2), needed=FIFTEEN)
    only_no = say(school, MOTHER, FIFTEEN, no=(2,))
    assert (only_no.state, only_no.undoable) == (State.ACTIVE, None)


@pytest.mark.parametrize("who", [MOTHER, FATHER, Signer("subject"), Signer("guardian", EMIL.key)])
def test_nobody_takes_back_what_somebody_else_did(who: Signer) -> None:
    """A guardian does not undo the youth's stop, nor somebody without a name."""
    after, _ = active().withdraw(at=LATER, by=EMIL)
    with pytest.raises(NothingToUndo):
        after.undo(at=SOON, by=who, needed=ADULT)


def test_not_after_ten_seconds() -> None:
    """The moment itself is too late."""
    after, _ = active().withdraw(at=LATER, by=EMIL)
    with pytest.raises(UndoTooLate):
        after.undo(at=LATER + UNDO_WITHIN, by=EMIL, needed=ADULT)


def test_not_when_anything_has_changed_since() -> None:
    """Another act, another's or one's own, is what would be taken back."""
    paused, _ = active().pause(at=LATER, by=EMIL)
    resumed, _ = paused.resume(at=LATER, by=EMIL)
    stale = replace(resumed, undoable=paused.undoable)
    for consent in (resumed, stale, active().ask_first({}, at=LATER, by=EMIL, needed=ADULT)[0]):
        with pytest.raises(NothingToUndo):
            consent.undo(at=SOON, by=EMIL, needed=ADULT)


def test_nothing_comes_into_force_that_todays_signatures_would_not() -> None:
    """The stop was minutes before midnight, and on the birthday the mother's yes is not enough."""
    needed = {"education": ONE_GUARDIAN}
    child = say(
        asked(line(1)), MOTHER, {"education": replace(ONE_GUARDIAN, child_heard=False)}, yes=(1,)
    )
    assert child.state == State.ACTIVE
    after, _ = child.withdraw(at=LATER, by=EMIL)
    with pytest.raises(NothingToUndo):
        after.undo(at=SOON, by=EMIL, needed={"education": ALONE})
    with pytest.raises(NothingToUndo):
        after.undo(at=SOON, by=EMIL, needed=needed)


def test_not_when_its_time_is_over() -> None:
    """Stopped in its last second."""
    last = NOW + HALF_A_YEAR - timedelta(seconds=5)
    after, _ = active().withdraw(at=last, by=EMIL)
    with pytest.raises(OutOfTime):
        after.undo(at=last + timedelta(seconds=5), by=EMIL, needed=ADULT)


def test_what_a_professional_wrote_down_is_not_undone_by_a_tap() -> None:
    """The youth is told, and withdraws it; it was no slip of theirs."""
    consent, _ = asked().answer(
        answers(no=(1, 2)),
        signer=Signer("subject"),
        method="oral",
        at=LATER,
        read=asked().text_sha256,
        needed=ADULT,
        recorded_by=RECORDER,
    )
    assert consent.undoable is None
