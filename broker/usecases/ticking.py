"""Ticking: what time does by itself. Consents end, lapse on birthdays and are offered again; erasures and digests fall due.

The rules already decide each ask by the day it is made; this makes states and people catch up. What time may have changed is
found by when to look at it next, so that a tick costs what is due. Each look is one transaction, with its log entries: an
interrupted tick loses nothing, and of two replicas that look at the same moment one does.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from audit.entries import Entry
from broker.domain.consents import Consent
from broker.domain.errors import SignersUnknown
from broker.domain.facets import facets, of_manifest
from broker.domain.ids import ComplaintId, ConsentId, DisclosureId, GrantId, fresh
from broker.domain.lifetime import MAX_LIFETIME
from broker.domain.noticing import digest_before
from broker.domain.outgrowing import outgrown
from broker.domain.requesting import requested
from broker.domain.signatures import Needed
from broker.domain.states import OVER, State
from broker.domain.wording import consent_text
from broker.errors import BrokerError, Contended, EngineDown, RegisterDown, StoreDown, UnknownPerson
from broker.ports import Ports, Transaction
from broker.stored import Due, Notice
from broker.usecases import complaints
from broker.usecases.consents import log, save, signers_of, until
from broker.usecases.feed import tell_parties
from broker.usecases.people import handle_for, registered, turns
from tillit.wire import SUBJECT, Event

AHEAD = timedelta(days=30)
"""How long before a birthday what it changes is told (law.md, Ages)."""
POSTPONED = timedelta(hours=1)
CHUNK = 200
FAULTS = 3
IN_FORCE = frozenset({State.ACTIVE, State.PAUSED})

Looked = Counter[str]
Look = Callable[[Transaction], Looked]


class Progress(Protocol):
    """Told after each look: how many are done, of how many."""

    def __call__(self, done: int, total: int) -> None:
        """Show it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """What one tick came to.

    ``noticed`` are notices made due, by digest. ``postponed`` were looked at without their birthdays: the register or the
    rules did not answer. ``contended`` were looked at by somebody else, ``failed`` could not be; both are due still.
    """

    expired: int = 0
    lapsed: int = 0
    settled: int = 0
    reconfirmations: int = 0
    transitions: int = 0
    erasures_due: int = 0
    complaints_late: int = 0
    noticed: int = 0
    postponed: int = 0
    contended: int = 0
    failed: int = 0


