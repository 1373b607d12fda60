"""My consents: what I said yes to, and how I pause it, take it up again or stop it, whole or a line."""

from broker.domain.ids import ConsentId
from broker.portal.forms import ConsentForm, LinesForm
from broker.portal.pages import Answer, Onward, Pages, Visit, shown
from broker.portal.telling import ALIVE, WAITING, Asked, asked
from broker.usecases import me
from tillit.wire import MAX_GRANTS, Withdrawal

pages = Pages()


@pages.get("/consents", "person")
def consents(visit: Visit) -> Answer:
    """All of them, those in use first."""
    views = me.consents(person=visit.person, ports=visit.ports).consents
    return shown(
        "consents.html",
        waiting=[asked(view, visit) for view in views if view.state in WAITING],
        alive=[asked(view, visit) for view in views if view.state in ALIVE],
        over=[asked(view, visit) for view in views if view.state not in WAITING | ALIVE],
    )


@pages.get("/consents/{consent}", "person")
def consent(visit: Visit) -> Answer:
    """One of them, and what can be done with it."""
    return shown("consent.html", consent=_found(visit))


@pages.get("/consents/{consent}/stop", "person")
def stopping(visit: Visit) -> Answer:
    """What stopping means, before it is done."""
    return shown("stop.html", consent=_found(visit))


@pages.post("/consents/{consent}/stop", "person", takes=ConsentForm)
def stop(visit: Visit) -> Answer:
    """Stop all of it. Once the page has answered, nothing is shared on it."""
    return _withdrawn(visit, Withdrawal())


@pages.post("/consents/{consent}/narrow", "person", takes=LinesForm, most=MAX_GRANTS + 8)
def narrow(visit: Visit) -> Answer:
    """Stop the lines that were chosen."""
    chosen = tuple(visit.form.lines)
    if not chosen:
        return Onward(f"/consents/{visit.path['consent']}")
    return _withdrawn(visit, Withdrawal(grants=chosen))


@pages.post("/consents/{consent}/pause", "person", takes=ConsentForm)
def pause(visit: Visit) -> Answer:
    """Share nothing for now."""
    identity = ConsentId(visit.path["consent"])
    me.pause(identity, call=visit.call, ports=visit.ports, shown=visit.form.version)
    return Onward(f"/consents/{identity}")


@pages.post("/consents/{consent}/resume", "person", takes=ConsentForm)
def resume(visit: Visit) -> Answer:
    """Share again."""
    identity = ConsentId(visit.path["consent"])
    me.resume(identity, call=visit.call, ports=visit.ports, shown=visit.form.version)
    return Onward(f"/consents/{identity}")


def _withdrawn(visit: Visit, withdrawal: Withdrawal) -> Answer:
    identity = ConsentId(visit.path["consent"])
    me.withdraw(identity, withdrawal, call=visit.call, ports=visit.ports, shown=visit.form.version)
    return Onward(f"/consents/{identity}")


def _found(visit: Visit) -> Asked:
    identity = ConsentId(visit.path["consent"])
    return asked(me.consent(identity, person=visit.person, ports=visit.ports), visit)
