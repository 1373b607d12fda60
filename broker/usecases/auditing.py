"""Auditing: searching the log and proving its entries, for auditors who see nobody (design.md § 7).

Every call is an entry itself, committed before it is answered, so that who audits can be audited.
"""

from audit.entries import Entry
from audit.facets import KINDS
from audit.search import Found, Search
from broker.domain.ids import UnitId
from broker.errors import ProofPending, UnknownEntry
from broker.ports import Ports
from tillit.jose import b64u
from tillit.wire.auditing import AuditedEvent, AuditedEvents, ProvenEvent, Role

SEARCHED, PROVEN = "audit.searched", "audit.proven"


def role(unit: UnitId, *, ports: Ports) -> Role:
    """What an auditor may see: nobody, unless the operator has said otherwise.

    Raises:
        StoreDown: the store does not answer.
    """
    with ports.store.read() as tx:
        return tx.auditor_role(unit)


def events(asked: Search, *, auditor: UnitId, ports: Ports) -> AuditedEvents:
    """A page of entries, as anyone may know them.

    Raises:
        StoreDown: the log cannot be read, or the search cannot be logged.
    """
    content = {
        "after": asked.after,
        "auditor": auditor,
        "facets": dict(asked.facets),
        "limit": asked.limit,
        "since": asked.since.isoformat() if asked.since else None,
        "until": asked.until.isoformat() if asked.until else None,
    }
    with ports.store.write() as tx:
        tx.append(Entry(SEARCHED, ports.clock(), content))
    with ports.store.read() as tx:
        page = tx.search(asked)
    return AuditedEvents(
        events=tuple(seen(found) for found in page.entries), next=page.after, size=page.size
    )


def event(index: int, *, auditor: UnitId, ports: Ports) -> ProvenEvent:
    """One entry, with the proof that it stands in the signed tree.

    Raises:
        UnknownEntry: the tree has none there.
        ProofPending: it has a place that no checkpoint covers yet.
    """
    with ports.store.write() as tx:
        tx.append(Entry(PROVEN, ports.clock(), {"auditor": auditor, "index": index}))
    with ports.store.read() as tx:
        found = tx.entry_at(index)
        if found is None:
            raise UnknownEntry
        proof = tx.proof(found.leaf_hash)
    if proof is None:
        raise ProofPending
    return ProvenEvent(event=seen(found), proof=proof)


def seen(found: Found) -> AuditedEvent:
    """An entry as every auditor sees it."""
    return AuditedEvent(
        index=found.index,
        type=found.type,
        at=found.at,
        commitment=b64u(found.commitment),
        leaf_hash=b64u(found.leaf_hash),
        facets={kind: found.facets[kind] for kind in KINDS if kind in found.facets},
    )
