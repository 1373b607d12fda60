"""Asked first, for parents: what a list of questions costs the rules."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from broker.domain.decisions import Decision
from broker.domain.facts import Facts
from broker.ports import PolicyEngine, SignerQuestion, SignersNeeded
from broker.usecases import questions
from tests.house import FATHER, MOTHER, SARA, House
from tests.integration.test_asking_first import NAV, ask, change
from tillit.wire import PolicyRef


@dataclass
class CountedEngine:
    """The engine, and how often it was asked who signs."""

    engine: PolicyEngine
    policy: PolicyRef
    asked: int = 0

    def decide(self, facts: Facts) -> Decision:
        """As the engine."""
        return self.engine.decide(facts)

    def signers(self, question: SignerQuestion) -> Mapping[str, SignersNeeded]:
        """As the engine, counted."""
        self.asked += 1
        return self.engine.signers(question)


def test_for_a_parents_list_the_rules_are_asked_once_for_each_consent(house: House) -> None:
    """Who signs is the same for every question on it, and a list may be a hundred long."""
    view = house.request(NAV, SARA, categories=["health"])
    for person in (MOTHER, FATHER):
        view = house.answer(view, person, child_heard=True)
    change(house, view.id, {g.id: "ask_me_first" for g in view.grants}, MOTHER)
    for _ in range(3):
        ask(house, SARA, "health.functional_impact")
        house.clock.step(hours=24)
    engine = CountedEngine(house.ports.engine, house.ports.engine.policy)
    ports = replace(house.ports, engine=engine)
    found = questions.questions(person=house.hashed(MOTHER), limit=50, ports=ports)
    assert (len(found.questions), engine.asked) == (3, 1)
