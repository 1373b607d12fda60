"""Service keys: a unit's registered public keys, until when each is good, and their changes as the log has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from broker.domain.ids import UnitId


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A registered public key of a unit; ``use`` is ``sig`` or ``enc``.

    From ``ends_at`` nothing new is signed or sealed with it; once it is revoked nothing with it is believed.
    """

    unit: UnitId
    kid: str
    use: Literal["sig", "enc"]
    jwk: Mapping[str, Any]
    ends_at: datetime | None = None
    revoked_at: datetime | None = None
    added_at: datetime | None = field(default=None, compare=False)

    def is_current(self, at: datetime) -> bool:
        """Whether what is new is signed or sealed with it."""
        return self.revoked_at is None and (self.ends_at is None or at < self.ends_at)


@dataclass(frozen=True, slots=True)
class ServiceKeyChange:
    """One change of a unit's keys as it was entered in the log, with what shows that its leaf says so."""

    unit: UnitId
    type: str
    at: datetime
    content: Mapping[str, Any]
    salt: bytes
    leaf_hash: bytes
