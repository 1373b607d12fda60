"""What the log was told, for tests that read it."""

from typing import Any

from tests.house import House
from tests.log_keys import contents


def entries_about(house: House, kind: str) -> list[dict[str, Any]]:
    """The contents of every entry of a kind, oldest first."""
    found = contents(house.store.engine, kind, house.ports.custodian)
    return [dict(content) for content in found]
