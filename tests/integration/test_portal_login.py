"""Logging in to the portal: what the provider says is believed when all of it holds, and a session is nobody else's."""

import re
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from broker import compose
from broker.domain.sessions import FRESH, IDLE, LOGIN_TAKES
from broker.store.portal_tables import login as logins
from broker.store.portal_tables import session as sessions
from broker.usecases import sessions as use_cases
from tests.integration.world import EMIL
from tests.portal import PortalWorld, Visitor


def cookie(visitor: Visitor) -> str:
    """The session's token, as the browser keeps it; empty when it keeps none."""
    return visitor.http.cookies.get("tillit") or ""


def is_in(visitor: Visitor) -> bool:
    """Whether the browser is logged in."""
    return visitor.get("/consents").status_code == 200


def age(portal: PortalWorld, **columns: datetime) -> None:
    """Let every session there is be older."""
    with portal.world.store_engine.begin() as connection:
        connection.execute(update(sessions).values(**columns))


def kept(portal: PortalWorld) -> int:
    """How many sessions there are."""
    with portal.world.store_engine.connect() as connection:
        return len(connection.execute(select(sessions)).all())


def answered(portal: PortalWorld) -> int:
    """How many logins are noted as answered."""
    with portal.world.store_engine.connect() as connection:
        return len(connection.execute(select(logins)).all())


def told(answer: httpx.Response, status: int, code: str) -> None:
    """The answer is a page that says what stopped the login."""
    assert (status, code) == (answer.status_code, _code(answer))
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "set-cookie" not in answer.headers


def _code(answer: httpx.Response) -> str:
    found = re.search(r'<p class="small">[^<]*: ([a-z_.]+)</p>', answer.text)
    return found[1] if found else answer.text


@pytest.fixture
def lying(portal: PortalWorld) -> Any:
    """What the provider's tokens say otherwise; the truth again afterwards."""
    yield portal.claims.changed
    portal.claims.changed.clear()


# --- the way in and out ---


def test_one_logs_in_and_comes_back_to_the_page_one_wanted(portal: PortalWorld) -> None:
    """From a link in a letter, through the provider, to what the letter was about."""
    visitor = portal.visitor()
    answer = visitor.log_in(to="/shared")
    assert (answer.status_code, answer.headers["location"]) == (303, "/shared")
    assert is_in(visitor)
    assert len(cookie(visitor)) == 43


def test_the_cookies_are_for_this_site_and_no_script(portal: PortalWorld) -> None:
    """The session's lives as long as the browser's window; the login's is gone with the login."""
    given = portal.visitor().log_in().headers.get_list("set-cookie")
    login, session = sorted(given)
    assert re.fullmatch(r"tillit=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", session)
    assert re.fullmatch(r'tillit-login=""; (.*; )?HttpOnly; Max-Age=0; Path=/; SameSite=lax', login)


def test_what_is_asked_of_the_provider_differs_each_time(portal: PortalWorld) -> None:
    """State, nonce and challenge are new, the method is S256, and nothing says who comes."""
    addresses = [httpx.URL(portal.visitor().get("/login").headers["location"]) for _ in range(2)]
    one, other = (dict(address.params) for address in addresses)
    assert {name for name in one if one[name] != other[name]} == {
        "state",
        "nonce",
        "code_challenge",
    }
    assert (one["response_type"], one["code_challenge_method"]) == ("code", "S256")
    assert one["redirect_uri"] == f"{portal.url}/login/answer"
    assert "prompt" not in one


def test_a_token_from_before_the_login_is_worthless_after_it(portal: PortalWorld) -> None:
    """Nobody can have a person log in to a session that somebody else holds (fixation)."""
    visitor, attacker = portal.visitor(), portal.visitor()
    for browser in (visitor, attacker):
        browser.http.cookies.set("tillit", "x" * 43, domain="127.0.0.1", path="/")
    visitor.log_in()
    jar = [one.value for one in visitor.http.cookies.jar if one.name == "tillit"]
    assert [value for value in jar if value != "x" * 43]
    assert not is_in(attacker)


def test_logging_in_again_ends_the_session_before(portal: PortalWorld) -> None:
    """A token that was copied out of the browser is good for nothing from then on."""
    visitor, thief = portal.logged_in(), portal.visitor()
    before = cookie(visitor)
    thief.http.cookies.set("tillit", before)
    assert is_in(thief)
    visitor.log_in()
    assert cookie(visitor) != before
    assert (is_in(visitor), is_in(thief)) == (True, False)


