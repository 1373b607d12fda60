"""Refusals: one log entry for a request of a known party that could not be met."""

from audit.entries import Entry
from broker.domain.facets import facets, known
from broker.domain.ids import UnitId
from broker.ports import Ports


def record(unit: UnitId, *, route: str, code: str, ports: Ports, actor: str | None = None) -> None:
    """Log that a unit's request was refused, and with which code; never what it held.

    ``actor``: the employee whose it was, where that is known.

    Raises:
        StoreDown: the log cannot be written either; the caller is answered 503 all the same.
    """
    content = {"code": code, "route": route, "unit": unit}
    if actor is not None:
        content["actor"] = actor
    found_by = facets(services=known((unit,), ports.catalogue.units), reasons=(code,))
    with ports.store.write() as tx:
        tx.append(Entry("request.refused", ports.clock(), content, None, found_by))
