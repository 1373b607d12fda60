"""Facts: what the policy engine is told about one ask. No values, no names, no national identity numbers.

Validated here before Rego sees them; every member is always present, so that no rule meets an undefined operand
(the traps of the two engines are in ADR 0003).
"""

from datetime import UTC
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from tillit.wire import (
    AskFirst,
    CategoryId,
    CollaborationId,
    ConsentId,
    ConsentState,
    FieldName,
    FieldNames,
    GrantId,
    InvocationId,
    MeetingId,
    PurposeId,
    StatuteId,
    UnitId,
)

# In UTC and always as wide: the rules compare instants as strings, in which the facts of the bundle are written too.
Instant = Annotated[
    AwareDatetime,
    AfterValidator(lambda at: at.astimezone(UTC)),
    PlainSerializer(lambda at: f"{at:%Y-%m-%dT%H:%M:%S.%f}Z", return_type=str),
]


class Fact(BaseModel):
    """Frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AskFacts(Fact):
    """The ask. Absent collaboration, meeting and source are the empty string, never undefined."""

    recipient: UnitId
    actor_role: str
    purpose: PurposeId
    collaboration: CollaborationId | Literal[""]
    meeting: MeetingId | Literal[""]
    source: UnitId | Literal[""]
    fields: FieldNames


class ComesOfAge(Fact):
    """A future birthday at which the law changes something for the subject."""

    age: int
    at: Instant


class SubjectFacts(Fact):
    """The subject as the population register knows them; ``birthdays`` are future thresholds only.

    ``objects_to`` are categories a child of 12 or more has objected to; ``guardians`` counts the holders of parental
    responsibility (0 from 18). ``hidden``: units whose involvement the subject hides from all others.
    """

    age: Annotated[int, Field(ge=0, le=120)]
    birthdays: tuple[ComesOfAge, ...]
    guardians: Annotated[int, Field(ge=0, le=4)]
    address_protection: Literal["none", "confidential", "strictly_confidential"]
    objects_to: tuple[CategoryId, ...]
    hidden: tuple[UnitId, ...] = ()


class ConditionFacts(Fact):
    """The condition of a grant; ``meeting`` is empty unless ``kind`` is ``meeting``.

    ``also``: whether somebody wants to be asked at each ask, or to be there; then it gives only what ``allowed`` says.
    """

    kind: Literal["standing", "once", "meeting", "until_event"]
    meeting: MeetingId | Literal[""]
    also: AskFirst | Literal[""] = ""


class SignedBy(Fact):
    """Who has said yes to a grant: the subject, how many guardians, and whether the child was heard."""

    subject: bool
    guardians: Annotated[int, Field(ge=0, le=4)]
    child_heard: bool


class GrantFacts(Fact):
    """One enumerated line. ``fields`` empty means category-wide; otherwise by name.

    ``covers`` are those of the asked fields that a category-wide line was shown to mean when it was asked for: it gives
    no others, however far its category or the purpose reaches since. A line by name has none.
    ``used``: a single use is spent, or the event that ends the line has come.
    ``allowed``: asked fields that were let when somebody was asked first, each with the moment (exclusive) until which.
    """

    id: GrantId
    source: UnitId
    recipient: UnitId
    category: CategoryId
    fields: tuple[FieldName, ...]
    covers: tuple[FieldName, ...]
    purpose: PurposeId
    condition: ConditionFacts
    answer: Literal["yes", "no", ""]
    signed: SignedBy
    used: bool
    allowed: dict[FieldName, Instant] = {}


class ConsentFacts(Fact):
    """A consent, whatever its state, with the grants that may concern the ask.

    ``third_party``: given by a member of the family, for what is written about them with the subject.
    """

    id: ConsentId
    version: int
    state: ConsentState
    collaboration: CollaborationId | Literal[""]
    guardians_rule: Literal["one", "all"]
    valid_from: Instant
    valid_until: Instant
    grants: tuple[GrantFacts, ...]
    third_party: bool = False


class MeetingFacts(Fact):
    """The meeting the ask names: whose, whether the subject has notice of it, who takes part, when it counts."""

    id: MeetingId | Literal[""]
    collaboration: CollaborationId | Literal[""]
    noticed: bool
    participants: tuple[UnitId, ...]
    opens: Instant
    closes: Instant


class InvocationFacts(Fact):
    """A statute that a unit relies on about the subject, towards one recipient, until it closes (law.md, S1 to S8).

    ``unit`` invokes, in ``role``; ``source`` is empty where any source may answer. ``reasoned``: a reason was written down;
    ``necessary``: fields whose necessity was stated; ``confirmed``: by a second person; ``delayed``: notice waits, for a
    reason that is logged.
    """

    id: InvocationId
    statute: StatuteId
    unit: UnitId
    role: str
    source: UnitId | Literal[""]
    recipient: UnitId
    fields: tuple[FieldName, ...]
    reasoned: bool
    necessary: tuple[FieldName, ...]
    confirmed: bool
    delayed: bool
    opens: Instant
    closes: Instant


class Facts(Fact):
    """The whole input of ``data.tillit.decision``.

    ``deposited`` maps each asked field to the units that have deposited it. ``meeting`` has the empty id when the ask names
    none or an unknown one. ``stage`` is the point that the subject's case has reached in the collaboration asked in, 0 where
    nobody has said. ``notified`` maps each field that sets off a statute for this purpose to the units that have deposited it.
    """

    now: Instant
    ask: AskFacts
    subject: SubjectFacts
    consents: tuple[ConsentFacts, ...]
    deposited: dict[FieldName, tuple[UnitId, ...]]
    meeting: MeetingFacts
    invocations: tuple[InvocationFacts, ...] = ()
    stage: Annotated[int, Field(ge=0, le=99)] = 0
    notified: dict[FieldName, tuple[UnitId, ...]] = {}
