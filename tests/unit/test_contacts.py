"""Contacts: what is an address, and how one comes to be told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.contacts import (
    CODE_LASTS,
    LEASE,
    MOST_TRIES,
    QUIET,
    Contact,
    address_of,
)
from broker.domain.errors import AddressUnlike
from broker.domain.ids import ContactId, SubjectId
from tillit.wire import Channel

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=3)
ASKED = Contact(
    id=ContactId("ctc_1"),
    subject=SubjectId("sub_1"),
    version=1,
    channel="email",
    language="nb",
    asked_at=NOW,
    code_until=NOW + CODE_LASTS,
    try_at=NOW,
)
TOLD = ASKED.confirm(at=NOW)


@pytest.mark.parametrize(
    ("channel", "written", "address"),
    [
        ("email", "emil@example.no", "emil@example.no"),
        ("email", " Emil.O'Brien+tillit@Skole.Larvik.NO ", "Emil.O'Brien+tillit@skole.larvik.no"),
        ("email", "a@xn--blbr-roah.no", "a@xn--blbr-roah.no"),
        ("sms", "900 00 000", "+4790000000"),
        ("sms", "41-23-45-67", "+4741234567"),
        ("sms", "+46 (70) 123.45.67", "+46701234567"),
        ("register", "158911 50008", "15891150008"),
    ],
)
def test_an_address_is_kept_as_it_is_sent_to(channel: Channel, written: str, address: str) -> None:
    """However people write it; of an e-mail address only the part that is the same in any letters."""
    assert address_of(channel, written) == address
    assert address_of(channel, address) == address


@pytest.mark.parametrize(
    ("channel", "written"),
    [
        ("email", "emil"),
        ("email", "emil@localhost"),
        ("email", "emil@example.no\r\nBcc: all@example.no"),
        ("email", "emil@example.no\n"),
        ("email", "emil@example.no, sara@example.no"),
        ("email", '"emil b"@example.no'),
        ("email", "Emil <emil@example.no>"),
        ("email", "emil@[127.0.0.1]"),
        ("email", "emil@127.0.0.1"),
        ("email", ".emil@example.no"),
        ("email", "emil..b@example.no"),
        ("email", "emil@-example.no"),
        ("email", "emil@exa mple.no"),
        ("email", "blåbær@example.no"),
        ("email", "emil\x00@example.no"),
        ("email", "=?utf-8?q?sara=40example.no=2C?=@example.no"),
        ("email", "=?utf-8?q?emil=0D=0ABcc?=@example.no"),
        ("email", "emil.=?utf-8?q?emil?=@example.no"),
        ("email", f"{'e' * 65}@example.no"),
        ("email", f"{'e' * 64}@{'.'.join(['e' * 60] * 4)}.no"),
        ("sms", "22 22 22 22"),
        ("sms", "+47900"),
        ("sms", "90000000\r\n"),
        ("sms", "٩٠٠٠٠٠٠٠"),
        ("register", "1589115000"),
        ("register", "١٥٨٩١١٥٠٠٠٨"),
    ],
)
def test_what_is_no_address_is_refused(channel: Channel, written: str) -> None:
    """Above all what would become a header, a second recipient, or a place inside our own walls."""
    with pytest.raises(AddressUnlike):
        address_of(channel, written)


@given(st.text(max_size=40), st.sampled_from(["email", "sms", "register"]))
def test_no_address_holds_what_ends_a_line(written: str, channel: Channel) -> None:
    """Whatever is written: what comes out is one word of plain characters."""
    try:
        address = address_of(channel, written)
    except AddressUnlike:
        return
    assert address.isascii()
    assert address.isprintable()
    assert " " not in address


def test_a_contact_waits_for_its_code_for_a_while() -> None:
    """And is over then, whoever comes with it."""
    assert ASKED.standing(NOW) == "waiting"
    assert ASKED.standing(ASKED.code_until) == "over"
    assert not ASKED.may_be_tried(ASKED.code_until)
    with pytest.raises(ValueError, match="waits for no code"):
        ASKED.confirm(at=ASKED.code_until)


def test_a_code_is_tried_a_few_times() -> None:
    """Six digits are guessed by whoever may try for ever."""
    tried = ASKED
    for number in range(MOST_TRIES):
        tried = tried.try_code(at=NOW)
        assert tried.tries == number + 1
    assert not tried.may_be_tried(NOW)
    with pytest.raises(ValueError, match="no code"):
        tried.try_code(at=NOW)


def test_a_confirmed_contact_stands_until_it_ends() -> None:
    """It is confirmed once and ends once."""
    assert (TOLD.standing(NOW), TOLD.version) == ("confirmed", 2)
    assert TOLD.standing(NOW + timedelta(days=900)) == "confirmed"
    with pytest.raises(ValueError, match="not confirmed"):
        TOLD.confirm(at=SOON)
    ended = TOLD.end(at=SOON)
    assert (ended.standing(SOON), ended.ended_at) == ("over", SOON)
    with pytest.raises(ValueError, match="ended"):
        ended.end(at=SOON)


def test_a_message_keeps_its_id_until_it_is_handed_on() -> None:
    """However often it is tried: who gets it twice can tell."""
    begun = TOLD.begin("msg_1", at=NOW)
    assert (begun.message, begun.try_at) == ("msg_1", NOW + LEASE)
    waits = begun.postponed(at=SOON, wait=timedelta(minutes=1))
    assert (waits.failures, waits.try_at) == (1, SOON + timedelta(minutes=1))
    again = waits.begin("msg_2", at=SOON)
    assert again.message == "msg_1"
    told = again.told(at=SOON)
    assert (told.message, told.failures, told.sent_at) == (None, 0, SOON)
    assert told.begin("msg_3", at=SOON).message == "msg_3"


def test_after_news_it_is_quiet_for_a_while_and_after_a_code_it_is_not() -> None:
    """Nobody is sent a hundred messages because a service asks a hundred times."""
    assert TOLD.told(at=SOON).try_at == SOON + QUIET
    assert ASKED.told(at=SOON).try_at == SOON


def test_what_must_be_told_at_once_does_not_wait_for_the_quiet() -> None:
    """What is on its way by then is told anyway, and is not begun a second time."""
    quiet = TOLD.told(at=NOW)
    assert quiet.unquiet(at=SOON).try_at == SOON
    assert TOLD.unquiet(at=SOON).try_at == NOW
    begun = TOLD.begin("msg_1", at=NOW)
    assert begun.unquiet(at=SOON) == begun


def test_a_contact_is_told_in_the_language_that_is_read_now() -> None:
    """And is the same contact."""
    spoken = TOLD.speaking("en")
    assert (spoken.language, spoken.version) == ("en", 3)
    assert replace(spoken, language="nb", version=2) == TOLD


def test_a_refused_address_is_left_alone() -> None:
    """What was on its way there is not kept for another."""
    refused = TOLD.begin("msg_1", at=NOW).refuse(at=SOON)
    assert (refused.refused_at, refused.message) == (SOON, None)
    assert refused.standing(SOON) == "confirmed"
    assert replace(refused, version=2, try_at=NOW, refused_at=None) == TOLD
