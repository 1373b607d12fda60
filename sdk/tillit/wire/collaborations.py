"""What services tell a collaboration of: events that end a grant, stages of a pathway."""

from typing import Annotated

from pydantic import Field

from tillit.wire.asks import Actor
from tillit.wire.terms import CollaborationId, EventName, Instant, SubjectHandle, Wire

MAX_STAGE = 99


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
