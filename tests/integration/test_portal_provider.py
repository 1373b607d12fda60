"""An identity provider that does not do as it should: the login is refused, or not to be had, and never hangs."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from starlette.responses import JSONResponse, Response

from broker.portal.errors import LoginRefused, ProviderDown
from broker.portal.oidc import LOOK_AGAIN, MAX_ANSWER_BYTES, TRY_AGAIN, Provider
from tests.hostile_provider import (
    CLIENT,
    CLIENT_KEY,
    KEY,
    LOGIN,
    PUBLIC,
    Hostile,
    Say,
    provider,
    slowly,
)
from tests.integration.world import EMIL, served, world_in
from tests.processes import free_port
from tillit.jose import unb64u


@pytest.fixture(scope="module")
def listening() -> Iterator[Hostile]:
    """A hostile provider, which tests have say what they will."""
    port = free_port()
    hostile = Hostile(f"http://127.0.0.1:{port}")
    with served(hostile.application(), port):
        yield hostile


@pytest.fixture
def both(listening: Hostile, tmp_path: Path) -> Iterator[tuple[Hostile, Provider]]:
    """A provider that says what it should until a test has it say otherwise, and the portal as its client."""
    (tmp_path / "client.jwk").write_text(json.dumps(CLIENT_KEY.as_dict(private=True)))
    yield listening, provider(listening, tmp_path)
    listening.says, listening.asked, listening.keys = {}, [], [KEY]


def number(of: Provider, *, again: bool = False) -> str:
    """Whose number the provider vouches for."""
    return of.vouched(LOGIN, code="code", again=again).national_id


def test_one_that_does_as_it_should_is_believed(
    both: tuple[Hostile, Provider], tmp_path: Path
) -> None:
    """With either kind of key that the portal may have as a client."""
    _, portal = both
    assert number(portal) == EMIL
    rsa = RSAKey.generate_key(2048, auto_kid=True)
    (tmp_path / "client.jwk").write_text(json.dumps(rsa.as_dict(private=True)))
    assert number(portal) == EMIL


WRONG: dict[str, Say] = {
    "500": lambda: Response("{}", 500),
    "503": lambda: JSONResponse({"error": "temporarily_unavailable"}, 503),
    "404": lambda: Response(status_code=404),
    "elsewhere": lambda: Response(status_code=302, headers={"location": "http://127.0.0.1:9/"}),
    "empty": lambda: Response(b""),
    "html": lambda: Response("<html>"),
    "not utf-8": lambda: Response(b'{"a": "\xff"}'),
    "a list": lambda: JSONResponse([]),
    "a number": lambda: Response(b"1"),
    "null": lambda: Response(b"null"),
    "deep": lambda: Response(b"[" * 100_000),
    "a long number": lambda: Response(b'{"a": ' + b"1" * 10_000 + b"}"),
    "too much": lambda: Response(b'{"a": "' + b"x" * MAX_ANSWER_BYTES + b'"}'),
    "badly compressed": lambda: Response(b"xx", headers={"content-encoding": "gzip"}),
}


@pytest.mark.parametrize("path", ["openid-configuration", "jwks", "token"])
@pytest.mark.parametrize("wrong", sorted(WRONG))
def test_an_answer_that_is_none_is_a_provider_that_is_not_there(
    both: tuple[Hostile, Provider], tmp_path: Path, path: str, wrong: str
) -> None:
    """Whatever it is asked for: no fault of ours, nobody logged in, and it may be tried again."""
    hostile, _ = both
    now = [datetime.now(UTC)]
    portal = provider(hostile, tmp_path, clock=lambda: now[0])
    hostile.says[path] = WRONG[wrong]
    with pytest.raises(ProviderDown):
        number(portal)
    del hostile.says[path]
    now[0] += TRY_AGAIN
    assert number(portal) == EMIL


@pytest.mark.parametrize("path", ["openid-configuration", "token"])
def test_an_answer_that_never_ends_is_not_waited_for(
    both: tuple[Hostile, Provider], tmp_path: Path, path: str
) -> None:
    """A byte now and then keeps no thread of the portal's for longer than the whole answer may take."""
    hostile, _ = both
    portal = provider(hostile, tmp_path, patience=0.5)
    hostile.says[path] = slowly(4)
    begun = time.monotonic()
    with pytest.raises(ProviderDown):
        number(portal)
    assert time.monotonic() - begun < 2


