"""How long a consent lasts, and how long a refusal is left alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.errors import LifetimeTooLong
from broker.domain.lifetime import lifetime, may_ask_again
from broker.domain.states import State
from tests.consenting import NOW, active, asked

MONTH = 30


@pytest.mark.parametrize(
    ("asked_days", "default", "longest", "days"),
    [
        (None, 182, 366, 182),
        (None, 182, 30, 30),
        (None, 400, 400, 366),
        (7, 182, 366, 7),
        (366, 182, 366, 366),
        (366, 182, 1000, 366),
    ],
)
def test_lifetime_is_as_asked_else_the_default(
    asked_days: int | None, default: int, longest: int, days: int
) -> None:
    """Never above what the collaboration allows, nor above a year (N7)."""
    got = lifetime(asked_days, default_days=default, max_days=longest)
    assert got == timedelta(days=days)


@pytest.mark.parametrize(("asked_days", "longest"), [(31, 30), (367, 1000)])
def test_asking_for_longer_is_refused(asked_days: int, longest: int) -> None:
    """Not cut silently: whoever asks learns the bound."""
    with pytest.raises(LifetimeTooLong, match="at most"):
        lifetime(asked_days, default_days=10, max_days=longest)


def test_without_a_collaboration_six_months() -> None:
    """The default of N7."""
    assert lifetime(None) == timedelta(days=182)


def test_a_refusal_is_left_alone_for_the_cooldown() -> None:
    """Not nagged (N5)."""
    refused = replace(asked(), state=State.REFUSED)
    end = NOW + timedelta(days=MONTH)
    assert not may_ask_again([active(), refused], end - timedelta(seconds=1), MONTH)
    assert may_ask_again([active(), refused], end, MONTH)


@pytest.mark.parametrize("state", [state for state in State if state is not State.REFUSED])
def test_only_a_refusal_starts_the_cooldown(state: State) -> None:
    """Whoever withdrew may be asked, and so may whoever never answered."""
    assert may_ask_again([replace(asked(), state=state)], NOW, MONTH)
    assert may_ask_again([], NOW, MONTH)
