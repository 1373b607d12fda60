"""Bad input over HTTP: each kind has a stable code, changes nothing, and leaves one log entry where a party is known."""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.world import EMIL, NORA, STRANGER, World
from tillit.sealing import SubjectRef, Value, seal_deposit
from tillit.wire import MAX_BODY_BYTES

NAV, OT = "nav-larvik", "ot-vestfold"
SCHOOL = "thor-heyerdahl-vgs"
LARVIK = "ungdomsutvalget-larvik"
ACTOR = {"id": "a17", "role": "veileder"}


def an_ask(subject: str, /, **changes: Any) -> dict[str, Any]:
    """A sound ask but for the changes."""
    sound = {
        "subject": subject,
        "fields": ["education.attendance.rate"],
        "purpose": "case_discussion",
        "collaboration": LARVIK,
        "actor": ACTOR,
    }
    return sound | changes


def a_deposit(world: World, subject: str, *, observed_at: datetime | None = None) -> dict[str, Any]:
    """A sound deposit by the school but for when it was observed."""
    at = observed_at or datetime.now(UTC) - timedelta(days=1)
    custodian = world.get("/v1/keys").json()["custodian"]
    deposit = seal_deposit(
        [Value("education.attendance.rate", 0.62, at, "measured", "kontaktlaerer")],
        key=world.keys[SCHOOL],
        subject=SubjectRef(subject, EMIL),
        custodian_jwk=custodian,
    )
    return dict(json.loads(deposit.model_dump_json()))


def a_request(subject: str, /, **changes: Any) -> dict[str, Any]:
    """A sound request for a consent but for the changes."""
    sound = {
        "subject": subject,
        "collaboration": LARVIK,
        "services": [NAV, OT, SCHOOL],
        "purposes": ["case_discussion"],
        "categories": ["education"],
        "actor": ACTOR,
    }
    return sound | changes


def refused(world: World, answer: httpx.Response, *, status: int, code: str, logged: bool) -> None:
    """The answer is that problem; with ``logged`` it is the newest refusal in the log."""
    assert (status, code) == (answer.status_code, answer.json()["code"]), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    if logged:
        assert code == world.refusals()[-1]["code"]


class Unchanged:
    """Within it, every table keeps its rows but for so many log entries."""

    def __init__(self, world: World, *, entries: int) -> None:
        self._world = world
        self._entries = entries

    def __enter__(self) -> None:
        self._before = self._world.rows()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            grown = {"log_entry": self._entries, "log_content": self._entries}
            expected = {name: n + grown.get(name, 0) for name, n in self._before.items()}
            assert expected == self._world.rows()


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


# --- idempotency -------------------------------------------------------------------------------------


def test_post_without_an_idempotency_key_is_refused(world: World) -> None:
    """Without one a retry could do the thing twice."""
    subject = world.handle(NAV)
    with Unchanged(world, entries=1):
        answer = world.client.post(
            "/v1/disclosures", json=an_ask(subject), headers=world.headers(NAV)
        )
        refused(world, answer, status=400, code="idempotency.key_missing", logged=True)


@pytest.mark.parametrize("key", ["short", "x" * 129, "with space in it", "æøåæøåæøå"])
def test_malformed_idempotency_key_is_refused(world: World, key: str) -> None:
    """Keys are bounded and plain."""
    world.token(NAV)
    headers = httpx.Headers(world.headers(NAV) | {"content-type": "application/json"})
    headers.update({b"idempotency-key": key.encode()})
    with Unchanged(world, entries=1):
        answer = world.client.post("/v1/disclosures", content=b"{}", headers=headers)
        refused(world, answer, status=400, code="idempotency.key_malformed", logged=True)


def test_two_idempotency_keys_are_refused(world: World) -> None:
    """A proxy and a server may read different ones."""
    world.token(NAV)
    headers = [
        *world.headers(NAV).items(),
        ("content-type", "application/json"),
        ("idempotency-key", "first-key"),
        ("idempotency-key", "second-key"),
    ]
    answer = world.client.post("/v1/disclosures", content=b"{}", headers=headers)
    refused(world, answer, status=400, code="idempotency.key_malformed", logged=True)


def test_same_key_with_another_body_is_refused(world: World) -> None:
    """The first answer stands; the second request is another request."""
    key = secrets.token_hex(16)
    subject = world.handle(NAV)
    first = world.post("/v1/disclosures", an_ask(subject), unit=NAV, key=key)
    with Unchanged(world, entries=1):
        other = an_ask(subject, purpose="transition")
        answer = world.post("/v1/disclosures", other, unit=NAV, key=key)
        refused(world, answer, status=422, code="idempotency.key_reused", logged=True)
    with Unchanged(world, entries=0):
        again = world.post("/v1/disclosures", an_ask(subject), unit=NAV, key=key)
    assert first.json()["id"] == again.json()["id"]


def test_same_key_on_another_path_is_refused(world: World) -> None:
    """A key names one call: method, path and body."""
    key = secrets.token_hex(16)
    subject = world.handle(NAV)
    world.post("/v1/checks", an_ask(subject), unit=NAV, key=key)
    answer = world.post("/v1/disclosures", an_ask(subject), unit=NAV, key=key)
    refused(world, answer, status=422, code="idempotency.key_reused", logged=True)