def test_a_head_that_never_ends_is_not_waited_for_either(tmp_path: Path) -> None:
    """Nor does a line of the head now and then."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            caller, _ = listening.accept()
            with caller, suppress(OSError):
                caller.sendall(b"HTTP/1.1 200 OK\r\n")
                while not ended.wait(0.1):
                    caller.sendall(b"x-one: more\r\n")

        dripping = threading.Thread(target=drip)
        dripping.start()
        hostile = Hostile(f"http://127.0.0.1:{listening.getsockname()[1]}")
        begun = time.monotonic()
        with pytest.raises(ProviderDown):
            provider(hostile, tmp_path, patience=0.5).address(LOGIN, again=False)
        waited = time.monotonic() - begun
        ended.set()
        dripping.join()
    assert waited < 3


def test_a_provider_that_is_not_there(tmp_path: Path) -> None:
    """Nobody listens: it is said at once."""
    hostile = Hostile(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ProviderDown):
        provider(hostile, tmp_path).address(LOGIN, again=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://elsewhere.example"},
        {"issuer": None},
        {"jwks_uri": "nowhere"},
        {"jwks_uri": "http://[::1"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": 1},
    ],
    ids=str,
)
def test_one_that_describes_itself_wrongly_is_not_asked(
    both: tuple[Hostile, Provider], changes: dict[str, object]
) -> None:
    """Nobody is sent to it."""
    hostile, portal = both
    hostile.says["openid-configuration"] = lambda: JSONResponse(hostile.described(**changes))
    with pytest.raises(ProviderDown):
        portal.address(LOGIN, again=False)
    assert "token" not in hostile.asked


@pytest.mark.parametrize("missing", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_one_that_leaves_something_out_is_not_asked(
    both: tuple[Hostile, Provider], missing: str
) -> None:
    """What it does not say is not guessed."""
    hostile, portal = both
    said = {name: value for name, value in hostile.described().items() if name != missing}
    hostile.says["openid-configuration"] = lambda: JSONResponse(said)
    with pytest.raises(ProviderDown):
        portal.address(LOGIN, again=False)


@pytest.mark.parametrize(
    "keys", [None, "keys", [1], [{}], [{"kty": "EC"}], [{"kty": "EC", "crv": "P-0"}]], ids=str
)
def test_keys_that_are_none_are_not_used(both: tuple[Hostile, Provider], keys: object) -> None:
    """Nothing can be held against them."""
    hostile, portal = both
    hostile.says["jwks"] = lambda: JSONResponse({"keys": keys})
    with pytest.raises(ProviderDown):
        number(portal)


@pytest.mark.parametrize("path", ["openid-configuration", "jwks"])
@pytest.mark.parametrize("status", [400, 401])
def test_a_provider_that_does_not_describe_itself_refuses_nobody(
    both: tuple[Hostile, Provider], path: str, status: int
) -> None:
    """Whatever it calls that: nothing was said of the person."""
    hostile, portal = both
    hostile.says[path] = lambda: Response(status_code=status)
    with pytest.raises(ProviderDown):
        number(portal)


@pytest.mark.parametrize("status", [400, 401])
def test_a_code_that_the_provider_does_not_take_is_a_refusal(
    both: tuple[Hostile, Provider], status: int
) -> None:
    """The person may try once more; the provider is there."""
    hostile, portal = both
    hostile.says["token"] = lambda: JSONResponse({"error": "invalid_grant"}, status)
    with pytest.raises(LoginRefused):
        number(portal)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"id_token": None},
        {"id_token": 1},
        {"id_token": ""},
        {"id_token": "a.b.c"},
        {"id_token": "a.b.c.d.e"},
        {"id_token": "e30.e30."},
        {"id_token": "…"},
        {"access_token": "x"},
    ],
    ids=str,
)
def test_an_exchange_without_a_token_is_a_refusal(
    both: tuple[Hostile, Provider], said: dict[str, object]
) -> None:
    """Nothing else that it says is taken for one."""
    hostile, portal = both
    hostile.says["token"] = lambda: JSONResponse(said)
    with pytest.raises(LoginRefused):
        number(portal)


def _unsigned(hostile: Hostile) -> str:
    header, payload, _ = hostile.token().split(".")
    del header
    return f"eyJhbGciOiJub25lIn0.{payload}."


def _mixed(hostile: Hostile) -> str:
    head, _, signature = hostile.token().split(".")
    return f"{head}.{hostile.token(sub='another').split('.')[1]}.{signature}"


FORGED: dict[str, Callable[[Hostile], str]] = {
    "signed by another key": lambda h: h.token(ECKey.generate_key("P-256")),
    "signed by a secret that is the public key": lambda h: h.token(
        OctKey.import_key(PUBLIC), "HS256"
    ),
    "signed by an algorithm that is not used": lambda h: h.token(
        ECKey.generate_key("P-384"), "ES384"
    ),
    "not signed": _unsigned,
    "put together of two": _mixed,
}


@pytest.mark.parametrize("forged", sorted(FORGED))
def test_a_forged_token_is_a_refusal(both: tuple[Hostile, Provider], forged: str) -> None:
    """Every claim in it is right, and the signature is not the provider's."""
    hostile, portal = both
    hostile.says["token"] = lambda: JSONResponse({"id_token": FORGED[forged](hostile)})
    with pytest.raises(LoginRefused):
        number(portal)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": {}},
        {"aud": [{}]},
        {"aud": [[CLIENT]]},
        {"aud": 1},
        {"iss": []},
        {"acr": ["idporten-loa-high"]},
        {"acr": {}},
        {"nonce": 1},
        {"nonce": ["nonce"]},
        {"exp": True},
        {"exp": [1]},
        {"iat": {}},
        {"amr": "BankID"},
        {"auth_time": "x"},
        {"azp": 1},
        {"azp": [CLIENT]},
    ],
    ids=str,
)
def test_a_claim_of_another_kind_is_a_refusal(
    both: tuple[Hostile, Provider], claims: dict[str, object]
) -> None:
    """Also from a provider that signs whatever it is given: never a fault of ours."""
    hostile, portal = both
    token = _raw(hostile, claims)
    hostile.says["token"] = lambda: JSONResponse({"id_token": token})
    with pytest.raises(LoginRefused):
        number(portal)


