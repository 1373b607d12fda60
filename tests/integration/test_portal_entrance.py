"""The portal's entrance: who may open what, and which forms are taken."""

import re

import pytest

from broker.portal import rooms
from broker.portal.pages import STAFF, Page
from tests.integration.bad_input import SCHOOL
from tests.integration.world import STRANGER
from tests.portal import PortalWorld, Visitor

PAGES = {page.route: page for page in rooms.every()}
OPEN = {
    "GET /",
    "GET /login",
    "GET /login/answer",
    "GET /static/{file}",
    "POST /language",
    "GET /staff",
    "GET /staff/login",
    "GET /staff/login/answer",
    "POST /staff/language",
}
CLOSED = {route: page for route, page in PAGES.items() if page.who != "anybody"}


IDS = {
    "consent": "con_" + "a" * 22,
    "disclosure": "dis_" + "a" * 22,
    "file": "none.css",
    "helper": "hlp_" + "a" * 22,
    "question": "qst_" + "a" * 22,
    "record": "rec_" + "a" * 22,
    "spot": "a" * 22,
}
SOUND = {
    "version": "1",
    "answer": "yes",
    "ask": "why_needed",
    "reply": "will_contact",
    "channel": "email",
    "address": "emil@example.no",
    "reason": "not_mine",
    "field": "voice.goals",
    "text": "to work outdoors",
    "unit": "nav-larvik",
    "how": "digest",
    "hidden": "yes",
    "code": "AAAA-BBBB-CCCC",
    "language": "nb",
    "national_id": STRANGER,
    "subject": "hdl_" + "a" * 22,
    "other": SCHOOL,
    "read": "a" * 43,
    "signer": "subject",
    "day": "2.3.2026",
    "clock": "10:30",
    "attested": "yes",
}


def _path(page: Page) -> str:
    return re.sub(r"{(\w+)}", lambda found: IDS[found[1]], page.path)


def _fields(page: Page) -> dict[str, str]:
    """What a sound form of the page holds, beside what every form does."""
    taken = page.takes.model_fields
    fields = {name: value for name, value in SOUND.items() if name in taken}
    said = "ask_me_first" if page.path.endswith("/conditions") else "yes"
    fields |= {"line.g1": said} if "lines" in taken else {}
    boxes = {"purpose.case_discussion": "yes", "category.education": "yes"}
    return fields | (boxes if "purposes" in taken else {})


@pytest.fixture(scope="module")
def emil(portal: PortalWorld) -> Visitor:
    """A browser in which Emil is logged in, and where he works as well."""
    visitor = portal.logged_in()
    visitor.log_in_at_work()
    return visitor


def test_only_what_everybody_may_see_is_open() -> None:
    """A page that is added names who may open it, and stands in this list if that is everybody."""
    assert {route for route, page in PAGES.items() if page.who == "anybody"} == OPEN


def test_pages_for_employees_lie_apart() -> None:
    """What an employee may open is told by its address, and so is which of a browser's two sessions is looked at."""
    staff = {route for route, page in PAGES.items() if page.staff}
    assert staff == {route for route, page in PAGES.items() if page.path.startswith(STAFF)}
    employees = {route for route, page in PAGES.items() if page.who.endswith("employee")}
    assert employees == staff - OPEN


@pytest.mark.parametrize("route", sorted(CLOSED))
def test_a_session_of_the_other_kind_opens_nothing(portal: PortalWorld, route: str) -> None:
    """Neither under its own name nor put under the other's: a person is no employee, and an employee nobody's youth."""
    page, path = CLOSED[route], _path(CLOSED[route])
    other = portal.logged_in() if page.staff else portal.at_work()
    other.get("/" if page.staff else STAFF)
    kept, wanted = ("tillit", "tillit-staff") if page.staff else ("tillit-staff", "tillit")
    for carried in (False, True):
        if carried:
            token = other.http.cookies[kept]
            other.http.cookies.set(wanted, token)
        fields = other.hidden() | _fields(page)
        answer = other.get(path) if page.method == "GET" else other.post(path, fields)
        if page.method == "GET":
            assert answer.headers["location"] == f"{page.home}/login?to={path}"
        else:
            assert answer.status_code == 401
            assert "session.none" in answer.text
            other.get("/" if page.staff else STAFF)


