"""Own access: the subject reads what is written about themself, sealed to a key made for that one reading."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from tillit.wire.answers import DisclosureAnswer
from tillit.wire.asks import Actor
from tillit.wire.terms import (
    SUBJECT,
    FieldName,
    FieldNames,
    Instant,
    PurposeId,
    RecordId,
    SubjectHandle,
    UnitId,
    Wire,
)

OWN_ACCESS: Final[PurposeId] = "own_access"
"""The purpose of reading about oneself, and the kind of ground that it rests on."""
ONESELF: Final = Actor(id=SUBJECT, role=SUBJECT)
"""Who reads."""
MAX_DISCLOSURES = 500
MAX_WORDS = 20_000
MAX_CONTEST = 2_000

JwkMember = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,12}$")]
JwkText = Annotated[str, StringConstraints(max_length=4096)]


class OwnAccess(Wire):
    """``POST /v1/me/values``: a fresh public reading key (X25519, or ``AKP`` for the hybrid), and what to read.

    Without ``fields`` everything that is deposited about the subject is asked for.
    """

    jwk: Annotated[dict[JwkMember, JwkText], Field(max_length=12)]
    fields: FieldNames | None = None


class OwnValues(Wire):
    """What is written about the subject: a disclosure like a service's for the newest value of each field.

    Where several sources have deposited a field, each further value is in a disclosure after that, the newest first; a
    disclosure holds a field once. Without anything deposited there is none. The recipient of each is ``subject``.
    """

    disclosures: Annotated[tuple[DisclosureAnswer, ...], Field(max_length=MAX_DISCLOSURES)]


OBJECTION: Final[FieldName] = "voice.objection"
"""The field of what a subject says to a value that they contest."""


class Contest(Wire):
    """``POST /v1/me/contests``: say that a value is not right, and why; said again, it replaces what was said."""

    record: RecordId
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CONTEST)] = Field(
        repr=False
    )


ContestFinding = Literal["looking_into", "stands", "corrected"]
"""What a source says to a value of its own that is contested: not settled yet, right as it is, or written anew."""


class ContestReply(Wire):
    """``POST /v1/contests/{record}/reply``: what the source says to a value that it wrote and the subject contests."""

    finding: ContestFinding
    actor: Actor


class ContestView(Wire):
    """A contested value as its source sees it; ``subject`` is its own handle. What the subject says is not its to read."""

    record: RecordId
    subject: SubjectHandle
    field: FieldName
    at: Instant
    finding: ContestFinding | None
    answered_at: Instant | None


class MyContest(Wire):
    """A value that the subject contests: which, who wrote it, since when. The words are in what is read of oneself.

    ``finding``: what the source says to it, and since when; None while it has not answered.
    """

    record: RecordId
    field: FieldName
    source: UnitId
    at: Instant
    finding: ContestFinding | None = None
    answered_at: Instant | None = None


class MyContests(Wire):
    """Every value that the subject contests now, the latest first."""

    contests: tuple[MyContest, ...]


class OwnWords(Wire):
    """``POST /v1/me/voice``: what the subject says themself, in a field that nobody else writes; newer words replace older."""

    field: FieldName
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_WORDS)] = Field(repr=False)
