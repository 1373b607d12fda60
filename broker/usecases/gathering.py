"""Gathering: the facts of one ask, read in one transaction. Ids, dates and field names; no values."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from broker.domain.catalogue import Catalogue
from broker.domain.consents import Consent
from broker.domain.facts import (
    AskFacts,
    ConditionFacts,
    ConsentFacts,
    Facts,
    GrantFacts,
    MeetingFacts,
    SignedBy,
)
from broker.domain.ids import ConsentId, GrantId, MeetingId, SubjectId, UnitId
from broker.domain.invocations import Invocation
from broker.domain.questions import Question
from broker.ports import Ports, Transaction
from broker.stored import Deposited
from broker.usecases.objections import counted
from broker.usecases.people import registered, subject_facts
from broker.usecases.statutes import invocation_facts
from tillit.wire import Ask

MEETING_OPEN_FOR = timedelta(hours=24)
# For so long the policy can still say that the time of an emergency has run out, and not that there never was one.
REMEMBERED_AFTER_CLOSE = timedelta(days=30)
Let = tuple[ConsentId, GrantId, str]
NOTHING_LET: Mapping[Let, Question] = MappingProxyType({})
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
NO_MEETING = MeetingFacts(
    id="", collaboration="", noticed=False, participants=(), opens=NEVER, closes=NEVER
)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts, where the newest deposited values lie, and what is relied on towards the asking unit.

    ``lets``: the yes that lets a field by a line beside which somebody wants to be asked first.
    """

    subject: SubjectId
    facts: Facts
    newest: Mapping[str, Sequence[Deposited]]
    invocations: Sequence[Invocation]
    lets: Mapping[Let, Question] = field(default_factory=dict)


def gather(
    tx: Transaction,
    ask: Ask,
    *,
    subject: SubjectId,
    unit: UnitId,
    now: datetime,
    ports: Ports,
    supposing: Sequence[Consent] | None = None,
) -> Gathered:
    """Load what the policy needs to decide this ask; ``supposing`` the subject's consents were others than they are."""
    person = registered(tx.person_of(subject), ports)
    own = tx.consents_of(subject) if supposing is None else supposing
    consents = (*own, *_of_family(tx, ask, subject, ports.catalogue))
    single_use = [c.id for c in consents if any(g.condition.kind == "once" for g in c.grants)]
    used = tx.used_grants(single_use) if single_use else frozenset()
    lets = _lets(tx, consents, now=now)
    triggers = ports.catalogue.triggers(ask.purpose)
    newest = tx.newest(subject, {*ask.fields, *triggers})
    invocations: Sequence[Invocation] = ()
    if ports.catalogue.invoked_for(ask.purpose):
        invocations = tx.invocations_towards(unit, subject, since=now - REMEMBERED_AFTER_CLOSE)
    facts = Facts(
        now=now,
        ask=AskFacts(
            recipient=unit,
            actor_role=ask.actor.role,
            purpose=ask.purpose,
            collaboration=ask.collaboration or "",
            meeting=ask.meeting or "",
            source=ask.source or "",
            fields=ask.fields,
        ),
        subject=subject_facts(
            person,
            now=now,
            thresholds=ports.catalogue.age_thresholds(ask.purpose, ask.collaboration or ""),
            objects_to=counted(tx, subject, person, now=now, ports=ports),
            hidden=tx.hidden(subject),
        ),
        consents=_consents(consents, used, lets, ask, unit=unit, catalogue=ports.catalogue),
        deposited={name: tuple(d.source for d in newest.get(name, ())) for name in ask.fields},
        meeting=_meeting(tx, ask, subject=subject),
        invocations=tuple(invocation_facts(each) for each in invocations),
        stage=_stage(tx, ask, subject=subject, catalogue=ports.catalogue),
        notified={name: tuple(d.source for d in newest.get(name, ())) for name in triggers},
    )
    return Gathered(subject, facts, newest, invocations, lets)


