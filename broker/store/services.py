"""Services: enrolment codes, public keys, spent assertions, remembered answers."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Update, bindparam, insert, select, update

from broker.domain.ids import UnitId
from broker.domain.service_keys import ServiceKey, ServiceKeyChange
from broker.store import tables
from broker.store.part import Part
from broker.stored import Remembered

_KEYS = (
    select(
        tables.service_key.c.kid,
        tables.service_key.c.use,
        tables.service_key.c.jwk,
        tables.service_key.c.ends_at,
        tables.service_key.c.revoked_at,
        tables.service_key.c.added_at,
    )
    .where(tables.service_key.c.unit == bindparam("unit"))
    .order_by(tables.service_key.c.position)
)
_CHANGES = (
    select(tables.service_key_change)
    .where(tables.service_key_change.c.unit == bindparam("unit"))
    .order_by(tables.service_key_change.c.position)
)
_REMEMBERED = select(tables.remembered.c.body_mac, tables.remembered.c.answer).where(
    tables.remembered.c.client == bindparam("client"), tables.remembered.c.key == bindparam("key")
)


class Services(Part):
    """Queries on services and their calls."""

    def add_enrolment(self, unit: UnitId, code_sha256: bytes, *, expires_at: datetime) -> None:
        """Let a unit register keys once with the code of this hash."""
        row = {"unit": unit, "code_sha256": code_sha256, "expires_at": expires_at}
        self._run(insert(tables.enrolment), row)

    def spend_enrolment(self, unit: UnitId, code_sha256: bytes, *, at: datetime) -> bool:
        """Use a code up; False when it is unknown, another unit's, spent or expired."""
        spend = (
            update(tables.enrolment)
            .where(
                tables.enrolment.c.unit == unit,
                tables.enrolment.c.code_sha256 == code_sha256,
                tables.enrolment.c.spent_at.is_(None),
                tables.enrolment.c.expires_at > at,
            )
            .values(spent_at=at)
        )
        return self._run(spend).rowcount == 1

    def add_service_keys(self, keys: Sequence[ServiceKey], *, at: datetime) -> None:
        """Register public keys; one that is registered already stays as it is."""
        for key in keys:
            row = {
                "unit": key.unit,
                "kid": key.kid,
                "use": key.use,
                "jwk": json.dumps(dict(key.jwk)),
                "added_at": at,
            }
            self._insert_new(tables.service_key, row)

    def service_keys(self, unit: UnitId) -> Sequence[ServiceKey]:
        """A unit's keys in the order of their registration."""
        rows = self._run(_KEYS, {"unit": unit}).all()
        return tuple(
            ServiceKey(unit, kid, use, json.loads(jwk), ends_at, revoked_at, added_at)
            for kid, use, jwk, ends_at, revoked_at, added_at in rows
        )

    def units_with_keys(self) -> Sequence[UnitId]:
        """Every unit that has registered a key, in order."""
        units = select(tables.service_key.c.unit).distinct().order_by(tables.service_key.c.unit)
        return tuple(UnitId(unit) for unit in self._run(units).scalars())

    def end_service_key(self, unit: UnitId, kid: str, *, at: datetime) -> None:
        """Let a key that has no end yet end at that time."""
        ended = _one_key(unit, kid).where(tables.service_key.c.ends_at.is_(None))
        self._run(ended.values(ends_at=at))

    def revoke_service_key(self, unit: UnitId, kid: str, *, at: datetime) -> bool:
        """Revoke a key; False when the unit has no such key, or it was revoked before."""
        revoked = _one_key(unit, kid).where(tables.service_key.c.revoked_at.is_(None))
        return self._run(revoked.values(revoked_at=at)).rowcount == 1

    def add_service_key_change(self, change: ServiceKeyChange) -> None:
        """Keep a change of a unit's keys as the log has it."""
        row = {
            "unit": change.unit,
            "type": change.type,
            "at": change.at,
            "content": json.dumps(dict(change.content)),
            "salt": change.salt,
            "leaf_hash": change.leaf_hash,
        }
        self._run(insert(tables.service_key_change).inline(), row)

    def service_key_changes(self, unit: UnitId) -> Sequence[ServiceKeyChange]:
        """Every change of a unit's keys, oldest first."""
        return tuple(
            ServiceKeyChange(
                unit,
                row.type,
                row.at,
                json.loads(row.content),
                bytes(row.salt),
                bytes(row.leaf_hash),
            )
            for row in self._run(_CHANGES, {"unit": unit})
        )

    def spend_assertion(self, client: str, jti: str, *, expires_at: datetime) -> bool:
        """Use an assertion up; False when it was used before."""
        row = {"client": client, "jti": jti, "expires_at": expires_at}
        return self._insert_new(tables.assertion, row)

    def remembered(self, client: str, key: str) -> Remembered | None:
        """What was answered to this idempotency key of this client."""
        found = self._run(_REMEMBERED, {"client": client, "key": key}).first()
        return None if found is None else Remembered(bytes(found.body_mac), found.answer)

    def remember(self, client: str, key: str, remembered: Remembered, *, at: datetime) -> None:
        """Remember an answer. Raises ``Contended`` when the key has one, given meanwhile."""
        row = {
            "client": client,
            "key": key,
            "body_mac": remembered.body_mac,
            "answer": remembered.answer,
            "at": at,
        }
        self._run(insert(tables.remembered), row)


def _one_key(unit: UnitId, kid: str) -> Update:
    table = tables.service_key
    return update(table).where(table.c.unit == unit, table.c.kid == kid)
