"""Ports: what the use cases need from the outside, each with two real adapters behind it.

Store: SQLite and PostgreSQL. Policy engine: regorus and OPA. Clock: the system's and a stepped one. The custodian's port is
``keys.custodian.Custodian``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, Protocol

from audit.contents import StoredContent
from audit.counting import Counted
from audit.entries import Entry, Promised
from audit.search import Found, Page, Search
from broker.domain.accesses import Access, Raised, SignalQuery
from broker.domain.anonymity import DEFAULT_K, Group
from broker.domain.catalogue import Catalogue
from broker.domain.consents import Consent
from broker.domain.decisions import Decision
from broker.domain.facts import Fact, Facts
from broker.domain.ids import (
    CaseId,
    ConsentId,
    DisclosureId,
    GrantId,
    InvocationId,
    MeetingId,
    PersonKey,
    Randomness,
    RecordId,
    SubjectHandle,
    SubjectId,
    UnitId,
)
from broker.domain.invocations import Invocation
from broker.domain.service_keys import ServiceKey, ServiceKeyChange
from keys.custodian import Custodian
from keys.keyring import BrokerSecrets
from tillit.contents import Volume
from tillit.wire import (
    CaseWord,
    DepositItem,
    Event,
    Gender,
    Manifest,
    Participant,
    PolicyRef,
    ProofAnswer,
    SealedField,
)
from tillit.wire.auditing import Role, Statistics

Clock = Callable[[], datetime]


# --- policy engine -----------------------------------------------------------------------------------


class SignerQuestion(Fact):
    """Who must sign, per category, for a subject of this age with this many guardians, in a collaboration or (empty) none."""

    age: int
    guardians: int
    guardians_rule: Literal["one", "all"]
    categories: tuple[str, ...]
    collaboration: str = ""


class SignersNeeded(Fact):
    """The signatures one category needs: the subject's, so many guardians', and whether the child must be heard."""

    subject: bool
    guardians: int
    child_heard: bool


class PolicyEngine(Protocol):
    """Decides. ``EngineDown`` means it could not be asked; an unusable answer is a decision with ``policy.error``."""

    policy: PolicyRef

    def decide(self, facts: Facts) -> Decision:
        """Answer every asked field. Raises ``broker.errors.EngineDown``."""
        ...

    def signers(self, question: SignerQuestion) -> Mapping[str, SignersNeeded]:
        """Category → signatures needed. Raises ``broker.errors.EngineDown``."""
        ...


# --- population register -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """What the population register says. ``guardians`` and ``wards`` are keyed hashes, as everywhere."""

    born: date
    guardians: tuple[PersonKey, ...]
    wards: tuple[PersonKey, ...]
    address_protection: Literal["none", "confidential", "strictly_confidential"]


class Register(Protocol):
    """The population register, asked by keyed hash of the national identity number."""

    def person(self, key: PersonKey) -> Person | None:
        """The person, or None when the register knows nobody by that number. Raises ``RegisterDown``."""
        ...

    def count(self, group: Group) -> int:
        """How many people the group is. Raises ``RegisterDown``."""
        ...


# --- store -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deposited:
    """Where the newest value of a field from one source lies."""

    record: RecordId
    source: UnitId
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class SealedReceipt:
    """A receipt as it is kept: sealed, and the volume whose key opens it, None when that was erased."""

    volume: Volume | None
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A decided ask as it is kept: facts and decision for replay, manifest and receipt for the recipient.

    ``receipt`` is empty where ``sealed_receipt`` is there (``broker.usecases.receipts`` opens it). ``told_at``: before then the
    subject is not shown it, None when at once. ``manifest_bytes``: the
    manifest's JCS form, for who has it at hand.
    """

    id: DisclosureId
    subject: SubjectId
    recipient: UnitId
    at: datetime
    facts: Facts
    decision: Decision
    manifest: Manifest
    manifest_hash: bytes
    receipt: str
    leaf_hash: bytes
    told_at: datetime | None = None
    sealed_receipt: SealedReceipt | None = field(default=None, compare=False)
    manifest_bytes: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Objection:
    """A category that the subject speaks against sharing; ``recorded_by`` is the unit that wrote it down, if one did."""

    category: str
    at: datetime
    recorded_by: UnitId | None = None


