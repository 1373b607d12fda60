"""Leases: however a history of facts and clocks runs, a kept answer is the answer that would be given anew."""

import copy
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.domain.decisions import Decision, all_withheld
from broker.domain.facts import Facts
from broker.engine.leases import LeasedEngine
from broker.engine.regorus import RegorusEngine
from broker.ports import PolicyEngine
from tests.policies.engines import bundle, regorus_engine
from tests.policies.scenario import facts
from tests.property.ask_documents import MOMENTS, STATES, anything

__all__ = ["bundle", "regorus_engine"]

HISTORIES = int(os.environ.get("TILLIT_LEASE_HISTORIES", "500"))
CASE: dict[str, Any] = {
    "ask": {
        "recipient": "nav-larvik",
        "purpose": "case_discussion",
        "fields": ["education.attendance.rate"],
    },
    "consents": [{"grants": ["thor-heyerdahl-vgs -> nav-larvik: education for case_discussion"]}],
}


class Counted:
    """An engine that counts how often it is asked, and can be told to fail."""

    def __init__(self, engine: PolicyEngine) -> None:
        self.policy = engine.policy
        self.signers = engine.signers
        self.asked = 0
        self.failing = False
        self._engine = engine

    def decide(self, about: Facts) -> Decision:
        """The engine's own answer, or ``policy.error``."""
        self.asked += 1
        if self.failing:
            return all_withheld(about, reason="policy.error", policy=self.policy)
        return self._engine.decide(about)


@st.composite
def changed(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """The document after one thing has happened, or only time has passed or been set back."""
    new = copy.deepcopy(document)
    happened = draw(
        st.sampled_from(
            ("clock",) * 4 + ("state", "use", "birthday", "object", "hide", "stage", "deposit")
        )
    )
    if happened == "clock":
        new["now"] = draw(st.sampled_from(MOMENTS))
    elif happened == "birthday":
        new["subject"]["age"] += 1
        new["subject"]["birthdays"] = []
    elif happened == "object":
        new["subject"]["objects_to"] = draw(st.sampled_from(([], ["health"], ["education"])))
    elif happened == "hide":
        new["subject"]["hidden"] = draw(st.sampled_from(([], ["thor-heyerdahl-vgs"])))
    elif happened == "stage":
        new["stage"] = draw(st.integers(0, 7))
    elif happened == "deposit":
        name = draw(st.sampled_from(new["ask"]["fields"]))
        new["deposited"][name] = draw(st.sampled_from(([], ["thor-heyerdahl-vgs"])))
    elif new["consents"]:
        consent = draw(st.sampled_from(new["consents"]))
        if happened == "state":
            consent["state"] = draw(st.sampled_from(STATES))
            consent["version"] += 1
        else:
            draw(st.sampled_from(consent["grants"]))["used"] = True
    return new


@settings(
    max_examples=HISTORIES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=anything, data=st.data())
def test_a_kept_answer_is_the_answer(
    regorus_engine: RegorusEngine, first: dict[str, Any], data: st.DataObject
) -> None:
    """A wrong reuse would share on a yes that is gone; clocks of replicas that are set back included."""
    leased = LeasedEngine(regorus_engine, kept=3)
    document = first
    for _ in range(data.draw(st.integers(2, 6))):
        asked = Facts.model_validate(document)
        fresh, kept = regorus_engine.decide(asked), leased.decide(asked)
        assert (fresh.fields, fresh.outcome, fresh.obligations) == (
            kept.fields,
            kept.outcome,
            kept.obligations,
        )
        document = data.draw(changed(document))


def test_the_same_ask_is_answered_from_memory(regorus_engine: RegorusEngine) -> None:
    """Or a lease would be no lease."""
    counted = Counted(regorus_engine)
    leased = LeasedEngine(counted)
    first = leased.decide(facts(CASE))
    later = leased.decide(facts({**CASE, "at": "2027-03-31T23:59:59.999999Z"}))
    assert first == later
    assert counted.asked == 1


@pytest.mark.parametrize("at", ["2027-04-01T00:00:00Z", "2026-11-10T11:59:59Z"])
def test_a_lease_covers_no_moment_outside_its_time(regorus_engine: RegorusEngine, at: str) -> None:
    """At its end the consent is over; before it began, nobody has looked."""
    counted = Counted(regorus_engine)
    leased = LeasedEngine(counted)
    leased.decide(facts(CASE))
    leased.decide(facts({**CASE, "at": at}))
    assert counted.asked == 2


def test_a_failure_is_not_kept(regorus_engine: RegorusEngine) -> None:
    """The next ask works, as soon as the engine does."""
    counted = Counted(regorus_engine)
    leased = LeasedEngine(counted)
    counted.failing = True
    assert leased.decide(facts(CASE)).outcome == "refused"
    counted.failing = False
    assert leased.decide(facts(CASE)).outcome == "released"


def test_the_oldest_lease_goes_first(regorus_engine: RegorusEngine) -> None:
    """Memory has a bound."""
    counted = Counted(regorus_engine)
    leased = LeasedEngine(counted, kept=2)
    asks = [
        {**CASE, "ask": {**CASE["ask"], "fields": [name]}}
        for name in ("education.grades", "education.wishes", "education.attendance.rate")
    ]
    for case in (*asks, asks[2], asks[1], asks[0]):
        leased.decide(facts(case))
    assert counted.asked == 4
