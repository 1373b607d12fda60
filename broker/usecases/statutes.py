"""Statutes: a unit relies on one about a subject; others confirm and review it, the subject is told (S1 to S8).

An invocation releases nothing by itself: the recipient asks, and the policy decides with it among the facts.
"""

from datetime import datetime

from audit.entries import Entry
from audit.facets import Facets
from broker.domain.errors import StatuteNotInUse, StatuteNotInvoked
from broker.domain.facets import facets
from broker.domain.facts import InvocationFacts
from broker.domain.ids import InvocationId, SubjectId, UnitId, fresh
from broker.domain.invocations import (
    Invocation,
    check_age,
    check_fields,
    check_role,
    closes,
    ends,
    told_at,
)
from broker.domain.shelves import Statute
from broker.errors import UnknownInvocation
from broker.ports import Ports, Transaction
from broker.stored import Notice
from broker.usecases.call import Call, once
from broker.usecases.people import age, handle_for, known, registered
from tillit.wire import (
    Confirmation,
    Event,
    InvocationPage,
    InvocationRequest,
    InvocationView,
    Review,
)

PAGE = 100


def invoke(asked: InvocationRequest, *, call: Call, ports: Ports) -> InvocationView:
    """Rely on a statute about a subject, towards one recipient. The reason goes into the log, with who gave it.

    Raises:
        UnknownHandle: the subject is not known to the service by that handle.
        StatuteError: its subclasses say what of the statute does not allow it.
    """

    def act(tx: Transaction) -> InvocationView:
        now = ports.clock()
        subject = known(tx, call.unit, asked.subject)
        statute = _statute(asked.statute, ports)
        made = _invocation(tx, asked, statute, subject, unit=call.unit, now=now, ports=ports)
        tx.add_invocation(made)
        _log_invoked(tx, asked, made)
        if statute.notice != "none":
            _tell_subject(tx, made, "relied_on", at=now)
        if made.stands:
            _tell_recipient(tx, made, at=now, ports=ports)
        if made.review_due:
            _tell(tx, made, "review.due", unit=made.unit, at=now, ports=ports)
        return _view(tx, made, ports)

    return once(act, answers=InvocationView, call=call, ports=ports)


def confirm(
    identity: InvocationId, confirmation: Confirmation, *, call: Call, ports: Ports
) -> InvocationView:
    """Another person of the same unit stands behind an invocation; only then is the recipient told of it.

    Raises:
        UnknownInvocation: the calling unit made none by that id.
        StatuteError: its subclasses say why it cannot be confirmed.
    """

    def act(tx: Transaction) -> InvocationView:
        now = ports.clock()
        found = _own(tx, identity, call.unit)
        actor = confirmation.actor
        statute = _statute(found.statute, ports)
        confirmed = found.confirm(by=actor.id, role=actor.role, statute=statute, at=now)
        tx.save_invocation(confirmed, was=found.version)
        content = {
            "actor": actor.model_dump(mode="json"),
            "invocation": found.id,
            "statute": found.statute,
            "unit": found.unit,
        }
        tx.append(Entry("statute.confirmed", now, content, found.subject, _found_by(found)))
        _tell_recipient(tx, confirmed, at=now, ports=ports)
        return _view(tx, confirmed, ports)

    return once(act, answers=InvocationView, call=call, ports=ports)


def review(identity: InvocationId, judged: Review, *, call: Call, ports: Ports) -> InvocationView:
    """A person who neither invoked nor confirmed says whether it was right; that ends it, and the subject is told.

    Raises:
        UnknownInvocation: the calling unit made none by that id.
        StatuteError: its subclasses say why it cannot be reviewed.
    """

    def act(tx: Transaction) -> InvocationView:
        now = ports.clock()
        found = _own(tx, identity, call.unit)
        closed = found.reviewed(by=judged.actor.id, finding=judged.finding, at=now)
        tx.save_invocation(closed, was=found.version)
        content = {
            "actor": judged.actor.model_dump(mode="json"),
            "finding": judged.finding,
            "invocation": found.id,
            "statute": found.statute,
            "text": judged.text,
            "unit": found.unit,
        }
        tx.append(Entry("review.closed", now, content, found.subject, _found_by(closed)))
        _tell_subject(tx, closed, "reviewed", at=now)
        return _view(tx, closed, ports)

    return once(act, answers=InvocationView, call=call, ports=ports)


def invocations(
    *, unit: UnitId, after: str | None, limit: int, open_reviews: bool, ports: Ports
) -> InvocationPage:
    """A page of what the unit relied on, oldest first; with ``open_reviews`` only what waits for a review."""
    size = min(limit, PAGE)
    with ports.store.read() as tx:
        found = tx.invocations_by(unit, after=after, limit=size, open_reviews=open_reviews)
        return InvocationPage(
            invocations=tuple(_view(tx, each, ports) for each in found),
            next=found[-1].id if len(found) == size else None,
        )


