"""The decision tables under ``policies/tables``, read as they stand."""

from dataclasses import dataclass
from typing import Any

import yaml

from tests.policies.tools import ROOT


@dataclass(frozen=True, slots=True)
class Case:
    """One paragraph of a table: what is the case, and field → ``permit`` or the reasons."""

    name: str
    facts: dict[str, Any]
    answer: dict[str, Any]

    def refuses(self) -> bool:
        """Whether nothing at all is shared."""
        return "permit" not in self.answer.values()


def cases(collaboration: str) -> tuple[Case, ...]:
    """Every case of a collaboration's table."""
    path = ROOT / "policies" / "tables" / f"{collaboration}.yaml"
    table = yaml.safe_load(path.read_text(encoding="utf-8"))[collaboration]
    return tuple(
        Case(
            name=row["name"],
            facts={k: v for k, v in row.items() if k not in {"name", "answer"}},
            answer=row["answer"],
        )
        for row in table
    )


def answered(decision: Any) -> dict[str, Any]:
    """A decision in the table's notation."""
    return {
        name: "permit" if field.effect == "permit" else list(field.reasons)
        for name, field in decision.fields.items()
    }