@dataclass(frozen=True, slots=True)
class Meeting:
    """A registered meeting about one subject."""

    id: MeetingId
    subject: SubjectId
    collaboration: str
    called_by: UnitId
    held_at: datetime
    noticed_at: datetime
    participants: tuple[Participant, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the subject is told (N3). ``kind``: released, refused, requested, captured, meeting, withdrawn and so on.

    ``told_at``: not before then, None when at once.
    """

    kind: str
    at: datetime
    unit: UnitId
    consent: ConsentId | None = None
    disclosure: DisclosureId | None = None
    meeting: MeetingId | None = None
    invocation: InvocationId | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """The point that a case has reached in a collaboration's pathway: since when, and which unit said so."""

    number: int
    at: datetime
    unit: UnitId


@dataclass(frozen=True, slots=True)
class Due:
    """A consent or a disclosure that time may have changed, and since when."""

    look_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Case:
    """An anonymous case: closed words, and the unit that told it. No subject, no date."""

    id: CaseId
    collaboration: str
    told_by: UnitId
    age_band: str
    gender: Gender | None
    municipality: str
    topics: tuple[CaseWord, ...]
    needs: tuple[CaseWord, ...]


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was answered to an idempotency key: the body's keyed hash, and the answer to repeat."""

    body_mac: bytes
    answer: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A bundle that is or was in force: its rules and facts as canonical JSON, and the signatures it was loaded with."""

    digest: str
    version: str
    content: str
    signatures: tuple[str, ...]
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision as it was written down; ``facts`` and ``decision`` are JSON, ``position`` ascends."""

    position: int
    disclosure: DisclosureId
    subject: str
    facts: str
    decision: str


@dataclass(frozen=True, slots=True)
class Gap:
    """What a unit asked for that no rule knows: first, last, and how often."""

    kind: str
    asked: str
    unit: str
    first_at: datetime
    last_at: datetime
    times: int


class Transaction(Protocol):
    """One database transaction; everything in it is committed together or not at all.

    Methods that take a unit take it first: whose data. They never find another unit's handle or consent.
    """

    # subjects and handles
    def subject_by_person(self, person: PersonKey) -> SubjectId | None: ...
    def add_subject(self, subject: SubjectId, person: PersonKey, *, at: datetime) -> None: ...
    def person_of(self, subject: SubjectId) -> PersonKey: ...
    def handle(self, unit: UnitId, subject: SubjectId) -> SubjectHandle | None: ...
    def add_handle(self, unit: UnitId, subject: SubjectId, handle: SubjectHandle) -> None: ...
    def subject_of(self, unit: UnitId, handle: SubjectHandle) -> SubjectId | None: ...
    def handles(self, subject: SubjectId) -> Sequence[tuple[UnitId, SubjectHandle]]: ...

    # services
    def add_enrolment(self, unit: UnitId, code_sha256: bytes, *, expires_at: datetime) -> None: ...
    def spend_enrolment(self, unit: UnitId, code_sha256: bytes, *, at: datetime) -> bool: ...
    def add_service_keys(self, keys: Sequence[ServiceKey], *, at: datetime) -> None: ...
    def service_keys(self, unit: UnitId) -> Sequence[ServiceKey]: ...
    def units_with_keys(self) -> Sequence[UnitId]: ...
    def end_service_key(self, unit: UnitId, kid: str, *, at: datetime) -> None: ...
    def revoke_service_key(self, unit: UnitId, kid: str, *, at: datetime) -> bool: ...
    def add_service_key_change(self, change: ServiceKeyChange) -> None: ...
    def service_key_changes(self, unit: UnitId) -> Sequence[ServiceKeyChange]: ...
    def spend_assertion(self, client: str, jti: str, *, expires_at: datetime) -> bool: ...

    # records
    def add_records(
        self, subject: SubjectId, source: UnitId, items: Sequence[DepositItem], *, at: datetime
    ) -> None: ...
    def has_record(self, record: RecordId) -> bool: ...
    def records_of(
        self, subject: SubjectId, *, after: RecordId, limit: int
    ) -> Mapping[RecordId, SealedField]: ...
    def rewrap_record(self, subject: SubjectId, record: RecordId, sealed: SealedField) -> None: ...
    def newest(
        self, subject: SubjectId, fields: Iterable[str]
    ) -> Mapping[str, Sequence[Deposited]]: ...
    def sealed(
        self, subject: SubjectId, records: Iterable[RecordId]
    ) -> Mapping[RecordId, SealedField]: ...

    # consents
    def add_consent(self, consent: Consent) -> None: ...
    def save_consent(self, consent: Consent, *, was: int) -> None: ...
    def consent(self, consent: ConsentId) -> Consent | None: ...
    def consents_of(self, subject: SubjectId) -> Sequence[Consent]: ...
    def family_consents_by(self, subject: SubjectId) -> Sequence[Consent]: ...
    def family_consents_about(self, subject: SubjectId) -> Sequence[Consent]: ...
    def consents_party(
        self, unit: UnitId, *, after: str | None, limit: int
    ) -> Sequence[Consent]: ...
    def use_grant(
        self, consent: ConsentId, version: int, grant: GrantId, disclosure: DisclosureId
    ) -> bool: ...
    def used_grants(
        self, consents: Iterable[ConsentId]
    ) -> frozenset[tuple[ConsentId, GrantId]]: ...

    # disclosures and meetings
    def add_disclosure(self, disclosure: Disclosure) -> None: ...
    def disclosure(self, disclosure: DisclosureId) -> Disclosure | None: ...
    def how_many_receipts_wait(self) -> int: ...
    def seal_receipts(self, *, limit: int) -> int: ...
    def disclosures_after(
        self, position: int, *, limit: int
    ) -> Sequence[tuple[int, Disclosure]]: ...
    def disclosures_about(
        self, subject: SubjectId, *, before: str | None, limit: int, at: datetime
    ) -> Sequence[Disclosure]: ...
    def add_erasure(
        self, disclosure: DisclosureId, attestation: str, *, erased_at: datetime
    ) -> bool: ...
    def erased(self, disclosures: Iterable[DisclosureId]) -> Mapping[DisclosureId, datetime]: ...
    def add_meeting(self, meeting: Meeting) -> None: ...
    def meeting(self, meeting: MeetingId) -> Meeting | None: ...

    # pathways
    def set_stage(self, subject: SubjectId, collaboration: str, stage: Stage) -> None: ...
    def stage(self, subject: SubjectId, collaboration: str) -> Stage | None: ...

    # statutes and objections
    def add_invocation(self, invocation: Invocation) -> None: ...
    def save_invocation(self, invocation: Invocation, *, was: int) -> None: ...
    def invocation(self, invocation: InvocationId) -> Invocation | None: ...
    def invocations_towards(
        self, unit: UnitId, subject: SubjectId, *, since: datetime
    ) -> Sequence[Invocation]: ...
    def invocations_by(
        self, unit: UnitId, *, after: str | None, limit: int, open_reviews: bool
    ) -> Sequence[Invocation]: ...
    def add_objection(self, subject: SubjectId, objection: Objection) -> bool: ...
    def remove_objection(self, subject: SubjectId, category: str) -> bool: ...
    def objections(self, subject: SubjectId) -> Sequence[Objection]: ...

    # what time does by itself
    def consents_due(self, *, at: datetime, after: Due | None, limit: int) -> Sequence[Due]: ...
    def disclosures_due(self, *, at: datetime, after: Due | None, limit: int) -> Sequence[Due]: ...
    def due(self, *, at: datetime) -> int: ...
    def look_at_consent(
        self, consent: ConsentId, version: int, *, now: datetime, then: datetime | None
    ) -> None: ...
    def look_at_disclosure(
        self, disclosure: DisclosureId, *, now: datetime, then: datetime | None
    ) -> None: ...
    def tell_once(self, subject: SubjectId, what: str) -> bool: ...

    # anonymous cases
    def add_case(self, case: Case, *, claim_sha256: bytes) -> None: ...
    def cases(self, collaboration: str, *, after: str | None, limit: int) -> Sequence[Case]: ...
    def claim_case(
        self, claim_sha256: bytes, subject: SubjectId, *, at: datetime
    ) -> Case | None: ...

    # notices, feed
    def add_notice(self, subject: SubjectId, notice: Notice) -> None: ...
    def notices(self, subject: SubjectId, *, limit: int, at: datetime) -> Sequence[Notice]: ...
    def add_event(self, unit: UnitId, event: Event) -> None: ...
    def events(self, unit: UnitId, *, after: int, limit: int) -> Sequence[Event]: ...

    # idempotency
    def remembered(self, client: str, key: str) -> Remembered | None: ...
    def remember(self, client: str, key: str, remembered: Remembered, *, at: datetime) -> None: ...

    # policies
    def add_bundle(self, bundle: Loaded) -> None: ...
    def in_force(self) -> str | None: ...
    def bundle(self, digest: str) -> Loaded | None: ...
    def recorded(self, *, after: int, limit: int) -> Sequence[Recorded]: ...
    def how_many_recorded(self) -> int: ...
    def count_gap(self, kind: str, asked: str, unit: str, *, at: datetime) -> None: ...
    def gaps(self) -> Sequence[Gap]: ...

    # auditors
    def set_auditor(self, unit: UnitId, role: Role, *, at: datetime) -> None: ...
    def auditor_role(self, unit: UnitId) -> Role: ...
    def search(self, asked: Search) -> Page: ...
    def entry_at(self, index: int) -> Found | None: ...
    def counted(
        self, since: datetime, until: datetime, *, after: int, limit: int
    ) -> Sequence[Counted]: ...
    def requested_between(
        self, since: datetime, until: datetime, *, after: str, limit: int
    ) -> Sequence[Consent]: ...
    def asked_between(
        self, unit: UnitId, subject: SubjectId, since: datetime, until: datetime
    ) -> bool: ...
    def add_statistics(self, counted: Statistics) -> None: ...
    def statistics(self, month: str, topic: str) -> Statistics | None: ...
    def looked_up_to(self) -> int: ...
    def look_up_to(self, position: int, *, was: int) -> None: ...
    def add_access(self, one: Access) -> None: ...
    def accesses_by(self, actor: str, *, since: datetime) -> list[Access]: ...
    def accesses_about(self, subject: str, unit: UnitId, *, since: datetime) -> list[Access]: ...
    def forget_access(self, *, before: datetime) -> None: ...
    def forget_signals(self, *, before: datetime) -> None: ...
    def add_signal(self, raised: Raised, *, once: str) -> bool: ...
    def signal(self, identity: str) -> Raised | None: ...
    def signals(self, asked: SignalQuery) -> Sequence[Raised]: ...
    def places(self, leaves: Sequence[bytes]) -> Sequence[int]: ...
    def counted_months(self) -> frozenset[tuple[str, str]]: ...

    # the log
    def append(self, entry: Entry) -> Promised: ...
    def proof(self, leaf_hash: bytes) -> ProofAnswer | None: ...
    def stored_contents(self, leaf_hashes: Sequence[bytes]) -> Sequence[StoredContent]: ...
    def how_many_unsealed(self) -> int: ...
    def seal_waiting(self, *, limit: int) -> int: ...

    # forgetting
    def log_epochs(self) -> Mapping[str, bool]: ...
    def add_log_epoch(self, epoch: str, jwk: Mapping[str, Any] | None) -> None: ...
    def end_log_epoch(self, epoch: str) -> bool: ...
    def erase_log_epoch(self, epoch: str, *, limit: int) -> int: ...
    def erase_subject(self, subject: SubjectId) -> int: ...


class Store(Protocol):
    """SQLite or PostgreSQL behind one suite. Every method raises ``broker.errors.StoreDown`` when it cannot answer."""

    def write(self) -> AbstractContextManager[Transaction]:
        """A transaction that commits on leaving, and rolls back on any exception."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent snapshot; nothing is written."""
        ...

    def hold(
        self, consents: Sequence[tuple[ConsentId, int]]
    ) -> AbstractContextManager[Transaction | None]:
        """Hold the named consents still while something is released on them.

        Yields a transaction to read in, or None when one of them is no longer active at the named version. While held, no
        ``save_consent`` of theirs commits, on any process: this is what makes a withdrawal final once it has returned.
        """
        ...


# --- all of them ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ports:
    """What a use case may reach, put together once in ``broker.compose``.

    ``randomness`` is ``os.urandom`` but in tests; ``origin`` names the log; ``issuer`` names the broker; an anonymous
    case could be about ``anonymity_k`` people at least; with ``post_quantum`` nothing is sealed to a key that quantum
    computers break.
    """

    store: Store
    engine: PolicyEngine
    custodian: Custodian
    secrets: BrokerSecrets
    register: Register
    catalogue: Catalogue
    clock: Clock
    randomness: Randomness
    origin: str
    issuer: str
    anonymity_k: int = DEFAULT_K
    post_quantum: bool = False
