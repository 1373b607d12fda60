"""A broker that many people use: what one youth has there, written again for each of the others.

Each has handles, a consent that was looked at, notices, and a disclosure whose receipt is a copy; through the store, hundreds
to a transaction. Nobody has keys, sealed values or entries in the log: those are files, and what no page reads.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain

from rich.console import Console
from rich.progress import track
from sqlalchemy import text

from broker import compose
from broker.demo.national_ids import numbers
from broker.domain.consents import Consent
from broker.domain.ids import (
    ConsentId,
    DisclosureId,
    PersonKey,
    SubjectHandle,
    SubjectId,
    UnitId,
    fresh,
)
from broker.store.sql import SqlStore, SqlTransaction
from broker.stored import Disclosure, Notice
from broker.usecases.people import person_key
from tests.integration.world import World

AT_ONCE = 100
_FIRST_BORN = date(2003, 1, 1)


_KEPT = (
    "recipient, at, facts, decision, manifest, manifest_hash, receipt, receipt_volume, "
    "receipt_sealed, leaf_hash, told_at, look_at"
)
_COPY = text(
    f"INSERT INTO disclosure (id, subject, {_KEPT}) "  # noqa: S608 - nothing of anybody else's
    f"SELECT :id, :subject, {_KEPT} FROM disclosure WHERE id = :one"
)


@dataclass(frozen=True, slots=True)
class _Template:
    handles: Sequence[UnitId]
    consents: Sequence[Consent]
    disclosures: Sequence[Disclosure]
    notices: Sequence[Notice]


def people(count: int) -> list[str]:
    """As many synthetic national identity numbers of people who are from eighteen to twenty-three."""
    days = (_FIRST_BORN + timedelta(days=n) for n in range(5 * 365))
    born = chain.from_iterable(chain(numbers(d, "woman"), numbers(d, "man")) for d in days)
    return [number for number, _ in zip(born, range(count), strict=False)]


def born(number: str) -> str:
    """The date of birth that one of these numbers says."""
    return f"20{number[4:6]}-{int(number[2:4]) - 80:02}-{number[:2]}"


def fill(world: World, like: str, young: Sequence[str]) -> float:
    """Write for each of the young what the one has whom they shall be like. Gives the seconds that it took."""
    keyring = compose.custodian(world.settings)
    own = compose.secrets_of(world.settings, keyring)()
    begun = time.monotonic()
    with closing(compose.opened(world.settings, keyring)) as store:
        template = _template(store, person_key(like, own))
        parts = [young[n : n + AT_ONCE] for n in range(0, len(young), AT_ONCE)]
        for part in track(parts, "  writing youths", console=Console(stderr=True)):
            with store.write() as tx:
                for number in part:
                    _write(tx, person_key(number, own), template)
    return time.monotonic() - begun


def _template(store: SqlStore, person: PersonKey) -> _Template:
    now = compose.now()
    with store.read() as tx:
        subject = tx.subject_by_person(person)
        assert subject is not None
        return _Template(
            handles=[unit for unit, _ in tx.handles(subject)],
            consents=tx.consents_of(subject),
            disclosures=tx.disclosures_about(subject, before=None, limit=50, at=now),
            notices=tuple(reversed(tx.notices(subject, limit=50, at=now))),
        )


def _write(tx: SqlTransaction, person: PersonKey, like: _Template) -> None:
    subject = SubjectId(fresh("sub", secrets.token_bytes))
    tx.add_subject(subject, person, at=compose.now())
    for unit in like.handles:
        tx.add_handle(unit, subject, SubjectHandle(fresh("hdl", secrets.token_bytes)))
    consents = dict(_consents(tx, subject, person, like))
    disclosures = dict(_disclosures(tx, subject, like))
    for one in like.notices:
        consent = None if one.consent is None else consents[one.consent]
        disclosure = None if one.disclosure is None else disclosures[one.disclosure]
        tx.add_notice(subject, replace(one, consent=consent, disclosure=disclosure))


def _consents(
    tx: SqlTransaction, subject: SubjectId, person: PersonKey, like: _Template
) -> Iterator[tuple[ConsentId, ConsentId]]:
    for one in like.consents:
        signatures = tuple(
            replace(said, signer=replace(said.signer, key=person)) for said in one.signatures
        )
        identity = ConsentId(fresh("con", secrets.token_bytes))
        tx.add_consent(replace(one, id=identity, subject=subject, signatures=signatures))
        tx.look_at_consent(identity, one.version, now=compose.now(), then=one.valid_until)
        yield one.id, identity


def _disclosures(
    tx: SqlTransaction, subject: SubjectId, like: _Template
) -> Iterator[tuple[DisclosureId, DisclosureId]]:
    for one in like.disclosures:
        identity = DisclosureId(fresh("dis", secrets.token_bytes))
        tx._run(_COPY, {"id": identity, "subject": subject, "one": one.id})
        yield one.id, identity
