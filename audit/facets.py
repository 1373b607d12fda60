"""Facets: what entries are searched by, beside their type and time; never a person, never an actor.

An entry carries its facets as one JSON column, so that writing it stays one statement;
``audit.spreading`` makes them searchable afterwards. *They are not under the tree*: a leaf commits
to type, time and content, so that receipts and witnesses know nothing of facets. Whoever may read
the content derives them again and compares.
"""

import json
import re
from collections.abc import Mapping

from audit.errors import EntryInvalid
from tillit.wire.auditing import FacetKind

TYPE = "type"
"""Not a kind that an entry names: its leaf says it."""

KINDS: tuple[FacetKind, ...] = (
    "service",
    "purpose",
    "outcome",
    "ground",
    "collaboration",
    "reason",
)
MAX_WORDS = 1000
MAX_WORD_CHARS = 80

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_RANDOM_ID = re.compile(r"[a-z]{3}_[A-Za-z0-9_-]{22}", re.ASCII)
_ELEVEN_DIGITS = re.compile(r"\d{11}")

Facets = Mapping[str, tuple[str, ...]]
"""Kind → words, each once."""


def packed(facets: Facets) -> str | None:
    """The column's text, None when there are no facets.

    Raises ``EntryInvalid`` for a kind that is none, a word out of bounds, and what has the form of
    one of our random ids or of a national identity number: those could only be somebody's.
    """
    if not facets:
        return None
    for kind, words in facets.items():
        if kind not in KINDS or not 0 < len(words) == len(set(words)) <= MAX_WORDS:
            raise EntryInvalid("a facet of no such kind, or with no, too many or repeated words")
        if not all(map(is_word, words)):
            raise EntryInvalid("a facet is not a plain word")
    return json.dumps({kind: list(words) for kind, words in facets.items()}, separators=(",", ":"))


def unpacked(column: str | None) -> Facets:
    """The facets in the column's text."""
    return {} if column is None else {k: tuple(v) for k, v in json.loads(column).items()}


def is_word(word: str) -> bool:
    """Whether a facet could have this word."""
    return (
        len(word) <= MAX_WORD_CHARS
        and _WORD.fullmatch(word) is not None
        and not _ELEVEN_DIGITS.search(word)
        and not _RANDOM_ID.fullmatch(word)
    )
