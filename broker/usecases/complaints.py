"""Complaints: what looks wrong to a subject goes to the service that asked, and stands open to those who audit.

Why is a word of the catalogue, and what is answered one of three: nothing is written that could hold what it is about.
"""

from audit.entries import Entry
from audit.facets import Facets
from broker.domain.complaints import MOST_OPEN, Complaint
from broker.domain.facets import facets
from broker.domain.ids import ComplaintId, DisclosureId, PersonKey, SubjectId, UnitId, fresh
from broker.errors import (
    ComplaintOpen,
    NotComplainedOf,
    TooManyComplaints,
    UnknownComplaint,
    UnknownComplaintReason,
)
from broker.ports import Ports, Transaction
from broker.stored import Notice
from broker.usecases.call import Call, PersonCall, once
from broker.usecases.people import handle_for, myself, visible
from tillit.wire import (
    MAX_COMPLAINTS,
    SUBJECT,
    ComplaintAnswer,
    ComplaintPage,
    ComplaintRequest,
    ComplaintView,
    Event,
    Language,
    MyComplaint,
    MyComplaints,
)
from tillit.wire.auditing import AuditedComplaint, AuditedComplaints

LISTED = "audit.complaints"
ANSWERED = "complaint_answered"


def complaints(*, person: PersonKey, language: Language, ports: Ports) -> MyComplaints:
    """The latest of the person's.

    Raises:
        NotASubject: the broker holds nothing about them.
    """
    with ports.store.read() as tx:
        return seen(tx, myself(tx, person), language=language, ports=ports)


def complain(said: ComplaintRequest, *, call: PersonCall, ports: Ports) -> MyComplaints:
    """Say that a disclosure looks wrong. The service that asked reads it in its feed.

    Raises:
        NotASubject: the broker holds nothing about the person.
        UnknownDisclosure: none by that id is about them, or not to be told of yet.
        UnknownComplaintReason: the catalogue has no such reason.
        NotComplainedOf: it is the person's own reading.
        ComplaintOpen: a complaint about it is not closed yet.
        TooManyComplaints: so many are not closed that no other is taken.
    """
    if said.reason not in ports.catalogue.complaints:
        raise UnknownComplaintReason

    def act(tx: Transaction) -> MyComplaints:
        now = ports.clock()
        subject = myself(tx, call.person)
        about = visible(tx, DisclosureId(said.disclosure), subject, now=now)
        if about.recipient == SUBJECT:
            raise NotComplainedOf
        waiting = tx.complaints_not_closed(subject)
        if any(one.disclosure == about.id for one in waiting):
            raise ComplaintOpen
        if len(waiting) >= MOST_OPEN:
            raise TooManyComplaints
        made = Complaint(
            id=ComplaintId(fresh("cmp", ports.randomness)),
            subject=subject,
            disclosure=about.id,
            unit=about.recipient,
            reason=said.reason,
            opened_at=now,
        )
        tx.add_complaint(made)
        _enter(tx, "complaint.opened", made, ports)
        tell(tx, "complaint.opened", made, ports=ports)
        return seen(tx, subject, language=call.language, ports=ports)

    return once(act, answers=MyComplaints, call=call, ports=ports)


def close(identity: ComplaintId, *, call: PersonCall, ports: Ports) -> MyComplaints:
    """Be done with a complaint, answered or not; another may be made about the same.

    Raises:
        NotASubject: the broker holds nothing about the person.
        UnknownComplaint: none by that id is theirs.
        ComplaintOver: it is closed already.
    """

    def act(tx: Transaction) -> MyComplaints:
        subject = myself(tx, call.person)
        found = tx.complaint(identity)
        if found is None or found.subject != subject:
            raise UnknownComplaint
        closed = found.close(at=ports.clock())
        tx.save_complaint(closed, was=found.version)
        _enter(tx, "complaint.closed", closed, ports)
        tell(tx, "complaint.closed", closed, ports=ports)
        return seen(tx, subject, language=call.language, ports=ports)

    return once(act, answers=MyComplaints, call=call, ports=ports)


def about(
    *,
    unit: UnitId,
    after: str | None,
    limit: int,
    open_only: bool,
    language: Language,
    ports: Ports,
) -> ComplaintPage:
    """A page of the complaints about what a unit asked, oldest first; ``open_only``: those it has not answered."""
    size = min(limit, MAX_COMPLAINTS)
    with ports.store.read() as tx:
        found = tx.complaints_about(unit, after=after, limit=size, open_only=open_only)
        return ComplaintPage(
            complaints=tuple(_view(tx, one, language=language, ports=ports) for one in found),
            next=found[-1].id if len(found) == size else None,
        )


