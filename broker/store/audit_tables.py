"""Tables of what auditors may do, and what they are told: roles, publications, looks at people, signals."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, Table, Text
from sqlmodel import Field

from broker.store.tables import Instant, Row, number


class AuditorRow(Row, table=True):
    """What an auditor may see; one without a row sees nobody."""

    __tablename__ = "auditor"

    unit: str = Field(primary_key=True)
    role: str
    at: datetime = Field(sa_type=Instant)


class StatisticsRow(Row, table=True):
    """What was counted of a month, once and for ever."""

    __tablename__ = "statistics"

    month: str = Field(primary_key=True)
    topic: str = Field(primary_key=True)
    body: str = Field(sa_type=Text)


class LookedRow(Row, table=True):
    """One row: the position of the last disclosure that was looked at for signals. ``id`` is always 1."""

    __tablename__ = "looked"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    position: int = Field(sa_type=BigInteger)


class AccessRow(Row, table=True):
    """Who asked about whom, by keyed pseudonyms, for as long as the longest rule looks back."""

    __tablename__ = "access"
    __table_args__ = (
        Index("access_actor_at", "actor", "at"),
        Index("access_subject_unit_at", "subject", "unit", "at"),
        Index("access_at", "at"),
    )

    disclosure: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    unit: str
    actor: str
    subject: str
    outcome: str
    odd: bool
    emergency: bool
    leaf_hash: bytes = Field(sa_type=LargeBinary)


class SignalRow(Row, table=True):
    """A signal. ``once`` is what it is raised once for; the lists are JSON."""

    __tablename__ = "signal"
    __table_args__ = (Index("signal_at", "at"),)

    position: int | None = Field(default=None, sa_column=number())
    id: str = Field(unique=True)
    once: str = Field(unique=True)
    rule: str
    at: datetime = Field(sa_type=Instant)
    unit: str
    numbers: str = Field(sa_type=Text)
    leaves: str = Field(sa_type=Text)
    disclosures: str = Field(sa_type=Text)
    more: int


def _table(row: type[Row]) -> Table:
    return Row.metadata.tables[str(row.__tablename__)]


auditor = _table(AuditorRow)
statistics = _table(StatisticsRow)
looked = _table(LookedRow)
access = _table(AccessRow)
signal = _table(SignalRow)
