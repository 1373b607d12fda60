"""Codes: what the catalogue has as codes (values to choose from, parts of a value, roles), in the words that stand there.

A code that the catalogue has no words for stands as it is, with spaces: it is never left out, and never guessed at.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any, Literal

from broker.domain.catalogue import Catalogue
from broker.portal.words import Words

MOST_LISTED = 40


def role_of(code: str, words: Words, catalogue: Catalogue) -> str:
    """What somebody works as."""
    return _said("role", code, words, catalogue)


def in_words(
    value: Any, schema: Mapping[str, Any], words: Words, catalogue: Catalogue
) -> Iterator[str]:
    """What a value says, a line each: at most so many as a page holds.

    Whatever a source wrote, also where it is not of the field's schema: that is then shown as it stands.
    """
    match value:
        case bool():
            yield words("yes") if value else words("no")
        case int() | float():
            yield words.share(value) if schema.get("maximum") == 1 else words.number(value)
        case Mapping():
            parts = schema.get("properties", {})
            for name, part in islice(value.items(), MOST_LISTED):
                label = _said("value", name, words, catalogue) if name in parts else name
                yield f"{label}: {' · '.join(in_words(part, parts.get(name, {}), words, catalogue))}"
        case list() | tuple():
            for part in value[:MOST_LISTED]:
                yield " · ".join(in_words(part, schema.get("items", {}), words, catalogue))
        case str() if "enum" in schema:
            yield _said("value", value, words, catalogue)
        case str() if schema.get("format") == "date":
            yield _day(value, words)
        case _:
            yield "-" if value is None else str(value)


def _day(value: str, words: Words) -> str:
    try:
        return words.day(date.fromisoformat(value))
    except ValueError:
        return value


def _said(kind: Literal["value", "role"], code: str, words: Words, catalogue: Catalogue) -> str:
    said = catalogue.text(kind, code, words.language)
    return code.replace("_", " ") if said == code else said
