"""Tokens: how services prove themselves, once per assertion, and whose word is believed about people."""

import base64
import hashlib
import json
import secrets
import threading
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import compose
from broker.compose import now
from broker.domain.ids import UnitId
from broker.store.sql import SqlStore
from tests.integration.bad_input import Unchanged, refused
from tests.integration.world import EMIL, ISSUER, NORA, PERSON_ISSUER, World
from tillit.enrolment import prove
from tillit.jose import ed25519_jwk
from tillit.keys import ServiceKey

NAV = "nav-larvik"


def _claims(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    read = jwt.decode_complete(token, options={"verify_signature": False})
    return read["header"], read["payload"]


# --- the token endpoint ------------------------------------------------------------------------------


def test_token_is_rfc_9068_and_verifies_under_the_published_keys(world: World) -> None:
    """A stock resource server could check it."""
    token = world.token(NAV)
    header, claims = _claims(token)
    (jwk,) = world.get("/oauth/jwks").json()["keys"]
    assert {"alg": "EdDSA", "kid": jwk["kid"], "typ": "at+jwt"} == header
    checked = jwt.decode(token, jwt.PyJWK.from_dict(jwk), audience=ISSUER, issuer=ISSUER)
    assert {"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope"} == set(checked)
    assert (claims["sub"], claims["client_id"], claims["scope"]) == (NAV, NAV, "share")
    assert claims["exp"] - claims["iat"] == 120


def test_metadata_is_rfc_8414(world: World) -> None:
    """Clients find the endpoint without being told."""
    found = world.get("/.well-known/oauth-authorization-server").json()
    assert found["issuer"] == ISSUER
    assert found["token_endpoint"] == f"{ISSUER}/oauth/token"
    assert found["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert found["jwks_uri"] == f"{ISSUER}/oauth/jwks"


def test_token_answer_is_rfc_6749_and_never_cached(world: World) -> None:
    """No proxy keeps a token."""
    world.token(NAV)
    answer = world.ask_token(world.assertion(NAV), scope="share log")
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 120, "log share")


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "ot-vestfold"}, "client.assertion_malformed"),
        ({"sub": "ot-vestfold"}, "client.assertion_malformed"),
        ({"jti": None}, "client.assertion_malformed"),
        ({"exp": None}, "client.assertion_malformed"),
        ({"iat": None}, "client.assertion_malformed"),
        ({"jti": "æ"}, "client.assertion_malformed"),
        ({"jti": "x" * 200}, "client.assertion_malformed"),
        ({"sub": 7, "iss": 7}, "client.assertion_malformed"),
        ({"sub": "no-such", "iss": "no-such"}, "client.unknown"),
        ({"sub": "nav\x00", "iss": "nav\x00"}, "client.assertion_malformed"),
    ],
)
def test_assertion_that_proves_nobody_is_refused_and_not_logged(
    world: World, claims: dict[str, Any], code: str
) -> None:
    """Before a signature holds no party is known: a stranger cannot write to the log."""
    world.token(NAV)
    with Unchanged(world, entries=0):
        answer = world.ask_token(world.assertion(NAV, claims))
        refused(world, answer, status=401, code=code, logged=False)
    assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "https://other.example"}, "client.audience"),
        ({"aud": [ISSUER, "https://other.example"]}, "client.audience"),
        ({"iat": -200, "exp": -100}, "client.assertion_expired"),
        ({"iat": 0, "exp": 121}, "client.assertion_lifetime"),
        ({"iat": 100, "exp": 160}, "client.assertion_lifetime"),
        ({"iat": 0, "exp": 3600}, "client.assertion_lifetime"),
    ],
)
def test_signed_assertion_that_does_not_hold_is_refused_and_logged_once(
    world: World, claims: dict[str, Any], code: str
) -> None:
    """The party is known: its key signed. ``iat`` and ``exp`` are told from now."""
    world.token(NAV)
    at = int(time.time())
    said = {k: at + v if isinstance(v, int) else v for k, v in claims.items()}
    with Unchanged(world, entries=1):
        answer = world.ask_token(world.assertion(NAV, said))
        refused(world, answer, status=401, code=code, logged=True)
    assert world.refusals()[-1] == {"code": code, "route": "POST /oauth/token", "unit": NAV}


def test_assertion_by_an_unregistered_key_is_refused(world: World) -> None:
    """A key is registered before it speaks."""
    world.token(NAV)
    answer = world.ask_token(world.assertion(NAV, key=ServiceKey.generate(NAV)))
    refused(world, answer, status=401, code="client.key_unknown", logged=False)


