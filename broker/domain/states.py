"""States of a consent, and the table of which follows which (design.md § 5)."""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where a consent stands; the value is the word of the wire."""

    DRAFT = "draft"
    REQUESTED = "requested"
    PARTLY_SIGNED = "partly_signed"
    ACTIVE = "active"
    PAUSED = "paused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    LAPSED = "lapsed"
    REFUSED = "refused"


_NOTHING: frozenset[State] = frozenset()
_ENDS = frozenset({State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED, State.LAPSED})
_HALFWAY = frozenset({State.REQUESTED, State.PARTLY_SIGNED, State.ACTIVE, State.REFUSED})
_UNANSWERED = _HALFWAY | {State.EXPIRED, State.SUPERSEDED}
_IN_FORCE = frozenset({State.ACTIVE, State.PAUSED})

# A state that leads to itself is one that can be narrowed, or signed once more; what was put off
# leaves a request as it was.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.REQUESTED}),
    State.REQUESTED: _UNANSWERED,
    State.PARTLY_SIGNED: _HALFWAY | _ENDS,
    State.ACTIVE: _IN_FORCE | _ENDS,
    State.PAUSED: _IN_FORCE | _ENDS,
    State.WITHDRAWN: _NOTHING,
    State.EXPIRED: _NOTHING,
    State.SUPERSEDED: _NOTHING,
    State.LAPSED: _NOTHING,
    State.REFUSED: _NOTHING,
}

UNDONE: Mapping[State, frozenset[State]] = {
    State.REQUESTED: frozenset({State.REQUESTED, State.PARTLY_SIGNED}),
    State.REFUSED: frozenset({State.REQUESTED, State.PARTLY_SIGNED}),
    State.PARTLY_SIGNED: frozenset({State.PARTLY_SIGNED}),
    State.ACTIVE: frozenset({State.ACTIVE}),
    State.PAUSED: frozenset({State.ACTIVE, State.PAUSED}),
    State.WITHDRAWN: frozenset({State.PARTLY_SIGNED, State.ACTIVE, State.PAUSED}),
}
"""What each is taken back to by whoever brought it about, within seconds: nothing else follows what is over."""

OVER = frozenset(state for state, then in TRANSITIONS.items() if not then)
"""Those that nothing follows."""

OPEN = frozenset({State.REQUESTED, State.PARTLY_SIGNED})
"""Those in which an answer is waited for."""
