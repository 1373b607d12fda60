"""The decision table of Ungdomsutvalget i Larvik, on both engines."""

import pytest

from broker.engine.bundle import Bundle
from broker.ports import PolicyEngine
from tests.policies.scenario import COLLABORATION, facts
from tests.policies.tables import Case, answered, cases

CASES = cases(COLLABORATION)
LATER = {
    "consent.ask_first",  # the portal's condition
    "subject.hidden",  # hidden lines
    "actor.role",  # roles per route
    "emergency.expired",  # the emergency ground
    "policy.stale",  # the adapter's own
    "policy.error",  # the adapter's own
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_committee_decides_as_the_table_says(case: Case, engine: PolicyEngine) -> None:
    """Anyone can read the table; nobody needs to read Rego to know what is shared."""
    decision = engine.decide(facts(case.facts))
    assert case.answer == answered(decision)


def test_the_table_is_long_enough_and_mostly_refuses() -> None:
    """Refusals are where a mistake harms; at least half the table is about them."""
    refusals = sum(case.refuses() for case in CASES)
    assert len(CASES) >= 60
    assert refusals * 2 >= len(CASES)


def test_every_reason_stands_in_the_table(bundle: Bundle) -> None:
    """A reason that no case shows is one that nobody has thought through."""
    shown = {
        code
        for case in CASES
        for reasons in case.answer.values()
        if reasons != "permit"
        for code in reasons
    }
    assert set(bundle.catalogue.reasons) - LATER == shown


def test_every_case_has_a_name_of_its_own() -> None:
    """A failing case is found by its name."""
    assert len({case.name for case in CASES}) == len(CASES)
