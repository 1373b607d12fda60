"""Decision tables: cases written the way a person would say them, the facts they stand for, and whether they come out so.

A table lies in ``tables/<collaboration>.yaml``. A grant is one line, ``source -> recipient: category for purpose`` or
``source -> recipient: field, field for purpose``; what a case does not say takes the value of the ordinary case: a grown
subject, an active consent, signed by the subject, who was shown all of a category before saying yes to it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from broker.domain.catalogue import Catalogue
from broker.domain.decisions import Decision
from broker.domain.facts import Facts
from broker.engine import case_names
from broker.ports import PolicyEngine
from tillit.wire import Ground

LEFT = "education.dropout_notice"
NOW = "2026-11-10T12:00:00Z"
MEETING = "mtg_" + "M" * 22
KNOWN = frozenset(
    {"ask", "at", "subject", "consents", "deposited", "meeting", "invocations", "stage", "notified"}
)
# What a member of the facts is called in a case, where the two differ.
_WRITTEN_AS: Mapping[str | int, str] = {"now": "at"}
NOT_FACTS = frozenset({"name", "answer"})
_GRANT = re.compile(
    r"(?P<source>\S+) -> (?P<recipient>[^:\s]+): (?P<what>.+) for (?P<purpose>[a-z_]+)"
)


class CaseError(ValueError):
    """A case, or a table, cannot be read; the text says what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One paragraph of a table: what is the case, and field → ``permit``, ``permit by S1`` or the reasons."""

    collaboration: str
    name: str
    facts: dict[str, Any]
    answer: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.collaboration}: {self.name}"

    def permits(self) -> set[str]:
        """The fields that are shared."""
        return {name for name, answer in self.answer.items() if str(answer).startswith("permit")}

    def refuses(self) -> bool:
        """Whether nothing at all is shared."""
        return not self.permits()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a case came to: field → (what the table says, what was answered) where they differ; or why it cannot be read."""

    case: Case
    differs: Mapping[str, tuple[Any, Any]]
    wrong: str = ""

    @property
    def held(self) -> bool:
        """Whether the answer is the table's."""
        return not self.differs and not self.wrong


def table(path: Path) -> tuple[Case, ...]:
    """The cases of a table.

    Raises:
        CaseError: the file is no table of the collaboration it is named after.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CaseError(f"{path.name} is not YAML: {error}") from None
    rows = document.get(path.stem) if isinstance(document, dict) else None
    if not isinstance(rows, list) or len(document) != 1:
        raise CaseError(f"{path.name} holds no list of cases under `{path.stem}:`")
    return tuple(_case(path, number, row) for number, row in enumerate(rows, start=1))


def _case(path: Path, number: int, row: object) -> Case:
    if not isinstance(row, dict) or not isinstance(row.get("answer"), dict):
        raise CaseError(f"{path.name}: case {number} has no `answer:` with a line for each field")
    facts = {key: value for key, value in row.items() if key not in NOT_FACTS}
    return Case(path.stem, str(row.get("name", f"case {number}")), facts, row["answer"])


def run(cases: Sequence[Case], engine: PolicyEngine, catalogue: Catalogue) -> Iterator[Outcome]:
    """Decide each case on an engine, and hold the answer against the table's."""
    for case in cases:
        try:
            asked = _facts(case, catalogue)
        except CaseError as error:
            yield Outcome(case, {}, str(error))
        except (ValidationError, TypeError, AttributeError) as error:
            yield Outcome(case, {}, _told(error))
        else:
            yield Outcome(case, _differences(case.answer, answered(engine.decide(asked))))


def _facts(case: Case, catalogue: Catalogue) -> Facts:
    written = document(case.facts, case.collaboration, catalogue)
    if unknown := case_names.unknown(written, case.answer, catalogue):
        raise CaseError(unknown)
    return Facts.model_validate(written)


