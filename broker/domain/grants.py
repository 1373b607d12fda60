"""Grants: the enumerated lines of a consent, each from unit to unit for one purpose (N1, N10)."""

import re
from dataclasses import dataclass, replace
from typing import Literal

from broker.domain.ids import GrantId, UnitId
from tillit.wire import AskFirst, Condition

Answer = Literal["yes", "no"]
LineAnswer = Literal["yes", "no", "not_now"]
"""``not_now``: put off by whoever signs it. It gives nothing, refuses nothing, and may still be answered."""

_UNIT = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Grant:
    """One line. ``fields`` empty means category-wide, up to the purpose's ceiling.

    ``covers`` are the fields that the line was shown to mean when it was asked for: a category-wide
    line gives no others, and one by name means its names, also if these were ever lost. A
    ``special`` line needs a yes of its own. Units are named, never a wildcard, and never the
    same at both ends. ``asked_with`` is what the request itself put beside the condition, which
    its signers may exchange or add to and never take off: it was in the text they read.
    """

    id: GrantId
    source: UnitId
    recipient: UnitId
    category: str
    fields: tuple[str, ...]
    purpose: str
    condition: Condition
    special: bool
    answer: LineAnswer | None = None
    covers: tuple[str, ...] = ()
    asked_with: AskFirst | None = None

    def __post_init__(self) -> None:
        for unit in (self.source, self.recipient):
            if not _UNIT.fullmatch(unit):
                raise ValueError("a grant names one unit on either side")
        if self.source == self.recipient:
            raise ValueError("a grant leads from one unit to another")
        if self.fields and self.covers not in {(), self.fields}:
            raise ValueError("a grant by name covers its names")

    def also(self, word: AskFirst | None) -> "Grant":
        """The line with this beside its condition; with None, as it was asked for."""
        condition = self.condition.model_copy(update={"also": word or self.asked_with})
        return replace(self, condition=condition)
