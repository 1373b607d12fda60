"""How answers are read: only what the protocol allows becomes a result, everything else a typed error."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tillit import ServiceKey, errors, protocol, wire
from tillit.responses import Response, Tagged, Token, ask_again, retry_after

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HANDLE = "hdl_" + "a" * 22
JSON = {"content-type": "application/json"}
KEY = ServiceKey.generate("nav-larvik", randomness=lambda size: b"\x05" * size)
SUBJECT = protocol.subject(wire.SubjectRequest(national_id="13097248022"), key="0" * 32)
TOKEN = protocol.token("issuer", KEY, clock=lambda: NOW, randomness=bytes)
JWKS = protocol.service_jwks("nav-larvik")


def test_success_becomes_the_typed_answer() -> None:
    """The media type may carry parameters; header names are lower case by then."""
    response = _json(
        {"subject": HANDLE}, headers={"content-type": "Application/JSON; charset=utf-8"}
    )
    assert wire.SubjectAnswer(subject=HANDLE) == SUBJECT.read(response)
    assert None is protocol.enrol(
        wire.Enrolment(unit="u", code="c" * 22, jwks={}, proof=""), key="0" * 32
    ).read(Response(204, {}, b""))


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (Response(200, JSON, b""), "the answer is no SubjectAnswer: it: json_invalid"),
        (Response(200, JSON, b"\xff\xfe"), "the answer is no SubjectAnswer: it: json_invalid"),
        (Response(200, JSON, b"[" * 100_000), "the answer is no SubjectAnswer: it: json_invalid"),
        (Response(200, JSON, b"null"), "the answer is no SubjectAnswer: it: model_type"),
        (
            Response(200, JSON, b'{"subject": 7}'),
            "the answer is no SubjectAnswer: subject: string_type",
        ),
        (Response(200, JSON, b"{}"), "the answer is no SubjectAnswer: subject: missing"),
        (
            Response(200, JSON, json.dumps({"subject": HANDLE, "name": "Emil"}).encode()),
            "the answer is no SubjectAnswer: name: extra_forbidden",
        ),
        (Response(200, {"content-type": "text/html"}, b"<html>"), "the answer is not JSON"),
        (Response(200, {}, json.dumps({"subject": HANDLE}).encode()), "the answer is not JSON"),
        (
            Response(302, {"location": "/"}, b""),
            "status 302 without a problem: is this the broker?",
        ),
        (
            Response(404, JSON, b'{"detail":"Not Found"}'),
            "status 404 without a problem: is this the broker?",
        ),
        (
            Response(403, {"content-type": "text/html"}, b"<html>"),
            "status 403 without a problem: is this the broker?",
        ),
    ],
)
def test_anything_else_is_a_protocol_error(response: Response, said: str) -> None:
    """Closed on doubt, and the text repeats nothing of what came."""
    with pytest.raises(errors.ProtocolError) as caught:
        SUBJECT.read(response)
    assert said == str(caught.value)
    assert caught.value.code == "protocol.unusable_answer"


@pytest.mark.parametrize(
    ("status", "family"),
    [
        (400, errors.Invalid),
        (401, errors.AuthenticationFailed),
        (403, errors.AuthenticationFailed),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (410, errors.Invalid),
        (412, errors.Conflict),
        (413, errors.Invalid),
        (422, errors.Invalid),
        (429, errors.RateLimited),
        (500, errors.Unavailable),
        (503, errors.Unavailable),
    ],
)
def test_problem_becomes_the_error_of_its_family(
    status: int, family: type[errors.ProblemError]
) -> None:
    """Callers catch families and match on the broker's stable code."""
    content = {
        "type": "urn:tillit:problem:a.code",
        "title": "Title",
        "status": status,
        "code": "a.code",
        "detail": "Detail",
        "errors": [{"pointer": "/x"}],
    }
    with pytest.raises(errors.ProblemError) as caught:
        SUBJECT.read(_json(content, status=status))
    error = caught.value
    assert type(error) is family
    assert ("a.code", status, "Title", "Detail") == (
        error.code,
        error.status,
        error.title,
        error.detail,
    )
    assert str(error) == "Title: Detail"


def test_problem_texts_are_bounded_and_may_be_absent() -> None:
    """An error text is no place for a megabyte."""
    content = {"type": "t", "title": "T" * 9999, "status": 400, "code": "c" * 9999}
    with pytest.raises(errors.Invalid) as caught:
        SUBJECT.read(_json(content, status=400))
    assert (len(caught.value.title), len(caught.value.code), caught.value.detail) == (500, 500, "")
    assert str(caught.value) == "T" * 500


@pytest.mark.parametrize(
    ("status", "family"), [(502, errors.Unavailable), (429, errors.RateLimited)]
)
def test_gateway_without_a_problem_is_still_told_apart(
    status: int, family: type[errors.ProblemError]
) -> None:
    """A load balancer in front speaks HTML; that the broker cannot answer now is known all the same."""
    with pytest.raises(family) as caught:
        SUBJECT.read(Response(status, {"content-type": "text/html"}, b"<html>"))
    assert f"http.{status}" == caught.value.code


def test_oauth_error_is_told_by_its_own_words() -> None:
    """RFC 6749 § 5.2, for a token endpoint that is not the broker's own."""
    for content, title in (
        ({"error": "invalid_client"}, "No token was given"),
        ({"error": "invalid_client", "error_description": "unknown key"}, "unknown key"),
    ):
        with pytest.raises(errors.AuthenticationFailed) as caught:
            TOKEN.read(_json(content, status=401))
        assert ("oauth.invalid_client", title) == (caught.value.code, caught.value.title)


