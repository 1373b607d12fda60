"""My choices: who helps me, and how I want to be told of what each service does (N21, N3); and whom I help."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import StringConstraints

from broker.domain.ids import HelperId
from broker.errors import NotASubject
from broker.portal.forms import Form
from broker.portal.pages import Answer, Onward, Pages, Visit, shown
from broker.portal.rooms.contact import told_by
from broker.portal.telling import Asked, asked, named
from broker.usecases import helped, helping, me, noticing
from tillit.wire import (
    HelpedDisclosure,
    HelperAcceptance,
    HelperRequest,
    MyHelper,
    NoticeChoiceRequest,
    UnitId,
)

pages = Pages()

LOOKED_AT = 50


class InviteForm(Form):
    """What a helper may read. ``special``: also what is especially sensitive."""

    consents: Literal["", "yes"] = ""
    disclosures: Literal["", "yes"] = ""
    special: Literal["", "yes"] = ""


class AcceptForm(Form):
    """The code of an invitation, as it was said: small letters and spaces do no harm."""

    code: Annotated[str, StringConstraints(max_length=40)]


class NoticeForm(Form):
    """How to be told of what a service does."""

    unit: UnitId
    how: Literal["at_once", "digest"]


@dataclass(frozen=True, slots=True)
class Service:
    """A service that has done something, and how the person is told of it."""

    id: str
    label: str
    daily: bool


@dataclass(frozen=True, slots=True)
class Helped:
    """An ask about somebody whom one helps, in words."""

    at: str
    recipient: str
    why: str
    shared: str
    withheld: str


@pages.get("/choices", "person")
def choices(visit: Visit) -> Answer:
    """All of them."""
    return _choices(visit)


@pages.post("/choices/helper", "fresh", takes=InviteForm)
def invite(visit: Visit) -> Answer:
    """Invite a helper: the code is shown once, here."""
    form: InviteForm = visit.form
    chosen: list[Literal["consents", "disclosures", "special"]] = []
    if form.consents:
        chosen.append("consents")
    if form.disclosures:
        chosen.append("disclosures")
    if not chosen:
        return _choices(visit, nothing_chosen=True)
    if form.special:
        chosen.append("special")
    asked_for = HelperRequest(shows=tuple(chosen))
    invitation = helping.invite(asked_for, call=visit.call, ports=visit.ports)
    until = visit.words.time(invitation.code_until)
    return shown("invited.html", code=invitation.code, until=until)


@pages.post("/choices/helper/{helper}/remove", "person", takes=Form)
def remove(visit: Visit) -> Answer:
    """Remove the helper; they see nothing more from now on."""
    helping.remove(HelperId(visit.path["helper"]), call=visit.call, ports=visit.ports)
    return Onward("/choices")


@pages.post("/choices/notices", "person", takes=NoticeForm)
def notices(visit: Visit) -> Answer:
    """Be told each time, or once a day."""
    form: NoticeForm = visit.form
    said = NoticeChoiceRequest(unit=form.unit, how=form.how)
    noticing.choose(said, call=visit.call, ports=visit.ports)
    return Onward("/choices")


@pages.post("/helping", "person", takes=AcceptForm)
def accept(visit: Visit) -> Answer:
    """Take an invitation to help somebody."""
    form: AcceptForm = visit.form
    letters = "".join(form.code.upper().replace("-", " ").split())
    code = "-".join(letters[n : n + 4] for n in range(0, len(letters), 4))
    try:
        acceptance = HelperAcceptance(code=code)
    except ValueError:
        return _choices(visit, code_unlike=True)
    found = helping.accept(acceptance, call=visit.call, ports=visit.ports)
    return Onward(f"/helping/{found.helper}")


@pages.get("/helping/{helper}", "person")
def look(visit: Visit) -> Answer:
    """What somebody whom I help lets me see. The look is told to them."""
    identity = HelperId(visit.path["helper"])
    mine = helping.helping(person=visit.person, ports=visit.ports).helping
    shows = next((one.shows for one in mine if one.helper == identity), ())
    consents: list[Asked] = []
    disclosures: list[Helped] = []
    if "consents" in shows or not shows:
        views = helped.consents(identity, person=visit.person, ports=visit.ports).consents
        consents = [asked(view, visit) for view in views]
    if "disclosures" in shows:
        page = helped.disclosures(
            identity, person=visit.person, before=None, limit=LOOKED_AT, ports=visit.ports
        )
        disclosures = [_helped(one, visit) for one in page.disclosures]
    return shown("helping.html", helper=identity, consents=consents, disclosures=disclosures)


@pages.post("/helping/{helper}/leave", "person", takes=Form)
def leave(visit: Visit) -> Answer:
    """Stop helping."""
    helping.leave(HelperId(visit.path["helper"]), call=visit.call, ports=visit.ports)
    return Onward("/choices")


def _choices(visit: Visit, *, nothing_chosen: bool = False, code_unlike: bool = False) -> Answer:
    helper, services = _own(visit)
    return shown(
        "choices.html",
        contact=told_by(visit),
        status=422 if nothing_chosen or code_unlike else 200,
        nothing_chosen=nothing_chosen,
        code_unlike=code_unlike,
        helper=helper,
        helper_until="" if helper is None else visit.words.day(helper.until or helper.code_until),
        services=services,
        helping=helping.helping(person=visit.person, ports=visit.ports).helping,
    )


def _own(visit: Visit) -> tuple[MyHelper | None, list[Service]]:
    """The helper who is there or invited, and the services that are followed; nothing of who is no subject."""
    try:
        found = helping.helpers(person=visit.person, ports=visit.ports).helpers
        chosen = noticing.choices(
            person=visit.person, language=visit.language, ports=visit.ports
        ).choices
    except NotASubject:
        return None, []
    daily = {one.unit for one in chosen if one.how == "digest"}
    units = dict.fromkeys([*daily, *_units(visit)])
    services = [Service(unit, named("unit", unit, visit), unit in daily) for unit in units]
    return next((one for one in found if one.standing != "over"), None), services


def _units(visit: Visit) -> list[UnitId]:
    """The services in what the person was asked for."""
    views = me.consents(person=visit.person, ports=visit.ports).consents
    own = [view for view in views if not view.as_guardian and not view.third_party]
    return sorted({grant.recipient for view in own for grant in view.grants})


def _helped(one: HelpedDisclosure, visit: Visit) -> Helped:
    names: dict[bool, list[str]] = {True: [], False: []}
    for name, field in one.fields.items():
        names[field.shared].append(named("field", name, visit))
    return Helped(
        at=visit.words.time(one.at),
        recipient=named("unit", one.recipient, visit),
        why=named("purpose", one.purpose, visit),
        shared=" · ".join(names[True]),
        withheld=" · ".join(names[False]),
    )
