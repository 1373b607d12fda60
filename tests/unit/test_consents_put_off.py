"""Putting off: a line that is answered "not now" gives nothing, refuses nothing, and waits for whoever put it off."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from broker.domain.consent_events import ConsentEvent, SignatureGiven
from broker.domain.consents import Consent
from broker.domain.errors import (
    IllegalTransition,
    LinesNotForSigner,
    NothingAnswered,
    OthersMustSign,
    OutOfTime,
    SignerHasSigned,
)
from broker.domain.lifetime import may_ask_again
from broker.domain.signatures import Needed, Signer
from broker.domain.states import State
from broker.domain.supposing import supposed
from tests.consenting import (
    ALONE,
    EMIL,
    HALF_A_YEAR,
    MOTHER,
    NOW,
    TOGETHER,
    answers,
    asked,
    line,
)

LATER = NOW + timedelta(hours=1)
ADULT = {"education": ALONE, "health": ALONE}
FIFTEEN = {"education": ALONE, "health": TOGETHER}


def by(
    consent: Consent,
    signer: Signer = EMIL,
    *,
    yes: tuple[int, ...] = (),
    no: tuple[int, ...] = (),
    not_now: tuple[int, ...] = (),
    needed: Mapping[str, Needed] = ADULT,
    **more: Any,
) -> tuple[Consent, ConsentEvent]:
    """A digital answer."""
    fields: dict[str, Any] = {"method": "digital", "at": LATER, "read": consent.text_sha256}
    said = answers(yes, no, not_now)
    return consent.answer(said, signer=signer, needed=needed, **{**fields, **more})


def said(consent: Consent) -> list[str | None]:
    """The answers, line by line."""
    return [grant.answer for grant in consent.grants]


def test_the_rest_comes_into_force_without_it() -> None:
    """Nobody has to choose between a hasty answer and none at all."""
    consent, told = by(asked(), yes=(1,), not_now=(2,))
    assert (consent.state, said(consent)) == (State.ACTIVE, ["yes", "not_now"])
    assert told.type == "consent.activated"
    assert told.content()["not_now"] == ["g2"]
    assert consent.put_off(EMIL) == ("g2",)
    assert consent.put_off(MOTHER) == ()


def test_it_is_answered_later_and_the_rest_stays() -> None:
    """By an answer to that line alone, in the consent that was asked for and read, from that moment on."""
    first, _ = by(asked(), yes=(1,), not_now=(2,))
    later = LATER + timedelta(days=3)
    consent, told = by(first, yes=(2,), at=later)
    assert (consent.state, said(consent)) == (State.ACTIVE, ["yes", "yes"])
    assert (consent.valid_from, consent.changed_at) == (LATER, later)
    assert (told.type, told.grants) == ("consent.answered_later", ("g2",))
    assert isinstance(told, SignatureGiven)
    assert (told.signature.yes, consent.put_off(EMIL)) == (("g2",), ())
    with pytest.raises(SignerHasSigned):
        by(consent, yes=(2,))


def test_some_of_it_is_answered_and_some_put_off_again() -> None:
    """Each answer takes up one line at least, so that nobody fills the log by putting off."""
    first, _ = by(asked(*map(line, range(1, 4))), yes=(1,), not_now=(2, 3))
    second, _ = by(first, no=(2,), not_now=(3,))
    assert said(second) == ["yes", "no", "not_now"]
    with pytest.raises(NothingAnswered):
        by(second, not_now=(3,))
    third, _ = by(first, yes=(3,))
    assert (said(third), third.put_off(EMIL)) == (["yes", "not_now", "yes"], ("g2",))


def test_what_was_answered_is_not_answered_again_on_the_way() -> None:
    """An answer later is no way to change one that was given."""
    first, _ = by(asked(), yes=(1,), not_now=(2,))
    with pytest.raises(LinesNotForSigner):
        by(first, no=(1,), yes=(2,))


def test_everything_put_off_is_no_answer() -> None:
    """Nothing is recorded, and the request waits as before."""
    with pytest.raises(NothingAnswered):
        by(asked(), not_now=(1, 2))


def test_without_a_yes_the_request_waits_and_is_no_refusal() -> None:
    """No to one line and not now to the other: told as put off, and no cool-down."""
    consent, told = by(asked(), no=(1,), not_now=(2,))
    assert (consent.state, said(consent)) == (State.REQUESTED, ["no", "not_now"])
    assert told.type == "consent.put_off"
    assert consent.waiting_for(ADULT) == ("subject",)
    assert may_ask_again([consent], LATER, 30)
    given, _ = by(consent, yes=(2,))
    assert (given.state, given.valid_from) == (State.ACTIVE, LATER)
    refused, told = by(consent, no=(2,))
    assert (refused.state, told.type) == (State.REFUSED, "consent.refused")


def test_it_can_be_said_which_lines_want_to_be_asked_first_later_too() -> None:
    """The careful answer is often the later one."""
    first, _ = by(asked(), yes=(1,), not_now=(2,))
    consent, _ = by(first, yes=(2,), also={first.grants[1].id: "ask_me_first"})
    assert [g.condition.also for g in consent.grants] == [None, "ask_me_first"]


@pytest.mark.parametrize(("first", "second"), [(EMIL, MOTHER), (MOTHER, EMIL)])
def test_what_one_puts_off_the_others_yes_does_not_open(first: Signer, second: Signer) -> None:
    """A mother's yes beside a youth's not now, and the reverse, in whatever order; only their own word opens it."""
    health = asked(line(1, "health"), line(2, "health"))
    consent, _ = by(health, first, yes=(1,), not_now=(2,), needed=FIFTEEN)
    assert (consent.state, consent.put_off(second)) == (State.PARTLY_SIGNED, ())
    consent, _ = by(consent, second, yes=(1, 2), needed=FIFTEEN)
    assert (consent.state, said(consent)) == (State.ACTIVE, ["yes", "not_now"])
    assert (consent.put_off(first), consent.put_off(second)) == (("g2",), ())
    with pytest.raises(SignerHasSigned):
        by(consent, second, yes=(2,), needed=FIFTEEN)
    consent, told = by(consent, first, yes=(2,), needed=FIFTEEN)
    assert (said(consent), told.type) == (["yes", "yes"], "consent.answered_later")


def test_a_no_beside_it_is_final() -> None:
    """What one puts off another may refuse, and then there is nothing to answer."""
    health = (line(1, "health"), line(2, "health"))
    first, _ = by(asked(*health), yes=(1,), not_now=(2,), needed=FIFTEEN)
    consent, _ = by(first, MOTHER, yes=(1,), no=(2,), needed=FIFTEEN)
    assert (consent.state, said(consent)) == (State.ACTIVE, ["yes", "no"])
    assert consent.put_off(EMIL) == ()
    with pytest.raises(SignerHasSigned):
        by(consent, yes=(2,), needed=FIFTEEN)


def test_all_given_lines_refused_by_another_leave_what_was_put_off() -> None:
    """The mother says no to the only line with a yes: nothing is in force, and nothing refused as a whole."""
    health = (line(1, "health"), line(2, "health"))
    first, _ = by(asked(*health), yes=(1,), not_now=(2,), needed=FIFTEEN)
    assert first.state == State.PARTLY_SIGNED
    assert first.waiting_for(FIFTEEN) == ("guardian",)
    consent, told = by(first, MOTHER, no=(1,), yes=(2,), needed=FIFTEEN)
    assert (consent.state, told.type) == (State.REQUESTED, "consent.put_off")
    assert consent.waiting_for(FIFTEEN) == ("subject",)


def test_what_takes_another_too_is_not_answered_into_a_consent_in_force() -> None:
    """Else a yes to one line would stop the others until a parent has signed: whoever wants it asks both anew."""
    first, _ = by(asked(), yes=(1,), not_now=(2,), needed=FIFTEEN)
    assert first.state == State.ACTIVE
    with pytest.raises(OthersMustSign):
        by(first, yes=(2,), needed=FIFTEEN)
    consent, _ = by(first, no=(2,), needed=FIFTEEN)
    assert (consent.state, said(consent)) == (State.ACTIVE, ["yes", "no"])


def test_nobody_else_answers_a_consent_in_force() -> None:
    """Only whoever put something off."""
    first, _ = by(asked(), yes=(1,), not_now=(2,), needed=FIFTEEN)
    with pytest.raises(IllegalTransition):
        by(first, MOTHER, yes=(2,), needed=FIFTEEN)


def test_not_while_paused_and_not_when_over() -> None:
    """What is paused is resumed first; what was withdrawn is asked for anew."""
    first, _ = by(asked(), yes=(1,), not_now=(2,))
    paused, _ = first.pause(at=LATER, by=EMIL)
    withdrawn, _ = first.withdraw(at=LATER, by=EMIL)
    for consent in (paused, withdrawn):
        assert consent.put_off(EMIL) == ()
        with pytest.raises(IllegalTransition):
            by(consent, yes=(2,))
    with pytest.raises(OutOfTime):
        by(first, yes=(2,), at=NOW + HALF_A_YEAR)
    assert said(withdrawn) == ["yes", "not_now"]


def test_a_confirmation_waits_for_what_was_put_off() -> None:
    """Before a birthday too: the youth alone is waited for, until there is something."""
    asked_again = asked(reconfirms="con_" + "0" * 22)
    assert asked_again.waiting_for(ADULT) == ("subject",)
    consent, _ = by(asked_again, no=(1,), not_now=(2,))
    assert consent.waiting_for(ADULT) == ("subject",)


def test_a_request_is_put_once() -> None:
    """What waits again was not asked for again."""
    consent, _ = by(asked(), no=(1,), not_now=(2,))
    with pytest.raises(IllegalTransition):
        consent.request(at=LATER)


def test_a_preview_shows_it_as_given_only_where_it_is_supposed() -> None:
    """As it stands it gives nothing; with a yes to it, it would."""
    first, _ = by(asked(), yes=(1,), not_now=(2,))
    stands = supposed(first, None, without=(), needed=ADULT, at=LATER)
    assert (said(stands), stands.signatures) == (["yes", "not_now"], first.signatures)
    then = supposed(first, answers(yes=(2,)), without=(), needed=ADULT, at=LATER)
    assert (said(then), then.state) == (["yes", "yes"], State.ACTIVE)
    assert then.signed(then.grants[1].id).subject
