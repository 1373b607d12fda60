"""Results: what the clients hand back, frozen, with personal data kept out of every repr."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NoReturn, Self

from tillit import wire
from tillit.errors import UsageError
from tillit.notes import VerifiedCheckpoint
from tillit.opening import OpenedValue
from tillit.receipts import VerifiedReceipt

_HANDLE = re.compile(r"hdl_[A-Za-z0-9_-]{22}", re.ASCII)
_NATIONAL_ID = re.compile(r"[0-9]{11}", re.ASCII)


class Subject:
    """A youth as this service knows them: its own handle, and the national identity number.

    The number tags values and checks them, and is told by ``reveal`` only: not in ``repr``, not by
    pickling. Make one with ``Client.subject``, or from a handle that was kept; without the number
    the handle does for checks and consents, but no value can be deposited or opened.
    """

    __slots__ = ("_national_id", "handle")

    handle: str
    _national_id: str | None

    def __init__(self, handle: str, *, national_id: str | None = None) -> None:
        """Raises ``UsageError`` (repeating neither) for what is no handle or no eleven digits."""
        if not _HANDLE.fullmatch(handle):
            raise UsageError("a handle begins with hdl_ and comes from Client.subject")
        if national_id is not None and not _NATIONAL_ID.fullmatch(national_id):
            raise UsageError("a national identity number has eleven digits")
        object.__setattr__(self, "handle", handle)
        object.__setattr__(self, "_national_id", national_id)

    def reveal(self) -> str:
        """The national identity number. Raises ``UsageError`` when it is not known."""
        if self._national_id is None:
            raise UsageError("values cannot be tagged or checked without the identity number")
        return self._national_id

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a subject does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a subject does not change")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Subject):
            return NotImplemented
        return (self.handle, self._national_id) == (other.handle, other._national_id)

    def __hash__(self) -> int:
        return hash(self.handle)

    def __repr__(self) -> str:
        return f"Subject({self.handle!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a subject is not pickled: that would write down the number")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


@dataclass(frozen=True, slots=True)
class Deposited:
    """Which record now holds which field. The derived ones are among them."""

    records: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """What an ask would be answered with now; nothing was released.

    ``stable_until``: until then time alone changes nothing; a withdrawal does at once. ``explanation``: the same in plain
    words, with what is missing and who could give it.
    """

    outcome: wire.Outcome
    permitted: Mapping[str, tuple[wire.Ground, ...]]
    withheld: Mapping[str, tuple[wire.Reason, ...]]
    obligations: wire.Obligations
    stable_until: datetime | None
    policy: wire.PolicyRef
    explanation: wire.Explanation = field(default_factory=wire.Explanation)


@dataclass(frozen=True, slots=True)
class Answer:
    """A disclosure whose every check held.

    ``values`` and ``withheld`` together answer each asked field once. ``receipt`` is the broker's
    signed word, ``raw`` the answer as it came (sealed), ``explanation`` the decision in plain words,
    ``asked`` the ask as it was put, which ``wait_for_answer`` puts again.
    Not checked: ``explanation``, the texts of ``withheld`` and ``stable_until``, which nobody signs,
    and, before ``proof``, that the log holds the disclosure.
    """

    id: str
    outcome: wire.Outcome
    values: Mapping[str, OpenedValue]
    withheld: Mapping[str, tuple[wire.Reason, ...]]
    grounds: Mapping[str, tuple[wire.Ground, ...]]
    obligations: wire.Obligations
    stable_until: datetime | None
    expires_at: datetime
    receipt: VerifiedReceipt = field(repr=False)
    raw: wire.DisclosureAnswer = field(repr=False)
    explanation: wire.Explanation = field(default_factory=wire.Explanation)
    asked: wire.Ask | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Proven:
    """A disclosure's place in the log, under a checkpoint whose signature and origin were checked.

    Not checked: that others are shown the same log; keep ``checkpoint.note`` and compare (``tillit-audit``).
    """

    index: int
    leaf_hash: bytes
    path: tuple[bytes, ...]
    checkpoint: VerifiedCheckpoint


class Catalogue(Mapping[str, Any]):
    """Fields, purposes, services and collaborations in force, as nested read-only mappings and tuples."""

    __slots__ = ("_content", "etag")

    def __init__(self, content: Mapping[str, Any], *, etag: str | None) -> None:
        self._content: Mapping[str, Any] = frozen(content)
        self.etag = etag

    def __getitem__(self, name: str) -> Any:
        return self._content[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __repr__(self) -> str:
        return f"Catalogue({', '.join(self._content)})"


def frozen(value: Any) -> Any:
    """A JSON value with read-only mappings for objects and tuples for arrays."""
    if isinstance(value, Mapping):
        return MappingProxyType({name: frozen(item) for name, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    return value
