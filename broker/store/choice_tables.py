"""Tables of what subjects choose for themselves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, Text, text
from sqlmodel import Field

from broker.store.tables import Instant, Row, number

_ON, _NOT_YET = "ended_at IS NULL", "confirmed_at IS NULL"


def where(condition: str) -> Mapping[str, Any]:
    """The condition of a partial index, for both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class ContactRow(Row, table=True):
    """An address that a subject asked to be told at, sealed; of each at most one that waits for its code and one that does not.

    What has ended stays, without its address, for as long as codes are counted.
    """

    __tablename__ = "contact"
    __table_args__ = (
        Index("contact_one_waiting", "subject", unique=True, **where(f"{_ON} AND {_NOT_YET}")),
        Index(
            "contact_one_confirmed", "subject", unique=True, **where(f"{_ON} AND NOT {_NOT_YET}")
        ),
        Index("contact_subject", "subject"),
    )

    id: str = Field(primary_key=True)
    subject: str = Field(foreign_key="subject.id")
    version: int
    channel: str
    language: str
    volume: bytes | None = Field(default=None, sa_type=LargeBinary)
    sealed: bytes = Field(sa_type=LargeBinary)
    asked_at: datetime = Field(sa_type=Instant)
    code_until: datetime = Field(sa_type=Instant)
    tries: int
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    refused_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    message: str | None = None
    failures: int
    try_at: datetime = Field(sa_type=Instant)


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


class ComplaintRow(Row, table=True):
    """A complaint at its present version. ``body`` is all of it, the other columns are for queries."""

    __tablename__ = "complaint"
    __table_args__ = (
        Index(
            "complaint_one_at_a_time",
            "disclosure",
            unique=True,
            sqlite_where=text("state <> 'closed'"),
            postgresql_where=text("state <> 'closed'"),
        ),
        Index("complaint_subject_position", "subject", "position"),
        Index("complaint_unit_position", "unit", "position"),
        Index("complaint_look", "look_at", "id"),
    )

    position: int | None = Field(default=None, sa_column=number())
    id: str = Field(unique=True)
    subject: str = Field(foreign_key="subject.id")
    disclosure: str = Field(foreign_key="disclosure.id")
    unit: str
    state: str
    look_at: datetime = Field(sa_type=Instant)
    version: int
    body: str = Field(sa_type=Text)


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


contact = Row.metadata.tables["contact"]
helper = Row.metadata.tables["helper"]
contest = Row.metadata.tables["contest"]
complaint = Row.metadata.tables["complaint"]
notice_choice = Row.metadata.tables["notice_choice"]
hidden_unit = Row.metadata.tables["hidden_unit"]
