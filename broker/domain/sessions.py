"""Sessions in the portal, of people and of employees: short, and fresh for what matters most only right after a login."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from broker.domain.ids import PersonKey, UnitId
from tillit.wire import Language

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)
FRESH = timedelta(minutes=15)
SEEN_EVERY = timedelta(minutes=1)
LOGIN_TAKES = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Somebody on one browser. ``login_at``: when they last showed who they are; never after ``expires_at``."""

    language: Language
    login_at: datetime
    seen_at: datetime
    expires_at: datetime

    def is_alive(self, at: datetime) -> bool:
        """Whether it still holds: neither over nor left alone for too long."""
        return at < self.expires_at and at < self.seen_at + IDLE

    def is_fresh(self, at: datetime) -> bool:
        """Whether the login is recent enough for what is asked again."""
        return at < self.login_at + FRESH

    def seen(self, at: datetime) -> Self:
        """The session after a visit; the same one where it was seen just now, so that few visits write."""
        return replace(self, seen_at=at) if at >= self.seen_at + SEEN_EVERY else self

    def speaking(self, language: Language) -> Self:
        """The session in another language."""
        return replace(self, language=language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Stay):
    """A person's: it opens what is theirs, and no page of a service."""

    person: PersonKey

    @classmethod
    def begun(
        cls, person: PersonKey, language: Language, *, login_at: datetime, at: datetime
    ) -> "Session":
        """A session that begins now, on a login that may be older: the provider's own session is one."""
        return cls(
            person=person,
            language=language,
            login_at=min(login_at, at),
            seen_at=at,
            expires_at=at + LONGEST,
        )


@dataclass(frozen=True, slots=True)
class Employee:
    """Somebody at work: for which unit, under which opaque id, as what."""

    unit: UnitId
    actor: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffSession(Stay):
    """An employee's: it opens pages of their unit, and nobody's own."""

    employee: Employee

    @classmethod
    def begun(
        cls, employee: Employee, language: Language, *, login_at: datetime, at: datetime
    ) -> "StaffSession":
        """A session that begins now."""
        return cls(
            employee=employee,
            language=language,
            login_at=min(login_at, at),
            seen_at=at,
            expires_at=at + LONGEST,
        )


@dataclass(frozen=True, slots=True)
class Login:
    """A login on its way: what the provider's answer is held against, and where the person was going.

    ``state``, ``nonce`` and ``verifier`` are those of OpenID Connect and PKCE (RFC 7636).
    """

    state: str
    nonce: str
    verifier: str
    going_to: str
    language: Language
    expires_at: datetime
