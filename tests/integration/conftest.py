"""What integration tests stand on: a house without HTTP on both databases, and a whole broker behind a socket."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House, build
from tests.integration.world import World, world_in
from tests.portal import PortalWorld, portal_in


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A fresh broker in this process."""
    built = build(tmp_path, database_url)
    yield built
    built.store.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[World]:
    """A broker on SQLite, served over HTTP, its log sequenced beside it; shared by a module's tests."""
    directory = tmp_path_factory.mktemp("world")
    with world_in(directory, _database(directory, sqlite_template)) as running:
        yield running


@pytest.fixture
def fresh_world(tmp_path: Path, sqlite_template: Path) -> Iterator[World]:
    """The same for one test alone, which may break it."""
    with world_in(tmp_path, _database(tmp_path, sqlite_template)) as running:
        yield running


@pytest.fixture(scope="module")
def portal(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[PortalWorld]:
    """A broker with its portal, and an identity provider; shared by a module's tests."""
    directory = tmp_path_factory.mktemp("portal")
    with portal_in(directory, _database(directory, sqlite_template)) as running:
        yield running


def _database(directory: Path, template: Path) -> str:
    shutil.copy(template, directory / "broker.db")
    return f"sqlite:///{directory / 'broker.db'}"
