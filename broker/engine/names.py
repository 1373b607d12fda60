"""Names in the facts: whatever is named must be defined, and what is misspelt is told with the name that was meant."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from broker.engine.documents import Problem, Trail, Written, mapping, nearest
from broker.engine.shapes import SHELVES

# Kind of thing → where its names are defined, and what a person calls it.
_DEFINED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "service_types": (SHELVES["service_types"][0], "service type"),
    "categories": (SHELVES["categories"][0], "category"),
    "fields": (SHELVES["fields"][0], "field"),
    "purposes": (SHELVES["purposes"][0], "purpose"),
    "regimes": (SHELVES["regimes"][0], "regime"),
    "units": (SHELVES["units"][0], "unit"),
    "statutes": (SHELVES["statutes"][0], "statute"),
    "events": (SHELVES["events"][0], "event"),
    "givers": (SHELVES["givers"][0], "giver"),
}
_FOLDERS = ("catalogue", "collaborations", "law", "units", "release")
# Words that stand for several service types in a ceiling.
_GROUPS = ("@members", "@health")
_DEFAULT = ("default",)
# So many names can be said in one line.
_FEW = 40

Named = tuple[Trail, str, str]


def problems(written: Written) -> Iterator[Problem]:
    """Every name that nothing is known by, and every list that has one twice."""
    for trail, name, kind in _named(written):
        where, called = _DEFINED[kind]
        known = [*mapping(written.at(*where)), *_also(kind, trail)]
        if name not in known:
            says = f"no {called} is called `{name}`"
            yield written.problem(trail, says, _instead(trail, name, kind, known))
    yield from _misplaced(written)
    yield from _elsewhere(written)
    yield from _twice(written)


def _instead(trail: Trail, name: str, kind: str, known: Sequence[str]) -> str:
    """The name that was meant. A new unit is usual where services agree on something; little else is new there."""
    close = nearest(name, known)
    if kind == "units":
        own = f"its own entry in facts/units/{trail[1]}.yaml"
        return f"`{close}`; or {own}" if close else own
    if close:
        return f"`{close}`"
    if len(known) <= _FEW:
        return f"one of: {', '.join(known)}"
    return f"one that stands in facts/{'/'.join(_DEFINED[kind][0])}"


def _also(kind: str, trail: Trail) -> tuple[str, ...]:
    if kind == "service_types" and trail[:2] == ("catalogue", "ceilings"):
        return _GROUPS
    return _DEFAULT if "signing_ages" in trail else ()


def _named(written: Written) -> Iterator[Named]:
    yield from _in_catalogue(written)
    yield from _in_law(written)
    for trail, unit in written.entries("units"):
        yield from _one((*trail, "type"), unit.get("type"), "service_types")
        yield from _one((*trail, "regime"), unit.get("regime"), "regimes")
    for trail, agreed in written.entries("collaborations"):
        yield from _in_agreement(written, trail, agreed)


def _in_catalogue(written: Written) -> Iterator[Named]:
    for trail, field in written.entries("catalogue", "fields"):
        yield from _one((*trail, "category"), field.get("category"), "categories")
        yield from _one((*trail, "derived_from"), field.get("derived_from"), "fields")
        yield from _each(written, (*trail, "source_types"), "service_types")
    for trail, _ in written.entries("catalogue", "purposes"):
        yield from _each(written, (*trail, "statutes"), "statutes")
    for trail, reason in written.entries("catalogue", "reasons"):
        yield from _one((*trail, "giver"), reason.get("giver"), "givers")
    ceilings = mapping(written.at("catalogue", "ceilings"))
    for purpose, rules in ceilings.items():
        start = ("catalogue", "ceilings", purpose)
        yield start, purpose, "purposes"
        for number in range(len(rules) if isinstance(rules, list) else 0):
            yield from _each(written, (*start, number, "recipients"), "service_types")
            yield from _kept(written, (*start, number))


def _in_law(written: Written) -> Iterator[Named]:
    yield from _keys(written, ("law", "ages", "categories"), "categories")
    for trail, _ in written.entries("law", "statutes"):
        yield from _kept(written, trail)
        for side in ("from", "to"):
            yield from _each(written, (*trail, side, "types"), "service_types")
            yield from _each(written, (*trail, side, "regimes"), "regimes")
    for rule in ("never", "by_name_only"):
        yield from _keys(written, ("law", "limits", rule), "service_types")
        for trail, _ in written.entries("law", "limits", rule):
            yield from _kept(written, trail)
    yield from _each(written, ("law", "limits", "no_identified_field"), "purposes")


def _in_agreement(written: Written, trail: Trail, agreed: Mapping[str, Any]) -> Iterator[Named]:
    yield from _keys(written, (*trail, "members"), "units")
    yield from _one((*trail, "coordinator"), agreed.get("coordinator"), "units")
    yield from _each(written, (*trail, "purposes"), "purposes")
    yield from _each(written, (*trail, "meeting_required_for"), "purposes")
    yield from _each(written, (*trail, "categories"), "categories")
    yield from _keys(written, (*trail, "signing_ages"), "categories")
    form = (*trail, "consent", "event")
    yield from _one(form, written.at(*form), "events")
    yield from _kept(written, (*trail, "limits", "never"))
    by_name = (*trail, "limits", "by_name_only")
    yield from _keys(written, by_name, "service_types")
    for kind in mapping(written.at(*by_name)):
        yield from _kept(written, (*by_name, kind))


def _kept(written: Written, trail: Trail) -> Iterator[Named]:
    yield from _each(written, (*trail, "categories"), "categories")
    yield from _each(written, (*trail, "fields"), "fields")


def _one(trail: Trail, value: object, kind: str) -> Iterator[Named]:
    if isinstance(value, str):
        yield trail, value, kind


def _each(written: Written, trail: Trail, kind: str) -> Iterator[Named]:
    for way, name in written.texts(trail):
        yield way, name, kind


def _keys(written: Written, trail: Trail, kind: str) -> Iterator[Named]:
    for name in mapping(written.at(*trail)):
        yield (*trail, name), name, kind


def _misplaced(written: Written) -> Iterator[Problem]:
    """A field's name starts with its category's."""
    for trail, field in written.entries("catalogue", "fields"):
        name, category = str(trail[-1]), field.get("category")
        if isinstance(category, str) and not name.startswith(f"{category}."):
            says = f"the field `{name}` is not named after its category `{category}`"
            yield written.problem(trail, says, f"`{category}.{name.rpartition('.')[2]}`")


def _elsewhere(written: Written) -> Iterator[Problem]:
    """What nothing reads, and is nearly called like what is read: a whole file would count for nothing."""
    for name in written.facts:
        close = nearest(name, _FOLDERS)
        if name not in _FOLDERS and close:
            says = f"nothing reads `{name}`"
            yield written.problem((name,), says, f"`{close}`, as the folder or the name")


def _twice(written: Written) -> Iterator[Problem]:
    for trail, _ in written.entries("collaborations"):
        for name in ("purposes", "categories", "meeting_required_for"):
            seen: set[str] = set()
            for way, text in written.texts((*trail, name)):
                if text in seen:
                    yield written.problem(way, f"`{text}` stands twice in `{name}`", "it once")
                seen.add(text)
