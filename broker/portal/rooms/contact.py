"""Told outside the portal: where I hear that there is something new here, and never what (N3)."""

from contextlib import suppress
from typing import Annotated

from pydantic import StringConstraints

from broker.domain.errors import AddressUnlike
from broker.errors import ContactCodeRefused, CustodianDown, NotASubject
from broker.portal.forms import Form
from broker.portal.pages import Answer, Onward, Pages, Visit, shown
from broker.usecases import contacting
from tillit.wire import Channel, ContactConfirmation, ContactRequest, MyContact

pages = Pages()

HERE = "/choices/contact"


class AskForm(Form):
    """Where one wants to be told."""

    channel: Channel
    address: Annotated[str, StringConstraints(max_length=254)]


class CodeForm(Form):
    """The code that came, as people write it: spaces do no harm."""

    code: Annotated[str, StringConstraints(max_length=20)]


@pages.get(HERE, "person")
def contact(visit: Visit) -> Answer:
    """Where I am told, and where else I may be."""
    return _contact(visit)


@pages.post(HERE, "fresh", takes=AskForm)
def ask(visit: Visit) -> Answer:
    """Ask for a code at an address."""
    form: AskForm = visit.form
    if not form.address.strip():
        return _contact(visit, unlike=form.channel)
    asked = ContactRequest(channel=form.channel, address=form.address)
    try:
        contacting.ask(asked, call=visit.call, ports=visit.ports)
    except AddressUnlike:
        return _contact(visit, unlike=form.channel)
    return Onward(HERE)


@pages.post(f"{HERE}/confirm", "person", takes=CodeForm)
def confirm(visit: Visit) -> Answer:
    """Write the code that came."""
    form: CodeForm = visit.form
    try:
        said = ContactConfirmation(code="".join(form.code.split()))
        contacting.confirm(said, call=visit.call, ports=visit.ports)
    except (ValueError, ContactCodeRefused):
        return _contact(visit, wrong_code=True)
    return Onward(HERE)


@pages.post(f"{HERE}/remove", "person", takes=Form)
def remove(visit: Visit) -> Answer:
    """Be told only here."""
    contacting.remove(call=visit.call, ports=visit.ports)
    return Onward(HERE)


def told_by(visit: Visit) -> MyContact | None:
    """How the person is told outside the portal, without the address; None where there is no way out, or nothing to tell."""
    if not visit.ports.messengers:
        return None
    try:
        return contacting.contact(person=visit.person, ports=visit.ports, addresses=False)
    except NotASubject:
        return None


def _contact(visit: Visit, *, unlike: Channel | None = None, wrong_code: bool = False) -> Answer:
    found = told_by(visit)
    if found is not None:
        with suppress(CustodianDown):  # then the page says what it can, without addresses
            found = contacting.contact(person=visit.person, ports=visit.ports)
    waiting = None if found is None else found.waiting
    until = None if waiting is None else waiting.code_until
    return shown(
        "contact.html",
        status=422 if unlike or wrong_code else 200,
        contact=found,
        until="" if until is None else visit.words.clock(until),
        unlike=unlike,
        wrong_code=wrong_code,
    )
