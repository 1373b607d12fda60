"""Spots: showing a code by which a youth answers inside the appointment, and coming from it to the request."""

from datetime import datetime

from audit.entries import Entry
from broker.domain.consents import Consent
from broker.domain.errors import IllegalTransition
from broker.domain.facets import facets
from broker.domain.ids import ConsentId, PersonKey, UnitId
from broker.domain.sessions import Employee
from broker.domain.spots import LASTS, NONCE_BYTES, Spot
from broker.domain.states import OPEN
from broker.errors import SpotGone, UnknownConsent
from broker.ports import Ports, Transaction
from broker.usecases import me
from broker.usecases.requests import own
from broker.usecases.sessions import hashed


def show(identity: ConsentId, *, employee: Employee, token: str, ports: Ports) -> None:
    """Make a code for a request that waits; the one before is good for nothing then.

    ``token``: of the employee's session, without which nobody tells the code.

    Raises:
        UnknownConsent: the unit asked for none by that id.
        IllegalTransition: it waits for no answer any more.
    """
    now = ports.clock()
    made = Spot(identity, employee.unit, employee.actor, ports.randomness(NONCE_BYTES), now + LASTS)
    with ports.store.write() as tx:
        consent = own(tx, identity, employee.unit)
        if consent.state not in OPEN:
            raise IllegalTransition(f"a consent that is {consent.state} waits for no answer")
        tx.put_spot(hashed(made.code(token)), made)
        _log(tx, "spot.shown", consent, {"actor": employee.actor, "role": employee.role}, at=now)


def shown(identity: ConsentId, *, token: str, ports: Ports) -> tuple[str, datetime] | None:
    """The code that this session shows for a request, and until when it is good; None where it shows none."""
    with ports.store.read() as tx:
        found = tx.spot_of(identity)
    if found is None or not found[1].is_good(ports.clock()):
        return None
    code = found[1].code(token)
    return (code, found[1].expires_at) if hashed(code) == found[0] else None


def opened(code: str, *, person: PersonKey, ports: Ports) -> ConsentId:
    """The request that a code leads to, for whoever answers it; the code is used up.

    Raises:
        SpotGone: for anybody else, used, too old or none: it reads the same, and is not used up by them.
    """
    now, named = ports.clock(), hashed(code)
    with ports.store.read() as tx:
        found = tx.spot(named)
    if found is None or not found.is_good(now):
        raise SpotGone
    try:
        me.consent(found.consent, person=person, ports=ports)
    except UnknownConsent:
        raise SpotGone from None
    with ports.store.write() as tx:
        consent = tx.consent(found.consent)
        if consent is None or not _answers(tx, consent, person) or not tx.take_spot(named):
            raise SpotGone
        _log(tx, "spot.opened", consent, {}, at=now)
    return found.consent


def _answers(tx: Transaction, consent: Consent, person: PersonKey) -> bool:
    """Whether it is theirs: the youth in whose record it stands only sees that a member of the family was asked."""
    return consent.about is None or consent.subject == tx.subject_by_person(person)


def _log(
    tx: Transaction, kind: str, consent: Consent, more: dict[str, str], *, at: datetime
) -> None:
    content = {"consent": consent.id, "unit": consent.requested_by} | more
    found_by = facets(services=(UnitId(consent.requested_by),), collaboration=consent.collaboration)
    tx.append(Entry(kind, at, content, consent.subject, found_by))
