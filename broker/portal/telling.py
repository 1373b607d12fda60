"""Telling: what the use cases give, in the names and words that a page shows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from broker.portal.codes import role_of
from broker.portal.mistakes import N_
from broker.portal.pages import Visit
from broker.portal.words import Words
from tillit.wire import ConsentState, ConsentView, GrantView, MyDisclosure, MyNotice

WAITING: frozenset[ConsentState] = frozenset({"requested", "partly_signed"})
ALIVE: frozenset[ConsentState] = frozenset({"active", "paused"})
STANDING: frozenset[ConsentState] = frozenset({"partly_signed", "active", "paused"})

STATES: Mapping[str, str] = {
    "draft": N_("not sent"),
    "requested": N_("waiting for an answer"),
    "partly_signed": N_("waiting for one more answer"),
    "active": N_("in use"),
    "paused": N_("paused"),
    "withdrawn": N_("stopped"),
    "expired": N_("time has run out"),
    "superseded": N_("replaced by a newer one"),
    "lapsed": N_("over, because you grew older"),
    "refused": N_("answered no"),
}
OUTCOMES: Mapping[str, str] = {
    "released": N_("Shared"),
    "partly_released": N_("Partly shared"),
    "refused": N_("Not shared"),
}
WAITED_FOR: Mapping[str, str] = {
    "subject": N_("the one it is about"),
    "guardian": N_("a guardian"),
    "child_heard": N_("that the youth is asked first"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What one service would be told of one kind: lines of a consent that a person answers together.

    ``ids``: the lines, with commas between, as a form sends them back. ``answer`` is empty where they have none; ``also``
    where nobody is asked first, and ``promised`` where the request itself did not say so.
    """

    ids: str
    what: str
    fields: str
    sources: str
    whys: Sequence[str]
    special: bool
    answer: str
    also: str
    promised: str

    @property
    def lines(self) -> Sequence[str]:
        """The ids one by one."""
        return self.ids.split(",")

    @property
    def first(self) -> str:
        """The line that stands for all of them in a form."""
        return self.lines[0]


@dataclass(frozen=True, slots=True)
class Told:
    """A service that would be told something, and what."""

    recipient: str
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class Asked:
    """A consent as pages show it, its lines by who would be told.

    ``is_waiting``: for whoever looks; ``may_answer``: they may also where it waits for somebody else. ``has_put_off``: they put
    lines off and may answer them; ``can_undo``: their latest act is so fresh that they may take it back. ``stands``: there is
    a yes that counts, or will. ``again``: somebody else answered it before, and a birthday ends that. ``spoken``: the language
    of its text.
    """

    id: str
    version: int
    state: str
    is_waiting: bool
    may_answer: bool
    is_active: bool
    is_paused: bool
    is_over: bool
    stands: bool
    again: bool
    by: str
    about: str
    at: str
    until: str
    text: str
    spoken: str
    read: str
    ordinary: Sequence[Told]
    special: Sequence[Told]
    recipients: str
    waiting_for: str
    as_guardian: bool
    has_put_off: bool
    can_undo: bool

    @property
    def told(self) -> Sequence[Told]:
        """Every service, the especially sensitive last."""
        return (*self.ordinary, *self.special)

    @property
    def agreed(self) -> Sequence[Told]:
        """The same with what was said yes to alone."""
        kept = ((one, [c for c in one.choices if c.answer == "yes"]) for one in self.told)
        return [replace(one, choices=choices) for one, choices in kept if choices]

    @property
    def lines(self) -> frozenset[str]:
        """The ids of every line."""
        return frozenset(ids_of(self.told))


@dataclass(frozen=True, slots=True)
class GivenField:
    """A field that was asked for: what it is called, whether it was shared, and why or why not."""

    name: str
    shared: bool
    source: str
    why: str


@dataclass(frozen=True, slots=True)
class Given:
    """A disclosure as pages show it."""

    id: str
    at: str
    recipient: str
    role: str
    why: str
    outcome: str
    kind: str
    is_emergency: bool
    is_own: bool
    shared: Sequence[GivenField]
    withheld: Sequence[GivenField]
    erased: str
    receipt: str


@dataclass(frozen=True, slots=True)
class Flow:
    """What one service may be told now: of what kinds, by whom, until when; and the consent that is the first to look at."""

    recipient: str
    what: str
    sources: Sequence[str]
    until: str
    consent: str


