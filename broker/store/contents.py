"""Contents of the log's entries, and everything else that is kept about a subject: reading and erasing."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, delete, literal, or_, select

from audit import contents, sealing
from audit.contents import StoredContent
from broker.domain.ids import SubjectId
from broker.store import portal_tables, tables
from broker.store.audit_tables import access
from broker.store.choice_tables import (
    complaint,
    contact,
    contest,
    helper,
    hidden_unit,
    notice_choice,
)
from broker.store.faults import readable
from broker.store.part import Part

# By the column that names the subject; what points at other rows before what it points at.
_ABOUT: tuple[Table, ...] = (
    contact,
    contest,
    complaint,
    tables.newest,
    tables.record,
    tables.disclosure,
    tables.meeting,
    tables.stage,
    tables.claimed_case,
    tables.notice,
    tables.invocation,
    tables.objection,
    helper,
    notice_choice,
    hidden_unit,
    tables.told_once,
)


class Contents(Part):
    """Queries on the contents of the log, and erasing a subject."""

    def stored_contents(self, leaf_hashes: Sequence[bytes]) -> Sequence[StoredContent]:
        """What is stored of these entries' contents; entries that are none are left out."""
        with readable():
            return contents.stored(self._connection, leaf_hashes)

    def how_many_unsealed(self) -> int:
        """How many contents an earlier release wrote in clear, and still lie so."""
        return contents.how_many_waiting(self._connection)

    def seal_waiting(self, *, limit: int) -> int:
        """Seal contents that an earlier release wrote in clear; says how many were looked at."""
        return contents.seal_waiting(self._connection, self._sealer(), limit=limit)

    # --- by time
    def log_epochs(self) -> Mapping[str, bool]:
        """Every epoch of the log, and whether it has its key still."""
        return sealing.epochs(self._connection)

    def add_log_epoch(self, epoch: str, jwk: Mapping[str, Any] | None) -> None:
        """Keep an epoch's public key, None when it was destroyed before it was ever used."""
        sealing.add_epoch(self._connection, epoch, jwk)

    def end_log_epoch(self, epoch: str) -> bool:
        """Remember that an epoch is over; says whether it was not over before."""
        return sealing.end_epoch(self._connection, epoch)

    def erase_log_epoch(self, epoch: str, *, limit: int) -> int:
        """Erase at most so many contents of an epoch; fewer than that were left when it says so."""
        return contents.forget_epoch(self._connection, epoch, limit=limit)

    # --- by person
    def erase_subject(self, subject: SubjectId) -> int:
        """Delete every row about the subject, and the contents of the log; says how many rows.

        Feeds of services and answers remembered for them (a week at most) are not searched: they name the subject by
        handles that lead nowhere then.
        """
        self._sealer().forget(subject)
        rows = contents.forget(self._connection, subject)
        return rows + sum(self._run(one).rowcount for one in _everything(subject))


def _everything(subject: SubjectId) -> Sequence[Any]:
    """Statements that delete all rows about the subject, in an order that foreign keys allow.

    A consent that a member of the family was asked for stands in the subject's record (``about``) and goes with it.
    """
    consent, disclosure = tables.consent.c, tables.disclosure.c
    consents = select(consent.id).where(or_(consent.subject == subject, consent.about == subject))
    disclosures = select(disclosure.id).where(disclosure.subject == subject)
    person = select(tables.subject.c.person).where(tables.subject.c.id == subject).scalar_subquery()
    return (
        delete(tables.party).where(tables.party.c.consent.in_(consents)),
        delete(tables.used_grant).where(tables.used_grant.c.consent.in_(consents)),
        delete(portal_tables.spot).where(portal_tables.spot.c.consent.in_(consents)),
        delete(tables.question).where(tables.question.c.consent.in_(consents)),
        delete(tables.consent).where(or_(consent.subject == subject, consent.about == subject)),
        delete(access).where(access.c.disclosure.in_(disclosures)),
        delete(tables.erasure).where(tables.erasure.c.disclosure.in_(disclosures)),
        *(delete(table).where(table.c.subject == subject) for table in _ABOUT),
        delete(helper).where(helper.c.person == person),
        delete(tables.remembered).where(tables.remembered.c.client == literal("person:") + person),
        delete(tables.handle).where(tables.handle.c.subject == subject),
        delete(tables.subject).where(tables.subject.c.id == subject),
    )
