"""The portal at a provider that we did not write: idpyoidc in a process of its own, with another JOSE library than ours."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import func, select, update

from broker.demo.processes import Child
from broker.domain.sessions import FRESH, Login
from broker.portal.errors import LoginRefused
from broker.portal.oidc import Provider
from broker.store.portal_tables import session as sessions
from tests.integration.world import EMIL, World, world_in
from tests.portal import Visitor
from tests.processes import free_port, wait_until
from tillit.jose import unb64u

KEYS: dict[str, Any] = {
    "EC": ECKey.generate_key("P-256", auto_kid=True),
    "RSA": RSAKey.generate_key(2048, auto_kid=True),
    "strange": ECKey.generate_key("P-256", auto_kid=True),
}
PASSWORD = "correct horse"
LOGIN = Login("state", "nonce", "v" * 43, "/", "nb", datetime(2100, 1, 1, tzinfo=UTC))
SIGNED = ("ES256", "RS256", "PS256", "RS512", "none")


@dataclass
class Place:
    """The running provider, and what its tokens say otherwise than they should."""

    issuer: str
    directory: Path

    def changed(self, **claims: object) -> None:
        """Have tokens say that from now on; None leaves a claim out."""
        (self.directory / "changes.json").write_text(json.dumps(claims))


def registration(client: str, redirect_uri: str, **more: object) -> dict[str, Any]:
    """A client as it is registered with the provider."""
    return {
        "client_id": client,
        "redirect_uris": [[redirect_uri, {}]],
        "response_types_supported": ["code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "allowed_scopes": ["openid", "profile"],
        "jwks": [key.as_dict(private=False) for name, key in KEYS.items() if name != "strange"],
        **more,
    }


@pytest.fixture(scope="module")
def portal_port() -> int:
    """Where the portal listens, which the provider knows beforehand."""
    return free_port()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, portal_port: int) -> Iterator[Place]:
    """The provider's process: the portal is its client, once for each algorithm that its tokens may be signed by."""
    directory = tmp_path_factory.mktemp("provider")
    back = f"http://127.0.0.1:{portal_port}/login/answer"
    clients = [registration(alg, back, id_token_signed_response_alg=alg) for alg in SIGNED]
    clients.append(registration("portal", back))
    files = {
        "clients": clients,
        "people": {"emil": {"pid": EMIL, "name": "Emil"}, "nobody": {"name": "Nobody"}},
        "passwords": {"emil": PASSWORD, "nobody": PASSWORD},
        "changes": {},
    }
    arguments = []
    for name, content in files.items():
        (directory / f"{name}.json").write_text(json.dumps(content))
        arguments += [f"--{name}", str(directory / f"{name}.json")]
    port = free_port()
    child = Child(
        "provider",
        ["tests.openid_provider", "--port", str(port), *arguments],
        log=directory / "provider.log",
        directory=directory,
        environment={},
    )
    issuer = f"http://127.0.0.1:{port}"
    try:
        where = f"{issuer}/.well-known/openid-configuration"
        alive = lambda: not child.ended()  # noqa: E731 - said where it is needed
        wait_until(lambda: httpx.get(where).is_success, alive=alive, log=child.log)
        yield Place(issuer, directory)
    finally:
        child.stop()


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, place: Place, portal_port: int, sqlite_template: Path
) -> Iterator[World]:
    """A broker whose people log in there."""
    directory = tmp_path_factory.mktemp("broker")
    (directory / "portal.jwk").write_text(json.dumps(KEYS["EC"].as_dict(private=True)))
    settings: dict[str, Any] = {
        "issuer": f"http://127.0.0.1:{portal_port}",
        "login_issuer": place.issuer,
        "login_client": "portal",
        "login_key_file": directory / "portal.jwk",
        "engine_deadline_ms": 5000,
    }
    shutil.copy(sqlite_template, directory / "broker.db")
    database = f"sqlite:///{directory / 'broker.db'}"
    with world_in(directory, database, port=portal_port, **settings) as running:
        yield running


@pytest.fixture
def visitor(world: World, place: Place) -> Iterator[Visitor]:
    """A browser that was never at either."""
    made = Visitor(str(world.client.base_url).rstrip("/"))
    yield made
    place.changed()
    made.close()


def is_in(visitor: Visitor) -> bool:
    """Whether the browser is logged in."""
    return visitor.get("/consents").status_code == 200


