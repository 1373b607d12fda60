"""The shapes of the OpenID Authorization API 1.0: its own examples in Tillit's words, defaults, and what is refused."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tillit.wire.authzen import (
    MAX_EVALUATIONS,
    DecisionContext,
    Evaluation,
    EvaluationAnswer,
    EvaluationList,
    Evaluations,
    EvaluationsAnswer,
)

HANDLE = "hdl_" + "a" * 22
OTHER = "hdl_" + "b" * 22
SUBJECT = {
    "type": "service",
    "id": "nav-larvik",
    "properties": {"actor": "a17", "role": "veileder"},
}
ACTION = {"name": "case_discussion"}
CONTEXT = {"collaboration": "ungdomsutvalget-larvik"}


def resource(field: str = "education.grades", handle: str = HANDLE) -> dict[str, Any]:
    """One field of a youth."""
    return {"type": "field", "id": field, "properties": {"subject": handle}}


def parsed(body: Any) -> Evaluations:
    """As the broker reads it."""
    return Evaluations.model_validate_json(json.dumps(body), strict=True)


def test_evaluation_is_an_ask_for_one_field() -> None:
    """The 4-tuple of § 6.1, each part in its place."""
    body = {"subject": SUBJECT, "action": ACTION, "resource": resource(), "context": CONTEXT}
    ask = Evaluation.model_validate_json(json.dumps(body), strict=True).ask()
    assert ask.model_dump(mode="json") == {
        "subject": HANDLE,
        "fields": ["education.grades"],
        "purpose": "case_discussion",
        "actor": {"id": "a17", "role": "veileder"},
        "collaboration": "ungdomsutvalget-larvik",
        "meeting": None,
        "source": None,
    }


def test_context_and_properties_of_the_action_may_be_left_out_or_empty() -> None:
    """§ 5.3.1 and § 5.4: both are optional."""
    body = {"subject": SUBJECT, "action": ACTION | {"properties": {}}, "resource": resource()}
    assert Evaluation.model_validate(body).ask().collaboration is None
    assert Evaluation.model_validate(body | {"context": {}}).ask().collaboration is None


def test_each_of_several_without_defaults() -> None:
    """§ 7.1, the first example: three whole evaluations."""
    fields = ("education.grades", "education.wishes", "work.cv")
    whole = [
        {"subject": SUBJECT, "action": ACTION, "resource": resource(name), "context": CONTEXT}
        for name in fields
    ]
    each = tuple(parsed({"evaluations": whole}).each())
    assert [one.resource.id for one in each] == list(fields)
    first, *others = each
    assert all(first.goes_with(other) for other in others)
    assert first.ask(*others).fields == fields


def test_defaults_fill_what_is_left_out() -> None:
    """§ 7.1.1: subject and context in common, a default for the action that the third replaces."""
    body = {
        "subject": SUBJECT,
        "context": CONTEXT,
        "action": ACTION,
        "evaluations": [
            {"resource": resource("education.grades")},
            {"resource": resource("work.cv"), "context": {}},
            {"action": {"name": "transition"}, "resource": resource("education.grades", OTHER)},
        ],
    }
    first, second, third = parsed(body).each()
    assert [one.action.name for one in (first, second, third)] == [
        "case_discussion",
        "case_discussion",
        "transition",
    ]
    assert second.context.collaboration is None
    assert third.context.collaboration == "ungdomsutvalget-larvik"
    assert not any((first.goes_with(second), first.goes_with(third), second.goes_with(third)))


def test_a_field_asked_for_twice_stands_once_in_the_ask() -> None:
    """A list may repeat itself; an ask may not."""
    body = {"subject": SUBJECT, "action": ACTION, "evaluations": [{"resource": resource()}] * 2}
    first, second = parsed(body).each()
    assert first.ask(second).fields == ("education.grades",)


@pytest.mark.parametrize("more", [{}, {"evaluations": []}])
def test_without_a_list_it_is_a_single_evaluation(more: dict[str, Any]) -> None:
    """§ 7.1: backwards compatible with the one."""
    body = {"subject": SUBJECT, "action": ACTION, "resource": resource(), **more}
    (only,) = parsed(body).each()
    assert only == Evaluation.model_validate(
        {"subject": SUBJECT, "action": ACTION, "resource": resource()}
    )


def _spoilt() -> dict[str, Any]:
    one = {"subject": SUBJECT, "action": ACTION, "resource": resource()}
    return {
        "no subject": {"action": ACTION, "evaluations": [{"resource": resource()}]},
        "no action": {"subject": SUBJECT, "evaluations": [{"resource": resource()}]},
        "no resource": {"subject": SUBJECT, "action": ACTION, "evaluations": [{}]},
        "nothing": {},
        "too many": one | {"evaluations": [{}] * (MAX_EVALUATIONS + 1)},
        "a user": one | {"subject": SUBJECT | {"type": "user"}},
        "an account": one | {"resource": resource() | {"type": "account"}},
        "an actor that is a number": one
        | {"subject": SUBJECT | {"properties": {"actor": "01810750026", "role": "veileder"}}},
        "a property of the action": one | {"action": ACTION | {"properties": {"method": "GET"}}},
        "a time": one | {"context": {"time": "2026-11-10T12:00:00Z"}},
        "another semantic": one | {"options": {"evaluations_semantic": "whatever"}},
        "another option": one | {"options": {"another_option": "value"}},
    }


@pytest.mark.parametrize("spoilt", _spoilt())
def test_what_would_not_count_is_refused(spoilt: str) -> None:
    """A property that is passed over would look as if it had been part of the decision."""
    with pytest.raises(ValidationError):
        parsed(_spoilt()[spoilt])


def test_answers_are_read_as_what_they_are() -> None:
    """A list is a list, a single decision a single one."""
    one = EvaluationAnswer(decision=True, context=DecisionContext())
    several = EvaluationList(evaluations=(one,))
    for answer in (one, several):
        crossed = EvaluationsAnswer(answer).model_dump_json()
        assert EvaluationsAnswer.model_validate_json(crossed).root == answer
