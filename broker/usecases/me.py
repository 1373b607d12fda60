"""Me: what a subject, or a guardian for a ward, sees and decides (design.md § 8, /v1/me)."""

from collections.abc import Callable, Sequence
from datetime import datetime

from broker.domain.asking_back import asked_back
from broker.domain.consent_events import ConsentEvent
from broker.domain.consents import Consent
from broker.domain.errors import LinesNotForSigner, SignerNotNeeded, named
from broker.domain.ids import ConsentId, DisclosureId, GrantId, PersonKey, SubjectId
from broker.domain.signatures import Signer
from broker.errors import ConsentMoved, UnknownConsent
from broker.ports import Ports, Transaction
from broker.stored import EVERY, Disclosure, Notice, Sought
from broker.usecases import (
    complaints,
    contacting,
    contests,
    helped,
    helping,
    hiding,
    noticing,
    receipts,
)
from broker.usecases.call import PersonCall, once
from broker.usecases.consents import check_place, save, signers
from broker.usecases.guarding import guarded
from broker.usecases.objections import seen
from broker.usecases.overview import cases_of, meetings_of
from broker.usecases.people import myself, visible, wards
from broker.usecases.views import (
    for_guardian,
    for_subject,
    for_youth,
    guardians_lines,
    of_disclosure,
    of_question,
)
from tillit.wire import (
    AskBackRequest,
    ConditionsRequest,
    ConsentView,
    DigitalAnswer,
    Language,
    MyConsents,
    MyContact,
    MyCopy,
    MyDisclosure,
    MyDisclosures,
    MyNotice,
    MyNotices,
    Withdrawal,
)

PAGE = 100
COPIED = 1_000

Change = Callable[[Transaction, Consent, Signer, datetime], tuple[Consent, ConsentEvent]]


def consents(*, person: PersonKey, ports: Ports) -> MyConsents:
    """Every consent about the person, newest first, and of wards the lines that need a guardian.

    Of the family both sides: what the person was asked for as a member of it, and what its members were about the person.
    """
    now = ports.clock()
    with ports.store.read() as tx:
        own = tx.subject_by_person(person)
        mine = [(c, Signer("subject", person)) for c in (all_of(tx, own) if own else ())]
        theirs = _of_wards(tx, person, now=now, ports=ports)
        mine += [(c, Signer("guardian", person)) for c in theirs]
        mine.sort(key=lambda found: (found[0].requested_at, found[0].id), reverse=True)
        views = [_seen(tx, c, signer, now=now, ports=ports) for c, signer in mine]
    return MyConsents(consents=tuple(views))


def consent(identity: ConsentId, *, person: PersonKey, ports: Ports) -> ConsentView:
    """One consent.

    Raises:
        UnknownConsent: none by that id is the person's to see.
    """
    now = ports.clock()
    with ports.store.read() as tx:
        found, signer = _shown(tx, identity, person, now=now, ports=ports)
        return _seen(tx, found, signer, now=now, ports=ports)


def answer(
    identity: ConsentId,
    answered: DigitalAnswer,
    *,
    call: PersonCall,
    ports: Ports,
    shown: int | None = None,
) -> ConsentView:
    """Answer a consent line by line, for oneself or as a guardian who must sign.

    ``shown``, here and below: the version that the person saw, where that is known; no other is changed.

    Raises:
        UnknownConsent: none by that id is the person's to answer.
        ConsentMoved: it has another version by now.
        ConsentError: its subclasses say what about the answer cannot be.
    """

    def change(
        tx: Transaction, found: Consent, signer: Signer, now: datetime
    ) -> tuple[Consent, ConsentEvent]:
        needed = signers(tx, found, now=now, ports=ports)
        as_guardian = signer.kind == "guardian"
        return found.answer(
            {GrantId(line): said for line, said in answered.answers.items()},
            signer=signer,
            method="digital",
            at=now,
            read=answered.read,
            needed=needed,
            part=for_guardian(found, needed, ports).text_sha256 if as_guardian else None,
            child_heard=answered.child_heard,
            also={GrantId(line): word for line, word in answered.conditions.items()},
        )

    return _changed(identity, change, call=call, ports=ports, shown=shown)


