"""The portal behind https: its cookies are held to this host by the browser itself, and go over nothing else."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import ECKey
from starlette.applications import Starlette

from broker.api.door import Pool
from broker.demo.provider import DemoProvider, Somebody
from broker.portal import rooms
from broker.portal.entrance import Entrance
from broker.portal.looks import Looks
from broker.portal.oidc import Provider
from broker.portal.pages import Hall
from tests.house import EMIL, House
from tests.integration.world import served
from tests.processes import free_port

CLIENT = "tillit-portal"
HERE = "https://tillit.test"
FLAGS = "HttpOnly; Path=/; SameSite=lax; Secure"


@dataclass
class Browser:
    """A browser that holds its cookies to https."""

    app: Starlette
    jar: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return asyncio.run(self._sent("GET", path, {}, {}))

    def post(self, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """Send a form."""
        return asyncio.run(self._sent("POST", path, form, headers))

    async def _sent(
        self, method: str, path: str, form: dict[str, str], headers: dict[str, str]
    ) -> httpx.Response:
        there = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=there, base_url=HERE, cookies=self.jar) as client:
            answer = await client.request(method, path, data=form or None, headers=headers)
            self.jar = client.cookies
        return answer


@pytest.fixture
def browser(house: House, tmp_path: Path) -> Iterator[Browser]:
    """A browser at a portal whose address is https."""
    house.clock.go()
    key = ECKey.generate_key("P-256", auto_kid=True)
    (tmp_path / "client.jwk").write_text(json.dumps(key.as_dict(private=True)))
    port, pool = free_port(), Pool()
    login = f"http://127.0.0.1:{port}"
    demo = DemoProvider(
        login,
        [Somebody(EMIL, "Emil", "")],
        client=CLIENT,
        client_jwk=key.as_dict(private=False),
    )
    provider = Provider(
        login,
        client_id=CLIENT,
        key_file=tmp_path / "client.jwk",
        redirect_uri=f"{HERE}/login/answer",
        clock=house.clock,
    )
    hall = Hall(lambda: house.ports, provider, Looks(demo=False), https=True)
    pages = [Entrance(page, hall=hall, pool=pool) for page in rooms.every()]
    with served(demo.application(), port):
        yield Browser(Starlette(routes=pages))
    pool.close()


def came_back(browser: Browser) -> str:
    """Log in at the provider; where it sends the browser back to."""
    there = browser.get("/login").headers["location"]
    choosing = httpx.get(there)
    asked = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', choosing.text)
    form = {name: unescape(value) for name, value in asked} | {"somebody": "0"}
    return str(httpx.post(there.partition("?")[0], data=form).headers["location"])


def test_cookies_are_for_https_and_this_host_alone(browser: Browser) -> None:
    """The prefix has the browser refuse them from a subdomain, for one path or over http."""
    begun = browser.get("/login").headers["set-cookie"]
    assert re.fullmatch(rf"__Host-tillit-login=[\w-]+\.[\w-]{{43}}; {FLAGS}", begun)
    answer = browser.get(came_back(browser))
    login, session = sorted(answer.headers.get_list("set-cookie"), reverse=True)
    if login.startswith("__Host-tillit="):
        login, session = session, login
    assert re.fullmatch(rf"__Host-tillit=[\w-]{{43}}; {FLAGS}", session)
    assert re.match(r'__Host-tillit-login="";.* Max-Age=0;', login)
    assert login.endswith("; Secure")
    assert browser.get("/consents").status_code == 200


def test_a_cookie_by_the_name_without_the_prefix_is_no_session(browser: Browser) -> None:
    """It could have been planted from a page without https."""
    browser.get(came_back(browser))
    token = browser.jar["__Host-tillit"]
    browser.jar = httpx.Cookies({"tillit": token})
    assert browser.get("/consents").status_code == 303


def test_logging_out_has_the_browser_forget(browser: Browser) -> None:
    """With the same flags that the cookie was given with, or it would stay."""
    browser.get(came_back(browser))
    page = browser.get("/").text
    form = dict(re.findall(r'name="(check|once)" value="([^"]*)"', page))
    answer = browser.post("/logout", form, origin=HERE)
    assert answer.status_code == 303
    forgotten = answer.headers["set-cookie"]
    assert forgotten.startswith('__Host-tillit="";')
    assert " Max-Age=0;" in forgotten
    assert forgotten.endswith(f" {FLAGS.partition(' ')[2]}")
    assert browser.get("/consents").status_code == 303


@pytest.mark.parametrize("origin", ["http://tillit.test", "https://tillit.test:8443", "null"])
def test_a_form_of_the_same_name_over_http_is_another_sites(browser: Browser, origin: str) -> None:
    """Scheme and port count: what anybody on the network could write is not this site."""
    browser.get(came_back(browser))
    page = browser.get("/").text
    form = dict(re.findall(r'name="(check|once)" value="([^"]*)"', page))
    assert browser.post("/logout", form, origin=origin).status_code == 403
    assert browser.get("/consents").status_code == 200
