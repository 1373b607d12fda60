"""People: from a national identity number to a keyed hash, at once and for good, and to a service's own handle."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from audit.entries import Entry
from broker.domain.facets import facets
from broker.domain.facts import ComesOfAge, SubjectFacts
from broker.domain.ids import DisclosureId, PersonKey, SubjectHandle, SubjectId, UnitId, fresh
from broker.errors import NotASubject, UnknownDisclosure, UnknownHandle, UnknownPerson
from broker.ports import Person, Ports, Transaction
from broker.stored import Disclosure
from broker.usecases.call import Call, once
from keys.keyring import BrokerSecrets
from tillit.wire import SubjectAnswer, SubjectRequest

OSLO = ZoneInfo("Europe/Oslo")
ADULT = 18  # vergemålsloven § 8: nobody holds parental responsibility after that


def person_key(national_id: str, secrets: BrokerSecrets) -> PersonKey:
    """HMAC-SHA256 of the number under the keyring's ``person`` key, in hex; the number itself goes no further."""
    mac = hmac.new(secrets.person_mac, national_id.encode(), hashlib.sha256)
    return PersonKey(mac.hexdigest())


def resolve(request: SubjectRequest, *, call: Call, ports: Ports) -> SubjectAnswer:
    """Exchange a national identity number for the calling service's own handle.

    Raises:
        UnknownPerson: the register knows nobody by that number.
    """
    key = person_key(request.national_id, ports.secrets)

    def act(tx: Transaction) -> SubjectAnswer:
        if ports.register.person(key) is None:
            raise UnknownPerson
        subject = tx.subject_by_person(key)
        if subject is None:
            subject = SubjectId(fresh("sub", ports.randomness))
            tx.add_subject(subject, key, at=ports.clock())
        return SubjectAnswer(subject=handle_for(tx, call.unit, subject, ports=ports))

    return once(act, answers=SubjectAnswer, call=call, ports=ports)


def handle_for(tx: Transaction, unit: UnitId, subject: SubjectId, *, ports: Ports) -> SubjectHandle:
    """The unit's own handle for the subject; the first time it is made, and logged."""
    handle = tx.handle(unit, subject)
    if handle is None:
        handle = SubjectHandle(fresh("hdl", ports.randomness))
        tx.add_handle(unit, subject, handle)
        content = {"unit": unit, "subject": handle}
        found_by = facets(services=(unit,))
        tx.append(Entry("subject.known", ports.clock(), content, subject, found_by))
    return handle


def known(tx: Transaction, unit: UnitId, handle: str) -> SubjectId:
    """The subject behind the unit's own handle.

    Raises:
        UnknownHandle: the unit has no such handle, whoever else may have.
    """
    subject = tx.subject_of(unit, SubjectHandle(handle))
    if subject is None:
        raise UnknownHandle
    return subject


def registered(key: PersonKey, ports: Ports) -> Person:
    """The person behind a keyed hash, from the population register.

    Raises:
        UnknownPerson: the register no longer knows them.
    """
    person = ports.register.person(key)
    if person is None:
        raise UnknownPerson
    return person


def charges(key: PersonKey, ports: Ports) -> Sequence[tuple[PersonKey, Person]]:
    """Those for whom the register says on both sides that the person is a guardian; nobody where it does not know them."""
    person = ports.register.person(key)
    if person is None:
        return ()
    return [
        (ward, found)
        for ward in person.wards
        if (found := ports.register.person(ward)) is not None and key in found.guardians
    ]


def wards(tx: Transaction, key: PersonKey, ports: Ports) -> Sequence[SubjectId]:
    """Those of the person's charges whom the broker knows."""
    found = (tx.subject_by_person(ward) for ward, _ in charges(key, ports))
    return [subject for subject in found if subject is not None]


def myself(tx: Transaction, key: PersonKey) -> SubjectId:
    """The subject this person is.

    Raises:
        NotASubject: the broker holds nothing about them.
    """
    subject = tx.subject_by_person(key)
    if subject is None:
        raise NotASubject
    return subject


def visible(
    tx: Transaction, identity: DisclosureId, subject: SubjectId, *, now: datetime
) -> Disclosure:
    """A disclosure that a subject may be told of.

    Raises:
        UnknownDisclosure: none by that id is about them, or not to be told of yet.
    """
    found = tx.disclosure(identity)
    if found is None or found.subject != subject or (found.told_at and found.told_at > now):
        raise UnknownDisclosure
    return found


def age(born: date, at: datetime) -> int:
    """Whole years at an instant, the day counted in Oslo; born on 29 February turns on 1 March in common years."""
    today = at.astimezone(OSLO).date()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def turns(born: date, years: int) -> datetime:
    """The instant, UTC, at which someone born then reaches that age: midnight in Oslo."""
    try:
        day = born.replace(year=born.year + years)
    except ValueError:
        day = date(born.year + years, 3, 1)
    return datetime(day.year, day.month, day.day, tzinfo=OSLO).astimezone(UTC)


def subject_facts(
    person: Person,
    *,
    now: datetime,
    thresholds: Iterable[int],
    objects_to: Iterable[str] = (),
    hidden: Iterable[UnitId] = (),
) -> SubjectFacts:
    """What the policy is told of a person: age and the coming birthdays that change what the law says.

    ``thresholds`` are those ages, ``objects_to`` the categories spoken against, ``hidden`` the units whose involvement is kept
    from others. The date of birth itself stays in the register.
    """
    years = age(person.born, now)
    coming = [n for n in thresholds if n > years]
    return SubjectFacts(
        age=years,
        birthdays=tuple(ComesOfAge(age=n, at=turns(person.born, n)) for n in coming),
        guardians=len(person.guardians) if years < ADULT else 0,
        address_protection=person.address_protection,
        objects_to=tuple(objects_to),
        hidden=tuple(hidden),
    )
