"""The names in a case. One that is misspelt refuses everything, and a refusal would hold for the wrong reason."""

from collections.abc import Iterator, Mapping
from typing import Any

from broker.domain.catalogue import Catalogue
from broker.engine.documents import nearest, shown
from tillit.wire import SUBJECT

# What a grant or the ask has under each of these, and what a person calls it.
_UNITS = ("recipient", "source")
_ABOUT_GAPS = "gap."


def unknown(facts: Mapping[str, Any], answer: Mapping[str, Any], catalogue: Catalogue) -> str:
    """What is wrong with the first name that nothing is known by; empty where all are known.

    A case whose answer is a gap (``gap.service``) is about a name that is not known.
    """
    reasons = [str(reason) for said in answer.values() if isinstance(said, list) for reason in said]
    for name in reasons:
        if name not in catalogue.reasons:
            return _said("reason", name, catalogue.reasons)
    if any(reason.startswith(_ABOUT_GAPS) for reason in reasons):
        return ""
    shelves: Mapping[str, Mapping[str, Any]] = {
        "unit": catalogue.units,
        "purpose": catalogue.purposes,
        "category": catalogue.categories,
        "field": catalogue.fields,
    }
    for called, name in _named(facts):
        if name not in shelves[called] and (called, name) != ("unit", SUBJECT):
            return _said(called, name, shelves[called])
    return ""


def _named(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every name in the ask and in the grants, with what it is a name of. An empty one says that there is none."""
    grants = [grant for consent in facts["consents"] for grant in consent["grants"]]
    for said in (facts["ask"], *grants):
        names = [("unit", said.get(member)) for member in _UNITS]
        names += [("purpose", said.get("purpose")), ("category", said.get("category"))]
        names += [("field", name) for name in said["fields"]]
        yield from ((called, name) for called, name in names if isinstance(name, str) and name)


def _said(called: str, name: str, known: Mapping[str, Any]) -> str:
    close = nearest(name, known)
    meant = f"; is `{close}` meant?" if close else ""
    return f"no {called} is called `{shown(name)}`{meant}"
