"""Grants: the enumerated lines of a consent, each from unit to unit for one purpose (N1, N10)."""

import re
from dataclasses import dataclass
from typing import Literal

from broker.domain.ids import GrantId, UnitId
from tillit.wire import Condition

Answer = Literal["yes", "no"]

_UNIT = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Grant:
    """One line. ``fields`` empty means category-wide, up to the purpose's ceiling.

    ``covers`` are the fields that the line was shown to mean when it was asked for: a category-wide
    line gives no others, and one by name means its names, also if these were ever lost. A
    ``special`` line needs a yes of its own. Units are named, never a wildcard, and never the
    same at both ends.
    """

    id: GrantId
    source: UnitId
    recipient: UnitId
    category: str
    fields: tuple[str, ...]
    purpose: str
    condition: Condition
    special: bool
    answer: Answer | None = None
    covers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for unit in (self.source, self.recipient):
            if not _UNIT.fullmatch(unit):
                raise ValueError("a grant names one unit on either side")
        if self.source == self.recipient:
            raise ValueError("a grant leads from one unit to another")
        if self.fields and self.covers not in {(), self.fields}:
            raise ValueError("a grant by name covers its names")
