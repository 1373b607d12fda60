"""Shredding: everything about a person made unreadable, in every copy that there is, and said in the log.

The act is an entry before it is done and another after it; a run that was interrupted is done again from the start.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from audit.entries import Entry
from broker.domain.ids import PersonKey, SubjectId, UnitId
from broker.errors import CustodianDown, NotASubject
from broker.ports import Ports, Transaction
from broker.usecases.people import known, myself
from keys.errors import CustodianError
from tillit.wire import Event, Written
from tillit.wire.asks import ActorId
from tillit.wire.auditing import CaseNumber

ERASING, ERASED = "subject.erasing", "subject.erased"

_BY: TypeAdapter[str] = TypeAdapter(ActorId)
_CASE: TypeAdapter[str] = TypeAdapter(CaseNumber)
_REASON: TypeAdapter[str] = TypeAdapter(Written)


class OrderUnfit(ValueError):
    """Who has a person erased, the case or the reason is not in the words it must be in."""


@dataclass(frozen=True, slots=True)
class Order:
    """Who has a person erased, in which case, and why, in words; nobody's national identity number in any of them."""

    by: str
    case: str
    reason: str

    def __post_init__(self) -> None:
        """Raises ``OrderUnfit``."""
        for said, takes in ((self.by, _BY), (self.case, _CASE), (self.reason, _REASON)):
            try:
                takes.validate_python(said)
            except ValidationError:
                # Its text would repeat what was written.
                raise OrderUnfit(
                    "who, case and reason are bounded, and hold no national identity number"
                ) from None


def of_person(key: PersonKey, *, ports: Ports) -> SubjectId:
    """The subject that a person is.

    Raises:
        NotASubject: the broker holds nothing about them.
    """
    with ports.store.read() as tx:
        return myself(tx, key)


def of_handle(unit: UnitId, handle: str, *, ports: Ports) -> SubjectId:
    """The subject that a service knows by its own handle.

    Raises:
        UnknownHandle: the service has no such handle.
    """
    with ports.store.read() as tx:
        return known(tx, unit, handle)


def shred(subject: SubjectId, order: Order, *, ports: Ports) -> int:
    """Erase a subject for good; says how many rows there were.

    Values and contents of the log are unreadable once the custodian has destroyed the subject's key, wherever there is a copy
    of them. Live rows are deleted too, and every service that knows the subject is told to do the same (personvernforordningen
    art. 19). The person may become a subject again later, as somebody new.

    Raises:
        NotASubject: nothing is held about the subject.
        CustodianDown: the key could not be destroyed; that it was ordered is in the log, nothing else is done.
        StoreDown: where the key is destroyed already, the same order must be given again to empty the rows.
    """
    said = {"by": order.by, "case": order.case, "reason": order.reason, "subject": subject}
    with ports.store.write() as tx:
        _require(tx, subject)
        tx.append(Entry(ERASING, ports.clock(), said))
    try:
        ports.custodian.shred(subject=subject)
    except CustodianError as down:
        raise CustodianDown from down
    signed = certificate(subject, ports=ports)
    with ports.store.write() as tx:
        now = ports.clock()
        _tell(tx, subject, at=now)
        rows = tx.erase_subject(subject)
        tx.append(Entry(ERASED, now, {**said, "certificate": signed, "rows": rows}))
    return rows


def certificate(subject: SubjectId, *, ports: Ports) -> str | None:
    """The custodian's signed word that the subject's key was destroyed (``tillit.shredding``).

    None while it cannot sign: destroying takes no key, signing does.
    """
    try:
        return ports.custodian.shred_certificate(subject=subject)
    except CustodianError:
        return None


def _require(tx: Transaction, subject: SubjectId) -> None:
    try:
        tx.person_of(subject)
    except KeyError:
        raise NotASubject from None


def _tell(tx: Transaction, subject: SubjectId, *, at: datetime) -> None:
    """Each service that has a handle for the subject reads in its feed that what it was given is to go."""
    for unit, handle in tx.handles(subject):
        tx.add_event(unit, Event(id=0, type=ERASED, at=at, subject=handle))
