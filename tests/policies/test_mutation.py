"""A sample of the mutation check: that broken rules are noticed, and that its list of survivors is in step with the rules."""

from broker.engine.bundle import Bundle
from tests.policies.mutation import listed, mutants, verdict

EVERY = 90


def test_a_broken_rule_is_noticed(bundle: Bundle, opa: str) -> None:
    """The whole check takes half an hour (`make long`); a sample shows that it works and that nothing has slipped since."""
    assert opa
    chosen = mutants(bundle)[::EVERY]
    said = {mutant.name: verdict(mutant) for mutant in chosen}
    survived = {name for name, word in said.items() if word == "survived"}
    assert survived <= listed().keys()
    assert sum("caught" in word for word in said.values()) > len(said) / 2


def test_every_survivor_is_a_mutant_of_today_with_a_reason(bundle: Bundle) -> None:
    """A reason for a line that has gone would excuse the next one that looks like it."""
    names = {mutant.name for mutant in mutants(bundle)}
    assert listed().keys() <= names
    assert all(reason.strip() for reason in listed().values())
