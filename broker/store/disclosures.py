"""Disclosures, and what became of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, func, insert, or_, select, text, update

from audit.storage import log_volume
from broker.domain.decisions import Decision
from broker.domain.facts import Facts
from broker.domain.ids import DisclosureId, SubjectId, UnitId
from broker.store import tables
from broker.store.faults import readable
from broker.store.looks import NEVER
from broker.store.part import Part
from broker.stored import EVERY, Disclosure, SealedReceipt, Sought
from tillit.contents import Volume, seal_receipt
from tillit.wire import Manifest

_TYPE = "disclosure"  # the entry that the receipt is of

_DISCLOSURE = select(tables.disclosure, log_volume.c.sealed.label("volume")).outerjoin(
    log_volume, log_volume.c.id == tables.disclosure.c.receipt_volume
)
_ONE = _DISCLOSURE.where(tables.disclosure.c.id == bindparam("disclosure"))
_ABOUT = (
    _DISCLOSURE.where(
        tables.disclosure.c.subject == bindparam("subject"),
        or_(tables.disclosure.c.told_at.is_(None), tables.disclosure.c.told_at <= bindparam("now")),
    )
    .order_by(tables.disclosure.c.position.desc())
    .limit(bindparam("limit"))
)
_RECIPIENTS = (
    select(tables.disclosure.c.recipient)
    .where(
        tables.disclosure.c.subject == bindparam("subject"),
        or_(tables.disclosure.c.told_at.is_(None), tables.disclosure.c.told_at <= bindparam("now")),
    )
    .distinct()
    .order_by(tables.disclosure.c.recipient)
)
_POSITION = (
    select(tables.disclosure.c.position)
    .where(
        tables.disclosure.c.id == bindparam("before"),
        tables.disclosure.c.subject == bindparam("subject"),
    )
    .scalar_subquery()
)
_ABOUT_BEFORE = _ABOUT.where(tables.disclosure.c.position < _POSITION)
_AFTER = (
    _DISCLOSURE.where(tables.disclosure.c.position > bindparam("position"))
    .order_by(tables.disclosure.c.position)
    .limit(bindparam("limit"))
)
_HOW_MANY_WAIT = select(func.count()).select_from(tables.disclosure).where(text("receipt <> ''"))
_WAITING = (
    select(
        tables.disclosure.c.position,
        tables.disclosure.c.subject,
        tables.disclosure.c.at,
        tables.disclosure.c.receipt,
        tables.disclosure.c.leaf_hash,
    )
    .where(text("receipt <> ''"))
    .order_by(tables.disclosure.c.position)
    .limit(bindparam("limit"))
)
_SEAL = (
    update(tables.disclosure)
    .where(tables.disclosure.c.position == bindparam("one"))
    .values(
        receipt="",
        receipt_volume=bindparam("receipt_volume"),
        receipt_sealed=bindparam("receipt_sealed"),
    )
)
_ERASED = select(tables.erasure.c.disclosure, tables.erasure.c.erased_at).where(
    tables.erasure.c.disclosure.in_(bindparam("disclosures", expanding=True))
)


class Disclosures(Part):
    """Queries on disclosures."""

    def add_disclosure(self, disclosure: Disclosure) -> None:
        """Keep a decided ask."""
        row = {
            "id": disclosure.id,
            "subject": disclosure.subject,
            "recipient": disclosure.recipient,
            "at": disclosure.at,
            "facts": disclosure.facts.model_dump_json(),
            "decision": disclosure.decision.model_dump_json(),
            "manifest": disclosure.manifest.model_dump_json(),
            "manifest_hash": disclosure.manifest_hash,
            "receipt": "",
            **self._sealed(
                disclosure.receipt,
                subject=disclosure.subject,
                at=disclosure.at,
                leaf_hash=disclosure.leaf_hash,
            ),
            "leaf_hash": disclosure.leaf_hash,
            "told_at": disclosure.told_at,
            "outcome": disclosure.decision.outcome,
            "emergency": disclosure.decision.in_emergency,
            "look_at": disclosure.manifest.expires_at if disclosure.manifest.fields else NEVER,
        }
        self._run(insert(tables.disclosure).inline(), row)

    def disclosure(self, disclosure: DisclosureId) -> Disclosure | None:
        """A disclosure by its id, whosever it is."""
        found = self._run(_ONE, {"disclosure": disclosure}).first()
        return None if found is None else _disclosure(found)

    def disclosures_after(self, position: int, *, limit: int) -> Sequence[tuple[int, Disclosure]]:
        """A page of all disclosures by position, each with its own."""
        rows = self._run(_AFTER, {"position": position, "limit": limit})
        return tuple((row.position, _disclosure(row)) for row in rows)

    def disclosures_about(
        self,
        subject: SubjectId,
        *,
        before: str | None,
        limit: int,
        at: datetime,
        sought: Sought = EVERY,
    ) -> Sequence[Disclosure]:
        """A page of those about a subject that the subject may be told of at that moment, newest first.

        ``before`` is the id of the last one seen; one that is not about the subject gives nothing. What a release before has
        written is not known to be refused or an emergency or not: it is never left out for that.
        """
        values: dict[str, Any] = {"subject": subject, "limit": limit, "now": at}
        page = _ABOUT
        if before is not None:
            page, values["before"] = _ABOUT_BEFORE, before
        page = page.where(*_of(sought))
        return tuple(_disclosure(row) for row in self._run(page, values))

    def recipients_about(self, subject: SubjectId, *, at: datetime) -> Sequence[UnitId]:
        """Who has asked about a subject, of what the subject may be told of at that moment."""
        rows = self._run(_RECIPIENTS, {"subject": subject, "now": at})
        return tuple(UnitId(recipient) for recipient in rows.scalars())

    def how_many_receipts_wait(self) -> int:
        """How many receipts a release from before has left in clear."""
        return int(self._run(_HOW_MANY_WAIT).scalar_one())

    def seal_receipts(self, *, limit: int) -> int:
        """Seal receipts that a release from before has left in clear; says how many were looked at."""
        rows = self._run(_WAITING, {"limit": limit}).all()
        for row in rows:
            sealed = self._sealed(
                row.receipt, subject=row.subject, at=row.at, leaf_hash=bytes(row.leaf_hash)
            )
            self._run(_SEAL, {"one": row.position, **sealed})
        return len(rows)

    def _sealed(
        self, receipt: str, *, subject: str, at: datetime, leaf_hash: bytes
    ) -> dict[str, bytes | None]:
        """The columns of a sealed receipt; of somebody who was erased, none is kept."""
        sealing = self._sealer()
        volume = sealing.volume(self._connection, type_=_TYPE, at=at, subject=subject)
        if volume is None:
            return {"receipt_volume": None, "receipt_sealed": b""}
        sealed = seal_receipt(
            receipt, leaf_hash=leaf_hash, key=volume.key, randomness=sealing.randomness
        )
        return {"receipt_volume": volume.id, "receipt_sealed": sealed}

    def add_erasure(
        self, disclosure: DisclosureId, attestation: str, *, erased_at: datetime
    ) -> bool:
        """Keep a recipient's attestation; False when there is one already."""
        row = {"disclosure": disclosure, "attestation": attestation, "erased_at": erased_at}
        return self._insert_new(tables.erasure, row)

    def erased(self, disclosures: Iterable[DisclosureId]) -> Mapping[DisclosureId, datetime]:
        """When each of the disclosures was erased, for those that were."""
        rows = self._run(_ERASED, {"disclosures": list(disclosures)})
        return {DisclosureId(row.disclosure): row.erased_at for row in rows}


