"""Requests: whom to ask, what the unit has asked for and how it stands."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from broker.domain.ids import ConsentId, SubjectHandle
from broker.portal.codes import role_of
from broker.portal.drawing import Squares, squares
from broker.portal.forms import Form
from broker.portal.mistakes import N_
from broker.portal.pages import Answer, Onward, Pages, Visit, shown
from broker.portal.rooms.asking_back import between, replies
from broker.portal.rooms.staff import offers
from broker.portal.rooms.staff.telling import requested
from broker.portal.telling import named
from broker.usecases import asking_back, requests, spots
from tillit.wire import Reply, ReplyRequest, SubjectRequest

pages = Pages()

_NUMBER = re.compile(r"[0-9]{11}", re.ASCII)


class ListQuery(BaseModel):
    """Where the list begins: before which request."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    before: Annotated[str, StringConstraints(pattern=r"^con_[A-Za-z0-9_-]{22}$")] | None = None


class FindForm(Form):
    """Who it is about: a national identity number, spaces between its digits do no harm."""

    national_id: Annotated[str, StringConstraints(max_length=20)] = Field(repr=False)


class ReplyForm(Form):
    """An answer to what was asked back."""

    reply: Reply


@pages.get("/staff", "anybody", query=ListQuery)
def start(visit: Visit) -> Answer:
    """The unit's requests, newest first; for whoever is not logged in, what this is."""
    if visit.staff_session is None:
        return shown("staff/welcome.html")
    return _start(visit)


@pages.post("/staff/find", "employee", takes=FindForm)
def find(visit: Visit) -> Answer:
    """What the unit has asked somebody for, and the way to ask for more."""
    number = visit.form.national_id.replace(" ", "")
    if not _NUMBER.fullmatch(number):
        return _start(visit, unlike=True, status=422)
    handle = requests.sought(
        SubjectRequest(national_id=number),
        employee=visit.employee,
        call=visit.unit_call,
        ports=visit.ports,
    )
    return youth(handle, visit)


@pages.get("/staff/requests/{consent}", "employee")
def request(visit: Visit) -> Answer:
    """One of them: what it asks for, how it stands, and the code that is shown for it."""
    identity = ConsentId(visit.path["consent"])
    view = requests.request_of(identity, unit=visit.employee.unit, ports=visit.ports)
    found = (
        spots.shown(identity, token=visit.token, ports=visit.ports) if view.waiting_for else None
    )
    return shown(
        "staff/request.html",
        request=requested(view, visit),
        said=between(view, visit, mine=N_("The youth")).said,
        replies=replies(view, visit),
        spot=None if found is None else _spot(*found, visit),
    )


@pages.post("/staff/requests/{consent}/reply", "employee", takes=ReplyForm)
def reply(visit: Visit) -> Answer:
    """Answer what the youth has asked back."""
    identity = ConsentId(visit.path["consent"])
    said = ReplyRequest(reply=visit.form.reply, actor=visit.actor)
    asking_back.reply(identity, said, call=visit.unit_call, ports=visit.ports)
    return Onward(f"/staff/requests/{identity}#between")


@pages.post("/staff/requests/{consent}/now", "employee", takes=Form)
def now(visit: Visit) -> Answer:
    """Show a code by which the youth answers on their own phone, here and now."""
    identity = ConsentId(visit.path["consent"])
    spots.show(identity, employee=visit.employee, token=visit.token, ports=visit.ports)
    return Onward(f"/staff/requests/{identity}#now")


@dataclass(frozen=True, slots=True)
class Shown:
    """A code to scan, until when it is good, and where whoever has no camera goes."""

    picture: Squares
    until: str
    portal: str


def _spot(code: str, until: datetime, visit: Visit) -> Shown:
    issuer = visit.ports.issuer
    return Shown(
        squares(f"{issuer}/requests/now/{code}"),
        visit.words.clock(until),
        urlsplit(issuer).netloc,
    )


def youth(handle: SubjectHandle, visit: Visit) -> Answer:
    """The page of one youth, whom only the unit's own handle names."""
    views = requests.asked_of(handle, unit=visit.employee.unit, ports=visit.ports)
    return shown(
        "staff/youth.html",
        subject=handle,
        requests=[requested(view, visit) for view in views],
        collaborations=offers.collaborations(visit),
    )


def _start(visit: Visit, *, unlike: bool = False, status: int = 200) -> Answer:
    query = visit.query
    before = query.before if isinstance(query, ListQuery) else None
    listed = requests.asked_by(visit.employee.unit, before=before, ports=visit.ports)
    return shown(
        "staff/start.html",
        status=status,
        unit=named("unit", visit.employee.unit, visit),
        role=role_of(visit.employee.role, visit.words, visit.ports.catalogue),
        requests=[requested(view, visit) for view in listed.consents],
        next=listed.next,
        unlike=unlike,
    )
