"""Every route: names its credential, fails without one, documents its errors, and answers under the right headers."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from broker.api.app import every
from broker.api.door import PATH_TYPES, Door
from broker.api.endpoints import Endpoint
from broker.api.openapi import refusals_of
from broker.api.problems import TABLE
from broker.compose import compose
from broker.portal import rooms
from tests.integration.bad_input import LARVIK, NAV, an_ask, refused
from tests.integration.world import EMIL, World

ENDPOINTS = {endpoint.route: endpoint for endpoint in every()}
CLOSED = {name: e for name, e in ENDPOINTS.items() if e.credential != "public"}
OPEN = {
    "GET /.well-known/jwks.json",
    "GET /v1/catalogue",
    "GET /v1/keys",
    "POST /v1/enrolments",
    "POST /oauth/token",
    "GET /oauth/jwks",
    "GET /.well-known/oauth-authorization-server",
    "GET /.well-known/authzen-configuration",
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
}
ISSUE = {
    "POST /v1/service-keys",
    "POST /v1/service-keys/{kid}/revocation",
    "GET /v1/services/{unit}/key-history",
    "POST /v1/subjects",
    "POST /v1/deposits",
    "POST /v1/checks",
    "POST /access/v1/evaluation",
    "POST /access/v1/evaluations",
    "POST /v1/disclosures",
    "GET /v1/disclosures/{disclosure}",
    "GET /v1/disclosures/{disclosure}/proof",
    "POST /v1/consents",
    "POST /v1/consents/{consent}/capture",
    "POST /v1/consents/{consent}/events",
    "GET /v1/consents",
    "POST /v1/collaborations/{collaboration}/stage",
    "POST /v1/anonymous-cases",
    "POST /v1/matches",
    "GET /v1/anonymous-cases",
    "POST /v1/me/anonymous-cases",
    "POST /v1/meetings",
    "GET /v1/events",
    "GET /v1/services/{unit}/jwks",
    "GET /v1/me/consents",
    "GET /v1/me/consents/{consent}",
    "POST /v1/me/consents/{consent}/answer",
    "POST /v1/me/consents/{consent}/pause",
    "POST /v1/me/consents/{consent}/resume",
    "POST /v1/me/consents/{consent}/undo",
    "POST /v1/me/consents/{consent}/ask-back",
    "POST /v1/consents/{consent}/reply",
    "POST /v1/me/consents/{consent}/withdraw",
    "GET /v1/me/disclosures",
    "GET /v1/me/disclosures/{disclosure}/proof",
    "GET /v1/me/notices",
    "GET /v1/me/copy",
    "GET /v1/me/copy/consents.jsonld",
    "GET /v1/me/copy/consents.fhir.json",
    "GET /v1/me/cases",
    "GET /v1/me/growing",
    "GET /v1/me/guardians",
    "GET /v1/me/helpers",
    "GET /v1/me/wards",
    "GET /v1/me/notice-choices",
    "GET /v1/me/hidden",
    "POST /v1/me/hidden",
    "GET /v1/me/contact",
    "POST /v1/me/contact",
    "POST /v1/me/contact/confirm",
    "POST /v1/me/contact/remove",
    "POST /v1/me/notice-choices",
    "POST /v1/me/helpers",
    "POST /v1/me/helpers/{helper}/remove",
    "GET /v1/me/helping",
    "POST /v1/me/helping",
    "POST /v1/me/helping/{helper}/leave",
    "GET /v1/me/helping/{helper}/consents",
    "GET /v1/me/helping/{helper}/disclosures",
    "GET /v1/me/questions",
    "POST /v1/me/questions/{question}/answer",
    "POST /v1/me/consents/{consent}/conditions",
    "GET /v1/me/meetings",
    "POST /v1/disclosures/{disclosure}/erasure",
    "GET /log/checkpoint",
    "GET /log/tile/{tile:path}",
    "POST /v1/invocations",
    "GET /v1/invocations",
    "POST /v1/invocations/{invocation}/confirm",
    "POST /v1/invocations/{invocation}/review",
    "GET /v1/me/objections",
    "POST /v1/me/objections",
    "POST /v1/me/preview",
    "POST /v1/me/values",
    "POST /v1/me/voice",
    "GET /v1/me/contests",
    "POST /v1/me/contests",
    "POST /v1/me/contests/{record}/lift",
    "POST /v1/contests/{record}/reply",
    "GET /v1/me/complaints",
    "POST /v1/me/complaints",
    "POST /v1/me/complaints/{complaint}/close",
    "GET /v1/complaints",
    "POST /v1/complaints/{complaint}/answer",
    "GET /audit/v1/complaints",
    "POST /v1/previews",
    "GET /audit/v1/events",
    "GET /audit/v1/signals",
    "POST /audit/v1/signals/{signal}/content",
    "GET /audit/v1/statistics",
    "GET /audit/v1/events/{index}",
    "POST /audit/v1/events/{index}/content",
}


def _path(endpoint: Endpoint) -> str:
    """A path on the endpoint's template."""
    ids = {
        "disclosure": "dis_" + "a" * 22,
        "consent": "con_" + "a" * 22,
        "invocation": "inv_" + "a" * 22,
        "record": "rec_" + "a" * 22,
        "helper": "hlp_" + "a" * 22,
        "question": "qst_" + "a" * 22,
        "complaint": "cmp_" + "a" * 22,
        "unit": NAV,
        "collaboration": LARVIK,
        "kid": "a" * 43,
        "tile:path": "0/000",
        "index": "0",
        "signal": "sig_" + "a" * 22,
    }
    return re.sub(r"{([^}]+)}", lambda found: ids[found[1]], endpoint.path)


