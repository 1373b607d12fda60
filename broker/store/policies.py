"""Bundles that are or were in force, decisions to be replayed, and gaps: what was asked for that no rule knows."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, insert, select

from broker.domain.ids import DisclosureId
from broker.store import tables
from broker.store.part import Part
from broker.stored import Gap, Loaded, Recorded

MAX_GAPS = 1000
MANY = "…"

_NEWEST = select(tables.bundle).order_by(tables.bundle.c.position.desc()).limit(1)
_BY_DIGEST = _NEWEST.where(tables.bundle.c.digest == bindparam("digest"))
_IN_FORCE = select(tables.bundle.c.digest).order_by(tables.bundle.c.position.desc()).limit(1)
_AFTER = (
    select(
        tables.disclosure.c.position,
        tables.disclosure.c.id,
        tables.disclosure.c.subject,
        tables.disclosure.c.facts,
        tables.disclosure.c.decision,
    )
    .where(tables.disclosure.c.position > bindparam("after"))
    .order_by(tables.disclosure.c.position)
    .limit(bindparam("limit"))
)
_DISCLOSURES = select(func.count()).select_from(tables.disclosure)
_KNOWN = select(tables.gap.c.kind).where(
    tables.gap.c.kind == bindparam("kind"),
    tables.gap.c.asked == bindparam("asked"),
    tables.gap.c.unit == bindparam("unit"),
)
_HOW_MANY = (
    select(func.count()).select_from(tables.gap).where(tables.gap.c.unit == bindparam("unit"))
)
_GAPS = select(tables.gap).order_by(tables.gap.c.times.desc(), tables.gap.c.last_at.desc())


class Policies(Part):
    """Queries on bundles, recorded decisions and gaps."""

    def add_bundle(self, bundle: Loaded) -> None:
        """Put a bundle in force: the newest is."""
        row = {
            "digest": bundle.digest,
            "version": bundle.version,
            "content": bundle.content,
            "signatures": json.dumps(bundle.signatures),
            "loaded_at": bundle.loaded_at,
        }
        self._run(insert(tables.bundle), row)

    def in_force(self) -> str | None:
        """The digest of the bundle in force; None before the first."""
        found = self._run(_IN_FORCE).first()
        return None if found is None else str(found.digest)

    def bundle(self, digest: str) -> Loaded | None:
        """A bundle that is or was in force, as it was last loaded."""
        found = self._run(_BY_DIGEST, {"digest": digest}).first()
        if found is None:
            return None
        return Loaded(
            digest=found.digest,
            version=found.version,
            content=found.content,
            signatures=tuple(json.loads(found.signatures)),
            loaded_at=found.loaded_at,
        )

    def recorded(self, *, after: int, limit: int) -> Sequence[Recorded]:
        """A page of decisions in the order they were made, as they were written down."""
        rows = self._run(_AFTER, {"after": after, "limit": limit})
        return tuple(
            Recorded(row.position, DisclosureId(row.id), row.subject, row.facts, row.decision)
            for row in rows
        )

    def how_many_recorded(self) -> int:
        """How many decisions there are."""
        return int(self._run(_DISCLOSURES).scalar() or 0)

    def count_gap(self, kind: str, asked: str, unit: str, *, at: datetime) -> None:
        """Count one; a unit that asks for ever new names has the rest counted together."""
        key = {"kind": kind, "asked": asked, "unit": unit}
        if self._run(_KNOWN, key).first() is None:
            there = self._run(_HOW_MANY, {"unit": unit}).scalar() or 0
            if there >= MAX_GAPS:
                key["asked"] = MANY
        statement = self._insert(tables.gap).on_conflict_do_update(
            index_elements=["kind", "asked", "unit"],
            set_={
                "times": tables.gap.c.times + 1,
                "last_at": bindparam("now", at, tables.Instant()),
            },
        )
        self._run(statement, {**key, "first_at": at, "last_at": at, "times": 1})

    def gaps(self) -> Sequence[Gap]:
        """All of them, the most asked for first."""
        return tuple(
            Gap(row.kind, row.asked, row.unit, row.first_at, row.last_at, row.times)
            for row in self._run(_GAPS)
        )