def tick(
    *,
    ports: Ports,
    progress: Progress | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Ticked:
    """Look at everything that is due, until done or ``stopped``.

    Raises:
        StoreDown: the store does not answer, or will not write.
    """
    now = ports.clock()
    with ports.store.read() as tx:
        total = tx.due(at=now)
    counted, faults = Looked(), 0
    for done, look in enumerate(_due(now, ports), start=1):
        if stopped():
            break
        try:
            with ports.store.write() as tx:
                found = look(tx)
            counted.update(found)
            faults = 0
        except Contended:
            counted["contended"] += 1
        except StoreDown:
            # A row that cannot be read must not stand in the way of the others.
            faults += 1
            if faults == FAULTS:
                raise
            counted["failed"] += 1
        except BrokerError:
            counted["failed"] += 1
        if progress:
            progress(done, max(done, total))
    return Ticked(**counted)


def _due(now: datetime, ports: Ports) -> Iterator[Look]:
    """One look for each consent, disclosure and complaint that is due, one at all notices; what stays due is passed by."""
    for one in _pages(lambda tx: tx.consents_due, now=now, ports=ports):
        yield partial(_at_consent, identity=ConsentId(one), ports=ports)
    for one in _pages(lambda tx: tx.disclosures_due, now=now, ports=ports):
        yield partial(_at_disclosure, identity=DisclosureId(one), ports=ports)
    for one in _pages(lambda tx: tx.complaints_due, now=now, ports=ports):
        yield partial(_at_complaint, identity=ComplaintId(one), ports=ports)
    digest = digest_before(now)
    with ports.store.read() as tx:
        waits = tx.notices_wait(digest=digest)
    if waits:
        yield partial(_at_notices, digest=digest, now=now)


def _pages(
    query: Callable[[Transaction], Callable[..., Sequence[Due]]], *, now: datetime, ports: Ports
) -> Iterator[str]:
    after: Due | None = None
    while True:
        with ports.store.read() as tx:
            found = query(tx)(at=now, after=after, limit=CHUNK)
        if not found:
            return
        yield from (due.id for due in found)
        after = found[-1]


# --- a consent


@dataclass(frozen=True, slots=True)
class Birthday:
    """One that is near: the age, the day's first moment, and the lines that will lapse then."""

    age: int
    at: datetime
    lapsing: tuple[GrantId, ...]


@dataclass(frozen=True, slots=True)
class Growing:
    """What the subject's age means for a consent: the signatures needed today, what is near, and when to look next."""

    needed: Mapping[str, Needed]
    near: tuple[Birthday, ...]
    then: datetime


def _at_consent(tx: Transaction, *, identity: ConsentId, ports: Ports) -> Looked:
    now = ports.clock()
    consent = tx.consent(identity)
    if consent is None or consent.state in OVER:
        # Ended since it was found due, or by a release that does not say so.
        return _over(tx, consent, now=now)
    if now >= consent.valid_until:
        return _expired(tx, consent, now=now, ports=ports)
    try:
        growing = _growing(tx, consent, now=now, ports=ports)
    except (RegisterDown, EngineDown, UnknownPerson, SignersUnknown):
        then = min(consent.valid_until, now + POSTPONED)
        tx.look_at_consent(consent.id, consent.version, now=now, then=then)
        return Looked(postponed=1)
    consent, counted = _caught_up(tx, consent, growing, now=now, ports=ports)
    if consent.state in IN_FORCE:
        counted += _told_ahead(tx, consent, growing, now=now, ports=ports)
    if consent.state not in OVER:
        tx.look_at_consent(consent.id, consent.version, now=now, then=growing.then)
    return counted


def _over(tx: Transaction, consent: Consent | None, *, now: datetime) -> Looked:
    if consent is not None:
        with suppress(Contended):
            tx.look_at_consent(consent.id, consent.version, now=now, then=None)
    return Looked()


def _expired(tx: Transaction, consent: Consent, *, now: datetime, ports: Ports) -> Looked:
    ended, event = consent.expire(at=now)
    save(tx, ended, event, was=consent.version, ports=ports)
    if consent.state in IN_FORCE:
        _tell(tx, ended, "expired", now=now)
    return Looked(expired=1)


def _growing(tx: Transaction, consent: Consent, *, now: datetime, ports: Ports) -> Growing:
    """Ask the register and the rules all there is to ask, before anything is changed."""
    person = registered(tx.person_of(consent.subject), ports)
    needed = signers_of(person, consent, at=now, ports=ports)
    ages = {
        *ports.catalogue.age_thresholds(collaboration=consent.collaboration or ""),
        *ports.catalogue.ages.transitions,
    }
    coming = [(n, at) for n in sorted(ages) if now < (at := turns(person.born, n))]
    lapsed = outgrown(consent, needed)
    near = []
    for years, at in coming:
        if at - AHEAD <= now:
            then = outgrown(consent, signers_of(person, consent, at=at, ports=ports))
            lapsing = tuple(line for line in then if line not in lapsed)
            near.append(Birthday(years, at, lapsing if at < consent.valid_until else ()))
    moments = {consent.valid_until, *(at for _, at in coming), *(at - AHEAD for _, at in coming)}
    return Growing(needed, tuple(near), min(moment for moment in moments if now < moment))


def _caught_up(
    tx: Transaction, consent: Consent, growing: Growing, *, now: datetime, ports: Ports
) -> tuple[Consent, Looked]:
    """The consent as the subject's age today makes it."""
    if consent.state == State.PARTLY_SIGNED and consent.enough(growing.needed):
        settled, event = consent.settle(at=now, needed=growing.needed)
        save(tx, settled, event, was=consent.version, ports=ports)
        _tell(tx, settled, "settled", now=now)
        return settled, Looked(settled=1)
    if consent.state in IN_FORCE and (gone := outgrown(consent, growing.needed)):
        lapsed, over = consent.lapse(at=now, grants=gone)
        save(tx, lapsed, over, was=consent.version, ports=ports)
        _tell(tx, lapsed, "lapsed", now=now)
        return lapsed, Looked(lapsed=1)
    return consent, Looked()


def _told_ahead(
    tx: Transaction, consent: Consent, growing: Growing, *, now: datetime, ports: Ports
) -> Looked:
    counted = Looked()
    proposed = () if consent.about else ports.catalogue.ages.transitions
    for birthday in growing.near:
        if _offered(tx, consent, birthday, now=now, ports=ports):
            counted["reconfirmations"] += 1
        if birthday.age in proposed and tx.tell_once(consent.subject, f"transition.{birthday.age}"):
            content = {"age": birthday.age}
            tx.append(
                Entry(
                    "transition.near",
                    now,
                    content,
                    consent.subject,
                    facets(services=(consent.requested_by,), collaboration=consent.collaboration),
                )
            )
            tx.add_notice(consent.subject, Notice("transition", now, consent.requested_by))
            counted["transitions"] += 1
    return counted


def _offered(
    tx: Transaction, consent: Consent, birthday: Birthday, *, now: datetime, ports: Ports
) -> bool:
    """Put the lines that will lapse before the subject, once: a new request, with nothing ticked (law.md, Ages)."""
    used = {line for _, line in tx.used_grants([consent.id])}
    lines = [
        grant
        for grant in consent.grants
        if grant.id in birthday.lapsing and grant.id not in used and not consent.over(grant)
    ]
    earlier = (
        each.reconfirms == consent.id and each.requested_at >= birthday.at - AHEAD
        for each in tx.consents_of(consent.subject)
    )
    agreed = ports.catalogue.collaborations.get(consent.collaboration or "")
    reached = reaches(consent, birthday.age, at=birthday.at, ports=ports)
    if not lines or any(earlier) or not reached:
        return False
    ends = min(until(agreed, None, start=birthday.at), now + MAX_LIFETIME)
    grants = tuple(
        replace(grant, id=GrantId(f"g{number}"), answer=None)
        for number, grant in enumerate(lines, start=1)
    )
    asked, event = requested(
        id=ConsentId(fresh("con", ports.randomness)),
        subject=consent.subject,
        collaboration=consent.collaboration,
        requested_by=consent.requested_by,
        actor=consent.actor,
        actor_role=consent.actor_role,
        at=now,
        valid_until=ends,
        language=consent.language,
        text=consent_text(grants, ports.catalogue, consent.language, until=ends),
        guardians_rule=consent.guardians_rule,
        grants=grants,
        reconfirms=consent.id,
    )
    tx.add_consent(asked)
    log(tx, asked, event)
    tell_parties(tx, asked, event.type, at=now, ports=ports)
    _tell(tx, asked, "reconfirm", now=now)
    return True


def reaches(consent: Consent, years: int, *, at: datetime, ports: Ports) -> bool:
    """Whether a consent's agreement holds on that day, for somebody of that age; without one, it does."""
    if consent.collaboration is None:
        return True
    agreed = ports.catalogue.collaborations.get(consent.collaboration)
    return (
        agreed is not None and agreed.in_force(at) and agreed.ages.min <= years <= agreed.ages.max
    )


def _tell(tx: Transaction, consent: Consent, kind: str, *, now: datetime) -> None:
    tx.add_notice(consent.subject, Notice(kind, now, consent.requested_by, consent=consent.id))


# --- a disclosure


def _at_disclosure(tx: Transaction, *, identity: DisclosureId, ports: Ports) -> Looked:
    """Remind the recipient once that what it was given should be gone, unless it has attested that it is (N13)."""
    now = ports.clock()
    disclosure = tx.disclosure(identity)
    if disclosure is None:
        return Looked()
    manifest = disclosure.manifest
    if manifest.fields and now < manifest.expires_at:
        # Added by a release that does not say when.
        tx.look_at_disclosure(identity, now=now, then=manifest.expires_at)
        return Looked()
    tx.look_at_disclosure(identity, now=now, then=None)
    if not manifest.fields or manifest.recipient == SUBJECT or tx.erased([identity]):
        return Looked()
    content = {"disclosure": identity, "recipient": disclosure.recipient}
    found_by = of_manifest(manifest, ports.catalogue)
    tx.append(Entry("erase.due", now, content, disclosure.subject, found_by))
    event = Event(
        id=0,
        type="erase.due",
        at=now,
        subject=handle_for(tx, disclosure.recipient, disclosure.subject, ports=ports),
        disclosure=identity,
        collaboration=manifest.collaboration,
        purpose=manifest.purpose,
        fields=tuple(sorted(manifest.fields)),
    )
    tx.add_event(disclosure.recipient, event)
    return Looked(erasures_due=1)


# --- a complaint


def _at_complaint(tx: Transaction, *, identity: ComplaintId, ports: Ports) -> Looked:
    """Remind the service once that a subject waits for its answer."""
    return Looked(complaints_late=int(complaints.remind(tx, identity, ports=ports)))


# --- notices


def _at_notices(tx: Transaction, *, digest: datetime, now: datetime) -> Looked:
    """Make due what waited for the digest."""
    return Looked(noticed=tx.make_notices_due(digest=digest, at=now))
