"""Questions on the wire: an ask waits for a word from whoever wants to be asked first."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from tillit.wire.terms import (
    AskFirst,
    CollaborationId,
    ConsentId,
    FieldName,
    GrantId,
    Instant,
    PurposeId,
    QuestionId,
    UnitId,
    Wire,
)

QuestionState = Literal["open", "yes", "no", "used", "lapsed", "over"]


class MyQuestion(Wire):
    """May ``unit`` know these fields, from these sources, for this purpose?

    ``also`` is what the lines wait for: ``ask_me_first`` lets one release within a day of a yes, ``only_when_present`` every
    one within a quarter of an hour. ``state``: waits (``open``), answered ``yes`` or ``no``, its yes ``used``, ``lapsed`` with
    what it was about, or ``over`` because nobody answered in time. ``closes``: when an open one is over, what a yes lets is
    let no more, or it may be asked again after a no. ``answered_by``: who has said yes, of ``guardian`` and ``subject``.
    """

    id: QuestionId
    unit: UnitId
    role: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]
    purpose: PurposeId
    collaboration: CollaborationId | None
    consent: ConsentId
    grants: tuple[GrantId, ...]
    sources: tuple[UnitId, ...]
    fields: tuple[FieldName, ...]
    also: AskFirst
    asked_at: Instant
    state: QuestionState
    answered_at: Instant | None
    answered_by: tuple[Literal["guardian", "subject"], ...]
    closes: Instant


class MyQuestions(Wire):
    """The latest questions, newest first."""

    questions: tuple[MyQuestion, ...]


class QuestionAnswer(Wire):
    """``POST /v1/me/questions/{id}/answer``: yes to this very ask, or no. Nobody is asked why."""

    answer: Literal["yes", "no"]
