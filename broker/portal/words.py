"""Words: the three languages of the portal, from its message catalogues, and dates as each writes them.

English stands in the code and the templates; ``locale/nb.po`` and ``locale/nn.po`` have the others.
"""

import gettext
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from tillit.wire import Language

CATALOGUES = Path(__file__).parent / "locale"
OSLO: Final = ZoneInfo("Europe/Oslo")
NAMES: Mapping[Language, str] = {"nb": "Bokmål", "nn": "Nynorsk", "en": "English"}
_LOCALES: Mapping[Language, str] = {"nb": "nb_NO", "nn": "nn_NO", "en": "en_GB"}


@dataclass(frozen=True, slots=True)
class Words:
    """One language: what is said in it, and how days and times are written. Times are Norway's."""

    language: Language
    said: gettext.NullTranslations

    def __call__(self, message: str, **parts: object) -> str:
        """A message in this language, its ``%(parts)s`` filled in."""
        text = self.said.gettext(message)
        return text % parts if parts else text

    def day(self, at: date) -> str:
        """A day: 3. mars 2026."""
        local = at.astimezone(OSLO).date() if isinstance(at, datetime) else at
        return format_date(local, "long", locale=_LOCALES[self.language])

    def time(self, at: datetime) -> str:
        """A day and a time on the clock."""
        pattern = "d MMMM y, HH:mm" if self.language == "en" else "d. MMMM y 'kl.' HH:mm"
        return format_datetime(at, pattern, tzinfo=OSLO, locale=_LOCALES[self.language])

    def clock(self, at: datetime) -> str:
        """A time on the clock."""
        return format_time(at, "HH:mm", tzinfo=OSLO, locale=_LOCALES[self.language])

    def number(self, value: float) -> str:
        """A number: 5,5."""
        return format_decimal(
            value,
            locale=_LOCALES[self.language],
            decimal_quantization=False,
            group_separator=False,
        )

    def share(self, value: float) -> str:
        """A part of one, in per cent: 62 %."""
        return format_percent(value, locale=_LOCALES[self.language])

    def tongue(self, code: str) -> str:
        """What a language is called, by its code in ISO 639: somali. What is no such code stands as it is."""
        return str(Locale.parse(_LOCALES[self.language]).languages.get(code, code))

    def listed(self, things: list[str]) -> str:
        """Several things in a row: a, b og c."""
        return format_list(things, locale=_LOCALES[self.language])


def languages() -> Mapping[Language, Words]:
    """Every language of the portal. Raises ``OSError`` where a catalogue is gone."""
    return {
        "nb": Words("nb", _catalogue("nb")),
        "nn": Words("nn", _catalogue("nn")),
        "en": Words("en", gettext.NullTranslations()),
    }


def _catalogue(language: Language) -> gettext.GNUTranslations:
    compiled = BytesIO()
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
