"""Wording: what a consent says, in the plain words that are shown, read out and hashed (N20)."""

from collections.abc import Iterable
from datetime import UTC, datetime

from broker.domain.catalogue import Catalogue
from broker.domain.grants import Grant
from tillit.wire import Language

_LINE = {
    "nb": "{source} kan dele {what} med {recipient}, for å {why}.{when}{also}{special}",
    "nn": "{source} kan dele {what} med {recipient}, for å {why}.{when}{also}{special}",
    "en": "{source} may share {what} with {recipient}, to {why}.{when}{also}{special}",
}
_WHEN = {
    "nb": {
        "standing": "",
        "once": " Bare én gang.",
        "meeting": " Bare til ett møte.",
        "until_event": " Bare til {event}.",
    },
    "nn": {
        "standing": "",
        "once": " Berre éin gong.",
        "meeting": " Berre til eitt møte.",
        "until_event": " Berre til {event}.",
    },
    "en": {
        "standing": "",
        "once": " Only once.",
        "meeting": " For one meeting only.",
        "until_event": " Only until {event}.",
    },
}
_ALSO = {
    "nb": {
        "ask_me_first": " Du blir spurt først hver gang.",
        "only_when_present": " Bare når du er med og sier ja der og da.",
    },
    "nn": {
        "ask_me_first": " Du blir spurd først kvar gong.",
        "only_when_present": " Berre når du er med og seier ja der og då.",
    },
    "en": {
        "ask_me_first": " You are asked first each time.",
        "only_when_present": " Only when you are there and say yes then.",
    },
}
_SPECIAL = {
    "nb": " Dette er ekstra følsomt og trenger et eget ja.",
    "nn": " Dette er ekstra kjenslevart og treng eit eige ja.",
    "en": " This is especially sensitive and needs a yes of its own.",
}
_WHOLE = {
    "nb": (
        "Det vi spør om:\n\n{lines}\n\nDu svarer ja eller nei på hver linje. Du trenger ikke"
        " si hvorfor, og et nei får ingen følger for deg. Gjelder til {until}. Du kan når som helst"
        " sette det på pause eller trekke det tilbake."
    ),
    "nn": (
        "Det vi spør om:\n\n{lines}\n\nDu svarer ja eller nei på kvar linje. Du treng ikkje"
        " seie kvifor, og eit nei får ingen følgjer for deg. Gjeld til {until}. Du kan når som"
        " helst setje det på pause eller trekkje det tilbake."
    ),
    "en": (
        "What we ask for:\n\n{lines}\n\nYou answer yes or no to each line. You need not say"
        " why, and a no has no consequences for you. Valid until {until}. You may pause it or take"
        " it back at any time."
    ),
}

_FAMILY = {
    "nb": (
        "Vi spør deg om noe som er skrevet om deg. Det står i saken til en ungdom i familien din."
        " Linjene er skrevet til ungdommen.\n\n"
    ),
    "nn": (
        "Vi spør deg om noko som er skrive om deg. Det står i saka til ein ungdom i familien din."
        " Linjene er skrivne til ungdommen.\n\n"
    ),
    "en": (
        "We ask you about something that is written about you. It stands in the case of a youth in"
        " your family. The lines are written to the youth.\n\n"
    ),
}


def line_text(grant: Grant, catalogue: Catalogue, language: Language) -> str:
    """One line in plain words: who gives whom what, and why."""
    what = _lower(catalogue.text("category", grant.category, language))
    if names := grant.fields or grant.covers:
        fields = (_lower(catalogue.text("field", name, language)) for name in names)
        what += f" ({', '.join(fields)})"
    return _LINE[language].format(
        source=catalogue.text("unit", grant.source, language),
        recipient=catalogue.text("unit", grant.recipient, language),
        what=what,
        why=_lower(catalogue.text("purpose", grant.purpose, language)),
        when=_WHEN[language][grant.condition.kind].format(
            event=catalogue.text("event", grant.condition.event or "", language)
        ),
        also=_ALSO[language][also] if (also := grant.condition.also) else "",
        special=_SPECIAL[language] if grant.special else "",
    )


def consent_text(
    grants: Iterable[Grant],
    catalogue: Catalogue,
    language: Language,
    *,
    until: datetime,
    family: bool = False,
) -> str:
    """The whole text: every line by its number, until when, and what the subject may do.

    ``family``: it is a member of the youth's family who reads it.

    The date is the UTC one: never later than the day on which the consent ends in Norway.
    """
    lines = "\n".join(
        f"{grant.id.removeprefix('g')}. {line_text(grant, catalogue, language)}" for grant in grants
    )
    before = _FAMILY[language] if family else ""
    return before + _WHOLE[language].format(lines=lines, until=f"{until.astimezone(UTC):%d.%m.%Y}")


def _lower(label: str) -> str:
    """A label inside a sentence; an abbreviation keeps its capitals."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]
