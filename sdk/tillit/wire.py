"""The wire: every JSON shape that crosses between a service and the broker (design.md §§ 3, 4, 8).

Models are frozen and closed (an unknown member is an error). They check form and bounds only: whether a field, purpose,
service or collaboration *exists* is the policy's question, answered as a ``gap.*`` reason, never as a malformed ask.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 12
MAX_FIELDS = 200
MAX_GRANTS = 500
MAX_SEALED_CHARS = 512 * 1024

T = TypeVar("T")


def _distinct(items: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(items)) != len(items):
        raise ValueError("an item stands twice")
    return items


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
GrantId = Annotated[str, StringConstraints(pattern=r"^g[1-9][0-9]{0,3}$")]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=60)]
Base64Url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
Language = Literal["nb", "nn", "en"]
Basis = Literal[
    "measured",
    "stated_by_subject",
    "professional_assessment",
    "diagnosis_by_clinician",
    "derived",
]
FieldNames = Annotated[
    tuple[FieldName, ...], Field(min_length=1, max_length=MAX_FIELDS), AfterValidator(_distinct)
]


class Wire(BaseModel):
    """Frozen and closed: what is not named is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64")


# --- who and why ---------------------------------------------------------------------------------


class Actor(Wire):
    """The person at a service, as the service vouches for: an opaque id and a role, never a name."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    role: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]


class Ask(Wire):
    """A service's request for fields about a subject for a purpose.

    ``source`` narrows the ask to what one unit has deposited; ``meeting`` names the meeting it is for.
    """

    subject: SubjectHandle
    fields: FieldNames
    purpose: PurposeId
    actor: Actor
    collaboration: CollaborationId | None = None
    meeting: MeetingId | None = None
    source: UnitId | None = None


class Reason(Wire):
    """Why a field is withheld: a code of the closed list and its text in the caller's language."""

    code: ReasonCode
    text: str


class Ground(Wire):
    """Why a field may be shared: for ``consent``, ``id`` and ``version`` name the consent, ``grant`` its line."""

    kind: Literal["consent", "statute", "emergency", "own_access"]
    id: str
    version: int
    grant: str
    source: UnitId


class Obligations(Wire):
    """What the recipient takes on with the values. ``erase_after`` is an ISO 8601 duration."""

    notify: Literal["immediate", "digest", "delayed"]
    erase_after: Annotated[str, StringConstraints(pattern=r"^P[1-9][0-9]{0,3}D$")]
    onward_sharing: bool
    journal: bool


class PolicyRef(Wire):
    """The bundle that decided: its version and ``sha256:`` digest in hex."""

    version: str
    digest: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


# --- sealed fields (design.md § 4) -----------------------------------------------------------------


class RecipientHeader(Wire):
    """The per-recipient, unprotected part of a sealed field: under whose key its content key is wrapped."""

    alg: Literal["A256KW"]
    kid: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SealedField(Wire):
    """A flattened JWE (RFC 7516 § 7.2.2) around the source's JWS. ``aad`` is JCS of {v, field, record, source}.

    Re-addressing replaces ``header`` and ``encrypted_key``; the other members never change.
    """

    protected: Annotated[Base64Url, Field(min_length=1, max_length=400)]
    header: RecipientHeader
    encrypted_key: Annotated[Base64Url, Field(min_length=54, max_length=54)]
    aad: Annotated[Base64Url, Field(min_length=1, max_length=600)]
    iv: Annotated[Base64Url, Field(min_length=16, max_length=16)]
    ciphertext: Annotated[Base64Url, Field(min_length=1, max_length=MAX_SEALED_CHARS)]
    tag: Annotated[Base64Url, Field(min_length=22, max_length=22)]


class SealedKey(Wire):
    """A disclosure or deposit key, sealed to one reader and bound to one manifest.

    ``ECDH-ES+A256KW``: ``jwe`` is a compact JWE (X25519) with ``apv`` = SHA-256(JCS(manifest)).
    ``HPKE-MLKEM768-X25519``: ``jwe`` is base64url of enc ‖ ct (RFC 9180 base mode), ``info`` = the same hash.
    """

    alg: Literal["ECDH-ES+A256KW", "HPKE-MLKEM768-X25519"]
    kid: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    jwe: Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class DepositItem(Wire):
    """One sealed value with what the broker must know of it: when it was observed."""

    observed_at: AwareDatetime
    sealed: SealedField


class Deposit(Wire):
    """A source's sealed values about one subject, content keys wrapped under a key sealed to the custodian."""

    subject: SubjectHandle
    key: SealedKey
    items: Annotated[tuple[DepositItem, ...], Field(min_length=1, max_length=MAX_FIELDS)]


class DepositAnswer(Wire):
    """The records that now hold the deposited values."""

    deposited: dict[FieldName, RecordId]


