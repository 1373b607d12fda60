"""Asking: what to ask for, the request as the youth will read it, and sending it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from broker.domain.errors import ConsentError, UnknownCollaboration
from broker.portal.forms import Form
from broker.portal.mistakes import told
from broker.portal.pages import Answer, Onward, Pages, Visit, shown
from broker.portal.rooms.staff import offers
from broker.portal.rooms.staff.telling import requested
from broker.portal.telling import named
from broker.usecases import consents, requests
from tillit import wire
from tillit.wire import ConsentRequest, Language

pages = Pages()

MOST = 200
Chosen = Literal["yes"]
KINDS: Mapping[str, str] = {
    "service": "services",
    "purpose": "purposes",
    "category": "categories",
    "field": "fields",
}


class AskForm(Form):
    """A request so far: boxes that are ticked come as ``service.<unit>``, ``purpose.<id>``, and so on."""

    subject: wire.SubjectHandle
    collaboration: Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9-]{0,63})?$")] = ""
    other: Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9-]{0,63})?$")] = ""
    services: Mapping[wire.UnitId, Chosen] = Field(default_factory=dict, max_length=38)
    purposes: Mapping[wire.PurposeId, Chosen] = Field(default_factory=dict, max_length=10)
    categories: Mapping[wire.CategoryId, Chosen] = Field(default_factory=dict, max_length=20)
    fields: Mapping[wire.FieldName, Chosen] = Field(default_factory=dict, max_length=100)
    days: Annotated[int, Field(ge=1, le=366)] | None = None
    spoken: Language = "nb"

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, given: Any) -> Any:
        boxes: dict[str, dict[str, str]] = {}
        rest = {}
        for name, value in given.items():
            kind, dot, one = name.partition(".")
            if dot and kind in KINDS:
                boxes.setdefault(KINDS[kind], {})[one] = value
            else:
                rest[name] = value
        if boxes.keys() & rest.keys():
            raise ValueError("a box stands twice")
        return rest | boxes

    def ticked(self) -> Mapping[str, str]:
        """Everything that was chosen, as the form sends it."""
        boxes = {
            f"{kind}.{one}": "yes" for kind, name in KINDS.items() for one in getattr(self, name)
        }
        chosen = {"other": self.other, "spoken": self.spoken}
        if self.days is not None:
            chosen["days"] = str(self.days)
        return boxes | chosen


@pages.post("/staff/ask", "employee", takes=AskForm, most=MOST)
def ask(visit: Visit) -> Answer:
    """What to ask for: nothing is chosen beforehand, and nothing is sent yet."""
    return _choosing(visit)


@pages.post("/staff/ask/preview", "employee", takes=AskForm, most=MOST)
def preview(visit: Visit) -> Answer:
    """The request as the youth will read it. Nothing is sent yet."""
    form: AskForm = visit.form
    if missing := _missing(form, visit):
        return _choosing(visit, missing=missing)
    try:
        view = requests.draft(_wanted(visit), call=visit.unit_call, ports=visit.ports)
    except ConsentError as error:
        return _choosing(visit, wrong=error)
    return shown(
        "staff/preview.html",
        subject=form.subject,
        collaboration=form.collaboration,
        ticked=form.ticked(),
        request=requested(view, visit),
    )


@pages.post("/staff/ask/send", "employee", takes=AskForm, most=MOST)
def send(visit: Visit) -> Answer:
    """Ask. The youth is told at once."""
    form: AskForm = visit.form
    if missing := _missing(form, visit):
        return _choosing(visit, missing=missing)
    try:
        view = consents.request(_wanted(visit), call=visit.unit_call, ports=visit.ports)
    except ConsentError as error:
        return _choosing(visit, wrong=error)
    return Onward(f"/staff/requests/{view.id}")


def _choosing(visit: Visit, *, missing: str = "", wrong: ConsentError | None = None) -> Answer:
    form: AskForm = visit.form
    offer = offers.offer(form.collaboration, visit)
    if offer is None:
        raise UnknownCollaboration(form.collaboration)
    return shown(
        "staff/ask.html",
        status=422 if missing or wrong else 200,
        refusal=wrong,
        subject=form.subject,
        collaboration=form.collaboration,
        ticked=form.ticked(),
        offer=offer,
        days=form.days or offer.usual_days,
        unit=named("unit", visit.employee.unit, visit),
        missing=missing,
        wrong=None if wrong is None else told(wrong, visit.words, at_work=True),
    )


def _others(form: AskForm, visit: Visit) -> list[str]:
    """Every service beside the employee's own."""
    named_too = dict.fromkeys((*form.services, form.other))
    return [unit for unit in named_too if unit and unit != visit.employee.unit]


def _missing(form: AskForm, visit: Visit) -> str:
    """What was left open that every request needs; empty when nothing was."""
    if not _others(form, visit):
        return "services"
    if not form.purposes:
        return "purposes"
    return "" if form.categories or form.fields else "what"


def _wanted(visit: Visit) -> ConsentRequest:
    """The request that the form makes, as the API takes it."""
    form: AskForm = visit.form
    return ConsentRequest(
        subject=form.subject,
        collaboration=form.collaboration or None,
        services=(visit.employee.unit, *_others(form, visit)),
        purposes=tuple(form.purposes),
        categories=tuple(form.categories),
        fields=tuple(form.fields),
        valid_days=form.days,
        language=form.spoken,
        actor=visit.actor,
    )
