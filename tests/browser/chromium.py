"""The browser that the portal is looked at with: Debian's Chromium, driven by Playwright over pipes."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.portal import PortalWorld
from tillit.wire import Language

PHONE, DESK, NARROWEST = 360, 1280, 320
HEIGHT = 780
WAIT_MS = 15_000
LOCALES: dict[Language, str] = {"nb": "nb-NO", "nn": "nn-NO", "en": "en-GB"}

Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class AtWork:
    """One of the employees of ``tests.portal``."""

    number: int


Who = int | AtWork | None
"""Who looks: one of the people, an employee, or nobody who is logged in."""


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Chromium without a window. Where there is none: a failure with TILLIT_REQUIRE_BROWSER=1, else a skip that says so."""
    program = shutil.which("chromium")
    if program is None:
        said = (
            "NO BROWSER TESTS: there is no chromium on the path (Debian: apt-get install chromium)"
        )
        if os.environ.get("TILLIT_REQUIRE_BROWSER") == "1":
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
    # It opens only this machine's own pages, and as root it has no sandbox to start in.
    flags = ["--no-sandbox", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


class Browsers:
    """Browsers on one portal: each kind is started once, and a session is made once for each person and language."""

    def __init__(self, chromium: Browser, portal: PortalWorld) -> None:
        self._chromium = chromium
        self._portal = portal
        self._kinds: dict[tuple[Who, Language, bool], BrowserContext] = {}

    @contextmanager
    def page(
        self,
        person: Who = 0,
        *,
        language: Language = "nb",
        width: int = PHONE,
        scheme: Scheme = "light",
        scripts: bool = True,
    ) -> Iterator[Page]:
        """An empty page of a browser in which one of the people or of the employees is logged in, or (None) nobody."""
        kind = (person, language, scripts)
        if kind not in self._kinds:
            self._kinds[kind] = self.fresh(language=language, scripts=scripts)
            if person is not None:
                name, token = self._token(person, language)
                cookie = {"name": name, "value": token, "url": self._portal.url}
                self._kinds[kind].add_cookies([cookie])  # type: ignore[list-item]  # a type that Playwright keeps private
        page = self._kinds[kind].new_page()
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=scheme)
        yield page
        page.close()

    def fresh(self, *, language: Language = "nb", scripts: bool = True) -> BrowserContext:
        """A browser that was never here before."""
        context = self._chromium.new_context(
            base_url=self._portal.url,
            locale=LOCALES[language],
            viewport={"width": PHONE, "height": HEIGHT},
            java_script_enabled=scripts,
            # Else a page that is looked at right after a key may still be scrolling.
            reduced_motion="reduce",
        )
        context.set_default_timeout(WAIT_MS)
        return context

    def _token(self, person: int | AtWork, language: Language) -> tuple[str, str]:
        """The cookie of a new session."""
        visitor = self._portal.visitor()
        visitor.http.headers["accept-language"] = language
        if isinstance(person, AtWork):
            visitor.log_in_at_work(person.number)
            name = "tillit-staff"
        else:
            visitor.log_in(person)
            name = "tillit"
        return name, str(visitor.http.cookies[name])
