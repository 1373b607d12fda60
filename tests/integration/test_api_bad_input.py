"""Bad input over HTTP: each kind has a stable code, changes nothing, and leaves one log entry where a party is known."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.bad_input import NAV, SCHOOL, Unchanged, a_deposit, an_ask, refused
from tests.integration.world import EMIL, World
from tillit.wire import MAX_BODY_BYTES

# --- gaps are answers, not errors --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fields": ["weather.today"]}, "gap.field"),
        ({"purpose": "curiosity"}, "gap.purpose"),
        ({"collaboration": "no-such"}, "gap.collaboration"),
        ({"source": "no-such"}, "gap.service"),
    ],
)
def test_unknown_word_is_withheld_as_a_gap(
    world: World, changes: dict[str, Any], reason: str
) -> None:
    """What the broker does not know is said, field by field, and never ignored."""
    answer = world.post("/v1/disclosures", an_ask(world.handle(NAV), **changes), unit=NAV)
    assert answer.status_code == 201, answer.text
    (reasons,) = answer.json()["withheld"].values()
    assert reason in [found["code"] for found in reasons]
    assert answer.json()["sealed"] == {}


# --- form --------------------------------------------------------------------------------------------


def _deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def _raw() -> Iterator[tuple[str, bytes, int, str]]:
    yield "truncated", b'{"subject": "hdl_', 400, "body.not_json"
    yield "two values", b"{} {}", 400, "body.not_json"
    yield "empty", b"", 400, "body.missing"
    yield "not UTF-8", b'{"subject": "\xff"}', 400, "body.not_utf8"
    yield "NaN", b'{"subject": NaN}', 400, "body.not_finite"
    yield "Infinity", b'{"subject": -Infinity}', 400, "body.not_finite"
    yield "overflow", b'{"subject": 1e999}', 400, "body.not_finite"
    yield "twice", b'{"subject": "a", "subject": "b"}', 400, "body.duplicate_member"
    yield "twice, below", b'{"actor": {"id": "a", "id": "b"}}', 400, "body.duplicate_member"
    yield "13 deep", _deep(13), 400, "body.too_deep"
    yield "very deep", b"[" * 200_000, 400, "body.too_deep"
    yield "lone surrogate", b'{"subject": "\\ud800"}', 400, "body.not_json"
    yield "long number", b'{"subject": ' + b"1" * 5000 + b"}", 400, "body.not_json"
    yield "array", b"[]", 422, "body.wrong_type"
    yield "too large", b" " * (MAX_BODY_BYTES + 1), 413, "body.too_large"
    yield "much too large", b" " * (3 * MAX_BODY_BYTES), 413, "body.too_large"


@pytest.mark.parametrize(("raw", "status", "code"), [pytest.param(*c, id=i) for i, *c in _raw()])
def test_malformed_body_is_refused_and_logged_once(
    world: World, raw: bytes, status: int, code: str
) -> None:
    """A body is bounded and checked before anything reads it."""
    world.token(NAV)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/disclosures", raw=raw, unit=NAV)
        refused(world, answer, status=status, code=code, logged=True)


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 4 * MAX_BODY_BYTES])
def test_chunked_body_has_the_same_bound(world: World, size: int) -> None:
    """Leaving out Content-Length is no way round the limit."""

    def chunks() -> Iterator[bytes]:
        for _ in range(0, size, 65536):
            yield b" " * 65536

    headers = world.headers(NAV) | {
        "content-type": "application/json",
        "idempotency-key": secrets.token_hex(16),
    }
    with Unchanged(world, entries=1):
        answer = world.client.post("/v1/disclosures", content=chunks(), headers=headers)
        refused(world, answer, status=413, code="body.too_large", logged=True)


def test_body_of_exactly_the_limit_is_read(world: World) -> None:
    """The bound is where it is said to be."""
    ask = json.dumps(an_ask(world.handle(NAV))).encode()
    answer = world.post("/v1/disclosures", raw=ask.ljust(MAX_BODY_BYTES), unit=NAV)
    assert answer.status_code == 201


def test_twelve_levels_are_read(world: World) -> None:
    """The bound is where it is said to be: this fails for its shape, not its depth."""
    answer = world.post("/v1/disclosures", raw=_deep(12), unit=NAV)
    assert answer.json()["code"] == "body.member_missing"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-type": "text/plain"}, "body.media_type"),
        ({"content-type": "application/json; charset=latin-1"}, "body.media_type"),
        ({"content-type": "application/merge-patch+json"}, "body.media_type"),
        ({"content-encoding": "gzip"}, "body.content_coding"),
    ],
)
def test_only_plain_json_is_read(world: World, headers: dict[str, str], code: str) -> None:
    """One media type, never compressed: a small body cannot unfold into a large one."""
    world.token(NAV)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/disclosures", {}, unit=NAV, extra=headers)
        refused(world, answer, status=415, code=code, logged=True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"fields": "education.attendance.rate"}, "body.wrong_type"),
        ({"fields": [7]}, "body.wrong_type"),
        ({"actor": None}, "body.wrong_type"),
        ({"fields": []}, "body.invalid"),
        ({"fields": ["a.b", "a.b"]}, "body.invalid"),
        ({"fields": [f"a.b{'c' * i}" for i in range(1, 78)] * 3}, "body.too_many"),
        ({"purpose": "Curiosity!"}, "body.invalid"),
        ({"subject": "hdl_short"}, "body.invalid"),
        ({"colour": "red"}, "body.member_unknown"),
    ],
)
def test_wrong_shape_is_refused_and_logged_once(
    world: World, changes: dict[str, Any], code: str
) -> None:
    """Each kind of wrong shape has its own code."""
    ask = an_ask(world.handle(NAV), **changes)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/disclosures", ask, unit=NAV)
        refused(world, answer, status=422, code=code, logged=True)


def test_missing_member_is_refused(world: World) -> None:
    """Required members are required."""
    ask = an_ask(world.handle(NAV))
    del ask["purpose"]
    answer = world.post("/v1/disclosures", ask, unit=NAV)
    refused(world, answer, status=422, code="body.member_missing", logged=True)
    assert answer.json()["errors"] == [{"at": "/purpose", "type": "missing"}]


def test_two_hundred_fields_are_answered_and_one_more_is_refused(world: World) -> None:
    """The bound is where it is said to be."""
    letters = "abcdefghijklmnopqrst"
    names = [f"weather.{a}{b}" for a in letters for b in letters]
    subject = world.handle(NAV)
    answer = world.post("/v1/checks", an_ask(subject, fields=names[:200]), unit=NAV)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["withheld"]) == 200
    answer = world.post("/v1/checks", an_ask(subject, fields=names[:201]), unit=NAV)
    refused(world, answer, status=422, code="body.too_many", logged=True)


@pytest.mark.parametrize(
    "date",
    ["yesterday", "2026-02-30T10:00:00Z", "2026-11-20T10:00:00", "2026-11-20", 1763640000, None],
)
def test_bad_date_is_refused(world: World, date: Any) -> None:
    """A date exists, and carries its offset."""
    world.token(SCHOOL)
    deposit = a_deposit(world, world.handle(SCHOOL))
    deposit["items"][0]["observed_at"] = date
    with Unchanged(world, entries=1):
        answer = world.post("/v1/deposits", deposit, unit=SCHOOL)
        refused(world, answer, status=422, code="body.bad_date", logged=True)


def test_refusal_never_repeats_what_was_sent(world: World) -> None:
    """A number typed into the wrong member, or as a member, must not come back or reach the log."""
    world.token(NAV)
    bodies = [
        {"national_id": f"{EMIL}0"},
        {"national_id": EMIL, EMIL: 1},
        {EMIL: {EMIL: EMIL}},
        an_ask(EMIL, fields=[EMIL], purpose=EMIL, actor={"id": EMIL, "role": EMIL}),
        {"read": EMIL, "answers": {EMIL: EMIL}},
    ]
    for path in ("/v1/subjects", "/v1/disclosures", "/v1/consents", "/v1/meetings"):
        for body in bodies:
            answer = world.post(path, body, unit=NAV)
            assert answer.status_code == 422
            assert EMIL not in answer.text
    assert EMIL not in json.dumps(world.refusals())


def test_strange_member_names_are_told_as_a_star(world: World) -> None:
    """The place of an error is said in the model's own words only."""
    body = {"read": "x", "answers": {"<script>": "yes"}}
    answer = world.post("/v1/me/consents/con_" + "a" * 22 + "/answer", body, person=EMIL)
    assert answer.status_code == 422
    assert "script" not in answer.text
    assert "/answers/*" in answer.text


