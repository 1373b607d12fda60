"""What integration tests stand on: a house without HTTP on both databases, and a whole broker behind a socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House, build
from tests.integration.world import World, world_in


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A fresh broker in this process."""
    built = build(tmp_path, database_url)
    yield built
    built.store.close()


@pytest.fixture
def world(tmp_path: Path, sqlite_url: str) -> Iterator[World]:
    """A broker of the test's own on SQLite, served over HTTP, its log sequenced beside it."""
    with world_in(tmp_path, sqlite_url) as running:
        yield running
