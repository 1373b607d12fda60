"""Messages: whoever reads one learns that there is something new, and nothing else."""

import re
from pathlib import Path
from typing import get_args

import pytest

from broker.channels.mail import MailServer, written
from broker.domain.messages import Message, code, news
from broker.engine import bundle
from broker.portal.telling import CONTACTS, HELPERS, NOTICES
from tests.house import START
from tillit.wire import Language

ISSUER = "https://tillit.example"
SERVER = MailServer(
    host="mail.example",
    port=465,
    security="tls",
    sender="tillit@tillit.example",
    clock=lambda: START,
    password_file=Path("never read"),
)
LANGUAGES: tuple[Language, ...] = get_args(Language)
KINDS = sorted({*NOTICES, *HELPERS, *CONTACTS})


def sent(message: Message) -> bytes:
    """What passes over the wire."""
    return written(message, SERVER, "emil@example.no").as_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_says_the_same(language: Language) -> None:
    """The function takes no notice: two of them differ in the id alone, which is as long and random."""
    first, second = (news(language, issuer=ISSUER, id=f"msg_{n * 22}") for n in "ab")
    assert (first.title, first.text) == (second.title, second.text)
    assert len(sent(first)) == len(sent(second))
    assert sent(first).replace(b"a" * 22, b"b" * 22) == sent(second)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_names_nobody_and_nothing(language: Language) -> None:
    """No service, field, purpose or collaboration that there is, no number, and no kind of notice."""
    message = news(language, issuer=ISSUER, id="msg_1")
    said = f"{message.title} {message.text}"
    catalogue = bundle.load().catalogue
    assert not re.search(r"[0-9]", said)
    names = {
        catalogue.text(kind, name, language).lower()  # type: ignore[arg-type]  # of these kinds
        for kind, known in (
            ("unit", catalogue.units),
            ("field", catalogue.fields),
            ("purpose", catalogue.purposes),
            ("category", catalogue.categories),
        )
        for name in known
    }
    assert len(names) > 50
    assert not [name for name in names if name in said.lower()]
    assert not [kind for kind in KINDS if kind in said]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_has_one_address_which_logs_nobody_in(language: Language) -> None:
    """The portal's own, as everybody knows it: no path, no query, nothing that is anybody's."""
    text = news(language, issuer=ISSUER, id="msg_1").text
    assert re.findall(r"\S*://\S*", text) == [ISSUER]
    assert text.endswith(ISSUER)
    assert "\n" not in text


def test_each_language_has_words_of_its_own() -> None:
    """In the person's language, not in the administration's."""
    assert len({news(n, issuer=ISSUER, id="msg_1").text for n in LANGUAGES}) == len(LANGUAGES)
    assert len({code(n, code="123456", id="msg_1").text for n in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_says_where_it_is_good_and_stays_out_of_what_is_printed(language: Language) -> None:
    """It comes to where the person asked for it, so there is no address to follow."""
    message = code(language, code="012345", id="msg_1")
    assert "012345" in message.text
    assert "://" not in message.text
    assert "012345" not in repr(message)
    assert "://" not in repr(news(language, issuer=ISSUER, id="msg_1"))
