"""What services tell a collaboration of, events that end a grant and stages of a pathway; and what they match."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from tillit.wire.asks import Actor
from tillit.wire.terms import (
    CollaborationId,
    EventName,
    Instant,
    SubjectHandle,
    UnitId,
    Wire,
    distinct,
)

MAX_STAGE = 99
MAX_MATCHED = 200


class EventReport(Wire):
    """The event has come that a consent's lines were to hold until; ``actor`` says so for the unit."""

    event: EventName
    actor: Actor


class StageReport(Wire):
    """The point that a subject's case has reached in the collaboration's pathway; 0 is its beginning."""

    subject: SubjectHandle
    stage: Annotated[int, Field(ge=0, le=MAX_STAGE)]
    actor: Actor


class StageView(Wire):
    """The point that was recorded, and when."""

    collaboration: CollaborationId
    stage: int
    at: Instant


class MatchRequest(Wire):
    """Which of these youths does that Nav office not know? Asked about the calling service's own youths (N31)."""

    subjects: Annotated[
        tuple[SubjectHandle, ...],
        Field(min_length=1, max_length=MAX_MATCHED),
        AfterValidator(distinct),
    ]
    source: UnitId
    collaboration: CollaborationId
    purpose: Literal["outreach", "dropout_prevention"]
    actor: Actor


class MatchAnswer(Wire):
    """Those of whom the office holds nothing, and who let that be told.

    Of the others nothing is told: that the office knows them and that they say no look the same.
    """

    not_known: tuple[SubjectHandle, ...]