def ask_first(
    identity: ConsentId,
    asked: ConditionsRequest,
    *,
    call: PersonCall,
    ports: Ports,
    shown: int | None = None,
) -> ConsentView:
    """Say for which lines one wants to be asked first, or to be there, or does not any more.

    Raises:
        UnknownConsent: none by that id is the person's.
        ConsentError: its subclasses say what about it cannot be.
    """
    also = {
        GrantId(line): None if word == "none" else word for line, word in asked.conditions.items()
    }

    def change(
        tx: Transaction, found: Consent, signer: Signer, now: datetime
    ) -> tuple[Consent, ConsentEvent]:
        needed = signers(tx, found, now=now, ports=ports)
        return found.ask_first(also, at=now, by=signer, needed=needed)

    return _changed(identity, change, call=call, ports=ports, shown=shown)


def ask_back(
    identity: ConsentId,
    asked: AskBackRequest,
    *,
    call: PersonCall,
    ports: Ports,
    shown: int | None = None,
) -> ConsentView:
    """Ask the service something before one answers; whoever asked for the consent is told, and nobody else.

    Raises:
        UnknownConsent: none by that id is the person's to answer.
        ConsentError: its subclasses say what about it cannot be.
    """
    return _changed(
        identity,
        lambda _, c, by, now: asked_back(c, asked.ask, at=now, by=by),
        call=call,
        ports=ports,
        shown=shown,
    )


def pause(
    identity: ConsentId, *, call: PersonCall, ports: Ports, shown: int | None = None
) -> ConsentView:
    """Pause a consent: nothing is shared on it until it is resumed.

    Raises:
        LinesNotForSigner: a guardian, where a line is the subject's alone; they may withdraw their own.
    """

    def change(
        tx: Transaction, found: Consent, signer: Signer, now: datetime
    ) -> tuple[Consent, ConsentEvent]:
        if signer.kind == "guardian":
            yes = [grant.id for grant in found.grants if grant.answer == "yes"]
            _of_guardians(tx, found, yes, now=now, ports=ports)
        return found.pause(at=now, by=signer)

    return _changed(identity, change, call=call, ports=ports, shown=shown)


def resume(
    identity: ConsentId, *, call: PersonCall, ports: Ports, shown: int | None = None
) -> ConsentView:
    """Resume a paused consent."""

    def change(
        tx: Transaction, found: Consent, signer: Signer, now: datetime
    ) -> tuple[Consent, ConsentEvent]:
        needed = signers(tx, found, now=now, ports=ports).values()
        grown = all(need.guardians == 0 for need in needed)
        return found.resume(at=now, by=signer, grown=grown)

    return _changed(identity, change, call=call, ports=ports, shown=shown)


def withdraw(
    identity: ConsentId,
    withdrawal: Withdrawal,
    *,
    call: PersonCall,
    ports: Ports,
    shown: int | None = None,
) -> ConsentView:
    """Withdraw a consent, whole or by the line. Once this has returned nothing is released on it, on any replica.

    The whole of it is, for a guardian, the lines that need one: what the subject answers alone is not theirs to take back.

    Raises:
        LinesNotForSigner: a guardian named a line that is the subject's alone.
    """

    def change(
        tx: Transaction, found: Consent, signer: Signer, now: datetime
    ) -> tuple[Consent, ConsentEvent]:
        grants = [GrantId(line) for line in withdrawal.grants]
        if signer.kind == "guardian":
            grants = _of_guardians(tx, found, grants, now=now, ports=ports)
        return found.withdraw(at=now, by=signer, grants=grants)

    return _changed(identity, change, call=call, ports=ports, shown=shown)


def undo(
    identity: ConsentId, *, call: PersonCall, ports: Ports, shown: int | None = None
) -> ConsentView:
    """Take one's latest act on a consent back, within seconds: a yes by withdrawing it, what gave nothing to how it was.

    Raises:
        NothingToUndo: the latest change is not theirs to take back, or another consent is in force in its place.
        UndoTooLate: the seconds are over.
    """

    def change(
        tx: Transaction, found: Consent, signer: Signer, now: datetime
    ) -> tuple[Consent, ConsentEvent]:
        check_place(tx, found)
        needed = signers(tx, found, now=now, ports=ports)
        return found.undo(at=now, by=signer, needed=needed)

    return _changed(identity, change, call=call, ports=ports, shown=shown)


