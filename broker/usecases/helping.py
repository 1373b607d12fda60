"""Helping: the subject invites a trusted helper and removes them; the helper takes the invitation, and leaves (N21).

The code is made from the helper's id with a key of the keyring, so that it lies nowhere, also not in what is remembered to
answer a repeated call. Its first group finds the invitation, so that a guess at the rest counts against that one.
"""

import base64
import hmac
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from audit.entries import Entry
from broker.domain.helping import CODE_LASTS, By, Helper
from broker.domain.ids import HelperId, PersonKey, SubjectId, fresh
from broker.errors import (
    HelperCodeRefused,
    HelperIsOneself,
    HelperThere,
    HelperTooYoung,
    UnknownHelper,
)
from broker.ports import Ports, SignerQuestion, Transaction
from broker.stored import Notice
from broker.usecases.call import PersonCall, attempt, once, repeated
from broker.usecases.people import myself, registered, subject_facts
from tillit.wire import (
    Helped,
    HelperAcceptance,
    HelperInvitation,
    HelperRequest,
    Helpings,
    MyHelper,
    MyHelpers,
)

PAGE = 100
GROUP, GROUPS = 4, 3


class _Invited(BaseModel):
    """What is remembered of an invitation: not its code."""

    model_config = ConfigDict(frozen=True)

    id: str
    code_until: datetime


# --- the subject's acts


def helpers(*, person: PersonKey, ports: Ports) -> MyHelpers:
    """The helpers that the person invited, the latest first.

    Raises:
        NotASubject: the broker holds nothing about them.
    """
    with ports.store.read() as tx:
        return seen(tx, myself(tx, person), now=ports.clock())


def invite(asked: HelperRequest, *, call: PersonCall, ports: Ports) -> HelperInvitation:
    """Invite a helper. An invitation that still waits is replaced by this one.

    Raises:
        NotASubject: the broker holds nothing about the person.
        UnknownPerson: the register knows nobody by the person's number.
        HelperTooYoung: there is nothing yet that the person answers alone, and so could show.
        HelperThere: a helper reads already; they are removed first.
    """

    def act(tx: Transaction) -> _Invited:
        now = ports.clock()
        subject = myself(tx, call.person)
        if not alone(tx, subject, now=now, ports=ports):
            raise HelperTooYoung
        for earlier in tx.helpers_of(subject, limit=1):
            if earlier.standing(now) == "helping":
                raise HelperThere
            if earlier.ended_at is None:
                tx.save_helper(earlier.end("subject", at=now), was=earlier.version)
        helper = Helper(
            id=HelperId(fresh("hlp", ports.randomness)),
            subject=subject,
            version=1,
            shows=frozenset(asked.shows),
            invited_at=now,
            code_until=now + CODE_LASTS,
        )
        code = _code(helper.id, ports)
        tx.add_helper(helper, finds=_mac(code[:GROUP], ports), code=_mac(code, ports))
        content = {"helper": helper.id, "shows": sorted(helper.shows)}
        tx.append(Entry("helper.invited", now, content, subject))
        return _Invited(id=helper.id, code_until=helper.code_until)

    made = once(act, answers=_Invited, call=call, ports=ports)
    code = _code(HelperId(made.id), ports)
    return HelperInvitation(id=made.id, code=code, code_until=made.code_until)


def remove(identity: HelperId, *, call: PersonCall, ports: Ports) -> MyHelpers:
    """Remove a helper, or take an invitation back. Once this has returned they see nothing more.

    Raises:
        UnknownHelper: the person has none by that id that is not over.
    """

    def act(tx: Transaction) -> MyHelpers:
        now = ports.clock()
        found = tx.helper(identity)
        subject = tx.subject_by_person(call.person)
        if found is None or found.subject != subject or found.ended_at is not None:
            raise UnknownHelper
        _end(tx, found, "subject", now=now)
        return seen(tx, found.subject, now=now)

    return once(act, answers=MyHelpers, call=call, ports=ports)


# --- the helper's acts


def accept(said: HelperAcceptance, *, call: PersonCall, ports: Ports) -> Helped:
    """Take an invitation by its code; the subject is told. The try is counted before the code is looked at.

    Raises:
        HelperCodeRefused: no invitation waits for that code: it is wrong, taken, over, or was tried too often.
        HelperIsOneself: nobody is their own helper.
        UnknownPerson: the register knows nobody by the person's number.
    """
    fitting = attempt(lambda: _tried(said.code, call=call, ports=ports))

    def act(tx: Transaction) -> Helped:
        now = ports.clock()
        found = None if fitting is None else tx.helper(fitting)
        if found is None or found.standing(now) != "invited":
            raise HelperCodeRefused
        if tx.person_of(found.subject) == call.person:
            raise HelperIsOneself
        registered(call.person, ports)
        helper = found.accept(call.person, at=now)
        tx.save_helper(helper, was=found.version)
        content = {"helper": helper.id, "shows": sorted(helper.shows)}
        tx.append(Entry("helper.accepted", now, content, helper.subject))
        tx.add_notice(helper.subject, Notice("helper_accepted", now, None, helper=helper.id))
        return _helped(helper)

    return once(act, answers=Helped, call=call, ports=ports)


