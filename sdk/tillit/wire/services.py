"""What services are told and register: meetings, feed, handles, keys, problems."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tillit.wire.asks import Actor
from tillit.wire.consents import ConsentView
from tillit.wire.terms import (
    CaseId,
    CategoryId,
    CollaborationId,
    ComplaintId,
    ConsentId,
    DisclosureId,
    FieldName,
    Instant,
    InvocationId,
    MeetingId,
    PurposeId,
    RecordId,
    SubjectHandle,
    UnitId,
    Wire,
)

MAX_AGENDA = 20


class Participant(Wire):
    """Who takes part, by unit and role; never by name."""

    unit: UnitId
    role: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]


class MeetingRequest(Wire):
    """A meeting of a collaboration about one subject, who is told of it at once (N22).

    ``agenda``: the kinds of information that it is to talk about, which the subject sees beforehand.
    """

    collaboration: CollaborationId
    subject: SubjectHandle
    held_at: Instant
    participants: Annotated[tuple[Participant, ...], Field(min_length=2, max_length=40)]
    agenda: Annotated[tuple[CategoryId, ...], Field(max_length=MAX_AGENDA)] = ()
    actor: Actor


class MeetingView(Wire):
    """A registered meeting."""

    id: MeetingId
    collaboration: CollaborationId
    held_at: Instant
    participants: tuple[Participant, ...]
    agenda: tuple[CategoryId, ...] = ()


class SubjectRequest(Wire):
    """A national identity number, exchanged for the service's own handle. Travels in the body only, never in a URL."""

    national_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{11}$")] = Field(repr=False)


class SubjectAnswer(Wire):
    """The calling service's own, pairwise handle for the subject."""

    subject: SubjectHandle


class Event(Wire):
    """One entry of a service's feed. ``subject`` is the service's own handle."""

    id: int
    type: Annotated[str, StringConstraints(pattern=r"^[a-z]+\.[a-z_]+$")]
    at: Instant
    subject: SubjectHandle | None
    consent: ConsentId | None = None
    disclosure: DisclosureId | None = None
    meeting: MeetingId | None = None
    invocation: InvocationId | None = None
    case: CaseId | None = None
    record: RecordId | None = None
    complaint: ComplaintId | None = None
    collaboration: CollaborationId | None = None
    purpose: PurposeId | None = None
    fields: tuple[FieldName, ...] = ()


class EventPage(Wire):
    """A page of the feed; ``next`` is the cursor to pass as ``after``."""

    events: tuple[Event, ...]
    next: int


class Page(Wire):
    """A page of consents; ``next`` is the cursor to pass as ``after``, absent on the last page."""

    consents: tuple[ConsentView, ...]
    next: str | None


class Enrolment(Wire):
    """First registration of a unit's public keys with a one-time code from the operator.

    ``jwks`` holds public keys only; ``proof`` is a compact JWS over the code by the signing key (possession).
    """

    unit: UnitId
    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22,64}$")] = Field(repr=False)
    jwks: dict[str, Any]
    proof: Annotated[str, StringConstraints(max_length=4096)]


class BrokerKeys(Wire):
    """``GET /v1/keys``: what a service needs to trust: receipt keys, the custodian's deposit key, the log's vkey.

    ``succession``: how the keys of today follow from those of before (``tillit.succession``); the deposit key
    carries the custodian's own word (``tillit.deposit_keys``).
    """

    issuer: str
    receipts: dict[str, Any]
    custodian: dict[str, Any]
    log: str
    succession: Annotated[
        tuple[Annotated[str, StringConstraints(max_length=1024)], ...], Field(max_length=256)
    ] = ()


class Problem(BaseModel):
    """RFC 9457 problem details with Tillit's stable ``code``."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
