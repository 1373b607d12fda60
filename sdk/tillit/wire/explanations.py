"""Explanations: a decision in plain words. What they say follows from the decision; nobody signs them."""

from typing import Literal

from pydantic import Field

from tillit.wire.terms import FieldName, Wire

GiverCode = Literal[
    "subject",
    "guardians",
    "family_member",
    "source",
    "recipient",
    "services",
    "operator",
    "time",
    "nobody",
]


class Giver(Wire):
    """Who could give what is missing: a code of the closed list and its sentence."""

    code: GiverCode
    text: str


class FieldExplanation(Wire):
    """One field: its ground or its reasons, what is missing, and who could give it.

    ``missing`` and ``giver`` are null for a field that may be shared, and for a purpose that is to learn nothing more.
    ``reviewed`` is false where the answer rests on a legal entry that no lawyer has signed.
    """

    text: str
    missing: str | None = None
    giver: Giver | None = None
    reviewed: bool = False


class Explanation(Wire):
    """A whole decision: one sentence about it, and each asked field."""

    summary: str = ""
    fields: dict[FieldName, FieldExplanation] = Field(default_factory=dict)
