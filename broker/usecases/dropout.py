"""Dropout: whoever has the ball is told when a youth falls out of an offer (N32), by the youth's yes or by law (S1)."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from audit.entries import Entry
from broker.domain.consents import Consent
from broker.domain.facets import facets
from broker.domain.ids import ConsentId, SubjectId, UnitId
from broker.ports import Ports, Transaction
from broker.stored import Notice
from broker.usecases.gathering import gather
from broker.usecases.people import handle_for
from tillit.wire import Actor, Ask, Event, FieldName

PURPOSE = "dropout_notice"
TELLING = "education.dropout_notice"
NOTIFIER = Actor(id="tillit", role="notifier")
FOLLOW_UP = "follow_up_service"
# Stands for the subject in an ask that is only decided: a unit gets a handle of its own once it may be told.
NO_HANDLE = "hdl_" + "A" * 22


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

    Only a deposit that holds ``TELLING`` says that somebody dropped out; other deposits tell nobody anything. A later deposit
    corrects an earlier one and is told of too. The event names the fields, never a value: the unit asks for those, and that ask
    is decided and logged. That it was told is logged, and the subject is told.
    """
    names = tuple(fields)
    if TELLING not in names:
        return
    told: set[UnitId] = set()
    for unit, consent in _listening(tx, subject, source=source, ports=ports):
        if consent is None and unit in told:
            continue
        ask = Ask(
            subject=NO_HANDLE,
            fields=names,
            purpose=PURPOSE,
            actor=NOTIFIER,
            collaboration=consent.collaboration if consent else None,
            source=source,
        )
        gathered = gather(tx, ask, subject=subject, unit=unit, now=now, ports=ports)
        permitted = tuple(ports.engine.decide(gathered.facts).permitted())
        if permitted:
            told.add(unit)
            event = Event(
                id=0,
                type="notice.dropout",
                at=now,
                subject=handle_for(tx, unit, subject, ports=ports),
                consent=ConsentId(consent.id) if consent else None,
                collaboration=ask.collaboration,
                purpose=PURPOSE,
                fields=permitted,
            )
            _tell(tx, subject, event, unit=unit, source=source)


def _tell(
    tx: Transaction, subject: SubjectId, event: Event, *, unit: UnitId, source: UnitId
) -> None:
    content = {
        "consent": event.consent,
        "fields": list(event.fields),
        "recipient": unit,
        "source": source,
    }
    found_by = facets(
        services=(unit, source),
        purposes=(PURPOSE,),
        collaboration=event.collaboration,
    )
    tx.append(Entry("dropout.told", event.at, content, subject, found_by))
    tx.add_notice(subject, Notice("dropout_told", event.at, unit))
    tx.add_event(unit, event)


def _listening(
    tx: Transaction, subject: SubjectId, *, source: UnitId, ports: Ports
) -> Iterator[tuple[UnitId, Consent | None]]:
    """The units that a dropout at this source may concern: by a consent in force, then the county's follow-up service.

    One that is of a municipality hears of that municipality only.
    """
    found = {
        (UnitId(grant.recipient), consent.collaboration): consent
        for consent in tx.consents_of(subject)
        if consent.state == "active"
        for grant in consent.grants
        if grant.answer == "yes" and grant.source == source and grant.purpose == PURPOSE
    }
    for (unit, _), consent in sorted(found.items(), key=str):
        yield unit, consent
    here = ports.catalogue.units[source].place
    for name, known in sorted(ports.catalogue.units.items()):
        near = known.place.municipality in {None, here.municipality}
        if known.type == FOLLOW_UP and known.place.county == here.county and near:
            yield UnitId(name), None