def _of(sought: Sought) -> Iterator[ColumnElement[bool]]:
    made = tables.disclosure.c
    if sought.since is not None:
        yield made.at >= sought.since
    if sought.until is not None:
        yield made.at < sought.until
    if sought.recipient is not None:
        yield made.recipient == sought.recipient
    if sought.only == "refused":
        yield or_(made.outcome == "refused", made.outcome.is_(None))
    if sought.only == "emergency":
        yield or_(made.emergency.is_(True), made.emergency.is_(None))


def _disclosure(row: Row[*tuple[Any, ...]]) -> Disclosure:
    with readable():
        return Disclosure(
            id=DisclosureId(row.id),
            subject=SubjectId(row.subject),
            recipient=UnitId(row.recipient),
            at=row.at,
            facts=Facts.model_validate_json(row.facts),
            decision=Decision.model_validate_json(row.decision),
            manifest=Manifest.model_validate_json(row.manifest),
            manifest_hash=bytes(row.manifest_hash),
            receipt=row.receipt,
            leaf_hash=bytes(row.leaf_hash),
            told_at=row.told_at,
            sealed_receipt=_sealed_receipt(row),
        )


def _sealed_receipt(row: Row[*tuple[Any, ...]]) -> SealedReceipt | None:
    if row.receipt_sealed is None:
        return None
    volume: Volume | None = None
    if row.volume is not None:
        named = bytes(row.receipt_volume).decode("ascii", "replace")
        volume = Volume(named, row.subject, bytes(row.volume))
    return SealedReceipt(volume, bytes(row.receipt_sealed))
