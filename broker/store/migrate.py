"""Migrating: bring a database to the newest schema, in one transaction, one process at a time."""

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, func, select

from broker.store.engine import BEGIN, open_engine
from broker.store.faults import faults

WAIT_SECONDS = 60.0
"""So long a replica waits for another one that migrates."""

_LOCK = int.from_bytes(b"migrate", "big")


def migrate(url: str) -> None:
    """Create or upgrade the schema in the database at ``url``; does nothing when it is the newest.

    A new SQLite file is readable by its owner only. Raises ``broker.errors.StoreDown``.
    """
    engine = open_engine(url, wait=WAIT_SECONDS)
    try:
        _create_file(engine)
        with faults(), engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"}).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            command.upgrade(configuration(connection), "head")
    finally:
        engine.dispose()


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for a connection: where the revisions lie."""
    config = Config()
    config.set_main_option("script_location", "broker.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _create_file(engine: Engine) -> None:
    if engine.dialect.name == "sqlite" and engine.url.database:
        path = Path(engine.url.database)
        if path.parent.is_dir() and not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
