"""The population register as the demo has it: a synthetic file, known by keyed hash only once it has been read.

In production this port is Folkeregisteret's. The file's numbers are hashed while it is read and not kept; it is read again when
it changes; while it is gone or garbled, whoever asks gets ``RegisterDown``.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from broker.domain.anonymity import Group
from broker.domain.ids import PersonKey
from broker.errors import RegisterDown
from broker.ports import Person
from tillit.wire import Gender

MAX_BYTES = 64 * 1024 * 1024

NationalId = Annotated[str, Field(pattern=r"^[0-9]{11}$")]


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    national_id: NationalId = Field(repr=False)
    born: date
    guardians: tuple[NationalId, ...] = Field(default=(), max_length=4, repr=False)
    address_protection: Literal["none", "confidential", "strictly_confidential"] = "none"
    municipality: str | None = None
    gender: Gender | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    people: tuple[_Row, ...]


class SyntheticRegister:
    """A file of synthetic people: ``{"people": [{national_id, born, guardians, …}]}``.

    Who has no ``municipality`` there is counted nowhere.
    """

    def __init__(self, file: Path, keyed: Callable[[str], PersonKey]) -> None:
        """Nothing is read yet. ``keyed`` makes the keyed hash of a number."""
        self._file = file
        self._keyed = keyed
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._people: Mapping[PersonKey, Person] = {}
        self._living: Mapping[str, tuple[tuple[date, Gender | None], ...]] = {}

    def person(self, key: PersonKey) -> Person | None:
        """The person, or None when the register knows nobody by that number.

        Raises:
            RegisterDown: the file is gone, too large or garbled. The next call looks again.
        """
        self._look()
        return self._people.get(key)

    def count(self, group: Group) -> int:
        """How many people the group is.

        Raises:
            RegisterDown: as above.
        """
        self._look()
        return sum(
            group.born_after < born <= group.born_until and group.gender in {None, gender}
            for born, gender in self._living.get(group.municipality, ())
        )

    def _look(self) -> None:
        try:
            found = self._file.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen != self._seen:
                with self._lock:
                    self._load(seen)
        except (OSError, ValueError):
            raise RegisterDown from None

    def _load(self, seen: tuple[int, int, int]) -> None:
        if seen == self._seen:
            return
        if seen[1] > MAX_BYTES:
            raise ValueError("the register is too large")
        rows = _rows(self._file.read_bytes())
        self._people = _indexed(rows, self._keyed)
        self._living = _by_municipality(rows)
        self._seen = seen


def _rows(content: bytes) -> tuple[_Row, ...]:
    try:
        return _File.model_validate(json.loads(content)).people
    except (ValidationError, RecursionError):
        # Its text would repeat what stood there.
        raise ValueError("the register is garbled") from None


def _by_municipality(
    rows: Iterable[_Row],
) -> Mapping[str, tuple[tuple[date, Gender | None], ...]]:
    living: dict[str, list[tuple[date, Gender | None]]] = {}
    for row in rows:
        if row.municipality is not None:
            living.setdefault(row.municipality, []).append((row.born, row.gender))
    return {place: tuple(people) for place, people in living.items()}


def _indexed(rows: Sequence[_Row], keyed: Callable[[str], PersonKey]) -> Mapping[PersonKey, Person]:
    wards: dict[PersonKey, list[PersonKey]] = {}
    people: dict[PersonKey, _Row] = {}
    for row in rows:
        key = keyed(row.national_id)
        people[key] = row
        for guardian in row.guardians:
            wards.setdefault(keyed(guardian), []).append(key)
    if len(people) != len(rows):
        raise ValueError("somebody stands in the register twice")
    return {
        key: Person(
            born=row.born,
            guardians=tuple(keyed(guardian) for guardian in row.guardians),
            wards=tuple(wards.get(key, ())),
            address_protection=row.address_protection,
        )
        for key, row in people.items()
    }
