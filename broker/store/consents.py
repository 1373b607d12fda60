"""Consents, their parties, and the single-use grants that are used up."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from pydantic import TypeAdapter
from sqlalchemy import Select, bindparam, insert, select, update

from broker.domain.consents import Consent
from broker.domain.ids import ConsentId, DisclosureId, GrantId, SubjectId, UnitId
from broker.domain.states import OVER, State
from broker.errors import Contended
from broker.store import tables
from broker.store.faults import readable
from broker.store.looks import NEVER, SOON
from broker.store.part import Part

_CONSENT = TypeAdapter(Consent)

_ONE = select(tables.consent.c.body).where(tables.consent.c.id == bindparam("consent"))
_OF = (
    select(tables.consent.c.body)
    .where(tables.consent.c.subject == bindparam("subject"), tables.consent.c.about.is_(None))
    .order_by(tables.consent.c.id)
)
_FAMILY_BY = (
    select(tables.consent.c.body)
    .where(tables.consent.c.subject == bindparam("subject"), tables.consent.c.about.is_not(None))
    .order_by(tables.consent.c.id)
)
_FAMILY_ABOUT = (
    select(tables.consent.c.body)
    .where(tables.consent.c.about == bindparam("subject"))
    .order_by(tables.consent.c.id)
)
_SAVE = (
    update(tables.consent)
    .where(
        tables.consent.c.id == bindparam("consent"), tables.consent.c.version == bindparam("was")
    )
    .values(
        version=bindparam("now"),
        state=bindparam("new_state"),
        body=bindparam("new_body"),
        look_at=bindparam("new_look_at"),
    )
)
_PARTY = (
    select(tables.consent.c.body)
    .join(tables.party, tables.party.c.consent == tables.consent.c.id)
    .where(tables.party.c.unit == bindparam("unit"))
    .order_by(tables.party.c.position)
    .limit(bindparam("limit"))
)
_POSITION = (
    select(tables.party.c.position)
    .where(tables.party.c.unit == bindparam("unit"), tables.party.c.consent == bindparam("after"))
    .scalar_subquery()
)
_PARTY_BEFORE = (
    select(tables.consent.c.body)
    .join(tables.party, tables.party.c.consent == tables.consent.c.id)
    .where(tables.party.c.unit == bindparam("unit"))
    .order_by(tables.party.c.position.desc())
    .limit(bindparam("limit"))
)
_PARTY_OLDER = _PARTY_BEFORE.where(
    tables.party.c.position
    < select(tables.party.c.position)
    .where(tables.party.c.unit == bindparam("unit"), tables.party.c.consent == bindparam("before"))
    .scalar_subquery()
)
_PARTY_AFTER = _PARTY.where(tables.party.c.position > _POSITION)
_USED = select(tables.used_grant.c.consent, tables.used_grant.c.line).where(
    tables.used_grant.c.consent.in_(bindparam("consents", expanding=True))
)
_PIN = (
    select(tables.consent.c.version)
    .where(tables.consent.c.id == bindparam("consent"))
    .with_for_update()
)
_STILL_ACTIVE = (
    select(tables.consent.c.id, tables.consent.c.version)
    .where(
        tables.consent.c.id.in_(bindparam("consents", expanding=True)),
        tables.consent.c.state == State.ACTIVE.value,
    )
    # In one order everywhere, so that two holds wait for a change and never for each other.
    .order_by(tables.consent.c.id)
    .with_for_update(read=True)
)


@lru_cache(maxsize=1024)
def _parsed(body: str) -> Consent:
    """A consent from its row; the same text is the same consent, so it is parsed once."""
    return _CONSENT.validate_json(body)


class Consents(Part):
    """Queries on consents."""

    def add_consent(self, consent: Consent) -> None:
        """Keep a new consent, and note whom it concerns."""
        row = {
            "id": consent.id,
            "subject": consent.subject,
            "version": consent.version,
            "state": consent.state.value,
            "about": consent.about,
            "body": _body(consent),
            "look_at": _look_at(consent),
        }
        self._run(insert(tables.consent), row)
        self._run(
            insert(tables.party),
            [{"unit": u, "consent": consent.id} for u in sorted(consent.parties())],
        )

    def save_consent(self, consent: Consent, *, was: int) -> None:
        """Put the next version in place of version ``was``; waits for whoever holds it still.

        Unless it is over, it is looked at soon: what time may do to it has changed.

        Raises ``Contended`` when it is not at that version any more.
        """
        row = {
            "consent": consent.id,
            "was": was,
            "now": consent.version,
            "new_state": consent.state.value,
            "new_body": _body(consent),
            "new_look_at": _look_at(consent),
        }
        if self._run(_SAVE, row).rowcount != 1:
            raise Contended

    def consent(self, consent: ConsentId) -> Consent | None:
        """A consent by its id, whosever it is."""
        found = self._run(_ONE, {"consent": consent}).scalar()
        return None if found is None else _read(found)

    def pin_consent(self, consent: ConsentId, version: int) -> bool:
        """Keep a consent at this version until the transaction has committed; False when it has another.

        SQLite has one writer, which is this transaction.
        """
        return bool(self._run(_PIN, {"consent": consent}).scalar() == version)

    def consents_of(self, subject: SubjectId) -> Sequence[Consent]:
        """Every consent of a subject about themself, whatever its state."""
        return self._all(_OF, subject)

    def family_consents_by(self, subject: SubjectId) -> Sequence[Consent]:
        """Those that a subject was asked for as a member of a youth's family."""
        return self._all(_FAMILY_BY, subject)

    def family_consents_about(self, subject: SubjectId) -> Sequence[Consent]:
        """Those that members of a subject's family were asked for."""
        return self._all(_FAMILY_ABOUT, subject)

    def consents_party(self, unit: UnitId, *, after: str | None, limit: int) -> Sequence[Consent]:
        """A page of those that concern a unit, in the order in which they were asked for.

        ``after`` is the id of the last one seen; one that is not the unit's gives nothing.
        """
        if after is None:
            rows = self._run(_PARTY, {"unit": unit, "limit": limit})
        else:
            rows = self._run(_PARTY_AFTER, {"unit": unit, "limit": limit, "after": after})
        return tuple(_read(body) for body in rows.scalars())

    def consents_lately(self, unit: UnitId, *, before: str | None, limit: int) -> Sequence[Consent]:
        """A page of those that concern a unit, newest first; ``before`` is the id of the last one seen."""
        if before is None:
            rows = self._run(_PARTY_BEFORE, {"unit": unit, "limit": limit})
        else:
            rows = self._run(_PARTY_OLDER, {"unit": unit, "limit": limit, "before": before})
        return tuple(_read(body) for body in rows.scalars())

    def use_grant(
        self, consent: ConsentId, version: int, grant: GrantId, disclosure: DisclosureId
    ) -> bool:
        """Use a grant up; False when it has been used."""
        row = {"consent": consent, "line": grant, "version": version, "disclosure": disclosure}
        return self._insert_new(tables.used_grant, row)

    def used_grants(self, consents: Iterable[ConsentId]) -> frozenset[tuple[ConsentId, GrantId]]:
        """Which grants of these consents are used up."""
        rows = self._run(_USED, {"consents": list(consents)}).all()
        return frozenset((ConsentId(c), GrantId(line)) for c, line in rows)

    def hold_still(self, named: Sequence[tuple[ConsentId, int]]) -> bool:
        """Lock these against ``save_consent`` until the transaction ends.

        Says whether every one is active at the named version. SQLite locks nothing here: there the
        transaction itself is the only one that can write.
        """
        ids = sorted({consent for consent, _ in named})
        found = self._run(_STILL_ACTIVE, {"consents": ids}).all()
        return {(row.id, row.version) for row in found} == set(named)

    def _all(self, statement: Select[tuple[str]], subject: SubjectId) -> Sequence[Consent]:
        return tuple(_read(body) for body in self._run(statement, {"subject": subject}).scalars())


def _look_at(consent: Consent) -> datetime:
    return NEVER if consent.state in OVER else SOON


def _body(consent: Consent) -> str:
    return _CONSENT.dump_json(consent).decode()


def _read(body: str) -> Consent:
    with readable():
        return _parsed(body)
