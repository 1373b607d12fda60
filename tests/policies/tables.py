"""The decision tables under ``policies/tables``, read as they stand."""

from dataclasses import dataclass
from typing import Any

import yaml

from tests.policies.tools import ROOT

TABLES = ROOT / "policies" / "tables"
NOT_FACTS = {"name", "answer"}


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


def collaborations() -> tuple[str, ...]:
    """Every collaboration that has a table."""
    return tuple(sorted(path.stem for path in TABLES.glob("*.yaml")))


def cases(collaboration: str) -> tuple[Case, ...]:
    """Every case of a collaboration's table."""
    path = TABLES / f"{collaboration}.yaml"
    table = yaml.safe_load(path.read_text(encoding="utf-8"))[collaboration]
    return tuple(
        Case(
            collaboration=collaboration,
            name=row["name"],
            facts={k: v for k, v in row.items() if k not in NOT_FACTS},
            answer=row["answer"],
        )
        for row in table
    )


def answered(decision: Any) -> dict[str, Any]:
    """A decision in the table's notation: a permit that rests on a statute names it."""
    return {
        name: _permit(field.grounds) if field.effect == "permit" else list(field.reasons)
        for name, field in decision.fields.items()
    }


def _permit(grounds: Any) -> str:
    statutes = sorted({ground.id for ground in grounds if ground.kind != "consent"})
    return f"permit by {', '.join(statutes)}" if statutes else "permit"
