"""The shape of the facts: what the catalogue's types refuse, said as file, line and what to write instead."""

import re
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from broker.domain.catalogue import Catalogue
from broker.domain.shelves import (
    CategoryDef,
    Code,
    Collaboration,
    ComplaintDef,
    EventDef,
    FieldDef,
    Giver,
    Member,
    Purpose,
    Reason,
    Regime,
    ServiceType,
    Statute,
    Unit,
)
from broker.engine.documents import Problem, Trail, Written, mapping, nearest, shown

# Where the catalogue's shelves stand in the facts, and under which name an entry has its own key.
SHELVES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "service_types": (("catalogue", "service_types"), "id"),
    "categories": (("catalogue", "categories"), "id"),
    "fields": (("catalogue", "fields"), "name"),
    "purposes": (("catalogue", "purposes"), "id"),
    "ceilings": (("catalogue", "ceilings"), ""),
    "reasons": (("catalogue", "reasons"), "code"),
    "givers": (("catalogue", "givers"), "code"),
    "events": (("catalogue", "events"), "id"),
    "complaints": (("catalogue", "complaints"), "id"),
    "values": (("catalogue", "values"), "code"),
    "roles": (("catalogue", "roles"), "code"),
    "anonymous": (("catalogue", "anonymous"), ""),
    "regimes": (("law", "regimes"), "id"),
    "units": (("units",), "id"),
    "collaborations": (("collaborations",), "id"),
    "ages": (("law", "ages"), ""),
    "statutes": (("law", "statutes"), "id"),
    "limits": (("law", "limits"), ""),
}
# The member of each type that its key in the facts is.
_OWN: Mapping[type[BaseModel], str] = {
    ServiceType: "id",
    CategoryDef: "id",
    FieldDef: "name",
    Purpose: "id",
    Reason: "code",
    Giver: "code",
    EventDef: "id",
    ComplaintDef: "id",
    Code: "code",
    Regime: "id",
    Unit: "id",
    Member: "unit",
    Collaboration: "id",
    Statute: "id",
}
_ID = r"^[a-z0-9][a-z0-9-]*$"
_BOUNDS = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}
_KINDS = {
    "bool": "true or false",
    "int": "a whole number",
    "string": "text",
    "dict": "`name: value` lines",
    "model": "`name: value` lines",
    "tuple": "a list: [one, another]",
    "list": "a list: [one, another]",
    "datetime": "an instant in quotes, like 2026-01-01T00:00:00.000000Z",
}


def catalogue(written: Written) -> tuple[Catalogue | None, list[Problem]]:
    """The catalogue in the facts, or every problem that its types have with them and nobody has told yet."""
    told = frozenset(written.told)
    problems = [*_missing(written), *_named_twice(written)]
    try:
        made = Catalogue.model_validate(_document(written))
    except ValidationError as error:
        found = [
            one
            for one in error.errors(include_url=False)
            if _trail(one["loc"], written) not in told
        ]
        return None, [*problems, *(_problem(one, written) for one in found)]
    return (None if problems else made), problems


def _document(written: Written) -> dict[str, Any]:
    """The facts as the catalogue has them: each entry with its key, members as a list."""
    document: dict[str, Any] = {}
    for shelf, (trail, name) in SHELVES.items():
        entries = mapping(written.at(*trail))
        document[shelf] = {key: _keyed(value, name, key) for key, value in entries.items()}
    for agreed in document["collaborations"].values():
        if isinstance(agreed, dict) and isinstance(agreed.get("members"), dict):
            agreed["members"] = [
                _keyed(period, "unit", unit) for unit, period in agreed["members"].items()
            ]
    return document


def _keyed(value: object, name: str, key: str) -> object:
    return {**value, name: key} if name and isinstance(value, dict) else value


def _missing(written: Written) -> Iterator[Problem]:
    needed = [trail for trail, _ in SHELVES.values()]
    for trail in (*needed, ("law", "obligations"), ("release", "version")):
        found = written.at(*trail)
        if found is None or (trail != ("release", "version") and not isinstance(found, dict)):
            last = f"`{trail[-1]}`"
            yield written.problem(trail, f"{last} is missing", f"{last}, under facts/{trail[0]}")


def _named_twice(written: Written) -> Iterator[Problem]:
    """What is named by its key names itself nowhere else."""
    for trail, name in SHELVES.values():
        for way, entry in written.entries(*trail):
            if name and name in entry:
                says = f"`{name}` is unknown here: `{way[-1]}` above it is the name"
                yield written.problem((*way, name), says, "nothing; leave the line out")


