"""Tables: what is kept, and of whom only keyed hashes and random ids. No values in clear, no names.

The rows are SQLModel classes so that their shape is typed; queries run on their Core tables. They
never leave the store.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970 UTC: exact, ordered, the same in both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """To the database. A naive datetime is a bug and raises."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """From the database."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Row(SQLModel):
    """Base of the rows, with metadata of their own."""

    metadata: ClassVar[MetaData] = MetaData()


def number() -> Column[int]:
    """A number given by the database, ascending."""
    number = BigInteger().with_variant(Integer, "sqlite")
    return Column("position", number, primary_key=True, autoincrement=True)


def _look_at() -> Any:
    return Field(sa_type=Instant, sa_column_kwargs={"server_default": "0"})


class SubjectRow(Row, table=True):
    """A subject: a random id for a keyed hash of the national identity number."""

    __tablename__ = "subject"

    id: str = Field(primary_key=True)
    person: str = Field(unique=True)
    added_at: datetime = Field(sa_type=Instant)


class HandleRow(Row, table=True):
    """A unit's own, pairwise handle for a subject."""

    __tablename__ = "handle"
    __table_args__ = (UniqueConstraint("unit", "subject"),)

    unit: str = Field(primary_key=True)
    handle: str = Field(primary_key=True)
    subject: str = Field(foreign_key="subject.id", index=True)


class EnrolmentRow(Row, table=True):
    """A one-time code, by its hash, with which a unit may register keys."""

    __tablename__ = "enrolment"

    unit: str = Field(primary_key=True)
    code_sha256: bytes = Field(primary_key=True, sa_type=LargeBinary)
    expires_at: datetime = Field(sa_type=Instant)
    spent_at: datetime | None = Field(default=None, sa_type=Instant)


class ServiceKeyRow(Row, table=True):
    """A public key of a unit."""

    __tablename__ = "service_key"
    __table_args__ = (UniqueConstraint("unit", "kid"),)

    position: int | None = Field(default=None, sa_column=number())
    unit: str
    kid: str
    use: str
    jwk: str = Field(sa_type=Text)
    added_at: datetime = Field(sa_type=Instant)
    ends_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class ServiceKeyChangeRow(Row, table=True):
    """A change of a unit's keys as its log entry has it: public, so that everybody can check it against the log."""

    __tablename__ = "service_key_change"
    __table_args__ = (Index("service_key_change_unit", "unit", "position"),)

    position: int | None = Field(default=None, sa_column=number())
    unit: str
    type: str
    at: datetime = Field(sa_type=Instant)
    content: str = Field(sa_type=Text)
    salt: bytes = Field(sa_type=LargeBinary)
    leaf_hash: bytes = Field(sa_type=LargeBinary)


class AssertionRow(Row, table=True):
    """A client assertion that has been used, kept until it would have expired."""

    __tablename__ = "assertion"

    client: str = Field(primary_key=True)
    jti: str = Field(primary_key=True)
    expires_at: datetime = Field(sa_type=Instant, index=True)


class RecordRow(Row, table=True):
    """One deposited value, sealed under the subject's key."""

    __tablename__ = "record"

    id: str = Field(primary_key=True)
    subject: str = Field(foreign_key="subject.id", index=True)
    source: str
    field: str
    observed_at: datetime = Field(sa_type=Instant)
    added_at: datetime = Field(sa_type=Instant)
    sealed: str = Field(sa_type=Text)


class NewestRow(Row, table=True):
    """Which record of a field is the newest from a source."""

    __tablename__ = "newest"

    subject: str = Field(primary_key=True, foreign_key="subject.id")
    field: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    record: str = Field(foreign_key="record.id")
    observed_at: datetime = Field(sa_type=Instant)


class ConsentRow(Row, table=True):
    """A consent at its present version. ``body`` is all of it, the other columns are for queries.

    ``about`` is the subject in whose record it stands, where a member of the family is asked.
    ``look_at``: when time alone may next change it; what a release that does not know the column adds is looked at soon.
    """

    __tablename__ = "consent"
    __table_args__ = (Index("consent_look_at", "look_at", "id"),)

    id: str = Field(primary_key=True)
    subject: str = Field(foreign_key="subject.id", index=True)
    version: int
    state: str
    body: str = Field(sa_type=Text)
    about: str | None = Field(default=None, index=True)
    look_at: datetime = _look_at()


class PartyRow(Row, table=True):
    """A unit that a consent concerns."""

    __tablename__ = "party"
    __table_args__ = (
        UniqueConstraint("unit", "consent"),
        Index("party_unit_position", "unit", "position"),
    )

    position: int | None = Field(default=None, sa_column=number())
    unit: str
    consent: str = Field(foreign_key="consent.id", index=True)


