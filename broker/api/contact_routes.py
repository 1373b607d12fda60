"""What people call to say where, outside the portal, they are told that there is something new."""

from typing import Any

from broker.api.endpoints import Endpoints, Exchange, Nothing
from broker.domain.errors import AddressUnlike
from broker.errors import (
    ContactCodeRefused,
    NoContact,
    NoSuchChannel,
    NotASubject,
    SubjectErased,
    TooManyCodes,
)
from broker.usecases import contacting
from tillit.wire import ContactConfirmation, ContactRequest, MyContact

endpoints = Endpoints()


@endpoints.get("/v1/me/contact", "person", gives=MyContact, refuses=(NotASubject,))
def my_contact(given: Exchange[Any]) -> MyContact:
    """Where the person is told outside the portal, and what waits for its code."""
    return contacting.contact(person=given.person, ports=given.ports)


@endpoints.post(
    "/v1/me/contact",
    "person",
    takes=ContactRequest,
    gives=MyContact,
    refuses=(NotASubject, NoSuchChannel, AddressUnlike, TooManyCodes, SubjectErased),
)
def ask_for_contact(given: Exchange[ContactRequest]) -> MyContact:
    """Be told at an address that there is something new, and never what.

    A code is sent there, good for half an hour; nothing else is, until it comes back. What was asked for before, and waits, is
    replaced. The public contact register takes no code: the number must be the caller's own.
    """
    return contacting.ask(given.body, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/me/contact/confirm",
    "person",
    takes=ContactConfirmation,
    gives=MyContact,
    refuses=(NotASubject, ContactCodeRefused),
)
def confirm_contact(given: Exchange[ContactConfirmation]) -> MyContact:
    """Show that an address is one's own, by the code that was sent there; it takes the place of the one before."""
    return contacting.confirm(given.body, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/me/contact/remove",
    "person",
    takes=Nothing,
    gives=MyContact,
    refuses=(NotASubject, NoContact),
)
def remove_contact(given: Exchange[Nothing]) -> MyContact:
    """Be told in the portal only. The address is kept no more."""
    return contacting.remove(call=given.person_call, ports=given.ports)
