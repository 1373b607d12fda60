"""Consents, as services meet them: ask for one, record an oral answer, see what one is party to."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from audit.entries import Entry
from broker.domain.compile import compile_grants
from broker.domain.consent_events import (
    ConsentActivated,
    ConsentAskedBack,
    ConsentEvent,
    ConsentLapsed,
    ConsentNarrowed,
    ConsentReplied,
    ConsentSettled,
    ConsentWithdrawn,
)
from broker.domain.consents import Consent
from broker.domain.errors import (
    AskedTooSoon,
    FamilyConsentInvalid,
    FormNotHere,
    NothingToUndo,
    OutsideAges,
)
from broker.domain.facets import facets
from broker.domain.hiding import unseen
from broker.domain.ids import ConsentId, GrantId, SubjectId, UnitId, fresh
from broker.domain.lifetime import (
    DEFAULT_COOLDOWN_DAYS,
    DEFAULT_DAYS,
    MAX_LIFETIME,
    lifetime,
    may_ask_again,
    school_year_end,
)
from broker.domain.requesting import requested
from broker.domain.shelves import Collaboration
from broker.domain.signatures import Needed, Recorder, Signer
from broker.domain.wording import consent_text
from broker.errors import Contended, UnknownConsent
from broker.ports import Person, Ports, SignerQuestion, SignersNeeded, Transaction
from broker.stored import Notice
from broker.usecases.call import Call, once
from broker.usecases.feed import tell_parties
from broker.usecases.lapsing import lapse
from broker.usecases.objections import object_to
from broker.usecases.people import ADULT, age, known, registered, subject_facts
from broker.usecases.views import for_party, for_requester
from tillit.wire import Capture, ConsentRequest, ConsentView, Page

PAGE = 100
REPLACED = frozenset({"requested", "partly_signed", "active", "paused"})
IN_FORCE = frozenset({"active", "paused"})
FORMS: Mapping[str, str] = {"oral": "oral", "paper": "written"}
"""What a collaboration calls each way to answer that is recorded."""
TAKEN_BACK = (ConsentLapsed, ConsentNarrowed, ConsentWithdrawn)
"""What takes lines back, whose units must hear of it although no yes names them any more (N13)."""


def request(asked: ConsentRequest, *, call: Call, ports: Ports) -> ConsentView:
    """Ask a subject for a consent, compiled into enumerated lines; nothing is granted until it is answered.

    Raises:
        UnknownHandle: the subject is not known to the service by that handle.
        ConsentError: its subclasses say what about the request cannot be.
    """

    def act(tx: Transaction) -> ConsentView:
        now = ports.clock()
        subject = known(tx, call.unit, asked.subject)
        consent, event = drafted(tx, asked, subject, unit=call.unit, now=now, ports=ports)
        tx.add_consent(consent)
        log(tx, consent, event)
        tx.add_notice(subject, Notice("requested", now, call.unit, consent=consent.id))
        if consent.about is not None:
            told = Notice("family_asked", now, call.unit, consent=consent.id)
            tx.add_notice(consent.about, told)
        return for_requester(consent, signers(tx, consent, now=now, ports=ports), ports)

    return once(act, answers=ConsentView, call=call, ports=ports)


def capture(identity: ConsentId, captured: Capture, *, call: Call, ports: Ports) -> ConsentView:
    """Record an answer given out loud or on paper (N2): as full as a digital one, and the subject is told at once.

    Raises:
        UnknownConsent: the calling unit did not ask for a consent by that id.
        ConsentError: its subclasses say what about the answer cannot be.
        ObjectionTooYoung: the law does not yet hear a child of that age.
    """

    def act(tx: Transaction) -> ConsentView:
        now = ports.clock()
        consent = tx.consent(identity)
        if consent is None or consent.requested_by != call.unit:
            raise UnknownConsent
        _check_form(consent, captured.method, ports)
        changed, event = consent.answer(
            {GrantId(line): said for line, said in captured.answers.items()},
            signer=Signer(captured.signer),
            method=captured.method,
            at=now,
            read=captured.read_out,
            needed=signers(tx, consent, now=now, ports=ports),
            child_heard=captured.child_heard,
            answered_at=captured.answered_at,
            recorded_by=Recorder(call.unit, captured.actor.id, captured.actor.role),
            scan=captured.scan_sha256,
        )
        save(tx, changed, event, was=consent.version, ports=ports)
        tx.add_notice(changed.subject, Notice("captured", now, call.unit, consent=changed.id))
        object_to(
            tx,
            changed.subject,
            captured.objects_to,
            now=now,
            ports=ports,
            recorded_by=call.unit,
        )
        shown = unseen(changed, tx.hidden(changed.about or changed.subject), by=call.unit)
        return for_requester(shown, signers(tx, changed, now=now, ports=ports), ports)

    return once(act, answers=ConsentView, call=call, ports=ports)


def party(*, unit: UnitId, after: str | None, limit: int, ports: Ports) -> Page:
    """A page of the consents a unit asked for or is named in by a yes, without others' lines."""
    now = ports.clock()
    with ports.store.read() as tx:
        found = tuple(tx.consents_party(unit, after=after, limit=min(limit, PAGE)))
        views = [
            for_party(
                unseen(consent, tx.hidden(consent.about or consent.subject), by=unit),
                unit,
                signers(tx, consent, now=now, ports=ports),
                ports,
            )
            for consent in found
        ]
    return Page(
        consents=tuple(view for view in views if view is not None),
        next=found[-1].id if len(found) == min(limit, PAGE) else None,
    )


