"""Supposing: the consent that would be, which nobody has given."""

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.consents import Consent
from broker.domain.errors import IllegalTransition, LinesUnknown, OutOfTime
from broker.domain.grants import LineAnswer
from broker.domain.ids import GrantId
from broker.domain.signatures import Signed, Signer
from broker.domain.states import State
from broker.domain.supposing import supposed
from tests.consenting import (
    ALONE,
    BOTH_GUARDIANS,
    EMIL,
    HALF_A_YEAR,
    MOTHER,
    NOW,
    RECORDER,
    SOMEBODY,
    Need,
    active,
    answers,
    asked,
    line,
)

GROWN = {"education": ALONE, "health": ALONE}
CHILD = {"education": ALONE, "health": BOTH_GUARDIANS}


def suppose(
    consent: Consent,
    said: dict[GrantId, LineAnswer] | None = None,
    *,
    without: tuple[int, ...] = (),
    needed: dict[str, Need] = GROWN,
) -> Consent:
    """What would be now."""
    gone = [GrantId(f"g{number}") for number in without]
    return supposed(consent, said, without=gone, needed=needed, at=NOW)


def lines(consent: Consent) -> list[LineAnswer | None]:
    """Its answers, in order."""
    return [grant.answer for grant in consent.grants]


def test_all_would_be_yes_and_signed() -> None:
    """With nothing said, what is asked for is taken to be given, by everybody who must."""
    then = suppose(asked(), needed=CHILD)
    assert (then.state, then.valid_from, lines(then)) == (State.ACTIVE, NOW, ["yes", "yes"])
    assert then.signed(GrantId("g2")) == Signed(subject=True, guardians=2, child_heard=True)


def test_what_is_not_said_yes_to_would_be_a_no() -> None:
    """Nothing is pre-ticked, not even in a thought."""
    assert lines(suppose(asked(), answers(yes=[1]))) == ["yes", "no"]
    assert lines(suppose(asked(), without=(1,))) == ["no", "yes"]


def test_no_to_everything_would_be_a_refusal_or_a_withdrawal() -> None:
    """As it is when it happens."""
    assert suppose(asked(), without=(1, 2)).state is State.REFUSED
    assert suppose(active(), without=(1, 2)).state is State.WITHDRAWN


def test_what_is_in_force_or_paused_stays_so() -> None:
    """Taking a line away from it is all that is supposed; its signatures are those it has."""
    consent = active()
    then = suppose(consent, answers(no=[2]))
    assert then == replace(consent, grants=then.grants)
    assert lines(then) == ["yes", "no"]
    paused, _ = consent.pause(at=NOW, by=EMIL)
    assert suppose(paused, without=(1,)).state is State.PAUSED


def test_a_no_stays_a_no() -> None:
    """Neither a yes nor saying nothing undoes what somebody refused."""
    refused, _ = asked(line(1), line(2)).answer(
        answers(yes=[1], no=[2]),
        signer=EMIL,
        method="digital",
        at=NOW,
        read=asked(line(1), line(2)).text_sha256,
        needed={"education": ALONE},
    )
    assert lines(suppose(refused)) == ["yes", "no"]
    assert lines(suppose(refused, answers(yes=[1, 2]))) == ["yes", "no"]


@pytest.mark.parametrize(
    ("signer", "guardians"), [(MOTHER, 2), (SOMEBODY, 2)], ids=["known", "on the telephone"]
)
def test_guardians_who_have_signed_are_counted(signer: Signer, guardians: int) -> None:
    """No more are supposed than are lacking; those without a key cannot be told apart and do not count beside others."""
    consent = asked(line(1, "health"))
    how: dict[str, Any] = (
        {"method": "digital"} if signer is MOTHER else {"method": "oral", "recorded_by": RECORDER}
    )
    waiting, _ = consent.answer(
        answers(yes=[1]),
        signer=signer,
        at=NOW,
        read=consent.text_sha256,
        needed=CHILD,
        child_heard=True,
        **how,
    )
    assert suppose(waiting, needed=CHILD).signed(GrantId("g1")).guardians == guardians


def test_what_cannot_be_is_not_supposed() -> None:
    """Lines it has not, and consents that are over or out of time."""
    with pytest.raises(LinesUnknown):
        suppose(asked(), answers(yes=[9]))
    with pytest.raises(LinesUnknown):
        suppose(asked(), without=(9,))
    over, _ = active().withdraw(at=NOW, by=EMIL)
    with pytest.raises(IllegalTransition):
        suppose(over)
    with pytest.raises(OutOfTime):
        supposed(asked(), None, without=(), needed=GROWN, at=NOW + HALF_A_YEAR)
