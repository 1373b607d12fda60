"""Growing: what a birthday that is near changes, what has to be answered once more, and what guardians see no more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from broker.portal.mistakes import N_
from broker.portal.pages import Answer, Pages, Visit, shown
from broker.portal.rooms.guarding import Say, says
from broker.portal.telling import Asked, asked
from broker.portal.words import OSLO
from broker.usecases import growing, me
from tillit.wire import ConsentView, MyBirthday, Outgrown

pages = Pages()


@dataclass(frozen=True, slots=True)
class Ending:
    """A consent that ends in part or whole. ``asked``: what puts it before the youth again; ``asked_from``: when that comes."""

    consent: Asked
    kinds: str
    asked: Asked | None
    asked_from: str


@dataclass(frozen=True, slots=True)
class Birthday:
    """A birthday in words."""

    heading: str
    day: str
    age: int
    passed: bool
    of_age: bool
    alone: Sequence[Say]
    ending: Sequence[Ending]
    unseen: Sequence[Asked]

    @property
    def to_answer(self) -> bool:
        """Whether something waits for a new answer."""
        return any(one.asked is not None and one.asked.is_waiting for one in self.ending)


@pages.get("/growing", "person")
def page(visit: Visit) -> Answer:
    """What the birthdays around now change."""
    return shown("growing.html", birthdays=birthdays(visit))


def birthdays(visit: Visit) -> list[Birthday]:
    """The birthdays around now, in words."""
    found = growing.growing(person=visit.person, ports=visit.ports).birthdays
    if not found:
        return []
    views = me.consents(person=visit.person, ports=visit.ports).consents
    mine = {view.id: view for view in views if not view.as_guardian}
    return [_birthday(one, mine, visit) for one in found]


def _birthday(one: MyBirthday, mine: Mapping[str, ConsentView], visit: Visit) -> Birthday:
    return Birthday(
        heading=_heading(one, visit),
        day=visit.words.day(one.day),
        age=one.age,
        passed=one.passed,
        of_age=one.of_age,
        alone=says(one.alone, visit),
        ending=[_ending(each, mine, visit) for each in one.outgrown],
        unseen=[asked(mine[name], visit) for name in one.unseen],
    )


def _heading(one: MyBirthday, visit: Visit) -> str:
    words = visit.words
    days = (one.day - _today(visit)).days
    if days < 0:
        return words(N_("You turned %(age)s on %(day)s"), age=one.age, day=words.day(one.day))
    if days == 0:
        return words(N_("You turn %(age)s today"), age=one.age)
    if days == 1:
        return words(N_("You turn %(age)s tomorrow"), age=one.age)
    return words(N_("You turn %(age)s in %(days)s days"), age=one.age, days=days)


def _today(visit: Visit) -> date:
    return visit.ports.clock().astimezone(OSLO).date()


def _ending(one: Outgrown, mine: Mapping[str, ConsentView], visit: Visit) -> Ending:
    view = mine[one.consent]
    again = None if one.asked is None else mine[one.asked]
    told = asked(again or view, visit).told
    kinds = dict.fromkeys(
        choice.what
        for each in told
        for choice in each.choices
        if again or not one.grants or not set(one.grants).isdisjoint(choice.lines)
    )
    return Ending(
        consent=asked(view, visit),
        kinds=visit.words.listed(list(kinds)),
        asked=None if again is None else asked(again, visit),
        asked_from="" if one.asked_from is None else visit.words.day(one.asked_from),
    )
