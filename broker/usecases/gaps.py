"""Gaps: what services asked for that no rule knows, counted where it is answered."""

from collections.abc import Iterator

from broker.domain.decisions import Decision
from broker.domain.facts import Facts
from broker.ports import Transaction


def count(tx: Transaction, facts: Facts, decision: Decision) -> None:
    """Count each gap that a decision answered, in its own transaction."""
    for kind, asked in sorted(set(_found(facts, decision))):
        tx.count_gap(kind, asked, facts.ask.recipient, at=facts.now)


def _found(facts: Facts, decision: Decision) -> Iterator[tuple[str, str]]:
    ask = facts.ask
    named = {
        "gap.purpose": ask.purpose,
        "gap.collaboration": ask.collaboration,
        "gap.service": ask.source or ask.recipient,
    }
    for name, withheld in decision.withheld().items():
        for reason in withheld.reasons:
            if reason.startswith("gap."):
                yield reason, named.get(reason, name)
