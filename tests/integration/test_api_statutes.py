"""Statutes and objections over HTTP: the whole way, and bad input that changes nothing and repeats nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.bad_input import NAV, SCHOOL, Unchanged, refused
from tests.integration.world import EMIL, NORA, World

HEALTH = "larvikshjelpa"
POLICE = "politi-larvik"
REASON = "Hen svarer ikke, og vi er redde for livet."
DOCTOR = {"id": "d1", "role": "lege"}
TEACHER = {"id": "t1", "role": "laerer"}
NOBODYS = "inv_" + "a" * 22


def an_invocation(subject: str, /, **changes: Any) -> dict[str, Any]:
    """A sound reliance on the emergency rule but for the changes."""
    sound = {
        "subject": subject,
        "statute": "S4",
        "fields": ["health.risk"],
        "reason": REASON,
        "actor": DOCTOR,
    }
    return sound | changes


def averting(subject: str, /, **changes: Any) -> dict[str, Any]:
    """A sound duty to avert, from the school to the police, but for the changes."""
    serious = {"statute": "S3", "recipient": POLICE, "actor": TEACHER}
    return an_invocation(subject, **serious, **changes)


def test_a_statute_is_relied_on_confirmed_listed_and_reviewed(world: World) -> None:
    """Three people of one school; the youth sees that it happened and what was found."""
    made = world.post("/v1/invocations", averting(world.handle(SCHOOL)), unit=SCHOOL)
    assert made.status_code == 201, made.text
    identity = made.json()["id"]
    assert made.json()["closes"] > made.json()["opens"]
    assert REASON not in made.text
    path = f"/v1/invocations/{identity}"
    confirmed = world.post(
        f"{path}/confirm", {"actor": {"id": "t2", "role": "rektor"}}, unit=SCHOOL
    )
    assert (confirmed.status_code, confirmed.json()["confirmed"]) == (200, True)
    due = world.get("/v1/invocations?open_reviews=true", unit=SCHOOL).json()["invocations"]
    assert identity in [one["id"] for one in due]
    finding = {"finding": "not_justified", "text": "Vi burde ha spurt først."}
    third = {"actor": {"id": "t3", "role": "radgiver"}}
    closed = world.post(f"{path}/review", finding | third, unit=SCHOOL)
    assert (closed.status_code, closed.json()["finding"]) == (200, "not_justified"), closed.text
    page = world.get(f"/v1/invocations?after={identity}&limit=1", unit=SCHOOL).json()
    assert page["next"] is None or page["invocations"]
    notices = world.get("/v1/me/notices", person=EMIL).json()["notices"]
    assert [(n["kind"], n["finding"]) for n in notices if n["invocation"] == identity] == [
        ("reviewed", "not_justified"),
        ("relied_on", "not_justified"),
    ]


def _wrong() -> Iterator[tuple[str, dict[str, Any], int, str]]:
    yield "another's handle", {"subject": "hdl_" + "a" * 22}, 404, "subject.unknown_handle"
    yield "no such statute", {"statute": "S99"}, 422, "statute.not_in_use"
    yield "not in use", {"statute": "S6"}, 422, "statute.not_in_use"
    yield "nobody invokes", {"statute": "S1"}, 422, "statute.not_invoked"
    yield "wrong side", {"statute": "S2"}, 403, "statute.wrong_side"
    yield "no such unit", {"source": "no-such-unit"}, 403, "statute.wrong_side"
    yield "role", {"actor": TEACHER}, 403, "statute.role"
    yield "field", {"fields": ["health.diagnosis"]}, 422, "statute.fields"
    yield "unknown field", {"fields": ["weather.today"]}, 422, "statute.fields"
    yield "hours", {"hours": 25}, 422, "statute.hours"
    yield "delay", {"notice_delay": {"days": 1, "reason": REASON}}, 422, "statute.notice_delay"
    yield "necessity", {"necessity": {"work.status": REASON}}, 422, "statute.necessity"
    yield "no reason", {"reason": None}, 422, "body.wrong_type"
    yield "short reason", {"reason": "Fordi." + " " * 10}, 422, "body.invalid"
    yield "long reason", {"reason": "a" * 1001}, 422, "body.invalid"
    yield "number in reason", {"reason": f"Det gjelder {EMIL}."}, 422, "body.invalid"
    yield "spaced number", {"reason": f"Det gjelder {EMIL[:6]} {EMIL[6:]}."}, 422, "body.invalid"
    yield "control character", {"reason": REASON + "\x1b[2J"}, 422, "body.invalid"
    yield "no hours", {"hours": 0}, 422, "body.invalid"
    yield "statute's form", {"statute": "s4"}, 422, "body.invalid"
    yield "undelayed delay", {"notice_delay": {"days": 2}}, 422, "body.member_missing"
    yield "unknown member", {"confirmed": True}, 422, "body.member_unknown"


@pytest.mark.parametrize(
    ("changes", "status", "code"), [pytest.param(*c, id=i) for i, *c in _wrong()]
)
def test_what_cannot_be_relied_on_is_refused_logged_and_changes_nothing(
    world: World, changes: dict[str, Any], status: int, code: str
) -> None:
    """Each attempt is in the log, under a code that tells what was wrong with it, and repeats nothing that was written."""
    body = an_invocation(world.handle(HEALTH), **changes)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/invocations", body, unit=HEALTH)
        refused(world, answer, status=status, code=code, logged=True)
    assert REASON not in answer.text
    assert EMIL not in answer.text


@pytest.mark.parametrize(
    ("act", "body", "status", "code"),
    [
        ("confirm", {"actor": {"id": "t2", "role": "rektor"}}, 404, "statute.unknown_invocation"),
        ("confirm", {}, 422, "body.member_missing"),
        (
            "review",
            {"finding": "justified", "text": REASON, "actor": DOCTOR},
            404,
            "statute.unknown_invocation",
        ),
        ("review", {"finding": "fine", "text": REASON, "actor": DOCTOR}, 422, "body.invalid"),
    ],
)
def test_an_invocation_that_is_not_the_units_own_cannot_be_told_from_none(
    world: World, act: str, body: dict[str, Any], status: int, code: str
) -> None:
    """Neither an id that nobody has nor another service's."""
    world.token(NAV)
    made = world.post("/v1/invocations", an_invocation(world.handle(HEALTH)), unit=HEALTH).json()
    for identity in (NOBODYS, made["id"]):
        with Unchanged(world, entries=1):
            answer = world.post(f"/v1/invocations/{identity}/{act}", body, unit=NAV)
            refused(world, answer, status=status, code=code, logged=True)


