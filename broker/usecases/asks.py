"""Asks: may I know this, and if so, here it is sealed to me (design.md § 3, steps 3 to 7).

Record before you release: decision, log entry, receipt and notice are one transaction; only then does the custodian
re-address anything, while the consents it rests on are held still.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.entries import Entry, Promised
from broker.domain.catalogue import Catalogue
from broker.domain.decisions import Decision, Permit
from broker.domain.explaining import explain
from broker.domain.facets import of_decision
from broker.domain.ids import DisclosureId, RecordId, UnitId, fresh
from broker.errors import Contended, EngineDown
from broker.ports import Ports, Transaction
from broker.stored import Contest, Deposited, Disclosure, Notice
from broker.usecases import gaps, questions
from broker.usecases.call import Call, attempt, once, remember, repeated
from broker.usecases.disclosures import RecipientKey, hand_out, reasons, recipient_key
from broker.usecases.gathering import Gathered, gather
from broker.usecases.people import known
from broker.usecases.refusals import record
from broker.usecases.using_up import Chosen, use_up
from tillit.jose import b64u
from tillit.manifests import manifest_bytes
from tillit.receipts import issue
from tillit.wire import (
    Ask,
    CheckAnswer,
    Contested,
    DisclosureAnswer,
    FieldName,
    Manifest,
    ManifestConsent,
    ManifestField,
    Promise,
    Receipt,
    Statement,
)


@dataclass(frozen=True, slots=True)
class _Made:
    """A disclosure; the key it is for, where it is new; and the cursor from which an answer that it waits for is told."""

    disclosure: Disclosure
    key: RecipientKey | None
    events_after: int | None


def check(ask: Ask, *, call: Call, ports: Ports) -> CheckAnswer:
    """Answer "may I?": the decision a disclosure would get now. Nothing is released and nothing used up; it is logged.

    Raises:
        UnknownHandle: the subject is not known to the service by that handle.
        EngineDown: the policy engine cannot be asked; logged as a failed ask.
    """

    def act(tx: Transaction) -> CheckAnswer:
        return checked(tx, ask, call=call, ports=ports)

    try:
        return once(act, answers=CheckAnswer, call=call, ports=ports)
    except EngineDown:
        record(call.unit, route="POST /v1/checks", code=EngineDown.code, ports=ports)
        raise


def checked(tx: Transaction, ask: Ask, *, call: Call, ports: Ports) -> CheckAnswer:
    """Decide an ask and log that it was, in a transaction that the caller holds.

    Raises:
        UnknownHandle: the subject is not known to the service by that handle.
        EngineDown: the policy engine cannot be asked.
    """
    gathered, decision = _decide(tx, ask, unit=call.unit, now=ports.clock(), ports=ports)
    content = {
        "actor": ask.actor.model_dump(mode="json"),
        "decision": _summary(decision),
        "purpose": ask.purpose,
        "recipient": call.unit,
        "subject": ask.subject,
    }
    found_by = of_decision(ask, decision, recipient=call.unit, catalogue=ports.catalogue)
    tx.append(Entry("check", gathered.facts.now, content, gathered.subject, found_by))
    return CheckAnswer(
        outcome=decision.outcome,
        permitted={name: permit.grounds for name, permit in decision.permitted().items()},
        withheld=reasons(decision, language=call.language, ports=ports),
        obligations=decision.obligations,
        stable_until=decision.stable_until,
        policy=decision.policy,
        explanation=explain(decision, gathered.facts, ports.catalogue, call.language),
    )


def disclose(ask: Ask, *, call: Call, ports: Ports) -> DisclosureAnswer:
    """Decide an ask, record it, and hand out what is permitted, sealed to the asking service.

    The same call again returns the same disclosure and writes nothing new.

    Raises:
        UnknownHandle: the subject is not known to the service by that handle.
        EngineDown: the policy engine cannot be asked; logged as a failed ask.
        CustodianDown: recorded, but nothing could be re-addressed; the same call can be repeated.
        DisclosureGone: a repeat, and what it rested on no longer stands.
    """
    try:
        made = attempt(lambda: _recorded(ask, call=call, ports=ports))
    except EngineDown:
        record(call.unit, route="POST /v1/disclosures", code=EngineDown.code, ports=ports)
        raise
    answer = hand_out(made.disclosure, made.key, language=call.language, ports=ports)
    return answer.model_copy(update={"events_after": made.events_after})


def _recorded(ask: Ask, *, call: Call, ports: Ports) -> _Made:
    """The disclosure this call makes, or the one it made before; what it waits for is asked in the same transaction."""
    with ports.store.write() as tx:
        prior = repeated(tx, call, ports=ports)
        if prior is not None:
            disclosure = tx.disclosure(DisclosureId(prior.answer))
            if disclosure is None:
                raise Contended
            return _Made(disclosure, None, 0 if questions.waits(disclosure.decision) else None)
        now = ports.clock()
        gathered, decision = _decide(tx, ask, unit=call.unit, now=now, ports=ports)
        key = recipient_key(tx, call.unit) if decision.permitted() else RecipientKey(None, None)
        disclosure = enter(tx, ask, gathered, decision, key, unit=call.unit, ports=ports)
        if disclosure.told_at is None:
            questions.put(tx, ask, gathered, decision, unit=call.unit, ports=ports)
        remember(tx, call, disclosure.id, at=now, ports=ports)
        waits = questions.waits(decision)
        return _Made(disclosure, key, tx.last_event(call.unit) if waits else None)


def _decide(
    tx: Transaction, ask: Ask, *, unit: UnitId, now: datetime, ports: Ports
) -> tuple[Gathered, Decision]:
    subject = known(tx, unit, ask.subject)
    gathered = gather(tx, ask, subject=subject, unit=unit, now=now, ports=ports)
    decision = ports.engine.decide(gathered.facts)
    gaps.count(tx, gathered.facts, decision)
    return gathered, decision


def enter(
    tx: Transaction,
    ask: Ask,
    gathered: Gathered,
    decision: Decision,
    key: RecipientKey,
    *,
    unit: UnitId,
    ports: Ports,
) -> Disclosure:
    """Write down one decided ask: entry, receipt, disclosure, notice, and grants used up."""
    identity = DisclosureId(fresh("dis", ports.randomness))
    chosen = _choose(decision, gathered)
    use_up(tx, chosen, gathered.facts, lets=gathered.lets, disclosure=identity)
    contests = tx.contests(gathered.subject) if chosen else {}
    manifest = _manifest(
        identity, ask, chosen, decision, contests, unit=unit, now=gathered.facts.now
    )
    written = manifest_bytes(manifest)
    bound = hashlib.sha256(written).digest()
    statement = Statement(
        type="disclosure",
        id=identity,
        at=gathered.facts.now,
        recipient=unit,
        actor=ask.actor,
        subject=ask.subject,
        purpose=ask.purpose,
        collaboration=ask.collaboration,
        meeting=ask.meeting,
        outcome=decision.outcome,
        manifest=b64u(bound),
        decision=_summary(decision),
        policy=decision.policy,
        recipient_kid=key.kid,
    )
    content = statement.model_dump(mode="json")
    found_by = of_decision(ask, decision, recipient=unit, catalogue=ports.catalogue)
    promised = tx.append(Entry("disclosure", statement.at, content, gathered.subject, found_by))
    disclosure = Disclosure(
        id=identity,
        subject=gathered.subject,
        recipient=unit,
        at=statement.at,
        facts=gathered.facts,
        decision=decision,
        manifest=manifest,
        manifest_hash=bound,
        manifest_bytes=written,
        receipt=_receipt(statement, promised, ports),
        leaf_hash=promised.leaf_hash,
        told_at=_told_at(gathered, decision, ports.catalogue),
    )
    tx.add_disclosure(disclosure)
    if chosen and decision.obligations.notify != "none":
        _notify(tx, disclosure)
    return disclosure


def _notify(tx: Transaction, disclosure: Disclosure) -> None:
    notice = Notice(
        "released",
        disclosure.at,
        disclosure.recipient,
        disclosure=disclosure.id,
        told_at=disclosure.told_at,
        urgent=any(
            ground.kind in {"statute", "emergency"}
            for permit in disclosure.decision.permitted().values()
            for ground in permit.grounds
        ),
    )
    tx.add_notice(disclosure.subject, notice)


def _told_at(gathered: Gathered, decision: Decision, catalogue: Catalogue) -> datetime | None:
    """When the subject may see the disclosure, None when at once.

    It waits where the policy says so, and where a refused ask would give away what itself may wait.
    """
    if decision.permitted() and decision.obligations.notify != "delayed":
        return None
    purpose = catalogue.purposes.get(gathered.facts.ask.purpose)
    waiting = [
        invocation.told_at
        for invocation in gathered.invocations
        if purpose is not None
        and invocation.statute in purpose.statutes
        and invocation.told_at > gathered.facts.now
    ]
    return max(waiting, default=None)


def _choose(decision: Decision, gathered: Gathered) -> dict[FieldName, Chosen]:
    """For each permitted field the newest value among the sources that have a ground."""
    return {
        name: _newest(permit, gathered.newest[name])
        for name, permit in decision.permitted().items()
    }


def _newest(permit: Permit, deposited: Sequence[Deposited]) -> Chosen:
    sources = {ground.source for ground in permit.grounds}
    value = max(
        (d for d in deposited if d.source in sources), key=lambda d: (d.observed_at, d.record)
    )
    return Chosen(value, tuple(g for g in permit.grounds if g.source == value.source))


def _manifest(
    identity: DisclosureId,
    ask: Ask,
    chosen: dict[FieldName, Chosen],
    decision: Decision,
    contests: Mapping[RecordId, Contest],
    *,
    unit: UnitId,
    now: datetime,
) -> Manifest:
    rests_on = sorted(
        {
            (g.id, g.version)
            for field in chosen.values()
            for g in field.grounds
            if g.kind == "consent"
        }
    )
    days = int(decision.obligations.erase_after.strip("PD"))
    return Manifest(
        v=1,
        disclosure=identity,
        recipient=unit,
        subject=ask.subject,
        purpose=ask.purpose,
        collaboration=ask.collaboration,
        meeting=ask.meeting,
        fields={
            name: ManifestField(
                record=field.value.record,
                source=field.value.source,
                observed_at=field.value.observed_at,
                contested=_contested(contests.get(field.value.record)),
            )
            for name, field in chosen.items()
        },
        consents=tuple(ManifestConsent(id=c, version=v) for c, v in rests_on),
        policy=decision.policy,
        obligations=decision.obligations,
        issued_at=now,
        expires_at=now + timedelta(days=days),
    )


def _contested(contest: Contest | None) -> Contested | None:
    return None if contest is None else Contested(record=contest.objection, at=contest.at)


def _summary(decision: Decision) -> dict[FieldName, str | tuple[str, ...]]:
    return {
        name: "permit" if isinstance(answer, Permit) else answer.reasons
        for name, answer in decision.fields.items()
    }


def _receipt(statement: Statement, promised: Promised, ports: Ports) -> str:
    promise = Promise(origin=promised.origin, at=promised.at, salt=b64u(promised.salt))
    receipt = Receipt(v=1, iss=ports.issuer, statement=statement, promise=promise)
    return issue(receipt, ports.secrets.receipts)