def kept(world: World) -> int:
    """How many sessions there are."""
    with world.store_engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(sessions)).scalar_one()


def told(answer: httpx.Response) -> str:
    """The code on the page that says what stopped the visit."""
    found = re.search(r'<p class="small">[^<]*: ([a-z_.]+)</p>', answer.text)
    return found[1] if found else answer.text


def shown(browser: httpx.Client, address: str) -> httpx.Response:
    """The provider's answer to whoever is sent there."""
    return browser.get(address)


def sent(browser: httpx.Client, form: httpx.Response, name: str, password: str) -> httpx.Response:
    """The provider's form, filled in and sent."""
    action = re.search(r'<form method="post" action="([^"]+)"', form.text)
    hidden = re.search(r'name="token" value="([^"]+)"', form.text)
    assert action, form.text
    assert hidden, form.text
    fields = {"token": unescape(hidden[1]), "username": name, "password": password}
    return browser.post(form.url.join(action[1]), data=fields)


def log_in(visitor: Visitor, to: str = "/", name: str = "emil") -> httpx.Response:
    """From the portal to the provider, a name and a password there, and back; the portal's answer."""
    there = visitor.http.get(f"/login?to={to}").headers["location"]
    form = shown(visitor.http, there)
    assert form.status_code == 200
    return visitor.http.get(sent(visitor.http, form, name, PASSWORD).headers["location"])


# --- in, again, and out ---


def test_one_logs_in_with_a_name_and_a_password(visitor: Visitor) -> None:
    """All the way, with what is checked of a login: signature, issuer, audience, nonce, level, PKCE, client's assertion."""
    answer = log_in(visitor, to="/shared")
    assert (answer.status_code, answer.headers["location"]) == (303, "/shared")
    assert is_in(visitor)


def test_a_wrong_password_is_no_login(visitor: Visitor, world: World) -> None:
    """The provider sends nobody back, and the portal has no session."""
    before = kept(world)
    there = visitor.http.get("/login").headers["location"]
    answer = sent(visitor.http, shown(visitor.http, there), "emil", "guessed")
    assert answer.status_code == 401
    assert (kept(world), is_in(visitor)) == (before, False)


def test_whom_the_provider_knows_comes_in_without_a_password(visitor: Visitor) -> None:
    """Its own session is what single sign-on is; the portal's ended with the log-out."""
    log_in(visitor)
    visitor.get("/")
    assert visitor.press("/logout").status_code == 303
    assert not is_in(visitor)
    there = visitor.http.get("/login").headers["location"]
    back = shown(visitor.http, there)
    assert back.status_code == 303
    visitor.http.get(back.headers["location"])
    assert is_in(visitor)


def test_what_matters_most_has_the_provider_ask_again(visitor: Visitor, world: World) -> None:
    """Though it knows the person: it shows its form, and after that the page opens."""
    log_in(visitor)
    with world.store_engine.begin() as connection:
        connection.execute(update(sessions).values(login_at=datetime.now(UTC) - FRESH))
    answer = visitor.get("/copy")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?again=yes&to=/copy")
    back = log_in(visitor, to="/copy&again=yes")
    assert (back.status_code, back.headers["location"]) == (303, "/copy")
    assert visitor.get("/copy").status_code == 200


def test_a_login_of_before_is_not_taken_for_one_of_now(visitor: Visitor, place: Place) -> None:
    """Whoever takes the demand out of the address gets the provider's session back, which is too old."""
    log_in(visitor)
    there = httpx.URL(visitor.http.get("/login?again=yes&to=/copy").headers["location"])
    without = there.copy_remove_param("prompt").copy_remove_param("max_age")
    place.changed(auth_time=int(time.time()) - 1000)
    back = shown(visitor.http, str(without))
    assert back.status_code == 303
    answer = visitor.http.get(back.headers["location"])
    assert (answer.status_code, told(answer)) == (403, "login.refused")


# --- what is refused ---


