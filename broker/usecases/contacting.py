"""Contacting: the subject chooses where they hear, outside the portal, that there is something new (N3).

An address is told only once a code that was sent there has come back. The code is made from the contact's id with a key of the
keyring, so that it lies nowhere; ``sending`` sends it, so that nobody waits here and nothing tells whether an address exists.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime

from audit.entries import Entry
from broker.domain.contacts import (
    ASKED_WITHIN,
    CODE_LASTS,
    MOST_ASKED,
    Contact,
    address_of,
)
from broker.domain.errors import AddressUnlike
from broker.domain.ids import ContactId, PersonKey, fresh
from broker.errors import (
    ContactCodeRefused,
    NoContact,
    NoSuchChannel,
    SubjectErased,
    TooManyCodes,
)
from broker.ports import Ports, Transaction
from broker.stored import Notice, Reached
from broker.usecases.call import PersonCall, attempt, once, repeated
from broker.usecases.contents import open_volumes
from broker.usecases.people import myself, person_key
from tillit.contents import ContentBroken, open_address
from tillit.wire import (
    Channel,
    ContactConfirmation,
    ContactRequest,
    ContactWay,
    Language,
    MyContact,
)

CODE_DIGITS = 6
VOUCHED_CHARS = 64


def contact(*, person: PersonKey, ports: Ports, addresses: bool = True) -> MyContact:
    """How the person is told outside the portal, with the ``addresses`` unless they are not wanted.

    Raises:
        NotASubject: the broker holds nothing about them.
        CustodianDown: there is an address, and the custodian does not open anything now.
    """
    with ports.store.read() as tx:
        found = tx.contacts_of(myself(tx, person))
    return shown(found, now=ports.clock(), ports=ports, addresses=addresses)


def ask(asked: ContactRequest, *, call: PersonCall, ports: Ports) -> MyContact:
    """Ask to be told at an address: a code is sent there. What was asked for before, and waits, is replaced.

    What the public register knows takes no code: the number shows by its keyed hash that it is the caller's.

    Raises:
        NotASubject: the broker holds nothing about them.
        NoSuchChannel: there is no such way out of the portal.
        AddressUnlike: it is no such address, or not the person's own number.
        TooManyCodes: as many as may be were sent within a day.
        SubjectErased: the subject's key was shredded.
    """
    if asked.channel not in ports.messengers:
        raise NoSuchChannel
    address = address_of(asked.channel, asked.address)
    vouched = asked.channel == "register"
    if vouched and not hmac.compare_digest(person_key(address, ports.secrets), call.person):
        raise AddressUnlike

    def act(tx: Transaction) -> MyContact:
        now = ports.clock()
        subject = myself(tx, call.person)
        if tx.codes_asked(subject, since=now - ASKED_WITHIN) >= MOST_ASKED:
            raise TooManyCodes
        waited, told = _both(tx.contacts_of(subject))
        if waited is not None:
            tx.save_contact(waited.end(at=now), was=waited.version)
        made = Contact(
            id=ContactId(fresh("ctc", ports.randomness)),
            subject=subject,
            version=1,
            channel=asked.channel,
            language=call.language,
            asked_at=now,
            code_until=now + CODE_LASTS,
            try_at=now,
        )
        if vouched and told is not None:
            tx.save_contact(told.end(at=now), was=told.version)
        kept = made.confirm(at=now) if vouched else made
        if not tx.add_contact(kept, _vouched(address, kept, ports) + address):
            raise SubjectErased
        _enter(tx, "contact.confirmed" if vouched else "contact.asked", kept, at=now)
        if told is not None:
            # It goes to the address that stands: whoever is about to lose it hears that there is something new.
            tx.add_notice(subject, Notice("contact_asked", now, None))
            hurried = told if vouched else told.unquiet(at=now)
            if hurried is not told:
                tx.save_contact(hurried, was=told.version)
        return shown(tx.contacts_of(subject), now=now, ports=ports)

    return once(act, answers=MyContact, call=call, ports=ports)


def confirm(said: ContactConfirmation, *, call: PersonCall, ports: Ports) -> MyContact:
    """Show by the code that the address is one's own; it is told from now on, and the one before is not.

    The try is counted before the code is looked at.

    Raises:
        NotASubject: the broker holds nothing about them.
        ContactCodeRefused: no address waits for that code: it is wrong, used, over, or was tried too often.
    """
    fitting = attempt(lambda: _tried(said.code, call=call, ports=ports))

    def act(tx: Transaction) -> MyContact:
        now = ports.clock()
        waited, told = _both(tx.contacts_of(myself(tx, call.person)))
        if waited is None or waited.id != fitting or waited.standing(now) != "waiting":
            raise ContactCodeRefused
        if told is not None:
            tx.save_contact(told.end(at=now), was=told.version)
        tx.save_contact(waited.confirm(at=now), was=waited.version)
        _enter(tx, "contact.confirmed", waited, at=now)
        return shown(tx.contacts_of(waited.subject), now=now, ports=ports)

    return once(act, answers=MyContact, call=call, ports=ports)


def remove(*, call: PersonCall, ports: Ports) -> MyContact:
    """Be told in the portal only; the address is kept no more, nor one that waits for its code.

    Raises:
        NotASubject: the broker holds nothing about them.
        NoContact: so it is already.
    """

    def act(tx: Transaction) -> MyContact:
        now = ports.clock()
        subject = myself(tx, call.person)
        found = tx.contacts_of(subject)
        if not found:
            raise NoContact
        for one in found:
            tx.save_contact(one.contact.end(at=now), was=one.contact.version)
            _enter(tx, "contact.removed", one.contact, at=now)
        return shown((), now=now, ports=ports)

    return once(act, answers=MyContact, call=call, ports=ports)


def speak(language: Language, *, person: PersonKey, ports: Ports) -> None:
    """Tell the person in the language that they read now; nobody who is told in the portal only is changed by it."""

    def act() -> None:
        with ports.store.write() as tx:
            subject = tx.subject_by_person(person)
            for one in () if subject is None else tx.contacts_of(subject):
                if one.contact.language != language:
                    tx.save_contact(one.contact.speaking(language), was=one.contact.version)

    attempt(act)


# --- for the other use cases


def shown(
    found: Sequence[Reached], *, now: datetime, ports: Ports, addresses: bool = False
) -> MyContact:
    """A subject's contacts as the subject is shown them, with their ``addresses`` where they are wanted.

    Raises:
        CustodianDown: they are, and the custodian does not open anything now.
    """
    known = opened(found, ports=ports) if addresses else {}
    ways = {
        one.contact.standing(now): ContactWay(
            channel=one.contact.channel,
            asked_at=one.contact.asked_at,
            confirmed_at=one.contact.confirmed_at,
            code_until=None if one.contact.confirmed_at else one.contact.code_until,
            refused_at=one.contact.refused_at,
            # Nobody needs to be shown their own national identity number.
            address=None if one.contact.channel == "register" else known.get(one.contact.id),
        )
        for one in found
    }
    return MyContact(
        channels=_channels(ports), confirmed=ways.get("confirmed"), waiting=ways.get("waiting")
    )


def opened(found: Sequence[Reached], *, ports: Ports) -> dict[ContactId, str]:
    """The addresses, but those that are gone with the subject's key or with their time, do not open, or are not of our writing.

    Raises:
        CustodianDown: there are some, and the custodian does not open anything now.
    """
    keys, _ = open_volumes([one.volume for one in found if one.volume], custodian=ports.custodian)
    known: dict[ContactId, str] = {}
    for one in found:
        key = None if one.volume is None else keys.get(one.volume.id)
        if key is None:
            continue
        try:
            said = open_address(one.sealed, contact=one.contact.id, key=key)
        except ContentBroken:
            continue
        word, address = said[:VOUCHED_CHARS], said[VOUCHED_CHARS:]
        if hmac.compare_digest(word.encode(), _vouched(address, one.contact, ports).encode()):
            known[one.contact.id] = address
    return known


def code_of(identity: ContactId, ports: Ports) -> str:
    """The code that shows that a contact's address is its subject's."""
    made = hmac.digest(ports.secrets.person_mac, b"contact-code\0" + identity.encode(), "sha256")
    return f"{int.from_bytes(made) % 10**CODE_DIGITS:0{CODE_DIGITS}}"


def _vouched(address: str, found: Contact, ports: Ports) -> str:
    """The broker's word, in hex, that the address is this contact's: who writes to the database can seal, and not vouch."""
    said = (b"contact-address", found.id.encode(), found.subject.encode(), found.channel.encode())
    whole = b"\0".join((*said, address.encode()))
    return hmac.digest(ports.secrets.person_mac, whole, "sha256").hex()


def _channels(ports: Ports) -> tuple[Channel, ...]:
    order: tuple[Channel, ...] = ("email", "sms", "register")
    return tuple(channel for channel in order if channel in ports.messengers)


def _both(found: Sequence[Reached]) -> tuple[Contact | None, Contact | None]:
    """The one that waits, or waited, for its code, and the one that is confirmed."""
    waited = next((one.contact for one in found if one.contact.confirmed_at is None), None)
    told = next((one.contact for one in found if one.contact.confirmed_at is not None), None)
    return waited, told


def _tried(code: str, *, call: PersonCall, ports: Ports) -> ContactId | None:
    """The contact that waits for that code; the try counts, also one that the caller repeats with another key."""
    with ports.store.write() as tx:
        if call.key and repeated(tx, call, ports=ports) is not None:
            return None
        now = ports.clock()
        waited, _ = _both(tx.contacts_of(myself(tx, call.person)))
        if waited is None or not waited.may_be_tried(now):
            return None
        tx.save_contact(waited.try_code(at=now), was=waited.version)
        if hmac.compare_digest(code, code_of(waited.id, ports)):
            return waited.id
        _enter(tx, "contact.code_refused", waited, at=now)
        return None


def _enter(tx: Transaction, type_: str, found: Contact, *, at: datetime) -> None:
    """That it was so, by which channel; where to is in no entry."""
    tx.append(Entry(type_, at, {"channel": found.channel}, found.subject))