def _lets(tx: Transaction, consents: Iterable[Consent], *, now: datetime) -> Mapping[Let, Question]:
    """What was let where somebody wants to be asked first; of two yeses to the same, the one that lets it longer."""
    asking = {c.subject for c in consents if any(g.condition.also for g in c.grants)}
    found = tx.questions_counting(asking, at=now) if asking else ()
    return {
        (question.consent, line, name): question
        for question in sorted(found, key=lambda question: question.closes)
        if question.lets(now)
        for line in question.lines
        for name in question.fields
    }


def _of_family(
    tx: Transaction, ask: Ask, subject: SubjectId, catalogue: Catalogue
) -> Sequence[Consent]:
    """What the family said, where something is asked that is written about it."""
    known = catalogue.fields
    if any(name in known and known[name].third_party for name in ask.fields):
        return tx.family_consents_about(subject)
    return ()


def _consents(
    consents: Iterable[Consent],
    used: frozenset[tuple[ConsentId, GrantId]],
    lets: Mapping[Let, Question],
    ask: Ask,
    *,
    unit: UnitId,
    catalogue: Catalogue,
) -> tuple[ConsentFacts, ...]:
    """Those of the collaboration asked in, with the lines that name the asking unit or one it could be taken for.

    What other units may know, and what was said elsewhere, is no fact about this ask.
    """
    recipients = catalogue.kin(unit)
    found = (
        consent_facts(consent, used, asked=ask.fields, recipients=recipients, lets=lets)
        for consent in consents
        if consent.collaboration == ask.collaboration
    )
    return tuple(consent for consent in found if consent.grants)


def consent_facts(
    consent: Consent,
    used: frozenset[tuple[ConsentId, GrantId]],
    *,
    asked: Collection[str],
    recipients: Collection[str],
    lets: Mapping[Let, Question] = NOTHING_LET,
) -> ConsentFacts:
    """A consent as the policy sees it: the lines to these recipients, and of what a line covers no more than was asked."""
    asked = frozenset(asked)
    return ConsentFacts(
        id=consent.id,
        version=consent.version,
        state=consent.state,
        collaboration=consent.collaboration or "",
        guardians_rule=consent.guardians_rule,
        valid_from=consent.valid_from or consent.requested_at,
        valid_until=consent.valid_until,
        third_party=consent.about is not None,
        grants=tuple(
            GrantFacts(
                id=grant.id,
                source=grant.source,
                recipient=grant.recipient,
                category=grant.category,
                fields=grant.fields,
                covers=()
                if grant.fields
                else tuple(name for name in grant.covers if name in asked),
                purpose=grant.purpose,
                condition=ConditionFacts(
                    kind=grant.condition.kind,
                    meeting=grant.condition.meeting or "",
                    also=grant.condition.also or "",
                ),
                # To the rules a line that was put off has no answer.
                answer="" if grant.answer in {None, "not_now"} else grant.answer,
                signed=SignedBy.model_validate(consent.signed(grant.id), from_attributes=True),
                used=(consent.id, grant.id) in used or consent.over(grant),
                allowed={
                    name: lets[consent.id, grant.id, name].closes
                    for name in sorted(asked)
                    if (consent.id, grant.id, name) in lets
                }
                if grant.condition.also
                else {},
            )
            for grant in consent.grants
            if grant.recipient in recipients
        ),
    )


def _stage(tx: Transaction, ask: Ask, *, subject: SubjectId, catalogue: Catalogue) -> int:
    """The point that is reached in the collaboration asked in, where it has a pathway."""
    agreed = catalogue.collaborations.get(ask.collaboration or "")
    if agreed is None or agreed.stages == 0:
        return 0
    reached = tx.stage(subject, agreed.id)
    return 0 if reached is None else min(reached.number, agreed.stages)


def _meeting(tx: Transaction, ask: Ask, *, subject: SubjectId) -> MeetingFacts:
    meeting = tx.meeting(MeetingId(ask.meeting)) if ask.meeting else None
    if meeting is None or meeting.subject != subject:
        return NO_MEETING
    return MeetingFacts(
        id=meeting.id,
        collaboration=meeting.collaboration,
        noticed=True,
        participants=tuple(dict.fromkeys(p.unit for p in meeting.participants)),
        opens=meeting.noticed_at,
        closes=meeting.held_at + MEETING_OPEN_FOR,
    )
