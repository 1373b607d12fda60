"""Auditing on the wire: what auditors ask ``/audit/v1`` and are told.

The role *integrity* is told of nobody: no subject, actor, handle or id of a disclosure stands in any of its answers. The role
*content* sees what an entry commits to, one at a time, for a case and a reason that it gives.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from tillit.wire.answers import ProofAnswer
from tillit.wire.complaints import ComplaintFinding, ComplaintReason, ComplaintState
from tillit.wire.statutes import Written, written
from tillit.wire.terms import ComplaintId, Instant, Sha256, UnitId, Wire

EntryType = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z_]*(\.[a-z][a-z_]*)*$", max_length=64)
]
FacetWord = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)
]
FacetKind = Literal["service", "purpose", "outcome", "ground", "collaboration", "reason"]
CaseNumber = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./_-]*$", min_length=2, max_length=40),
    AfterValidator(written),
]
SignalId = Annotated[str, StringConstraints(pattern=r"^sig_[A-Za-z0-9_-]{22}$")]
Role = Literal["integrity", "content"]


class AuditedEvent(Wire):
    """An entry as its leaf and its facets show it. ``commitment`` gives the leaf, and that ``leaf_hash``.

    The facets are the broker's word: no leaf commits to them. The first service is the one whose act it is.
    """

    index: Annotated[int, Field(ge=0)]
    type: EntryType
    at: Instant
    commitment: Sha256
    leaf_hash: Sha256
    facets: dict[FacetKind, tuple[FacetWord, ...]]


class AuditedEvents(Wire):
    """``GET /audit/v1/events``: a page in the tree's order. ``next`` is the ``after`` of the next page, null at the end.

    A page may be empty and not be the last. ``size`` is how many entries were searched, from the first on.
    """

    events: tuple[AuditedEvent, ...]
    next: Annotated[int, Field(ge=0)] | None
    size: Annotated[int, Field(ge=0)]


class ProvenEvent(Wire):
    """``GET /audit/v1/events/{index}``: one entry, and that it stands in the tree."""

    event: AuditedEvent
    proof: ProofAnswer


class LookDelay(Wire):
    """The subject is told of the look only so many days later, under a rule that the auditor names."""

    rule: Literal["investigation"]
    days: Annotated[int, Field(ge=1, le=30)]


class Look(Wire):
    """``POST /audit/v1/events/{index}/content`` and ``POST /audit/v1/signals/{id}/content``: why somebody looks.

    Logged before the answer, and told to the subject: at once, unless a rule delays it.
    """

    case: Annotated[CaseNumber, Field(repr=False)]
    reason: Annotated[Written, Field(repr=False)]
    delay: LookDelay | None = None


class EventContent(Wire):
    """What an entry commits to. ``content`` is null where it is gone, and ``gone`` says how.

    ``erased`` with the person, ``ended`` with its time; anything else should not be. ``facets_missing`` are
    words that the content names and the facets beside the entry do not: who left them out hid the entry from a search.
    """

    event: AuditedEvent
    content: Annotated[dict[str, Any] | None, Field(repr=False)]
    gone: Literal["erased", "ended", "no_key", "broken"] | None
    facets_missing: dict[FacetKind, tuple[FacetWord, ...]]


class AuditedComplaint(Wire):
    """A complaint as the data protection officer sees it: about which service, why and since when; about nobody by name.

    ``late``: the service has not answered in time.
    """

    id: ComplaintId
    unit: UnitId
    reason: ComplaintReason
    state: ComplaintState
    opened_at: Instant
    answer_by: Instant
    late: bool
    finding: ComplaintFinding | None
    answered_at: Instant | None
    closed_at: Instant | None


class AuditedComplaints(Wire):
    """``GET /audit/v1/complaints``: a page, oldest first. ``next`` is the ``after`` of the next page, null at the end."""

    complaints: tuple[AuditedComplaint, ...]
    next: ComplaintId | None


Month = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]
Topic = Literal["events", "answers"]


class Times(Wire):
    """Days from a consent's request to its first answer. Null unless at least five answers lie on either side."""

    median_days: int | None
    p90_days: int | None


class Statistics(Wire):
    """``GET /audit/v1/statistics``: one calendar month (Oslo), counted once and kept.

    ``events``: dimension (``type`` and the kinds of facets) → word → entries. ``answers``, of the month's requests:
    ``requests``: collaboration (or ``-`` without one) ``/answered`` or ``/unanswered``; ``recipients``: unit ``/present``
    or ``/absent``, by whether it asked for anything after a yes that names it. Every count is rounded down to a multiple
    of five; what is left out is under five, or hides what is.
    """

    month: Month
    topic: Topic
    counted_at: Instant
    counts: dict[str, dict[str, Annotated[int, Field(ge=5)]]]
    times: Times | None


RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*$", max_length=40)]


class Signal(Wire):
    """Access that a rule calls unusual: which rule, since when, at which service, by which numbers, in which entries.

    ``numbers`` are what was counted and the rule's own thresholds. ``events`` are indices, the latest first; ``more`` are
    how many it rests on beside them.
    """

    id: SignalId
    rule: RuleName
    at: Instant
    service: FacetWord
    numbers: dict[RuleName, int]
    events: tuple[Annotated[int, Field(ge=0)], ...]
    more: Annotated[int, Field(ge=0)]


class Signals(Wire):
    """``GET /audit/v1/signals``: a page, oldest first. ``next`` is the ``after`` of the next, null at the end.

    ``rules`` says what each rule is, in the language asked for.
    """

    signals: tuple[Signal, ...]
    next: SignalId | None
    rules: dict[RuleName, str]


class SignalContent(Wire):
    """``POST /audit/v1/signals/{signal}/content``: whom a signal is about, for a case and a reason; each is told.

    ``actor`` and ``role`` as the service vouched for them; ``subjects`` are the service's own handles. Null and empty where
    what it rests on is gone.
    """

    signal: Signal
    actor: str | None
    role: str | None
    subjects: tuple[str, ...]