def _raw(hostile: Hostile, claims: dict[str, object]) -> str:
    """A token signed below the claims' layer, which would refuse to write some of these."""
    said = json.loads(unb64u(hostile.token().split(".")[1])) | claims
    return jws.serialize_compact({"alg": "ES256", "kid": KEY.kid}, json.dumps(said).encode(), KEY)


def test_its_description_is_read_once_an_hour(
    both: tuple[Hostile, Provider], tmp_path: Path
) -> None:
    """Not at each login; and a key that is new there is known within the hour."""
    hostile, _ = both
    now = [datetime.now(UTC)]
    portal = provider(hostile, tmp_path, clock=lambda: now[0])
    for _ in range(3):
        portal.address(LOGIN, again=False)
    assert hostile.asked == ["openid-configuration", "jwks"]
    now[0] += timedelta(hours=1)
    portal.address(LOGIN, again=False)
    assert hostile.asked == ["openid-configuration", "jwks"] * 2


def test_one_that_does_not_answer_is_not_asked_by_everybody(
    both: tuple[Hostile, Provider], tmp_path: Path
) -> None:
    """Whoever comes within seconds is told at once, and not after waiting behind all the others."""
    hostile, _ = both
    now = [datetime.now(UTC)]
    portal = provider(hostile, tmp_path, clock=lambda: now[0], patience=0.5)
    hostile.says["openid-configuration"] = slowly(4)
    begun = time.monotonic()
    with ThreadPoolExecutor(8) as visitors:
        asked = [visitors.submit(portal.address, LOGIN, again=False) for _ in range(8)]
        assert all(isinstance(one.exception(), ProviderDown) for one in asked)
    assert time.monotonic() - begun < 2
    assert hostile.asked == ["openid-configuration"]
    now[0] += TRY_AGAIN
    del hostile.says["openid-configuration"]
    assert portal.address(LOGIN, again=False)


