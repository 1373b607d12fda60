"""Signalling: asks that a rule calls unusual, found by the clock's job and kept with the entries that they rest on.

What is kept of who asked about whom are keyed pseudonyms, for as long as the longest window. A signal says rule, numbers,
service and entries; whom it is about takes the role *content*, a case and a reason, and is told.
"""

import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import takewhile

from audit.entries import Entry
from audit.signals import Unusual, load
from broker.domain.accesses import Access, Raised, SignalQuery
from broker.domain.facets import facets
from broker.domain.ids import UnitId, fresh
from broker.domain.lifetime import OSLO
from broker.errors import UnknownSignal
from broker.ports import Ports, Transaction
from broker.stored import Disclosure, Notice
from broker.usecases.looking import LOOKED, NOTICE, told_at
from broker.usecases.receipts import opened
from tillit.errors import ReceiptInvalid
from tillit.jose import b64u
from tillit.receipts import read_unsafe
from tillit.wire import SUBJECT, Language
from tillit.wire.auditing import Look, Signal, SignalContent, Signals

SETTLED = timedelta(minutes=2)
"""No transaction lasts as long: what is older is all there, in its order."""
PAGE = 200
SHOWN = 20


def look_for(*, ports: Ports) -> int:
    """Look at the next disclosures that are settled; returns how many, 0 when none is left.

    One whose receipt is gone, or cannot be read, does not say who asked: it is passed by.

    Raises:
        CustodianDown: receipts are sealed, and none can be opened now; they are looked at later.
        StoreDown: the store does not answer.
        Contended: another replica looks.
    """
    now, unusual = ports.clock(), load()
    with ports.store.read() as tx:
        was = tx.looked_up_to()
        found = tx.disclosures_after(was, limit=PAGE)
    # In their order and no further: what comes after one that is not settled waits with it.
    asked = list(takewhile(lambda one: one[1].at <= now - SETTLED, found))
    if not asked:
        return 0
    whole = opened([disclosure for _, disclosure in asked], custodian=ports.custodian)
    with ports.store.write() as tx:
        tx.look_up_to(asked[-1][0], was=was)
        for disclosure in whole:
            access = _access(disclosure, unusual, ports)
            if access is None:
                continue
            tx.add_access(access)
            for rule, key, numbers, rests_on in _unusual(tx, access, unusual):
                _raise(tx, access, rule, key, numbers, rests_on, now=now, ports=ports)
        tx.forget_access(before=now - timedelta(days=unusual.keep.days))
        tx.forget_signals(before=now - timedelta(days=unusual.keep.signal_days))
    return len(asked)


def signals(query: SignalQuery, *, auditor: UnitId, language: Language, ports: Ports) -> Signals:
    """A page of signals, about nobody by name.

    Raises:
        StoreDown: they cannot be read, or that they are cannot be logged.
    """
    content = {"auditor": auditor, "rule": query.rule, "service": query.service}
    with ports.store.write() as tx:
        tx.append(Entry("audit.signals", ports.clock(), content))
    with ports.store.read() as tx:
        found = tx.signals(query)
        seen = tuple(_seen(tx, one) for one in found)
    rules = load().rules
    names = {one.rule for one in seen}
    return Signals(
        signals=seen,
        next=seen[-1].id if len(seen) == query.limit else None,
        rules={name: getattr(getattr(rules, name).labels, language) for name in sorted(names)},
    )


def content(identity: str, look: Look, *, auditor: UnitId, ports: Ports) -> SignalContent:
    """Whom a signal is about: each look is an entry about each of them, and told.

    Raises:
        UnknownSignal: there is none by that id.
        StoreDown: the look cannot be logged; nothing is shown.
        CustodianDown: logged, but nothing can be opened now.
    """
    now = ports.clock()
    with ports.store.write() as tx:
        raised = tx.signal(identity)
        if raised is None:
            raise UnknownSignal
        rests_on = [d for each in raised.disclosures if (d := tx.disclosure(each)) is not None]
        logged = {
            "auditor": auditor,
            "case": look.case,
            "delay": None if look.delay is None else look.delay.model_dump(mode="json"),
            "reason": look.reason,
            "signal": identity,
        }
        whom = sorted({disclosure.subject for disclosure in rests_on})
        for subject in whom:
            tx.append(Entry(LOOKED, now, logged, subject))
            tx.add_notice(subject, Notice(NOTICE, now, auditor, told_at=told_at(look, now=now)))
        if not whom:
            tx.append(Entry(LOOKED, now, logged))
        handles = [tx.handle(raised.unit, subject) for subject in whom]
        seen = _seen(tx, raised)
    whole = opened(rests_on, custodian=ports.custodian)
    actor = read_unsafe(whole[0].receipt).statement.actor if whole else None
    return SignalContent(
        signal=seen,
        actor=actor.id if actor else None,
        role=actor.role if actor else None,
        subjects=tuple(handle for handle in handles if handle is not None),
    )


# --- the rules

Found = tuple[str, str, Mapping[str, int], list[Access]]


