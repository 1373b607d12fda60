"""Decisions: the policy's answer to an ask, parsed once at the edge and closed on doubt (design.md § 6)."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from broker.domain.facts import Fact, Facts
from tillit.wire import FieldName, Ground, Obligations, Outcome, PolicyRef, ReasonCode


class Permit(Fact):
    """The field may be shared, on at least one ground."""

    effect: Literal["permit"]
    grounds: Annotated[tuple[Ground, ...], Field(min_length=1)]


class Withhold(Fact):
    """The field is withheld, for at least one reason."""

    effect: Literal["withhold"]
    reasons: Annotated[tuple[ReasonCode, ...], Field(min_length=1)]


class Decision(Fact):
    """Every asked field answered exactly once. ``stable_until`` is null when time alone never changes the answer."""

    outcome: Outcome
    fields: dict[FieldName, Annotated[Permit | Withhold, Field(discriminator="effect")]]
    obligations: Obligations
    stable_until: AwareDatetime | None
    policy: PolicyRef

    @model_validator(mode="after")
    def _outcome_agrees(self) -> Self:
        if self.outcome != outcome(answer.effect for answer in self.fields.values()):
            raise ValueError("the outcome does not follow from the fields")
        return self

    @property
    def in_emergency(self) -> bool:
        """Whether a field may be shared because of an emergency."""
        grounds = (ground for answer in self.permitted().values() for ground in answer.grounds)
        return any(ground.kind == "emergency" for ground in grounds)

    def permitted(self) -> dict[FieldName, Permit]:
        """The fields that may be shared."""
        return {name: a for name, a in self.fields.items() if isinstance(a, Permit)}

    def withheld(self) -> dict[FieldName, Withhold]:
        """The fields that are withheld."""
        return {name: a for name, a in self.fields.items() if isinstance(a, Withhold)}


def outcome(effects: Iterable[Literal["permit", "withhold"]]) -> Outcome:
    """``released`` when all are permitted, ``refused`` when none is."""
    seen = set(effects)
    if seen == {"permit"}:
        return "released"
    return "partly_released" if "permit" in seen else "refused"


def all_withheld(facts: Facts, *, reason: ReasonCode, policy: PolicyRef) -> Decision:
    """The decision when the policy could not be asked or gave no usable answer: nothing, and why."""
    return Decision(
        outcome="refused",
        fields={name: Withhold(effect="withhold", reasons=(reason,)) for name in facts.ask.fields},
        obligations=Obligations(
            notify="immediate", erase_after="P1D", onward_sharing=False, journal=True
        ),
        stable_until=None,
        policy=policy,
    )
