"""What services call: subjects, deposits, checks, disclosures, consents, meetings, their feed."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from broker.api.endpoints import Endpoints, Exchange, Reply, as_json
from broker.domain.errors import (
    AskedTooSoon,
    ConditionNotHere,
    FamilyConsentInvalid,
    FormNotHere,
    IllegalTransition,
    LifetimeTooLong,
    LinesMissing,
    LinesNotForSigner,
    LinesUnknown,
    MeetingMissing,
    NotAboutAnyone,
    NotAMember,
    NothingAnswered,
    NothingToGrant,
    ObjectionTooYoung,
    OthersMustSign,
    OutOfTime,
    OutsideAges,
    PurposeNotByConsent,
    RequesterNotAmongServices,
    SignerHasSigned,
    SignerNotNeeded,
    SignersUnknown,
    TextDiffers,
    TooManyLines,
    UnknownCategory,
    UnknownCollaboration,
    UnknownField,
    UnknownPurpose,
    UnknownUnit,
)
from broker.domain.ids import ConsentId, DisclosureId, UnitId
from broker.errors import (
    BrokerError,
    DepositBindingBroken,
    DepositKeyInvalid,
    DisclosureGone,
    EnrolmentRefused,
    ErasureRefused,
    HybridKeyRequired,
    MeetingInvalid,
    MeetingWithoutConsent,
    NoRecipientKey,
    NotASource,
    ObservedInFuture,
    ProofPending,
    RecordExists,
    SubjectErased,
    TooManyReleases,
    UnknownConsent,
    UnknownDepositField,
    UnknownDisclosure,
    UnknownHandle,
    UnknownPerson,
    UnknownService,
)
from broker.usecases import (
    asks,
    consents,
    deposits,
    disclosures,
    erasures,
    feed,
    meetings,
    people,
    trust,
)
from tillit.wire import (
    Ask,
    BrokerKeys,
    Capture,
    CheckAnswer,
    ConsentRequest,
    ConsentView,
    Deposit,
    DepositAnswer,
    DisclosureAnswer,
    Enrolment,
    Erasure,
    ErasureAnswer,
    EventPage,
    MeetingRequest,
    MeetingView,
    Page,
    ProofAnswer,
    SubjectAnswer,
    SubjectRequest,
)

endpoints = Endpoints()

COMPILING: tuple[type[BrokerError], ...] = (
    AskedTooSoon,
    ConditionNotHere,
    FamilyConsentInvalid,
    LifetimeTooLong,
    MeetingMissing,
    NotAboutAnyone,
    NotAMember,
    NothingToGrant,
    OutOfTime,
    OutsideAges,
    PurposeNotByConsent,
    RequesterNotAmongServices,
    SignersUnknown,
    TooManyLines,
    UnknownCategory,
    UnknownCollaboration,
    UnknownField,
    UnknownPerson,
    UnknownPurpose,
    UnknownUnit,
)
ANSWERING: tuple[type[BrokerError], ...] = (
    IllegalTransition,
    LinesMissing,
    LinesNotForSigner,
    LinesUnknown,
    NothingAnswered,
    OthersMustSign,
    OutOfTime,
    SignerHasSigned,
    SignerNotNeeded,
    SignersUnknown,
    TextDiffers,
    UnknownPerson,
)


class Query(BaseModel):
    """Closed: an unknown parameter is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ConsentsQuery(Query):
    """A page of consents: after which one, and how many."""

    after: Annotated[str, Field(pattern=r"^con_[A-Za-z0-9_-]{22}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class EventsQuery(Query):
    """A page of the feed: after which event, and how many."""

    after: Annotated[int, Field(ge=0, le=2**53)] = 0
    limit: Annotated[int, Field(ge=1, le=200)] = 100


@endpoints.post(
    "/v1/disclosures",
    "service",
    takes=Ask,
    gives=DisclosureAnswer,
    status=201,
    refuses=(
        UnknownHandle,
        UnknownPerson,
        DisclosureGone,
        HybridKeyRequired,
        NoRecipientKey,
        SubjectErased,
        TooManyReleases,
    ),
)
def disclose(given: Exchange[Ask]) -> DisclosureAnswer:
    """Ask for fields.

    The answer holds what is permitted, sealed to the asking service, and why the rest is withheld. An ask that is refused
    throughout is a disclosure too: 201, with ``outcome`` ``refused``.
    """
    return asks.disclose(given.body, call=given.call, ports=given.ports)


@endpoints.post(
    "/v1/checks", "service", takes=Ask, gives=CheckAnswer, refuses=(UnknownHandle, UnknownPerson)
)
def check(given: Exchange[Ask]) -> CheckAnswer:
    """May I?

    The decision a disclosure would get now. Nothing is released.
    """
    return asks.check(given.body, call=given.call, ports=given.ports)


@endpoints.get(
    "/v1/disclosures/{disclosure}",
    "service",
    gives=DisclosureAnswer,
    refuses=(
        UnknownDisclosure,
        DisclosureGone,
        HybridKeyRequired,
        NoRecipientKey,
        SubjectErased,
        TooManyReleases,
    ),
)
def disclosure(given: Exchange[Any]) -> DisclosureAnswer:
    """A disclosure again, while what it rests on stands."""
    return disclosures.again(
        DisclosureId(given.path["disclosure"]),
        unit=given.unit,
        language=given.language,
        ports=given.ports,
    )


@endpoints.post(
    "/v1/disclosures/{disclosure}/erasure",
    "service",
    takes=Erasure,
    gives=ErasureAnswer,
    refuses=(UnknownDisclosure, ErasureRefused),
)
def erasure(given: Exchange[Erasure]) -> ErasureAnswer:
    """Attest, signed, that what a disclosure gave has been erased."""
    identity = DisclosureId(given.path["disclosure"])
    return erasures.erased(identity, given.body, call=given.call, ports=given.ports)


@endpoints.get(
    "/v1/disclosures/{disclosure}/proof",
    "service",
    gives=ProofAnswer,
    refuses=(UnknownDisclosure, ProofPending),
)
def disclosure_proof(given: Exchange[Any]) -> ProofAnswer:
    """The proof that a disclosure stands in the log."""
    identity = DisclosureId(given.path["disclosure"])
    return disclosures.proof(identity, reader=given.unit, person=False, ports=given.ports)


@endpoints.post(
    "/v1/subjects",
    "service",
    takes=SubjectRequest,
    gives=SubjectAnswer,
    refuses=(UnknownPerson,),
)
def subject(given: Exchange[SubjectRequest]) -> SubjectAnswer:
    """A national identity number, exchanged for the service's own handle."""
    return people.resolve(given.body, call=given.call, ports=given.ports)


@endpoints.post(
    "/v1/deposits",
    "service",
    takes=Deposit,
    gives=DepositAnswer,
    status=201,
    refuses=(
        UnknownHandle,
        UnknownService,
        UnknownDepositField,
        NotASource,
        DepositBindingBroken,
        DepositKeyInvalid,
        HybridKeyRequired,
        RecordExists,
        ObservedInFuture,
        SubjectErased,
    ),
)
def deposit(given: Exchange[Deposit]) -> DepositAnswer:
    """Deposit sealed values about one subject, all or none."""
    return deposits.deposit(given.body, call=given.call, ports=given.ports)


@endpoints.post(
    "/v1/consents",
    "service",
    takes=ConsentRequest,
    gives=ConsentView,
    status=201,
    refuses=(UnknownHandle, *COMPILING),
)
def request_consent(given: Exchange[ConsentRequest]) -> ConsentView:
    """Ask for a consent.

    It is compiled into enumerated lines; nothing is granted until each is answered.
    """
    return consents.request(given.body, call=given.call, ports=given.ports)


@endpoints.post(
    "/v1/consents/{consent}/capture",
    "service",
    takes=Capture,
    gives=ConsentView,
    refuses=(UnknownConsent, FormNotHere, UnknownCategory, ObjectionTooYoung, *ANSWERING),
)
def capture(given: Exchange[Capture]) -> ConsentView:
    """Record an answer that was given out loud, or on paper."""
    identity = ConsentId(given.path["consent"])
    return consents.capture(identity, given.body, call=given.call, ports=given.ports)


@endpoints.get("/v1/consents", "service", query=ConsentsQuery, gives=Page)
def party(given: Exchange[Any]) -> Page:
    """The consents the service is party to, without others' lines."""
    query: ConsentsQuery = given.query
    return consents.party(unit=given.unit, after=query.after, limit=query.limit, ports=given.ports)


@endpoints.post(
    "/v1/meetings",
    "service",
    takes=MeetingRequest,
    gives=MeetingView,
    status=201,
    refuses=(UnknownHandle, MeetingInvalid, MeetingWithoutConsent),
)
def call_meeting(given: Exchange[MeetingRequest]) -> MeetingView:
    """Put a subject's case on the list of a collaboration's meeting; the subject is told at once."""
    return meetings.call_meeting(given.body, call=given.call, ports=given.ports)


@endpoints.get("/v1/events", "service", query=EventsQuery, gives=EventPage)
def events(given: Exchange[Any]) -> EventPage:
    """The service's feed: answered, changed, withdrawn."""
    query: EventsQuery = given.query
    return feed.events(unit=given.unit, after=query.after, limit=query.limit, ports=given.ports)


@endpoints.get("/v1/keys", "public", gives=BrokerKeys, cache="public, max-age=60")
def broker_keys(given: Exchange[Any]) -> BrokerKeys:
    """What a service needs to trust: receipt keys, the custodian's deposit key, the log's verifier key."""
    return trust.keys(given.ports)


@endpoints.get("/v1/services/{unit}/jwks", "service", refuses=(UnknownService,))
def service_keys(given: Exchange[Any]) -> Reply:
    """A unit's registered public keys (RFC 7517)."""
    return as_json(trust.service_jwks(UnitId(given.path["unit"]), given.ports))


@endpoints.post(
    "/v1/enrolments",
    "public",
    takes=Enrolment,
    gives=None,
    status=204,
    refuses=(EnrolmentRefused, HybridKeyRequired),
)
def enrol(given: Exchange[Enrolment]) -> Reply:
    """Register a unit's first public keys with the operator's one-time code.

    The code itself authenticates, once; the Idempotency-Key is required as on every POST, but a second try with a spent code is
    refused.
    """
    trust.enrol(given.body, ports=given.ports)
    return Reply()
