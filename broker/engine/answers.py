"""Answers of an engine, parsed once: what is not exactly a decision about this ask is none at all."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from broker.domain.decisions import Decision, all_withheld
from broker.domain.facts import Facts
from broker.errors import EngineDown
from broker.ports import SignerQuestion, SignersNeeded
from tillit.wire import PolicyRef, ReasonCode

DEADLINE_SECONDS = 0.25

_log = logging.getLogger("tillit.engine")
_NEEDED = TypeAdapter(dict[str, SignersNeeded])


class AnotherBundle(Exception):  # named in the log, never raised
    """Another bundle gave the answer."""


class OtherFields(Exception):  # named in the log, never raised
    """The answer is about other fields than those asked for."""


class OtherCategories(Exception):  # named in the log, never raised
    """The answer is about other categories than those asked about."""


class Late(Exception):  # named in the log, never raised
    """The answer came after the deadline, or had not come by then."""


class NoResult(Exception):  # named in the log, never raised
    """The engine answered without a result."""


def decision(answer: bytes | str, facts: Facts, policy: PolicyRef) -> Decision:
    """The decision in a JSON answer; ``policy.error`` for every field when it is not one.

    ``policy.stale`` when another bundle than ``policy`` gave it, or one without a digest.
    """
    try:
        parsed = Decision.model_validate_json(answer)
    except ValidationError as error:
        reason: ReasonCode = "policy.error"
        if _of_another_bundle(answer, policy):
            reason = "policy.stale"
        return withheld(facts, policy, reason=reason, because=error)
    if parsed.policy != policy:
        return withheld(facts, policy, reason="policy.stale", because=AnotherBundle())
    if parsed.fields.keys() != set(facts.ask.fields):
        return withheld(facts, policy, reason="policy.error", because=OtherFields())
    return parsed


def withheld(
    facts: Facts, policy: PolicyRef, *, reason: ReasonCode, because: BaseException
) -> Decision:
    """Nothing shared, and the operator told why."""
    unusable(because, reason)
    return all_withheld(facts, reason=reason, policy=policy)


def unusable(error: BaseException, reason: str) -> None:
    """One line in the operator's log: what kind of error, and none of the facts that its text may hold."""
    line = {"event": "engine.unusable", "reason": reason, "error": type(error).__name__}
    _log.error("%s", json.dumps(line))


def signers(answer: bytes | str, question: SignerQuestion) -> Mapping[str, SignersNeeded]:
    """Category → signatures needed. Raises ``EngineDown`` when it is not a whole answer."""
    try:
        needed = _NEEDED.validate_json(answer)
    except ValidationError as error:
        unusable(error, "policy.unavailable")
        raise EngineDown("the policy engine gave no usable answer") from None
    if needed.keys() != set(question.categories):
        unusable(OtherCategories(), "policy.unavailable")
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
