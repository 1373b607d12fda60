"""Tables of what subjects choose for themselves."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, text
from sqlmodel import Field

from broker.store.tables import Instant, Row, number


class ContestRow(Row, table=True):
    """A record that its subject contests, and the record of what they say to it."""

    __tablename__ = "contest"

    record: str = Field(primary_key=True, foreign_key="record.id")
    subject: str = Field(foreign_key="subject.id", index=True)
    field: str
    source: str
    objection: str = Field(foreign_key="record.id")
    at: datetime = Field(sa_type=Instant)
    finding: str | None = None
    answered_at: datetime | None = Field(default=None, sa_type=Instant)


class HelperRow(Row, table=True):
    """A helper whom a subject chose, from the invitation on; at most one at a time that has not ended.

    ``finds`` and ``code`` are keyed hashes of the code's first group and of all of it, empty once it was taken.
    """

    __tablename__ = "helper"
    __table_args__ = (
        Index(
            "helper_one_at_a_time",
            "subject",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("helper_subject_position", "subject", "position"),
    )

    position: int | None = Field(default=None, sa_column=number())
    id: str = Field(unique=True)
    subject: str = Field(foreign_key="subject.id")
    version: int
    shows: str
    invited_at: datetime = Field(sa_type=Instant)
    code_until: datetime = Field(sa_type=Instant)
    finds: bytes = Field(sa_type=LargeBinary, index=True)
    code: bytes = Field(sa_type=LargeBinary)
    tries: int
    person: str | None = Field(default=None, index=True)
    accepted_at: datetime | None = Field(default=None, sa_type=Instant)
    until: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_by: str | None = None


class NoticeChoiceRow(Row, table=True):
    """How a subject is told of what a unit does, where it is not each time."""

    __tablename__ = "notice_choice"

    subject: str = Field(primary_key=True, foreign_key="subject.id")
    unit: str = Field(primary_key=True)
    how: str
    at: datetime = Field(sa_type=Instant)


class HiddenUnitRow(Row, table=True):
    """A unit whose involvement a subject hides from all others."""

    __tablename__ = "hidden_unit"

    subject: str = Field(primary_key=True, foreign_key="subject.id")
    unit: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)


helper = Row.metadata.tables["helper"]
contest = Row.metadata.tables["contest"]
notice_choice = Row.metadata.tables["notice_choice"]
hidden_unit = Row.metadata.tables["hidden_unit"]