def test_assertion_by_anothers_key_is_refused(world: World) -> None:
    """A registered key speaks for its own unit only."""
    world.token(NAV)
    world.token("ot-vestfold")
    answer = world.ask_token(world.assertion(NAV, key=world.keys["ot-vestfold"]))
    refused(world, answer, status=401, code="client.key_unknown", logged=False)


def test_assertion_with_a_broken_signature_is_refused(world: World) -> None:
    """Any other signature under a known ``kid``."""
    world.token(NAV)
    claims = _claims(world.assertion(NAV))[1]
    forged = jwt.encode(
        claims,
        Ed25519PrivateKey.generate(),
        algorithm="EdDSA",
        headers={"kid": world.keys[NAV].sig_kid},
    )
    refused(world, world.ask_token(forged), status=401, code="client.signature", logged=False)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_no_other_algorithm_is_taken(world: World, algorithm: str) -> None:
    """A public key used as a shared secret is the oldest trick there is."""
    world.token(NAV)
    claims = _claims(world.assertion(NAV))[1]
    headers = {"kid": world.keys[NAV].sig_kid}
    secret = "x" * 32 if algorithm == "HS256" else ""
    forged = jwt.encode(claims, secret, algorithm=algorithm, headers=headers)
    answer = world.ask_token(forged)
    refused(world, answer, status=401, code="client.assertion_malformed", logged=False)


def test_replayed_assertion_is_refused_and_logged_once(world: World) -> None:
    """An assertion that leaks from a log is worth nothing."""
    world.token(NAV)
    assertion = world.assertion(NAV)
    assert world.ask_token(assertion).status_code == 200
    with Unchanged(world, entries=1):
        answer = world.ask_token(assertion)
        refused(world, answer, status=401, code="client.assertion_replayed", logged=True)


def test_assertion_is_spent_once_however_many_come_at_once(world: World) -> None:
    """The race is decided in the database."""
    world.token(NAV)
    assertion = world.assertion(NAV)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(world.ask_token(assertion).status_code))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [401] * 7


@pytest.mark.parametrize(
    ("form", "status", "code", "error"),
    [
        ({"grant_type": "password"}, 400, "oauth.grant_type", "unsupported_grant_type"),
        ({"scope": "admin"}, 400, "oauth.scope", "invalid_scope"),
        ({"client_assertion_type": "other"}, 400, "body.form", "invalid_request"),
        ({"client_assertion": "a.b.c"}, 401, "client.assertion_malformed", "invalid_client"),
        ({"client_assertion": "x" * 9000}, 401, "client.assertion_malformed", "invalid_client"),
    ],
)
def test_malformed_token_request_is_refused(
    world: World, form: dict[str, str], status: int, code: str, error: str
) -> None:
    """Each with RFC 6749's own error beside the code."""
    world.token(NAV)
    answer = world.ask_token(world.assertion(NAV), **form)
    refused(world, answer, status=status, code=code, logged=False)
    assert error == answer.json()["error"]


@pytest.mark.parametrize(
    "raw", [b"grant_type=a&grant_type=b", b"grant_type", b"%zz=%ff", b"a=b", b"\xff\xfe"]
)
def test_malformed_form_is_refused(world: World, raw: bytes) -> None:
    """A parameter stands once."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = world.client.post("/oauth/token", content=raw, headers=headers)
    refused(world, answer, status=400, code="body.form", logged=False)


def test_token_request_in_json_is_refused(world: World) -> None:
    """RFC 6749 names one media type."""
    answer = world.client.post("/oauth/token", json={})
    refused(world, answer, status=415, code="body.media_type", logged=False)


def test_auditor_reads_the_log_and_nothing_else(world: World) -> None:
    """Enrolled by the operator's code like anyone, a client that is no unit of the catalogue may not share."""
    key = ServiceKey.generate("auditor-riksrevisjonen")
    enrolled = world.post("/v1/enrolments", _enrolment(key, _invited(world, key.unit)))
    assert enrolled.status_code == 204
    world.keys[key.unit] = key
    answer = world.ask_token(world.assertion(key.unit), scope="share")
    refused(world, answer, status=400, code="oauth.scope", logged=False)
    token = world.token(key.unit, scope="log")
    headers = {"authorization": f"Bearer {token}"}
    assert world.client.get("/log/checkpoint", headers=headers).status_code == 200
    answer = world.client.get("/v1/events", headers=headers)
    refused(world, answer, status=403, code="token.scope", logged=False)
    assert "insufficient_scope" in answer.headers["www-authenticate"]


# --- services' access tokens -------------------------------------------------------------------------