class UsedGrantRow(Row, table=True):
    """A single-use grant that a disclosure has used up."""

    __tablename__ = "used_grant"

    consent: str = Field(primary_key=True, foreign_key="consent.id")
    line: str = Field(primary_key=True)
    version: int
    disclosure: str


class DisclosureRow(Row, table=True):
    """A decided ask, with what is needed to decide it again. ``look_at``: when what it gave should be erased.

    ``receipt`` is empty but in rows of releases before, until they are sealed. ``outcome`` and ``emergency`` are the
    decision's, for queries; empty in rows that a release before has written since they were filled in.
    """

    __tablename__ = "disclosure"
    __table_args__ = (
        Index("disclosure_subject_position", "subject", "position"),
        Index("disclosure_subject_recipient", "subject", "recipient", "told_at"),
        Index("disclosure_look_at", "look_at", "id"),
        Index(
            "disclosure_receipt_waiting",
            "position",
            sqlite_where=text("receipt <> ''"),
            postgresql_where=text("receipt <> ''"),
        ),
    )

    position: int | None = Field(default=None, sa_column=number())
    id: str = Field(unique=True)
    subject: str = Field(foreign_key="subject.id")
    recipient: str
    at: datetime = Field(sa_type=Instant)
    facts: str = Field(sa_type=Text)
    decision: str = Field(sa_type=Text)
    manifest: str = Field(sa_type=Text)
    manifest_hash: bytes = Field(sa_type=LargeBinary)
    receipt: str = Field(sa_type=Text)
    receipt_volume: bytes | None = Field(default=None, sa_type=LargeBinary)
    receipt_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    leaf_hash: bytes = Field(sa_type=LargeBinary)
    told_at: datetime | None = Field(default=None, sa_type=Instant)
    outcome: str | None = None
    emergency: bool | None = None
    look_at: datetime = _look_at()


class ErasureRow(Row, table=True):
    """A recipient's attestation that it has erased what a disclosure gave it."""

    __tablename__ = "erasure"

    disclosure: str = Field(primary_key=True, foreign_key="disclosure.id")
    attestation: str = Field(sa_type=Text)
    erased_at: datetime = Field(sa_type=Instant)


class MeetingRow(Row, table=True):
    """A meeting about one subject."""

    __tablename__ = "meeting"
    __table_args__ = (Index("meeting_subject_held_at", "subject", "held_at"),)

    id: str = Field(primary_key=True)
    subject: str = Field(foreign_key="subject.id", index=True)
    collaboration: str
    called_by: str
    held_at: datetime = Field(sa_type=Instant)
    noticed_at: datetime = Field(sa_type=Instant)
    participants: str = Field(sa_type=Text)
    agenda: str = Field(sa_type=Text, sa_column_kwargs={"server_default": "[]"})


class StageRow(Row, table=True):
    """The point that a subject's case has reached in a collaboration."""

    __tablename__ = "stage"

    subject: str = Field(primary_key=True, foreign_key="subject.id")
    collaboration: str = Field(primary_key=True)
    number: int
    at: datetime = Field(sa_type=Instant)
    unit: str


class CaseRow(Row, table=True):
    """An anonymous case. It says nothing of a subject; ``claim_sha256`` is of the code that only the youth is given."""

    __tablename__ = "anonymous_case"
    __table_args__ = (Index("anonymous_case_collaboration", "collaboration", "position"),)

    position: int | None = Field(default=None, sa_column=number())
    id: str = Field(unique=True)
    collaboration: str
    told_by: str
    age_band: str
    gender: str | None = None
    municipality: str
    topics: str = Field(sa_type=Text)
    needs: str = Field(sa_type=Text)
    claim_sha256: bytes = Field(unique=True, sa_type=LargeBinary)


class ClaimedRow(Row, table=True):
    """A case that a subject has said is about them."""

    __tablename__ = "claimed_case"

    case: str = Field(primary_key=True, foreign_key="anonymous_case.id")
    subject: str = Field(foreign_key="subject.id", index=True)
    at: datetime = Field(sa_type=Instant)


class NoticeRow(Row, table=True):
    """Something the subject is told. ``unit`` is ``helper`` where no unit did it but the helper that is named.

    ``due_at`` is empty while it waits for the daily digest, ``handed_at`` until it was handed on.
    """

    __tablename__ = "notice"
    __table_args__ = (
        Index("notice_subject_position", "subject", "position"),
        Index(
            "notice_waits",
            "position",
            sqlite_where=text("due_at IS NULL AND handed_at IS NULL"),
            postgresql_where=text("due_at IS NULL AND handed_at IS NULL"),
        ),
        Index(
            "notice_due",
            "due_at",
            sqlite_where=text("handed_at IS NULL"),
            postgresql_where=text("handed_at IS NULL"),
        ),
    )

    position: int | None = Field(default=None, sa_column=number())
    subject: str = Field(foreign_key="subject.id")
    kind: str
    at: datetime = Field(sa_type=Instant)
    unit: str
    consent: str | None = None
    disclosure: str | None = None
    meeting: str | None = None
    invocation: str | None = None
    helper: str | None = None
    told_at: datetime | None = Field(default=None, sa_type=Instant)
    how: str = Field(sa_column_kwargs={"server_default": "at_once"})
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    handed_at: datetime | None = Field(default=None, sa_type=Instant)