def disclosures(
    *,
    person: PersonKey,
    before: str | None,
    limit: int,
    language: Language,
    ports: Ports,
    sought: Sought = EVERY,
) -> MyDisclosures:
    """A page of what was asked about the person, released or refused, newest first; of that, what is ``sought``."""
    size = min(limit, PAGE)
    with ports.store.read() as tx:
        found = tx.disclosures_about(
            myself(tx, person), before=before, limit=size, at=ports.clock(), sought=sought
        )
        return MyDisclosures(
            disclosures=_told_of(tx, found, language=language, ports=ports),
            next=found[-1].id if len(found) == size else None,
        )


def disclosure(
    identity: DisclosureId, *, person: PersonKey, language: Language, ports: Ports
) -> MyDisclosure:
    """One ask about the person.

    Raises:
        NotASubject: nothing is kept about them.
        UnknownDisclosure: none by that id is about them, or not to be told of yet.
    """
    now = ports.clock()
    with ports.store.read() as tx:
        found = visible(tx, identity, myself(tx, person), now=now)
        (told,) = _told_of(tx, (found,), language=language, ports=ports)
        return told


def copy(*, person: PersonKey, language: Language, ports: Ports) -> MyCopy:
    """Everything the broker can show the person about themself, at one moment (N26), up to ``COPIED`` disclosures.

    Values are not in it: the broker cannot read them.

    Raises:
        NotASubject: the broker holds nothing about them.
    """
    with ports.store.read() as tx:
        return copied(tx, person, language=language, ports=ports)


def copied(tx: Transaction, person: PersonKey, *, language: Language, ports: Ports) -> MyCopy:
    """The same within a transaction."""
    now = ports.clock()
    subject = myself(tx, person)
    found = tx.disclosures_about(subject, before=None, limit=COPIED + 1, at=now)
    told = tx.notices(subject, limit=COPIED, at=now)
    own = Signer("subject", person)
    met = meetings_of(tx, subject, before=None, limit=COPIED, language=language, ports=ports)
    return MyCopy(
        generated_at=now,
        consents=tuple(_seen(tx, c, own, now=now, ports=ports) for c in all_of(tx, subject)),
        disclosures=_told_of(tx, found[:COPIED], language=language, ports=ports),
        notices=tuple(_told(tx, notice) for notice in told),
        objections=seen(tx, subject).objections,
        questions=tuple(
            of_question(q, tx.consent(q.consent), at=now)
            for q in tx.questions_of(subject, limit=COPIED)
        ),
        complete=len(found) <= COPIED and met.next is None,
        cases=cases_of(tx, subject, language=language, ports=ports),
        meetings=(*met.coming, *met.past),
        notice_choices=noticing.seen(tx, subject, language=language, ports=ports).choices,
        hidden=hiding.seen(tx, subject, language=language, ports=ports).hidden,
        helpers=helping.seen(tx, subject, now=now).helpers,
        contests=contests.seen(tx, subject).contests,
        contact=_unnumbered(
            contacting.shown(tx.contacts_of(subject), now=now, ports=ports, addresses=True)
        ),
        complaints=complaints.seen(tx, subject, language=language, ports=ports).complaints,
    )


def _unnumbered(contact: MyContact) -> MyContact:
    """The same without a national identity number, by which the public register is asked: no file holds one (N59)."""
    way = contact.confirmed
    if way is None or way.channel != "register":
        return contact
    return contact.model_copy(update={"confirmed": way.model_copy(update={"address": None})})


def _told_of(
    tx: Transaction, found: Sequence[Disclosure], *, language: Language, ports: Ports
) -> tuple[MyDisclosure, ...]:
    erased = tx.erased(disclosure.id for disclosure in found)
    whole = receipts.opened(found, custodian=ports.custodian)
    return tuple(
        of_disclosure(d, erased_at=erased.get(d.id), language=language, ports=ports) for d in whole
    )


def notices(*, person: PersonKey, limit: int, ports: Ports) -> MyNotices:
    """The latest of what the person was told, newest first; of a meeting also when, and who (N22)."""
    with ports.store.read() as tx:
        found = tx.notices(myself(tx, person), limit=min(limit, PAGE), at=ports.clock())
        return MyNotices(notices=tuple(_told(tx, notice) for notice in found))


def _told(tx: Transaction, notice: Notice) -> MyNotice:
    meeting = None if notice.meeting is None else tx.meeting(notice.meeting)
    relied_on = None if notice.invocation is None else tx.invocation(notice.invocation)
    return MyNotice(
        kind=notice.kind,
        at=notice.at,
        unit=notice.unit,
        consent=notice.consent,
        disclosure=notice.disclosure,
        meeting=notice.meeting,
        invocation=notice.invocation,
        helper=notice.helper,
        how=notice.how,
        due_at=notice.due_at,
        statute=None if relied_on is None else relied_on.statute,
        finding=None if relied_on is None else relied_on.finding,
        held_at=None if meeting is None else meeting.held_at,
        participants=() if meeting is None else meeting.participants,
    )


