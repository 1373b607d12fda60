"""Rates: a recipient's key gets so many releases and then waits; the table stays small."""

from collections.abc import Callable

import pytest

from keys.errors import ReleaseRateExceeded
from keys.rates import Rate, Rates


class Ticks:
    """Seconds that go forward when told to."""

    now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    """A clock that stands."""
    return Ticks()


def waits(act: Callable[[], object]) -> int:
    """How many seconds one is told to wait."""
    with pytest.raises(ReleaseRateExceeded) as caught:
        act()
    return caught.value.retry_after


def test_a_key_gets_its_burst_and_then_waits(ticks: Ticks) -> None:
    """A key that was stolen empties the house slowly, and the log shows it."""
    rates = Rates(Rate(per_second=0.5, burst=3), ticks)
    for _ in range(3):
        rates.take("a")
    assert waits(lambda: rates.take("a")) == 2
    ticks.now += 1.0
    assert waits(lambda: rates.take("a")) == 1
    ticks.now += 1.0
    rates.take("a")
    assert waits(lambda: rates.take("a")) == 2


def test_a_rest_gives_no_more_than_the_burst(ticks: Ticks) -> None:
    """Who waits a year has saved up nothing."""
    rates = Rates(Rate(per_second=10, burst=2), ticks)
    rates.take("a")
    ticks.now += 1e9
    for _ in range(2):
        rates.take("a")
    assert waits(lambda: rates.take("a")) == 1


def test_each_key_has_a_measure_of_its_own(ticks: Ticks) -> None:
    """One service's load is no other's wait."""
    rates = Rates(Rate(per_second=1, burst=1), ticks)
    rates.take("a")
    rates.take("b")
    assert waits(lambda: rates.take("a")) == waits(lambda: rates.take("b")) == 1


def test_a_full_table_forgets_only_who_has_rested(ticks: Ticks) -> None:
    """Many keys at once neither fill the memory nor give anybody a fresh measure."""
    rates = Rates(Rate(per_second=1, burst=4, keys=2), ticks)
    rates.take("a")
    rates.take("a")
    rates.take("b")
    assert waits(lambda: rates.take("c")) == 2
    rates.take("b")
    rates.take("b")
    ticks.now += 2.0
    rates.take("c")
    assert waits(lambda: rates.take("a")) == 1
    ticks.now += 1.0
    rates.take("a")


@pytest.mark.parametrize(
    ("per_second", "burst", "keys"), [(0.0, 1, 1), (-1.0, 1, 1), (1.0, 0, 1), (1.0, 1, 0)]
)
def test_a_rate_that_lets_nothing_through_is_a_mistake(
    per_second: float, burst: int, keys: int
) -> None:
    """It would be found at the first release only, by a service."""
    with pytest.raises(ValueError, match="lets at least something"):
        Rate(per_second, burst, keys)