def asked(view: ConsentView, visit: Visit) -> Asked:
    """A consent in words."""
    words = visit.words
    recipients = dict.fromkeys(named("unit", grant.recipient, visit) for grant in view.grants)
    about = "" if view.collaboration is None else named("collaboration", view.collaboration, visit)
    return Asked(
        id=view.id,
        version=view.version,
        state=words(_state(view)),
        again=view.reconfirms is not None,
        is_waiting=_is_waiting(view),
        may_answer=_may_answer(view),
        is_active=view.state == "active",
        is_paused=view.state == "paused",
        is_over=view.state not in WAITING | ALIVE,
        stands=view.state in STANDING and any(grant.answer == "yes" for grant in view.grants),
        by=named("unit", view.requested_by, visit),
        about=about,
        at=words.day(view.requested_at),
        until=words.day(view.valid_until),
        text=view.text,
        spoken=view.language,
        read=view.text_sha256,
        ordinary=_told([grant for grant in view.grants if not grant.special], visit),
        special=_told([grant for grant in view.grants if grant.special], visit),
        recipients=words.listed(list(recipients)),
        waiting_for=words.listed([_waited_for(w, view, words) for w in view.waiting_for]),
        as_guardian=view.as_guardian,
        has_put_off=bool(view.put_off),
        can_undo=view.undo_until is not None,
    )


def ids_of(told: Iterable[Told]) -> Iterator[str]:
    """The lines that are answered there."""
    for one in told:
        for choice in one.choices:
            yield from choice.lines


def given(one: MyDisclosure, visit: Visit) -> Given:
    """A disclosure in words."""
    words = visit.words
    fields = [
        GivenField(
            named("field", name, visit),
            field.shared,
            "" if field.source is None else named("unit", field.source, visit),
            "" if field.explanation is None else field.explanation.text,
        )
        for name, field in one.fields.items()
    ]
    grounds = {ground.kind for field in one.fields.values() for ground in field.grounds}
    return Given(
        id=one.id,
        at=words.time(one.at),
        recipient=named("unit", one.recipient, visit),
        role="" if one.own else role_of(one.role, words, visit.ports.catalogue),
        why=named("purpose", one.purpose, visit),
        outcome=words(OUTCOMES[one.outcome]),
        kind=one.outcome,
        is_emergency="emergency" in grounds,
        is_own=one.own,
        shared=[field for field in fields if field.shared],
        withheld=[field for field in fields if not field.shared],
        erased="" if one.erased_at is None else words.day(one.erased_at),
        receipt=one.receipt,
    )


def flows(views: Iterable[ConsentView], visit: Visit) -> list[Flow]:
    """Who may be told what, by the consents that are in use now."""
    found: dict[str, list[tuple[GrantView, ConsentView]]] = defaultdict(list)
    for view in views:
        if view.state == "active":
            for grant in view.grants:
                if grant.answer == "yes":
                    found[grant.recipient].append((grant, view))
    return [
        Flow(
            recipient=named("unit", recipient, visit),
            what=" · ".join(dict.fromkeys(named("category", g.category, visit) for g, _ in lines)),
            sources=list(dict.fromkeys(named("unit", g.source, visit) for g, _ in lines)),
            until=visit.words.day(min(view.valid_until for _, view in lines)),
            consent=lines[0][1].id,
        )
        for recipient, lines in found.items()
    ]


