"""Dropout: the service that has the ball is told when a youth falls out of an offer (N32), if the youth said it may be."""

from collections.abc import Iterable
from datetime import datetime

from broker.domain.consents import Consent
from broker.domain.ids import ConsentId, SubjectId, UnitId
from broker.ports import Ports, Transaction
from broker.usecases.gathering import gather
from broker.usecases.people import handle_for
from tillit.wire import Actor, Ask, Event, FieldName

PURPOSE = "dropout_notice"
TELLING = "education.dropout_notice"
NOTIFIER = Actor(id="tillit", role="notifier")


def tell_of_dropout(
    tx: Transaction,
    subject: SubjectId,
    fields: Iterable[FieldName],
    *,
    source: UnitId,
    now: datetime,
    ports: Ports,
) -> None:
    """Put ``notice.dropout`` on the feed of each unit that would be permitted the fields for that purpose, now.

    Only a deposit that holds ``TELLING`` says that somebody dropped out; other deposits tell nobody anything.
    The event names the consent and the fields, never a value: the unit asks for those, and that ask is decided and logged.
    """
    names = tuple(fields)
    if TELLING not in names:
        return
    for consent, unit in _listening(tx, subject, source=source):
        handle = handle_for(tx, unit, subject, ports=ports)
        ask = Ask(
            subject=handle,
            fields=names,
            purpose=PURPOSE,
            actor=NOTIFIER,
            collaboration=consent.collaboration,
            source=source,
        )
        gathered = gather(tx, ask, subject=subject, unit=unit, now=now, ports=ports)
        permitted = tuple(ports.engine.decide(gathered.facts).permitted())
        if permitted:
            event = Event(
                id=0,
                type="notice.dropout",
                at=now,
                subject=handle,
                consent=ConsentId(consent.id),
                collaboration=consent.collaboration,
                purpose=PURPOSE,
                fields=permitted,
            )
            tx.add_event(unit, event)


def _listening(
    tx: Transaction, subject: SubjectId, *, source: UnitId
) -> tuple[tuple[Consent, UnitId], ...]:
    """The units, each with a consent in force, that a dropout at this source may concern."""
    found = {
        (UnitId(grant.recipient), consent.collaboration): consent
        for consent in tx.consents_of(subject)
        if consent.state == "active"
        for grant in consent.grants
        if grant.answer == "yes" and grant.source == source and grant.purpose == PURPOSE
    }
    return tuple((consent, unit) for (unit, _), consent in sorted(found.items(), key=str))
