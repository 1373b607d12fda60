"""Retention: which epoch an entry's content belongs to, and when that epoch is over.

The rules are data (``retention.toml`` beside this module): a class for each type of entry, months
for each class. An epoch is a class and a month (UTC), named as ``tillit.contents`` has it.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

AHEAD = 2
"""So many months after this one have their keys already: the log writes on while the custodian is away."""

_YEAR = 12


@dataclass(frozen=True, slots=True)
class Rules:
    """Months kept by class, class by prefix of a type, and the class of all other types."""

    months: Mapping[str, int]
    prefixes: Mapping[str, str]
    default: str
    _classes: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def class_of(self, type_: str) -> str:
        """The class of a type of entry, by the longest prefix of whole words that is named."""
        found = self._classes.get(type_)
        if found is None:
            words = type_.split(".")
            prefixes = (".".join(words[:n]) for n in range(len(words), 0, -1))
            found = next((self.prefixes[p] for p in prefixes if p in self.prefixes), self.default)
            self._classes[type_] = found
        return found

    def epoch_of(self, type_: str, at: datetime) -> str:
        """The epoch that an entry of this type and time belongs to."""
        return _named(self.class_of(type_), _month(at))

    def ends(self, epoch: str) -> datetime | None:
        """When an epoch is over; None for a class that these rules do not know: it is kept."""
        kept = self.months.get(epoch[:-8])
        if kept is None:
            return None
        year, month = int(epoch[-7:-3]), int(epoch[-2:])
        return _start(year * _YEAR + month + kept)

    def is_over(self, epoch: str, now: datetime) -> bool:
        """Whether the epoch's time is out."""
        ends = self.ends(epoch)
        return ends is not None and ends <= now

    def ahead(self, now: datetime) -> tuple[str, ...]:
        """The epochs that are written in now, and those that come after them."""
        first = _month(now)
        return tuple(
            _named(kind, month)
            for month in range(first, first + AHEAD + 1)
            for kind in sorted(self.months)
        )


@cache
def rules() -> Rules:
    """The rules of this release."""
    return read(files("audit").joinpath("retention.toml").read_text("utf-8"))


def read(text: str) -> Rules:
    """Rules from TOML. Raises ValueError for what does not add up: a retention is not guessed."""
    data = tomllib.loads(text)
    months = {name: kept["months"] for name, kept in data["classes"].items()}
    prefixes = {prefix: kind for kind, named in data["types"].items() for prefix in named}
    if len(prefixes) != sum(map(len, data["types"].values())):
        raise ValueError("a type stands in two classes")
    if not {data["default"], *prefixes.values()} <= months.keys():
        raise ValueError("a class without its months")
    if not all(type(kept) is int and kept > 0 for kept in months.values()):
        raise ValueError("months are whole and more than none")
    return Rules(months, prefixes, data["default"])


def _month(at: datetime) -> int:
    """Months since the year 0."""
    utc = at.astimezone(UTC)
    return utc.year * _YEAR + utc.month - 1


def _named(kind: str, month: int) -> str:
    return f"{kind}-{month // _YEAR:04d}-{month % _YEAR + 1:02d}"


def _start(month: int) -> datetime:
    """The first moment of a month."""
    return datetime(month // _YEAR, month % _YEAR + 1, 1, tzinfo=UTC)
