"""Locks: one process at a time, in whatever way the database can."""

from sqlalchemy import Connection, false, func, select, update

from audit.storage import log_checkpoint


def lock(connection: Connection, number: int) -> None:
    """Wait until no other transaction holds the lock of this number; it is let go when this transaction ends.

    SQLite has one lock for everything that writes, whatever the number.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(number)))
    else:
        # SQLite takes its one write lock at the first statement that could write.
        connection.execute(update(log_checkpoint).where(false()).values(id=1))
