"""States of a consent, and the table of which follows which (design.md § 5)."""

from collections.abc import Mapping
from typing import Literal

State = Literal[
    "draft",
    "requested",
    "partly_signed",
    "active",
    "paused",
    "withdrawn",
    "expired",
    "superseded",
    "lapsed",
    "refused",
]

_NOTHING: frozenset[State] = frozenset()
_ENDS: frozenset[State] = frozenset({"withdrawn", "expired", "superseded", "lapsed"})
_UNANSWERED: frozenset[State] = frozenset(
    {"partly_signed", "active", "refused", "expired", "superseded"}
)
_HALFWAY: frozenset[State] = frozenset({"partly_signed", "active", "refused"})
_IN_FORCE: frozenset[State] = frozenset({"active", "paused"})

# A state that leads to itself is one that can be narrowed, or signed once more.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    "draft": frozenset({"requested"}),
    "requested": _UNANSWERED,
    "partly_signed": _HALFWAY | _ENDS,
    "active": _IN_FORCE | _ENDS,
    "paused": _IN_FORCE | _ENDS,
    "withdrawn": _NOTHING,
    "expired": _NOTHING,
    "superseded": _NOTHING,
    "lapsed": _NOTHING,
    "refused": _NOTHING,
}

OPEN: frozenset[State] = frozenset({"requested", "partly_signed"})
"""Those in which an answer is waited for."""