def _forged(world: World, **changes: Any) -> str:
    """An access token by the broker's own key, but for the changes."""
    own = compose.secrets(world.settings).tokens
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": NAV,
        "client_id": NAV,
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_hex(8),
        "scope": "share",
    }
    typ = changes.pop("typ", "at+jwt")
    kid = ed25519_jwk(own.public_key())["kid"]
    said = {k: v for k, v in (claims | changes).items() if v is not None}
    return jwt.encode(said, own, algorithm="EdDSA", headers={"kid": kid, "typ": typ})


def _events(world: World, token: str) -> Any:
    return world.client.get("/v1/events", headers={"authorization": f"Bearer {token}"})


def test_forged_token_without_a_change_is_taken(world: World) -> None:
    """The ground the refusals below stand on."""
    assert _events(world, _forged(world)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": 1, "iat": 0 + 1}, "token.expired"),
        ({"aud": "https://other.example"}, "token.invalid"),
        ({"iss": "https://other.example"}, "token.invalid"),
        ({"typ": "JWT"}, "token.invalid"),
        ({"jti": None}, "token.invalid"),
        ({"exp": "soon"}, "token.invalid"),
        ({"exp": True}, "token.invalid"),
    ],
)
def test_access_token_that_does_not_hold_is_refused(
    world: World, changes: dict[str, Any], code: str
) -> None:
    """Audience, issuer, type and time are all checked."""
    answer = _events(world, _forged(world, **changes))
    refused(world, answer, status=401, code=code, logged=False)


def test_token_expires_although_it_is_remembered(world: World) -> None:
    """What was verified once is not verified for good."""
    token = _forged(world, exp=int(time.time()) + 2)
    assert _events(world, token).status_code == 200
    time.sleep(2.1)
    refused(world, _events(world, token), status=401, code="token.expired", logged=False)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_token_with_any_part_altered_is_refused(world: World, at: int) -> None:
    """Header, payload and signature."""
    parts = world.token(NAV).split(".")
    raw = bytearray(base64.urlsafe_b64decode(parts[at] + "=="))
    raw[len(raw) // 2] ^= 1
    parts[at] = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    refused(world, _events(world, ".".join(parts)), status=401, code="token.invalid", logged=False)


@pytest.mark.parametrize(
    "header", ["Basic eDp5", "Bearer", "Bearer x", "Bearer " + "x" * 9000, "token"]
)
def test_anything_but_a_bearer_token_is_refused(world: World, header: str) -> None:
    """No other scheme."""
    answer = world.client.get("/v1/events", headers={"authorization": header})
    refused(world, answer, status=401, code="token.invalid", logged=False)


# --- people's access tokens --------------------------------------------------------------------------


def _mine(world: World, token: str) -> Any:
    return world.client.get("/v1/me/consents", headers={"authorization": f"Bearer {token}"})


def test_persons_token_is_taken(world: World) -> None:
    """The ground the refusals below stand on."""
    assert _mine(world, world.person_token(EMIL)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "https://other.example"}, "token.invalid"),
        ({"aud": "https://other.example"}, "token.invalid"),
        ({"pid": None}, "token.invalid"),
        ({"pid": "1234"}, "token.invalid"),
        ({"pid": int(EMIL)}, "token.invalid"),
        ({"iat": None}, "token.invalid"),
        ({"exp": None}, "token.invalid"),
        ({"typ": "JWT"}, "token.invalid"),
    ],
)
def test_persons_token_that_does_not_hold_is_refused(
    world: World, changes: dict[str, Any], code: str
) -> None:
    """Issuer, audience, type, number and time are all checked."""
    answer = _mine(world, world.person_token(EMIL, **changes))
    refused(world, answer, status=401, code=code, logged=False)


@pytest.mark.parametrize(
    ("issued", "until", "code"),
    [(-400, -1, "token.expired"), (0, 601, "token.invalid"), (60, 120, "token.invalid")],
)
def test_persons_token_out_of_time_is_refused(
    world: World, issued: int, until: int, code: str
) -> None:
    """Ten minutes at most, and not from the future."""
    now = int(time.time())
    token = world.person_token(EMIL, iat=now + issued, exp=now + until)
    refused(world, _mine(world, token), status=401, code=code, logged=False)


def test_persons_token_by_another_key_is_refused(world: World) -> None:
    """Only the configured issuer is believed."""
    claims = _claims(world.person_token(EMIL))[1]
    for kid, key in (("people", Ed25519PrivateKey.generate()), ("other", world.issuer_key)):
        headers = {"kid": kid, "typ": "at+jwt"}
        forged = jwt.encode(claims, key, algorithm="EdDSA", headers=headers)
        refused(world, _mine(world, forged), status=401, code="token.invalid", logged=False)


