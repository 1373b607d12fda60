"""The decision tables under ``policies/tables``, read as they stand."""

from broker.engine.cases import Case, answered, table
from tests.policies.tools import ROOT

__all__ = ["TABLES", "Case", "answered", "cases", "collaborations"]

TABLES = ROOT / "policies" / "tables"


def collaborations() -> tuple[str, ...]:
    """Every collaboration that has a table."""
    return tuple(sorted(path.stem for path in TABLES.glob("*.yaml")))


def cases(collaboration: str) -> tuple[Case, ...]:
    """Every case of a collaboration's table."""
    return table(TABLES / f"{collaboration}.yaml")