def _call(world: World, endpoint: Endpoint, **headers: str) -> Any:
    if endpoint.method == "GET":
        return world.client.get(_path(endpoint), headers=headers)
    return world.post(_path(endpoint), {}, extra=headers)


def test_every_place_in_a_path_has_a_bound() -> None:
    """The door knows what may stand there; a route with a place that it does not know answers nobody."""
    routes = [*ENDPOINTS, *(page.route for page in rooms.every())]
    places = {name for route in routes for name in re.findall(r"{(\w+)", route)}
    assert places == set(PATH_TYPES)


def test_the_application_has_the_declared_routes_and_no_others(world: World) -> None:
    """A route that was added beside the declarations would be one without a credential."""
    routes = compose(world.settings).routes
    assert all(isinstance(route, Door) for route in routes)
    served = {route.declared.route for route in routes if isinstance(route, Door)}
    assert ENDPOINTS.keys() | {"GET /openapi.json"} == served
    assert ENDPOINTS.keys() == ISSUE | OPEN


def test_open_routes_are_the_ones_that_must_be() -> None:
    """Whatever is not on the list asks for a token."""
    assert {name for name, e in ENDPOINTS.items() if e.credential == "public"} == OPEN


@pytest.mark.parametrize("route", CLOSED)
def test_closed_route_fails_without_a_token(world: World, route: str) -> None:
    """No credential, no answer, and no word about what is there."""
    answer = _call(world, CLOSED[route])
    refused(world, answer, status=401, code="token.missing", logged=False)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("route", CLOSED)
def test_closed_route_fails_with_the_wrong_kind_of_token(world: World, route: str) -> None:
    """A person is no service, a service no person, and each scope is its own."""
    endpoint = CLOSED[route]
    if endpoint.credential == "person":
        token = world.token(NAV)
        status, code = 401, "token.invalid"
    elif endpoint.credential == "log":
        token = world.token(NAV, scope="share")
        status, code = 403, "token.scope"
    else:
        token = world.token(NAV, scope="log")
        status, code = 403, "token.scope"
    answer = _call(world, endpoint, authorization=f"Bearer {token}")
    refused(world, answer, status=status, code=code, logged=False)


@pytest.mark.parametrize(
    "route", [name for name, e in ENDPOINTS.items() if e.idempotent and not e.key_optional]
)
def test_every_post_wants_an_idempotency_key(world: World, route: str) -> None:
    """A retry must be recognisable."""
    endpoint = ENDPOINTS[route]
    person = EMIL if endpoint.credential == "person" else None
    unit = NAV if endpoint.credential == "service" else None
    headers = world.headers(unit, person) | {"content-type": "application/json"}
    answer = world.client.post(_path(endpoint), content=b"{}", headers=headers)
    refused(world, answer, status=400, code="idempotency.key_missing", logged=False)


def test_only_what_a_repetition_cannot_harm_takes_a_post_without_an_idempotency_key() -> None:
    """An assertion is spent by its use; an AuthZEN client knows no such header, and a check changes nothing but the log.

    Neither does an auditor's look, which is one more entry each time.
    """
    posts = {name: e for name, e in ENDPOINTS.items() if e.method == "POST"}
    assert {name for name, e in posts.items() if not e.idempotent} == {"POST /oauth/token"}
    assert {name for name, e in posts.items() if e.key_optional} == {
        "POST /access/v1/evaluation",
        "POST /access/v1/evaluations",
        "POST /audit/v1/events/{index}/content",
        "POST /audit/v1/signals/{signal}/content",
    }