# --- tokens ---


def test_token_is_used_until_shortly_before_it_expires() -> None:
    """A token that runs out on the way is a call made twice."""
    answer = {"access_token": "a.b.c", "token_type": "Bearer", "expires_in": 120, "scope": "share"}
    assert Token("a.b.c", NOW + timedelta(seconds=110)) == TOKEN.read(_json(answer))
    brief = TOKEN.read(_json({**answer, "expires_in": 4, "token_type": "bearer"}))
    assert NOW + timedelta(seconds=2) == brief.use_until


@pytest.mark.parametrize(
    "wrong",
    [
        {"access_token": ""},
        {"access_token": "a b"},
        {"access_token": "a\r\nx: y"},
        {"access_token": "a" * 8193},
        {"access_token": None},
        {"token_type": "DPoP"},
        {"expires_in": 0},
        {"expires_in": 86401},
        {"expires_in": "soon"},
    ],
)
def test_token_that_cannot_be_carried_is_refused(wrong: dict[str, Any]) -> None:
    """It goes into a header: nothing may stand in it that ends one."""
    answer = {"access_token": "a.b.c", "token_type": "Bearer", "expires_in": 120, **wrong}
    with pytest.raises(errors.ProtocolError) as caught:
        TOKEN.read(_json(answer))
    assert "a b" not in str(caught.value)


# --- catalogue ---


def test_catalogue_comes_with_its_tag_or_unchanged() -> None:
    """304 says: what you have is right."""
    call = protocol.catalogue()
    fresh = call.read(_json({"fields": {}}, headers={**JSON, "etag": '"1"'}))
    assert (dict(fresh.value or {"": ""}), fresh.etag) == ({"fields": {}}, '"1"')
    assert Tagged(None, '"1"') == call.read(Response(304, {"etag": '"1"'}, b""))
    for body in (b"[]", b"{", b"[" * 100_000):
        with pytest.raises(errors.ProtocolError):
            call.read(Response(200, JSON, body))


# --- key sets ---


def test_key_set_is_frozen_and_its_kids_are_thumbprints() -> None:
    """A kid that is not the key's own hash could point one service's name at another's key."""
    hybrid = ServiceKey.generate("nav-larvik", hybrid=True, randomness=lambda n: b"\x06" * n)
    for key in (KEY, hybrid):
        read = JWKS.read(_json(key.public_jwks()))
        assert key.public_jwks()["keys"] == [dict(one) for one in read["keys"]]
        with pytest.raises(TypeError):
            read["keys"][0]["kid"] = "x"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "no JWK set"),
        ({"keys": {}}, "no JWK set"),
        ({"keys": ["k"]}, "no JWK set"),
        ({"keys": [{**KEY.public_jwks()["keys"][0], "kid": "x"}]}, "not the thumbprint"),
        ({"keys": [{**KEY.public_jwks()["keys"][0], "d": "x"}]}, "private key"),
        ({"keys": [{"kty": "AKP", "priv": "x"}]}, "private key"),
        ({"keys": [{"kty": "RSA", "n": "x", "e": "AQAB", "kid": "x"}]}, "unknown kind"),
    ],
)
def test_key_set_with_anything_odd_is_refused_whole(wrong: dict[str, Any], said: str) -> None:
    """One odd key makes the giver of the set unbelievable."""
    with pytest.raises(errors.ProtocolError, match=said):
        JWKS.read(_json(wrong))


# --- asking again ---


@pytest.mark.parametrize(
    ("status", "headers", "again"),
    [
        (200, {}, False),
        (404, {}, False),
        (404, {"retry-after": "1"}, True),
        (409, {"retry-after": "1"}, False),
        (429, {}, True),
        (500, {}, False),
        (503, {}, True),
    ],
)
def test_only_not_now_is_asked_again(status: int, headers: dict[str, str], again: bool) -> None:
    """A no is a no; a 404 that names a time to come back means that the log has yet to take it in."""
    assert again is ask_again(Response(status, headers, b""))


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9" * 40, 999999999.0),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("Mon, 23 Nov 2026 08:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 07:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 08:00:30 -0000", 30.0),
        ("Mon, 23 Nov 2026 99:00:30 GMT", None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(said: str, seconds: float | None) -> None:
    """RFC 9110 § 10.2.3 has both; nonsense is no wish."""
    assert seconds == retry_after(Response(503, {"retry-after": said}, b""), at=NOW)


def _json(content: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(status, headers or JSON, json.dumps(content).encode())


def test_every_call_reads_refusals_alike() -> None:
    """There is no call whose refusal could pass for an answer."""
    calls: list[protocol.Call[Any]] = [
        protocol.broker_keys(),
        JWKS,
        TOKEN,
        SUBJECT,
        protocol.catalogue(),
        protocol.disclosure("dis_x"),
        protocol.proof("dis_x"),
        protocol.consents(after=None, limit=1),
        protocol.events(after=0, limit=1),
    ]
    content = {"type": "t", "title": "No", "status": 403, "code": "token.scope"}
    for call in calls:
        with pytest.raises(errors.AuthenticationFailed):
            call.read(_json(content, status=403))
