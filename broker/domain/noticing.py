"""Noticing: whether something is told at once or once a day with the rest; the subject's own choice for each service (N3).

Only what informs may wait. What asks for an answer, what was relied on or done without the subject, and every kind that is not
named here is told at once, whatever was chosen.
"""

from datetime import datetime, timedelta
from typing import Literal

from broker.domain.lifetime import OSLO

How = Literal["at_once", "digest"]

MAY_WAIT = frozenset({"erased", "event", "expired", "matched", "released", "stage"})
DIGEST_HOUR = 16
"""When school is out: the hour, in Oslo, of the daily digest."""


def how(kind: str, *, urgent: bool, chosen: How | None) -> How:
    """How a notice is told. ``urgent``: on a statute or an emergency; ``chosen``: what the subject said of its service."""
    return "digest" if chosen == "digest" and kind in MAY_WAIT and not urgent else "at_once"


def digest_before(now: datetime) -> datetime:
    """The moment of the last daily digest, not after ``now``: what was written down until then goes with it."""
    here = now.astimezone(OSLO)
    moment = here.replace(hour=DIGEST_HOUR, minute=0, second=0, microsecond=0)
    if moment > here:
        moment = (moment - timedelta(days=1)).replace(hour=DIGEST_HOUR)
    return moment.astimezone(now.tzinfo)