def test_logging_out_ends_this_browsers_session(portal: PortalWorld) -> None:
    """Also for whoever kept its cookie; the other browser stays."""
    here, there, thief = portal.logged_in(), portal.logged_in(), portal.visitor()
    thief.http.cookies.set("tillit", cookie(here))
    here.get("/")
    answer = here.press("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert cookie(here) == ""
    assert (is_in(here), is_in(thief), is_in(there)) == (False, False, True)


def test_logging_out_everywhere_ends_every_session_of_mine(portal: PortalWorld) -> None:
    """And nobody else's."""
    here, there, nora = portal.logged_in(), portal.logged_in(), portal.logged_in(1)
    here.get("/")
    assert here.press("/logout/everywhere").status_code == 303
    assert (is_in(here), is_in(there), is_in(nora)) == (False, False, True)


def test_a_form_of_a_session_that_ended_is_refused(portal: PortalWorld) -> None:
    """The page was open in a tab while its person logged out in another."""
    visitor = portal.logged_in()
    visitor.get("/")
    page = visitor.hidden()
    visitor.press("/logout")
    told(
        visitor.post("/logout/everywhere", {n: page[n] for n in ("check", "once")}),
        401,
        "session.none",
    )


def test_a_form_of_another_persons_page_is_refused(portal: PortalWorld) -> None:
    """Two share a browser: what the first left open is not sent in the name of the second."""
    visitor = portal.logged_in()
    visitor.get("/")
    page = visitor.hidden()
    visitor.log_in(1)
    fields = {name: page[name] for name in ("check", "once")}
    told(visitor.post("/logout/everywhere", fields), 403, "form.foreign")
    assert is_in(visitor)


def test_a_session_left_alone_is_over(portal: PortalWorld) -> None:
    """Half an hour after the last visit, whatever its end."""
    visitor = portal.logged_in()
    now = datetime.now(UTC)
    age(portal, seen_at=now - IDLE + timedelta(minutes=1))
    assert is_in(visitor)
    age(portal, seen_at=now - IDLE)
    assert not is_in(visitor)


def test_a_visit_keeps_a_session_awake(portal: PortalWorld) -> None:
    """Half an hour counts from the last visit, which is noted."""
    visitor = portal.logged_in()
    then = datetime.now(UTC) - IDLE / 2
    age(portal, seen_at=then)
    visitor.get("/")
    with portal.world.store_engine.connect() as connection:
        seen = connection.execute(select(sessions.c.seen_at)).scalars().all()
    assert max(seen) > then + IDLE / 3


def test_a_session_is_over_at_its_end(portal: PortalWorld) -> None:
    """However often it was used."""
    visitor = portal.logged_in()
    age(portal, expires_at=datetime.now(UTC))
    assert not is_in(visitor)


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "a" * 65, "\N{LATIN SMALL LETTER AE}"])
def test_a_token_that_was_made_up_is_no_session(portal: PortalWorld, token: str) -> None:
    """It is looked up by its hash; one that is too long is not even that."""
    answer = portal.visitor().http.get(
        "/consents", headers={b"cookie": b"tillit=" + token.encode("latin-1")}
    )
    assert answer.status_code == 303


# --- asked again ---


def test_what_matters_most_asks_again_who_one_is(portal: PortalWorld) -> None:
    """The way leads to the provider, which is told not to trust what it knows, and back to the page."""
    visitor = portal.logged_in()
    assert visitor.get("/copy").status_code == 200
    age(portal, login_at=datetime.now(UTC) - FRESH)
    answer = visitor.get("/copy")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?again=yes&to=/copy")
    asked = httpx.URL(visitor.get("/login?again=yes&to=/copy").headers["location"]).params
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    back = visitor.log_in(to="/copy&again=yes")
    assert (back.status_code, back.headers["location"]) == (303, "/copy")
    assert visitor.get("/copy").status_code == 200


def test_a_form_that_needs_a_fresh_login_does_nothing_with_an_old_one(portal: PortalWorld) -> None:
    """The page was open for long: it is told so, and no file comes."""
    visitor = portal.logged_in()
    visitor.get("/copy")
    age(portal, login_at=datetime.now(UTC) - FRESH)
    told(visitor.press("/copy"), 401, "session.stale")


