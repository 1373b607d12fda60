"""Sights: every page that the portal has to look at, each in the states that look different, and the way there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser.chromium import AtWork, Who
from tests.browser.life import Life
from tests.integration.world import EMIL, STRANGER
from tests.portal import ADVISER

NOTHING = "con_" + "a" * 22


@dataclass(frozen=True)
class Sight:
    """A page.

    ``routes``: what of the router it shows; ``way``: how a browser gets there; ``visitor``: which of the people looks.
    """

    routes: frozenset[str]
    way: Callable[[Page, Life], object]
    visitor: Who = 0


def _at(route: str, path: str, *, visitor: Who = 0) -> Sight:
    def way(page: Page, life: Life) -> None:
        page.goto(path.format_map(vars(life)))

    return Sight(frozenset({route}), way, visitor)


def _pressed(route: str, selector: str) -> Sight:
    """A page that a form of the request shows."""

    def way(page: Page, life: Life) -> None:
        page.goto(f"/requests/{life.asked}")
        with page.expect_navigation():
            page.locator(selector).first.click()

    return Sight(frozenset({route}), way)


def _asked_back(route: str) -> Sight:
    """A request about which something was asked, now or by whoever looked before."""

    def way(page: Page, life: Life) -> None:
        page.goto(f"/requests/{life.asked}")
        if (button := page.locator("button[value=contact_me]")).count():
            with page.expect_navigation():
                button.click()

    return Sight(frozenset({route}), way)


def _put_off(route: str) -> Sight:
    """What is said to whoever puts off every line of the request."""

    def way(page: Page, life: Life) -> None:
        page.goto(f"/requests/{life.asked}")
        for name in ("ordinary", "special"):
            with page.expect_navigation():
                page.locator(f"button[value={name}-not_now]").click()
        with page.expect_navigation():
            page.locator("form[action$='/answer'] button:not([name]):not(.plain)").click()

    return Sight(frozenset({route}), way)


def _undone(route: str) -> Sight:
    """What is said to whoever pauses a consent and takes that back, which leaves it as it was."""

    def way(page: Page, life: Life) -> None:
        page.goto(f"/consents/{life.active}")
        for action in ("pause", "undo"):
            with page.expect_navigation():
                page.locator(f"form[action$='/{action}'] button").click()

    return Sight(frozenset({route}), way)


def _of_form(route: str, action: str, **fields: str) -> Sight:
    """A page that a form of the choices shows: boxes ticked, text written, and sent by a visitor of its own."""

    def way(page: Page, _: Life) -> None:
        page.goto("/choices")
        if (there := page.locator("form[action$='/remove'] button")).count():
            with page.expect_navigation():
                there.click()
        form = page.locator(f"form[action='{action}']")
        for name, value in fields.items():
            field = form.locator(f"[name={name}]")
            field.check() if value == "yes" else field.fill(value)
        with page.expect_navigation():
            form.locator("button").click()

    return Sight(frozenset({route}), way, 1)


def _told_outside(route: str, field: str, written: str) -> Sight:
    """What is said to whoever writes what is no code, or no address."""

    def way(page: Page, _: Life) -> None:
        page.goto("/choices/contact")
        page.locator(f"#{field}").fill(written)
        _sent(page, f"form:has(#{field}) button")

    return Sight(frozenset({route}), way, 1)


def _at_work(route: str, number: str = EMIL, *, far: int = 0, ticks: Sequence[str] = ()) -> Sight:
    """A page on the way to a request: an employee looks a youth up, and goes on so far."""

    def way(page: Page, _: Life) -> None:
        page.goto("/staff")
        page.locator("#national_id").fill(number)
        _sent(page, "form[action='/staff/find'] button")
        if far > 0:
            page.locator("#collaboration").select_option("ungdomsutvalget-larvik")
            _sent(page, "form[action='/staff/ask'] button")
        if far > 1:
            for name in ticks:
                page.locator(f"[name='{name}']").check()
            _sent(page, "form[action='/staff/ask/preview'] button")

    return Sight(frozenset({route}), way, AtWork(ADVISER))


def _code() -> Sight:
    """The code that a youth scans."""

    def way(page: Page, life: Life) -> None:
        page.goto(f"/staff/requests/{life.asked}")
        _sent(page, "form[action$='/now'] button")

    return Sight(frozenset({"GET /staff/requests/{consent}"}), way, AtWork(ADVISER))


def _recorded() -> Sight:
    """The page for an answer, sent with nothing chosen."""

    def way(page: Page, life: Life) -> None:
        page.goto(f"/staff/requests/{life.asked}/record")
        _sent(page, "form[action$='/record'] button:not([name])")

    return Sight(frozenset({"POST /staff/requests/{consent}/record"}), way, AtWork(ADVISER))


def _sent(page: Page, button: str) -> None:
    with page.expect_navigation():
        page.locator(button).first.click()


_TICKS = (
    "service.thor-heyerdahl-vgs",
    "service.larvikshjelpa",
    "purpose.case_discussion",
    "category.education",
    "category.health",
)

SIGHTS: Mapping[str, Sight] = {
    "welcome": _at("GET /", "/", visitor=None),
    "start": _at("GET /", "/"),
    "login refused": _at(
        "GET /login/answer", "/login/answer?state=none&error=access_denied", visitor=None
    ),
    "request": _at("GET /requests/{consent}", "/requests/{asked}"),
    "request with a group chosen": _pressed(
        "POST /requests/{consent}/fill", "button[value=ordinary-yes]"
    ),
    "request with lines left open": _pressed(
        "POST /requests/{consent}/answer", "form[action$='/answer'] button:not([name]):not(.plain)"
    ),
    "request with something asked back": _asked_back("POST /requests/{consent}/ask-back"),
    "request in the language that it has": _pressed(
        "POST /requests/{consent}/language", ".speak button[aria-pressed=true]"
    ),
    "everything put off": _put_off("POST /requests/{consent}/answer"),
    "preview": _pressed("POST /requests/{consent}/preview", "button[formaction$='/preview']"),
    "answered": _at("GET /requests/{consent}/answered", "/requests/{active}/answered"),
    "consents": _at("GET /consents", "/consents"),
    "consent in use": _at("GET /consents/{consent}", "/consents/{active}"),
    "consent that waits": _at("GET /consents/{consent}", "/consents/{asked}"),
    "consent paused": _at("GET /consents/{consent}", "/consents/{paused}"),
    "consent stopped": _at("GET /consents/{consent}", "/consents/{stopped}"),
    "stop": _at("GET /consents/{consent}/stop", "/consents/{active}/stop"),
    "when it may be told": _at(
        "GET /consents/{consent}/conditions", "/consents/{active}/conditions"
    ),
    "undone": _undone("POST /consents/{consent}/undo"),
    "shared": _at("GET /shared", "/shared"),
    "shared, looked through": _at("GET /shared", "/shared?only=emergency"),
    "disclosure": _at("GET /shared/{disclosure}", "/shared/{disclosure}"),
    "disclosure that looks wrong": _at("GET /shared/{disclosure}", "/shared/{doubted}"),
    "what is written": _at("GET /values", "/values"),
    "meetings": _at("GET /meetings", "/meetings"),
    "choices": _at("GET /choices", "/choices"),
    "told outside": _at("GET /choices/contact", "/choices/contact"),
    "told outside, code sent": _at("GET /choices/contact", "/choices/contact", visitor=1),
    "told outside, no address": _told_outside("POST /choices/contact", "sms-address", "22"),
    "told outside, no code": _told_outside("POST /choices/contact/confirm", "code", "1234"),
    "hidden": _at("GET /choices/hidden", "/choices/hidden"),
    "no helper's choice": _of_form("POST /choices/helper", "/choices/helper"),
    "invited": _of_form("POST /choices/helper", "/choices/helper", consents="yes"),
    "no code": _of_form("POST /helping", "/helping", code="no code at all"),
    "helping": _at("GET /helping/{helper}", "/helping/{helper}", visitor=1),
    "start of a guardian": _at("GET /", "/", visitor=4),
    "as a guardian": _at("GET /wards", "/wards", visitor=4),
    "request to a guardian": _at("GET /requests/{consent}", "/requests/{young}", visitor=4),
    "what a guardian did not agree to": _at(
        "GET /consents/{consent}", "/consents/{torn}", visitor=4
    ),
    "start of a fifteen-year-old": _at("GET /", "/", visitor=3),
    "request to a fifteen-year-old": _at("GET /requests/{consent}", "/requests/{young}", visitor=3),
    "what guardians see": _at("GET /guardians", "/guardians", visitor=3),
    "what a youth and a guardian did not agree to": _at(
        "GET /requests/{consent}/answered", "/requests/{torn}/answered", visitor=3
    ),
    "start before a birthday": _at("GET /", "/", visitor=5),
    "what a birthday changes": _at("GET /growing", "/growing", visitor=5),
    "request before a birthday": _at("GET /requests/{consent}", "/requests/{again}", visitor=5),
    "copy": _at("GET /copy", "/copy"),
    "at work, not in": _at("GET /staff", "/staff", visitor=None),
    "at work": _at("GET /staff", "/staff", visitor=AtWork(ADVISER)),
    "not let in": _at(
        "GET /staff/login/answer",
        "/staff/login/answer?state=none&error=access_denied",
        visitor=None,
    ),
    "a youth": _at_work("POST /staff/find"),
    "no youth": _at_work("POST /staff/find", STRANGER),
    "no number": _at_work("POST /staff/find", "1234"),
    "asking": _at_work("POST /staff/ask", far=1),
    "asking for nothing": _at_work("POST /staff/ask/preview", far=2),
    "what the youth will read": _at_work("POST /staff/ask/preview", far=2, ticks=_TICKS),
    "request at work": _at(
        "GET /staff/requests/{consent}", "/staff/requests/{asked}", visitor=AtWork(ADVISER)
    ),
    "request at work, with a code": _code(),
    "an answer to write down": _at(
        "GET /staff/requests/{consent}/record",
        "/staff/requests/{asked}/record",
        visitor=AtWork(ADVISER),
    ),
    "an answer that lacks something": _recorded(),
    "a code that leads nowhere": _at("GET /requests/now/{spot}", f"/requests/now/{'a' * 22}"),
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
        "POST /consents/{consent}/conditions",
        "POST /consents/{consent}/pause",
        "POST /consents/{consent}/resume",
        "GET /shared/{disclosure}/receipt",
        "POST /copy",
        "POST /questions/{question}",
        "POST /values/words",
        "POST /shared/{disclosure}/wrong",
        "POST /shared/{disclosure}/settled",
        "POST /values/{record}/contest",
        "POST /values/{record}/lift",
        "POST /choices/helper/{helper}/remove",
        "POST /choices/notices",
        "POST /choices/contact/remove",
        "POST /choices/hidden",
        "POST /helping/{helper}/leave",
        "GET /staff/login",
        "POST /staff/logout",
        "POST /staff/logout/everywhere",
        "POST /staff/language",
        "POST /staff/ask/send",
        "POST /staff/requests/{consent}/now",
        "POST /staff/requests/{consent}/reply",
    }
)
"""What shows no page of its own: it leads on to one of those above, or gives a file."""


def opened(name: str, page: Page, life: Life) -> Page:
    """A sight, open on an empty page."""
    SIGHTS[name].way(page, life)
    return page


def whose(name: str) -> Who:
    """Who looks at a sight."""
    return SIGHTS[name].visitor
