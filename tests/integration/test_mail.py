"""E-mail through a real SMTP server: TLS checked, bounded, and every answer of a server's understood as what it is."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from broker.channels.folder import MARK, Folder
from broker.channels.mail import MailServer
from broker.domain.messages import Message, code, news
from broker.errors import AddressBusy, AddressRefused, ChannelDown
from tests.house import START
from tests.mail import PASSWORD, SENDER, Letterbox, post, raw
from tests.processes import free_port

EMIL = "emil@example.no"
NEWS: Message = news("nb", issuer="https://tillit.test", id="msg_1")


@pytest.mark.parametrize(
    ("security", "login"),
    [("tls", False), ("starttls", False), ("starttls", True), ("none", False)],
)
def test_a_message_arrives(tmp_path: Path, security: str, login: bool) -> None:
    """By TLS from the first byte, by STARTTLS, or on this machine; with a password where the server wants one."""
    with post(tmp_path, security=security, login=login, clock=lambda: START) as there:
        there.server.send(NEWS, to=EMIL)
    (mail,) = there.box.taken
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, EMIL, NEWS.title)
    assert mail.get_content().strip() == NEWS.text
    assert mail["Message-ID"] == "<msg_1@tillit.test>"
    assert mail["Auto-Submitted"] == "auto-generated"
    told = {"From", "To", "Subject", "Date", "Message-ID", "Content-Language", "Auto-Submitted"}
    assert {name for name in mail if not name.startswith("X-")} - told == {
        "Content-Type",
        "Content-Transfer-Encoding",
        "MIME-Version",
    }


def test_a_server_that_cannot_show_who_it_is_gets_nothing(tmp_path: Path) -> None:
    """Its certificate is of an authority that nobody here believes."""
    with post(tmp_path) as there:
        with pytest.raises(ChannelDown):
            replace(there.server, ca_file=None).send(NEWS, to=EMIL)
        with pytest.raises(ChannelDown):
            replace(there.server, host="localhost").send(NEWS, to=EMIL)
    assert there.box.taken == []


def test_plain_text_is_never_fallen_back_to(tmp_path: Path) -> None:
    """Somebody on the way who takes STARTTLS out of what the server says gets no message."""
    with post(tmp_path, security="none") as there:
        for security in ("starttls", "tls"):
            with pytest.raises(ChannelDown):
                replace(there.server, security=security).send(NEWS, to=EMIL)
    assert there.box.taken == []


def test_a_wrong_password_is_the_channels_fault(tmp_path: Path) -> None:
    """The operator mends it, and the message is sent then; the password is read anew for each."""
    with post(tmp_path, security="starttls", login=True) as there:
        file = tmp_path / "mail.password"
        file.write_text("another")
        with pytest.raises(ChannelDown) as down:
            there.server.send(NEWS, to=EMIL)
        assert "another" not in repr(down.value)
        file.write_text(PASSWORD)
        there.server.send(NEWS, to=EMIL)
    assert there.box.to(EMIL) == [NEWS.text]


@pytest.mark.parametrize(
    ("said", "raised"),
    [
        ("550 5.1.1 no such user emil@example.no", AddressRefused),
        ("553 what is that", AddressRefused),
        ("550 5.7.1 relaying denied for emil@example.no", AddressBusy),
        ("554 go away", AddressBusy),
        ("450 4.2.0 greylisted", AddressBusy),
        ("452 4.2.2 mailbox full", AddressBusy),
    ],
)
def test_what_a_server_says_of_an_address(
    tmp_path: Path, said: str, raised: type[Exception]
) -> None:
    """Only who says that there is no such mailbox is believed for good; what it says is not repeated."""
    with (
        post(tmp_path, box=Letterbox(rcpt=lambda _: said)) as there,
        pytest.raises(raised) as refused,
    ):
        there.server.send(NEWS, to=EMIL)
    assert there.box.taken == []
    assert EMIL not in repr(refused.value)


def test_a_message_that_is_not_taken_is_tried_again(tmp_path: Path) -> None:
    """A full disk, a filter in a bad mood."""
    with (
        post(tmp_path, box=Letterbox(data=lambda: "451 4.3.0 later")) as there,
        pytest.raises(AddressBusy),
    ):
        there.server.send(NEWS, to=EMIL)


def test_nobody_listens() -> None:
    """The channel is down, at once."""
    server = MailServer(
        host="127.0.0.1", port=free_port(), security="none", sender=SENDER, clock=lambda: START
    )
    with pytest.raises(ChannelDown):
        server.send(NEWS, to=EMIL)
    with pytest.raises(ChannelDown):
        replace(server, password_file=Path("/nowhere/at/all")).send(NEWS, to=EMIL)


@pytest.mark.parametrize(
    ("answer", "forever"),
    [
        (b"", False),
        (b"220-hello\r\n", True),
        (b"2", True),
        (b"220 " + b"x" * 100_000 + b"\r\n", False),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False),
        (b"\xff\xfe\x00\r\n", False),
    ],
)
def test_whatever_listens_there_it_is_over_soon(answer: bytes, forever: bool) -> None:
    """Silence, a line without an end, lines without an end, something else than a mail server."""
    with raw(answer, forever=forever) as port:
        server = MailServer(
            host="127.0.0.1",
            port=port,
            security="none",
            sender=SENDER,
            clock=lambda: START,
            patience=1.0,
        )
        begun = time.monotonic()
        with pytest.raises(ChannelDown):
            server.send(NEWS, to=EMIL)
        assert time.monotonic() - begun < 8


def test_a_server_that_is_too_slow_is_given_up(tmp_path: Path) -> None:
    """It may have taken the message: it is sent again under the same id."""
    with post(tmp_path, box=Letterbox(slow=1.5)) as there, pytest.raises(ChannelDown):
        replace(there.server, patience=0.8).send(NEWS, to=EMIL)


def test_in_a_demo_messages_lie_in_a_folder(tmp_path: Path) -> None:
    """Marked as sent to nobody; again under the same id is the same message."""
    folder = Folder(tmp_path / "mail")
    for _ in range(2):
        folder.send(NEWS, to=EMIL)
    folder.send(code("nb", code="123456", id="msg_2"), to=EMIL)
    assert sorted(file.name for file in (tmp_path / "mail").iterdir()) == ["msg_1.txt", "msg_2.txt"]
    text = (tmp_path / "mail" / "msg_1.txt").read_text()
    assert text.startswith(MARK)
    assert NEWS.text in text
    (tmp_path / "file").write_text("")
    with pytest.raises(ChannelDown):
        Folder(tmp_path / "file").send(NEWS, to=EMIL)