@pytest.mark.parametrize("auth_time", [1000, -1000, None, "now"], ids=str)
def test_a_provider_that_did_not_ask_again_is_not_believed(
    portal: PortalWorld, lying: dict[str, Any], auth_time: object
) -> None:
    """A provider's own session is as old as the one that was not good enough; without a time it is no better."""
    visitor = portal.logged_in()
    before = kept(portal)
    now = int(time.time())
    lying["auth_time"] = now - auth_time if isinstance(auth_time, int) else auth_time
    told(visitor.log_in(to="/copy&again=yes"), 403, "login.refused")
    assert kept(portal) == before


def test_an_ordinary_login_may_rest_on_the_providers_own_session(
    portal: PortalWorld, lying: dict[str, Any]
) -> None:
    """Single sign-on is what the provider is for."""
    lying["auth_time"] = int(time.time()) - 1000
    assert is_in(portal.logged_in())


@pytest.mark.parametrize("ago", [1000, None], ids=str)
def test_logging_out_and_in_is_no_way_around_being_asked_again(
    portal: PortalWorld, lying: dict[str, Any], ago: int | None
) -> None:
    """On a browser that somebody left: the provider lets in whom it knows, and what matters most stays closed."""
    visitor = portal.logged_in()
    visitor.get("/")
    visitor.press("/logout")
    lying["auth_time"] = None if ago is None else int(time.time()) - ago
    visitor.log_in()
    assert is_in(visitor)
    assert visitor.get("/copy").headers["location"] == "/login?again=yes&to=/copy"
    visitor.get("/")
    told(visitor.press("/copy"), 401, "session.stale")
    assert 'href="/login?again=yes"' in visitor.seen


