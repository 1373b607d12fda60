"""Requests: whom to ask, what the unit has asked for and how it stands."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from broker.domain.ids import ConsentId, SubjectHandle
from broker.portal.codes import role_of
from broker.portal.forms import Form
from broker.portal.pages import Answer, Pages, Visit, shown
from broker.portal.rooms.staff import offers
from broker.portal.rooms.staff.telling import requested
from broker.portal.telling import named
from broker.usecases import requests
from tillit.wire import SubjectRequest

pages = Pages()

_NUMBER = re.compile(r"[0-9]{11}", re.ASCII)


class ListQuery(BaseModel):
    """Where the list begins: before which request."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    before: Annotated[str, StringConstraints(pattern=r"^con_[A-Za-z0-9_-]{22}$")] | None = None


class FindForm(Form):
    """Who it is about: a national identity number, spaces between its digits do no harm."""

    national_id: Annotated[str, StringConstraints(max_length=20)] = Field(repr=False)


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
    """One of them: what it asks for, and how it stands."""
    identity = ConsentId(visit.path["consent"])
    view = requests.request_of(identity, unit=visit.employee.unit, ports=visit.ports)
    return shown("staff/request.html", request=requested(view, visit))


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
        role=role_of(visit.employee.role, visit.words),
        requests=[requested(view, visit) for view in listed.consents],
        next=listed.next,
        unlike=unlike,
    )
