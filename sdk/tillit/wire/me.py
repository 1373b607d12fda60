"""What the subject sees (design.md § 8, /v1/me)."""

from typing import Annotated

from pydantic import StringConstraints

from tillit.wire.answers import Outcome
from tillit.wire.asks import Ground, Reason
from tillit.wire.choices import How, NoticeChoice
from tillit.wire.complaints import MyComplaint
from tillit.wire.consents import ConsentView
from tillit.wire.contacts import MyContact
from tillit.wire.explanations import FieldExplanation
from tillit.wire.helping import MyHelper
from tillit.wire.hiding import MyHiddenUnit
from tillit.wire.overview import MyCase, MyMeeting
from tillit.wire.own import MyContest
from tillit.wire.questions import MyQuestion
from tillit.wire.services import Participant
from tillit.wire.statutes import Finding
from tillit.wire.terms import (
    CategoryId,
    CollaborationId,
    ConsentId,
    DisclosureId,
    FieldName,
    HelperId,
    Instant,
    InvocationId,
    MeetingId,
    PurposeId,
    StatuteId,
    UnitId,
    Wire,
)


class MyField(Wire):
    """One field of a disclosure as the subject sees it: shared from which source on which ground, or why not.

    ``explanation`` says it to the subject in plain words.
    """

    shared: bool
    source: UnitId | None
    grounds: tuple[Ground, ...]
    reasons: tuple[Reason, ...]
    explanation: FieldExplanation | None = None


class MyDisclosure(Wire):
    """An ask about the subject, released or refused: who, in what role, why, and what came of it.

    ``own``: the subject read it themself, and ``recipient`` is ``subject``.
    """

    id: DisclosureId
    at: Instant
    recipient: UnitId
    role: str
    purpose: PurposeId
    collaboration: CollaborationId | None
    meeting: MeetingId | None
    outcome: Outcome
    fields: dict[FieldName, MyField]
    receipt: str
    erased_at: Instant | None = None
    own: bool = False


class MyDisclosures(Wire):
    """A page of disclosures, newest first; ``next`` is the cursor to pass as ``before``."""

    disclosures: tuple[MyDisclosure, ...]
    next: str | None


class MyNotice(Wire):
    """Something the subject was told. ``kind``: released, requested, captured, meeting, withdrawn and so on.

    ``unit`` did it, or the subject's ``helper``. ``how`` it is told is the subject's choice; ``due_at`` is when, empty while it
    waits for the daily digest.

    Of a meeting also when it is held, and which units take part in which roles (N22); of a statute relied on also which, and
    what its reviewer found.
    """

    kind: Annotated[str, StringConstraints(pattern=r"^[a-z_]+$")]
    at: Instant
    unit: UnitId | None
    consent: ConsentId | None = None
    disclosure: DisclosureId | None = None
    meeting: MeetingId | None = None
    invocation: InvocationId | None = None
    helper: HelperId | None = None
    how: How = "at_once"
    due_at: Instant | None = None
    statute: StatuteId | None = None
    finding: Finding | None = None
    held_at: Instant | None = None
    participants: tuple[Participant, ...] = ()


class MyNotices(Wire):
    """The latest notices, newest first."""

    notices: tuple[MyNotice, ...]


class MyConsents(Wire):
    """Every consent the subject has been asked for, newest first."""

    consents: tuple[ConsentView, ...]


class ObjectionRequest(Wire):
    """``POST /v1/me/objections``: speak against sharing a category, or take that back."""

    category: CategoryId
    objects: bool


class MyObjection(Wire):
    """A category that the subject speaks against sharing; ``recorded_by`` is the unit that wrote it down, if one did."""

    category: CategoryId
    at: Instant
    recorded_by: UnitId | None


class MyObjections(Wire):
    """What the subject speaks against sharing now."""

    objections: tuple[MyObjection, ...]


class MyCopy(Wire):
    """All that the broker can show the subject about themself (N26): what they were asked, told and said; cases and meetings.

    ``complete`` is false when there are more disclosures or meetings than one copy holds; the rest are paged through.
    """

    generated_at: Instant
    consents: tuple[ConsentView, ...]
    disclosures: tuple[MyDisclosure, ...]
    notices: tuple[MyNotice, ...]
    objections: tuple[MyObjection, ...]
    questions: tuple[MyQuestion, ...] = ()
    complete: bool
    cases: tuple[MyCase, ...] = ()
    meetings: tuple[MyMeeting, ...] = ()
    helpers: tuple[MyHelper, ...] = ()
    notice_choices: tuple[NoticeChoice, ...] = ()
    hidden: tuple[MyHiddenUnit, ...] = ()
    contests: tuple[MyContest, ...] = ()
    contact: MyContact | None = None
    complaints: tuple[MyComplaint, ...] = ()
