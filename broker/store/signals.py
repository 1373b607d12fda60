"""Signals: how far disclosures were looked at, who asked about whom by pseudonyms, and what was raised."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select, update

from audit.storage import log_entry
from broker.domain.accesses import Access, Raised, SignalQuery
from broker.domain.ids import DisclosureId, UnitId
from broker.errors import Contended
from broker.store.audit_tables import access, looked, signal
from broker.store.part import Part

MOST = 5000
"""At most so many asks are counted for one rule: beyond any threshold, and a bound on the time that it takes."""


class Signals(Part):
    """Queries for signals."""

    def looked_up_to(self) -> int:
        """The position of the last disclosure that was looked at, -1 before the first."""
        found: int | None = self._run(select(looked.c.position)).scalar()
        return -1 if found is None else found

    def look_up_to(self, position: int, *, was: int) -> None:
        """Note how far it has been looked. Raises ``Contended`` when somebody else has."""
        if was < 0:
            self._run(insert(looked), {"id": 1, "position": position})
            return
        moved = update(looked).where(looked.c.position == was).values(position=position)
        if self._run(moved).rowcount != 1:
            raise Contended

    def add_access(self, one: Access) -> None:
        """Keep who asked about whom."""
        self._run(insert(access), {name: getattr(one, name) for name in Access.__slots__})

    def accesses_by(self, actor: str, *, since: datetime) -> list[Access]:
        """What one person asked since then, the latest first."""
        query = select(access).where(access.c.actor == actor, access.c.at > since)
        return self._accesses(query.order_by(access.c.at.desc(), access.c.disclosure).limit(MOST))

    def accesses_about(self, subject: str, unit: UnitId, *, since: datetime) -> list[Access]:
        """What people of a unit asked about one subject since then, the latest first."""
        query = select(access).where(
            access.c.subject == subject, access.c.unit == unit, access.c.at > since
        )
        return self._accesses(query.order_by(access.c.at.desc(), access.c.disclosure).limit(MOST))

    def forget_access(self, *, before: datetime) -> None:
        """Forget who asked about whom so long ago."""
        self._run(delete(access).where(access.c.at < before))

    def forget_signals(self, *, before: datetime) -> None:
        """Forget what was raised so long ago; its entry in the log stays."""
        self._run(delete(signal).where(signal.c.at < before))

    def add_signal(self, raised: Raised, *, once: str) -> bool:
        """Keep a signal, unless there is one for the same; says whether it was new."""
        row = {
            "id": raised.id,
            "once": once,
            "rule": raised.rule,
            "at": raised.at,
            "unit": raised.unit,
            "numbers": json.dumps(raised.numbers),
            "leaves": json.dumps([leaf.hex() for leaf in raised.leaves]),
            "disclosures": json.dumps(raised.disclosures),
            "more": raised.more,
        }
        return self._insert_new(signal, row)

    def signal(self, identity: str) -> Raised | None:
        """A signal by its id."""
        row = self._run(select(signal).where(signal.c.id == identity)).first()
        return None if row is None else _raised(row)

    def signals(self, asked: SignalQuery) -> Sequence[Raised]:
        """A page of signals, oldest first."""
        query = select(signal).order_by(signal.c.position).limit(asked.limit)
        if asked.since is not None:
            query = query.where(signal.c.at >= asked.since)
        if asked.until is not None:
            query = query.where(signal.c.at < asked.until)
        if asked.service is not None:
            query = query.where(signal.c.unit == asked.service)
        if asked.rule is not None:
            query = query.where(signal.c.rule == asked.rule)
        if asked.after is not None:
            seen = select(signal.c.position).where(signal.c.id == asked.after).scalar_subquery()
            query = query.where(signal.c.position > seen)
        return tuple(_raised(row) for row in self._run(query))

    def places(self, leaves: Sequence[bytes]) -> Sequence[int]:
        """Where these leaves stand in the tree, those that do."""
        query = select(log_entry.c.leaf_hash, log_entry.c.idx)
        rows = self._run(query.where(log_entry.c.leaf_hash.in_(leaves)))
        at = {bytes(row.leaf_hash): row.idx for row in rows if row.idx is not None}
        return tuple(at[leaf] for leaf in leaves if leaf in at)

    def _accesses(self, query: Select[*tuple[Any, ...]]) -> list[Access]:
        return [_access(row) for row in self._run(query)]


def _access(row: Row[*tuple[object, ...]]) -> Access:
    return Access(
        disclosure=DisclosureId(row.disclosure),
        at=row.at,
        unit=UnitId(row.unit),
        actor=row.actor,
        subject=row.subject,
        outcome=row.outcome,
        odd=row.odd,
        emergency=row.emergency,
        leaf_hash=bytes(row.leaf_hash),
    )


def _raised(row: Row[*tuple[object, ...]]) -> Raised:
    return Raised(
        id=row.id,
        rule=row.rule,
        at=row.at,
        unit=UnitId(row.unit),
        numbers=json.loads(row.numbers),
        leaves=tuple(bytes.fromhex(leaf) for leaf in json.loads(row.leaves)),
        disclosures=tuple(DisclosureId(each) for each in json.loads(row.disclosures)),
        more=row.more,
    )