def test_a_services_token_is_no_persons_and_the_reverse(world: World) -> None:
    """Two issuers, two kinds of caller."""
    answer = _mine(world, world.token(NAV))
    refused(world, answer, status=401, code="token.invalid", logged=False)
    answer = _events(world, world.person_token(EMIL))
    refused(world, answer, status=401, code="token.invalid", logged=False)


def test_issuer_may_sign_with_rs256_and_roll_its_keys(fresh_world: World) -> None:
    """ID-porten signs with RSA; a new key file is taken up without a restart."""
    world = fresh_world
    old = world.person_token(NORA)
    assert _mine(world, old).status_code == 200
    key = rsa.generate_private_key(65537, 2048)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "rsa"}
    file = world.directory / "issuer.jwks"
    file.write_text(json.dumps({"keys": [jwk]}))
    claims = _claims(old)[1]
    headers = {"kid": "rsa", "typ": "at+jwt"}
    assert _mine(world, jwt.encode(claims, key, "RS256", headers)).status_code == 200
    refused(world, _mine(world, old), status=401, code="token.invalid", logged=False)
    refused(
        world,
        _mine(world, jwt.encode(claims, key, "RS512", headers)),
        status=401,
        code="token.invalid",
        logged=False,
    )


@pytest.mark.parametrize(
    "content", [None, "garbled", '{"keys": [{"kid": "people", "kty": "oct"}]}']
)
def test_unreadable_issuer_keys_are_503_and_come_back(
    fresh_world: World, content: str | None
) -> None:
    """Nobody is let in on doubt, and nobody has to restart the broker."""
    world = fresh_world
    token = world.person_token(EMIL)
    assert _mine(world, token).status_code == 200
    file = world.directory / "issuer.jwks"
    sound = file.read_text()
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    answer = _mine(world, token)
    refused(world, answer, status=503, code="token.issuer_unavailable", logged=False)
    file.write_text(sound)
    assert _mine(world, token).status_code == 200
    assert PERSON_ISSUER not in answer.text


# --- enrolment ---------------------------------------------------------------------------------------


def _invited(world: World, unit: str, *, lasts: float = 3600.0) -> str:
    """A one-time code as the operator's command line makes it."""
    code = secrets.token_hex(16)
    store = SqlStore(world.settings.database, origin=world.settings.origin)
    with store.write() as tx:
        until = now() + timedelta(seconds=lasts)
        tx.add_enrolment(UnitId(unit), hashlib.sha256(code.encode()).digest(), expires_at=until)
    store.close()
    return code


def _enrolment(key: ServiceKey, code: str, **changes: Any) -> dict[str, Any]:
    sound = {
        "unit": key.unit,
        "code": code,
        "jwks": key.public_jwks(),
        "proof": prove(code, key),
    }
    return sound | changes


def test_enrolled_unit_gets_tokens_and_its_keys_are_published(world: World) -> None:
    """From the operator's code to the first call."""
    key = ServiceKey.generate("larvikshjelpa")
    code = _invited(world, key.unit)
    answer = world.post("/v1/enrolments", _enrolment(key, code))
    assert (answer.status_code, answer.content) == (204, b"")
    world.keys[key.unit] = key
    published = world.get(f"/v1/services/{key.unit}/jwks", unit=key.unit).json()
    assert published["keys"] == key.public_jwks()["keys"]


def test_enrolment_that_does_not_hold_is_refused(world: World) -> None:
    """Wrong, spent and expired codes, anothers' proofs and unknown units read the same."""
    key, other = ServiceKey.generate("barnevern-larvik"), ServiceKey.generate("barnevern-larvik")
    code = _invited(world, key.unit)
    late = _invited(world, key.unit, lasts=-1.0)
    elsewhere = ServiceKey.generate("no-such")
    wrong = [
        _enrolment(key, secrets.token_hex(16)),
        _enrolment(key, late),
        _enrolment(key, code, proof=prove(code, other)),
        _enrolment(key, code, proof="a.b.c"),
        _enrolment(key, code, jwks={"keys": []}),
        _enrolment(key, code, unit="ot-vestfold"),
        _enrolment(elsewhere, _invited(world, "no-such")),
    ]
    with Unchanged(world, entries=0):
        answers = [world.post("/v1/enrolments", body) for body in wrong]
    for answer in answers:
        refused(world, answer, status=403, code="enrolment.refused", logged=False)
        assert answer.json() == answers[0].json()
    assert world.post("/v1/enrolments", _enrolment(key, code)).status_code == 204
    answer = world.post("/v1/enrolments", _enrolment(other, code))
    refused(world, answer, status=403, code="enrolment.refused", logged=False)