def _told(error: ValidationError | TypeError | AttributeError) -> str:
    if not isinstance(error, ValidationError):
        return "a member is of another kind than in other cases"
    first = error.errors(include_url=False, include_input=False)[0]
    name = ".".join(str(_WRITTEN_AS.get(part, part)) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"`{name}` is unknown; the tables of other collaborations show what a case has"
    if first["type"].startswith(("datetime", "timezone")):
        return f"`{name}` is no instant in UTC, like {NOW}"
    return f"`{name}`: {first['msg'].lower()}"


def _differences(
    expected: Mapping[str, Any], found: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    return {
        name: (expected.get(name), found.get(name))
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    }


def answered(decision: Decision) -> dict[str, Any]:
    """A decision in the table's notation: a permit that rests on a statute names it."""
    return {
        name: _permit(field.grounds) if field.effect == "permit" else list(field.reasons)
        for name, field in decision.fields.items()
    }


def _permit(grounds: Sequence[Ground]) -> str:
    statutes = sorted({ground.id for ground in grounds if ground.kind != "consent"})
    return f"permit by {', '.join(statutes)}" if statutes else "permit"


def document(case: Mapping[str, Any], collaboration: str, catalogue: Catalogue) -> dict[str, Any]:
    """The JSON document that the engines take; what names no collaboration is about ``collaboration``.

    Raises:
        CaseError: the case has a member that no case has, or a line that is no grant.
    """
    if unknown := sorted(case.keys() - KNOWN):
        raise CaseError(f"`{unknown[0]}` is unknown; a case has: {', '.join(sorted(KNOWN))}")
    if not isinstance(case.get("ask"), Mapping) or not isinstance(case["ask"].get("fields"), list):
        raise CaseError("`ask` is missing, with its recipient, purpose and fields")
    ask = {
        "actor_role": "veileder",
        "meeting": "",
        "source": "",
        "collaboration": collaboration,
        **case["ask"],
    }
    consents = [
        consent(
            number,
            {"collaboration": collaboration, **said},
            asked=ask["fields"],
            catalogue=catalogue,
        )
        for number, said in enumerate(case.get("consents", ()))
    ]
    invocations = [
        invocation(number, said, ask=ask) for number, said in enumerate(case.get("invocations", ()))
    ]
    return {
        "now": case.get("at", NOW),
        "ask": ask,
        "subject": {
            "age": 19,
            "birthdays": [],
            "guardians": 0,
            "address_protection": "none",
            "objects_to": [],
            "hidden": [],
            **case.get("subject", {}),
        },
        "consents": consents,
        "deposited": _deposited(case, ask["fields"], consents),
        "meeting": _meeting(case, collaboration),
        "invocations": invocations,
        "notified": _notified(case, consents),
        "stage": case.get("stage", 0),
    }


def consent(
    number: int, said: Mapping[str, Any], *, asked: Sequence[str], catalogue: Catalogue
) -> dict[str, Any]:
    """A consent: ``grants`` (lines, or mappings with ``line``) and whatever differs from the ordinary."""
    ordinary = {
        "id": f"con_{number:022d}",
        "version": 1,
        "state": "active",
        "guardians_rule": "all",
        "valid_from": "2026-10-01T00:00:00Z",
        "valid_until": "2027-04-01T00:00:00Z",
    }
    lines = [
        grant(n, line, asked=asked, catalogue=catalogue)
        for n, line in enumerate(said.get("grants", ()), start=1)
    ]
    return {**ordinary, **said, "grants": lines}


def invocation(number: int, said: Mapping[str, Any], *, ask: Mapping[str, Any]) -> dict[str, Any]:
    """A statute relied on: ``statute``, ``unit``, ``role``, and what differs from the ordinary (in time, with a reason)."""
    return {
        "id": f"inv_{number:022d}",
        "source": "",
        "recipient": ask["recipient"],
        "fields": list(ask["fields"]),
        "reasoned": True,
        "necessary": list(ask["fields"]),
        "confirmed": False,
        "delayed": False,
        "opens": "2026-11-10T06:00:00Z",
        "closes": "2026-11-11T06:00:00Z",
        **said,
    }


def grant(
    number: int, said: str | Mapping[str, Any], *, asked: Sequence[str], catalogue: Catalogue
) -> dict[str, Any]:
    """One line of a consent. Category-wide it covers all of its category that the catalogue has and that is asked for."""
    more = {} if isinstance(said, str) else {k: v for k, v in said.items() if k != "line"}
    line = said if isinstance(said, str) else said["line"]
    found = _GRANT.fullmatch(line)
    if found is None:
        raise CaseError(f"no grant, like `source -> recipient: category for purpose`: {line}")
    what = [part.strip() for part in found["what"].split(",")]
    by_name = what if "." in what[0] else []
    category = what[0].split(".")[0]
    covers = [] if by_name else more.pop("covers", _all_of(category, catalogue))
    return {
        "id": f"g{number}",
        "source": found["source"],
        "recipient": found["recipient"],
        "category": category,
        "fields": by_name,
        "covers": [name for name in asked if name in covers],
        "purpose": found["purpose"],
        "condition": {
            "kind": more.pop("condition", "standing"),
            "meeting": more.pop("meeting", ""),
            "also": more.pop("also", ""),
        },
        "answer": "yes",
        "signed": {"subject": True, "guardians": 0, "child_heard": False, **more.pop("signed", {})},
        "used": False,
        "allowed": {},
        **more,
    }


def _all_of(category: str, catalogue: Catalogue) -> frozenset[str]:
    return frozenset(name for name, field in catalogue.fields.items() if field.category == category)


def _deposited(
    case: Mapping[str, Any], fields: Sequence[str], consents: Sequence[Mapping[str, Any]]
) -> dict[str, list[str]]:
    """Unless a case says otherwise, every source that a grant or the ask names has deposited every field."""
    sources = _sources(case["ask"], consents)
    told = case.get("deposited")
    return {name: list(told.get(name, ())) if told is not None else sources for name in fields}


def _notified(
    case: Mapping[str, Any], consents: Sequence[Mapping[str, Any]]
) -> dict[str, list[str]]:
    """Unless a case says otherwise (``notified``), those sources have also told that the subject has left."""
    told = case.get("notified")
    return {LEFT: list(told) if told is not None else _sources(case["ask"], consents)}


def _sources(ask: Mapping[str, Any], consents: Sequence[Mapping[str, Any]]) -> list[str]:
    named = {line["source"] for given in consents for line in given["grants"]}
    return sorted(named | ({ask["source"]} if "source" in ask else set()))


def _meeting(case: Mapping[str, Any], collaboration: str) -> dict[str, Any]:
    nothing = {
        "id": "",
        "collaboration": "",
        "noticed": False,
        "participants": [],
        "opens": "1970-01-01T00:00:00Z",
        "closes": "1970-01-01T00:00:00Z",
    }
    if "meeting" not in case:
        return nothing
    usual = {
        "id": MEETING,
        "collaboration": collaboration,
        "noticed": True,
        "participants": ["nav-larvik", "ot-vestfold"],
        "opens": "2026-11-09T00:00:00Z",
        "closes": "2026-11-11T00:00:00Z",
    }
    return {**usual, **case["meeting"]}
