"""Statutes on the wire: what a service relies on without a yes, who confirms it and who reviews it (S1 to S8)."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from tillit.wire.asks import Actor
from tillit.wire.terms import (
    MAX_FIELDS,
    FieldName,
    FieldNames,
    Instant,
    InvocationId,
    StatuteId,
    SubjectHandle,
    UnitId,
    Wire,
)

_NUMBER_LIKE = re.compile(r"\d{6}[ .-]?\d{5}")


def written(text: str) -> str:
    """Refuses what steers a terminal, and what holds something like a national identity number: it stays in the log."""
    if _NUMBER_LIKE.search(text):
        raise ValueError("holds what looks like a national identity number")
    if not all(character.isprintable() or character in "\n\t" for character in text):
        raise ValueError("holds what cannot be printed")
    return text


Written = Annotated[
    str,
    StringConstraints(min_length=10, max_length=1000, strip_whitespace=True),
    AfterValidator(written),
]
Finding = Literal["justified", "not_justified"]


class NoticeDelay(Wire):
    """The subject is told only so many days later, for a reason of its own that is logged."""

    days: Annotated[int, Field(ge=1, le=30)]
    reason: Annotated[Written, Field(repr=False)]


class InvocationRequest(Wire):
    """``POST /v1/invocations``: rely on a statute about a subject, towards one recipient, for named fields.

    ``recipient`` or ``source`` is the calling unit itself where it is left out; ``source`` may be left open by a recipient.
    ``necessity`` says per field why it is needed, where the statute wants it. ``hours``: as long as the statute allows, when
    left out. The written texts go into the log and nowhere else.
    """

    subject: SubjectHandle
    statute: StatuteId
    fields: FieldNames
    reason: Annotated[Written, Field(repr=False)]
    actor: Actor
    recipient: UnitId | None = None
    source: UnitId | None = None
    necessity: Annotated[
        dict[FieldName, Written], Field(default_factory=dict, max_length=MAX_FIELDS, repr=False)
    ]
    notice_delay: NoticeDelay | None = None
    hours: Annotated[int, Field(ge=1, le=24 * 366)] | None = None


class Confirmation(Wire):
    """``POST /v1/invocations/{id}/confirm``: another person of the same unit stands behind it."""

    actor: Actor


class Review(Wire):
    """``POST /v1/invocations/{id}/review``: a person who neither invoked nor confirmed says whether it was right."""

    finding: Finding
    text: Annotated[Written, Field(repr=False)]
    actor: Actor


class InvocationView(Wire):
    """An invocation as the unit that made it sees it; ``subject`` is its own handle, ``review_due`` until it is reviewed."""

    id: InvocationId
    subject: SubjectHandle
    statute: StatuteId
    recipient: UnitId
    source: UnitId | None
    fields: tuple[FieldName, ...]
    opens: Instant
    closes: Instant
    confirmed: bool
    review_due: bool
    finding: Finding | None = None


class InvocationPage(Wire):
    """A page of invocations; ``next`` is the cursor to pass as ``after``, absent on the last page."""

    invocations: tuple[InvocationView, ...]
    next: str | None