def _problem(error: ErrorDetails, written: Written) -> Problem:
    trail = _trail(error["loc"], written)
    parent = _model_at(error["loc"][:-1])
    return written.problem(trail, *_said(error, parent))


def _trail(loc: tuple[int | str, ...], written: Written) -> Trail:
    shelf, _ = SHELVES[str(loc[0])]
    rest = tuple(part for part in loc[1:] if part != "[key]")
    match rest:
        case (str() as agreed, "members", int() as number, *inner):
            units = list(mapping(written.at(*shelf, agreed, "members")))
            return (*shelf, agreed, "members", units[number], *inner)
    return (*shelf, *rest)


def _said(error: ErrorDetails, parent: type[BaseModel] | None) -> tuple[str, str]:
    """What is wrong, and what to write instead."""
    kind, name = error["type"], str(error["loc"][-1])
    members = _members(parent)
    if kind == "missing":
        return f"`{name}` is missing", f"`{name}: {_example(members.get(name))}`"
    if kind == "extra_forbidden":
        close = nearest(name, members)
        every = f"one of: {', '.join(sorted(members))}"
        return f"`{name}` is unknown here", f"`{close}`" if close else every
    return _wrong(error, name)


def _wrong(error: ErrorDetails, name: str) -> tuple[str, str]:
    """What is wrong with a value, and what to write instead."""
    kind, value, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "literal_error":
        options = context["expected"].replace("'", "`")
        close = nearest(str(value), re.findall(r"`([^`]+)`", options))
        return f"`{name}: {shown(value)}` is not possible", f"`{close}`" if close else options
    family, _, how = kind.partition("_")
    if family in _KINDS and how in {"type", "parsing", "from_float"}:
        return f"`{name}: {shown(value)}` is of another kind", _KINDS[family]
    bounds = [f"{_BOUNDS[key]} {context[key]}" for key in _BOUNDS if key in context]
    if bounds:
        return f"`{name}: {shown(value)}` is out of bounds", ", ".join(bounds)
    if kind == "string_pattern_mismatch" and context["pattern"] == _ID:
        close = re.sub(r"[^a-z0-9]+", "-", str(value).lower()).strip("-")
        return f"`{shown(value)}` is no id", f"small letters, digits and hyphens: `{shown(close)}`"
    if kind == "string_pattern_mismatch":
        return f"`{shown(value)}` is no id", f"letters, digits and signs as in {context['pattern']}"
    return f"`{name}`: {error['msg'].lower()}", "what broker/docs/collaborations.md says of it"


def _members(model: type[BaseModel] | None) -> Mapping[str, Any]:
    """The members that stand in the facts, by the name they have there, with their types."""
    if model is None:
        return {}
    fields = {f.alias or name: f.annotation for name, f in model.model_fields.items()}
    return {name: kind for name, kind in fields.items() if name != _OWN.get(model)}


def _model_at(loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model whose members stand at ``loc``."""
    at: Any = Catalogue
    for part in loc:
        at = _plain(at)
        if isinstance(at, type) and issubclass(at, BaseModel):
            named = {f.alias or name: f.annotation for name, f in at.model_fields.items()}
            at = named.get(str(part))
        elif typing.get_origin(at) is dict:
            at = typing.get_args(at)[1]
        elif typing.get_origin(at) is tuple:
            at = typing.get_args(at)[0]
        else:
            return None
    at = _plain(at)
    return at if isinstance(at, type) and issubclass(at, BaseModel) else None


def _plain(annotation: Any) -> Any:
    """The type without bounds and without the possibility of null."""
    while True:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif origin in {typing.Union, types.UnionType}:
            annotation = next(a for a in typing.get_args(annotation) if a is not type(None))
        else:
            return annotation


def _example(annotation: Any) -> str:
    plain = _plain(annotation)
    if typing.get_origin(plain) is Literal:
        return " | ".join(str(option) for option in typing.get_args(plain))
    if plain is datetime or "Aware" in str(plain):
        return '"2026-01-01T00:00:00.000000Z"'
    simple = {bool: "false", int: "1", str: '"…"'}
    if plain in simple:
        return simple[plain]
    if typing.get_origin(plain) is tuple:
        return "[…]"
    members = _members(plain) if isinstance(plain, type) and issubclass(plain, BaseModel) else {}
    return "{" + ", ".join(f"{name}: …" for name in members) + "}"
