"""The portal's words: all of them in each language, and days as each language writes them."""

import re
from datetime import UTC, date, datetime
from functools import cache

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from broker.portal.words import CATALOGUES, NAMES, languages
from tillit.wire import Language

SPOKEN = languages()
TRANSLATED: tuple[Language, ...] = ("nb", "nn")
KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None, "words": None}
PLACE = re.compile(r"%(?:\(\w+\)s)?")
SUMMER_NIGHT = datetime(2026, 7, 31, 22, 30, tzinfo=UTC)
WINTER_MORNING = datetime(2026, 3, 3, 8, 5, tzinfo=UTC)

ONLY_BOKMAL = frozenset(
    {"ikke", "jeg", "hva", "hvem", "hver", "hvor", "hvorfor", "noe", "noen", "fra", "bare", "ble"}
)
ONLY_NYNORSK = frozenset(
    {"ikkje", "eg", "kva", "kven", "kvar", "kor", "kvifor", "noko", "nokon", "frå", "berre", "vart"}
)


@cache
def extracted() -> frozenset[str]:
    """Every message of the code and the templates, found as ``pybabel extract`` finds them."""
    with (CATALOGUES / "babel.ini").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]  # of Babel
    found = extract_from_dir(CATALOGUES.parent, methods, options, KEYWORDS)
    return frozenset(str(message) for _, _, message, _, _ in found)


@cache
def catalogue(language: Language) -> Catalog:
    """What the catalogue of the language holds, obsolete messages too."""
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        return read_po(file, abort_invalid=True)


def messages(language: Language) -> list[Message]:
    """Every message of the catalogue but its header."""
    return [message for message in catalogue(language) if message.id]


def test_messages_are_found_in_code_and_templates() -> None:
    """An extraction that misses a kind of file would leave its words in English without anybody seeing it."""
    assert extracted() >= {"You", "Log in", "%(unit)s was told something about you"}


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_holds_another_message(language: Language) -> None:
    """Two entries that ran together would put an English sentence that is about something else behind a Norwegian one."""
    said = {str(message.id): str(message.string) for message in messages(language)}
    sentences = [message for message in said if message.endswith(".") and " " in message]
    assert [m for m, text in said.items() for other in sentences if other in text] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_in_the_catalogue(language: Language) -> None:
    """A message that is not there would stand in English in the middle of a page."""
    assert sorted(extracted() - {message.id for message in messages(language)}) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_in_the_catalogue_is_said_nowhere(language: Language) -> None:
    """What no page says any more would be kept up for nothing."""
    assert sorted({str(message.id) for message in messages(language)} - extracted()) == []
    assert list(catalogue(language).obsolete) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated(language: Language) -> None:
    """An empty translation shows English, and a fuzzy one is a guess that is shown as if it were none."""
    assert [message.id for message in messages(language) if not message.string] == []
    assert [message.id for message in messages(language) if message.fuzzy] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_places_of_their_message(language: Language) -> None:
    """A place that is lost leaves out who or when; one too many, or a bare per cent, breaks the page."""
    differing = [
        message.id
        for message in messages(language)
        if sorted(PLACE.findall(str(message.id))) != sorted(PLACE.findall(str(message.string)))
    ]
    assert differing == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogues_say_whose_language_they_are(language: Language) -> None:
    """A translator's tools go by the header; two catalogues that are mixed up look whole in every other way."""
    assert catalogue(language).locale_identifier == language
    assert catalogue(language).charset == "utf-8"


@pytest.mark.parametrize(("language", "other"), [("nb", ONLY_NYNORSK), ("nn", ONLY_BOKMAL)])
def test_neither_norwegian_has_the_words_of_the_other(
    language: Language, other: frozenset[str]
) -> None:
    """Who reads Nynorsk is owed Nynorsk, not what was pasted from the neighbour."""
    found = {
        message.string: words
        for message in messages(language)
        if (words := other & set(re.findall(r"\w+", str(message.string).lower())))
    }
    assert found == {}


def test_every_language_compiles_and_speaks() -> None:
    """The portal starts with all of its languages, each saying the same in its own words."""
    assert list(NAMES) == list(SPOKEN)
    assert {language: words("Log out everywhere") for language, words in SPOKEN.items()} == {
        "nb": "Logg ut overalt",
        "nn": "Logg ut overalt",
        "en": "Log out everywhere",
    }
    assert {language: words("Who") for language, words in SPOKEN.items()} == {
        "nb": "Hvem",
        "nn": "Kven",
        "en": "Who",
    }


@pytest.mark.parametrize("language", NAMES)
def test_every_message_can_be_filled_in(language: Language) -> None:
    """What is shown has the parts in it, whatever characters they have."""
    for message in extracted():
        names = re.findall(r"%\((\w+)\)s", message)
        said = SPOKEN[language](message, **dict.fromkeys(names, "100 % Ås"))
        assert said.count("100 % Ås") == len(names)


@pytest.mark.parametrize(
    ("language", "day", "time"),
    [
        ("nb", "1. august 2026", "1. august 2026 kl. 00:30"),
        ("nn", "1. august 2026", "1. august 2026 kl. 00:30"),
        ("en", "1 August 2026", "1 August 2026, 00:30"),
    ],
)
def test_days_and_times_are_written_as_the_language_does(
    language: Language, day: str, time: str
) -> None:
    """Times are Norway's: what is still July in UTC is August for who reads it."""
    words = SPOKEN[language]
    assert (words.day(SUMMER_NIGHT), words.time(SUMMER_NIGHT)) == (day, time)


@pytest.mark.parametrize("language", NAMES)
def test_clocks_follow_winter_and_summer(language: Language) -> None:
    """A meeting is at the hour that the clock on the wall shows."""
    words = SPOKEN[language]
    assert words.clock(WINTER_MORNING) == "09:05"
    assert words.clock(SUMMER_NIGHT) == "00:30"


@pytest.mark.parametrize(
    ("language", "written"),
    [("nb", "3. mars 2026"), ("nn", "3. mars 2026"), ("en", "3 March 2026")],
)
def test_days_without_a_time_stay_on_their_day(language: Language, written: str) -> None:
    """A date that knows no hour is not moved by any clock."""
    assert SPOKEN[language].day(date(2026, 3, 3)) == written


@pytest.mark.parametrize(
    ("language", "called"),
    [
        ("nb", ["somali", "norsk bokmål", "xx"]),
        ("nn", ["somali", "norsk bokmål", "xx"]),
        ("en", ["Somali", "Norwegian Bokmål", "xx"]),
    ],
)
def test_languages_are_called_by_name(language: Language, called: list[str]) -> None:
    """Nobody says that they speak nb."""
    assert [SPOKEN[language].tongue(code) for code in ("so", "nb", "xx")] == called


@pytest.mark.parametrize(
    ("language", "three"),
    [
        ("nb", "Nav, skolen og BUP"),
        ("nn", "Nav, skolen og BUP"),
        ("en", "Nav, skolen and BUP"),
    ],
)
def test_things_are_listed_as_the_language_does(language: Language, three: str) -> None:
    """Several services read as one sentence; one alone, or none, needs no word between."""
    listed = SPOKEN[language].listed
    assert listed(["Nav", "skolen", "BUP"]) == three
    assert (listed(["Nav"]), listed([])) == ("Nav", "")
