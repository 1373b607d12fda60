"""The start page: what waits for me, who may know what, what happened last."""

from dataclasses import dataclass

from broker.errors import NotASubject
from broker.portal import drawing
from broker.portal.pages import Answer, Pages, Visit, shown
from broker.portal.rooms import growing, questions
from broker.portal.rooms.guarding import of_wards
from broker.portal.telling import asked, flows, noticed
from broker.usecases import guarding, me, overview

pages = Pages()

LATEST = 5
LOOKED_THROUGH = 40
"""So many notices are looked through for the latest that do not say the same."""


@pages.get("/", "anybody")
def start(visit: Visit) -> Answer:
    """The first page; for whoever is not logged in, what this is."""
    if visit.session is None:
        return shown("welcome.html")
    wards = guarding.my_wards(person=visit.person, ports=visit.ports).wards
    cases = _cases(visit)
    if wards and cases is None:
        return of_wards(visit, wards)
    views = me.consents(person=visit.person, ports=visit.ports).consents
    theirs = {view.id for view in views if view.as_guardian}
    asks = list(questions.waiting(visit))
    waiting = [one for view in views if (one := asked(view, visit)).is_waiting]
    own = [view for view in views if not view.third_party and not view.as_guardian]
    found = flows(own, visit)
    return shown(
        "start.html",
        waiting=[one for one in waiting if not one.as_guardian],
        questions=[one for one in asks if one.consent not in theirs],
        as_guardian=bool(wards),
        guardian_waits=any(one.as_guardian for one in waiting)
        or any(one.consent in theirs for one in asks),
        cases=cases,
        birthdays=growing.birthdays(visit),
        flows=found,
        picture=drawing.drawn(found, me=visit.words("You")),
        news=_news(visit),
    )


@dataclass(frozen=True, slots=True)
class Case:
    """Who has the ball in one case, or that nobody has and whom to turn to; and when the next meeting is."""

    about: str
    who: str
    why: str
    since: str
    turn_to: str
    meeting: str


def _cases(visit: Visit) -> list[Case] | None:
    """None where the broker holds nothing about the person."""
    try:
        found = overview.cases(
            person=visit.person, language=visit.language, ports=visit.ports
        ).cases
    except NotASubject:
        return None
    return [
        Case(
            about=one.label,
            who="" if one.responsible is None else one.responsible.label,
            why="" if one.responsible is None else one.responsible.text,
            since="" if one.responsible is None else visit.words.day(one.responsible.since),
            turn_to="" if one.gap is None else one.gap.label,
            meeting="" if one.next_meeting is None else visit.words.time(one.next_meeting.held_at),
        )
        for one in found
    ]


def _news(visit: Visit) -> list[tuple[str, str]]:
    try:
        told = me.notices(person=visit.person, limit=LOOKED_THROUGH, ports=visit.ports).notices
    except NotASubject:
        return []
    news: dict[str, str] = {}
    for text, at in (noticed(notice, visit) for notice in told):
        news.setdefault(text, at)
    return list(news.items())[:LATEST]
