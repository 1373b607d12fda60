"""Hiding: the subject keeps from every other service that one of them is involved, and shows it again (N19).

Only the subject does either. It holds at each decision from then on, for what rests on a yes; a statute that lets something be
told is not the subject's to stop.
"""

from audit.entries import Entry
from broker.domain.facets import facets
from broker.domain.ids import PersonKey, SubjectId, UnitId
from broker.errors import UnknownService
from broker.ports import Ports, Transaction
from broker.usecases.call import PersonCall, once
from broker.usecases.people import myself
from tillit.wire import HiddenRequest, Language, MyHidden, MyHiddenUnit


def hidden(*, person: PersonKey, language: Language, ports: Ports) -> MyHidden:
    """What the person hides now.

    Raises:
        NotASubject: the broker holds nothing about them.
    """
    with ports.store.read() as tx:
        return seen(tx, myself(tx, person), language=language, ports=ports)


def hide(said: HiddenRequest, *, call: PersonCall, ports: Ports) -> MyHidden:
    """Hide that a service is involved, or show it again; what is so already changes nothing.

    Any service may be hidden, also one that is not involved: that it is hidden says nothing.

    Raises:
        NotASubject: the broker holds nothing about the person.
        UnknownService: no such service, and none by that name is hidden.
    """

    def act(tx: Transaction) -> MyHidden:
        now = ports.clock()
        subject = myself(tx, call.person)
        unit = UnitId(said.unit)
        if unit not in ports.catalogue.units and unit not in tx.hidden(subject):
            raise UnknownService
        changed = tx.hide(subject, unit, at=now) if said.hidden else tx.show(subject, unit)
        if changed:
            kind = "involvement.hidden" if said.hidden else "involvement.shown"
            tx.append(Entry(kind, now, {"unit": unit}, subject, facets(services=(unit,))))
        return seen(tx, subject, language=call.language, ports=ports)

    return once(act, answers=MyHidden, call=call, ports=ports)


def seen(tx: Transaction, subject: SubjectId, *, language: Language, ports: Ports) -> MyHidden:
    """What a subject hides, as the subject is shown it."""
    return MyHidden(
        hidden=tuple(
            MyHiddenUnit(unit=unit, label=ports.catalogue.text("unit", unit, language), at=at)
            for unit, at in tx.hidden(subject).items()
        )
    )
