"""Overview: who has the ball in each of the subject's cases, the meetings about them, and who has asked (N15, N22).

All are the subject's own to see: a guardian sees the lines that need one (``broker.usecases.me``), and nothing here.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import groupby

from broker.domain.consents import Consent
from broker.domain.ids import PersonKey, SubjectId, UnitId
from broker.domain.responsibility import Nobody, Said, alive, responsible
from broker.domain.states import OPEN
from broker.ports import Ports, Transaction
from broker.stored import Meeting
from broker.usecases.consents import signers
from broker.usecases.meetings import covered, spoken_of
from broker.usecases.people import myself
from tillit.wire import SUBJECT, Language, MyCase, MyCases, MyMeeting, MyMeetings, Waiting
from tillit.wire.overview import AgendaItem, CaseGap, Responsible

PAGE = 100


def cases(*, person: PersonKey, language: Language, ports: Ports) -> MyCases:
    """Every collaboration in which a consent of the person's lives or waits for an answer, and who has the ball there.

    *Not here*: what two services asked for without an agreement, which is no shared case.

    Raises:
        NotASubject: the broker holds nothing about them.
    """
    with ports.store.read() as tx:
        subject = myself(tx, person)
        return MyCases(cases=cases_of(tx, subject, language=language, ports=ports))


def cases_of(
    tx: Transaction, subject: SubjectId, *, language: Language, ports: Ports
) -> tuple[MyCase, ...]:
    """The same, of a subject at hand."""
    now = ports.clock()
    living = [c for c in tx.consents_of(subject) if c.collaboration and alive(c, now)]
    living.sort(key=lambda c: (c.collaboration or "", c.requested_at, c.id))
    coming = tx.coming_meetings(subject, at=now, limit=PAGE) if living else ()
    return tuple(
        _case(tx, name or "", list(found), coming, language=language, ports=ports)
        for name, found in groupby(living, key=lambda c: c.collaboration)
    )


def meetings(
    *, person: PersonKey, before: str | None, limit: int, language: Language, ports: Ports
) -> MyMeetings:
    """The meetings about the person: those to come, and a page of those that were.

    Raises:
        NotASubject: the broker holds nothing about them.
    """
    with ports.store.read() as tx:
        subject = myself(tx, person)
        return meetings_of(
            tx, subject, before=before, limit=min(limit, PAGE), language=language, ports=ports
        )


def meetings_of(
    tx: Transaction,
    subject: SubjectId,
    *,
    before: str | None,
    limit: int,
    language: Language,
    ports: Ports,
) -> MyMeetings:
    """The same, of a subject at hand; with ``before`` only of those that were."""
    now = ports.clock()
    coming = tx.coming_meetings(subject, at=now, limit=PAGE) if before is None else ()
    past = tx.past_meetings(subject, at=now, before=before, limit=limit)
    consents, hidden = tx.consents_of(subject), tx.hidden(subject).keys()

    def seen(found: Sequence[Meeting]) -> tuple[MyMeeting, ...]:
        return tuple(
            _seen(m, consents, hidden, now=now, language=language, ports=ports) for m in found
        )

    return MyMeetings(
        coming=seen(coming),
        past=seen(past),
        next=past[-1].id if len(past) == limit else None,
    )


def askers(*, person: PersonKey, ports: Ports) -> tuple[UnitId, ...]:
    """Who has asked about the person; not the person themself.

    Raises:
        NotASubject: nothing is kept about them.
    """
    with ports.store.read() as tx:
        found = tx.recipients_about(myself(tx, person), at=ports.clock())
        return tuple(unit for unit in found if unit != SUBJECT)


def _case(
    tx: Transaction,
    name: str,
    found: Sequence[Consent],
    coming: Iterable[Meeting],
    *,
    language: Language,
    ports: Ports,
) -> MyCase:
    now = ports.clock()
    stage = tx.stage(found[0].subject, name)
    agreed = ports.catalogue.collaborations.get(name)
    said = None if stage is None else Said(stage.unit, stage.at)
    who = responsible(found, agreed, said, now=now)
    meeting = next((m for m in coming if m.collaboration == name), None)
    return MyCase(
        collaboration=name,
        label=ports.catalogue.text("collaboration", name, language),
        responsible=None
        if isinstance(who, Nobody)
        else Responsible(
            unit=who.unit,
            label=ports.catalogue.text("unit", who.unit, language),
            why=who.why,
            text="" if agreed is None else str(getattr(agreed.responsible.labels, language)),
            since=who.since,
        ),
        gap=CaseGap(
            gap=who.gap,
            turn_to=who.turn_to,
            label=ports.catalogue.text("unit", who.turn_to, language),
        )
        if isinstance(who, Nobody)
        else None,
        waiting=tuple(w for c in found for w in _waiting(tx, c, now=now, ports=ports)),
        next_meeting=None
        if meeting is None
        else _seen(
            meeting,
            found,
            tx.hidden(meeting.subject).keys(),
            now=now,
            language=language,
            ports=ports,
        ),
        consents=tuple(consent.id for consent in found),
    )


def _waiting(tx: Transaction, consent: Consent, *, now: datetime, ports: Ports) -> list[Waiting]:
    if consent.state not in OPEN:
        return []
    lacking = consent.waiting_for(signers(tx, consent, now=now, ports=ports))
    return [
        Waiting(
            on="service" if what == "child_heard" else what,
            unit=consent.requested_by if what == "child_heard" else None,
            consent=consent.id,
            since=consent.changed_at,
        )
        for what in lacking
    ]


def _seen(
    meeting: Meeting,
    consents: Iterable[Consent],
    hidden: Collection[UnitId],
    *,
    now: datetime,
    language: Language,
    ports: Ports,
) -> MyMeeting:
    units = {meeting.called_by, *(p.unit for p in meeting.participants)}
    said_yes = spoken_of(consents, meeting.collaboration, now=now)
    return MyMeeting(
        id=meeting.id,
        collaboration=meeting.collaboration,
        label=ports.catalogue.text("collaboration", meeting.collaboration, language),
        called_by=meeting.called_by,
        called_at=meeting.noticed_at,
        held_at=meeting.held_at,
        participants=meeting.participants,
        labels={unit: ports.catalogue.text("unit", unit, language) for unit in sorted(units)},
        consent_holds=covered(consents, meeting.collaboration, now=now)
        .difference(hidden)
        .issuperset(participant.unit for participant in meeting.participants),
        agenda=tuple(
            AgendaItem(
                category=category,
                label=ports.catalogue.text("category", category, language),
                consent_holds=category in said_yes,
            )
            for category in meeting.agenda
        ),
    )
