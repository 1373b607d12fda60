"""What browser tests share: Chromium, a portal, and a life that it shows.

Of the package, not of the run: while Playwright is started its event loop holds the thread, and other tests want one of
their own.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Browsers, running_chromium
from tests.browser.life import Life, lived
from tests.portal import PortalWorld, portal_in


@pytest.fixture(scope="package")
def portal(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[PortalWorld]:
    """A broker with its portal, and an identity provider."""
    directory = tmp_path_factory.mktemp("browser")
    shutil.copy(sqlite_template, directory / "broker.db")
    with portal_in(directory, f"sqlite:///{directory / 'broker.db'}") as running:
        yield running


@pytest.fixture(scope="package")
def browsers(portal: PortalWorld) -> Iterator[Browsers]:
    """Chromium, on that portal."""
    with running_chromium() as chromium:
        yield Browsers(chromium, portal)


@pytest.fixture(scope="package")
def life(portal: PortalWorld) -> Life:
    """What there is to see of Emil. Tests that change something do it as somebody else, or to a consent of their own."""
    return lived(portal.world)