def signers(
    tx: Transaction, consent: Consent, *, now: datetime, ports: Ports
) -> Mapping[str, Needed]:
    """Whose signatures each category of a consent needs today, as the policy says."""
    person = registered(tx.person_of(consent.subject), ports)
    return signers_of(person, consent, at=now, ports=ports)


def signers_of(
    person: Person, consent: Consent, *, at: datetime, ports: Ports
) -> Mapping[str, Needed]:
    """The same for a person at hand, at any moment: also on a birthday to come.

    A member of the family is grown and signs alone.
    """
    if consent.about is not None:
        alone = SignersNeeded(subject=True, guardians=0, child_heard=False)
        return {grant.category: alone for grant in consent.grants}
    facts = subject_facts(person, now=at, thresholds=())
    return ports.engine.signers(
        SignerQuestion(
            age=facts.age,
            guardians=facts.guardians,
            guardians_rule=consent.guardians_rule,
            categories=tuple(sorted({grant.category for grant in consent.grants})),
            collaboration=consent.collaboration or "",
        )
    )


def save(tx: Transaction, consent: Consent, event: ConsentEvent, *, was: int, ports: Ports) -> None:
    """Store a changed consent, log its event, tell its parties; one that came into force takes its predecessors' place."""
    tx.save_consent(consent, was=was)
    log(tx, consent, event)
    lapse(tx, consent, event)
    over = event.grants if isinstance(event, TAKEN_BACK) else ()
    aside = isinstance(event, ConsentAskedBack | ConsentReplied)
    tell_parties(tx, consent, event.type, at=event.at, ports=ports, over=over, aside=aside)
    if isinstance(event, ConsentActivated | ConsentSettled):
        _supersede(tx, consent, at=event.at, ports=ports)


def replaces(consent: Consent, earlier: Consent) -> bool:
    """Whether a consent that comes into force takes the place of an earlier one.

    A re-confirmation holds some lines only: what it confirms again lapses by itself, and the rest stands.
    """
    return _same_request(consent, earlier) and earlier.state in REPLACED


def check_place(tx: Transaction, consent: Consent) -> None:
    """Raise unless a consent's place is free, and keep it so until the transaction has committed.

    Raises:
        NothingToUndo: another consent has come into force there.
        Contended: another one is changing right now.
    """
    for other in _like(tx, consent.subject, consent.about):
        if _same_request(other, consent) and other.state in REPLACED:
            if other.state in IN_FORCE and other.id != consent.reconfirms:
                raise NothingToUndo
            if not tx.pin_consent(other.id, other.version):
                raise Contended


def _same_request(consent: Consent, other: Consent) -> bool:
    return (
        not consent.reconfirms
        and other.id != consent.id
        and other.about == consent.about
        and other.collaboration is not None
        and other.collaboration == consent.collaboration
        and other.requested_by == consent.requested_by
    )


def log(tx: Transaction, consent: Consent, event: ConsentEvent) -> None:
    """One log entry for one transition."""
    content = {
        **event.content(),
        "requested_by": consent.requested_by,
        "third_party": consent.about is not None,
    }
    found_by = facets(
        services=(consent.requested_by, *sorted(consent.parties())),
        purposes=sorted(line.purpose for line in consent.grants),
        collaboration=consent.collaboration,
    )
    tx.append(Entry(event.type, event.at, content, consent.subject, found_by))