# --- what the provider says ---


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": None},
        {"aud": ["tillit-portal", "another-client"]},
        {"aud": ["tillit-portal", "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"acr": "idporten-loa-low"},
        {"acr": "Level3"},
        {"acr": ""},
        {"acr": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": 4_000_000_000},
        {"iat": None},
        {"nbf": 4_000_000_000},
        {"sub": None},
        {"pid": None},
        {"pid": ""},
        {"pid": "0123456789"},
        {"pid": EMIL + "0"},
        {"pid": EMIL + "\n"},
        {"pid": f" {EMIL}"},
        {"pid": "१२३४५६७८९०१"},
        {"pid": int(EMIL)},
        {"pid": [EMIL]},
        {"pid": {"value": EMIL}},
        {"pid": True},
    ],
    ids=str,
)
def test_a_token_that_does_not_hold_logs_nobody_in(
    portal: PortalWorld, lying: dict[str, Any], claims: dict[str, Any]
) -> None:
    """Whatever is wrong with it: a page says so, and there is no session."""
    before = kept(portal)
    lying.update(claims)
    visitor = portal.visitor()
    told(visitor.log_in(), 403, "login.refused")
    assert (kept(portal), is_in(visitor)) == (before, False)


def test_the_higher_level_is_good_enough_too(portal: PortalWorld, lying: dict[str, Any]) -> None:
    """Whoever logs in with BankID comes in as well."""
    lying["acr"] = "idporten-loa-high"
    assert is_in(portal.logged_in())


def test_clocks_may_differ_a_little(portal: PortalWorld, lying: dict[str, Any]) -> None:
    """A provider whose clock is seconds ahead is not refused."""
    lying["iat"] = lying["auth_time"] = int(time.time()) + 10
    assert is_in(portal.logged_in())


# --- the answer on its way through the browser ---


def test_an_answer_is_taken_once(portal: PortalWorld) -> None:
    """Whoever finds the address in a history gets nothing, in the same browser or another."""
    visitor = portal.visitor()
    address = visitor.vouched()
    assert visitor.http.get(address).status_code == 303
    told(visitor.http.get(address), 400, "login.lost")
    told(portal.visitor().http.get(address), 400, "login.lost")


def test_an_answer_in_a_browser_that_asked_for_nothing_is_refused(portal: PortalWorld) -> None:
    """A link that logs the person in as somebody else does not work (login CSRF)."""
    address = portal.visitor().vouched(1)
    victim = portal.visitor()
    told(victim.http.get(address), 400, "login.lost")
    assert not is_in(victim)


def test_an_answer_to_another_browsers_login_is_refused(portal: PortalWorld) -> None:
    """Both have begun a login: each is good for its own answer only, and the mix-up ends both."""
    attacker, victim = portal.visitor(), portal.visitor()
    address = attacker.vouched(1)
    own = victim.vouched()
    told(victim.http.get(address), 400, "login.lost")
    told(victim.http.get(own), 400, "login.lost")
    assert not is_in(victim)


def test_an_answer_without_the_logins_cookie_is_refused(portal: PortalWorld) -> None:
    """The state alone, which stands in the address, is no proof."""
    visitor = portal.visitor()
    address = visitor.vouched()
    visitor.http.cookies.clear()
    told(visitor.http.get(address), 400, "login.lost")


@pytest.mark.parametrize(
    ("ago", "status", "code"),
    [(timedelta(0), 403, "login.refused"), (LOGIN_TAKES, 400, "login.lost")],
    ids=str,
)
def test_an_answer_that_comes_too_late_is_refused(
    portal: PortalWorld, ago: timedelta, status: int, code: str
) -> None:
    """A login that was begun and left alone is over: the provider is not even asked about the code."""
    settings = portal.world.settings
    with closing(compose.opened(settings)) as store:
        ports = replace(compose.ported(settings, store), clock=lambda: compose.now() - ago)
        browser, begun = use_cases.begin_login(going_to="/", language="nb", ports=ports)
    visitor = portal.visitor()
    visitor.http.cookies.set("tillit-login", browser)
    told(visitor.http.get(f"/login/answer?state={begun.state}&code=a"), status, code)


def test_opening_the_login_writes_nothing(portal: PortalWorld) -> None:
    """Crawlers, previews of links and whoever means ill: no row, however often; what comes back is one each."""
    visitor = portal.visitor()
    before = answered(portal)
    for _ in range(5):
        visitor.get("/login")
    portal.visitor().http.get(visitor.vouched())
    assert answered(portal) == before
    visitor.http.get(visitor.vouched())
    assert answered(portal) == before + 1


def test_a_person_who_changes_their_mind_is_told_so(portal: PortalWorld) -> None:
    """What the provider says of it is not repeated, and the login is over."""
    visitor = portal.visitor()
    state = httpx.URL(visitor.get("/login").headers["location"]).params["state"]
    address = f"/login/answer?error=access_denied&error_description=%3Cscript%3E&state={state}"
    answer = visitor.http.get(address)
    told(answer, 403, "login.refused")
    assert "access_denied" not in answer.text
    told(visitor.http.get(address), 400, "login.lost")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state=",
        "code=a",
        "state=a&state=b&code=c",
        f"state={'a' * 65}&code=c",
        f"state=a&code={'c' * 2049}",
        "state=%F0%9F%98%80&code=%E2%80%AE",
        "state=%ff&code=c",
        "state=a;code=c",
    ],
)
def test_an_answer_that_no_provider_sends_is_refused(portal: PortalWorld, query: str) -> None:
    """On a page, with nothing looked up that is not bounded."""
    answer = portal.visitor().get(f"/login/answer?{query}")
    assert answer.status_code in {400, 414}
    assert _code(answer) in {"request.query", "request.target_too_long", "login.lost"}


def test_a_code_of_another_login_is_refused(portal: PortalWorld) -> None:
    """PKCE: a code that was taken out of another browser's address does not fit this login."""
    visitor, other = portal.visitor(), portal.visitor()
    mine, theirs = httpx.URL(visitor.vouched()), httpx.URL(other.vouched(1))
    mixed = mine.copy_set_param("code", theirs.params["code"])
    told(visitor.http.get(mixed), 403, "login.refused")
    assert not is_in(visitor)


@pytest.mark.parametrize("issuer", ["https://elsewhere.example", "http://127.0.0.1"])
def test_an_answer_of_another_provider_is_refused(portal: PortalWorld, issuer: str) -> None:
    """RFC 9207: where an answer says whose it is, it is the provider's that was asked."""
    visitor = portal.visitor()
    address = httpx.URL(visitor.vouched()).copy_set_param("iss", issuer)
    told(visitor.http.get(address), 403, "login.refused")