NOTICES: Mapping[str, str] = {
    "released": N_("%(unit)s was told something about you"),
    "requested": N_("%(unit)s asks for your yes or no"),
    "question_asked": N_("%(unit)s asks you something, and waits for your answer"),
    "captured": N_("%(unit)s wrote down what you answered"),
    "replied": N_("%(unit)s answered what you asked about a request"),
    "settled": N_("What %(unit)s asked you for is in use now"),
    "reconfirm": N_("You have a birthday soon: answer %(unit)s once more"),
    "expired": N_("What you said yes to with %(unit)s no longer counts"),
    "lapsed": N_("The yes that somebody gave for you with %(unit)s no longer counts"),
    "transition": N_("You have a birthday soon, and then something changes with %(unit)s"),
    "guardian_acted": N_("A guardian answered %(unit)s for you"),
    "family_asked": N_(
        "%(unit)s asked somebody in your family for a yes to share what your case says about them"
    ),
    "meeting": N_("%(unit)s called a meeting about you"),
    "dropout_told": N_("%(unit)s was told that you left something you had begun"),
    "erased": N_("%(unit)s says that they deleted what they were told"),
    "event": N_("%(unit)s says that something has happened that ends a yes of yours"),
    "stage": N_("%(unit)s says that your case has come to another step"),
    "matched": N_("%(unit)s checked whether others help you too"),
    "case_claimed": N_("You said that what %(unit)s told without a name is about you"),
    "objection_recorded": N_("%(unit)s wrote down what you do not want shared"),
    "relied_on": N_("%(unit)s says that a law lets them know something about you"),
    "reviewed": N_("Somebody checked whether the law really let %(unit)s know"),
    "complaint_answered": N_("%(unit)s answered what you said looks wrong"),
    "contest_answered": N_("%(unit)s answered what you said is not right"),
    "audit_looked": N_("%(unit)s, who checks that all is right, looked at something about you"),
}
HELPERS: Mapping[str, str] = {
    "helper_accepted": N_("The one you chose as a helper said yes"),
    "helper_looked": N_("Your helper looked at what you let them see"),
    "helper_left": N_("Your helper does not help you any more"),
}
CONTACTS: Mapping[str, str] = {
    "contact_asked": N_("Somebody who was logged in as you asked to be told at another address"),
    "contact_refused": N_("Messages about news here do not get through to your address"),
}
_HELPER = N_("Your helper did something")
_UNNAMED = N_("Something happened that concerns you")
_SOMETHING = N_("%(unit)s did something that concerns you")


def noticed(notice: MyNotice, visit: Visit) -> tuple[str, str]:
    """What a person was told, and when."""
    words = visit.words
    if notice.unit is None:
        unknown = _HELPER if notice.helper else _UNNAMED
        said = HELPERS.get(notice.kind) or CONTACTS.get(notice.kind, unknown)
        return words(said), words.time(notice.at)
    said = NOTICES.get(notice.kind, _SOMETHING)
    return words(said, unit=named("unit", notice.unit, visit)), words.time(notice.at)


def named(kind: str, key: str, visit: Visit) -> str:
    """What the catalogue calls something."""
    return visit.ports.catalogue.text(kind, key, visit.language)  # type: ignore[arg-type]  # of the kinds here


def _state(view: ConsentView) -> str:
    if view.reconfirms is not None and view.state == "partly_signed":
        return N_("answered, and counts from your birthday")
    return STATES[view.state]


def _is_waiting(view: ConsentView) -> bool:
    """Whether it waits for whoever looks. A child who is to be heard is by their own answer."""
    mine = {"guardian"} if view.as_guardian else {"subject", "child_heard"}
    return view.state in WAITING and not mine.isdisjoint(view.waiting_for) and _may_answer(view)


def _may_answer(view: ConsentView) -> bool:
    unsigned = view.state in WAITING and bool(view.waiting_for) and not view.has_signed
    return unsigned or bool(view.put_off)


def _waited_for(who: str, view: ConsentView, words: Words) -> str:
    if who == "subject" and not view.as_guardian:
        return words("you")
    return words(WAITED_FOR.get(who, who))


def _told(grants: Sequence[GrantView], visit: Visit) -> list[Told]:
    """Lines by who would be told, and then by what."""
    found: dict[str, dict[tuple[object, ...], list[GrantView]]] = {}
    for grant in grants:
        kinds = found.setdefault(grant.recipient, {})
        alike = (grant.category, grant.fields, grant.answer, grant.condition.also, grant.asked_with)
        kinds.setdefault(alike, []).append(grant)
    return [
        Told(named("unit", unit, visit), [_choice(lines, visit) for lines in kinds.values()])
        for unit, kinds in found.items()
    ]


def _choice(lines: Sequence[GrantView], visit: Visit) -> Choice:
    first = lines[0]
    sources = dict.fromkeys(named("unit", line.source, visit) for line in lines)
    return Choice(
        ids=",".join(line.id for line in lines),
        what=named("category", first.category, visit),
        fields=" · ".join(named("field", name, visit) for name in first.fields),
        sources=visit.words.listed(list(sources)),
        whys=list(dict.fromkeys(named("purpose", line.purpose, visit) for line in lines)),
        special=first.special,
        answer=first.answer or "",
        also=first.condition.also or "",
        promised=first.asked_with or "",
    )
