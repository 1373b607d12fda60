"""Consents: a subject's answer, line by line, and what may become of it (design.md § 5).

Every transition returns the new consent, one version higher, and the event that says what changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from broker.domain.answering import (
    ANSWERED,
    answered,
    check_also,
    check_say,
    has_signed,
    put_off,
    state_after,
    waiting,
)
from broker.domain.consent_events import (
    ConsentAnsweredLater,
    ConsentConditioned,
    ConsentEvent,
    ConsentEventHappened,
    ConsentExpired,
    ConsentLapsed,
    ConsentNarrowed,
    ConsentPaused,
    ConsentRequested,
    ConsentRestored,
    ConsentResumed,
    ConsentSettled,
    ConsentSuperseded,
    ConsentWithdrawn,
    SignatureGiven,
)
from broker.domain.errors import (
    EventNotHere,
    IllegalTransition,
    LinesUnknown,
    NothingToUndo,
    NotOverYet,
    NotTheOneWhoPaused,
    OthersMustSign,
    OutOfTime,
    SignerNotNeeded,
    TextDiffers,
    named,
)
from broker.domain.grants import Grant, LineAnswer
from broker.domain.ids import ConsentId, GrantId, SubjectId, UnitId
from broker.domain.remarks import Remark
from broker.domain.signatures import (
    Method,
    Needed,
    Recorder,
    Signature,
    Signed,
    Signer,
    SignerKind,
    signed,
)
from broker.domain.states import OPEN, TRANSITIONS, UNDONE, State
from broker.domain.undoing import Undoable, check_undo, way_back
from tillit.wire import AskFirst, EventName, Language

__all__ = [
    "ANSWER_SKEW",
    "Consent",
    "Grant",
    "Recorder",
    "Signature",
    "Signed",
    "Signer",
    "State",
]

# How far a service's clock may stand from the broker's when it says when somebody answered.
ANSWER_SKEW = timedelta(minutes=5)

E = TypeVar("E", bound=ConsentEvent)

_NOTHING_ALSO: Mapping[GrantId, AskFirst] = MappingProxyType({})
_GIVES_NOTHING = frozenset({State.REQUESTED, State.REFUSED})
_STANDING = frozenset({State.PARTLY_SIGNED, State.ACTIVE, State.PAUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A consent at one version.

    ``changed_at`` is the time of its last transition, ``valid_from`` that of its activation.
    ``text`` is what the signers are shown; ``actor`` and ``actor_role`` asked, for the unit.
    ``about`` is the youth in whose record it stands, where ``subject`` is a member of the family.
    ``happened`` are the events that have come and so ended the lines bound to them.
    ``undoable``: how to take the latest act back, where that can be; another change ends it.
    ``reconfirms`` names the consent whose lines are put before the subject again: theirs alone to answer.
    """

    id: ConsentId
    subject: SubjectId
    version: int
    state: State
    collaboration: str | None
    requested_by: UnitId
    actor: str
    actor_role: str
    requested_at: datetime
    changed_at: datetime
    valid_from: datetime | None
    valid_until: datetime
    language: Language
    text: str
    text_sha256: str
    guardians_rule: Literal["one", "all"]
    grants: tuple[Grant, ...]
    signatures: tuple[Signature, ...] = ()
    paused_by: SignerKind | None = None
    happened: tuple[EventName, ...] = ()
    about: SubjectId | None = None
    reconfirms: ConsentId | None = None
    undoable: Undoable | None = None
    remarks: tuple[Remark, ...] = ()

    # --- what it says

    def signed(self, grant: GrantId) -> Signed:
        """Who has said yes to one line."""
        return signed(self.signatures, grant)

    def parties(self) -> frozenset[UnitId]:
        """Every unit it concerns: whoever asked, and each line's two ends."""
        ends = {unit for grant in self.grants for unit in (grant.source, grant.recipient)}
        return frozenset({self.requested_by, *ends})

    def grants_of(self, unit: UnitId) -> tuple[Grant, ...]:
        """The lines a unit is source or recipient of: all that it may see."""
        return tuple(g for g in self.grants if unit in (g.source, g.recipient))

    def over(self, grant: Grant) -> bool:
        """Whether the event has come that the line was to hold until."""
        return grant.condition.event in self.happened

    def waiting_for(
        self, needed: Mapping[str, Needed], lines: Sequence[Grant] | None = None
    ) -> tuple[str, ...]:
        """What is waited for, by all of it or by some lines: of ``child_heard``, ``guardian``, ``subject``."""
        if self.state not in OPEN:
            return ()
        if self.reconfirms:
            return ("subject",) if self.state == State.REQUESTED else ()
        return tuple(sorted(waiting(lines or self.grants, self.signatures, needed)))

    def put_off(self, signer: Signer) -> tuple[GrantId, ...]:
        """The lines that a signer has put off and may answer still; none while nothing can be answered."""
        if self.state not in {*OPEN, State.ACTIVE}:
            return ()
        return put_off(signer, grants=self.grants, signatures=self.signatures)

    def enough(self, needed: Mapping[str, Needed]) -> bool:
        """Whether every line that nobody said no to or put off has its signatures."""
        return state_after(self.grants, self.signatures, needed) == State.ACTIVE

    # --- transitions

    def request(self, *, at: datetime) -> tuple["Consent", ConsentRequested]:
        """Put a draft before the subject."""
        if self.state != State.DRAFT:
            raise IllegalTransition(f"a consent that is {self.state} has been asked for")
        new = self._moved(State.REQUESTED, at=at)
        lines = [grant.id for grant in new.grants]
        return new, event_of(new, ConsentRequested, grants=lines, reconfirms=new.reconfirms)

    def answer(
        self,
        answers: Mapping[GrantId, LineAnswer],
        *,
        signer: Signer,
        method: Method,
        at: datetime,
        read: str,
        needed: Mapping[str, Needed],
        part: str | None = None,
        child_heard: bool = False,
        answered_at: datetime | None = None,
        recorded_by: Recorder | None = None,
        scan: str | None = None,
        also: Mapping[GrantId, AskFirst] = _NOTHING_ALSO,
    ) -> tuple["Consent", SignatureGiven]:
        """Record one signer's answers.

        Args:
            answers: yes, no or not now to every line that is the signer's: all of them for the
                subject, those whose category needs guardians for a guardian; later, any that
                they put off.
            signer: who answers. *Not checked*: that they are who they say.
            method: ``digital``, or ``oral`` or ``paper`` with ``recorded_by``.
            at: now.
            read: base64url SHA-256 of the text that was shown or read out.
            needed: category → signatures needed today.
            part: the same hash of the part of the text that is this signer's, where they are shown no more.
            child_heard: a guardian, or who recorded, says that the child has been heard.
            answered_at: when an answer that is recorded was given, if not now.
            recorded_by: the professional who recorded an answer out loud or on paper.
            scan: base64url SHA-256 of the scanned paper. *Not checked*: that it says so.
            also: lines answered yes for which the signer wants to be asked first, or to be there.

        Returns:
            The consent: refused when every line is a no, active when every yes has all its
            signatures, requested as before when none is a yes, else partly signed. And the
            event, which holds the signature.

        Raises:
            ConsentError: the one that says what is wrong; nothing is recorded then.
        """
        if self.state not in OPEN and not (
            self.state == State.ACTIVE and has_signed(signer, self.signatures)
        ):
            raise IllegalTransition(f"a consent that is {self.state} cannot be answered")
        said_at = at if answered_at is None else answered_at
        self._check_time(at, said_at)
        if read not in {self.text_sha256, part}:
            raise TextDiffers
        if self.reconfirms and signer.kind == "guardian":
            raise SignerNotNeeded
        check_say(signer, answers, grants=self.grants, signatures=self.signatures, needed=needed)
        if unknown := {line for line in also if answers.get(line) != "yes"}:
            raise LinesUnknown(named(unknown))
        signature = Signature(
            signer=signer,
            method=method,
            at=said_at,
            read=read,
            yes=tuple(grant.id for grant in self.grants if answers.get(grant.id) == "yes"),
            no=tuple(grant.id for grant in self.grants if answers.get(grant.id) == "no"),
            not_now=tuple(g.id for g in self.grants if answers.get(g.id) == "not_now"),
            child_heard=child_heard,
            recorded_by=recorded_by,
            scan=scan,
        )
        return self._signed_by(signature, at=at, needed=needed, also=also)

    def ask_first(
        self,
        also: Mapping[GrantId, AskFirst | None],
        *,
        at: datetime,
        by: Signer,
        needed: Mapping[str, Needed],
    ) -> tuple["Consent", ConsentConditioned]:
        """Put beside lines answered yes that somebody wants to be asked first or to be there; None takes it off again.

        Whoever's yes a line takes does either, and needs no new request: what is taken off was put on by
        them, and what was asked for and read stays. Beside a line that takes guardians' yes the subject
        may put it, and not take it off.

        Raises:
            LinesUnknown: no line of that id was answered yes.
            LinesNotForSigner: a line is the subject's alone, or the guardians' to open wider.
            SignerNotNeeded: a guardian where none has signed.
        """
        self._check_steering(by)
        if self.state not in _STANDING:
            raise IllegalTransition(f"nothing is shared on a consent that is {self.state}")
        if unknown := also.keys() - set(self._yes()):
            raise LinesUnknown(named(unknown))
        check_also(by, also, grants=self.grants, needed=needed)
        grants = _with(self.grants, also)
        new = self._moved(self.state, at=at, grants=grants)
        stands = {g.id: g.condition.also for g in grants if g.id in also}
        return new, event_of(new, ConsentConditioned, by=by, grants=sorted(also), also=stands)

    def remark(self, remark: Remark) -> "Consent":
        """The same with a remark more."""
        return self._moved(self.state, at=remark.at, remarks=(*self.remarks, remark))

    def settle(
        self, *, at: datetime, needed: Mapping[str, Needed]
    ) -> tuple["Consent", ConsentSettled]:
        """Bring it into force without another answer: the signatures it has are enough today."""
        if self.state != State.PARTLY_SIGNED or not self.enough(needed):
            raise IllegalTransition(f"a consent that is {self.state} waits for signatures")
        if at >= self.valid_until:
            raise OutOfTime
        new = self._moved(State.ACTIVE, at=at)
        new = replace(new, valid_from=new.changed_at)
        return new, event_of(new, ConsentSettled, grants=self._yes())

    def pause(self, *, at: datetime, by: Signer) -> tuple["Consent", ConsentPaused]:
        """Share nothing until resumed."""
        self._check_steering(by)
        if self.state != State.ACTIVE:
            raise IllegalTransition(f"a consent that is {self.state} cannot be paused")
        new = self._undoable(self._moved(State.PAUSED, at=at, paused_by=by.kind), by)
        return new, event_of(new, ConsentPaused, by=by)

    def resume(
        self, *, at: datetime, by: Signer, grown: bool = False
    ) -> tuple["Consent", ConsentResumed]:
        """Share again, on exactly what was granted before.

        Whoever paused it resumes it; where guardians have no say any more (``grown``), the subject.
        """
        self._check_steering(by)
        if self.state != State.PAUSED:
            raise IllegalTransition(f"a consent that is {self.state} cannot be resumed")
        outgrown = grown and by.kind == "subject"
        if by.kind != self.paused_by and not outgrown:
            raise NotTheOneWhoPaused
        if at >= self.valid_until:
            raise OutOfTime
        new = self._moved(State.ACTIVE, at=at, paused_by=None)
        return new, event_of(new, ConsentResumed, by=by)

    def withdraw(
        self, *, at: datetime, by: Signer, grants: Iterable[GrantId] = ()
    ) -> tuple["Consent", ConsentWithdrawn | ConsentNarrowed]:
        """Take all of it back, or (``grants`` given) those lines; no yes left is all of it."""
        self._check_steering(by)
        gone = frozenset(grants) or frozenset(self._yes())
        left = self._without(gone)
        if any(grant.answer == "yes" for grant in left):
            new = self._undoable(self._moved(self.state, at=at, grants=left), by)
            return new, event_of(new, ConsentNarrowed, by=by, grants=sorted(gone))
        new = self._undoable(self._moved(State.WITHDRAWN, at=at), by)
        return new, event_of(new, ConsentWithdrawn, by=by, grants=sorted(gone))

    def undo(
        self, *, at: datetime, by: Signer, needed: Mapping[str, Needed]
    ) -> tuple["Consent", ConsentWithdrawn | ConsentNarrowed | ConsentRestored]:
        """Take one's latest act back, within seconds and where nothing else has changed since.

        A yes is taken back by withdrawing it. What gave nothing is as if it had not been: a stop, a narrowing, a pause,
        an answer without a yes. It rests on the signatures that stood, so that nothing is in force again that they would
        not bring into force today. Taking back is not taken back.

        Raises:
            NothingToUndo: the latest change is not theirs to take back, or its signatures are not enough today.
            UndoTooLate: the seconds are over.
            OutOfTime: so is the consent's time.
        """
        was = check_undo(self.undoable, by, version=self.version, at=at)
        if was.yes:
            ended, event = self.withdraw(at=at, by=by, grants=was.yes)
            return replace(ended, undoable=None), event
        if at >= self.valid_until:
            raise OutOfTime
        grants, signatures = was.before(self.grants), self.signatures[: was.signatures]
        in_force = was.state in {State.ACTIVE, State.PAUSED}
        if in_force and state_after(grants, signatures, needed) != State.ACTIVE:
            raise NothingToUndo
        before = {"grants": grants, "signatures": signatures, "paused_by": was.paused_by}
        new = self._moved(was.state, at=at, table=UNDONE, **before)
        return new, event_of(new, ConsentRestored, by=by, grants=sorted(was.answers))

    def happen(
        self, event: EventName, *, at: datetime, recorded_by: Recorder
    ) -> tuple["Consent", ConsentEventHappened]:
        """Say that an event has come: the lines that hold until it are over, and so is a consent of only such lines.

        *Not checked*: that it has come; the unit that says so is named in the log.
        """
        if self.state not in {State.ACTIVE, State.PAUSED}:
            raise IllegalTransition(f"nothing ends by an event in a consent that is {self.state}")
        yes = [grant for grant in self.grants if grant.answer == "yes" and not self.over(grant)]
        ended = [grant.id for grant in yes if grant.condition.event == event]
        if not ended:
            raise EventNotHere
        state = self.state if len(ended) < len(yes) else State.EXPIRED
        new = self._moved(state, at=at, happened=(*self.happened, event))
        return new, event_of(
            new, ConsentEventHappened, grants=ended, event=event, recorded_by=recorded_by
        )

    def expire(self, *, at: datetime) -> tuple["Consent", ConsentExpired]:
        """End it because its time is over. Raises ``NotOverYet`` before."""
        if at < self.valid_until:
            raise NotOverYet
        new = self._moved(State.EXPIRED, at=at)
        return new, event_of(new, ConsentExpired, grants=self._yes())

    def lapse(
        self, *, at: datetime, grants: Iterable[GrantId] = ()
    ) -> tuple["Consent", ConsentLapsed]:
        """End it, or (``grants`` given) those lines: whoever signed them no longer may."""
        gone = frozenset(grants) or frozenset(self._yes())
        left = self._without(gone)
        if any(grant.answer == "yes" for grant in left):
            new = self._moved(self.state, at=at, grants=left)
        else:
            new = self._moved(State.LAPSED, at=at)
        return new, event_of(new, ConsentLapsed, grants=sorted(gone))

    def supersede(
        self, *, at: datetime, successor: ConsentId
    ) -> tuple["Consent", ConsentSuperseded]:
        """End it because ``successor`` takes its place."""
        new = self._moved(State.SUPERSEDED, at=at)
        return new, event_of(new, ConsentSuperseded, grants=self._yes(), successor=successor)

    # --- how

    def _moved(
        self,
        state: State,
        *,
        at: datetime,
        table: Mapping[State, frozenset[State]] = TRANSITIONS,
        **changes: Any,
    ) -> "Consent":
        if state not in table[self.state]:
            raise IllegalTransition(f"a consent that is {self.state} does not become {state}")
        # Two replicas' clocks may differ; a consent's own time never runs backwards.
        when = max(at, self.changed_at)
        new = replace(self, state=state, version=self.version + 1, changed_at=when, **changes)
        return replace(new, undoable=None)

    def _undoable(self, new: "Consent", by: Signer, *, yes: tuple[GrantId, ...] = ()) -> "Consent":
        """What an act of ``by`` has made of it, with the way back."""
        return replace(new, undoable=way_back(self, new, by=by, yes=yes))

    def _signed_by(
        self,
        signature: Signature,
        *,
        at: datetime,
        needed: Mapping[str, Needed],
        also: Mapping[GrantId, AskFirst],
    ) -> tuple["Consent", SignatureGiven]:
        signatures = (*self.signatures, signature)
        grants = _with(answered(self.grants, signatures), also)
        state = state_after(grants, signatures, needed)
        later = self.state == State.ACTIVE
        if later and state != State.ACTIVE:
            raise OthersMustSign
        new = self._moved(state, at=at, grants=grants, signatures=signatures)
        if state == State.ACTIVE and not later:
            new = replace(new, valid_from=new.changed_at)
        touched = [now.id for now, old in zip(grants, self.grants, strict=True) if now != old]
        kind = ConsentAnsweredLater if later else ANSWERED[state]
        by = signature.signer
        given = tuple(g.id for g in grants if g.answer == "yes" and g.id in signature.yes)
        # An oral answer is somebody else's to write down; a no that brings the rest into force is no mere no.
        if signature.method == "digital" and (given or later or state in _GIVES_NOTHING):
            new = self._undoable(new, by, yes=given)
        return new, event_of(new, kind, by=by, grants=touched, signature=signature, also=also)

    def _yes(self) -> tuple[GrantId, ...]:
        return tuple(grant.id for grant in self.grants if grant.answer == "yes")

    def _without(self, gone: frozenset[GrantId]) -> tuple[Grant, ...]:
        if unknown := gone - set(self._yes()):
            raise LinesUnknown(named(unknown))
        return tuple(replace(g, answer="no") if g.id in gone else g for g in self.grants)

    def _check_time(self, at: datetime, said_at: datetime) -> None:
        earliest, latest = self.requested_at - ANSWER_SKEW, at + ANSWER_SKEW
        if at >= self.valid_until or not earliest <= said_at <= latest:
            raise OutOfTime

    def _check_steering(self, by: Signer) -> None:
        """The subject always may; a guardian only where a guardian has signed."""
        if by.kind == "guardian" and all(s.signer.kind != "guardian" for s in self.signatures):
            raise SignerNotNeeded


def _with(grants: tuple[Grant, ...], also: Mapping[GrantId, AskFirst | None]) -> tuple[Grant, ...]:
    return tuple(grant.also(also[grant.id]) if grant.id in also else grant for grant in grants)


def event_of(
    new: Consent,
    kind: type[E],
    *,
    by: Signer | None = None,
    grants: Iterable[GrantId] = (),
    **more: Any,
) -> E:
    """What a transition into ``new`` has changed."""
    return kind(
        consent=new.id,
        subject=new.subject,
        collaboration=new.collaboration,
        version=new.version,
        state=new.state,
        at=new.changed_at,
        by=by,
        grants=tuple(grants),
        **more,
    )