def test_another_service_has_its_own_keys(world: World) -> None:
    """A key that somebody else used says nothing."""
    key = secrets.token_hex(16)
    ours, theirs = world.handle(NAV), world.handle(OT)
    first = world.post("/v1/disclosures", an_ask(ours), unit=NAV, key=key)
    second = world.post("/v1/disclosures", an_ask(theirs), unit=OT, key=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


# --- what is another's -------------------------------------------------------------------------------


def test_anothers_handle_is_unknown(world: World) -> None:
    """Handles are pairwise: one that leaks is worth nothing, and reads like one that does not exist."""
    theirs = world.handle(OT)
    world.token(NAV)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/disclosures", an_ask(theirs), unit=NAV)
        refused(world, answer, status=404, code="subject.unknown_handle", logged=True)
    nowhere = world.post("/v1/disclosures", an_ask("hdl_" + "a" * 22), unit=NAV)
    assert answer.json() == nowhere.json()


def test_anothers_disclosure_is_unknown(world: World) -> None:
    """Only its recipient and its subject see a disclosure."""
    made = world.post("/v1/disclosures", an_ask(world.handle(NAV)), unit=NAV).json()
    for path in (f"/v1/disclosures/{made['id']}", f"/v1/disclosures/{made['id']}/proof"):
        answer = world.get(path, unit=OT)
        refused(world, answer, status=404, code="disclosure.unknown", logged=True)
    answer = world.get(f"/v1/me/disclosures/{made['id']}/proof", person=NORA)
    assert answer.json()["code"] in {"subject.none", "disclosure.unknown"}


def test_anothers_consent_is_unknown(world: World) -> None:
    """Nobody learns that a consent exists by trying ids."""
    made = world.post("/v1/consents", a_request(world.handle(NAV)), unit=NAV)
    assert made.status_code == 201, made.text
    consent = made.json()
    capture = {
        "method": "oral",
        "signer": "subject",
        "read_out": consent["text_sha256"],
        "answered_at": datetime.now(UTC).isoformat(),
        "answers": {grant["id"]: "yes" for grant in consent["grants"]},
        "actor": ACTOR,
    }
    world.token(OT)
    with Unchanged(world, entries=1):
        answer = world.post(f"/v1/consents/{consent['id']}/capture", capture, unit=OT)
        refused(world, answer, status=404, code="consent.unknown", logged=True)
    with Unchanged(world, entries=0):
        answers = {"read": consent["text_sha256"], "answers": capture["answers"]}
        path = f"/v1/me/consents/{consent['id']}"
        for answer in (
            world.get(path, person=NORA),
            world.post(f"{path}/answer", answers, person=NORA),
            world.post(f"{path}/withdraw", {}, person=NORA),
            world.post(f"{path}/pause", {}, person=NORA),
            world.post(f"{path}/resume", {}, person=NORA),
        ):
            refused(world, answer, status=404, code="consent.unknown", logged=False)
    assert world.get(path, person=EMIL).json()["state"] == "requested"


def test_nobody_by_that_number(world: World) -> None:
    """The register decides who exists."""
    world.token(NAV)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/subjects", {"national_id": STRANGER}, unit=NAV)
        refused(world, answer, status=404, code="subject.unknown_person", logged=True)
    assert STRANGER not in answer.text


# --- deposits and consents ---------------------------------------------------------------------------


def test_future_observation_is_refused(world: World) -> None:
    """Nothing has been observed tomorrow."""
    subject = world.handle(SCHOOL)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    deposit = a_deposit(world, subject, observed_at=tomorrow)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/deposits", deposit, unit=SCHOOL)
        refused(world, answer, status=422, code="deposit.observed_in_future", logged=True)


def test_deposit_under_a_wrong_key_is_refused(world: World) -> None:
    """What the custodian cannot open is not taken."""
    subject = world.handle(SCHOOL)
    deposit = a_deposit(world, subject)
    deposit["key"] = a_deposit(world, subject)["key"]
    with Unchanged(world, entries=1):
        answer = world.post("/v1/deposits", deposit, unit=SCHOOL)
        refused(world, answer, status=422, code="deposit.key_invalid", logged=True)


def test_deposit_in_anothers_name_is_refused(world: World) -> None:
    """The source in the sealed binding is the unit that is authenticated."""
    world.handle(SCHOOL)
    theirs = world.handle(NAV)
    deposit = a_deposit(world, theirs)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/deposits", deposit, unit=NAV)
        assert answer.status_code in {403, 422}
        refused(
            world,
            answer,
            status=answer.status_code,
            code=answer.json()["code"],
            logged=True,
        )
        assert answer.json()["code"].startswith("deposit.")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"services": [NAV, "no-such"]}, "consent.unknown_service"),
        ({"categories": ["no_such"]}, "consent.unknown_category"),
        ({"fields": ["no.such"]}, "consent.unknown_field"),
        ({"purposes": ["no_such"]}, "consent.unknown_purpose"),
        ({"collaboration": "no-such"}, "consent.unknown_collaboration"),
        ({"services": [OT, SCHOOL]}, "consent.requester_not_named"),
        ({"valid_days": 366}, "consent.lifetime"),
    ],
)
def test_consent_that_cannot_be_asked_for_is_refused(
    world: World, changes: dict[str, Any], code: str
) -> None:
    """A typing error never reaches the youth as a question."""
    request = a_request(world.handle(NAV), **changes)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/consents", request, unit=NAV)
        refused(world, answer, status=answer.status_code, code=code, logged=True)
        assert 400 <= answer.status_code < 500


def test_answer_to_another_text_is_refused(world: World) -> None:
    """A person answers what they read."""
    consent = world.post("/v1/consents", a_request(world.handle(NAV)), unit=NAV).json()
    answers = {
        "read": "A" * 43,
        "answers": {grant["id"]: "yes" for grant in consent["grants"]},
    }
    with Unchanged(world, entries=0):
        answer = world.post(f"/v1/me/consents/{consent['id']}/answer", answers, person=EMIL)
        refused(world, answer, status=409, code="consent.text_differs", logged=False)
