"""Records: deposited values, sealed, and which is the newest."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from broker.domain.ids import RecordId, SubjectId, UnitId
from broker.store import tables
from broker.store.faults import readable
from broker.store.part import Part
from broker.stored import Deposited
from tillit.jose import unb64u
from tillit.wire import DepositItem, SealedField

_HAS = select(tables.record.c.id).where(tables.record.c.id == bindparam("record"))
_WHOSE = select(
    tables.record.c.id, tables.record.c.field, tables.record.c.source, tables.record.c.observed_at
).where(tables.record.c.id == bindparam("record"), tables.record.c.subject == bindparam("subject"))
_NEWEST = (
    select(
        tables.newest.c.field,
        tables.newest.c.record,
        tables.newest.c.source,
        tables.newest.c.observed_at,
    )
    .where(
        tables.newest.c.subject == bindparam("subject"),
        tables.newest.c.field.in_(bindparam("fields", expanding=True)),
    )
    .order_by(tables.newest.c.field, tables.newest.c.source)
)
_OF = (
    select(tables.record.c.id, tables.record.c.sealed)
    .where(tables.record.c.subject == bindparam("subject"), tables.record.c.id > bindparam("after"))
    .order_by(tables.record.c.id)
    .limit(bindparam("limit"))
)
_SEALED = select(tables.record.c.id, tables.record.c.sealed).where(
    tables.record.c.subject == bindparam("subject"),
    tables.record.c.id.in_(bindparam("records", expanding=True)),
)


class Records(Part):
    """Queries on records."""

    def add_records(
        self,
        subject: SubjectId,
        source: UnitId,
        items: Sequence[DepositItem],
        *,
        at: datetime,
        asked_for: bool = True,
    ) -> None:
        """Keep sealed values; each says in its ``aad`` which record of which field it is.

        Without ``asked_for`` they are no field's newest, so that no ask finds them. *Not checked*: that the ``aad`` names
        this source. Raises ``Contended`` when a record id is taken.
        """
        rows = [_row(subject, source, item, at) for item in items]
        self._run(insert(tables.record), rows)
        if not asked_for:
            return
        add = self._insert(tables.newest)
        newer = add.excluded.observed_at >= tables.newest.c.observed_at
        upsert = add.on_conflict_do_update(
            index_elements=["subject", "field", "source"],
            set_={"record": add.excluded.record, "observed_at": add.excluded.observed_at},
            where=newer,
        )
        keys = ("subject", "field", "source", "observed_at")
        # In one order everywhere, so that two deposits about one subject wait and never deadlock.
        rows.sort(key=lambda row: str(row["field"]))
        self._run(upsert, [{**{k: row[k] for k in keys}, "record": row["id"]} for row in rows])

    def has_record(self, record: RecordId) -> bool:
        """Whether the record id is taken."""
        return self._run(_HAS, {"record": record}).first() is not None

    def record(self, subject: SubjectId, record: RecordId) -> tuple[str, Deposited] | None:
        """Which field a subject's record is of, and from whom; None where it is no record of theirs."""
        row = self._run(_WHOSE, {"subject": subject, "record": record}).first()
        if row is None:
            return None
        return row.field, Deposited(RecordId(row.id), UnitId(row.source), row.observed_at)

    def records_of(
        self, subject: SubjectId, *, after: RecordId, limit: int
    ) -> Mapping[RecordId, SealedField]:
        """So many of a subject's records in the order of their ids, above ``after``."""
        rows = self._run(_OF, {"subject": subject, "after": after, "limit": limit}).all()
        with readable():
            return {RecordId(r): SealedField.model_validate_json(sealed) for r, sealed in rows}

    def rewrap_record(self, subject: SubjectId, record: RecordId, sealed: SealedField) -> None:
        """Put a record with its content key wrapped anew in its own place; the ciphertext is the same."""
        rewrap = update(tables.record).where(
            tables.record.c.id == record, tables.record.c.subject == subject
        )
        self._run(rewrap.values(sealed=sealed.model_dump_json()))

    def newest(
        self, subject: SubjectId, fields: Iterable[str]
    ) -> Mapping[str, Sequence[Deposited]]:
        """Field → the newest record of each source that has deposited it."""
        rows = self._run(_NEWEST, {"subject": subject, "fields": list(fields)}).all()
        found: defaultdict[str, list[Deposited]] = defaultdict(list)
        for field, record_id, source, observed_at in rows:
            found[field].append(Deposited(RecordId(record_id), UnitId(source), observed_at))
        return dict(found)

    def sealed(
        self, subject: SubjectId, records: Iterable[RecordId]
    ) -> Mapping[RecordId, SealedField]:
        """The sealed values of those records that are about the subject."""
        rows = self._run(_SEALED, {"subject": subject, "records": list(records)}).all()
        with readable():
            return {RecordId(r): SealedField.model_validate_json(sealed) for r, sealed in rows}


def _row(subject: SubjectId, source: UnitId, item: DepositItem, at: datetime) -> dict[str, Any]:
    said = json.loads(unb64u(item.sealed.aad))
    return {
        "id": said["record"],
        "subject": subject,
        "source": source,
        "field": said["field"],
        "observed_at": item.observed_at,
        "added_at": at,
        "sealed": item.sealed.model_dump_json(),
    }
