"""Previewing: what each service would get, if. The same engine on supposed facts; nothing is written but that it was asked.

A youth's preview rests on what is really deposited, and on every consent they gave. A service's rests on neither: every source
holds what its kind can hold, and nothing else has been said.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from audit.entries import Entry
from audit.facets import Facets as Found
from broker.domain.compile import compile_grants
from broker.domain.consents import Consent
from broker.domain.errors import FamilyConsentInvalid
from broker.domain.facets import facets
from broker.domain.facts import AskFacts, Facts, MeetingFacts
from broker.domain.grants import Grant
from broker.domain.ids import ConsentId, GrantId, PersonKey, UnitId
from broker.domain.requesting import requested
from broker.domain.states import OPEN, State
from broker.domain.supposing import supposed
from broker.errors import PreviewTooLarge, UnknownConsent
from broker.ports import Person, Ports, Transaction
from broker.usecases.call import Call, PersonCall, once
from broker.usecases.consents import replaces, signers, signers_of, until
from broker.usecases.gathering import NO_MEETING, consent_facts, gather
from broker.usecases.people import known, registered, subject_facts
from tillit.wire import (
    Actor,
    Ask,
    ConsentRequest,
    Language,
    Preview,
    PreviewAnswer,
    PreviewField,
    PreviewService,
)

PREVIEWED = 64
"""Services times purposes in one preview: each costs two decisions at most."""
NOBODY = "hdl_" + "0" * 22
NOT_ASKED = ConsentId("con_" + "0" * 22)
SUPPOSED_MEETING = "mtg_" + "0" * 22
LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """One service and one purpose, with the lines that name both."""

    recipient: UnitId
    purpose: str
    lines: tuple[Grant, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """All that the lines mean."""
        return tuple(sorted({name for line in self.lines for name in line.fields or line.covers}))

    def sources(self, field: str) -> tuple[UnitId, ...]:
        """Who would give it."""
        named = (line.source for line in self.lines if field in (line.fields or line.covers))
        return tuple(dict.fromkeys(named))

    @property
    def meeting(self) -> str | None:
        """The meeting that the lines are bound to."""
        return next((m for line in self.lines if (m := line.condition.meeting)), None)


def preview(asked: Preview, *, call: PersonCall, ports: Ports) -> PreviewAnswer:
    """What each service would get if the subject answered one of their own consents like this.

    Raises:
        UnknownConsent: none by that id is the person's own, and about themself.
        PreviewTooLarge: more services and purposes than one preview holds.
        ConsentError: the consent is over, or has no such lines.
    """
    now = ports.clock()
    with ports.store.read() as tx:
        consent = tx.consent(ConsentId(asked.consent))
        if consent is None or consent.about or consent.subject != tx.subject_by_person(call.person):
            raise UnknownConsent
        answers = None
        if asked.answers is not None:
            answers = {GrantId(line): said for line, said in asked.answers.items()}
        then = supposed(
            consent,
            answers,
            without=[GrantId(line) for line in asked.without],
            needed=signers(tx, consent, now=now, ports=ports),
            at=now,
        )
        services = _services(
            consent,
            lambda pair: _really(tx, pair, consent, then, now=now, ports=ports),
            language=call.language,
            ports=ports,
        )
    content = {"by": "subject", "consent": consent.id}
    entry = Entry("preview", now, content, consent.subject, _found_by(consent))
    return _logged(services, entry, call=call, ports=ports)


def preview_request(asked: ConsentRequest, *, call: Call, ports: Ports) -> PreviewAnswer:
    """What each service could get at most if a consent were asked for like this and every line answered yes.

    Raises:
        UnknownHandle: the subject is not known to the service by that handle.
        PreviewTooLarge: more services and purposes than one preview holds.
        ConsentError: its subclasses say what about the request cannot be.
    """
    now = ports.clock()
    if asked.about is not None:
        raise FamilyConsentInvalid("what is written about the family takes more than one yes")
    with ports.store.read() as tx:
        subject = known(tx, call.unit, asked.subject)
        found = registered(tx.person_of(subject), ports)
    # Of the person no more than their age, which whoever holds the number knows.
    person = replace(found, guardians=(PersonKey("supposed"),), address_protection="none")
    agreed = ports.catalogue.collaborations.get(asked.collaboration or "")
    consent, _ = requested(
        id=NOT_ASKED,
        subject=subject,
        collaboration=asked.collaboration,
        requested_by=call.unit,
        actor=asked.actor.id,
        actor_role=asked.actor.role,
        at=now,
        valid_until=until(agreed, asked.valid_days, start=now),
        language=asked.language,
        text="",
        guardians_rule=agreed.guardians_rule if agreed else "all",
        grants=compile_grants(asked, ports.catalogue, requester=call.unit, at=now),
    )
    needed = signers_of(person, consent, at=now, ports=ports)
    then = supposed(consent, None, without=(), needed=needed, at=now)

    services = _services(
        consent,
        lambda pair: (None, _at_most(pair, then, person, now=now, ports=ports)),
        language=call.language,
        ports=ports,
    )
    content = {
        "actor": asked.actor.model_dump(mode="json"),
        "by": call.unit,
        "collaboration": asked.collaboration,
        "purposes": list(asked.purposes),
        "services": list(asked.services),
    }
    entry = Entry("preview", now, content, subject, _found_by(consent))
    return _logged(services, entry, call=call, ports=ports)


# --- facts


def _really(
    tx: Transaction, pair: Pair, consent: Consent, then: Consent, *, now: datetime, ports: Ports
) -> tuple[Facts | None, Facts]:
    """The facts of an ask as it would be put now, and as it would be then."""
    ask = Ask(
        subject=NOBODY,
        fields=pair.fields,
        purpose=pair.purpose,
        collaboration=consent.collaboration,
        meeting=pair.meeting,
        actor=Actor(id="preview", role=_role(pair.recipient, ports)),
    )
    held = tx.consents_of(consent.subject)
    comes = consent.state in OPEN and then.state == State.ACTIVE
    instead = [
        then if each.id == then.id else each
        for each in held
        if not (comes and replaces(then, each))
    ]

    def facts(consents: Sequence[Consent]) -> Facts:
        gathered = gather(
            tx,
            ask,
            subject=consent.subject,
            unit=pair.recipient,
            now=now,
            ports=ports,
            supposing=consents,
        )
        # What somebody relies on beside consent is told in its own time.
        alone = gathered.facts.model_copy(update={"invocations": ()})
        return _in_meeting(alone, consent, pair, ports)

    return facts(held), facts(instead)


def _at_most(pair: Pair, then: Consent, person: Person, *, now: datetime, ports: Ports) -> Facts:
    """The facts of an ask if the subject said yes, every source held what its kind can, and the case had come all the way."""
    collaboration = then.collaboration or ""
    agreed = ports.catalogue.collaborations.get(collaboration)
    kin = ports.catalogue.kin(pair.recipient)
    facts = Facts(
        now=now,
        ask=AskFacts(
            recipient=pair.recipient,
            actor_role=_role(pair.recipient, ports),
            purpose=pair.purpose,
            collaboration=collaboration,
            meeting="",
            source="",
            fields=pair.fields,
        ),
        subject=subject_facts(
            person,
            now=now,
            thresholds=ports.catalogue.age_thresholds(pair.purpose, collaboration),
        ),
        consents=(consent_facts(then, frozenset(), asked=pair.fields, recipients=kin),),
        deposited={name: pair.sources(name) for name in pair.fields},
        meeting=NO_MEETING,
        stage=agreed.stages if agreed else 0,
    )
    return _in_meeting(facts, then, pair, ports)


def _in_meeting(facts: Facts, consent: Consent, pair: Pair, ports: Ports) -> Facts:
    """Where lines hold for a meeting only, or the services share in meetings only, suppose one that the subject knows of."""
    meeting = pair.meeting or SUPPOSED_MEETING
    if facts.meeting.id or not _only_in_meeting(consent, pair, ports):
        return facts
    met = MeetingFacts(
        id=meeting,
        collaboration=consent.collaboration or "",
        noticed=True,
        participants=tuple(sorted(consent.parties())),
        opens=facts.now,
        closes=facts.now + LASTS,
    )
    ask = facts.ask.model_copy(update={"meeting": meeting})
    return facts.model_copy(update={"ask": ask, "meeting": met})


def _only_in_meeting(consent: Consent, pair: Pair, ports: Ports) -> bool:
    agreed = ports.catalogue.collaborations.get(consent.collaboration or "")
    required = agreed is not None and pair.purpose in agreed.meeting_required_for
    return required or pair.meeting is not None


def _role(unit: str, ports: Ports) -> str:
    """A role that people have there."""
    there = ports.catalogue.units.get(unit)
    return there.roles[0] if there and there.roles else "member"


# --- answers


def _services(
    consent: Consent,
    facts: Callable[[Pair], tuple[Facts | None, Facts]],
    *,
    language: Language,
    ports: Ports,
) -> tuple[PreviewService, ...]:
    pairs = tuple(_pairs(consent))
    if len(pairs) > PREVIEWED:
        raise PreviewTooLarge(f"at most {PREVIEWED} services times purposes")
    return tuple(
        _service(pair, *facts(pair), consent=consent, language=language, ports=ports)
        for pair in pairs
    )


def _pairs(consent: Consent) -> Iterator[Pair]:
    def key(line: Grant) -> tuple[UnitId, str]:
        return line.recipient, line.purpose

    for (recipient, purpose), lines in groupby(sorted(consent.grants, key=key), key=key):
        yield Pair(recipient, purpose, tuple(lines))


def _service(
    pair: Pair,
    before: Facts | None,
    after: Facts,
    *,
    consent: Consent,
    language: Language,
    ports: Ports,
) -> PreviewService:
    now = _given(before, language=language, ports=ports) if before else ()
    then = _given(after, language=language, ports=ports)
    had, gets = {field.name for field in now}, {field.name for field in then}
    return PreviewService(
        recipient=pair.recipient,
        label=ports.catalogue.text("unit", pair.recipient, language),
        purpose=pair.purpose,
        why=ports.catalogue.text("purpose", pair.purpose, language),
        in_meeting=_only_in_meeting(consent, pair, ports),
        now=now,
        then=then,
        gains=tuple(sorted(gets - had)),
        losses=tuple(sorted(had - gets)),
    )


def _given(facts: Facts, *, language: Language, ports: Ports) -> tuple[PreviewField, ...]:
    permitted = ports.engine.decide(facts).permitted()
    return tuple(
        PreviewField(
            name=name,
            label=ports.catalogue.text("field", name, language),
            sources=tuple(sorted({ground.source for ground in permit.grounds})),
        )
        for name, permit in sorted(permitted.items())
    )


def _found_by(consent: Consent) -> Found:
    return facets(
        services=(consent.requested_by, *sorted(consent.parties())),
        purposes=sorted(line.purpose for line in consent.grants),
        collaboration=consent.collaboration,
    )


def _logged(
    services: tuple[PreviewService, ...], entry: Entry, *, call: Call | PersonCall, ports: Ports
) -> PreviewAnswer:
    answer = PreviewAnswer(services=services, policy=ports.engine.policy)

    def act(tx: Transaction) -> PreviewAnswer:
        tx.append(entry)
        return answer

    return once(act, answers=PreviewAnswer, call=call, ports=ports)
