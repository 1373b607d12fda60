"""Tables of the portal: which logins were answered, and who is in. Secrets of browsers by their hash only."""

from datetime import datetime

from sqlalchemy import LargeBinary, String, Table, Text
from sqlmodel import Field

from broker.store.tables import Instant, Row


class LoginRow(Row, table=True):
    """A login that was answered, until it would have been over: it is not answered again. ``body`` is empty."""

    __tablename__ = "portal_login"

    browser_sha256: bytes = Field(primary_key=True, sa_type=LargeBinary)
    body: str = Field(sa_type=Text)
    expires_at: datetime = Field(sa_type=Instant)


class SessionRow(Row, table=True):
    """A person who is logged in on one browser."""

    __tablename__ = "portal_session"

    token_sha256: bytes = Field(primary_key=True, sa_type=LargeBinary)
    person: str = Field(index=True)
    language: str = Field(sa_type=String(2))
    login_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)


class StaffSessionRow(Row, table=True):
    """An employee who is logged in for their unit on one browser: apart from people, whose pages they never open."""

    __tablename__ = "portal_staff_session"

    token_sha256: bytes = Field(primary_key=True, sa_type=LargeBinary)
    unit: str
    actor: str = Field(index=True)
    role: str
    language: str = Field(sa_type=String(2))
    login_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)


class SpotRow(Row, table=True):
    """A code to answer a request on the spot, by its hash; one at most for each request."""

    __tablename__ = "portal_spot"

    consent: str = Field(primary_key=True, foreign_key="consent.id")
    code_sha256: bytes = Field(unique=True, sa_type=LargeBinary)
    unit: str
    actor: str
    nonce: bytes = Field(sa_type=LargeBinary)
    expires_at: datetime = Field(sa_type=Instant)


def _table(row: type[Row]) -> Table:
    return Row.metadata.tables[str(row.__tablename__)]


login = _table(LoginRow)
session = _table(SessionRow)
staff_session = _table(StaffSessionRow)
spot = _table(SpotRow)
KEPT = (login, session, staff_session, spot)
