"""Sights: every page that the portal has to look at, each in the states that look different, and the way there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser.life import Life

NOTHING = "con_" + "a" * 22


@dataclass(frozen=True)
class Sight:
    """A page. ``routes``: what of the router it shows; ``way``: how a browser gets there, from an empty page."""

    routes: frozenset[str]
    way: Callable[[Page, Life], object]
    logged_in: bool = True


def _at(route: str, path: str, *, logged_in: bool = True) -> Sight:
    def way(page: Page, life: Life) -> None:
        page.goto(path.format_map(vars(life)))

    return Sight(frozenset({route}), way, logged_in)


def _pressed(route: str, selector: str) -> Sight:
    """A page that a form of the request shows."""

    def way(page: Page, life: Life) -> None:
        page.goto(f"/requests/{life.asked}")
        with page.expect_navigation():
            page.locator(selector).first.click()

    return Sight(frozenset({route}), way)


SIGHTS: Mapping[str, Sight] = {
    "welcome": _at("GET /", "/", logged_in=False),
    "start": _at("GET /", "/"),
    "login refused": _at(
        "GET /login/answer", "/login/answer?state=none&error=access_denied", logged_in=False
    ),
    "request": _at("GET /requests/{consent}", "/requests/{asked}"),
    "request with a group chosen": _pressed(
        "POST /requests/{consent}/fill", "button[value=ordinary-yes]"
    ),
    "request with lines left open": _pressed(
        "POST /requests/{consent}/answer", "form[action$='/answer'] button:not([name]):not(.plain)"
    ),
    "preview": _pressed("POST /requests/{consent}/preview", "button[formaction$='/preview']"),
    "answered": _at("GET /requests/{consent}/answered", "/requests/{active}/answered"),
    "consents": _at("GET /consents", "/consents"),
    "consent in use": _at("GET /consents/{consent}", "/consents/{active}"),
    "consent that waits": _at("GET /consents/{consent}", "/consents/{asked}"),
    "consent paused": _at("GET /consents/{consent}", "/consents/{paused}"),
    "consent stopped": _at("GET /consents/{consent}", "/consents/{stopped}"),
    "stop": _at("GET /consents/{consent}/stop", "/consents/{active}/stop"),
    "shared": _at("GET /shared", "/shared"),
    "disclosure": _at("GET /shared/{disclosure}", "/shared/{disclosure}"),
    "copy": _at("GET /copy", "/copy"),
    "nothing there": _at("GET /consents/{consent}", f"/consents/{NOTHING}"),
}

LEADS_ON = frozenset(
    {
        "GET /login",
        "POST /logout",
        "POST /logout/everywhere",
        "POST /language",
        "GET /static/{file}",
        "POST /consents/{consent}/stop",
        "POST /consents/{consent}/narrow",
        "POST /consents/{consent}/pause",
        "POST /consents/{consent}/resume",
        "GET /shared/{disclosure}/receipt",
        "POST /copy",
    }
)
"""What shows no page of its own: it leads on to one of those above, or gives a file."""


def opened(name: str, page: Page, life: Life) -> Page:
    """A sight, open on an empty page."""
    SIGHTS[name].way(page, life)
    return page


def whose(name: str) -> int | None:
    """Who looks at a sight: Emil, or nobody who is logged in."""
    return 0 if SIGHTS[name].logged_in else None
