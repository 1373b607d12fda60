"""Consents on the wire: asked for, shown, answered, withdrawn (design.md § 5)."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from tillit.wire.asking_back import SaidBetween
from tillit.wire.asks import Actor
from tillit.wire.terms import (
    MAX_GRANTS,
    AskFirst,
    CategoryId,
    CollaborationId,
    ConsentId,
    ConsentState,
    EventName,
    FieldName,
    GrantId,
    Instant,
    Language,
    MeetingId,
    PurposeId,
    Sha256,
    SubjectHandle,
    UnitId,
    Wire,
    distinct,
)


class Condition(Wire):
    """When a grant holds: always, once, for one meeting, or until an event that the collaboration names.

    ``also`` holds beside any of these: at each ask the subject is asked first (``ask_me_first``), or must say that they are
    there (``only_when_present``). It is left out where there is none.
    """

    kind: Literal["standing", "once", "meeting", "until_event"] = "standing"
    meeting: MeetingId | None = None
    event: EventName | None = None
    also: Annotated[AskFirst | None, Field(exclude_if=lambda also: also is None)] = None


class ConsentRequest(Wire):
    """Ask for a consent from a collaboration's template (or, with no collaboration, between two units).

    ``services`` are the units involved, the requester among them; ``categories`` and ``fields`` say what; the broker
    compiles them into enumerated grants. ``valid_days``: 1 to 366, bounded further by the collaboration.

    ``about``: the youth in whose record it stands, where ``subject`` is a grown member of the family who is asked for what is
    written about them there; then ``fields`` are such fields, and there are no ``categories``.
    """

    subject: SubjectHandle
    about: SubjectHandle | None = None
    collaboration: CollaborationId | None
    services: Annotated[
        tuple[UnitId, ...], Field(min_length=2, max_length=40), AfterValidator(distinct)
    ]
    purposes: Annotated[
        tuple[PurposeId, ...], Field(min_length=1, max_length=10), AfterValidator(distinct)
    ]
    categories: Annotated[
        tuple[CategoryId, ...], Field(max_length=20), AfterValidator(distinct)
    ] = ()
    fields: Annotated[tuple[FieldName, ...], Field(max_length=100), AfterValidator(distinct)] = ()
    condition: Condition = Condition()
    valid_days: Annotated[int, Field(ge=1, le=366)] | None = None
    language: Language = "nb"
    actor: Actor


Answer = Literal["yes", "no"]
LineAnswer = Literal["yes", "no", "not_now"]
"""``not_now``: put off. It gives nothing, is no refusal, and may still be answered while the consent is open or in force."""


class GrantView(Wire):
    """One enumerated line of a consent. ``fields`` empty means the whole category, up to the purpose's ceiling.

    A service reads no ``not_now``: to it the line has no answer. ``asked_with``: what the request itself put beside the
    condition, and nobody takes off; left out where that is nothing.
    """

    id: GrantId
    source: UnitId
    recipient: UnitId
    category: CategoryId
    fields: tuple[FieldName, ...]
    purpose: PurposeId
    condition: Condition
    special: bool
    answer: LineAnswer | None
    text: str
    asked_with: Annotated[AskFirst | None, Field(exclude_if=lambda word: word is None)] = None


class ConsentView(Wire):
    """A consent as one party may see it: a service sees only the grants it is source or recipient of.

    ``third_party``: a member of the family is asked, for what is written about them in a youth's record. ``as_guardian``: a
    guardian sees it, and only the lines that need one, with the text of those; ``has_signed``: whoever reads has
    answered. ``reconfirms``: the consent whose lines the subject is asked to confirm, for a birthday. ``put_off``: lines that
    the person who reads put off, and may answer. ``undo_until``: until then they may take back what they did last.
    ``said_between``: what the subject asked back, and the requester answered; to these two alone.
    """

    id: ConsentId
    version: int
    state: ConsentState
    collaboration: CollaborationId | None
    requested_by: UnitId
    requested_at: Instant
    valid_from: Instant | None
    valid_until: Instant
    language: Language
    text: str
    text_sha256: Sha256
    grants: tuple[GrantView, ...]
    waiting_for: tuple[str, ...]
    third_party: bool = False
    as_guardian: bool = False
    has_signed: bool = False
    reconfirms: ConsentId | None = None
    undo_until: Annotated[Instant | None, Field(exclude_if=lambda until: until is None)] = None
    said_between: Annotated[
        tuple[SaidBetween, ...], Field(exclude_if=lambda remarks: not remarks)
    ] = ()
    put_off: Annotated[tuple[GrantId, ...], Field(exclude_if=lambda lines: not lines)] = ()


Answers = Annotated[dict[GrantId, LineAnswer], Field(min_length=1, max_length=MAX_GRANTS)]


class Capture(Wire):
    """An answer a professional records (N2): who answered, what was read out (its hash), when, line by line.

    ``signer`` is ``subject`` or ``guardian``; ``child_heard`` records that a child below the age was heard, ``objects_to`` the
    categories that the child spoke against sharing. Of an answer on ``paper``, and of no other, there is ``scan_sha256``: the
    hash of the scan, which the service keeps; ``read_out`` is then the hash of the text on the paper.
    """

    method: Literal["oral", "paper"]
    signer: Literal["subject", "guardian"]
    read_out: Sha256
    answered_at: Instant
    answers: Answers
    actor: Actor
    child_heard: bool = False
    objects_to: Annotated[
        tuple[CategoryId, ...], Field(max_length=20), AfterValidator(distinct)
    ] = ()
    scan_sha256: Annotated[Sha256 | None, Field(exclude_if=lambda scan: scan is None)] = None

    @model_validator(mode="after")
    def _paper_is_scanned(self) -> Self:
        if (self.method == "paper") != (self.scan_sha256 is not None):
            raise ValueError("scan_sha256 goes with paper")
        return self


class DigitalAnswer(Wire):
    """The signer's own answer, line by line; ``read`` is the hash of the text that was shown.

    ``subject`` is given by a guardian who answers for a ward; ``child_heard`` then records that the child was heard.
    Lines that were put off before are answered alone, all or some of them.
    ``conditions``: lines answered yes for which the signer wants to be asked first, or to be there.
    """

    read: Sha256
    answers: Answers
    child_heard: bool = False
    conditions: dict[GrantId, AskFirst] = Field(default_factory=dict, max_length=MAX_GRANTS)


class ConditionsRequest(Wire):
    """``POST /v1/me/consents/{id}/conditions``: for which lines one wants to be asked first, or to be there.

    ``none`` takes off what was put on so: what the request itself asked for stays.
    """

    conditions: Annotated[
        dict[GrantId, AskFirst | Literal["none"]], Field(min_length=1, max_length=MAX_GRANTS)
    ]


class Withdrawal(Wire):
    """Withdraw the whole consent, or (``grants`` given) narrow it by those lines."""

    grants: Annotated[
        tuple[GrantId, ...], Field(max_length=MAX_GRANTS), AfterValidator(distinct)
    ] = ()
