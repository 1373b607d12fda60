"""Sessions of people in the portal: short, and fresh for what matters most only right after a login."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broker.domain.ids import PersonKey
from tillit.wire import Language

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)
FRESH = timedelta(minutes=15)
SEEN_EVERY = timedelta(minutes=1)
LOGIN_TAKES = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Session:
    """A person on one browser. ``login_at``: when they last showed who they are; never after ``expires_at``."""

    person: PersonKey
    language: Language
    login_at: datetime
    seen_at: datetime
    expires_at: datetime

    @classmethod
    def begun(
        cls, person: PersonKey, language: Language, *, login_at: datetime, at: datetime
    ) -> "Session":
        """A session that begins now, on a login that may be older: the provider's own session is one."""
        return cls(person, language, min(login_at, at), at, at + LONGEST)

    def is_alive(self, at: datetime) -> bool:
        """Whether it still holds: neither over nor left alone for too long."""
        return at < self.expires_at and at < self.seen_at + IDLE

    def is_fresh(self, at: datetime) -> bool:
        """Whether the login is recent enough for what is asked again."""
        return at < self.login_at + FRESH

    def seen(self, at: datetime) -> "Session":
        """The session after a visit; the same one where it was seen just now, so that few visits write."""
        return replace(self, seen_at=at) if at >= self.seen_at + SEEN_EVERY else self

    def speaking(self, language: Language) -> "Session":
        """The session in another language."""
        return replace(self, language=language)


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
