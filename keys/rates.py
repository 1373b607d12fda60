"""Rates: how many releases one reader may have, by token bucket, in a table that is bounded.

A service is known by its key; who reads about themself, with a key for each reading, as the subject.

Each process counts for itself: several that share a keyring let through as many times as much.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from keys.errors import ReleaseRateExceeded

PER_SECOND, BURST = 5.0, 1000
"""A county's nightly round of thousands takes a quarter of an hour; a stolen key no less."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` releases at once, and ``per_second`` more each second, for at most ``keys`` keys."""

    per_second: float = PER_SECOND
    burst: int = BURST
    keys: int = 10_000

    def __post_init__(self) -> None:
        if not (self.per_second > 0 and self.burst >= 1 and self.keys >= 1):
            raise ValueError("a rate lets at least something through")


class Rates:
    """The buckets of every recipient key that was released to lately."""

    def __init__(self, rate: Rate, clock: Callable[[], float]) -> None:
        """``clock`` gives seconds that only go forward."""
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, kid: str) -> None:
        """Take one release for a key. Raises ``ReleaseRateExceeded``.

        A key is forgotten once its bucket is full again. While none is full and the table is, other
        keys wait.
        """
        now = self._clock()
        with self._lock:
            left, at = self._buckets.get(kid, (float(self._rate.burst), now))
            left = min(self._rate.burst, left + (now - at) * self._rate.per_second)
            if left < 1:
                raise ReleaseRateExceeded(
                    "too many releases to this key", retry_after=self._seconds(1 - left)
                )
            if kid not in self._buckets:
                self._make_room(now)
            self._buckets[kid] = (left - 1, now)
            self._buckets.move_to_end(kid)

    def _make_room(self, now: float) -> None:
        if len(self._buckets) < self._rate.keys:
            return
        oldest, (left, at) = next(iter(self._buckets.items()))
        missing = self._rate.burst - left - (now - at) * self._rate.per_second
        if missing > 0:
            raise ReleaseRateExceeded(
                "releases to too many keys at once", retry_after=self._seconds(missing)
            )
        del self._buckets[oldest]

    def _seconds(self, missing: float) -> int:
        return max(1, math.ceil(missing / self._rate.per_second))
