"""Contests: a subject says that a value is not right, and what they say goes with it wherever it goes (N18).

The words are the subject's own (``own_words``), but no ask finds them: who does not get the value
does not get what is said to it.
"""

from dataclasses import replace

from audit.entries import Entry
from broker.domain.facets import facets
from broker.domain.ids import PersonKey, RecordId, SubjectId
from broker.errors import Contended, NothingToContest
from broker.ports import Ports, Transaction
from broker.stored import Contest, Deposited, Notice
from broker.usecases import own_words
from broker.usecases.call import Call, PersonCall, once
from broker.usecases.people import handle_for, myself
from tillit.wire import (
    OBJECTION,
    ContestReply,
    ContestView,
    Event,
    MyContest,
    MyContests,
    OwnWords,
)
from tillit.wire import Contest as Said


def contests(*, person: PersonKey, ports: Ports) -> MyContests:
    """What the person contests now.

    Raises:
        NotASubject: the broker holds nothing about them.
    """
    with ports.store.read() as tx:
        return seen(tx, myself(tx, person))


def contest(said: Said, *, call: PersonCall, ports: Ports) -> MyContests:
    """Contest a value, in the place of what was said to it before.

    The service that wrote it reads in its feed that it is contested, and not what was said.

    Raises:
        NothingToContest: it is no value about the person that others wrote, or it is about somebody else.
        NotASubject: the broker holds nothing about them.
        CustodianDown: the custodian is locked or gone; nothing was kept.
        SubjectErased: the subject's key was shredded.
    """
    now = ports.clock()
    words = own_words.sealed(OwnWords(field=OBJECTION, text=said.text), at=now, ports=ports)

    def act(tx: Transaction) -> MyContests:
        subject = myself(tx, call.person)
        field, value = _contestable(tx, subject, RecordId(said.record), ports)
        kept = own_words.keep(tx, subject, words, at=now, ports=ports, asked_for=False)
        made = Contest(value.record, field, value.source, RecordId(kept[OBJECTION]), now)
        tx.contest(subject, made)
        _enter(tx, "contest.made", subject, made, ports)
        return seen(tx, subject)

    return once(act, answers=MyContests, call=call, ports=ports)


def lift(record: RecordId, *, call: PersonCall, ports: Ports) -> MyContests:
    """Contest a value no longer.

    Raises:
        NothingToContest: the person does not contest it.
        NotASubject: the broker holds nothing about them.
    """

    def act(tx: Transaction) -> MyContests:
        subject = myself(tx, call.person)
        held = tx.contests(subject).get(record)
        if held is None or not tx.end_contest(subject, record):
            raise NothingToContest
        _enter(tx, "contest.lifted", subject, held, ports)
        return seen(tx, subject)

    return once(act, answers=MyContests, call=call, ports=ports)


def reply(record: RecordId, said: ContestReply, *, call: Call, ports: Ports) -> ContestView:
    """A source says whether a value that it wrote is right. The subject is told; so is nobody else.

    The value stays contested until the subject lifts it. A source may say another thing later; the same once more changes
    and tells nothing.

    Raises:
        NothingToContest: the unit wrote no value by that id that is contested.
    """

    def act(tx: Transaction) -> ContestView:
        now = ports.clock()
        found = tx.contested(call.unit, record)
        if found is None:
            raise NothingToContest
        subject, held = found
        if held.finding == said.finding:
            return _replied(tx, subject, held, ports)
        answered = replace(held, finding=said.finding, answered_at=now)
        if not tx.answer_contest(record, said.finding, made=held.at, at=now):
            raise Contended
        content = {
            "actor": said.actor.model_dump(mode="json"),
            "field": held.field,
            "finding": said.finding,
            "record": record,
            "source": held.source,
        }
        found_by = facets(services=(held.source,), outcome=said.finding)
        tx.append(Entry("contest.answered", now, content, subject, found_by))
        tx.add_notice(subject, Notice("contest_answered", now, held.source))
        return _replied(tx, subject, answered, ports)

    return once(act, answers=ContestView, call=call, ports=ports)


def _replied(tx: Transaction, subject: SubjectId, held: Contest, ports: Ports) -> ContestView:
    return ContestView(
        record=held.record,
        subject=handle_for(tx, held.source, subject, ports=ports),
        field=held.field,
        at=held.at,
        finding=held.finding,
        answered_at=held.answered_at,
    )


def _contestable(
    tx: Transaction, subject: SubjectId, record: RecordId, ports: Ports
) -> tuple[str, Deposited]:
    found = tx.record(subject, record)
    field = None if found is None else ports.catalogue.fields.get(found[0])
    if found is None or field is None or field.authored_by or field.third_party:
        raise NothingToContest
    return found


def _enter(tx: Transaction, type_: str, subject: SubjectId, made: Contest, ports: Ports) -> None:
    now = ports.clock()
    content = {
        "field": made.field,
        "objection": made.objection,
        "record": made.record,
        "source": made.source,
    }
    tx.append(Entry(type_, now, content, subject, facets(services=(made.source,))))
    event = Event(
        id=0,
        type=type_,
        at=now,
        subject=handle_for(tx, made.source, subject, ports=ports),
        record=made.record,
        fields=(made.field,),
    )
    tx.add_event(made.source, event)


def seen(tx: Transaction, subject: SubjectId) -> MyContests:
    """What a subject contests now, the latest first."""
    return MyContests(
        contests=tuple(
            MyContest(
                record=one.record,
                field=one.field,
                source=one.source,
                at=one.at,
                finding=one.finding,
                answered_at=one.answered_at,
            )
            for one in tx.contests(subject).values()
        )
    )