class InvocationRow(Row, table=True):
    """A statute relied on, at its present version. ``body`` is all of it, the other columns are for queries."""

    __tablename__ = "invocation"
    __table_args__ = (
        Index("invocation_unit_position", "unit", "position"),
        Index("invocation_subject_recipient", "subject", "recipient"),
    )

    position: int | None = Field(default=None, sa_column=number())
    id: str = Field(unique=True)
    subject: str = Field(foreign_key="subject.id")
    unit: str
    recipient: str
    closes: datetime = Field(sa_type=Instant)
    review_due: bool
    version: int
    body: str = Field(sa_type=Text)


class ObjectionRow(Row, table=True):
    """A category that a subject speaks against sharing."""

    __tablename__ = "objection"

    subject: str = Field(primary_key=True, foreign_key="subject.id")
    category: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    recorded_by: str | None = None


class QuestionRow(Row, table=True):
    """A question at its present version. ``body`` is all of it, the other columns are for queries."""

    __tablename__ = "question"
    __table_args__ = (
        Index("question_subject_position", "subject", "position"),
        Index("question_subject_closes", "subject", "closes"),
    )

    position: int | None = Field(default=None, sa_column=number())
    id: str = Field(unique=True)
    subject: str = Field(foreign_key="subject.id")
    consent: str = Field(foreign_key="consent.id", index=True)
    closes: datetime = Field(sa_type=Instant)
    version: int
    body: str = Field(sa_type=Text)


class ToldOnceRow(Row, table=True):
    """What a subject was told that is told once only."""

    __tablename__ = "told_once"

    subject: str = Field(primary_key=True, foreign_key="subject.id")
    what: str = Field(primary_key=True)


class EventRow(Row, table=True):
    """One entry of a unit's feed."""

    __tablename__ = "event"
    __table_args__ = (
        Index("event_unit_position", "unit", "position"),
        {"sqlite_autoincrement": True},
    )

    position: int | None = Field(default=None, sa_column=number())
    unit: str
    body: str = Field(sa_type=Text)


class RememberedRow(Row, table=True):
    """What was answered to an idempotency key."""

    __tablename__ = "remembered"

    client: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_mac: bytes = Field(sa_type=LargeBinary)
    answer: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Instant, index=True)


class BundleRow(Row, table=True):
    """A bundle of policies that is or was in force; the newest is. ``signatures`` is a JSON list of tokens."""

    __tablename__ = "bundle"

    position: int | None = Field(default=None, sa_column=number())
    digest: str = Field(index=True)
    version: str
    content: str = Field(sa_type=Text)
    signatures: str = Field(sa_type=Text)
    loaded_at: datetime = Field(sa_type=Instant)


class GapRow(Row, table=True):
    """What a unit asked for that no rule knows, and how often."""

    __tablename__ = "gap"

    kind: str = Field(primary_key=True)
    asked: str = Field(primary_key=True)
    unit: str = Field(primary_key=True)
    first_at: datetime = Field(sa_type=Instant)
    last_at: datetime = Field(sa_type=Instant)
    times: int


def _table(row: type[Row]) -> Table:
    return Row.metadata.tables[str(row.__tablename__)]


subject = _table(SubjectRow)
handle = _table(HandleRow)
enrolment = _table(EnrolmentRow)
service_key = _table(ServiceKeyRow)
service_key_change = _table(ServiceKeyChangeRow)
assertion = _table(AssertionRow)
record = _table(RecordRow)
newest = _table(NewestRow)
consent = _table(ConsentRow)
party = _table(PartyRow)
used_grant = _table(UsedGrantRow)
disclosure = _table(DisclosureRow)
erasure = _table(ErasureRow)
meeting = _table(MeetingRow)
stage = _table(StageRow)
anonymous_case = _table(CaseRow)
claimed_case = _table(ClaimedRow)
notice = _table(NoticeRow)
invocation = _table(InvocationRow)
objection = _table(ObjectionRow)
question = _table(QuestionRow)
told_once = _table(ToldOnceRow)
event = _table(EventRow)
remembered = _table(RememberedRow)
bundle = _table(BundleRow)
gap = _table(GapRow)
