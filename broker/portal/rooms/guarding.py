"""Guardians: what waits for whoever is one, what they see and why; and the same as the youth is shown it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.domain.ids import ConsentId
from broker.errors import UnknownConsent, UnknownPerson
from broker.portal.mistakes import N_
from broker.portal.pages import Answer, Pages, Visit, shown
from broker.portal.rooms import questions
from broker.portal.telling import Asked, asked, named
from broker.usecases import guarding, helped, me
from tillit.wire import (
    ConsentView,
    Guarded,
    GuardedCategory,
    GuardedConsent,
    MyGuardians,
    MyWard,
    Said,
)

pages = Pages()

LAWS: Mapping[str, str] = {
    "barnevernsloven, party rights": N_("the rights of a party in barnevernsloven"),
    "opplæringslova; barnelova § 32": N_("opplæringslova and barnelova § 32"),
    "pasient- og brukerrettighetsloven § 4-3": N_("pasient- og brukerrettighetsloven § 4-3"),
}
"""Where an age is written, as the facts have it; what is newer than this table stands as it does there."""


@dataclass(frozen=True, slots=True)
class Say:
    """Kinds of information that one rule covers: from which age the youth answers alone, by which law, and the day."""

    what: str
    from_age: int
    law: str
    day: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line that guardians see, and where it stands: in a word, and for the youth who has said what."""

    what: str
    recipient: str
    answer: str
    who: str


