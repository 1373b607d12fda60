"""Overview: what the subject is shown of who has the ball, and of the meetings about them (N15, N22)."""

from typing import Literal

from tillit.wire.services import Participant
from tillit.wire.terms import (
    CategoryId,
    CollaborationId,
    ConsentId,
    Instant,
    MeetingId,
    UnitId,
    Wire,
)


class Responsible(Wire):
    """The one service that has the ball, since when, and why.

    ``why``: ``requested`` (it asked, and waits for the answer), ``stage`` (it said last how far the case has come), or the rule
    of the agreement, which ``text`` gives in the catalogue's words.
    """

    unit: UnitId
    label: str
    why: Literal["requested", "reporting_service", "coordinator", "stafettholder", "stage"]
    text: str
    since: Instant


class CaseGap(Wire):
    """No service has the ball: why not, and which to turn to.

    ``agreement_over``: the services' agreement has ended. ``not_chosen``: the subject was to choose, and nobody knows of a
    choice. ``left``: the one that had it takes part no more. ``not_named``: the one that should have it is in no yes.
    """

    gap: Literal["agreement_over", "not_chosen", "left", "not_named"]
    turn_to: UnitId
    label: str


class Waiting(Wire):
    """What a case waits for: the subject's answer, a guardian's, or a service (``unit``) that has to hear a child."""

    on: Literal["subject", "guardian", "service"]
    unit: UnitId | None
    consent: ConsentId
    since: Instant


class AgendaItem(Wire):
    """A kind of information that a meeting is to talk about, and whether a yes in force now lets anybody there know of it."""

    category: CategoryId
    label: str
    consent_holds: bool


class MyMeeting(Wire):
    """A meeting about the subject: when, who called it, which services take part in which roles (``labels`` names them).

    ``consent_holds`` says whether a yes in force now covers everybody who takes part.
    """

    id: MeetingId
    collaboration: CollaborationId
    label: str
    called_by: UnitId
    called_at: Instant
    held_at: Instant
    participants: tuple[Participant, ...]
    labels: dict[UnitId, str]
    consent_holds: bool
    agenda: tuple[AgendaItem, ...] = ()


class MyMeetings(Wire):
    """Meetings to come, the next one first, and a page of those that are past, the latest first.

    ``next`` is the cursor to pass as ``before`` for more that are past.
    """

    coming: tuple[MyMeeting, ...]
    past: tuple[MyMeeting, ...]
    next: MeetingId | None


class MyCase(Wire):
    """One collaboration in which something of the subject's lives: who has the ball, or ``gap``; one of them is there.

    ``consents`` are those that hold, are paused or wait for an answer.
    """

    collaboration: CollaborationId
    label: str
    responsible: Responsible | None
    gap: CaseGap | None
    waiting: tuple[Waiting, ...]
    next_meeting: MyMeeting | None
    consents: tuple[ConsentId, ...]


class MyCases(Wire):
    """Every collaboration in which something of the subject's lives, by its id."""

    cases: tuple[MyCase, ...]
