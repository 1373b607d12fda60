"""Counting: what entries of a time say, for statistics: type, facets and whose they are, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select

from audit.facets import Facets, unpacked
from audit.storage import log_content, log_entry, log_sealed, log_volume
from tillit.leaves import instant

FORGOTTEN = ""


_COUNTED = (
    select(
        log_entry.c.idx,
        log_entry.c.type,
        log_entry.c.facets,
        func.coalesce(log_volume.c.subject, log_content.c.subject).label("whose"),
        func.coalesce(log_volume.c.id, log_content.c.leaf_hash).label("kept"),
    )
    .outerjoin(log_sealed, log_sealed.c.leaf_hash == log_entry.c.leaf_hash)
    .outerjoin(log_volume, log_volume.c.id == log_sealed.c.volume)
    .outerjoin(log_content, log_content.c.leaf_hash == log_entry.c.leaf_hash)
)


@dataclass(frozen=True, slots=True)
class Counted:
    """One entry. ``whose`` tells one person from another and is not to be shown; None: about nobody.

    All that is forgotten is taken for one person's: fewer people never make a count look safer.
    """

    index: int
    type: str
    facets: Facets
    whose: str | None = field(repr=False)


def counted(
    connection: Connection, since: datetime, until: datetime, *, after: int, limit: int
) -> Sequence[Counted]:
    """A page of the entries of that time, in the tree's order, after index ``after``.

    *Not checked*: that all are there yet; who counts waits until they must be.
    """
    rows = connection.execute(
        _COUNTED.where(
            log_entry.c.idx > after,
            log_entry.c.at >= instant(since),
            log_entry.c.at < instant(until),
        )
        .order_by(log_entry.c.idx)
        .limit(limit)
    )
    return [
        Counted(row.idx, row.type, unpacked(row.facets), row.whose if row.kept else FORGOTTEN)
        for row in rows
    ]