def test_nobody_waits_while_a_new_key_is_looked_for(
    both: tuple[Hostile, Provider], tmp_path: Path
) -> None:
    """What was read within the hour stands meanwhile, and after it could not be read anew."""
    hostile, _ = both
    now = [datetime.now(UTC)]
    portal = provider(hostile, tmp_path, clock=lambda: now[0], patience=1.0)
    assert portal.address(LOGIN, again=False)
    now[0] += LOOK_AGAIN
    hostile.keys = [ECKey.generate_key("P-256", auto_kid=True)]
    token = hostile.token()
    head = {"alg": "ES256", "kid": hostile.keys[0].kid}
    new = jwt.encode(head, jwt.decode(token, KEY).claims, hostile.keys[0])
    hostile.says |= {
        "openid-configuration": slowly(4),
        "token": lambda: JSONResponse({"id_token": new}),
    }
    with ThreadPoolExecutor(1) as visitors:
        waiting = visitors.submit(number, portal)
        while hostile.asked.count("openid-configuration") < 2:
            time.sleep(0.01)
        begun = time.monotonic()
        assert portal.address(LOGIN, again=False)
        assert time.monotonic() - begun < 0.5
        assert isinstance(waiting.exception(), ProviderDown)
    assert portal.address(LOGIN, again=False)


def test_a_key_that_is_new_at_the_provider_is_looked_for(
    both: tuple[Hostile, Provider], tmp_path: Path
) -> None:
    """It renewed its keys since they were read: nobody is locked out for an hour, and it is not asked all the time."""
    hostile, _ = both
    now = [datetime.now(UTC)]
    portal = provider(hostile, tmp_path, clock=lambda: now[0])
    assert number(portal) == EMIL
    new = ECKey.generate_key("P-256", auto_kid=True)
    hostile.keys = [new]
    token = jwt.encode(
        {"alg": "ES256", "kid": new.kid}, jwt.decode(hostile.token(), KEY).claims, new
    )
    hostile.says["token"] = lambda: JSONResponse({"id_token": token})
    with pytest.raises(LoginRefused):
        number(portal)
    assert hostile.asked.count("jwks") == 1
    now[0] += LOOK_AGAIN
    assert number(portal) == EMIL
    assert hostile.asked.count("jwks") == 2


def test_keys_for_something_else_are_passed_over(both: tuple[Hostile, Provider]) -> None:
    """A set with a key that is no kind of ours, or that encrypts, is still good for those that are."""
    hostile, portal = both
    others = [
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "EC", "crv": "P-0", "x": "AAAA", "y": "AAAA"},
        {"kty": "RSA", "use": "enc", "n": "AAAA", "e": "AQAB"},
    ]
    hostile.says["jwks"] = lambda: JSONResponse({"keys": [*others, KEY.as_dict(private=False)]})
    assert number(portal) == EMIL


def test_whoever_waits_for_the_provider_keeps_nobody_else_waiting(
    listening: Hostile, tmp_path: Path, sqlite_template: Path
) -> None:
    """A provider that hardly answers, and many who want to log in: services are answered as ever."""
    (tmp_path / "client.jwk").write_text(json.dumps(CLIENT_KEY.as_dict(private=True)))
    shutil.copy(sqlite_template, tmp_path / "broker.db")
    listening.says["openid-configuration"] = slowly(2)
    settings: dict[str, Any] = {
        "login_issuer": listening.issuer,
        "login_client": CLIENT,
        "login_key_file": tmp_path / "client.jwk",
    }
    with (
        world_in(tmp_path, f"sqlite:///{tmp_path / 'broker.db'}", **settings) as world,
        ThreadPoolExecutor(4) as visitors,
    ):
        url = str(world.client.base_url)
        waiting = [visitors.submit(httpx.get, f"{url}/login", timeout=30) for _ in range(4)]
        while "openid-configuration" not in listening.asked:
            time.sleep(0.01)
        time.sleep(0.5)  # the others are there as well then
        assert world.get("/v1/catalogue").status_code == 200
        assert world.get("/").status_code == 200
        assert not any(answer.done() for answer in waiting)
        assert [answer.result().status_code for answer in waiting] == [503] * 4
    listening.says, listening.asked = {}, []


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"kty": "oct", "k": "AAAA"}', PUBLIC])
def test_a_client_without_a_key_does_not_ask(
    both: tuple[Hostile, Provider], tmp_path: Path, content: str
) -> None:
    """A file that was spoiled is told as a login that is not to be had, and by no trace."""
    hostile, portal = both
    (tmp_path / "client.jwk").write_text(content)
    with pytest.raises(ProviderDown):
        number(portal)
    assert "token" not in hostile.asked