@pytest.mark.parametrize("route", sorted(r for r in CLOSED if r.startswith("GET")))
def test_a_page_without_a_session_leads_to_the_login(portal: PortalWorld, route: str) -> None:
    """And back to the page afterwards."""
    path = _path(CLOSED[route])
    answer = portal.visitor().get(path)
    login = f"{CLOSED[route].home}/login?to={path}"
    assert (answer.status_code, answer.headers["location"]) == (303, login)


@pytest.mark.parametrize("route", sorted(r for r in CLOSED if r.startswith("POST")))
def test_a_form_without_a_session_changes_nothing(portal: PortalWorld, route: str) -> None:
    """It is said on a page, since a form cannot be sent again by itself."""
    answer = portal.visitor().post(_path(CLOSED[route]), {"once": "a" * 22})
    assert answer.status_code == 401
    assert "session.none" in answer.text


@pytest.mark.parametrize("route", sorted(r for r in PAGES if r.startswith("POST")))
@pytest.mark.parametrize(
    "headers", [{"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_form_from_another_site_is_refused(
    emil: Visitor, route: str, headers: dict[str, str]
) -> None:
    """Whatever it holds: another site's page does not act for the person (CSRF)."""
    emil.get(PAGES[route].home or "/")
    answer = emil.post(_path(PAGES[route]), emil.hidden(), **headers)
    assert answer.status_code == 403
    assert "form.foreign" in answer.text


@pytest.mark.parametrize("route", sorted(r for r in CLOSED if r.startswith("POST")))
@pytest.mark.parametrize("check", ["", "a" * 43, "…"])
def test_a_form_without_the_sessions_check_is_refused(
    emil: Visitor, route: str, check: str
) -> None:
    """Also from a browser that says nothing of where it comes from."""
    fields = {"once": "a" * 22, "check": check} | _fields(PAGES[route])
    answer = emil.post(_path(PAGES[route]), fields)
    assert answer.status_code == 403
    assert "form.foreign" in answer.text


@pytest.mark.parametrize("route", sorted(r for r in PAGES if r.startswith("POST")))
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"once": "short"},
        {"once": "a" * 22, "extra": "1"},
        {"once": "a" * 22, "version": "0"},
        {"once": "a" * 22, "version": "१"},
        {f"line.{n}": "yes" for n in range(5000)},
        {"once": "\N{GRINNING FACE}" * 22},
        {"once": "\u202e" + "a" * 21},
    ],
    ids=["empty", "short", "extra", "zero", "digits", "many", "emoji", "backwards"],
)
def test_a_form_that_no_page_sends_is_refused(
    emil: Visitor, route: str, fields: dict[str, str]
) -> None:
    """On a friendly page, with nothing changed."""
    answer = emil.post(_path(PAGES[route]), fields)
    assert answer.status_code in {400, 403, 415}
    assert re.search(r"body\.(form|media_type)|form\.foreign", answer.text)


@pytest.mark.parametrize("route", sorted(r for r in CLOSED if r.startswith("POST")))
def test_a_strangers_form_is_not_even_read(portal: PortalWorld, route: str) -> None:
    """Nobody without a session has the portal hold a megabyte: what was sent is not looked at."""
    headers = {"content-type": "text/plain"}
    answer = portal.visitor().http.post(_path(CLOSED[route]), content=b"x", headers=headers)
    assert answer.status_code == 401
    assert "session.none" in answer.text


