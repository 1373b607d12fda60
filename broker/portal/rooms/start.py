"""The start page: what waits for me, who may know what, what happened last."""

from broker.errors import NotASubject
from broker.portal import drawing
from broker.portal.pages import Answer, Pages, Visit, shown
from broker.portal.telling import asked, flows, noticed
from broker.usecases import me

pages = Pages()

LATEST = 5


@pages.get("/", "anybody")
def start(visit: Visit) -> Answer:
    """The first page; for whoever is not logged in, what this is."""
    if visit.session is None:
        return shown("welcome.html")
    views = me.consents(person=visit.person, ports=visit.ports).consents
    own = [view for view in views if not view.third_party and not view.as_guardian]
    found = flows(own, visit)
    return shown(
        "start.html",
        waiting=[one for view in views if (one := asked(view, visit)).is_waiting],
        flows=found,
        picture=drawing.drawn(found, me=visit.words("You")),
        news=_news(visit),
    )


def _news(visit: Visit) -> list[tuple[str, str]]:
    try:
        told = me.notices(person=visit.person, limit=LATEST, ports=visit.ports).notices
    except NotASubject:
        return []
    return [noticed(notice, visit) for notice in told]
