"""Objections: what a subject speaks against sharing, said in the portal or recorded when a child is heard.

From an age that the law sets they withhold. Only the subject takes one back; no guardian and no service does.
"""

from collections.abc import Iterable
from datetime import datetime

from audit.entries import Entry
from broker.domain.errors import ObjectionTooYoung, UnknownCategory
from broker.domain.facets import facets
from broker.domain.ids import PersonKey, SubjectId, UnitId
from broker.ports import Person, Ports, Transaction
from broker.stored import Notice, Objection
from broker.usecases.call import PersonCall, once
from broker.usecases.people import age, myself, registered
from tillit.wire import MyObjection, MyObjections, ObjectionRequest


def objections(*, person: PersonKey, ports: Ports) -> MyObjections:
    """What the person speaks against sharing now.

    Raises:
        NotASubject: the broker holds nothing about them.
    """
    with ports.store.read() as tx:
        return seen(tx, myself(tx, person))


def answer(said: ObjectionRequest, *, call: PersonCall, ports: Ports) -> MyObjections:
    """Speak against sharing a category, or take that back; what is so already changes nothing.

    Raises:
        NotASubject: the broker holds nothing about them.
        UnknownCategory: no such category.
        ObjectionTooYoung: the law does not yet hear somebody of that age.
    """

    def act(tx: Transaction) -> MyObjections:
        now = ports.clock()
        subject = myself(tx, call.person)
        if said.objects:
            object_to(tx, subject, [said.category], now=now, ports=ports)
        elif tx.remove_objection(subject, said.category):
            content = {"category": said.category}
            tx.append(Entry("objection.resolved", now, content, subject))
        return seen(tx, subject)

    return once(act, answers=MyObjections, call=call, ports=ports)


def object_to(
    tx: Transaction,
    subject: SubjectId,
    categories: Iterable[str],
    *,
    now: datetime,
    ports: Ports,
    recorded_by: UnitId | None = None,
) -> None:
    """Keep and log new objections; the subject is told of those that somebody else wrote down.

    Raises:
        UnknownCategory: no such category.
        ObjectionTooYoung: the law does not yet hear somebody of that age.
    """
    for category in categories:
        if category not in ports.catalogue.categories:
            raise UnknownCategory(category)
        person = registered(tx.person_of(subject), ports)
        if age(person.born, now) < ports.catalogue.ages.heard_from:
            raise ObjectionTooYoung
        if tx.add_objection(subject, Objection(category, now, recorded_by)):
            content = {"category": category, "recorded_by": recorded_by}
            found_by = facets(services=(recorded_by,))
            tx.append(Entry("objection.made", now, content, subject, found_by))
            if recorded_by is not None:
                tx.add_notice(subject, Notice("objection_recorded", now, recorded_by))


def counted(
    tx: Transaction, subject: SubjectId, person: Person, *, now: datetime, ports: Ports
) -> tuple[str, ...]:
    """The categories spoken against that have weight at the subject's age; what a younger child said is only recorded."""
    found = tx.objections(subject)
    if found and age(person.born, now) >= ports.catalogue.ages.weight_from:
        return tuple(objection.category for objection in found)
    return ()


def seen(tx: Transaction, subject: SubjectId) -> MyObjections:
    """What a subject speaks against, as the subject is shown it."""
    return MyObjections(
        objections=tuple(
            MyObjection(category=o.category, at=o.at, recorded_by=o.recorded_by)
            for o in tx.objections(subject)
        )
    )