def invocation_facts(invocation: Invocation) -> InvocationFacts:
    """An invocation as the policy sees it: that a reason was given, never the reason."""
    return InvocationFacts(
        id=invocation.id,
        statute=invocation.statute,
        unit=invocation.unit,
        role=invocation.role,
        source=invocation.source or "",
        recipient=invocation.recipient,
        fields=invocation.fields,
        reasoned=True,
        necessary=invocation.necessary,
        confirmed=invocation.confirmed,
        delayed=invocation.told_at > invocation.opens,
        opens=invocation.opens,
        closes=invocation.closes,
    )


def _statute(identity: str, ports: Ports) -> Statute:
    statute = ports.catalogue.statutes.get(identity)
    if statute is None or not statute.in_use:
        raise StatuteNotInUse
    if statute.invoked_by == "nobody":
        raise StatuteNotInvoked
    return statute


def _own(tx: Transaction, identity: InvocationId, unit: UnitId) -> Invocation:
    found = tx.invocation(identity)
    if found is None or found.unit != unit:
        raise UnknownInvocation
    return found


def _invocation(
    tx: Transaction,
    asked: InvocationRequest,
    statute: Statute,
    subject: SubjectId,
    *,
    unit: UnitId,
    now: datetime,
    ports: Ports,
) -> Invocation:
    source, recipient = ends(
        statute,
        unit=unit,
        source=asked.source,
        recipient=asked.recipient,
        units=ports.catalogue.units,
    )
    check_role(asked.actor.role, statute)
    check_fields(asked.fields, asked.necessity, statute, known=ports.catalogue.fields)
    person = registered(tx.person_of(subject), ports)
    check_age(age(person.born, now), statute)
    delay = asked.notice_delay
    return Invocation(
        id=InvocationId(fresh("inv", ports.randomness)),
        subject=subject,
        statute=statute.id,
        unit=unit,
        actor=asked.actor.id,
        role=asked.actor.role,
        source=source,
        recipient=recipient,
        fields=asked.fields,
        necessary=tuple(sorted(asked.necessity)),
        opens=now,
        closes=closes(statute, asked.hours, at=now),
        told_at=told_at(statute, delay.days if delay else None, at=now),
        second_person=statute.second_person,
        review=statute.review,
    )


def _log_invoked(tx: Transaction, asked: InvocationRequest, made: Invocation) -> None:
    delay = asked.notice_delay
    content = {
        "actor": asked.actor.model_dump(mode="json"),
        "closes": made.closes.isoformat(),
        "fields": list(made.fields),
        "invocation": made.id,
        "necessity": dict(asked.necessity),
        "notice_delay": None if delay is None else delay.model_dump(mode="json"),
        "reason": asked.reason,
        "recipient": made.recipient,
        "source": made.source,
        "statute": made.statute,
        "told_at": made.told_at.isoformat(),
        "unit": made.unit,
    }
    tx.append(Entry("statute.invoked", made.opens, content, made.subject, _found_by(made)))


def _found_by(invocation: Invocation) -> Facets:
    return facets(
        services=(invocation.unit, invocation.recipient, invocation.source),
        grounds=(invocation.statute,),
        outcome=invocation.finding,
    )


def _tell_subject(tx: Transaction, invocation: Invocation, kind: str, *, at: datetime) -> None:
    waits = invocation.told_at if invocation.told_at > at else None
    notice = Notice(kind, at, invocation.unit, invocation=invocation.id, told_at=waits)
    tx.add_notice(invocation.subject, notice)


def _tell_recipient(tx: Transaction, invocation: Invocation, *, at: datetime, ports: Ports) -> None:
    """Tell the recipient what it may now ask for, where somebody else invoked."""
    if invocation.recipient != invocation.unit:
        unit = invocation.recipient
        _tell(tx, invocation, "statute.invoked", unit=unit, at=at, ports=ports)


def _tell(
    tx: Transaction, invocation: Invocation, kind: str, *, unit: UnitId, at: datetime, ports: Ports
) -> None:
    serves = [
        purpose.id
        for purpose in ports.catalogue.purposes.values()
        if invocation.statute in purpose.statutes
    ]
    event = Event(
        id=0,
        type=kind,
        at=at,
        subject=handle_for(tx, unit, invocation.subject, ports=ports),
        invocation=invocation.id,
        purpose=serves[0] if len(serves) == 1 else None,
        fields=invocation.fields,
    )
    tx.add_event(unit, event)


def _view(tx: Transaction, invocation: Invocation, ports: Ports) -> InvocationView:
    return InvocationView(
        id=invocation.id,
        subject=handle_for(tx, invocation.unit, invocation.subject, ports=ports),
        statute=invocation.statute,
        recipient=invocation.recipient,
        source=invocation.source,
        fields=invocation.fields,
        opens=invocation.opens,
        closes=invocation.closes,
        confirmed=invocation.confirmed,
        review_due=invocation.review_due,
        finding=invocation.finding,
    )
