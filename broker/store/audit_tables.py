"""Tables of what auditors may do, and what they are told: roles, publications, looks at people, signals."""

from datetime import datetime

from sqlalchemy import Table, Text
from sqlmodel import Field

from broker.store.tables import Instant, Row


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


def _table(row: type[Row]) -> Table:
    return Row.metadata.tables[str(row.__tablename__)]


auditor = _table(AuditorRow)
statistics = _table(StatisticsRow)