# --- head --------------------------------------------------------------------------------------------


def test_long_target_is_refused(world: World) -> None:
    """Path and query are bounded."""
    answer = world.get("/v1/events?after=" + "0" * 3000, unit=NAV)
    refused(world, answer, status=414, code="request.target_too_long", logged=False)


def test_large_headers_are_refused(world: World) -> None:
    """Header count and size are bounded."""
    many = {f"x-{n}": "a" for n in range(80)}
    answer = world.post("/v1/disclosures", {}, extra=many)
    refused(world, answer, status=431, code="request.headers_too_large", logged=False)
    answer = world.post("/v1/disclosures", {}, extra={"x": "a" * 20_000})
    refused(world, answer, status=431, code="request.headers_too_large", logged=False)


@pytest.mark.parametrize(
    "query",
    [
        "after=-1",
        "after=x",
        "limit=0",
        "limit=201",
        "colour=red",
        "after=1&after=2",
        "after",
        "%ff=1",
    ],
)
def test_malformed_query_is_refused_and_logged_once(world: World, query: str) -> None:
    """A query is closed, and each parameter stands once."""
    world.token(NAV)
    with Unchanged(world, entries=1):
        answer = world.get(f"/v1/events?{query}", unit=NAV)
        refused(world, answer, status=400, code="request.query", logged=True)


def test_query_where_none_is_taken_is_refused(world: World) -> None:
    """A national identity number in a query would reach every proxy's log: no route reads one."""
    answer = world.post(f"/v1/subjects?national_id={EMIL}", {"national_id": EMIL}, unit=NAV)
    refused(world, answer, status=400, code="request.query", logged=True)


def test_malformed_id_in_a_path_is_no_resource(world: World) -> None:
    """It reads like an id that does not exist."""
    answer = world.get(f"/v1/disclosures/{EMIL}", unit=NAV)
    refused(world, answer, status=404, code="path.unknown", logged=True)
    assert world.refusals()[-1]["route"] == "GET /v1/disclosures/{disclosure}"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/v1/nothing", 404, "path.unknown"), ("/v1/disclosures/", 404, "path.unknown")],
)
def test_unknown_path_is_a_problem(world: World, path: str, status: int, code: str) -> None:
    """No HTML, no redirect."""
    refused(world, world.get(path), status=status, code=code, logged=False)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "GET"])
def test_wrong_method_is_a_problem(world: World, method: str) -> None:
    """The allowed methods are named."""
    answer = world.client.request(method, "/v1/disclosures")
    refused(world, answer, status=405, code="path.method", logged=False)
    assert answer.headers["allow"] == "POST"
