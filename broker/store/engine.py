"""Engines: how each database is opened, what is asked of it, and how transactions begin."""

import sqlite3
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

WAIT_SECONDS = 5
"""How long anything waits for a lock or a connection before the store counts as down."""

BEGIN = "tillit_begin"
"""Execution option: the statement with which SQLite begins (``BEGIN`` unless it says otherwise)."""

POOL = {"pool_size": 10, "max_overflow": 30}


def open_engine(url: str | URL, *, wait: float = WAIT_SECONDS) -> Engine:
    """An engine for ``sqlite:///file`` or ``postgresql+psycopg://…``; connects to nothing yet.

    ``wait`` is in seconds, for locks and connections alike.

    Raises ``ValueError`` for any other database, and for SQLite in memory, which no second
    connection would see.
    """
    return begun(bare_engine(url, wait=wait))


def bare_engine(url: str | URL, *, wait: float = WAIT_SECONDS) -> Engine:
    """The same for whoever begins by itself on SQLite, where the driver begins nothing.

    SQLAlchemy calls on its listeners at every statement once there is one, which costs more than most statements here.
    """
    where = make_url(url)
    if where.drivername == "postgresql+psycopg":
        return _postgresql(where, wait)
    if where.get_backend_name() == "sqlite" and where.database not in (None, "", ":memory:"):
        return _sqlite(where, wait)
    raise ValueError("the database is neither sqlite:///file nor postgresql+psycopg://…")


def begun(engine: Engine) -> Engine:
    """The same connections, on which SQLite's transactions begin as ``BEGIN`` says."""
    if engine.dialect.name != "sqlite":
        return engine
    view = engine.execution_options()

    @event.listens_for(view, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))

    return view


def _postgresql(url: URL, wait: float) -> Engine:
    limits = {
        "lock_timeout": f"{wait * 1000:.0f}ms",
        "statement_timeout": "30s",
        "idle_in_transaction_session_timeout": "60s",
    }
    return create_engine(
        url,
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
            "connect_timeout": max(2, round(wait)),
        },
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        hide_parameters=True,
        pool_timeout=wait,
        **POOL,
    )


def _sqlite(url: URL, wait: float) -> Engine:
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": wait},
        hide_parameters=True,
        pool_timeout=wait,
        **POOL,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        # The driver begins no transactions of its own, nor do we: see ``begun``.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {wait * 1000:.0f}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")

    return engine
