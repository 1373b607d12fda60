"""Text messages and the public contact register, by Altinn's notifications as they are documented."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import Response
from joserfc.jwk import ECKey

from broker.channels import asking
from broker.channels.altinn import Platform
from broker.channels.maskinporten import token_in
from broker.compose import now
from broker.domain.messages import news
from broker.errors import AddressBusy, AddressRefused, ChannelDown
from tests.altinn import Desk, desk
from tests.house import EMIL
from tests.mail import raw
from tests.processes import free_port

NEWS = news("nb", issuer="https://tillit.test", id="msg_1")
PHONE = "+4790000000"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Maskinporten and Altinn."""
    with desk(tmp_path_factory.mktemp("altinn")) as running:
        yield running


@pytest.fixture
def there(both: Desk) -> Iterator[Desk]:
    """The same, with nothing ordered yet."""
    fresh = Platform(
        both.office.issuer, maskinporten=both.maskinporten, clock=both.maskinporten.clock
    )
    both.office.orders.clear()
    both.office.unreachable.clear()
    yield replace(both, platform=fresh)
    both.office.answer = lambda: None


def test_a_text_message_is_ordered(there: Desk) -> None:
    """To the number, with what everybody is told and nothing else."""
    there.sms.send(NEWS, to=PHONE)
    assert there.office.orders == {
        "msg_1": {
            "idempotencyId": "msg_1",
            "sendersReference": "msg_1",
            "recipient": {
                "recipientSms": {
                    "phoneNumber": PHONE,
                    "smsSettings": {"body": NEWS.text, "sendingTimePolicy": "Anytime"},
                }
            },
        }
    }


def test_who_is_known_by_number_alone_is_told_at_what_they_told_the_register(there: Desk) -> None:
    """The broker gives the number and knows no address; a reservation is respected."""
    there.register.send(NEWS, to=EMIL)
    (order,) = there.office.orders.values()
    person = order["recipient"]["recipientPerson"]
    assert (person["nationalIdentityNumber"], person["ignoreReservation"]) == (EMIL, False)
    assert person["emailSettings"]["subject"] == NEWS.title
    assert person["emailSettings"]["body"] == person["smsSettings"]["body"] == NEWS.text


def test_a_message_that_is_ordered_again_is_one_order(there: Desk) -> None:
    """What was sent and not noted is told once, by the id that it keeps."""
    for _ in range(3):
        there.sms.send(NEWS, to=PHONE)
    assert len(there.office.orders) == 1


def test_a_token_serves_for_a_while_and_is_asked_for_anew_when_it_is_refused(there: Desk) -> None:
    """One grant for many messages; each grant is good once."""
    before = there.office.given
    for _ in range(3):
        there.sms.send(NEWS, to=PHONE)
    assert there.office.given == before + 1
    there.office.open.clear()
    with pytest.raises(ChannelDown):
        there.sms.send(NEWS, to=PHONE)
    there.sms.send(NEWS, to=PHONE)
    assert there.office.given == before + 2


def test_a_grant_is_signed_with_either_kind_of_key(tmp_path: Path) -> None:
    """RSA as Maskinporten documents it; an elliptic curve where it takes one."""
    with desk(tmp_path, ECKey.generate_key("P-256", auto_kid=True)) as there:
        there.sms.send(NEWS, to=PHONE)
        assert there.office.given == 1


@pytest.mark.parametrize("key", ["", "{", '{"kty": "oct", "k": "AAAA"}', "[]"])
def test_without_its_key_nothing_is_sent(there: Desk, tmp_path: Path, key: str) -> None:
    """It is a fault of the channel, and says nothing of what lies in the file."""
    file = tmp_path / "key"
    file.write_text(key)
    for path in (file, tmp_path / "nothing"):
        broken = replace(there.maskinporten, key_file=path)
        with pytest.raises(ChannelDown) as down:
            broken.token("scope")
        assert "AAAA" not in repr(down.value)


def test_a_client_that_maskinporten_does_not_know_gets_no_token(there: Desk) -> None:
    """The operator mends it; what is due stays due."""
    with pytest.raises(ChannelDown):
        replace(there.maskinporten, client="somebody").token(
            "altinn:serviceowner/notifications.create"
        )


@pytest.mark.parametrize("said", [None, 7, "", "a b", "a\nb", "blåbær", "x" * 9000])
def test_what_is_no_token_is_put_in_no_header(said: object) -> None:
    """Whoever answers cannot write further headers."""
    with pytest.raises(ChannelDown):
        token_in(said)


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, AddressBusy),
        (401, ChannelDown),
        (403, ChannelDown),
        (429, ChannelDown),
        (500, ChannelDown),
        (302, ChannelDown),
    ],
)
def test_what_altinn_answers(there: Desk, status: int, raised: type[Exception]) -> None:
    """Tried again; an order that it does not understand holds up nobody else's."""
    there.office.answer = lambda: Response(EMIL, status)
    with pytest.raises(raised) as said:
        there.register.send(NEWS, to=EMIL)
    assert EMIL not in repr(said.value)


def test_whom_the_register_cannot_reach_is_told_in_the_portal(there: Desk) -> None:
    """No address there, or none that they want to be told at: it is not tried for ever."""
    there.office.unreachable.add(EMIL)
    with pytest.raises(AddressRefused):
        there.register.send(NEWS, to=EMIL)


def test_an_exchange_that_is_refused_is_the_channels_fault(there: Desk) -> None:
    """A token that is no good for Altinn."""
    elsewhere = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ChannelDown):
        Platform(elsewhere, maskinporten=there.maskinporten, clock=now).order({}, id="msg_1")
    nowhere = Platform(
        f"{there.office.issuer}nothing/there", maskinporten=there.maskinporten, clock=now
    )
    with pytest.raises(ChannelDown):
        nowhere.order({}, id="msg_1")


def test_a_token_endpoint_that_says_something_else(there: Desk) -> None:
    """No JSON, or none with a token in it."""
    for body in (b"{}", b"[]", b"nothing", json.dumps({"access_token": 7}).encode()):
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        with raw(head + body) as port:
            other = replace(there.maskinporten, issuer=f"http://127.0.0.1:{port}/")
            with pytest.raises(ChannelDown):
                other.token("scope")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100,
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n"
        + b"x" * (asking.MAX_ANSWER_BYTES + 1),
        b"220 not http\r\n",
    ],
)
def test_an_answer_is_bounded(answer: bytes) -> None:
    """In size, in time, and in what it may be."""
    with raw(answer, forever=True) as port, pytest.raises(ChannelDown):
        asking.ask("GET", f"http://127.0.0.1:{port}/", patience=0.5)
