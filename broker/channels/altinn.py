"""Altinn's notifications: a text message to a number, or word to whatever a person told the public contact register.

The order API as Altinn documents it (docs.altinn.studio, ``POST /notifications/api/v1/future/orders``): 201 where an order was
made, 200 where one was made before under the same ``idempotencyId``, so that nobody is told twice; 422 where the register knows
no way to reach the person. *Not checked*: whether a message arrives. *Not tried*: Altinn and Maskinporten themselves; the
servers of the tests speak what is documented.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from broker.channels.asking import ask
from broker.channels.maskinporten import Maskinporten, token_in
from broker.domain.messages import Message
from broker.errors import AddressBusy, AddressRefused, ChannelDown

SCOPE = "altinn:serviceowner/notifications.create"
EXCHANGE = "/authentication/api/v1/exchange/maskinporten"
ORDERS = "/notifications/api/v1/future/orders"
TOKEN_LASTS = timedelta(minutes=2)
"""So long a token is used: no longer than any that Maskinporten gives."""

_ANYTIME = {"sendingTimePolicy": "Anytime"}


class Platform:
    """Altinn's platform, and the token that opens it, exchanged for Maskinporten's."""

    def __init__(
        self, url: str, *, maskinporten: Maskinporten, clock: Callable[[], datetime]
    ) -> None:
        """Nothing is asked yet."""
        self._url = url.rstrip("/")
        self._maskinporten = maskinporten
        self._clock = clock
        self._lock = threading.Lock()
        self._held: tuple[str, datetime] | None = None

    def order(self, recipient: Mapping[str, Any], *, id: str) -> None:  # noqa: A002 - the message's
        """Order a message.

        Raises:
            ChannelDown: no order is taken now.
            AddressBusy: none is taken to this recipient now.
            AddressRefused: there is no way to reach the recipient.
        """
        body = {"idempotencyId": id, "sendersReference": id, "recipient": recipient}
        answer = ask("POST", f"{self._url}{ORDERS}", token=self._token(), json=body)
        if answer.is_good:
            return
        match answer.status:
            case HTTPStatus.UNPROCESSABLE_ENTITY:
                raise AddressRefused
            case HTTPStatus.BAD_REQUEST:
                raise AddressBusy("400")
            case HTTPStatus.UNAUTHORIZED:
                self._held = None
        raise ChannelDown(str(answer.status))

    def _token(self) -> str:
        with self._lock:
            now = self._clock()
            if self._held is None or self._held[1] <= now:
                given = self._maskinporten.token(SCOPE)
                answer = ask("GET", f"{self._url}{EXCHANGE}", token=given)
                if not answer.is_good:
                    raise ChannelDown(f"no token in exchange: {answer.status}")
                text = answer.body.decode("ascii", "replace").strip().strip('"')
                self._held = token_in(text), now + TOKEN_LASTS
            return self._held[0]


@dataclass(frozen=True, slots=True)
class TextMessages:
    """Text messages to a mobile number."""

    platform: Platform

    def send(self, message: Message, *, to: str) -> None:
        """Hand the message on. Raises as ``Platform.order``."""
        settings = {"body": message.text, **_ANYTIME}
        recipient = {"recipientSms": {"phoneNumber": to, "smsSettings": settings}}
        self.platform.order(recipient, id=message.id)


@dataclass(frozen=True, slots=True)
class ContactRegister:
    """Word to a person at what they told the public contact register, which Altinn looks up by their number."""

    platform: Platform

    def send(self, message: Message, *, to: str) -> None:
        """Hand the message on. Raises as ``Platform.order``."""
        person = {
            "nationalIdentityNumber": to,
            "channelSchema": "EmailPreferred",
            "ignoreReservation": False,
            "emailSettings": {
                "subject": message.title,
                "body": message.text,
                "contentType": "Plain",
                **_ANYTIME,
            },
            "smsSettings": {"body": message.text, **_ANYTIME},
        }
        self.platform.order({"recipientPerson": person}, id=message.id)
