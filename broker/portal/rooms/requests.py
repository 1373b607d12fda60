"""A request: who asks, for what and why, line by line; what each would be told; and the answer."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from broker.domain.ids import ConsentId
from broker.portal.forms import LinesForm
from broker.portal.pages import Answer, Onward, Pages, Shown, Visit, shown
from broker.portal.rooms.asking_back import between
from broker.portal.rooms.guarding import agreement, consent_of
from broker.portal.rooms.values import plain
from broker.portal.telling import Asked, asked, ids_of
from broker.usecases import me, own_reading, previewing, sessions, spots
from broker.usecases.own_reading import ShownField
from tillit.wire import (
    MAX_GRANTS,
    AskBack,
    AskBackRequest,
    DigitalAnswer,
    GrantId,
    Language,
    LineAnswer,
    Preview,
    PreviewService,
)

pages = Pages()

MOST = MAX_GRANTS + 8


class AnswerForm(LinesForm):
    """The answer so far. ``fill``: what to choose for a group of lines, which sends nothing yet."""

    lines: Annotated[Mapping[GrantId, LineAnswer], Field(max_length=MAX_GRANTS)] = MappingProxyType(
        {}
    )
    fill: Literal[
        "",
        "ordinary-yes",
        "ordinary-no",
        "ordinary-not_now",
        "special-yes",
        "special-no",
        "special-not_now",
    ] = ""
    child_heard: Literal["", "yes"] = ""


class AskBackForm(AnswerForm):
    """The answer so far, and something to ask back."""

    ask: AskBack


class SpokenForm(AnswerForm):
    """The answer so far, and the language to go on in."""

    language: Language


@pages.get("/requests/now/{spot}", "person")
def on_the_spot(visit: Visit) -> Answer:
    """From a code that a professional shows to the request that it is for, and for nobody else."""
    identity = spots.opened(visit.path["spot"], person=visit.person, ports=visit.ports)
    return Onward(f"/requests/{identity}")


@pages.get("/requests/{consent}", "person")
def request(visit: Visit) -> Answer:
    """The request, with nothing chosen."""
    return _request(visit, {})


@pages.post("/requests/{consent}/fill", "person", takes=AnswerForm, most=MOST)
def fill(visit: Visit) -> Answer:
    """The same with a group of lines chosen. Nothing is answered yet."""
    form: AnswerForm = visit.form
    group, _, said = form.fill.partition("-")
    found = _open(visit)
    lines = {"ordinary": found.ordinary, "special": found.special}.get(group, ())
    return _request(visit, dict(form.lines) | dict.fromkeys(ids_of(lines), said))


@pages.post("/requests/{consent}/ask-back", "person", takes=AskBackForm, most=MOST)
def ask_back(visit: Visit) -> Answer:
    """Ask the service something first, or say how one would rather answer; what was chosen stays chosen."""
    form: AskBackForm = visit.form
    identity = ConsentId(visit.path["consent"])
    asked_for = AskBackRequest(ask=form.ask)
    me.ask_back(identity, asked_for, call=visit.call, ports=visit.ports, shown=form.version)
    return _request(visit, form.lines)


@pages.post("/requests/{consent}/language", "person", takes=SpokenForm, most=MOST)
def speak(visit: Visit) -> Answer:
    """The same in another language; what was chosen stays chosen."""
    form: SpokenForm = visit.form
    if visit.session is not None:
        sessions.speak(visit.token, visit.session, form.language, ports=visit.ports)
    page = _request(replace(visit, language=form.language), form.lines)
    return replace(page, spoken=form.language) if isinstance(page, Shown) else page


@pages.post("/requests/{consent}/preview", "person", takes=AnswerForm, most=MOST)
def preview(visit: Visit) -> Answer:
    """Who would be told what, if this were the answer."""
    form: AnswerForm = visit.form
    found = _found(visit)
    asked_for = Preview(consent=visit.path["consent"], answers=dict(form.lines) or None)
    # Nothing is changed, so it may be looked at again with another choice, and then be answered.
    call = replace(visit.call, key="")
    fresh = visit.session is not None and visit.session.is_fresh(visit.ports.clock())
    if fresh:
        seen = own_reading.preview(asked_for, call=call, ports=visit.ports).services
        services = [_previewed(one.service, one.fields, visit) for one in seen]
    else:
        answer = previewing.preview(asked_for, call=call, ports=visit.ports)
        services = [_previewed(service, (), visit) for service in answer.services]
    return shown(
        "preview.html",
        consent=found,
        chosen=form.lines,
        services=[service for service in services if service.fields],
        nobody=[service for service in services if not service.fields],
        with_values=fresh,
    )


@dataclass(frozen=True, slots=True)
class PreviewedField:
    """A field that a service would be told, and what stands there; empty where that is not shown."""

    label: str
    says: str


@dataclass(frozen=True, slots=True)
class Previewed:
    """A service, why it asks, and what it would be told."""

    label: str
    why: str
    in_meeting: bool
    fields: Sequence[PreviewedField]


def _previewed(service: PreviewService, fields: Sequence[ShownField], visit: Visit) -> Previewed:
    says = {one.field.name: _says(one, visit) for one in fields}
    return Previewed(
        service.label,
        service.why,
        service.in_meeting,
        [PreviewedField(field.label, says.get(field.name, "")) for field in service.then],
    )


def _says(one: ShownField, visit: Visit) -> str:
    """What a service would be told: the newest value of those it may have."""
    return " · ".join(plain(one.field.name, one.values[0].value, visit)) if one.values else ""


@pages.post("/requests/{consent}/answer", "person", takes=AnswerForm, most=MOST)
def answer(visit: Visit) -> Answer:
    """Answer. A line that was left open is asked for once more, and nothing is answered; nor where all is put off."""
    form: AnswerForm = visit.form
    found = _open(visit)
    if found.may_answer:
        if missing := found.lines - form.lines.keys():
            return _request(visit, form.lines, missing=missing, status=422)
        if set(form.lines.values()) == {"not_now"}:
            return shown("put_off.html", consent=found)
    answered = DigitalAnswer(
        read=found.read, answers=dict(form.lines), child_heard=form.child_heard == "yes"
    )
    identity = ConsentId(visit.path["consent"])
    me.answer(identity, answered, call=visit.call, ports=visit.ports, shown=form.version)
    return Onward(f"/requests/{identity}/answered")


@pages.get("/requests/{consent}/answered", "person")
def answered(visit: Visit) -> Answer:
    """What holds now."""
    found = _found(visit)
    return shown("answered.html", consent=found, agreement=agreement(found, visit))


def _request(
    visit: Visit,
    chosen: Mapping[str, str],
    *,
    missing: AbstractSet[str] = frozenset(),
    status: int = 200,
) -> Answer:
    found = _open(visit)
    if not found.may_answer:
        return Onward(f"/consents/{found.id}")
    return shown(
        "request.html",
        status=status,
        consent=found,
        chosen=chosen,
        missing=missing,
        who=agreement(found, visit).who,
        between=between(consent_of(visit), visit),
    )


def _found(visit: Visit) -> Asked:
    return asked(consent_of(visit), visit)


def _open(visit: Visit) -> Asked:
    """The same with the lines alone that can be answered: all, or later those that the person put off."""
    view = consent_of(visit)
    if view.put_off:
        lines = tuple(grant for grant in view.grants if grant.id in view.put_off)
        view = view.model_copy(update={"grants": lines})
    return asked(view, visit)
