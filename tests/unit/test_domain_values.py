"""Small values of the domain: ids, and decisions that cannot contradict themselves."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from broker.domain.decisions import Decision, Permit, Withhold, all_withheld, outcome
from broker.domain.ids import fresh
from broker.engine.bundle import DEFAULT_DIRECTORY, load
from tests.stored import OBLIGATIONS, POLICY, RATE, SCHOOL, facts
from tillit.wire import Ground

GROUND = Ground(kind="consent", id="con_1", version=2, grant="g1", source=SCHOOL)
PERMIT = Permit(effect="permit", grounds=(GROUND,))
WITHHOLD = Withhold(effect="withhold", reasons=("consent.no_grant",))


def decision(said: str, **fields: Permit | Withhold) -> Decision:
    """A decision on fields of education."""
    members: dict[str, Any] = {
        "outcome": said,
        "fields": {f"education.{name}": answer for name, answer in fields.items()},
        "obligations": OBLIGATIONS,
        "stable_until": None,
        "policy": POLICY,
    }
    return Decision.model_validate(members)


def test_an_id_is_its_prefix_and_128_random_bits() -> None:
    """In the form that the wire knows."""
    assert fresh("con", lambda size: bytes(range(size))) == "con_AAECAwQFBgcICQoLDA0ODw"
    assert re.fullmatch(r"sub_[A-Za-z0-9_-]{22}", fresh("sub", lambda size: b"\xff" * size))


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        (["permit", "permit"], "released"),
        (["permit", "withhold"], "partly_released"),
        (["withhold"], "refused"),
        ([], "refused"),
    ],
)
def test_outcome_follows_from_the_fields(effects: list[Any], expected: str) -> None:
    """Nothing permitted is a refusal."""
    assert outcome(effects) == expected


def test_a_decision_parts_what_it_permits_from_what_it_withholds() -> None:
    """Every field is in one of the two."""
    made = decision("partly_released", grades=PERMIT, wishes=WITHHOLD)
    assert made.permitted() == {"education.grades": PERMIT}
    assert made.withheld() == {"education.wishes": WITHHOLD}


@pytest.mark.parametrize("said", ["released", "refused"])
def test_an_outcome_that_does_not_follow_is_unusable(said: str) -> None:
    """An engine's answer that contradicts itself is no answer."""
    with pytest.raises(ValidationError, match="does not follow"):
        decision(said, grades=PERMIT, wishes=WITHHOLD)


@pytest.mark.parametrize(
    "answer", [{"effect": "permit", "grounds": []}, {"effect": "withhold", "reasons": []}]
)
def test_a_permit_has_a_ground_and_a_withholding_a_reason(answer: dict[str, Any]) -> None:
    """Neither stands for nothing."""
    model = Permit if answer["effect"] == "permit" else Withhold
    with pytest.raises(ValidationError):
        model.model_validate(answer)


def test_without_a_policy_everything_is_withheld() -> None:
    """Every asked field, with the reason."""
    made = all_withheld(facts(), reason="policy.error", policy=POLICY)
    assert made.outcome == "refused"
    assert made.withheld() == {RATE: Withhold(effect="withhold", reasons=("policy.error",))}


def test_ages_at_which_the_law_changes_its_answer_are_ascending_and_distinct() -> None:
    """They are the birthdays that the policy is told of."""
    ages = load(DEFAULT_DIRECTORY).catalogue.age_thresholds()
    assert list(ages) == sorted(set(ages))
    assert {15, 16, 18} <= set(ages)


def test_only_birthdays_that_can_change_an_answer_are_told() -> None:
    """A statute that is not in use, or that is for all ages, gives none of its own; one that is in use does."""
    catalogue = load(DEFAULT_DIRECTORY).catalogue
    assert catalogue.age_thresholds() == catalogue.age_thresholds("coordination")
    assert set(catalogue.age_thresholds("outreach")) - set(catalogue.age_thresholds()) == {25}
    assert 26 in catalogue.age_thresholds("coordination", "ungdomsutvalget-larvik")


def test_an_ask_looks_for_invocations_only_where_a_statute_must_be_invoked() -> None:
    """Most asks rest on consent alone, and need not read what nobody could have invoked."""
    catalogue = load(DEFAULT_DIRECTORY).catalogue
    found = {purpose for purpose in catalogue.purposes if catalogue.invoked_for(purpose)}
    assert {"emergency_help", "duty_to_report", "duty_to_avert"} <= found
    assert not {"case_discussion", "dropout_notice"} & found
    assert not catalogue.invoked_for("curiosity")
