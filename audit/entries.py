"""Entries: what is written to the log, and the promise that is given for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit.facets import Facets


@dataclass(frozen=True, slots=True)
class Entry:
    """One event; only a salted commitment to ``content`` goes into the tree.

    ``type`` is public (lower case words joined by dots, at most 64 characters). ``at`` is aware.
    ``content`` is JSON. ``subject`` is whose erasure takes ``content`` with it, None when it is
    about nobody. ``facets`` are what it is found by: words of the catalogue, never anybody's.
    """

    type: str
    at: datetime
    content: Mapping[str, Any]
    subject: str | None = None
    facets: Facets = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Promised:
    """The log's word that the leaf will stand in its tree; with the content, it gives the leaf."""

    origin: str
    at: datetime
    salt: bytes
    leaf_hash: bytes
