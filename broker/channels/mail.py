"""E-mail, by SMTP (RFC 5321): one message, one connection, TLS checked, at most ``PATIENCE_SECONDS`` in all.

At least once: a server that took a message and could not say so is sent it again, under the same Message-ID. *Not
checked*: whether it arrives; bounces go to the address that it comes from.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Literal

import aiosmtplib

from broker.domain.messages import Message
from broker.errors import AddressBusy, AddressRefused, ChannelDown

Security = Literal["tls", "starttls", "none"]

STEP_SECONDS = 10.0
PATIENCE_SECONDS = 30.0
"""A whole message takes no longer, also when something of the server's comes all the time."""
_NOBODY = frozenset({550, 551, 553})
"""What a server says when there is no such mailbox (RFC 5321 § 4.2.3)"""
_POLICY = re.compile(
    r"5\.7\.[0-9]{1,3}\b"
)  # RFC 3463: refused by a rule, not for want of a mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A server that takes e-mail, and who the broker is there. The password is read anew for each message."""

    host: str
    port: int
    security: Security
    sender: str
    clock: Callable[[], datetime]
    user: str | None = None
    password_file: Path | None = field(default=None, repr=False)
    ca_file: Path | None = None
    patience: float = PATIENCE_SECONDS

    def send(self, message: Message, *, to: str) -> None:
        """Hand the message on.

        Raises:
            ChannelDown: the server does not take messages now, or not as SMTP has it.
            AddressBusy: it takes none to the address now.
            AddressRefused: it knows no such address.
        """
        try:
            asyncio.run(asyncio.wait_for(self._sent(written(message, self, to)), self.patience))
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _of_address(refused) from None
        except aiosmtplib.SMTPDataError:
            raise AddressBusy from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as down:
            # Its words may repeat the address.
            raise ChannelDown(type(down).__name__) from None

    async def _sent(self, mail: EmailMessage) -> None:
        password = None if self.password_file is None else self.password_file.read_text().strip()
        smtp = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.user,
            password=password,
            local_hostname=self.sender.partition("@")[2],
            timeout=STEP_SECONDS,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            tls_context=ssl.create_default_context(cafile=self.ca_file),
        )
        try:
            await smtp.connect()
            await smtp.send_message(mail)
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await smtp.quit()  # it has the message, whatever it says to that
        finally:
            line = smtp.transport
            smtp.close()
            if isinstance(line, asyncio.Transport):
                line.abort()
            await asyncio.sleep(0.01)  # for the loop to close what it holds


def written(message: Message, server: MailServer, to: str) -> EmailMessage:
    """The message as it is sent: nothing in it but what everybody is told, and where to."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = server.sender
    mail["To"] = to
    mail["Subject"] = message.title
    mail["Date"] = format_datetime(server.clock())
    mail["Message-ID"] = f"<{message.id}@{server.sender.partition('@')[2]}>"
    mail["Content-Language"] = message.language
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is answered
    mail.set_content(message.text)
    return mail


def _of_address(refused: aiosmtplib.SMTPRecipientsRefused) -> AddressBusy | AddressRefused:
    said = refused.recipients[0]
    unknown = said.code in _NOBODY and not _POLICY.match(said.message)
    return AddressRefused() if unknown else AddressBusy(str(said.code))
