"""The facts of a policy directory as they are written: values, the line each stands on, and every mistake of form at once."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from broker.domain.lifetime import OSLO

MAX_BYTES = 2_000_000
MAX_DEPTH = 20
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")
INSTANTS = frozenset({"valid_from", "valid_until", "pledge_until"})
_EXAMPLE = "2026-01-01T00:00:00.000000Z"
_SHOWN = 60
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # both are safe; the first is faster

Trail = tuple[str | int, ...]
"""The way to a value in the facts: ``("collaborations", "larvik", "purposes", 2)``."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong: where (file under the policy directory, line from 1), what, and what to write instead."""

    file: str
    line: int
    says: str
    instead: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.says}; write instead: {self.instead}"


class BundleError(Exception):
    """The policy directory cannot be used. ``problems`` names all that was found, with file and line."""

    def __init__(self, text: str = "", problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(text or "\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(slots=True)
class Written:
    """The facts as one document, where each value stands, and what was wrong with the way it was written."""

    facts: dict[str, Any] = field(default_factory=dict)
    places: dict[Trail, tuple[str, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    told: set[Trail] = field(default_factory=set)
    """The ways of values that a problem was found with: what is wrong there is said once."""

    def problem(self, trail: Trail, says: str, instead: str) -> Problem:
        """A problem with the value at ``trail``, or with the nearest thing above it that is there."""
        self.told.add(trail)
        for end in range(len(trail), 0, -1):
            if trail[:end] in self.places:
                return Problem(*self.places[trail[:end]], says, instead)
        return Problem("facts", 0, says, instead)

    def at(self, *trail: str | int) -> Any:
        """The value at ``trail``; None where there is none."""
        found: Any = self.facts
        for part in trail:
            if isinstance(found, list) and isinstance(part, int) and part < len(found):
                found = found[part]
            elif isinstance(found, dict):
                found = found.get(part)
            else:
                return None
        return found

    def entries(self, *trail: str) -> Iterator[tuple[Trail, dict[str, Any]]]:
        """The mappings directly under ``trail``, each with its way."""
        for key, value in mapping(self.at(*trail)).items():
            if isinstance(value, dict):
                yield (*trail, key), value

    def texts(self, trail: Trail) -> Iterator[tuple[Trail, str]]:
        """The texts in the list at ``trail``, each with its way."""
        found = self.at(*trail)
        for number, value in enumerate(found if isinstance(found, list) else ()):
            if isinstance(value, str):
                yield (*trail, number), value


def mapping(value: object) -> Mapping[str, Any]:
    """The value where it is a mapping, else an empty one: what is of another kind is reported elsewhere."""
    return value if isinstance(value, dict) else {}


def shown(value: object) -> str:
    """A value in a message: as it may be written, and never long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` is most easily a misspelling of."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def read(directory: Path) -> Written:
    """Read every YAML and JSON file under ``directory``/facts into one document: folders are members, files are merged."""
    written = Written()
    root = directory / "facts"
    for path in sorted(p for p in root.rglob("*") if p.suffix in {".yaml", ".json"}):
        _Reader(path, directory, written).read()
    return written


class _Reader:
    """Reads one file into what has been read so far."""

    def __init__(self, path: Path, directory: Path, written: Written) -> None:
        self._path = path
        self._file = path.relative_to(directory).as_posix()
        self._under = path.relative_to(directory / "facts").parent.parts
        self._written = written
        self._loader: Any = None
        self._seen: set[int] = set()
        self._places: dict[Trail, tuple[str, int]] = {}

    def read(self) -> None:
        try:
            content = self._path.read_bytes()
            if len(content) > MAX_BYTES:
                self._add(0, f"it is longer than {MAX_BYTES} bytes", "several files")
                return
            self._loader = _Loader(content.decode())
            node = self._loader.get_single_node()
        except UnicodeDecodeError:
            self._add(0, "it is not UTF-8", "the same, saved as UTF-8")
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            what = getattr(error, "problem", None) or "it cannot be read"
            advice = "`name: value` lines, indented alike, texts with `: ` or `#` in quotes"
            self._add(mark.line + 1 if mark else 0, f"it is not YAML: {what}", advice)
        else:
            self._take(node)

    def _take(self, node: Any) -> None:
        if not isinstance(node, yaml.MappingNode):
            line = node.start_mark.line + 1 if node else 0
            self._add(line, "it holds no `name: value` at its outermost", "`name:`, then the rest")
            return
        place: dict[str, Any] = self._written.facts
        for part in self._under:
            place = place.setdefault(part, {})
        read = self._mapping(node, self._under)
        for name, value in read.items():
            trail = (*self._under, name)
            if name in place:
                file, line = self._written.places[trail]
                says = f"`{name}` stands in {file} too"
                self._add(self._lines[name], says, "it in one of the two files only")
            else:
                place[name] = value
                self._written.places.update(self._found[name])

    def _mapping(self, node: yaml.MappingNode, under: Trail) -> dict[str, Any]:
        """The outermost mapping: what stands below each name is kept apart until it is known to be new."""
        self._lines: dict[str, int] = {}
        self._found: dict[str, dict[Trail, tuple[str, int]]] = {}
        read: dict[str, Any] = {}
        for name, line, value in self._pairs(node):
            self._places = {(*under, name): (self._file, line)}
            read[name] = self._value(value, (*under, name), depth=1)
            self._lines[name], self._found[name] = line, self._places
        return read

    def _pairs(self, node: yaml.MappingNode) -> Iterator[tuple[str, int, Any]]:
        """Name, line and value of each; a name that stands twice counts the first time."""
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = self._loader.construct_object(key) if _is_scalar(key) else None
            if not isinstance(name, str):
                written = key.value if _is_scalar(key) else "a list"
                self._add(line, f"the name `{shown(written)}` is no text", f'"{shown(written)}":')
            elif name in seen:
                says = f"`{name}` stands twice, first on line {seen[name]}"
                self._add(line, says, "it once, with one value")
            else:
                seen[name] = line
                yield name, line, value

    def _value(self, node: Any, trail: Trail, *, depth: int) -> Any:
        line = node.start_mark.line + 1
        if id(node) in self._seen:
            self._add(line, "it is an alias (`*name`) of what stands here", "the values themselves")
            return None
        self._seen.add(id(node))
        if depth > MAX_DEPTH:
            self._add(line, "it is nested too deeply", f"at most {MAX_DEPTH} levels")
            return None
        if isinstance(node, yaml.MappingNode):
            read = {}
            for name, at, value in self._pairs(node):
                self._places[*trail, name] = (self._file, at)
                read[name] = self._value(value, (*trail, name), depth=depth + 1)
            return read
        if isinstance(node, yaml.SequenceNode):
            items = []
            for number, value in enumerate(node.value):
                self._places[*trail, number] = (self._file, value.start_mark.line + 1)
                items.append(self._value(value, (*trail, number), depth=depth + 1))
            return items
        return self._scalar(node, trail, line)

    def _scalar(self, node: yaml.ScalarNode, trail: Trail, line: int) -> Any:
        try:
            value = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            value = ...
        name = next((part for part in reversed(trail) if isinstance(part, str)), "")
        if name in INSTANTS and value is not None:
            if not isinstance(value, str) or not INSTANT.fullmatch(value):
                says = f"`{name}: {shown(node.value)}` is not an instant in UTC"
                self._add(line, says, _instant(name, str(node.value)))
                self._written.told.add(trail)
                return None
        elif not _is_json(value):
            says = f"`{shown(node.value)}` is not a JSON value"
            self._add(line, says, f'"{shown(node.value)}", in quotes')
            return None
        return value

    def _add(self, line: int, says: str, instead: str) -> None:
        self._written.problems.append(Problem(self._file, line, says, instead))


def _instant(name: str, written: str) -> str:
    """What to write for what was meant. A day, or a time without a zone, is one in Norway."""
    meant = _moment(written)
    known = f"{meant:%Y-%m-%dT%H:%M:%S.%fZ}" if meant else _EXAMPLE
    day = meant is not None and ":" not in written
    said = f'`{name}: "{known}"`' + (f", for {written.strip()} in Norway" if day else "")
    return said if name == "valid_from" else f"{said}, or null while it lasts"


def _moment(written: str) -> datetime | None:
    """In UTC, what was written as 2026-12-31 or 31.12.2026, with a time or without."""
    day = re.sub(r"^(\d{1,2})\.(\d{1,2})\.(\d{4})", _turned, written.strip())
    try:
        moment = datetime.fromisoformat(day)
        return (moment if moment.tzinfo else moment.replace(tzinfo=OSLO)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _turned(day: re.Match[str]) -> str:
    return f"{day[3]}-{int(day[2]):02}-{int(day[1]):02}"


def _is_scalar(node: object) -> bool:
    return isinstance(node, yaml.ScalarNode)


def _is_json(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int | bool | None)