# --- headers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ENDPOINTS)
def test_security_headers_stand_on_every_answer(world: World, route: str) -> None:
    """Refusals too."""
    answer = _call(world, ENDPOINTS[route])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    if answer.status_code >= 400:
        assert answer.headers["cache-control"] == "no-store"


def test_nothing_about_a_person_is_cached() -> None:
    """Only the open documents and the log's immutable tiles may be kept."""
    kept = {name for name, e in ENDPOINTS.items() if e.cache != "no-store"}
    assert kept == {
        "GET /v1/catalogue",
        "GET /v1/keys",
        "GET /.well-known/jwks.json",
        "GET /oauth/jwks",
        "GET /.well-known/oauth-authorization-server",
        "GET /.well-known/authzen-configuration",
        "GET /log/checkpoint",
        "GET /log/tile/{tile:path}",
    }


# --- OpenAPI -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def described(world: World) -> dict[str, Any]:
    """The API's own description, as it is served."""
    answer = world.get("/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def _operation(described: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    path = endpoint.path.replace(":path", "")
    return dict(described["paths"][path][endpoint.method.lower()])


def test_description_is_openapi_3_1_and_every_reference_resolves(described: dict[str, Any]) -> None:
    """Generators read it."""
    assert described["openapi"].startswith("3.1")
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(described)))
    assert names <= set(described["components"]["schemas"])
    assert "Problem" in names
    assert not {"HTTPValidationError", "ValidationError"} & set(described["components"]["schemas"])


@pytest.mark.parametrize("route", ENDPOINTS)
def test_route_documents_every_error_it_can_answer_with(
    described: dict[str, Any], route: str
) -> None:
    """Each with its status, its title and an example."""
    endpoint = ENDPOINTS[route]
    responses = _operation(described, endpoint)["responses"]
    for error in refusals_of(endpoint):
        answer = responses[str(TABLE[error.code].status)]["content"]["application/problem+json"]
        example = answer["examples"][error.code]["value"]
        assert (error.code, TABLE[error.code].title) == (example["code"], example["title"])
    told = {status for status in responses if int(status) >= 400}
    assert told == {str(TABLE[error.code].status) for error in refusals_of(endpoint)}


@pytest.mark.parametrize("route", ENDPOINTS)
def test_route_documents_credential_body_and_answer(described: dict[str, Any], route: str) -> None:
    """What to send, and with which token."""
    endpoint = ENDPOINTS[route]
    operation = _operation(described, endpoint)
    schemes = [name for wanted in operation.get("security", []) for name in wanted]
    expected = {"public": [], "person": ["person"]}.get(endpoint.credential, ["service"])
    assert expected == schemes
    assert operation["summary"]
    sends = endpoint.takes.__name__ != "Nothing"
    assert sends == ("requestBody" in operation)
    headers = [p["name"] for p in operation.get("parameters", []) if p["in"] == "header"]
    assert endpoint.idempotent == ("Idempotency-Key" in headers)
    if endpoint.gives is not None:
        content = operation["responses"][str(endpoint.status)]["content"]["application/json"]
        assert content["schema"]["$ref"].endswith(f"/{endpoint.gives.__name__}")


# --- catalogue, health, log --------------------------------------------------------------------------


def test_catalogue_is_open_labelled_and_tagged(world: World) -> None:
    """Anyone may see what could be shared at all."""
    answer = world.get("/v1/catalogue")
    found = answer.json()
    assert {"nb", "nn", "en"} == set(found["fields"]["education.attendance.rate"]["labels"])
    assert LARVIK in found["collaborations"]
    assert found["statutes"]["S1"]["reviewed"] is False
    assert found["ages"]["default"]["reviewed"] is False
    assert NAV in found["units"]
    etag = answer.headers["etag"]
    headers = {"if-none-match": etag}
    again = world.client.get("/v1/catalogue", headers=headers)
    assert (304, b"", etag) == (again.status_code, again.content, again.headers["etag"])
    other = world.client.get("/v1/catalogue", headers={"if-none-match": '"other"'})
    assert other.status_code == 200
    several = world.client.get("/v1/catalogue", headers={"if-none-match": f'"x", W/{etag}'})
    assert several.status_code == 304


def test_health_and_readiness(world: World) -> None:
    """What an operator's probe asks."""
    assert world.get("/healthz").json() == {"status": "ok"}
    answer = world.get("/readyz")
    assert answer.status_code == 200, answer.text
    parts = {"store", "engine", "custodian", "register", "sequencer"}
    assert dict.fromkeys(parts, "ok") == answer.json()["parts"]


