"""Facts for tests of decisions, written the way a person would say them.

A grant is one line, ``source -> recipient: category for purpose`` or ``source -> recipient: field, field for purpose``;
what is not said takes the value of the ordinary case: a grown subject, an active consent, signed by the subject, who was
shown all of a category before saying yes to it.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from broker.domain.facts import Facts
from broker.engine.bundle import load

NOW = "2026-11-10T12:00:00Z"
MEETING = "mtg_" + "M" * 22
COLLABORATION = "ungdomsutvalget-larvik"
_GRANT = re.compile(
    r"(?P<source>\S+) -> (?P<recipient>[^:\s]+): (?P<what>.+) for (?P<purpose>[a-z_]+)"
)


def facts(case: Mapping[str, Any], collaboration: str = COLLABORATION) -> Facts:
    """The facts of a case: ask, at, subject, consents, deposited, meeting, invocations, stage."""
    return Facts.model_validate(document(case, collaboration))


def document(case: Mapping[str, Any], collaboration: str = COLLABORATION) -> dict[str, Any]:
    """The same, as the JSON document that the engines take; what names no collaboration is about ``collaboration``."""
    ask = {
        "actor_role": "veileder",
        "meeting": "",
        "source": "",
        "collaboration": collaboration,
        **case["ask"],
    }
    consents = [
        consent(number, {"collaboration": collaboration, **said}, asked=ask["fields"])
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
            **case.get("subject", {}),
        },
        "consents": consents,
        "deposited": _deposited(case, ask["fields"], consents),
        "meeting": _meeting(case, collaboration),
        "invocations": invocations,
        "stage": case.get("stage", 0),
    }


def consent(number: int, said: Mapping[str, Any], *, asked: Sequence[str]) -> dict[str, Any]:
    """A consent: ``grants`` (lines, or mappings with ``line``) and whatever differs from the ordinary."""
    ordinary = {
        "id": f"con_{number:022d}",
        "version": 1,
        "state": "active",
        "guardians_rule": "all",
        "valid_from": "2026-10-01T00:00:00Z",
        "valid_until": "2027-04-01T00:00:00Z",
    }
    lines = [grant(n, line, asked=asked) for n, line in enumerate(said.get("grants", ()), start=1)]
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


def grant(number: int, said: str | Mapping[str, Any], *, asked: Sequence[str]) -> dict[str, Any]:
    """One line of a consent. Category-wide it covers all of its category that the catalogue has and that is asked for."""
    more = {} if isinstance(said, str) else {k: v for k, v in said.items() if k != "line"}
    line = said if isinstance(said, str) else said["line"]
    found = _GRANT.fullmatch(line)
    if found is None:
        raise ValueError(f"not a grant: {line}")
    what = [part.strip() for part in found["what"].split(",")]
    by_name = what if "." in what[0] else []
    category = what[0].split(".")[0]
    covers = [] if by_name else more.pop("covers", _all_of(category))
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
        },
        "answer": "yes",
        "signed": {"subject": True, "guardians": 0, "child_heard": False, **more.pop("signed", {})},
        "used": False,
        **more,
    }


@cache
def _all_of(category: str) -> frozenset[str]:
    fields = load().catalogue.fields
    return frozenset(name for name, field in fields.items() if field.category == category)


def _deposited(
    case: Mapping[str, Any], fields: Sequence[str], consents: Sequence[Mapping[str, Any]]
) -> dict[str, list[str]]:
    """Unless a case says otherwise, every source that a grant or the ask names has deposited every field."""
    named = {line["source"] for given in consents for line in given["grants"]}
    sources = sorted(named | ({case["ask"]["source"]} if "source" in case["ask"] else set()))
    told = case.get("deposited")
    return {name: list(told.get(name, ())) if told is not None else sources for name in fields}


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
