"""Contacts: how the subject is told outside the portal that there is something new, and nothing more than that (N3)."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tillit.wire.terms import Instant, Wire

Channel = Literal["email", "sms", "register"]
"""An e-mail address, a mobile number, or what the public contact register (kontakt- og reservasjonsregisteret) knows."""


class ContactRequest(Wire):
    """``POST /v1/me/contact``: be told at an address, once it was confirmed with the code that is sent there.

    With ``register`` the address is the caller's own national identity number, and takes no code.
    """

    channel: Channel
    address: Annotated[str, StringConstraints(min_length=1, max_length=254)] = Field(repr=False)


class ContactConfirmation(Wire):
    """``POST /v1/me/contact/confirm``: the code that was sent to the address."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] = Field(repr=False)


class ContactWay(Wire):
    """One way to reach the subject. ``refused_at``: whoever runs it would not have the address, and it is used no more.

    ``address`` is given to who looks and in the copy of all, not in the answer to an act: those are remembered. A national
    identity number is given to nobody.
    """

    channel: Channel
    asked_at: Instant
    confirmed_at: Instant | None
    code_until: Instant | None
    refused_at: Instant | None
    address: str | None = Field(default=None, repr=False)


class MyContact(Wire):
    """How the subject is told outside the portal: only where one way is ``confirmed``; one may be ``waiting`` for its code.

    ``channels`` are those that there are here.
    """

    channels: tuple[Channel, ...]
    confirmed: ContactWay | None
    waiting: ContactWay | None
