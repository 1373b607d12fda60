"""Terms: the identifiers, bounds and closed words that every wire shape is made of."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 12
MAX_FIELDS = 200
MAX_GRANTS = 500
MAX_SEALED_CHARS = 512 * 1024
SUBJECT = "subject"
"""Stands where a unit does when the one whom values are about reads or speaks for themself; no unit is called so."""
MAX_WHOLE = 2**53 - 1  # the largest whole number that canonical JSON holds (RFC 8785)

T = TypeVar("T")
_ELEVEN_DIGITS = re.compile(r"\d{11}")


def distinct(items: tuple[T, ...]) -> tuple[T, ...]:
    """Refuses a list in which something stands twice."""
    if len(set(items)) != len(items):
        raise ValueError("an item stands twice")
    return items


def in_utc(at: datetime) -> datetime:
    """The same instant in UTC, so that one instant has one spelling on the wire."""
    return at.astimezone(UTC)


def no_national_id(text: str) -> str:
    """Refuses what holds eleven digits in a row, as a national identity number does: ids are opaque, and stay in the log."""
    if _ELEVEN_DIGITS.search(text):
        raise ValueError("looks like a national identity number")
    return text


FieldName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z_]*(\.[a-z][a-z_]*){1,3}$", max_length=80)
]
CategoryId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*$", max_length=40)]
PurposeId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*$", max_length=40)]
UnitId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
CollaborationId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
SubjectHandle = Annotated[str, StringConstraints(pattern=r"^hdl_[A-Za-z0-9_-]{22}$")]
RecordId = Annotated[str, StringConstraints(pattern=r"^rec_[A-Za-z0-9_-]{22}$")]
ConsentId = Annotated[str, StringConstraints(pattern=r"^con_[A-Za-z0-9_-]{22}$")]
DisclosureId = Annotated[str, StringConstraints(pattern=r"^dis_[A-Za-z0-9_-]{22}$")]
MeetingId = Annotated[str, StringConstraints(pattern=r"^mtg_[A-Za-z0-9_-]{22}$")]
CaseId = Annotated[str, StringConstraints(pattern=r"^cas_[A-Za-z0-9_-]{22}$")]
InvocationId = Annotated[str, StringConstraints(pattern=r"^inv_[A-Za-z0-9_-]{22}$")]
HelperId = Annotated[str, StringConstraints(pattern=r"^hlp_[A-Za-z0-9_-]{22}$")]
StatuteId = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,19}$")]
EventName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*$", max_length=40)]
ComplaintId = Annotated[str, StringConstraints(pattern=r"^cmp_[A-Za-z0-9_-]{22}$")]
QuestionId = Annotated[str, StringConstraints(pattern=r"^qst_[A-Za-z0-9_-]{22}$")]
GrantId = Annotated[str, StringConstraints(pattern=r"^g[1-9][0-9]{0,3}$")]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=60)]
Base64Url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
Instant = Annotated[AwareDatetime, AfterValidator(in_utc)]
ConsentState = Literal[
    "draft",
    "requested",
    "partly_signed",
    "active",
    "paused",
    "withdrawn",
    "expired",
    "superseded",
    "lapsed",
    "refused",
]
AskFirst = Literal["ask_me_first", "only_when_present"]
Language = Literal["nb", "nn", "en"]
Basis = Literal[
    "measured",
    "stated_by_subject",
    "professional_assessment",
    "diagnosis_by_clinician",
    "derived",
]
FieldNames = Annotated[
    tuple[FieldName, ...], Field(min_length=1, max_length=MAX_FIELDS), AfterValidator(distinct)
]


class Wire(BaseModel):
    """Frozen and closed: what is not named is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64")
