"""No count under five can be worked out of what is shown, also by who knows the method and every total."""

import itertools
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.suppression import LEAST, Cell, banded, quantile, shown

counts = st.integers(0, 200)
cells = st.builds(lambda n, p: Cell(n, min(n, p)), counts, counts)
tables = st.dictionaries(st.text(st.sampled_from("abcdefgh"), min_size=1, max_size=2), cells)


@given(tables)
def test_nothing_under_five_entries_or_people_is_shown(table: dict[str, Cell]) -> None:
    """And what is shown is never more than there is, in steps of five."""
    for name, number in shown(table).items():
        assert table[name].weight >= LEAST
        assert number == banded(table[name].entries)
        assert LEAST <= number <= table[name].entries < number + LEAST


@given(tables)
def test_a_hidden_cell_is_never_hidden_alone(table: dict[str, Cell]) -> None:
    """Who knows the total would take the shown ones off it, and have it."""
    open_ = shown(table)
    filled = {name: cell for name, cell in table.items() if cell.entries}
    hidden = [cell for name, cell in filled.items() if name not in open_]
    if any(cell.weight < LEAST for cell in hidden) and open_:
        assert any(cell.weight >= LEAST for cell in hidden)
        assert sum(cell.weight for cell in hidden) >= 2 * LEAST


@given(counts, counts)
def test_two_answers_subtracted_give_no_cell_under_five(of_all: int, of_some: int) -> None:
    """Whatever two shown counts of which one is part of the other: the rest is 0 to 4 as a whole, or may be five or more."""
    whole, part = max(of_all, of_some), min(of_all, of_some)
    a, b = banded(whole), banded(part)
    possible = {
        x - y for x, y in itertools.product(range(a, a + LEAST), range(b, b + LEAST)) if x >= y
    }
    small = {rest for rest in possible if rest < LEAST}
    assert whole - part in possible
    assert max(possible) >= LEAST or small == set(range(LEAST))
    assert len(small) != 1 or max(possible) >= 2 * LEAST - 1


@pytest.mark.parametrize(("names", "most"), [("ab", 60), ("abc", 30), ("abcd", 22)])
def test_who_knows_method_and_total_cannot_tell_a_small_cell(names: str, most: int) -> None:
    """Of all tables with such a total, those that look alike from outside differ in each small cell that is not empty."""
    alike: dict[tuple[object, int], list[tuple[int, ...]]] = defaultdict(list)
    for counted in itertools.product(range(most), repeat=len(names)):
        if sum(counted) < most:
            table = {name: Cell(n, n) for name, n in zip(names, counted, strict=True)}
            alike[tuple(shown(table).items()), sum(counted)].append(counted)
    for group in alike.values():
        for place in range(len(names)):
            values = {counted[place] for counted in group}
            assert all(len(values) > 1 for _ in values & set(range(1, LEAST)))


@given(st.lists(st.integers(0, 90), max_size=120), st.sampled_from((0.5, 0.9)))
def test_a_quantile_is_nobodys_own(values: list[int], share: float) -> None:
    """At least five lie on either side, or none is told."""
    found = quantile(values, share)
    if found is None:
        place = -(-len(values) * round(share * 10) // 10) - 1
        assert place < LEAST or len(values) - 1 - place < LEAST
    else:
        assert sum(value <= found for value in values) > LEAST
        assert sum(value >= found for value in values) > LEAST
        assert sum(value <= found for value in values) >= share * len(values)