@pytest.mark.parametrize("route", sorted(r for r in CLOSED if r.startswith("POST")))
def test_ten_megabytes_are_not_read(emil: Visitor, route: str) -> None:
    """A paste into a form is bounded before anything looks at it."""
    answer = emil.post(_path(CLOSED[route]), {"once": "a" * 22, "check": "b" * 10_000_000})
    assert answer.status_code == 413
    assert "body.too_large" in answer.text


@pytest.mark.parametrize("route", sorted(PAGES))
def test_no_page_can_be_framed_or_runs_what_is_not_ours(emil: Visitor, route: str) -> None:
    """No inline script or style, no other site, no frame; nothing of a person's is kept by a cache."""
    page = PAGES[route]
    answer = emil.get(_path(page)) if page.method == "GET" else emil.post(_path(page))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(
        r"<script(?! src=)|<style|style=|\son\w+=|https?://(?!www\.w3\.org)", answer.text
    )


@pytest.mark.parametrize("route", sorted(r for r in CLOSED if "{" in r))
def test_what_belongs_to_nobody_and_what_belongs_to_another_look_alike(
    emil: Visitor, route: str
) -> None:
    """An id that one guesses tells nothing."""
    page, path = CLOSED[route], _path(CLOSED[route])
    emil.get(page.home or "/")
    answer = emil.get(path) if page.method == "GET" else emil.press(path, **_fields(page))
    assert answer.status_code == 404, answer.text
    told = "Den koden" if "{spot}" in route else "Her er det ingenting"
    assert told in answer.text


@pytest.mark.parametrize(
    "path", ["/nowhere", "/nowhere/at?all=1", "/logout", "/v1/nothing", "/%ff"]
)
def test_where_nothing_is_a_browser_is_told_so_on_a_page(emil: Visitor, path: str) -> None:
    """Also where only a form is sent to; whoever is logged in still is. A program has its problem."""
    answer = emil.get(path, accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "path.unknown" in answer.text
    assert 'action="/logout"' in answer.text
    for accept in ("*/*", "application/json"):
        answer = emil.get(path, accept=accept)
        assert answer.status_code in {404, 405}
        assert answer.headers["content-type"] == "application/problem+json"


def test_what_pages_are_dressed_with_is_kept_by_its_version(portal: PortalWorld) -> None:
    """A new release is a new address; another name gives nothing."""
    visitor = portal.visitor()
    visitor.get("/")
    (address,) = re.findall(r'href="(/static/portal\.css\?v=[0-9a-f]+)"', visitor.seen)
    answer = visitor.get(address)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert visitor.get("/static/portal.css").headers["cache-control"] == "public, max-age=300"
    assert visitor.get("/static/none.css").status_code == 404
    assert visitor.get("/static/..%2fpages.py").status_code == 404


def test_the_language_is_remembered(portal: PortalWorld) -> None:
    """Before a login by the browser, after it by the session; the browser's own wish counts first."""
    visitor = portal.visitor()
    assert '<html lang="nn">' in visitor.get("/", **{"accept-language": "nn-NO,nb;q=0.5"}).text
    answer = visitor.press("/language", language="en", back="/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert '<html lang="en">' in visitor.get("/", **{"accept-language": "nn-NO"}).text
    visitor.log_in()
    assert '<html lang="en">' in visitor.get("/consents", **{"accept-language": "nn"}).text
    visitor.press("/language", language="nb", back="/consents")
    assert '<html lang="nb">' in visitor.get("/consents", **{"accept-language": "nn"}).text


@pytest.mark.parametrize(
    "back",
    ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere", "elsewhere", "/%0d%0a"],
)
def test_a_form_leads_to_no_other_site(portal: PortalWorld, back: str) -> None:
    """No open redirect, and no header of an attacker's."""
    visitor = portal.visitor()
    visitor.get("/")
    assert visitor.press("/language", language="en", back=back).status_code == 400
    assert visitor.get(f"/login?to={back}").status_code == 400
