"""Fixtures that every test may ask for."""

from tests.databases import (
    database_url,
    postgres,
    postgres_url,
    sqlite_template,
    sqlite_url,
    store,
)

__all__ = ["database_url", "postgres", "postgres_url", "sqlite_template", "sqlite_url", "store"]