def _unusual(tx: Transaction, access: Access, unusual: Unusual) -> Iterator[Found]:
    """Rule, what it is raised once for, numbers, and the asks that it rests on, the latest first."""
    rules = unusual.rules
    day = f"{access.at.astimezone(OSLO):%Y-%m-%d}"
    longest = max(rules.many_subjects.window_hours, rules.out_of_hours.window_hours)
    mine = tx.accesses_by(access.actor, since=access.at - timedelta(hours=longest))
    if lately := _within(mine, access, rules.many_subjects.window_hours):
        subjects = len({one.subject for one in lately})
        if subjects >= rules.many_subjects.subjects:
            numbers = {"subjects": subjects, "threshold": rules.many_subjects.subjects}
            yield "many_subjects", f"{access.actor} {day}", numbers, lately
    odd = [one for one in _within(mine, access, rules.out_of_hours.window_hours) if one.odd]
    if access.odd and len(odd) >= rules.out_of_hours.asks:
        numbers = {"asks": len(odd), "threshold": rules.out_of_hours.asks}
        yield "out_of_hours", f"{access.actor} {day}", numbers, odd
    if access.emergency:
        yield "emergency", access.disclosure, {"uses": 1, "threshold": 1}, [access]
    yield from _in_case(tx, access, unusual, day)


def _in_case(tx: Transaction, access: Access, unusual: Unusual, day: str) -> Iterator[Found]:
    again, outside = unusual.rules.after_refusal, unusual.rules.outside_case
    longest = max(again.window_hours, outside.window_hours)
    case = tx.accesses_about(
        access.subject, access.unit, since=access.at - timedelta(hours=longest)
    )
    key = f"{access.actor} {access.subject}"
    before = [
        one
        for one in _within(case, access, again.window_hours)
        if one.actor == access.actor and one.outcome == "refused" and one != access
    ]
    if len(before) >= again.refusals:
        numbers = {"refusals": len(before), "threshold": again.refusals}
        yield "after_refusal", f"{key} {day}", numbers, [access, *before]
    there = _within(case, access, outside.window_hours)
    own = [one for one in there if one.actor == access.actor]
    by_others = [one for one in there if one.actor != access.actor]
    if own == [access] and len(by_others) >= outside.asks_by_colleagues:
        numbers = {"asks_by_colleagues": len(by_others), "threshold": outside.asks_by_colleagues}
        yield "outside_case", f"{key} {access.disclosure}", numbers, [access, *by_others]


def _within(accesses: list[Access], access: Access, hours: int) -> list[Access]:
    """Those of so many hours up to an ask, itself among them, the latest first."""
    since = access.at - timedelta(hours=hours)
    return [one for one in accesses if since < one.at <= access.at]


def _raise(
    tx: Transaction,
    access: Access,
    rule: str,
    key: str,
    numbers: Mapping[str, int],
    rests_on: list[Access],
    *,
    now: datetime,
    ports: Ports,
) -> None:
    shown = rests_on[:SHOWN]
    raised = Raised(
        id=fresh("sig", ports.randomness),
        rule=rule,
        at=now,
        unit=access.unit,
        numbers=dict(numbers),
        leaves=tuple(one.leaf_hash for one in shown),
        disclosures=tuple(one.disclosure for one in shown),
        more=len(rests_on) - len(shown),
    )
    if tx.add_signal(raised, once=f"{rule} {key}"):
        logged = {
            "entries": [b64u(leaf) for leaf in raised.leaves],
            "numbers": dict(numbers),
            "rule": rule,
            "signal": raised.id,
            "unit": access.unit,
        }
        found_by = facets(services=(access.unit,), reasons=(f"signal.{rule}",))
        tx.append(Entry("signal.raised", now, logged, None, found_by))


# --- what is kept, what is shown


def _access(disclosure: Disclosure, unusual: Unusual, ports: Ports) -> Access | None:
    """Who asked about whom; None where the receipt says nothing, which must not stand in the way of the others.

    Who reads about themself is not unusual, and nobody's business.
    """
    if disclosure.recipient == SUBJECT:
        return None
    try:
        actor = read_unsafe(disclosure.receipt).statement.actor.id
    except ReceiptInvalid:
        return None
    local = disclosure.at.astimezone(OSLO)
    ordinary = local.weekday() < 5 and unusual.hours.first <= local.hour < unusual.hours.last  # noqa: PLR2004 (Saturday)
    grounds = (g for permit in disclosure.decision.permitted().values() for g in permit.grounds)
    return Access(
        disclosure=disclosure.id,
        at=disclosure.at,
        unit=disclosure.recipient,
        actor=_pseudonym(f"actor\0{disclosure.recipient}\0{actor}", ports),
        subject=_pseudonym(f"subject\0{disclosure.subject}", ports),
        outcome=disclosure.decision.outcome,
        odd=not ordinary,
        emergency=any(ground.kind == "emergency" for ground in grounds),
        leaf_hash=disclosure.leaf_hash,
    )


def _pseudonym(text: str, ports: Ports) -> str:
    return hmac.digest(ports.secrets.person_mac, b"signal\0" + text.encode(), "sha256").hex()


def _seen(tx: Transaction, raised: Raised) -> Signal:
    return Signal(
        id=raised.id,
        rule=raised.rule,
        at=raised.at,
        service=raised.unit,
        numbers=dict(raised.numbers),
        events=tuple(tx.places(raised.leaves)),
        more=raised.more,
    )
