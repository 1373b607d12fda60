"""Whom I hide: services that no other service is told of (N19), and what hiding does not do."""

from dataclasses import dataclass
from typing import Literal

from broker.errors import NotASubject
from broker.portal.forms import Form
from broker.portal.pages import Answer, Onward, Pages, Visit, shown
from broker.portal.telling import named
from broker.usecases import hiding, me
from tillit.wire import HiddenRequest, MyHiddenUnit, UnitId

pages = Pages()


class HideForm(Form):
    """Hide a service, or show it again."""

    unit: UnitId
    hidden: Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class Hidden:
    """A service that is hidden, and since when."""

    id: str
    label: str
    since: str


@pages.get("/choices/hidden", "person")
def hidden(visit: Visit) -> Answer:
    """Whom I hide, and whom I could."""
    found = _hidden(visit)
    there = {one.unit for one in found}
    return shown(
        "hidden.html",
        kept=[Hidden(one.unit, one.label, visit.words.day(one.at)) for one in found],
        others=[(unit, label) for unit, label in _around(visit) if unit not in there],
    )


@pages.post("/choices/hidden", "person", takes=HideForm)
def hide(visit: Visit) -> Answer:
    """Hide one, or show it again. Once the page has answered, no decision tells of it."""
    form: HideForm = visit.form
    said = HiddenRequest(unit=form.unit, hidden=form.hidden == "yes")
    hiding.hide(said, call=visit.call, ports=visit.ports)
    return Onward("/choices/hidden")


def _hidden(visit: Visit) -> tuple[MyHiddenUnit, ...]:
    try:
        return hiding.hidden(person=visit.person, language=visit.language, ports=visit.ports).hidden
    except NotASubject:
        return ()


def _around(visit: Visit) -> list[tuple[str, str]]:
    """The services that stand in what I was asked for, on either side, by name."""
    views = me.consents(person=visit.person, ports=visit.ports).consents
    own = [view for view in views if not view.as_guardian and not view.third_party]
    units = {unit for view in own for g in view.grants for unit in (g.source, g.recipient)}
    return sorted(
        ((unit, named("unit", unit, visit)) for unit in units), key=lambda pair: pair[1].casefold()
    )