def test_a_nonce_of_another_login_is_refused(visitor: Visitor, world: World) -> None:
    """Changed in the browser's address: the provider vouches for it, and the portal asked for another."""
    before = kept(world)
    there = httpx.URL(visitor.http.get("/login").headers["location"])
    form = shown(visitor.http, str(there.copy_set_param("nonce", "another")))
    answer = visitor.http.get(sent(visitor.http, form, "emil", PASSWORD).headers["location"])
    assert (answer.status_code, told(answer)) == (403, "login.refused")
    assert (kept(world), is_in(visitor)) == (before, False)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["another-client"]},
        {"aud": ["portal", "another-client"]},
        {"azp": "another-client"},
        {"iss": "https://elsewhere.example"},
        {"acr": "idporten-loa-low"},
        {"acr": None},
        {"nonce": None},
        {"pid": None},
        {"exp": 1},
    ],
    ids=str,
)
def test_a_token_that_says_something_else_is_refused(
    visitor: Visitor, world: World, place: Place, claims: dict[str, Any]
) -> None:
    """Signed by the provider's own key and library: what it says is held against what was asked."""
    before = kept(world)
    place.changed(**claims)
    answer = log_in(visitor)
    assert (answer.status_code, told(answer)) == (403, "login.refused")
    assert (kept(world), is_in(visitor)) == (before, False)


def test_whom_the_provider_has_no_number_for_is_refused(visitor: Visitor) -> None:
    """A person without a national identity number is nobody here."""
    answer = log_in(visitor, name="nobody")
    assert (answer.status_code, told(answer)) == (403, "login.refused")
    assert not is_in(visitor)


# --- the client by itself ---


def client(place: Place, port: int, directory: Path, name: str, key: str) -> Provider:
    """The portal as one of the provider's clients, with one of the keys."""
    file = directory / f"{key}.jwk"
    file.write_text(json.dumps(KEYS[key].as_dict(private=True)))
    return Provider(
        place.issuer,
        client_id=name,
        key_file=file,
        redirect_uri=f"http://127.0.0.1:{port}/login/answer",
        clock=lambda: datetime.now(UTC),
    )


def code(portal: Provider) -> str:
    """A code of a login at the provider."""
    with httpx.Client() as browser:
        form = shown(browser, portal.address(LOGIN, again=False))
        return httpx.URL(sent(browser, form, "emil", PASSWORD).headers["location"]).params["code"]


@pytest.mark.parametrize("key", ["EC", "RSA"])
@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_either_kind_of_key_works_on_either_side(
    place: Place, portal_port: int, tmp_path: Path, alg: str, key: str
) -> None:
    """Ours, for what the portal says of itself, and theirs, for what they say of the person."""
    portal = client(place, portal_port, tmp_path, alg, key)
    assert portal.vouched(LOGIN, code=code(portal), again=False).national_id == EMIL


@pytest.mark.parametrize("alg", ["PS256", "RS512", "none"])
def test_another_algorithm_is_refused(
    place: Place, portal_port: int, tmp_path: Path, alg: str
) -> None:
    """Also where the provider means it, and by the key that it publishes."""
    portal = client(place, portal_port, tmp_path, alg, "EC")
    answer = httpx.post(
        f"{place.issuer}/token",
        data={
            "grant_type": "authorization_code",
            "code": code(portal),
            "redirect_uri": f"http://127.0.0.1:{portal_port}/login/answer",
            "code_verifier": LOGIN.verifier,
            "client_id": alg,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": portal._assertion(),
        },
    )
    token = answer.json()["id_token"]
    assert json.loads(unb64u(token.partition(".")[0]))["alg"] == alg
    with pytest.raises(LoginRefused):
        portal._checked(token, LOGIN, again=False)


def test_the_provider_takes_nobody_elses_word_for_ours(
    place: Place, portal_port: int, tmp_path: Path
) -> None:
    """A client's assertion by a key that is not registered gets no token."""
    portal = client(place, portal_port, tmp_path, "portal", "EC")
    stranger = client(place, portal_port, tmp_path, "portal", "strange")
    given = code(portal)
    with pytest.raises(LoginRefused):
        stranger.vouched(LOGIN, code=given, again=False)


def test_the_provider_takes_a_code_once_and_with_its_verifier_only(
    place: Place, portal_port: int, tmp_path: Path
) -> None:
    """PKCE, as somebody else checks it: what we send as challenge and verifier fits, and nothing else does."""
    portal = client(place, portal_port, tmp_path, "portal", "EC")
    given = code(portal)
    assert portal.vouched(LOGIN, code=given, again=False).national_id == EMIL
    with pytest.raises(LoginRefused):
        portal.vouched(LOGIN, code=given, again=False)
    other = Login("state", "nonce", "w" * 43, "/", "nb", LOGIN.expires_at)
    with pytest.raises(LoginRefused):
        portal.vouched(other, code=code(portal), again=False)