def drafted(
    tx: Transaction,
    asked: ConsentRequest,
    subject: SubjectId,
    *,
    unit: UnitId,
    now: datetime,
    ports: Ports,
) -> tuple[Consent, ConsentEvent]:
    """A consent as it would be put before the subject; nothing is kept yet.

    Raises:
        ConsentError: its subclasses say what about the request cannot be.
    """
    grants = compile_grants(asked, ports.catalogue, requester=unit, at=now)
    agreed = ports.catalogue.collaborations.get(asked.collaboration or "")
    about = None if asked.about is None else _youth(tx, asked.about, subject, unit, now, ports)
    if agreed is not None:
        _check_age(tx, about or subject, agreed, now=now, ports=ports)
    earlier = [c for c in _like(tx, subject, about) if c.collaboration == asked.collaboration]
    cooldown = agreed.cooldown_days if agreed else DEFAULT_COOLDOWN_DAYS
    if not may_ask_again(earlier, now, cooldown):
        raise AskedTooSoon
    valid_until = until(agreed, asked.valid_days, start=now)
    return requested(
        id=ConsentId(fresh("con", ports.randomness)),
        subject=subject,
        collaboration=asked.collaboration,
        requested_by=unit,
        actor=asked.actor.id,
        actor_role=asked.actor.role,
        at=now,
        valid_until=valid_until,
        language=asked.language,
        text=consent_text(
            grants, ports.catalogue, asked.language, until=valid_until, family=about is not None
        ),
        guardians_rule=agreed.guardians_rule if agreed else "all",
        grants=grants,
        about=about,
    )


def _youth(
    tx: Transaction, handle: str, subject: SubjectId, unit: UnitId, now: datetime, ports: Ports
) -> SubjectId:
    """The youth in whose record it stands. *Not checked*: that the two are of one family; the service vouches for it."""
    youth = known(tx, unit, handle)
    if youth == subject:
        raise FamilyConsentInvalid("a member of the family is somebody else than the youth")
    if age(registered(tx.person_of(subject), ports).born, now) < ADULT:
        raise FamilyConsentInvalid("a member of the family answers for themself from 18")
    return youth


def _like(tx: Transaction, subject: SubjectId, about: SubjectId | None) -> Iterable[Consent]:
    """Every consent that the subject was asked for about the same record: their own, or that youth's."""
    if about is None:
        return tx.consents_of(subject)
    return (c for c in tx.family_consents_by(subject) if c.about == about)


def until(agreed: Collaboration | None, asked_days: int | None, *, start: datetime) -> datetime:
    """When a consent that starts then ends: as asked, else by default, within its collaboration's terms.

    Raises:
        LifetimeTooLong: longer was asked for than the collaboration allows.
    """
    ends = start + lifetime(
        asked_days,
        default_days=agreed.default_days if agreed else DEFAULT_DAYS,
        max_days=agreed.max_days if agreed else MAX_LIFETIME.days,
    )
    if agreed is not None and agreed.ends_with == "school_year":
        return min(ends, school_year_end(start))
    return ends


def _check_age(
    tx: Transaction, subject: SubjectId, agreed: Collaboration, *, now: datetime, ports: Ports
) -> None:
    years = age(registered(tx.person_of(subject), ports).born, now)
    if not agreed.ages.min <= years <= agreed.ages.max:
        raise OutsideAges


def _check_form(consent: Consent, method: str, ports: Ports) -> None:
    """Raise unless the collaboration takes consent in this form; two services without one take any."""
    if consent.collaboration is not None:
        agreed = ports.catalogue.collaborations.get(consent.collaboration)
        if agreed is None or FORMS[method] not in agreed.consent.forms:
            raise FormNotHere


def _supersede(tx: Transaction, consent: Consent, *, at: datetime, ports: Ports) -> None:
    """End what the same unit asked for earlier in the same collaboration: the newest answer is the one that counts."""
    for earlier in _like(tx, consent.subject, consent.about):
        if replaces(consent, earlier):
            ended, event = earlier.supersede(at=at, successor=consent.id)
            save(tx, ended, event, was=earlier.version, ports=ports)
