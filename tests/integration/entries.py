"""What the log was told, for tests that read it."""

import json
from typing import Any

from sqlalchemy import text

from tests.house import House

_CONTENTS = "SELECT content FROM log_content JOIN log_entry USING (leaf_hash) WHERE type = :type ORDER BY position"


def entries_about(house: House, kind: str) -> list[dict[str, Any]]:
    """The contents of every entry of a kind, oldest first."""
    with house.store.engine.connect() as connection:
        found = connection.execute(text(_CONTENTS), {"type": kind}).scalars().all()
    return [json.loads(content) for content in found]
