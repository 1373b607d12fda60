"""Lifetimes: how long a consent may last, school years, and how long a refusal is left alone (N5, N7)."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from broker.domain.errors import LifetimeTooLong

MAX_LIFETIME = timedelta(days=366)
DEFAULT_DAYS = 182
DEFAULT_COOLDOWN_DAYS = 30
OSLO = ZoneInfo("Europe/Oslo")


class Refusable(Protocol):
    """As much of a consent as the cool-down looks at."""

    @property
    def state(self) -> str:
        """Its state."""
        ...

    @property
    def changed_at(self) -> datetime:
        """When it came into that state."""
        ...


def lifetime(
    asked_days: int | None,
    *,
    default_days: int = DEFAULT_DAYS,
    max_days: int = MAX_LIFETIME.days,
) -> timedelta:
    """How long a consent will last: as asked, else the default.

    The two bounds come from the collaboration; without one, six months and a year. Whatever it
    says, never above 366 days. Raises ``LifetimeTooLong``.
    """
    longest = min(max_days, MAX_LIFETIME.days)
    days = min(default_days, longest) if asked_days is None else asked_days
    if days > longest:
        raise LifetimeTooLong(f"at most {longest} days")
    return timedelta(days=days)


def school_year_end(at: datetime) -> datetime:
    """When the school year that ``at`` lies in is over, UTC: the first midnight of August in Norway after it."""
    year = at.astimezone(OSLO).year
    ends = (datetime(y, 8, 1, tzinfo=OSLO).astimezone(UTC) for y in (year, year + 1))
    return next(end for end in ends if end > at)


def may_ask_again(previous: Iterable[Refusable], at: datetime, cooldown_days: int) -> bool:
    """Whether no refusal among ``previous``, of the same collaboration, is younger than that."""
    cooldown = timedelta(days=cooldown_days)
    return all(at - each.changed_at >= cooldown for each in previous if each.state == "refused")
