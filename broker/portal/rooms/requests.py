"""A request: who asks, for what and why, line by line; what each would be told; and the answer."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from broker.domain.ids import ConsentId
from broker.portal.forms import LinesForm
from broker.portal.pages import Answer, Onward, Pages, Visit, shown
from broker.portal.telling import Asked, asked, ids_of
from broker.usecases import me, previewing
from tillit.wire import MAX_GRANTS, DigitalAnswer, Preview

pages = Pages()

MOST = MAX_GRANTS + 8


class AnswerForm(LinesForm):
    """The answer so far. ``fill``: what to choose for a group of lines, which sends nothing yet."""

    lines: Annotated[Mapping[str, Literal["yes", "no"]], Field(max_length=MAX_GRANTS)] = (
        MappingProxyType({})
    )
    fill: Literal["", "ordinary-yes", "ordinary-no", "special-yes", "special-no"] = ""
    child_heard: Literal["", "yes"] = ""


@pages.get("/requests/{consent}", "person")
def request(visit: Visit) -> Answer:
    """The request, with nothing chosen."""
    return _request(visit, {})


@pages.post("/requests/{consent}/fill", "person", takes=AnswerForm, most=MOST)
def fill(visit: Visit) -> Answer:
    """The same with a group of lines chosen. Nothing is answered yet."""
    form: AnswerForm = visit.form
    group, _, said = form.fill.partition("-")
    found = _found(visit)
    lines = {"ordinary": found.ordinary, "special": found.special}.get(group, ())
    return _request(visit, dict(form.lines) | dict.fromkeys(ids_of(lines), said))


@pages.post("/requests/{consent}/preview", "person", takes=AnswerForm, most=MOST)
def preview(visit: Visit) -> Answer:
    """Who would be told what, if this were the answer."""
    form: AnswerForm = visit.form
    asked_for = Preview(consent=visit.path["consent"], answers=dict(form.lines) or None)
    answer = previewing.preview(asked_for, call=visit.call, ports=visit.ports)
    return shown(
        "preview.html",
        consent=_found(visit),
        chosen=form.lines,
        services=[service for service in answer.services if service.then],
        nobody=[service for service in answer.services if not service.then],
    )


@pages.post("/requests/{consent}/answer", "person", takes=AnswerForm, most=MOST)
def answer(visit: Visit) -> Answer:
    """Answer. A line that was left open is asked for once more, and nothing is answered."""
    form: AnswerForm = visit.form
    found = _found(visit)
    missing = found.lines - form.lines.keys()
    if missing and found.is_waiting:
        return _request(visit, form.lines, missing=missing, status=422)
    answered = DigitalAnswer(
        read=found.read, answers=dict(form.lines), child_heard=form.child_heard == "yes"
    )
    identity = ConsentId(visit.path["consent"])
    me.answer(identity, answered, call=visit.call, ports=visit.ports, shown=form.version)
    return Onward(f"/requests/{identity}/answered")


@pages.get("/requests/{consent}/answered", "person")
def answered(visit: Visit) -> Answer:
    """What holds now."""
    return shown("answered.html", consent=_found(visit))


def _request(
    visit: Visit,
    chosen: Mapping[str, str],
    *,
    missing: AbstractSet[str] = frozenset(),
    status: int = 200,
) -> Answer:
    found = _found(visit)
    if not found.is_waiting:
        return Onward(f"/consents/{found.id}")
    return shown("request.html", status=status, consent=found, chosen=chosen, missing=missing)


def _found(visit: Visit) -> Asked:
    identity = ConsentId(visit.path["consent"])
    return asked(me.consent(identity, person=visit.person, ports=visit.ports), visit)
