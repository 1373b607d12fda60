"""Meetings: a case on a forum's list, with participants, and the subject told at once (N22, N30)."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from audit.entries import Entry
from broker.domain.consents import Consent
from broker.domain.facets import facets
from broker.domain.grants import Grant
from broker.domain.ids import MeetingId, SubjectId, UnitId, fresh
from broker.errors import MeetingInvalid, MeetingWithoutConsent
from broker.ports import Ports, Transaction
from broker.stored import Meeting, Notice
from broker.usecases.call import Call, once
from broker.usecases.people import handle_for, known
from tillit.wire import Event, MeetingRequest, MeetingView


def call_meeting(asked: MeetingRequest, *, call: Call, ports: Ports) -> MeetingView:
    """Put a subject's case on the list of a collaboration's meeting.

    No consent in force with the calling unit and every participant among its yes-lines: the name is not on the list, and nobody
    else is told anything.

    Raises:
        UnknownHandle: the subject is not known to the service by that handle.
        MeetingInvalid: in the past, a unit listed twice, the caller not taking part, a unit that is no member, or on the
            agenda what is no category, or one twice.
        MeetingWithoutConsent: no consent in force covers the participants.
    """

    def act(tx: Transaction) -> MeetingView:
        now = ports.clock()
        subject = known(tx, call.unit, asked.subject)
        _check(asked, unit=call.unit, now=now, ports=ports)
        _check_consent(tx, asked, subject, now=now)
        meeting = Meeting(
            id=MeetingId(fresh("mtg", ports.randomness)),
            subject=subject,
            collaboration=asked.collaboration,
            called_by=call.unit,
            held_at=asked.held_at,
            noticed_at=now,
            participants=asked.participants,
            agenda=asked.agenda,
        )
        tx.add_meeting(meeting)
        _tell(tx, meeting, ports=ports)
        return MeetingView(
            id=meeting.id,
            collaboration=meeting.collaboration,
            held_at=meeting.held_at,
            participants=meeting.participants,
            agenda=meeting.agenda,
        )

    return once(act, answers=MeetingView, call=call, ports=ports)


def covered(consents: Iterable[Consent], collaboration: str, *, now: datetime) -> frozenset[UnitId]:
    """The units that the subject has said yes to in a collaboration, as it is now."""
    return frozenset(
        unit
        for grant in _given(consents, collaboration, now=now)
        for unit in (grant.source, grant.recipient)
    )


def spoken_of(consents: Iterable[Consent], collaboration: str, *, now: datetime) -> frozenset[str]:
    """The kinds of information that the subject has said yes to in a collaboration, as it is now."""
    return frozenset(grant.category for grant in _given(consents, collaboration, now=now))


def _given(consents: Iterable[Consent], collaboration: str, *, now: datetime) -> Iterator[Grant]:
    for consent in consents:
        if (
            consent.collaboration == collaboration
            and consent.state == "active"
            and now < consent.valid_until
        ):
            yield from (grant for grant in consent.grants if grant.answer == "yes")


def _check(asked: MeetingRequest, *, unit: UnitId, now: datetime, ports: Ports) -> None:
    units = [participant.unit for participant in asked.participants]
    agreed = ports.catalogue.collaborations.get(asked.collaboration)
    if asked.held_at <= now:
        raise MeetingInvalid("the meeting lies in the past")
    if len(set(units)) != len(units):
        raise MeetingInvalid("a unit takes part twice")
    if agreed is None or not agreed.in_force(now) or not agreed.members_at(now).issuperset(units):
        raise MeetingInvalid("only members of the collaboration take part")
    if unit not in units:
        raise MeetingInvalid("who calls the meeting takes part")
    if len(set(asked.agenda)) != len(asked.agenda):
        raise MeetingInvalid("the agenda names something twice")
    if not ports.catalogue.categories.keys() >= set(asked.agenda):
        raise MeetingInvalid("the agenda names what is no category")


def _check_consent(
    tx: Transaction, asked: MeetingRequest, subject: SubjectId, *, now: datetime
) -> None:
    # Whom the subject hides is on no list that others see.
    units = (
        covered(tx.consents_of(subject), asked.collaboration, now=now) - tx.hidden(subject).keys()
    )
    if not units.issuperset(participant.unit for participant in asked.participants):
        raise MeetingWithoutConsent


def _tell(tx: Transaction, meeting: Meeting, *, ports: Ports) -> None:
    content = {
        "agenda": list(meeting.agenda),
        "called_by": meeting.called_by,
        "collaboration": meeting.collaboration,
        "held_at": meeting.held_at.isoformat(),
        "meeting": meeting.id,
        "participants": [p.model_dump(mode="json") for p in meeting.participants],
    }
    found_by = facets(
        services=(meeting.called_by, *(p.unit for p in meeting.participants)),
        collaboration=meeting.collaboration,
    )
    tx.append(Entry("meeting.called", meeting.noticed_at, content, meeting.subject, found_by))
    notice = Notice("meeting", meeting.noticed_at, meeting.called_by, meeting=meeting.id)
    tx.add_notice(meeting.subject, notice)
    for participant in meeting.participants:
        unit = UnitId(participant.unit)
        event = Event(
            id=0,
            type="meeting.called",
            at=meeting.noticed_at,
            subject=handle_for(tx, unit, meeting.subject, ports=ports),
            meeting=meeting.id,
            collaboration=meeting.collaboration,
        )
        tx.add_event(unit, event)
