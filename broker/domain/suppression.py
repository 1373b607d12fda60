"""Suppression: counts that may be passed on, so that no cell under five can be worked out from them (N58).

What is defended against, and how:

- *One small cell.* A cell is shown from five entries about five different people on; an entry about nobody counts as one.
- *One small cell among shown ones*, whose total somebody knows (a leaf shows its type, so that exact totals are public). Where
  a cell with something in it is hidden, at least one that need not be is hidden too, and more until ten entries and people
  are: what is left over says what they come to together, not how it divides, also to who knows this method. They are taken
  in the order of their names: the order of their sizes would say that those hidden are no larger than those shown.
- *Two answers, subtracted.* What can be asked is closed: whole calendar months in one granularity, one dimension at a time,
  each counted once and kept, so that there is no second period, filter or moment to subtract. And each shown count is rounded
  down to a multiple of five. Of A ⊇ B shown as a and b, the rest lies within four of a - b: where that
  says under five at all it says 0 to 4, which is what hiding says.

Zero is not told from hidden. *Not defended against*: an auditor who may search the log counts its entries one by one; these
are numbers for those who may not. Nor is a person protected who is known to be in a cell alone with nine others.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LEAST = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """How many entries, and about how many different people; an entry about nobody counts as a person of its own."""

    entries: int
    people: int

    @property
    def weight(self) -> int:
        """What has to reach five."""
        return min(self.entries, self.people)


def shown(table: Mapping[str, Cell]) -> dict[str, int]:
    """The cells of one table that may be passed on, each rounded down to a multiple of five; the others are left out."""
    filled = {name: cell for name, cell in table.items() if cell.entries}
    order = sorted(name for name, cell in filled.items() if cell.weight >= LEAST)
    small = [cell.weight for cell in filled.values() if cell.weight < LEAST]
    hidden, taken = sum(small), 0
    while small and taken < len(order) and (not taken or hidden < 2 * LEAST):
        hidden += filled[order[taken]].weight
        taken += 1
    return {name: banded(filled[name].entries) for name in order[taken:]}


def banded(count: int) -> int:
    """Rounded down to a multiple of five."""
    return count - count % LEAST


def quantile(values: Sequence[int], share: float) -> int | None:
    """The value that a share of them does not exceed, None unless five lie on either side: else it is somebody's own."""
    ordered = sorted(values)
    place = math.ceil(share * len(ordered)) - 1
    if place < LEAST or len(ordered) - 1 - place < LEAST:
        return None
    return ordered[place]
