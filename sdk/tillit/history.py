"""Key histories: how a unit's keys followed one another, and that the log says the same to everybody.

Whoever is shown another history than others must be shown another log too, which a kept checkpoint
finds. So a broker cannot give a service a key of its own making as somebody else's unseen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from tillit import leaves
from tillit.errors import VerificationError
from tillit.jose import TokenInvalid, unb64u
from tillit.notes import VerifiedCheckpoint, Vkey, open_checkpoint
from tillit.proofs import HASH_BYTES
from tillit.wire.service_keys import KeyChange, KeyHistory


class HistoryBroken(VerificationError):
    """A change of keys is not what the log has, or a key is in use that no change has brought."""

    code = "verification.key_history"


@dataclass(frozen=True, slots=True)
class ProvenChange:
    """A change of keys that the log's leaf commits to; ``index`` is None while the leaf waits for its place."""

    type: str
    at: datetime
    content: Mapping[str, Any]
    index: int | None


@dataclass(frozen=True, slots=True)
class ProvenHistory:
    """A unit's changes of keys, oldest first, and the ids of the keys they leave believed (``kids``)."""

    unit: str
    changes: Sequence[ProvenChange]
    kids: frozenset[str]
    checkpoint: VerifiedCheckpoint | None


def verify(history: KeyHistory, *, unit: str, log: Vkey, jwks: Mapping[str, Any]) -> ProvenHistory:
    """Check each change against the log, and the unit's published keys against the changes.

    ``jwks``: the unit's keys as the broker gives them. Raises ``HistoryBroken`` or what checking a
    checkpoint or a proof raises. Not checked: that two callers see the same log; compare
    checkpoints for that.
    """
    if history.unit != unit:
        raise HistoryBroken("the history is another unit's")
    changes, kids, newest = [], set[str](), None
    for change in history.changes:
        proven, head = _proven(change, unit, log)
        newest = _larger(newest, head)
        changes.append(proven)
        said = proven.content
        kids -= {str(said.get("kid"))}
        kids |= {str(said[use]) for use in ("sig", "enc") if use in said}
    published = {str(jwk.get("kid")) for jwk in jwks.get("keys", ())}
    if not published <= kids:
        raise HistoryBroken("a key is in use that the log does not know")
    return ProvenHistory(unit, tuple(changes), frozenset(kids), newest)


def _proven(
    change: KeyChange, unit: str, log: Vkey
) -> tuple[ProvenChange, VerifiedCheckpoint | None]:
    try:
        salt = unb64u(change.salt, size=leaves.SALT_BYTES)
        leaf = leaves.leaf(change.type, change.at, leaves.commitment(salt, change.content))
    except ValueError:
        raise HistoryBroken("a change that no leaf commits to") from None
    if change.content.get("unit") != unit:
        raise HistoryBroken("a change of another unit's keys")
    proven = ProvenChange(change.type, change.at, MappingProxyType(change.content), None)
    if change.proof is None:
        return proven, None
    hashed = leaves.leaf_hash(leaf)
    head = open_checkpoint(change.proof.checkpoint, log)
    try:
        path = tuple(unb64u(step, size=HASH_BYTES) for step in change.proof.path)
    except TokenInvalid:
        raise HistoryBroken("the proof holds what is no hash") from None
    head.check_inclusion(leaf_hash=hashed, index=change.proof.index, path=path)
    proven = ProvenChange(proven.type, proven.at, proven.content, change.proof.index)
    return proven, head


def _larger(
    one: VerifiedCheckpoint | None, other: VerifiedCheckpoint | None
) -> VerifiedCheckpoint | None:
    if one is None or other is None:
        return one or other
    return one if one.size >= other.size else other
