"""Search: entries of the tree by facets and time, all of them together, page by page in its order.

Each page costs about the same however large the log is: every facet is a range of one index, and at
most ``WINDOW`` entries of the rarest one are looked at before the page ends, with or without
something found. An entry is found once it is spread, a second or so after it has its place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, select, text, true

from audit.facets import Facets, unpacked
from audit.storage import log_entry, log_facet, log_spread
from tillit.leaves import instant

WINDOW = 1024
MAX_PAGE = 500
ASTRAY = timedelta(minutes=5)
"""No entry is older by as much than one before it in the tree; ``tillit-audit verify`` allows seconds."""

_PATIENT = text(
    "SELECT set_config('statement_timeout', '2s', true), "
    "set_config('enable_mergejoin', 'off', true), set_config('enable_hashjoin', 'off', true), "
    "set_config('jit', 'off', true)"
)
"""For one transaction. At most ``WINDOW`` rows drive the query, each is probed for, and compiling would take longer than it."""

_ROW = (
    log_entry.c.idx,
    log_entry.c.type,
    log_entry.c.at,
    log_entry.c.commitment,
    log_entry.c.leaf_hash,
    log_entry.c.facets,
)


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for: entries after index ``after`` from ``since`` up to but not at ``until``.

    ``facets``: kind (or ``type``) → word; an entry has all of them.
    """

    facets: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    after: int = -1
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Found:
    """One entry: what its leaf says, and the facets that lie beside it."""

    index: int
    type: str
    at: datetime
    commitment: bytes
    leaf_hash: bytes
    facets: Facets


@dataclass(frozen=True, slots=True)
class Page:
    """What was found, in the tree's order; ``after`` is where to go on, None at the end.

    ``size`` is how many entries of the tree could be found. A page may be empty and not the last.
    """

    entries: Sequence[Found]
    after: int | None
    size: int


def search(connection: Connection, asked: Search) -> Page:
    """One page. ``limit`` above ``MAX_PAGE`` is taken as that."""
    if connection.dialect.name == "postgresql":
        connection.execute(_PATIENT)
    size: int = connection.execute(select(log_spread.c.size)).scalar() or 0
    low, high = _between(connection, asked, size)
    limit = min(asked.limit, MAX_PAGE)
    stop, first, others = _window(connection, asked.facets, low, high)
    rows = connection.execute(_query(asked, first, others, low, stop).limit(limit)).all()
    entries = [_found(row) for row in rows]
    if len(entries) == limit:
        after: int | None = entries[-1].index
    else:
        after = stop - 1 if stop < high else None
    return Page(entries, after, size)


def entry(connection: Connection, index: int) -> Found | None:
    """The entry that stands there in the tree, None when none does."""
    row = connection.execute(select(*_ROW).where(log_entry.c.idx == index)).first()
    return None if row is None else _found(row)


def _between(connection: Connection, asked: Search, size: int) -> tuple[int, int]:
    """The indices that entries of that time lie between; those near the ends may be of another."""
    low, high = asked.after + 1, size
    placed = select(log_entry.c.idx).where(log_entry.c.idx.is_not(None)).limit(1)
    if asked.since is not None:
        before = log_entry.c.at < instant(asked.since - ASTRAY)
        query = placed.where(before).order_by(log_entry.c.at.desc(), log_entry.c.idx.desc())
        found = connection.execute(query).scalar()
        low = low if found is None else max(low, found + 1)
    if asked.until is not None:
        past = log_entry.c.at >= instant(asked.until + ASTRAY)
        query = placed.where(past).order_by(log_entry.c.at, log_entry.c.idx)
        found = connection.execute(query).scalar()
        high = high if found is None else min(high, found)
    return low, high


def _window(
    connection: Connection, facets: Mapping[str, str], low: int, high: int
) -> tuple[int, tuple[str, str] | None, Sequence[tuple[str, str]]]:
    """Where to stop looking, the facet that is rarest up to there, and the others."""
    if not facets:
        return min(high, low + WINDOW), None, ()
    ends: dict[tuple[str, str], int] = {}
    for kind, word in facets.items():
        query = (
            select(log_facet.c.idx)
            .where(_is(kind, word), log_facet.c.idx >= low, log_facet.c.idx < high)
            .order_by(log_facet.c.idx)
            .offset(WINDOW - 1)
            .limit(1)
        )
        found = connection.execute(query).scalar()
        ends[kind, word] = high if found is None else found + 1
    first, *others = sorted(ends, key=lambda each: ends[each], reverse=True)
    return ends[first], first, others


def _query(
    asked: Search,
    first: tuple[str, str] | None,
    others: Sequence[tuple[str, str]],
    low: int,
    stop: int,
) -> Select[*tuple[object, ...]]:
    if first is None:
        place = log_entry.c.idx
        query = select(*_ROW).where(place >= low, place < stop)
    else:
        place = log_facet.c.idx
        query = (
            select(*_ROW)
            .join(log_facet, log_facet.c.idx == log_entry.c.idx)
            .where(_is(*first), place >= low, place < stop)
        )
    for kind, word in others:
        other = log_facet.alias()
        same = select(other.c.idx).where(
            other.c.kind == kind, other.c.word == word, other.c.idx == log_facet.c.idx
        )
        # Not EXISTS: a plan kept for any words joins it, and reads a common one through for each row.
        query = query.where(same.correlate(log_facet).scalar_subquery().is_not(None))
    # IS TRUE: which of these few are of the time, and no way in by the index on it.
    if asked.since is not None:
        query = query.where((log_entry.c.at >= instant(asked.since)).is_(true()))
    if asked.until is not None:
        query = query.where((log_entry.c.at < instant(asked.until)).is_(true()))
    return query.order_by(place)


def _is(kind: str, word: str) -> ColumnElement[bool]:
    return and_(log_facet.c.kind == kind, log_facet.c.word == word)


def _found(row: Row[*tuple[object, ...]]) -> Found:
    return Found(
        index=row.idx,
        type=row.type,
        at=datetime.fromisoformat(row.at),
        commitment=bytes(row.commitment),
        leaf_hash=bytes(row.leaf_hash),
        facets=unpacked(row.facets),
    )
