"""Leases: an answer is kept until the moment it said that time alone could change it, for the very same facts.

Whatever else changes an answer is a fact, and facts are read anew for every ask: a consent taken back, a birthday, a use made
of a single yes, a meeting, a register entry. So a reused answer is the answer; nothing has to be told to forget one.
"""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.domain.decisions import Decision, Withhold
from broker.domain.facts import Facts
from broker.ports import PolicyEngine, SignerQuestion, SignersNeeded
from tillit.wire import PolicyRef

KEPT = 4096
_NOT_KEPT = frozenset({"policy.error", "policy.stale"})


@dataclass(frozen=True, slots=True)
class _Lease:
    """A decision, and the time in which it stands: from when it was made until (exclusive) ``until``; for good if null."""

    since: datetime
    until: datetime | None
    decision: Decision

    def covers(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


class LeasedEngine:
    """An engine that answers the same facts from memory, for one bundle: a new bundle is a new engine and no lease outlives it.

    ``kept`` answers at most, the oldest go first. Safe to share between threads. What could not be decided is not kept.
    """

    policy: PolicyRef

    def __init__(self, engine: PolicyEngine, *, kept: int = KEPT) -> None:
        self.policy = engine.policy
        self._engine = engine
        self._kept = kept
        self._leases: dict[bytes, _Lease] = {}
        self._lock = threading.Lock()

    def decide(self, facts: Facts) -> Decision:
        """Answer every asked field, from a lease if one covers the moment. Raises ``EngineDown``."""
        key = _key(facts)
        lease = self._leases.get(key)
        if lease is not None and lease.covers(facts.now):
            return lease.decision
        decision = self._engine.decide(facts)
        if _settled(decision):
            self._keep(key, _Lease(facts.now, decision.stable_until, decision))
        return decision

    def signers(self, question: SignerQuestion) -> Mapping[str, SignersNeeded]:
        """Category → signatures needed; always asked anew. Raises ``EngineDown``."""
        return self._engine.signers(question)

    def _keep(self, key: bytes, lease: _Lease) -> None:
        with self._lock:
            self._leases.pop(key, None)
            while len(self._leases) >= self._kept:
                del self._leases[next(iter(self._leases))]
            self._leases[key] = lease


def _key(facts: Facts) -> bytes:
    """A digest of all but the time: facts that differ in anything else never share an answer."""
    return hashlib.blake2b(facts.model_dump_json(exclude={"now"}).encode(), digest_size=32).digest()


def _settled(decision: Decision) -> bool:
    return not any(
        isinstance(answer, Withhold) and _NOT_KEPT.intersection(answer.reasons)
        for answer in decision.fields.values()
    )
