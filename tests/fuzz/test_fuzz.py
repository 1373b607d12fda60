"""Every parser under mutated inputs: the documented errors, what was signed, and nothing else.

Some thousands each here; ``make long`` gives each a million (``python -m tests.fuzz``).
"""

import os
from typing import Any

import pytest

from tests.fuzz.campaign import run
from tests.fuzz.judging import Target
from tests.fuzz.mutations import Mutator
from tests.fuzz.targets import everything

INPUTS = int(os.environ.get("TILLIT_FUZZ_INPUTS", "3000"))
TARGETS = everything()

each = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@each
def test_mutated_inputs_are_refused_or_are_what_was_signed(target: Target[Any]) -> None:
    """No crash, no second spelling, no forgery: what a parser lets through is what somebody attacks."""
    outcome = run(target.name, count=INPUTS)
    assert outcome.failures == ()
    assert outcome.inputs == INPUTS
    assert outcome.refused > INPUTS // 2


@each
def test_the_examples_are_accepted(target: Target[Any]) -> None:
    """A target whose examples are refused would fuzz nothing but its first check."""
    assert all(map(target.judge, target.originals[: target.examples]))


@each
def test_nothing_is_no_example(target: Target[Any]) -> None:
    """The shortest of all inputs, which mutation seldom draws."""
    with_nothing = target.originals[0][:0]
    accepted = target.judge(with_nothing)
    assert accepted == (target.name in {"continuation", "entry bundle"})


def test_a_seed_draws_the_same_inputs_again() -> None:
    """What was found must be found again."""
    drawn = [[Mutator(["an example"], seed).draw() for _ in range(1)] for seed in ("1", "1", "2")]
    assert drawn[0] == drawn[1]
    mutator, again = (
        Mutator([b"an example", b"another"], "1"),
        Mutator([b"an example", b"another"], "1"),
    )
    inputs = [mutator.draw() for _ in range(500)]
    assert inputs == [again.draw() for _ in range(500)]
    assert len(set(inputs)) > 400