def test_log_is_served_as_c2sp_tiles(world: World) -> None:
    """A stock monitor could mirror it."""
    world.handle(NAV)
    token = world.token(NAV, scope="log")
    headers = {"authorization": f"Bearer {token}"}
    for _ in range(50):
        answer = world.client.get("/log/checkpoint", headers=headers)
        origin, size = answer.text.split("\n")[:2]
        if int(size) > 0:
            break
        asyncio.run(asyncio.sleep(0.1))
    assert answer.headers["content-type"].startswith("text/plain")
    assert origin == world.settings.origin
    width = int(size)
    tile = world.client.get(f"/log/tile/0/000.p/{width}", headers=headers)
    assert (200, width * 32) == (tile.status_code, len(tile.content))
    assert "immutable" in tile.headers["cache-control"]
    assert "private" in tile.headers["cache-control"]
    entries = world.client.get(f"/log/tile/entries/000.p/{width}", headers=headers)
    assert (
        entries.status_code,
        entries.headers["content-type"],
    ) == (200, "application/octet-stream")
    for missing in ("0/000", "0/001", "0/0", "9/000", "%2e%2e/checkpoint", "entries/x001/000"):
        answer = world.client.get(f"/log/tile/{missing}", headers=headers)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


# --- languages, logging ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("nb", "nb"),
        ("no", "nb"),
        ("nn-NO, nb;q=0.9", "nn"),
        ("en-GB,en;q=0.8", "en"),
        ("de, fr", "nb"),
        ("*", "nb"),
        ("", "nb"),
    ],
)
def test_reasons_come_in_the_callers_language(world: World, accepted: str, language: str) -> None:
    """Plain words, in Bokmål unless something else is asked for."""
    labels = world.get("/v1/catalogue").json()["reasons"]["gap.field"]["labels"]
    ask = an_ask(world.handle(NAV), fields=["weather.today"])
    answer = world.post("/v1/checks", ask, unit=NAV, extra={"accept-language": accepted})
    assert labels[language] in [r["text"] for r in answer.json()["withheld"]["weather.today"]]


def _lines(caplog: pytest.LogCaptureFixture) -> Iterator[dict[str, Any]]:
    for record in caplog.records:
        if record.name == "tillit.access":
            yield json.loads(record.getMessage())


def test_access_log_names_route_unit_and_status_and_nothing_personal(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The template and never the path: ids, queries and numbers stay out of every log."""
    with caplog.at_level("DEBUG"):
        subject = world.handle(NAV)
        made = world.post("/v1/disclosures", an_ask(subject), unit=NAV).json()
        world.get(f"/v1/disclosures/{made['id']}/proof", unit=NAV)
        world.get(f"/v1/me/consents?x={EMIL}", person=EMIL)
        world.get(f"/v1/nothing/{EMIL}")
        # A request's line is written when its answer is out already.
        until = time.monotonic() + 10
        while "unknown" not in [line["route"] for line in _lines(caplog)]:
            assert time.monotonic() < until, "the last line was not written"
            time.sleep(0.01)
    lines = list(_lines(caplog))
    assert {"method", "route", "status", "ms", "unit"} == set(lines[-1])
    assert "/v1/disclosures/{disclosure}/proof" in [line["route"] for line in lines]
    assert [(line["route"], line["status"], line["unit"]) for line in lines[-2:]] == [
        ("/v1/me/consents", 400, None),
        ("unknown", 404, None),
    ]
    # The client's own, and the server's own, which ``tillit-broker serve`` switches off (test_broker_cli).
    others = ("httpx", "httpcore", "uvicorn.access")
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith(others)]
    for canary in (EMIL, subject, made["id"]):
        assert canary not in "\n".join(ours)


def test_metrics_count_routes_and_name_nobody(fresh_world: World) -> None:
    """Templates, methods and statuses; no unit, no id, no path that somebody made up."""
    handle = fresh_world.handle(NAV)
    fresh_world.client.get(f"/v1/{handle}")
    # An answer is counted once it is on its way, which may be after the caller has it.
    for _ in range(100):
        text = fresh_world.client.get("/metrics").text
        if 'route="/v1/subjects"' in text:
            break
        time.sleep(0.02)
    counted = 'tillit_request_seconds_count{method="POST",route="/v1/subjects",status="200"} 1.0'
    assert counted in text
    assert "tillit_policy_info{digest=" in text
    assert not [leak for leak in (NAV, handle, "hdl_") if leak in text]
