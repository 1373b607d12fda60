"""E-mail for tests: a real SMTP server on loopback, with TLS, and what it was handed."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from broker.channels.mail import MailServer
from tests.custodians import Authority
from tests.processes import free_port

SENDER = "tillit@tillit.test"
USER, PASSWORD = "broker", "the mail server's password"


@dataclass
class Letterbox:
    """What the server does: takes everything, unless it is told to answer ``rcpt`` or ``data`` otherwise."""

    taken: list[EmailMessage] = field(default_factory=list)
    rcpt: Callable[[str], str] = lambda _: "250 OK"
    data: Callable[[], str] = lambda: "250 OK"
    slow: float = 0.0

    async def handle_RCPT(  # noqa: N802 - the server's name for it
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Somebody a message is for."""
        said = self.rcpt(address)
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(  # noqa: N802 - the server's name for it
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """A message."""
        await asyncio.sleep(self.slow)
        mail = message_from_bytes(envelope.original_content or b"", policy=default)
        assert isinstance(mail, EmailMessage)
        self.taken.append(mail)
        return self.data()

    def to(self, address: str) -> list[str]:
        """The texts that an address was sent."""
        return [mail.get_content().strip() for mail in self.taken if mail["To"] == address]


@dataclass
class Post:
    """A server that listens: its letterbox, and the channel that leads there."""

    box: Letterbox
    server: MailServer


@contextmanager
def post(
    directory: Path,
    *,
    security: str = "tls",
    login: bool = False,
    box: Letterbox | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[Post]:
    """A running server, its certificate signed by an authority of its own."""
    box = box or Letterbox()
    authority = Authority(directory, "mail")
    chain, key = authority.certificate("server")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(chain, key)
    more: dict[str, Any] = {}
    if security == "starttls":
        more = {"tls_context": tls, "require_starttls": True}
    if login:
        more |= {"authenticator": _known, "auth_required": True}
    password = directory / "mail.password"
    password.write_text(PASSWORD + "\n")
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        ssl_context=tls if security == "tls" else None,
        **more,
    )
    controller.start()
    try:
        yield Post(
            box,
            MailServer(
                host="127.0.0.1",
                port=controller.port,
                security=security,  # type: ignore[arg-type]  # one of the three
                sender=SENDER,
                clock=clock,
                user=USER if login else None,
                password_file=password if login else None,
                ca_file=authority.file,
            ),
        )
    finally:
        controller.stop()


def _known(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, said: object
) -> AuthResult:
    assert isinstance(said, LoginPassword)
    known = (said.login, said.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=False)


@contextmanager
def raw(answer: bytes, *, forever: bool = False) -> Iterator[int]:
    """Something that listens, says one thing to whoever comes, over and over if ``forever``, and is no mail server."""

    async def met(
        _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, again: bool
    ) -> None:
        try:
            writer.write(answer)
            while again:
                await asyncio.sleep(0.01)
                writer.write(answer)
                await writer.drain()
            await asyncio.sleep(30)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncio.start_server(partial(met, again=forever), "127.0.0.1", 0)
    )
    yield from _in_a_thread(loop, server)


def _in_a_thread(loop: asyncio.AbstractEventLoop, server: asyncio.Server) -> Iterator[int]:
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:

        def end() -> None:
            server.close()
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.call_later(0.05, loop.stop)

        loop.call_soon_threadsafe(end)
        thread.join(10)
        loop.close()
