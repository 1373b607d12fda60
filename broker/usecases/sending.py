"""Sending: what is due is told outside the portal, to those who gave an address; to everybody else the portal tells it.

A message says nothing (``broker.domain.messages``), so one is enough for all that is due to somebody. It is tried until the
channel has taken it, always under the same id: at least once, and twice only where a process dies, or the store goes away,
between the channel's word and our note of it (ADR 0020). A channel that is down holds up nothing but its own messages.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tenacity import RetryCallState, Retrying, wait_exponential, wait_exponential_jitter
from tenacity.wait import wait_base

from audit.entries import Entry
from broker.domain import messages
from broker.domain.contacts import Contact
from broker.domain.ids import fresh
from broker.domain.messages import Message
from broker.errors import AddressBusy, AddressRefused, ChannelDown, Contended
from broker.ports import Ports, Transaction
from broker.stored import Notice, Reached
from broker.usecases.call import attempt
from broker.usecases.contacting import code_of, opened
from broker.usecases.ticking import Progress
from tillit.wire import Channel

PAGE = 200
ADDRESS_WAITS = wait_exponential_jitter(multiplier=60, max=6 * 3600, jitter=30)
CHANNEL_WAITS = wait_exponential(multiplier=5, max=600)

Outcome = Literal["told", "codes", "postponed", "refused", "contended", "gone"]
Count = Callable[[Channel, Outcome], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one run came to.

    ``told`` are people who were sent a message, ``codes`` codes, ``in_portal`` notices of people who are told nowhere else.
    ``postponed`` were in vain and are tried again, ``refused`` will not be. ``contended`` somebody else sends. ``gone`` had an
    address that nobody can read any more.
    """

    told: int = 0
    codes: int = 0
    in_portal: int = 0
    postponed: int = 0
    refused: int = 0
    contended: int = 0
    gone: int = 0


def uncounted(_channel: Channel, _outcome: Outcome) -> None:
    """For who counts nothing."""


class Rests:
    """Channels that did not take a message, and until when this process leaves each of them alone."""

    def __init__(self) -> None:
        self._failures: Counter[Channel] = Counter()
        self._until: dict[Channel, datetime] = {}

    def awake(self, channels: Collection[Channel], now: datetime) -> set[Channel]:
        """Those that may be tried."""
        return {one for one in channels if one not in self._until or self._until[one] <= now}

    def fell(self, channel: Channel, now: datetime) -> None:
        """It did not take a message: let it rest, longer each time."""
        self._failures[channel] += 1
        self._until[channel] = now + _wait(CHANNEL_WAITS, self._failures[channel])

    def stood(self, channel: Channel) -> None:
        """It took one."""
        self._failures.pop(channel, None)
        self._until.pop(channel, None)


def send(
    *,
    ports: Ports,
    rests: Rests | None = None,
    progress: Progress | None = None,
    count: Count = uncounted,
    stopped: Callable[[], bool] = lambda: False,
) -> Sent:
    """Send all that is due and may be tried now, until done or ``stopped``.

    Raises:
        CustodianDown: the custodian does not open addresses now; what is due stays due.
        StoreDown: the store does not answer, or will not write.
    """
    rests = rests or Rests()
    counted: Counter[str] = Counter(in_portal=_in_portal(ports=ports, stopped=stopped))
    while not stopped() and (awake := rests.awake(ports.messengers, ports.clock())):
        with ports.store.read() as tx:
            page = tx.contacts_due(at=ports.clock(), channels=awake, limit=PAGE)
        if not page:
            break
        before = counted.total()
        for done, one in enumerate(page, start=1):
            channel = one.contact.channel
            if stopped() or channel not in rests.awake({channel}, ports.clock()):
                continue
            outcome = _send(one, rests=rests, ports=ports)
            counted[outcome] += 1
            count(channel, outcome)
            if progress:
                progress(before + done, before + len(page))
    return Sent(**counted)


def _in_portal(*, ports: Ports, stopped: Callable[[], bool]) -> int:
    """Mark as handed on what the portal alone tells; says how many notices."""
    handed = 0
    while not stopped():
        now = ports.clock()
        with ports.store.read() as tx:
            some = tx.notices_unreached(at=now, limit=PAGE)
        if not some:
            break
        with ports.store.write() as tx:
            handed += len(tx.hand_on_notices(some, at=now))
    return handed


