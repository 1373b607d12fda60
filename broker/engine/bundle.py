"""The policy bundle: rules and facts read once from a directory, checked whole, and named by a digest.

A directory of policies works as it is for `opa test` and `opa run`. ``write`` makes of it what a production OPA server loads:
the same modules and facts with the digest among them, so that every answer says which bundle gave it.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from broker.domain.catalogue import Catalogue
from tillit.wire import PolicyRef

DEFAULT_DIRECTORY = Path(__file__).resolve().parents[2] / "policies"
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")
_INSTANTS = frozenset({"valid_from", "valid_until", "pledge_until"})


class BundleError(Exception):
    """The policy directory cannot be used; the text names the file and what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Rules, facts and the catalogue in them. ``modules`` maps path → Rego text, ``facts`` is ``data.facts``."""

    modules: Mapping[str, str]
    facts: Mapping[str, Any]
    version: str
    digest: str
    catalogue: Catalogue

    @property
    def policy(self) -> PolicyRef:
        """How decisions name this bundle."""
        return PolicyRef(version=self.version, digest=self.digest)

    def data(self) -> dict[str, Any]:
        """The data document of an engine: the facts, with the digest beside the version."""
        release = {**self.facts["release"], "digest": self.digest}
        return {"facts": {**self.facts, "release": release}}

    def write(self, directory: Path) -> None:
        """Write an OPA bundle directory for ``opa run --server --bundle``. ``directory`` must not exist yet."""
        directory.mkdir(parents=True)
        for name, text in self.modules.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        _write_json(directory / "data.json", self.data())
        _write_json(
            directory / ".manifest", {"revision": self.digest, "roots": ["tillit", "facts"]}
        )


def load(directory: Path = DEFAULT_DIRECTORY) -> Bundle:
    """Read, check and digest a policy directory. Raises ``BundleError``."""
    modules = {
        path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(directory.rglob("*.rego"))
        if not path.name.endswith("_test.rego")
    }
    if not modules:
        raise BundleError(f"no Rego modules under {directory}")
    facts = _facts(directory / "facts")
    try:
        catalogue = Catalogue.model_validate(_catalogue(facts))
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"the facts do not make a catalogue: {error}") from error
    dangling = sorted(_dangling(catalogue))
    if dangling:
        raise BundleError(f"the facts name what they do not define: {', '.join(dangling)}")
    return Bundle(
        modules=modules,
        facts=facts,
        version=str(facts["release"]["version"]),
        digest=_digest(modules, facts),
        catalogue=catalogue,
    )


def _digest(modules: Mapping[str, str], facts: Mapping[str, Any]) -> str:
    canonical = json.dumps(
        {"modules": dict(modules), "facts": facts},
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
        allow_nan=False,
    )
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, sort_keys=True), encoding="utf-8")


# --- reading facts -------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """YAML as JSON has it: a key that stands twice is an error, a date is a string and so an error."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    pairs = [
        (loader.construct_object(key), loader.construct_object(value, deep=True))
        for key, value in node.value
    ]
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BundleError(f"a key stands twice in {node.start_mark}")
    return found


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _facts(root: Path) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for path in sorted(p for p in root.rglob("*") if p.suffix in {".yaml", ".json"}):
        try:
            document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 # a SafeLoader
        except yaml.YAMLError as error:
            raise BundleError(f"{path.name} is not YAML: {error}") from error
        if not isinstance(document, dict):
            raise BundleError(f"{path.name} holds no object")
        for trail, value in _leaves(document):
            _check_leaf(path, trail, value)
        place = facts
        for part in path.relative_to(root).parent.parts:
            place = place.setdefault(part, {})
        if twice := place.keys() & document.keys():
            raise BundleError(f"{path.name} defines again: {', '.join(sorted(twice))}")
        place.update(document)
    return facts


def _leaves(value: object, trail: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*trail, str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, trail)
    else:
        yield trail, value


def _check_leaf(path: Path, trail: tuple[str, ...], value: object) -> None:
    where = f"{path.name}: {'.'.join(trail)}"
    if not isinstance(value, str | int | float | bool | None):
        raise BundleError(f"{where} is not a JSON value (quote dates)")
    if trail[-1] in _INSTANTS and value is not None and not _INSTANT.fullmatch(str(value)):
        raise BundleError(f"{where} is not an instant like 2026-01-01T00:00:00.000000Z")


# --- the catalogue in the facts ------------------------------------------------------------------


def _catalogue(facts: Mapping[str, Any]) -> dict[str, Any]:
    shelves = facts["catalogue"]
    return {
        "service_types": _keyed(shelves["service_types"], "id"),
        "categories": _keyed(shelves["categories"], "id"),
        "fields": _keyed(shelves["fields"], "name"),
        "purposes": _keyed(shelves["purposes"], "id"),
        "ceilings": shelves["ceilings"],
        "reasons": _keyed(shelves["reasons"], "code"),
        "givers": _keyed(shelves["givers"], "code"),
        "regimes": _keyed(facts["law"]["regimes"], "id"),
        "units": _keyed(facts["units"], "id"),
        "collaborations": {
            key: {**value, "id": key, "members": _members(value["members"])}
            for key, value in facts["collaborations"].items()
        },
        "ages": facts["law"]["ages"],
        "statutes": _keyed(facts["law"]["statutes"], "id"),
        "limits": facts["law"]["limits"],
        "events": _keyed(shelves["events"], "id"),
    }


def _keyed(shelf: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: {**value, name: key} for key, value in shelf.items()}


def _members(members: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"unit": unit, **period} for unit, period in members.items()]


def _dangling(catalogue: Catalogue) -> Iterator[str]:
    """What is named somewhere and defined nowhere."""
    types, fields, categories = (
        catalogue.service_types,
        catalogue.fields,
        catalogue.categories,
    )
    for name, field in fields.items():
        yield from ({field.category} - categories.keys())
        yield from (set(field.source_types) - types.keys())
        if field.derived_from is not None:
            yield from ({field.derived_from} - fields.keys())
        yield from () if name.startswith(f"{field.category}.") else (name,)
    for purpose, rules in catalogue.ceilings.items():
        yield from ({purpose} - catalogue.purposes.keys())
        for rule in rules:
            yield from (set(rule.recipients) - types.keys() - {"@members", "@health"})
            yield from (set(rule.categories) - categories.keys())
            yield from (set(rule.fields) - fields.keys())
    yield from ({reason.giver for reason in catalogue.reasons.values()} - catalogue.givers.keys())
    for why in catalogue.purposes.values():
        yield from (set(why.statutes) - catalogue.statutes.keys())
    for statute in catalogue.statutes.values():
        yield from (set(statute.fields) - fields.keys())
        yield from (set(statute.categories) - categories.keys())
        for side in (statute.source_side, statute.recipient_side):
            yield from (set(side.types) - types.keys())
            yield from (set(side.regimes) - catalogue.regimes.keys())
    for unit in catalogue.units.values():
        yield from ({unit.type} - types.keys()) | ({unit.regime} - catalogue.regimes.keys())
    for agreement in catalogue.collaborations.values():
        named = {member.unit for member in agreement.members} | {agreement.coordinator}
        yield from (named - catalogue.units.keys())
        yield from (set(agreement.purposes) - catalogue.purposes.keys())
        yield from (set(agreement.meeting_required_for) - set(agreement.purposes))
        yield from (set(agreement.categories) - categories.keys())
        yield from ({agreement.consent.event or ""} - catalogue.events.keys() - {""})