@dataclass(frozen=True, slots=True)
class SeenConsent:
    """A consent that guardians see. ``still``: how many have yet to answer. ``torn``: some said yes to a line and some no."""

    consent: Asked
    says: Sequence[Say]
    answered: str
    lines: Sequence[Line]
    torn: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """All that guardians see of one youth, in words."""

    age: int
    next_age: int
    birthday: str
    guardians: int
    shared: Sequence[Say]
    alone: Sequence[Say]
    consents: Sequence[SeenConsent]

    @property
    def waiting(self) -> Sequence[SeenConsent]:
        """What waits for the guardian who looks."""
        return [one for one in self.consents if one.consent.is_waiting]

    @property
    def others(self) -> Sequence[SeenConsent]:
        """Everything else."""
        return [one for one in self.consents if not one.consent.is_waiting]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How those stand who must say yes to a consent. ``who``: by line, what to say of it to whoever looks."""

    who: Mapping[str, str]
    torn: bool


@pages.get("/wards", "person")
def wards(visit: Visit) -> Answer:
    """What waits for me as a guardian, and what I see."""
    return of_wards(visit, guarding.my_wards(person=visit.person, ports=visit.ports).wards)


def of_wards(visit: Visit, found: Sequence[MyWard]) -> Answer:
    """The page of a guardian."""
    theirs = {one.consent.id for ward in found for one in ward.seen.consents}
    return shown(
        "wards.html",
        wards=[_ward(one, visit) for one in found],
        questions=[one for one in questions.waiting(visit) if one.consent in theirs],
    )


@pages.get("/guardians", "person")
def guardians(visit: Visit) -> Answer:
    """What my guardians see, from the same rule as they do."""
    try:
        found = guarding.my_guardians(person=visit.person, ports=visit.ports)
    except UnknownPerson:
        return shown("guardians.html", sight=None)
    return shown("guardians.html", sight=_own(found, visit))


def consent_of(visit: Visit) -> ConsentView:
    """The consent that a page is about.

    Raises:
        UnknownConsent: none by that id is the person's to see.
        HelperReadsOnly: the person helps its subject, and sees it on the helper's page.
    """
    identity = ConsentId(visit.path["consent"])
    try:
        return me.consent(identity, person=visit.person, ports=visit.ports)
    except UnknownConsent:
        helped.look_only(identity, person=visit.person, ports=visit.ports)
        raise


def agreement(found: Asked, visit: Visit) -> Agreement:
    """Who must say yes to a consent beside the youth who looks, and whether those who must are of one mind."""
    if found.as_guardian:
        torn = guarding.torn_for(ConsentId(found.id), person=visit.person, ports=visit.ports)
        return Agreement({}, bool(torn))
    said = guarding.said_of(ConsentId(found.id), person=visit.person, ports=visit.ports)
    who = {line: _who(one, visit) for line, one in said.items()}
    return Agreement(who, any(_torn(one) for one in said.values()))


def _ward(ward: MyWard, visit: Visit) -> Sight:
    return _sight(
        ward.seen,
        [
            _consent(
                one,
                {},
                visit,
                has_signed=one.consent.id in ward.mine,
                torn=one.consent.id in ward.torn,
            )
            for one in ward.seen.consents
        ],
        visit,
    )


def _own(found: MyGuardians, visit: Visit) -> Sight:
    consents = []
    for one in found.seen.consents:
        said = found.said[one.consent.id]
        torn = any(_torn(each) for each in said.values())
        consents.append(_consent(one, said, visit, torn=torn))
    return _sight(found.seen, consents, visit)


def _sight(seen: Guarded, consents: Sequence[SeenConsent], visit: Visit) -> Sight:
    return Sight(
        age=seen.age,
        next_age=seen.age + 1,
        birthday=visit.words.day(seen.birthday),
        guardians=seen.guardians,
        shared=says([one for one in seen.categories if one.guardians], visit),
        alone=says([one for one in seen.categories if not one.guardians], visit),
        consents=consents,
    )


def _consent(
    one: GuardedConsent,
    said: Mapping[str, Said],
    visit: Visit,
    *,
    torn: bool,
    has_signed: bool = False,
) -> SeenConsent:
    view = one.consent.model_copy(update={"has_signed": has_signed})
    return SeenConsent(
        consent=asked(view, visit),
        says=says(one.categories, visit),
        answered=visit.words(
            N_("%(answered)s of %(guardians)s guardians have answered."),
            answered=one.answered,
            guardians=one.guardians,
        ),
        lines=_lines(view, said, visit),
        torn=torn,
    )


def _lines(view: ConsentView, said: Mapping[str, Said], visit: Visit) -> list[Line]:
    """Lines that say the same, once."""
    found = (
        Line(
            what=named("category", grant.category, visit),
            recipient=named("unit", grant.recipient, visit),
            answer=grant.answer or "",
            who=_who(said[grant.id], visit) if grant.id in said else "",
        )
        for grant in view.grants
    )
    return list(dict.fromkeys(found))


def says(found: Sequence[GuardedCategory], visit: Visit) -> list[Say]:
    """Categories of one rule together."""
    words = visit.words
    alike: dict[tuple[int, str, str], list[str]] = {}
    for one in found:
        day = "" if one.at is None else words.day(one.at)
        law = words(LAWS[one.law]) if one.law in LAWS else one.law
        name = named("category", one.category, visit)
        alike.setdefault((one.from_age, law, day), []).append(name)
    return [
        Say(" · ".join(sorted(names)), age, law, day) for (age, law, day), names in alike.items()
    ]


def _torn(one: Said) -> bool:
    """Whether one of those who must say yes said it and another no."""
    yes = one.guardians_yes > 0 or one.subject == "yes"
    return yes and (one.guardians_no > 0 or one.subject == "no")


def _who(one: Said, visit: Visit) -> str:
    """Who of the guardians has said what, to the youth."""
    words = visit.words
    if one.guardians_no:
        return words(N_("A guardian has said no. Then nothing is shared about this."))
    if one.guardians == 1:
        if one.guardians_yes:
            return words(N_("Your guardian has said yes."))
        return words(N_("Your guardian must say yes too, and has not answered yet."))
    return words(
        N_("Your guardians must say yes too: %(yes)s of %(guardians)s have."),
        yes=one.guardians_yes,
        guardians=one.guardians,
    )