def leave(identity: HelperId, *, call: PersonCall, ports: Ports) -> Helpings:
    """Stop helping; the subject is told.

    Raises:
        UnknownHelper: the person helps nobody by that id.
    """

    def act(tx: Transaction) -> Helpings:
        now = ports.clock()
        found = reading(tx, identity, call.person, now=now)
        _end(tx, found, "helper", now=now)
        tx.add_notice(found.subject, Notice("helper_left", now, None, helper=found.id))
        return _helpings(tx, call.person, now=now)

    return once(act, answers=Helpings, call=call, ports=ports)


def helping(*, person: PersonKey, ports: Ports) -> Helpings:
    """Everybody whom the person helps now. It says nothing of them, and is no look."""
    with ports.store.read() as tx:
        return _helpings(tx, person, now=ports.clock())


# --- for the other use cases


def reading(tx: Transaction, identity: HelperId, person: PersonKey, *, now: datetime) -> Helper:
    """The helper that the person is, by that id.

    Raises:
        UnknownHelper: none that reads now.
    """
    found = tx.helper(identity)
    if found is None or found.person != person or found.standing(now) != "helping":
        raise UnknownHelper
    return found


def alone(tx: Transaction, subject: SubjectId, *, now: datetime, ports: Ports) -> frozenset[str]:
    """The categories that a subject answers for alone today, and so may show to whom they choose.

    Raises:
        UnknownPerson: the register no longer knows them.
    """
    facts = subject_facts(registered(tx.person_of(subject), ports), now=now, thresholds=())
    question = SignerQuestion(
        age=facts.age,
        guardians=facts.guardians,
        guardians_rule="all",
        categories=tuple(sorted(ports.catalogue.categories)),
    )
    needed = ports.engine.signers(question)
    return frozenset(name for name, need in needed.items() if need.subject and not need.guardians)


def seen(tx: Transaction, subject: SubjectId, *, now: datetime) -> MyHelpers:
    """The helpers as the subject is shown them."""
    return MyHelpers(
        helpers=tuple(
            MyHelper(
                id=helper.id,
                standing=helper.standing(now),
                shows=tuple(sorted(helper.shows)),
                invited_at=helper.invited_at,
                code_until=helper.code_until,
                accepted_at=helper.accepted_at,
                until=helper.until,
                ended_at=helper.ended_at,
                ended_by=helper.ended_by,
            )
            for helper in tx.helpers_of(subject, limit=PAGE)
        )
    )


def _end(tx: Transaction, helper: Helper, by: By, *, now: datetime) -> None:
    tx.save_helper(helper.end(by, at=now), was=helper.version)
    content = {"by": by, "helper": helper.id}
    tx.append(Entry("helper.removed", now, content, helper.subject))


def _tried(code: str, *, call: PersonCall, ports: Ports) -> HelperId | None:
    """Count a try at whatever waits by the code's first group; what fits the whole code, unless the call came before."""
    now, whole = ports.clock(), _mac(code, ports)
    with ports.store.write() as tx:
        if repeated(tx, call, ports=ports) is not None:
            return None
        tried = tx.try_helper_code(_mac(code[:GROUP], ports), at=now)
        fits = [helper for helper, kept in tried if hmac.compare_digest(kept, whole)]
        for helper, _ in tried:
            if helper not in fits:
                tx.append(Entry("helper.code_refused", now, {"helper": helper.id}, helper.subject))
        return fits[0].id if fits else None


def _helped(helper: Helper) -> Helped:
    return Helped(
        helper=helper.id,
        shows=tuple(sorted(helper.shows)),
        since=helper.accepted_at,
        until=helper.until,
    )


def _helpings(tx: Transaction, person: PersonKey, *, now: datetime) -> Helpings:
    found = tx.helped_by(person, limit=PAGE)
    return Helpings(helping=tuple(_helped(h) for h in found if h.standing(now) == "helping"))


def _code(helper: HelperId, ports: Ports) -> str:
    """The invitation's code, in groups that can be read aloud: 60 bits, of which the first 20 find it."""
    made = hmac.digest(ports.secrets.person_mac, b"helper\0" + helper.encode(), "sha256")
    text = base64.b32encode(made).decode()
    return "-".join(text[n * GROUP : (n + 1) * GROUP] for n in range(GROUPS))


def _mac(code: str, ports: Ports) -> bytes:
    return hmac.digest(ports.secrets.person_mac, b"helper-code\0" + code.encode(), "sha256")