class ManifestField(Wire):
    """Which record a disclosed field is, from whom, observed when."""

    record: RecordId
    source: UnitId
    observed_at: AwareDatetime


class ManifestConsent(Wire):
    """A consent the disclosure rests on, at the version that was in force."""

    id: ConsentId
    version: int


class DepositManifest(Wire):
    """What a deposit key is bound to (its JCS hash is the ``apv``): change one member and nothing is admitted."""

    v: Literal[1]
    source: UnitId
    subject: SubjectHandle
    fields: dict[FieldName, RecordId]


class Manifest(Wire):
    """What a disclosure key is bound to (its JCS hash is the ``apv`` or ``info``): change one member and nothing opens."""

    v: Literal[1]
    disclosure: DisclosureId
    recipient: UnitId
    subject: SubjectHandle
    purpose: PurposeId
    collaboration: CollaborationId | None
    meeting: MeetingId | None
    fields: dict[FieldName, ManifestField]
    consents: tuple[ManifestConsent, ...]
    policy: PolicyRef
    obligations: Obligations
    issued_at: AwareDatetime
    expires_at: AwareDatetime


# --- asks answered -----------------------------------------------------------------------------------

Outcome = Literal["released", "partly_released", "refused"]


class CheckAnswer(Wire):
    """``POST /v1/checks``: the decision, nothing released, nothing written but the log entry."""

    outcome: Outcome
    permitted: dict[FieldName, tuple[Ground, ...]]
    withheld: dict[FieldName, tuple[Reason, ...]]
    obligations: Obligations
    stable_until: AwareDatetime | None
    policy: PolicyRef


class DisclosureAnswer(Wire):
    """``POST /v1/disclosures``: sealed fields, withheld fields with reasons, manifest, obligations, receipt.

    ``key`` is absent when nothing was released. ``receipt`` is a compact JWS by the broker (see ``tillit.receipts``).
    """

    id: DisclosureId
    outcome: Outcome
    sealed: dict[FieldName, SealedField]
    key: SealedKey | None
    grounds: dict[FieldName, tuple[Ground, ...]]
    withheld: dict[FieldName, tuple[Reason, ...]]
    manifest: Manifest
    stable_until: AwareDatetime | None
    receipt: str


# --- log ---------------------------------------------------------------------------------------------


class Statement(Wire):
    """What a disclosure's log leaf commits to, and what the receipt repeats. ``decision``: field → "permit" or codes.

    ``manifest`` is base64url SHA-256(JCS(manifest)).
    """

    type: Literal["disclosure"]
    id: DisclosureId
    at: AwareDatetime
    recipient: UnitId
    actor: Actor
    subject: SubjectHandle
    purpose: PurposeId
    collaboration: CollaborationId | None
    meeting: MeetingId | None
    outcome: Outcome
    manifest: Sha256
    decision: dict[FieldName, Literal["permit"] | tuple[ReasonCode, ...]]
    policy: PolicyRef


class Promise(Wire):
    """The log's word that an entry will stand in the tree: the leaf's time and the salt of its commitment."""

    origin: str
    at: AwareDatetime
    salt: Sha256


class Receipt(Wire):
    """The payload of a receipt JWS (EdDSA, typ ``tillit-receipt+jws``)."""

    v: Literal[1]
    iss: str
    statement: Statement
    promise: Promise


class ProofAnswer(Wire):
    """``GET /v1/disclosures/{id}/proof``: inclusion of the leaf in the tree that ``checkpoint`` signs (C2SP)."""

    index: int
    leaf_hash: Sha256
    path: tuple[Sha256, ...]
    checkpoint: str


# --- consents ----------------------------------------------------------------------------------------


class Condition(Wire):
    """When a grant holds: always, once, or for one meeting."""

    kind: Literal["standing", "once", "meeting"] = "standing"
    meeting: MeetingId | None = None


class ConsentRequest(Wire):
    """Ask for a consent from a collaboration's template (or, with no collaboration, between two units).

    ``services`` are the units involved, the requester among them; ``categories`` and ``fields`` say what; the broker
    compiles them into enumerated grants. ``valid_days``: 1 to 366, bounded further by the collaboration.
    """

    subject: SubjectHandle
    collaboration: CollaborationId | None
    services: Annotated[
        tuple[UnitId, ...], Field(min_length=2, max_length=40), AfterValidator(_distinct)
    ]
    purposes: Annotated[
        tuple[PurposeId, ...], Field(min_length=1, max_length=10), AfterValidator(_distinct)
    ]
    categories: Annotated[
        tuple[CategoryId, ...], Field(max_length=20), AfterValidator(_distinct)
    ] = ()
    fields: Annotated[tuple[FieldName, ...], Field(max_length=100), AfterValidator(_distinct)] = ()
    condition: Condition = Condition()
    valid_days: Annotated[int, Field(ge=1, le=366)] | None = None
    language: Language = "nb"
    actor: Actor


