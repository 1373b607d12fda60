"""The feed: what a service is told of, in order (answered, changed, withdrawn, meetings, dropout)."""

from collections.abc import Collection
from datetime import datetime

from broker.domain.consents import Consent
from broker.domain.ids import ConsentId, GrantId, SubjectHandle, UnitId
from broker.ports import Ports, Transaction
from broker.usecases.people import handle_for
from tillit.wire import Event, EventPage

PAGE = 200


def events(*, unit: UnitId, after: int, limit: int, ports: Ports) -> EventPage:
    """A page of the unit's own feed after a cursor; ``next`` equals ``after`` when there is nothing new."""
    with ports.store.read() as tx:
        found = tuple(tx.events(unit, after=after, limit=min(limit, PAGE)))
    return EventPage(events=found, next=found[-1].id if found else after)


def tell_parties(
    tx: Transaction,
    consent: Consent,
    kind: str,
    *,
    at: datetime,
    ports: Ports,
    over: Collection[GrantId] = (),
    aside: bool = False,
) -> None:
    """Tell the requester, and every unit that a yes-line names or named until now (``over``), that a consent changed.

    A unit that only refused lines name learns nothing (N27). What a member of the family answered concerns the youth, by whose
    handle it is told. ``aside``: between the subject and the requester alone.
    """
    named = {consent.requested_by}
    for grant in () if aside else consent.grants:
        if grant.answer == "yes" or grant.id in over:
            named |= {grant.source, grant.recipient}
    for unit in sorted(named):
        handle = handle_for(tx, UnitId(unit), consent.about or consent.subject, ports=ports)
        tx.add_event(UnitId(unit), _event(consent, kind, handle, at))


def _event(consent: Consent, kind: str, handle: SubjectHandle, at: datetime) -> Event:
    return Event(
        id=0,
        type=kind,
        at=at,
        subject=handle,
        consent=ConsentId(consent.id),
        collaboration=consent.collaboration,
    )
