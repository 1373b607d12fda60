"""Answers of an engine, parsed once: what is not exactly a decision about this ask is none at all."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from broker.domain.decisions import Decision, all_withheld
from broker.domain.facts import Facts
from broker.errors import EngineDown
from broker.ports import SignerQuestion, SignersNeeded
from tillit.wire import PolicyRef

_NEEDED = TypeAdapter(dict[str, SignersNeeded])


def decision(answer: bytes | str, facts: Facts, policy: PolicyRef) -> Decision:
    """The decision in a JSON answer; ``policy.error`` for every field when it is not one.

    ``policy.stale`` when another bundle than ``policy`` gave it, or one without a digest.
    """
    try:
        parsed = Decision.model_validate_json(answer)
    except ValidationError:
        reason = "policy.stale" if _of_another_bundle(answer, policy) else "policy.error"
        return all_withheld(facts, reason=reason, policy=policy)
    if parsed.policy != policy:
        return all_withheld(facts, reason="policy.stale", policy=policy)
    if parsed.fields.keys() != set(facts.ask.fields):
        return all_withheld(facts, reason="policy.error", policy=policy)
    return parsed


def signers(answer: bytes | str, question: SignerQuestion) -> Mapping[str, SignersNeeded]:
    """Category → signatures needed. Raises ``EngineDown`` when it is not a whole answer."""
    try:
        needed = _NEEDED.validate_json(answer)
    except ValidationError:
        raise EngineDown("the policy engine gave no usable answer") from None
    if needed.keys() != set(question.categories):
        raise EngineDown("the policy engine did not answer for every category")
    return needed


def as_json(value: Any) -> str:
    """A validated fact as the engines take it."""
    return str(value.model_dump_json())


def _of_another_bundle(answer: bytes | str, policy: PolicyRef) -> bool:
    try:
        parsed = json.loads(answer)
    except ValueError:
        return False
    named = parsed.get("policy") if isinstance(parsed, dict) else None
    return isinstance(named, dict) and named != policy.model_dump()
