"""The served broker that each end-to-end test of the SDK has, once per kind of client."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests import shells
from tests.e2e.served import Served
from tests.e2e.stories import Town, town_in
from tests.house import ACTOR, LARVIK, build
from tests.serving import serving
from tillit import (
    Retries,
)

RATE, BAND = "education.attendance.rate", "education.attendance.band"
DIAGNOSIS = "health.diagnosis"
SCHOOL, NAV, OT = "thor-heyerdahl-vgs", "nav-larvik", "ot-vestfold"
ABOUT: dict[str, Any] = {"purpose": "coordination", "collaboration": LARVIK, "actor": ACTOR}
QUICK = Retries(attempts=8, within=10.0, first_wait=0.01, longest_wait=0.1)


@pytest.fixture(params=shells.NAMES)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """A fresh broker over HTTP."""
    house = build(tmp_path)
    with serving(house, tmp_path) as url, ExitStack() as stack:
        yield Served(house, url, stack, str(request.param))


@pytest.fixture
def town(tmp_path: Path, sqlite_url: str) -> Iterator[Callable[..., Town]]:
    """What opens a story's town: when it begins, and the units that take part."""
    with ExitStack() as stack:

        def opened(start: datetime, *units: str) -> Town:
            return stack.enter_context(town_in(tmp_path, sqlite_url, start, units))

        yield opened
