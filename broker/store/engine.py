"""Engines: how each database is opened, what is asked of it, and how transactions begin."""

import sqlite3
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

WAIT_SECONDS = 5
"""How long anything waits for a lock or a connection before the store counts as down."""

BEGIN = "tillit_begin"
"""Execution option: the statement with which SQLite begins (``BEGIN`` unless it says otherwise)."""

POOL = {"pool_size": 10, "max_overflow": 30, "pool_timeout": WAIT_SECONDS}


def open_engine(url: str | URL) -> Engine:
    """An engine for ``sqlite:///file`` or ``postgresql+psycopg://…``; connects to nothing yet.

    Raises ``ValueError`` for any other database, and for SQLite in memory, which no second
    connection would see.
    """
    where = make_url(url)
    if where.drivername == "postgresql+psycopg":
        return _postgresql(where)
    if where.get_backend_name() == "sqlite" and where.database not in (None, "", ":memory:"):
        return _sqlite(where)
    raise ValueError("the database is neither sqlite:///file nor postgresql+psycopg://…")


def _postgresql(url: URL) -> Engine:
    limits = {
        "lock_timeout": f"{WAIT_SECONDS}s",
        "statement_timeout": "30s",
        "idle_in_transaction_session_timeout": "60s",
    }
    return create_engine(
        url,
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
            "connect_timeout": WAIT_SECONDS,
        },
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        hide_parameters=True,
        **POOL,
    )


def _sqlite(url: URL) -> Engine:
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": WAIT_SECONDS},
        hide_parameters=True,
        **POOL,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        # The driver begins no transactions of its own; ``begin`` below does.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))

    return engine
