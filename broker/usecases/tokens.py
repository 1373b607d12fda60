"""Tokens: which keys may sign a unit's client assertion, and that each assertion is spent once (RFC 7523 § 3)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from broker.domain.ids import UnitId
from broker.ports import Ports


def client_keys(unit: UnitId, ports: Ports) -> Mapping[str, Mapping[str, Any]]:
    """The unit's signing keys by ``kid``; empty when the unit is unknown."""
    with ports.store.read() as tx:
        keys, now = tx.service_keys(unit), ports.clock()
    return {key.kid: key.jwk for key in keys if key.use == "sig" and key.is_current(now)}


def spend(client: UnitId, jti: str, *, expires_at: datetime, ports: Ports) -> bool:
    """Spend an assertion's ``jti``; False when it was spent before, on any replica."""
    with ports.store.write() as tx:
        return tx.spend_assertion(client, jti, expires_at=expires_at)