def test_the_same_person_and_the_same_act_are_refused(world: World) -> None:
    """Four eyes are two people's, once each."""
    made = world.post("/v1/invocations", averting(world.handle(SCHOOL)), unit=SCHOOL).json()
    path = f"/v1/invocations/{made['id']}"
    second = {"actor": {"id": "t2", "role": "rektor"}}
    judged = {"finding": "justified", "text": REASON}
    answer = world.post(f"{path}/confirm", {"actor": TEACHER}, unit=SCHOOL)
    refused(world, answer, status=403, code="statute.same_person", logged=True)
    assert world.post(f"{path}/confirm", second, unit=SCHOOL).status_code == 200
    answer = world.post(f"{path}/confirm", {"actor": DOCTOR}, unit=SCHOOL)
    refused(world, answer, status=409, code="statute.state", logged=True)
    answer = world.post(f"{path}/review", judged | second, unit=SCHOOL)
    refused(world, answer, status=403, code="statute.same_person", logged=True)
    assert world.post(f"{path}/review", judged | {"actor": DOCTOR}, unit=SCHOOL).status_code == 200
    answer = world.post(f"{path}/review", judged | {"actor": DOCTOR}, unit=SCHOOL)
    refused(world, answer, status=409, code="statute.nothing_to_review", logged=True)
    emergency = world.post("/v1/invocations", an_invocation(world.handle(HEALTH)), unit=HEALTH)
    path = f"/v1/invocations/{emergency.json()['id']}/confirm"
    answer = world.post(path, second, unit=HEALTH)
    refused(world, answer, status=409, code="statute.nothing_to_confirm", logged=True)


@pytest.mark.parametrize("query", ["limit=0", "after=con_x", "open_reviews=perhaps", "colour=red"])
def test_a_malformed_query_lists_nothing(world: World, query: str) -> None:
    """Every parameter has a form."""
    answer = world.get(f"/v1/invocations?{query}", unit=SCHOOL)
    refused(world, answer, status=400, code="request.query", logged=False)


def test_a_youth_speaks_against_sharing_and_takes_it_back(world: World) -> None:
    """Over HTTP as in the portal."""
    world.handle(NAV, NORA)
    said = {"category": "health", "objects": True}
    made = world.post("/v1/me/objections", said, person=NORA)
    assert [o["category"] for o in made.json()["objections"]] == ["health"], made.text
    assert world.get("/v1/me/objections", person=NORA).json() == made.json()
    gone = world.post("/v1/me/objections", said | {"objects": False}, person=NORA)
    assert gone.json() == {"objections": []}
    for wrong, status, code in (
        ({"category": "weather"}, 422, "consent.unknown_category"),
        ({"objects": "perhaps"}, 422, "body.wrong_type"),
        ({"category": "Health!"}, 422, "body.invalid"),
        ({"by": "mother"}, 422, "body.member_unknown"),
    ):
        with Unchanged(world, entries=0):
            answer = world.post("/v1/me/objections", said | wrong, person=NORA)
            refused(world, answer, status=status, code=code, logged=False)
