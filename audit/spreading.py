"""Spreading: makes sequenced entries searchable, each facet a row that leads to the entry's index.

Apart from sequencing and after it: an entry has its place and its proof whatever becomes of this,
and what a sequencer of an earlier release has placed is caught up with.
"""

from sqlalchemy import Connection, select, text, update

from audit.storage import log_checkpoint, log_spread

CHUNK = 2048
"""At most so many entries a transaction."""

_SPREAD = {
    "sqlite": text(
        "INSERT INTO log_facet (kind, word, idx) "
        "SELECT 'type', type, idx FROM log_entry WHERE idx >= :low AND idx < :high "
        "UNION ALL SELECT kinds.key, words.value, entry.idx FROM log_entry entry, "
        "json_each(entry.facets) kinds, json_each(kinds.value) words "
        "WHERE entry.idx >= :low AND entry.idx < :high ON CONFLICT DO NOTHING"
    ),
    "postgresql": text(
        "INSERT INTO log_facet (kind, word, idx) "
        "SELECT 'type', type, idx FROM log_entry WHERE idx >= :low AND idx < :high "
        "UNION ALL SELECT kinds.key, words.value, entry.idx FROM log_entry entry, "
        "jsonb_each(entry.facets::jsonb) kinds, jsonb_array_elements_text(kinds.value) words "
        "WHERE entry.idx >= :low AND entry.idx < :high ON CONFLICT DO NOTHING"
    ),
}
_BEGIN = text("INSERT INTO log_spread (id, size) VALUES (1, 0) ON CONFLICT DO NOTHING")
_hold = update(log_spread).values(size=log_spread.c.size).returning(log_spread.c.size)


def spread(connection: Connection) -> int:
    """Spread the next entries of the tree, at most ``CHUNK``; returns how many.

    Each is spread once: whoever does it holds the row that says how far it has come.
    """
    low: int | None = connection.execute(_hold).scalar()
    if low is None:
        connection.execute(_BEGIN)
        low = connection.execute(_hold).scalar_one()
    size: int = connection.execute(select(log_checkpoint.c.size)).scalar() or 0
    high = min(size, low + CHUNK)
    if high <= low:
        return 0
    connection.execute(_SPREAD[connection.dialect.name], {"low": low, "high": high})
    connection.execute(update(log_spread).values(size=high))
    return high - low
