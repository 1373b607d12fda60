"""Telling employees: their unit's requests, in the names and words that a page shows."""

from dataclasses import dataclass, replace

from broker.portal.pages import Visit
from broker.portal.telling import WAITED_FOR, Asked, asked
from tillit.wire import ConsentView


@dataclass(frozen=True, slots=True)
class Requested:
    """A request as the unit that asked sees it, and when it did. ``is_open``: whether it still waits for an answer."""

    consent: Asked
    is_open: bool
    at: str


def requested(view: ConsentView, visit: Visit) -> Requested:
    """A request in words."""
    words = visit.words
    waiting = words.listed([words(WAITED_FOR.get(who, who)) for who in view.waiting_for])
    told = replace(asked(view, visit), waiting_for=waiting)
    return Requested(told, bool(view.waiting_for), words.time(view.requested_at))
