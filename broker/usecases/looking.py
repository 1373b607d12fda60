"""Looking: an auditor of the role *content* reads what one entry commits to, for a case and a reason.

The look is an entry, and told to the subject, in one transaction that is committed before the answer. A rule may delay what
the subject is told, for at most thirty days; that and the rule are in the entry too.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from audit.contents import Content
from audit.entries import Entry
from audit.facets import Facets
from audit.search import Found
from broker.domain.decisions import outcome
from broker.domain.facets import facets, known
from broker.domain.ids import SubjectId, UnitId
from broker.errors import UnknownEntry
from broker.ports import Ports
from broker.stored import Notice
from broker.usecases.auditing import seen
from broker.usecases.contents import opened
from tillit.wire.auditing import EventContent, Look

LOOKED = "audit.looked"
NOTICE = "audit_looked"
_UNITS = ("recipient", "unit", "source", "requested_by", "called_by")


def content(index: int, look: Look, *, auditor: UnitId, ports: Ports) -> EventContent:
    """What the entry commits to, or how it is gone.

    Raises:
        UnknownEntry: the tree has none there.
        StoreDown: the look cannot be logged; nothing is shown.
        CustodianDown: logged, but nothing can be opened now.
    """
    with ports.store.read() as tx:
        found = tx.entry_at(index)
        if found is None:
            raise UnknownEntry
        (stored,) = tx.stored_contents([found.leaf_hash])
    _log(found, stored.subject, look, auditor=auditor, ports=ports)
    (kept,) = opened([stored], custodian=ports.custodian)
    told = kept.content if isinstance(kept, Content) else {}
    return EventContent(
        event=seen(found),
        content=dict(told) if isinstance(kept, Content) else None,
        gone=None if isinstance(kept, Content) else kept.reason,
        facets_missing=missing(found.facets, told, ports=ports),
    )


def told_at(look: Look, *, now: datetime) -> datetime | None:
    """When the subject is told, None at once."""
    return now + timedelta(days=look.delay.days) if look.delay else None


def missing(beside: Facets, told: Mapping[str, Any], *, ports: Ports) -> Facets:
    """The words of the catalogue that a content names and the facets beside its entry do not.

    *Not found*: grounds, which the contents of decisions do not name; they follow from the decision that is kept.
    """
    catalogue = ports.catalogue
    named = facets(
        services=known((_text(told, member) for member in _UNITS), catalogue.units),
        purposes=known((_text(told, "purpose"),), catalogue.purposes),
        collaboration=next(known((_text(told, "collaboration"),), catalogue.collaborations), None),
        outcome=_text(told, "outcome") or _outcome(told),
        reasons=known(_reasons(told), catalogue.reasons),
    )
    absent = {
        kind: tuple(word for word in words if word not in beside.get(kind, ()))
        for kind, words in named.items()
    }
    return {kind: words for kind, words in absent.items() if words}


def _log(found: Found, subject: str | None, look: Look, *, auditor: UnitId, ports: Ports) -> None:
    now = ports.clock()
    content = {
        "auditor": auditor,
        "case": look.case,
        "delay": None if look.delay is None else look.delay.model_dump(mode="json"),
        "index": found.index,
        "reason": look.reason,
        "type": found.type,
    }
    with ports.store.write() as tx:
        tx.append(Entry(LOOKED, now, content, subject))
        if subject is not None:
            notice = Notice(NOTICE, now, auditor, told_at=told_at(look, now=now))
            tx.add_notice(SubjectId(subject), notice)


def _text(told: Mapping[str, Any], member: str) -> str | None:
    value = told.get(member)
    return value if isinstance(value, str) else None


def _outcome(told: Mapping[str, Any]) -> str | None:
    """What a decision came to, where the content does not say it in a word."""
    decision = told.get("decision")
    if not isinstance(decision, dict):
        return None
    return outcome("permit" if answer == "permit" else "withhold" for answer in decision.values())


def _reasons(told: Mapping[str, Any]) -> Iterator[str]:
    decision = told.get("decision")
    for answer in decision.values() if isinstance(decision, dict) else ():
        if isinstance(answer, list):
            yield from answer
