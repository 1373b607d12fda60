"""Drop every fact in turn, from what is asked and from what is known: nothing more is ever permitted."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import regorus

from broker.engine.bundle import Bundle
from broker.engine.opa import OpaEngine
from broker.engine.regorus import RegorusEngine
from broker.ports import PolicyEngine
from tests.policies.scenario import COLLABORATION, facts
from tests.policies.tables import Case, cases

CASES = cases(COLLABORATION)
# An objection is a fact that withholds, and so is what the subject hides.
NOT_DROPPED = {"objects_to", "hidden"}
# Limits are rules written as data: taking one away is a change of policy, not of fact.
NOT_FACTS = {("law", "limits")}
DEPTH = 4


def permitted(answer: str | None) -> set[str]:
    """The fields that a raw answer permits; an answer that is no decision permits nothing."""
    document = json.loads(answer) if answer else {}
    fields = document.get("fields", {}) if isinstance(document, dict) else {}
    return {name for name, field in fields.items() if field["effect"] == "permit"}


def raw(engine: PolicyEngine, document: dict[str, Any]) -> set[str]:
    """What the rules permit on a document that the broker would never let through."""
    text = json.dumps(document)
    match engine:
        case RegorusEngine():
            return permitted(engine._ask(text, "data.tillit.decision"))
        case OpaEngine():
            return permitted(engine._ask(text, "tillit", "decision"))
    raise AssertionError(engine)


def paths(value: Any, trail: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every member and item below a document."""
    steps: Any = ()
    if isinstance(value, dict):
        steps = value.items()
    elif isinstance(value, list) and trail[-1] not in NOT_DROPPED:
        steps = enumerate(value)
    for step, inner in steps:
        yield (*trail, step)
        yield from paths(inner, (*trail, step))


def without(document: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    """The document less what stands at the path."""
    less = copy.deepcopy(document)
    place: Any = less
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return less


@pytest.mark.parametrize("case", CASES[::3], ids=lambda case: case.name)
def test_a_fact_dropped_from_the_ask_permits_no_more(case: Case, engine: PolicyEngine) -> None:
    """A rule that reads a missing fact as a favourable one would be found here."""
    whole = json.loads(facts(case.facts).model_dump_json())
    before = raw(engine, whole)
    assert before == case.permits()
    for path in paths(whole):
        assert raw(engine, without(whole, path)) <= before, path


def around_larvik(bundle: Bundle) -> dict[str, Any]:
    """The facts with Larvik's committee and the units that its cases are about: the rest is in none of them."""
    committee = bundle.facts["collaborations"][COLLABORATION]
    around = set(committee["members"]) | {"bakeriet-larvik", "ot-grenland"}
    units = {unit: bundle.facts["units"][unit] for unit in sorted(around)}
    return {**bundle.facts, "collaborations": {COLLABORATION: committee}, "units": units}


def known_facts(whole: dict[str, Any]) -> Iterator[tuple[str | int, ...]]:
    """What can be taken from the data: whole shelves, and every entry that the cases may rest on."""
    for path in paths(whole):
        if (
            len(path) <= DEPTH
            and path[:2] not in {(*p[:2],) for p in NOT_FACTS}
            and "labels" not in path
        ):
            yield path
    yield ("law", "limits")


def test_a_fact_dropped_from_the_data_permits_no_more(bundle: Bundle) -> None:
    """A unit, a membership, an agreement, a pledge, an age or a whole shelf less: never a field more."""
    chosen = [case for case in CASES if case.refuses()][::9] + [
        case for case in CASES if not case.refuses()
    ][::6]
    asked = [(facts(case.facts).model_dump_json(), case) for case in chosen]
    whole = around_larvik(bundle)
    paths_dropped = [p for p in known_facts(whole) if p[:2] != ("catalogue", "reasons")]
    assert len(paths_dropped) > 400
    for path in paths_dropped:
        engine = regorus.Engine()
        for name, text in bundle.modules.items():
            engine.add_policy(name, text)
        engine.add_data_json(json.dumps({"facts": without(whole, path)}))
        for text, case in asked:
            engine.set_input_json(text)
            try:
                after = permitted(engine.eval_rule_as_json("data.tillit.decision"))
            except RuntimeError:
                after = set()  # an engine that fails permits nothing (the port's contract)
            assert after <= case.permits(), (path, case.name)
