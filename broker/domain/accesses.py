"""Accesses: who asked about whom, as far as it takes to call it unusual, and the signals that were raised on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.domain.ids import DisclosureId, UnitId


@dataclass(frozen=True, slots=True)
class Access:
    """One ask as it is kept: ``actor`` and ``subject`` are keyed pseudonyms. ``odd``: out of hours."""

    disclosure: DisclosureId
    at: datetime
    unit: UnitId
    actor: str
    subject: str
    outcome: str
    odd: bool
    emergency: bool
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Raised:
    """A signal. ``leaves`` and ``disclosures`` are what it rests on, the latest first, ``more`` how many beside them."""

    id: str
    rule: str
    at: datetime
    unit: UnitId
    numbers: Mapping[str, int]
    leaves: tuple[bytes, ...]
    disclosures: tuple[DisclosureId, ...]
    more: int


@dataclass(frozen=True, slots=True)
class SignalQuery:
    """Which signals: of a time, at a service, by a rule, after the last one seen."""

    since: datetime | None = None
    until: datetime | None = None
    service: str | None = None
    rule: str | None = None
    after: str | None = None
    limit: int = 100
