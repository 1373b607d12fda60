"""Messages: all that is ever said outside the portal. The same to everybody, whatever there is to tell.

Whoever reads over a shoulder, owns the letter box or runs the channel learns that there is something new, and from the broker.
What it is, about what, from whom, how much and how urgent: none of it can be told here, since nothing of it comes here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tillit.wire import Language

_NEWS: Mapping[Language, tuple[str, str]] = {
    "nb": (
        "Noe nytt i Tillit",
        "Det er noe nytt til deg i Tillit. Logg inn selv på {issuer}",
    ),
    "nn": (
        "Noko nytt i Tillit",
        "Det er noko nytt til deg i Tillit. Logg inn sjølv på {issuer}",
    ),
    "en": (
        "Something new in Tillit",
        "There is something new for you in Tillit. Log in yourself at {issuer}",
    ),
}
_CODE: Mapping[Language, tuple[str, str]] = {
    "nb": (
        "Kode til Tillit",
        "Koden er {code}. Skriv den i Tillit der du ba om den. Har du ikke bedt om noen kode, kan du se bort fra dette.",
    ),
    "nn": (
        "Kode til Tillit",
        "Koden er {code}. Skriv han i Tillit der du bad om han. Har du ikkje bede om nokon kode, kan du sjå bort frå dette.",
    ),
    "en": (
        "Code for Tillit",
        "The code is {code}. Write it in Tillit where you asked for it. If you did not ask for any code, leave it be.",
    ),
}


@dataclass(frozen=True, slots=True)
class Message:
    """A title and one line of text. ``id``: the same when it is sent again, so that who gets both may drop one."""

    id: str
    language: Language
    title: str
    text: str = field(repr=False)


def news(language: Language, *, issuer: str, id: str) -> Message:  # noqa: A002 - the member's name
    """That there is something new. ``issuer``: the portal's address; no link to anything in it, and none that logs in."""
    title, text = _NEWS[language]
    return Message(id, language, title, text.format(issuer=issuer))


def code(language: Language, *, code: str, id: str) -> Message:  # noqa: A002 - the member's name
    """The code that shows that an address is the subject's: good for nothing but that, and only where they are logged in."""
    title, text = _CODE[language]
    return Message(id, language, title, text.format(code=code))
