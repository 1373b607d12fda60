"""Spots: a request that is answered on the spot, inside an appointment, on the youth's own phone (N29).

The professional shows a code; whoever opens it must log in as themself, and is brought to the request if it is theirs.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.domain.ids import ConsentId, UnitId
from tillit.jose import b64u

LASTS = timedelta(minutes=15)
NONCE_BYTES = CODE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Spot:
    """A code that is good once, until ``expires_at``. It is kept nowhere: only the session that made it can tell it."""

    consent: ConsentId
    unit: UnitId
    actor: str
    nonce: bytes
    expires_at: datetime

    def is_good(self, at: datetime) -> bool:
        """Whether its time is not over."""
        return at < self.expires_at

    def code(self, token: str) -> str:
        """The code, 128 bits in base64url, of the session that has this token."""
        named = b"tillit on the spot\0" + self.nonce
        return b64u(hmac.digest(token.encode(), named, "sha256")[:CODE_BYTES])
