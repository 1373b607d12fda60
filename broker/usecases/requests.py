"""Requests for a consent, as the employees of the unit that asked see them: a draft of one, their list, one of them.

For services without a system of their own. Nothing is shown that ``/v1`` would not show the same unit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.entries import Entry
from broker.domain.consents import Consent
from broker.domain.facets import facets
from broker.domain.hiding import unseen
from broker.domain.ids import ConsentId, SubjectHandle, UnitId
from broker.domain.sessions import Employee
from broker.domain.signatures import Needed, SignerKind
from broker.errors import UnknownConsent
from broker.ports import Ports, Transaction
from broker.usecases.call import Call
from broker.usecases.consents import drafted, signers
from broker.usecases.people import known, resolve
from broker.usecases.views import for_requester
from tillit.wire import ConsentRequest, ConsentView, SubjectRequest

SCANNED = 200
"""So many consents that concern a unit are looked through for one page of those that it asked for."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of what a unit asked for, newest first; ``next``: where the next one begins, None at the end."""

    consents: Sequence[ConsentView]
    next: str | None


def sought(
    request: SubjectRequest, *, employee: Employee, call: Call, ports: Ports
) -> SubjectHandle:
    """The unit's own handle for somebody whom an employee looks up, and that they did is in the log.

    Raises:
        UnknownPerson: the register knows nobody by that number.
    """
    handle = SubjectHandle(resolve(request, call=call, ports=ports).subject)
    with ports.store.write() as tx:
        content = {"actor": employee.actor, "role": employee.role, "unit": employee.unit}
        subject = known(tx, employee.unit, handle)
        found_by = facets(services=(employee.unit,))
        tx.append(Entry("subject.sought", ports.clock(), content, subject, found_by))
    return handle


def draft(asked: ConsentRequest, *, call: Call, ports: Ports) -> ConsentView:
    """The request as its subject would read it; nothing is kept but that an employee looked, and nobody is told.

    Raises:
        UnknownHandle: the subject is not known to the service by that handle.
        ConsentError: its subclasses say what about the request cannot be.
    """
    now = ports.clock()
    content = {
        "actor": asked.actor.model_dump(mode="json"),
        "by": call.unit,
        "collaboration": asked.collaboration,
        "purposes": list(asked.purposes),
        "services": list(asked.services),
    }
    with ports.store.write() as tx:
        subject = known(tx, call.unit, asked.subject)
        consent, _ = drafted(tx, asked, subject, unit=call.unit, now=now, ports=ports)
        found_by = facets(
            services=(call.unit, *sorted(consent.parties())),
            purposes=sorted(line.purpose for line in consent.grants),
            collaboration=consent.collaboration,
        )
        tx.append(Entry("preview", now, content, subject, found_by))
        return _seen(tx, consent, ports)


def asked_by(unit: UnitId, *, before: str | None, ports: Ports) -> Listed:
    """What a unit asked for lately, whomever; nothing says whom."""
    with ports.store.read() as tx:
        found = tx.consents_lately(unit, before=before, limit=SCANNED)
        views = [_seen(tx, consent, ports) for consent in found if consent.requested_by == unit]
    return Listed(views, found[-1].id if len(found) == SCANNED else None)


def asked_of(handle: SubjectHandle, *, unit: UnitId, ports: Ports) -> Sequence[ConsentView]:
    """What a unit asked one person for, newest first.

    Raises:
        UnknownHandle: the subject is not known to the service by that handle.
    """
    with ports.store.read() as tx:
        subject = known(tx, unit, handle)
        found = [*tx.consents_of(subject), *tx.family_consents_by(subject)]
        own = [consent for consent in found if consent.requested_by == unit]
        own.sort(key=lambda consent: (consent.requested_at, consent.id), reverse=True)
        return [_seen(tx, consent, ports) for consent in own]


def request_of(identity: ConsentId, *, unit: UnitId, ports: Ports) -> ConsentView:
    """One that the unit asked for.

    Raises:
        UnknownConsent: the unit asked for none by that id.
    """
    with ports.store.read() as tx:
        return _seen(tx, own(tx, identity, unit), ports)


def to_record(
    identity: ConsentId, *, signer: SignerKind, unit: UnitId, ports: Ports
) -> ConsentView:
    """One that the unit asked for, with the lines that are a signer's to answer today and no others.

    Raises:
        UnknownConsent: the unit asked for none by that id.
    """
    with ports.store.read() as tx:
        consent = own(tx, identity, unit)
        needed = signers(tx, consent, now=ports.clock(), ports=ports)
        view = _seen(tx, consent, ports, needed=needed)
    theirs = {g.id for g in consent.grants if signer == "subject" or needed[g.category].guardians}
    return view.model_copy(update={"grants": tuple(g for g in view.grants if g.id in theirs)})


def own(tx: Transaction, identity: ConsentId, unit: UnitId) -> Consent:
    """A consent that the unit asked for. Raises ``UnknownConsent``, also where it is only a party to it."""
    consent = tx.consent(identity)
    if consent is None or consent.requested_by != unit:
        raise UnknownConsent
    return consent


def _seen(
    tx: Transaction, consent: Consent, ports: Ports, *, needed: Mapping[str, Needed] | None = None
) -> ConsentView:
    """As the API shows it to the unit that asked: without what the subject hides of the others (N19)."""
    if needed is None:
        needed = signers(tx, consent, now=ports.clock(), ports=ports)
    hidden = tx.hidden(consent.about or consent.subject)
    return for_requester(unseen(consent, hidden, by=consent.requested_by), needed, ports)
