"""Growing up: what a birthday makes of a consent."""

from dataclasses import replace

import pytest

from broker.domain.consents import Consent
from broker.domain.errors import IllegalTransition, OutOfTime, SignerNotNeeded, SignersUnknown
from broker.domain.ids import ConsentId, GrantId
from broker.domain.outgrowing import outgrown
from broker.domain.signatures import Signer
from broker.domain.states import State
from tests.consenting import (
    ALONE,
    BOTH_GUARDIANS,
    EMIL,
    FATHER,
    HALF_A_YEAR,
    MOTHER,
    NOW,
    ONE_GUARDIAN,
    TOGETHER,
    Need,
    active,
    answers,
    asked,
    line,
)

CHILD = {"education": ALONE, "health": ONE_GUARDIAN}
GROWN = {"education": ALONE, "health": ALONE}
EARLIER = ConsentId("con_earlier")


def say(
    consent: Consent, signer: Signer, *yes: int, needed: dict[str, Need], no: tuple[int, ...] = ()
) -> Consent:
    """One signer answers."""
    return consent.answer(
        answers(yes=yes, no=no),
        signer=signer,
        method="digital",
        at=NOW,
        read=consent.text_sha256,
        needed=needed,
        child_heard=True,
    )[0]


def test_an_answer_ahead_of_the_birthday_is_enough_on_the_day() -> None:
    """Nobody signs twice: what the youth said before counts from when they may say it."""
    ahead = say(asked(), EMIL, 1, no=(2,), needed={**CHILD, "education": ONE_GUARDIAN})
    assert (ahead.state, ahead.enough(GROWN)) == (State.PARTLY_SIGNED, True)
    settled, event = ahead.settle(at=NOW, needed=GROWN)
    assert (settled.state, settled.version, settled.valid_from) == (State.ACTIVE, 3, NOW)
    assert (event.type, event.grants, event.by) == ("consent.settled", (GrantId("g1"),), None)


def test_too_few_signatures_settle_nothing() -> None:
    """Still a child: the guardian is waited for."""
    ahead = say(asked(), EMIL, 1, 2, needed=CHILD)
    with pytest.raises(IllegalTransition):
        ahead.settle(at=NOW, needed=CHILD)


def test_only_what_waits_for_signatures_settles() -> None:
    """Not what is paused, and not what nobody answered."""
    for consent in (active(), asked()):
        with pytest.raises(IllegalTransition):
            consent.settle(at=NOW, needed=GROWN)


def test_what_is_over_does_not_settle() -> None:
    """The birthday came too late."""
    ahead = say(asked(), EMIL, 1, 2, needed=CHILD)
    with pytest.raises(OutOfTime):
        ahead.settle(at=NOW + HALF_A_YEAR, needed=GROWN)


def test_lines_of_guardians_alone_are_outgrown() -> None:
    """Not those the youth signed too, nor those answered no, nor where guardians still sign."""
    child = {"education": BOTH_GUARDIANS, "health": BOTH_GUARDIANS}
    asked_for = asked(line(1), line(2, "health"), line(3))
    signed = say(asked_for, MOTHER, 1, 2, needed=child, no=(3,))
    signed = say(signed, FATHER, 1, 2, 3, needed=child)
    assert signed.state is State.ACTIVE
    assert outgrown(signed, child) == ()
    assert outgrown(signed, {**child, "education": ALONE}) == (GrantId("g1"),)
    assert outgrown(signed, {**child, "health": TOGETHER}) == ()
    assert outgrown(signed, GROWN) == (GrantId("g1"), GrantId("g2"))
    assert outgrown(active(), GROWN) == ()
    with pytest.raises(SignersUnknown):
        outgrown(signed, {})


def test_a_line_that_waits_for_the_youth_is_not_outgrown() -> None:
    """A guardian's yes beside which the youth said nothing has given nothing yet."""
    waiting = say(asked(line(1, "health")), MOTHER, 1, needed={"health": TOGETHER})
    assert (waiting.state, outgrown(waiting, GROWN)) == (State.PARTLY_SIGNED, (GrantId("g1"),))


def test_what_is_asked_again_is_the_youths_alone_to_answer() -> None:
    """Also before the birthday: a guardian's yes would make nothing of it, or too much."""
    again = asked(line(1, "health"), reconfirms=EARLIER)
    child = {"health": ONE_GUARDIAN}
    assert again.waiting_for(child) == ("subject",)
    with pytest.raises(SignerNotNeeded):
        say(again, MOTHER, 1, needed=child)
    answered = say(again, EMIL, 1, needed=child)
    assert (answered.state, answered.waiting_for(child)) == (State.PARTLY_SIGNED, ())


def test_the_log_says_what_is_asked_again() -> None:
    """Whoever reads the log sees that nobody at the service asked by themself."""
    draft = asked(reconfirms=EARLIER)
    event, plain = (
        replace(consent, state=State.DRAFT).request(at=NOW)[1] for consent in (draft, asked())
    )
    assert event.content()["reconfirms"] == EARLIER
    assert "reconfirms" not in plain.content()
