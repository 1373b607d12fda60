"""Facts for tests of decisions, in the notation of the decision tables, on the project's own catalogue."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from broker.domain.catalogue import Catalogue
from broker.domain.facts import Facts
from broker.engine import cases
from broker.engine.bundle import load
from broker.engine.cases import MEETING, NOW

__all__ = ["COLLABORATION", "MEETING", "NOW", "document", "facts"]

COLLABORATION = "ungdomsutvalget-larvik"


def facts(case: Mapping[str, Any], collaboration: str = COLLABORATION) -> Facts:
    """The facts of a case: ask, at, subject, consents, deposited, meeting, invocations, stage."""
    return Facts.model_validate(document(case, collaboration))


def document(case: Mapping[str, Any], collaboration: str = COLLABORATION) -> dict[str, Any]:
    """The same, as the JSON document that the engines take; what names no collaboration is about ``collaboration``."""
    return cases.document(case, collaboration, _catalogue())


@cache
def _catalogue() -> Catalogue:
    return load().catalogue