Answer = Literal["yes", "no"]


class GrantView(Wire):
    """One enumerated line of a consent. ``fields`` empty means the whole category, up to the purpose's ceiling."""

    id: GrantId
    source: UnitId
    recipient: UnitId
    category: CategoryId
    fields: tuple[FieldName, ...]
    purpose: PurposeId
    condition: Condition
    special: bool
    answer: Answer | None
    text: str


class ConsentView(Wire):
    """A consent as one party may see it: a service sees only the grants it is source or recipient of."""

    id: ConsentId
    version: int
    state: Literal[
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
    collaboration: CollaborationId | None
    requested_by: UnitId
    requested_at: AwareDatetime
    valid_from: AwareDatetime | None
    valid_until: AwareDatetime
    language: Language
    text: str
    text_sha256: Sha256
    grants: tuple[GrantView, ...]
    waiting_for: tuple[str, ...]


Answers = Annotated[dict[GrantId, Answer], Field(min_length=1, max_length=MAX_GRANTS)]


class Capture(Wire):
    """An answer a professional records (N2): who answered, what was read out (its hash), when, line by line.

    ``signer`` is ``subject`` or ``guardian``; ``child_heard`` records that a child below the age was heard.
    """

    method: Literal["oral"]
    signer: Literal["subject", "guardian"]
    read_out: Sha256
    answered_at: AwareDatetime
    answers: Answers
    actor: Actor
    child_heard: bool = False


class DigitalAnswer(Wire):
    """The signer's own answer, line by line; ``read`` is the hash of the text that was shown.

    ``subject`` is given by a guardian who answers for a ward; ``child_heard`` then records that the child was heard.
    """

    read: Sha256
    answers: Answers
    child_heard: bool = False


class Withdrawal(Wire):
    """Withdraw the whole consent, or (``grants`` given) narrow it by those lines."""

    grants: Annotated[
        tuple[GrantId, ...], Field(max_length=MAX_GRANTS), AfterValidator(_distinct)
    ] = ()


# --- meetings, events, catalogue ---------------------------------------------------------------------


class Participant(Wire):
    """Who takes part, by unit and role; never by name."""

    unit: UnitId
    role: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]


class MeetingRequest(Wire):
    """A meeting of a collaboration about one subject, who is told of it at once (N22)."""

    collaboration: CollaborationId
    subject: SubjectHandle
    held_at: AwareDatetime
    participants: Annotated[tuple[Participant, ...], Field(min_length=2, max_length=40)]
    actor: Actor


class MeetingView(Wire):
    """A registered meeting."""

    id: MeetingId
    collaboration: CollaborationId
    held_at: AwareDatetime
    participants: tuple[Participant, ...]


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
    at: AwareDatetime
    subject: SubjectHandle | None
    consent: ConsentId | None = None
    disclosure: DisclosureId | None = None
    meeting: MeetingId | None = None
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
    """``GET /v1/keys``: what a service needs to trust: receipt keys, the custodian's deposit key, the log's vkey."""

    issuer: str
    receipts: dict[str, Any]
    custodian: dict[str, Any]
    log: str


# --- what the subject sees (design.md § 8, /v1/me) -----------------------------------------------------


class MyField(Wire):
    """One field of a disclosure as the subject sees it: shared from which source on which ground, or why not."""

    shared: bool
    source: UnitId | None
    grounds: tuple[Ground, ...]
    reasons: tuple[Reason, ...]


class MyDisclosure(Wire):
    """An ask about the subject, released or refused: who, in what role, why, and what came of it."""

    id: DisclosureId
    at: AwareDatetime
    recipient: UnitId
    role: str
    purpose: PurposeId
    collaboration: CollaborationId | None
    meeting: MeetingId | None
    outcome: Outcome
    fields: dict[FieldName, MyField]
    receipt: str


class MyDisclosures(Wire):
    """A page of disclosures, newest first; ``next`` is the cursor to pass as ``before``."""

    disclosures: tuple[MyDisclosure, ...]
    next: str | None


class MyNotice(Wire):
    """Something the subject was told. ``kind``: released, requested, captured, meeting, withdrawn and so on."""

    kind: Annotated[str, StringConstraints(pattern=r"^[a-z_]+$")]
    at: AwareDatetime
    unit: UnitId
    consent: ConsentId | None = None
    disclosure: DisclosureId | None = None
    meeting: MeetingId | None = None


class MyNotices(Wire):
    """The latest notices, newest first."""

    notices: tuple[MyNotice, ...]


class MyConsents(Wire):
    """Every consent the subject has been asked for, newest first."""

    consents: tuple[ConsentView, ...]


class Problem(BaseModel):
    """RFC 9457 problem details with Tillit's stable ``code``."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
