"""What the store keeps and gives: values, each as one use case wrote it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from broker.domain.contacts import Contact
from broker.domain.decisions import Decision
from broker.domain.facts import Facts
from broker.domain.ids import (
    CaseId,
    ConsentId,
    DisclosureId,
    HelperId,
    InvocationId,
    MeetingId,
    RecordId,
    SubjectId,
    UnitId,
)
from broker.domain.noticing import How
from tillit.contents import Volume
from tillit.wire import CaseWord, CategoryId, ContestFinding, Gender, Manifest, Participant


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
class Reached:
    """A contact, and its address as it is kept: sealed, and the volume whose key opens it, None when that was erased."""

    contact: Contact
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
class Sought:
    """Which disclosures are looked for: of a time, by a recipient, only refused ones or those in an emergency."""

    since: datetime | None = None
    until: datetime | None = None
    recipient: UnitId | None = None
    only: Literal["refused", "emergency"] | None = None


EVERY = Sought()


@dataclass(frozen=True, slots=True)
class Objection:
    """A category that the subject speaks against sharing; ``recorded_by`` is the unit that wrote it down, if one did."""

    category: str
    at: datetime
    recorded_by: UnitId | None = None


@dataclass(frozen=True, slots=True)
class Contest:
    """A record that the subject contests, the record of what they say to it, and what its source says to that."""

    record: RecordId
    field: str
    source: UnitId
    objection: RecordId
    at: datetime
    finding: ContestFinding | None = None
    answered_at: datetime | None = None


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
    agenda: tuple[CategoryId, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the subject is told (N3). ``kind``: released, refused, requested, captured, meeting, withdrawn and so on.

    ``unit`` did it, or the subject's ``helper``. ``told_at``: not before then, None when at once. An ``urgent`` one waits for
    no digest. ``how`` and ``due_at`` are the store's to say: by the subject's choice; None while it waits for the digest.
    """

    kind: str
    at: datetime
    unit: UnitId | None
    consent: ConsentId | None = None
    disclosure: DisclosureId | None = None
    meeting: MeetingId | None = None
    invocation: InvocationId | None = None
    told_at: datetime | None = None
    helper: HelperId | None = None
    urgent: bool = field(default=False, compare=False)
    how: How = field(default="at_once", compare=False)
    due_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Addressed:
    """A notice that waits to be handed on, about which subject; ``position`` names it."""

    position: int
    subject: SubjectId
    notice: Notice


@dataclass(frozen=True, slots=True)
class ChosenNotice:
    """How a subject is told of what a unit does, and since when."""

    unit: UnitId
    how: How
    at: datetime


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