def answer(
    identity: ComplaintId, said: ComplaintAnswer, *, call: Call, ports: Ports
) -> ComplaintView:
    """Say what was found about what the own unit asked; the subject is told. The same once more changes and tells nothing.

    Raises:
        UnknownComplaint: none by that id is about the unit.
        ComplaintOver: the subject has closed it.
    """

    def act(tx: Transaction) -> ComplaintView:
        found = tx.complaint(identity)
        if found is None or found.unit != call.unit:
            raise UnknownComplaint
        answered = found.answer(said.finding, at=ports.clock())
        if found.finding == said.finding:
            return _view(tx, found, language=call.language, ports=ports)
        tx.save_complaint(answered, was=found.version)
        actor = said.actor.model_dump(mode="json")
        _enter(tx, "complaint.answered", answered, ports, actor=actor)
        told = Notice(ANSWERED, ports.clock(), found.unit, disclosure=found.disclosure)
        tx.add_notice(found.subject, told)
        return _view(tx, answered, language=call.language, ports=ports)

    return once(act, answers=ComplaintView, call=call, ports=ports)


def audited(
    *, auditor: UnitId, after: str | None, limit: int, open_only: bool, ports: Ports
) -> AuditedComplaints:
    """A page of all complaints, oldest first, about nobody by name, for the data protection officer; the look is an entry.

    Raises:
        StoreDown: the complaints cannot be read, or the look cannot be logged.
    """
    size = min(limit, MAX_COMPLAINTS)
    now = ports.clock()
    content = {"after": after, "auditor": auditor, "limit": size, "open": open_only}
    with ports.store.write() as tx:
        tx.append(Entry(LISTED, now, content))
    with ports.store.read() as tx:
        found = tx.complaints_about(None, after=after, limit=size, open_only=open_only)
    return AuditedComplaints(
        complaints=tuple(
            AuditedComplaint(
                id=one.id,
                unit=one.unit,
                reason=one.reason,
                state=one.state,
                opened_at=one.opened_at,
                answer_by=one.answer_by,
                late=one.state == "open" and one.answer_by <= now,
                finding=one.finding,
                answered_at=one.answered_at,
                closed_at=one.closed_at,
            )
            for one in found
        ),
        next=found[-1].id if len(found) == size else None,
    )


def remind(tx: Transaction, identity: ComplaintId, *, ports: Ports) -> bool:
    """Remind the service, once, that it has not answered in time; False where the person was erased meanwhile.

    Raises:
        Contended: it was answered or closed meanwhile, or another replica has looked.
    """
    found = tx.complaint(identity)
    if found is None:
        return False
    tx.look_at_complaint(identity, now=ports.clock(), then=None)
    _enter(tx, "complaint.late", found, ports)
    tell(tx, "complaint.late", found, ports=ports)
    return True


def seen(tx: Transaction, subject: SubjectId, *, language: Language, ports: Ports) -> MyComplaints:
    """A subject's complaints, as they are shown them."""
    return MyComplaints(
        complaints=tuple(
            MyComplaint(
                id=one.id,
                disclosure=one.disclosure,
                unit=one.unit,
                reason=one.reason,
                text=ports.catalogue.text("complaint", one.reason, language),
                state=one.state,
                opened_at=one.opened_at,
                answer_by=one.answer_by,
                finding=one.finding,
                answered_at=one.answered_at,
                closed_at=one.closed_at,
            )
            for one in tx.complaints_of(subject, limit=MAX_COMPLAINTS)
        )
    )


def tell(tx: Transaction, kind: str, complaint: Complaint, *, ports: Ports) -> None:
    """Put it into the feed of the service that it is about."""
    event = Event(
        id=0,
        type=kind,
        at=ports.clock(),
        subject=handle_for(tx, complaint.unit, complaint.subject, ports=ports),
        disclosure=complaint.disclosure,
        complaint=complaint.id,
    )
    tx.add_event(complaint.unit, event)


def _enter(tx: Transaction, type_: str, complaint: Complaint, ports: Ports, **more: object) -> None:
    content = {
        "complaint": complaint.id,
        "disclosure": complaint.disclosure,
        "finding": complaint.finding,
        "reason": complaint.reason,
        "recipient": complaint.unit,
        "state": complaint.state,
        **more,
    }
    tx.append(Entry(type_, ports.clock(), content, complaint.subject, _found_by(complaint)))


def _found_by(complaint: Complaint) -> Facets:
    return facets(
        services=(complaint.unit,), reasons=(complaint.reason,), outcome=complaint.finding
    )


def _view(
    tx: Transaction, complaint: Complaint, *, language: Language, ports: Ports
) -> ComplaintView:
    return ComplaintView(
        id=complaint.id,
        subject=handle_for(tx, complaint.unit, complaint.subject, ports=ports),
        disclosure=complaint.disclosure,
        reason=complaint.reason,
        text=ports.catalogue.text("complaint", complaint.reason, language),
        state=complaint.state,
        opened_at=complaint.opened_at,
        answer_by=complaint.answer_by,
        finding=complaint.finding,
        answered_at=complaint.answered_at,
    )