def _changed(
    identity: ConsentId, change: Change, *, call: PersonCall, ports: Ports, shown: int | None
) -> ConsentView:
    def act(tx: Transaction) -> ConsentView:
        now = ports.clock()
        found, signer = _to_change(tx, identity, call.person, now=now, ports=ports)
        if shown is not None and found.version != shown:
            raise ConsentMoved
        changed, event = change(tx, found, signer, now)
        save(tx, changed, event, was=found.version, ports=ports)
        if signer.kind == "guardian":
            told = Notice("guardian_acted", now, changed.requested_by, consent=changed.id)
            tx.add_notice(changed.subject, told)
        return _seen(tx, changed, signer, now=now, ports=ports)

    return once(act, answers=ConsentView, call=call, ports=ports)


def _seen(
    tx: Transaction, found: Consent, signer: Signer, *, now: datetime, ports: Ports
) -> ConsentView:
    need = signers(tx, found, now=now, ports=ports)
    if found.about is not None and signer.key == tx.person_of(found.about):
        return for_youth(found, ports)
    view = (
        for_guardian(found, need, ports, key=signer.key)
        if signer.kind == "guardian"
        else for_subject(found, need, ports)
    )
    was = found.undoable
    if was is None or not was.is_theirs(signer, version=found.version, at=now):
        return view
    return view.model_copy(update={"undo_until": was.until})


def all_of(tx: Transaction, subject: SubjectId) -> list[Consent]:
    """The subject's own consents, those they were asked for as a family member, and those their family was."""
    return [
        *tx.consents_of(subject),
        *tx.family_consents_by(subject),
        *tx.family_consents_about(subject),
    ]


def _shown(
    tx: Transaction, identity: ConsentId, person: PersonKey, *, now: datetime, ports: Ports
) -> tuple[Consent, Signer]:
    """Those that are the person's to answer, and to look at those that their family was asked for."""
    found = tx.consent(identity)
    own = tx.subject_by_person(person)
    if found is not None and own is not None and found.about == own:
        return found, Signer("subject", person)
    return _mine(tx, identity, person, now=now, ports=ports)


def _mine(
    tx: Transaction, identity: ConsentId, person: PersonKey, *, now: datetime, ports: Ports
) -> tuple[Consent, Signer]:
    found = tx.consent(identity)
    if found is not None:
        if found.subject == tx.subject_by_person(person):
            return found, Signer("subject", person)
        if any(c.id == identity for c in _of_wards(tx, person, now=now, ports=ports)):
            return found, Signer("guardian", person)
    raise UnknownConsent


def _to_change(
    tx: Transaction, identity: ConsentId, person: PersonKey, *, now: datetime, ports: Ports
) -> tuple[Consent, Signer]:
    """Those that are the person's to answer; a helper is told that they only read."""
    try:
        return _mine(tx, identity, person, now=now, ports=ports)
    except UnknownConsent:
        if found := tx.consent(identity):
            helped.refuse(tx, found, person, ports=ports)
        raise


def _of_guardians(
    tx: Transaction, found: Consent, lines: Sequence[GrantId], *, now: datetime, ports: Ports
) -> list[GrantId]:
    """These lines, or without any all that were answered yes, of those that are guardians' to take back.

    Raises:
        LinesNotForSigner: one of them is the subject's alone.
        SignerNotNeeded: none of theirs was answered yes.
    """
    theirs = guardians_lines(found, signers(tx, found, now=now, ports=ports))
    if beyond := set(lines) - {grant.id for grant in theirs}:
        raise LinesNotForSigner(named(beyond))
    back = list(lines) or [grant.id for grant in theirs if grant.answer == "yes"]
    if not back:
        raise SignerNotNeeded
    return back


def _of_wards(tx: Transaction, person: PersonKey, *, now: datetime, ports: Ports) -> list[Consent]:
    """Wards' consents with a line that needs guardians today."""
    return [
        consent
        for ward in wards(tx, person, ports)
        for consent, _ in guarded(tx, ward, now=now, ports=ports)
    ]
