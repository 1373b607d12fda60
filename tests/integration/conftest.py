"""The house that integration tests live in: every part real, on both databases."""

from pathlib import Path

import pytest

from tests.house import House, build


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> House:
    """A fresh broker in this process."""
    return build(tmp_path, database_url)
