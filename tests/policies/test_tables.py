"""The decision tables of all collaborations, on both engines."""

import pytest

from broker.engine.bundle import Bundle
from broker.ports import PolicyEngine
from tests.policies.scenario import COLLABORATION, facts
from tests.policies.tables import Case, answered, cases, collaborations

TABLES = {name: cases(name) for name in collaborations()}
CASES = tuple(case for table in TABLES.values() for case in table)
LATER = {
    "policy.stale",  # the adapter's own
    "policy.error",  # the adapter's own
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_collaboration_decides_as_its_table_says(case: Case, engine: PolicyEngine) -> None:
    """Anyone can read the table; nobody needs to read Rego to know what is shared."""
    decision = engine.decide(facts(case.facts, case.collaboration))
    assert case.answer == answered(decision)


def test_every_collaboration_has_a_table(bundle: Bundle) -> None:
    """A collaboration without cases is one that nobody has thought through."""
    assert set(bundle.catalogue.collaborations) == set(TABLES)


@pytest.mark.parametrize("collaboration", TABLES)
def test_a_table_is_long_enough_and_mostly_refuses(collaboration: str) -> None:
    """Refusals are where a mistake harms; at least half of each table is about them."""
    table = TABLES[collaboration]
    assert len(table) >= (60 if collaboration == COLLABORATION else 8)
    assert sum(case.refuses() for case in table) * 2 >= len(table)


def test_every_reason_stands_in_a_table(bundle: Bundle) -> None:
    """A reason that no case shows is one that nobody has thought through."""
    shown = {
        code
        for case in CASES
        for reasons in case.answer.values()
        if isinstance(reasons, list)
        for code in reasons
    }
    assert set(bundle.catalogue.reasons) - LATER == shown


def test_every_case_has_a_name_of_its_own() -> None:
    """A failing case is found by its name."""
    assert len({str(case) for case in CASES}) == len(CASES)