def _send(one: Reached, *, rests: Rests, ports: Ports) -> Outcome:
    to = opened((one,), ports=ports).get(one.contact.id)
    at = ports.clock()
    begun = one.contact.begin(fresh("msg", ports.randomness), at=at)
    try:
        if to is None:
            return _gone(one.contact, at=at, ports=ports)
        _save(begun, was=one.contact, ports=ports)
    except Contended:
        return "contended"
    try:
        ports.messengers[begun.channel].send(_message(begun, ports), to=to)
    except (ChannelDown, AddressBusy) as down:
        if isinstance(down, ChannelDown):
            rests.fell(begun.channel, ports.clock())
        return _postponed(begun, ports=ports)
    except AddressRefused:
        rests.stood(begun.channel)
        return _done(begun, "refused", at=at, ports=ports)
    rests.stood(begun.channel)
    return _done(begun, "told" if begun.confirmed_at else "codes", at=at, ports=ports)


def _gone(contact: Contact, *, at: datetime, ports: Ports) -> Outcome:
    """Use an address no more that nobody can read; the subject reads in the portal that they are told only there."""
    with ports.store.write() as tx:
        tx.save_contact(contact.end(at=at), was=contact.version)
        tx.add_notice(contact.subject, Notice("contact_refused", at, None))
        _enter(tx, "contact.removed", contact, at)
    return "gone"


def _message(begun: Contact, ports: Ports) -> Message:
    named = begun.message or ""
    if begun.confirmed_at:
        return messages.news(begun.language, issuer=ports.issuer, id=named)
    return messages.code(begun.language, code=code_of(begun.id, ports), id=named)


def _postponed(begun: Contact, *, ports: Ports) -> Outcome:
    wait = _wait(ADDRESS_WAITS, begun.failures + 1)

    def note(tx: Transaction, contact: Contact) -> None:
        tx.save_contact(contact.postponed(at=ports.clock(), wait=wait), was=contact.version)

    return _noted(begun, "postponed", note, ports=ports)


def _done(begun: Contact, outcome: Outcome, *, at: datetime, ports: Ports) -> Outcome:
    """Note what became of it, with the entry that says by which channel, never where to."""

    def note(tx: Transaction, contact: Contact) -> None:
        now = ports.clock()
        if outcome == "refused":
            tx.save_contact(contact.refuse(at=now), was=contact.version)
            tx.add_notice(contact.subject, Notice("contact_refused", now, None))
            _enter(tx, "contact.refused", contact, now)
            return
        tx.save_contact(contact.told(at=now), was=contact.version)
        if outcome == "codes":
            _enter(tx, "contact.code_sent", contact, now)
            return
        notices = tx.hand_on_notices_of(contact.subject, due_by=at, at=now)
        _enter(tx, "notice.sent", contact, now, notices=notices)

    return _noted(begun, outcome, note, ports=ports)


def _noted(
    begun: Contact,
    outcome: Outcome,
    note: Callable[[Transaction, Contact], None],
    *,
    ports: Ports,
) -> Outcome:
    """Note it on the contact as it is now, unless it was removed, or somebody else has noted this message, meanwhile."""

    def act() -> Outcome:
        with ports.store.write() as tx:
            for one in tx.contacts_of(begun.subject):
                if one.contact.id == begun.id and one.contact.message == begun.message:
                    note(tx, one.contact)
                    return outcome
        return "contended"

    return attempt(act)


def _enter(tx: Transaction, type_: str, begun: Contact, at: datetime, **more: int) -> None:
    tx.append(Entry(type_, at, {"channel": begun.channel, **more}, begun.subject))


def _save(contact: Contact, *, was: Contact, ports: Ports) -> None:
    with ports.store.write() as tx:
        tx.save_contact(contact, was=was.version)


def _wait(waits: wait_base, failures: int) -> timedelta:
    """How long after so many failures in a row."""
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = failures
    return timedelta(seconds=waits(state))
