"""The law of own access, on both engines, over facts nobody would think of writing down."""

from typing import Any

from hypothesis import given

from broker.ports import PolicyEngine
from tests.policies.engines import bundle, engine, opa, opa_engine, regorus_engine
from tests.property.ask_documents import catalogue, own
from tests.property.test_decision_laws import laws, permitted

__all__ = ["bundle", "engine", "opa", "opa_engine", "regorus_engine"]


@laws
@given(document=own())
def test_whoever_reads_about_themself_reads_all_of_it_and_nothing_about_others(
    engine: PolicyEngine, document: dict[str, Any]
) -> None:
    """Neither protection, objection, age nor agreement stands between a person and what is theirs; what is others' does."""
    document["ask"] |= {"recipient": "subject", "purpose": "own_access", "collaboration": ""}
    known = catalogue().fields
    theirs = {
        name
        for name, sources in document["deposited"].items()
        if sources and name in known and not known[name].third_party
    }
    assert permitted(engine, document) == theirs
