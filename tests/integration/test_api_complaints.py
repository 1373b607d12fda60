"""Complaints over HTTP: said by a person, answered by a service, seen by an auditor; and what is refused."""

from typing import Any

import pytest

from tests.integration.bad_input import ACTOR, NAV, OT, Unchanged, an_ask, refused
from tests.integration.test_audit_routes import CONTENT, INTEGRITY, as_auditor
from tests.integration.world import EMIL, NORA, World

MINE, THEIRS, AUDIT = "/v1/me/complaints", "/v1/complaints", "/audit/v1/complaints"
NOBODYS = "cmp_" + "a" * 22
NO_DISCLOSURE = "dis_" + "a" * 22


@pytest.fixture
def disclosure(world: World) -> str:
    """What Nav asked about Emil."""
    made = world.post("/v1/disclosures", an_ask(world.handle(NAV)), unit=NAV)
    assert made.status_code in {200, 201}, made.text
    return str(made.json()["id"])


def complained(world: World, disclosure: str) -> dict[str, Any]:
    """Emil says that it looks wrong; the complaint."""
    said = {"disclosure": disclosure, "reason": "stopped"}
    answer = world.post(MINE, said, person=EMIL)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["complaints"][0])


def test_a_complaint_from_end_to_end(world: World, disclosure: str) -> None:
    """Said, listed, answered, read, closed; and seen by who audits."""
    made = complained(world, disclosure)
    listed = world.get(f"{THEIRS}?open_only=true", unit=NAV).json()["complaints"]
    (theirs,) = [one for one in listed if one["id"] == made["id"]]
    assert (theirs["disclosure"], theirs["subject"]) == (disclosure, world.handle(NAV))
    others = world.get(THEIRS, unit=OT).json()["complaints"]
    assert [one for one in others if one["id"] == made["id"]] == []
    body = {"finding": "wrong_stopped", "actor": ACTOR}
    answered = world.post(f"{THEIRS}/{made['id']}/answer", body, unit=NAV)
    assert (answered.status_code, answered.json()["state"]) == (200, "answered")
    mine = world.get(MINE, person=EMIL).json()["complaints"][0]
    assert (mine["state"], mine["finding"]) == ("answered", "wrong_stopped")
    closed = world.post(f"{MINE}/{made['id']}/close", {}, person=EMIL).json()["complaints"][0]
    assert closed["state"] == "closed"
    headers = as_auditor(world, CONTENT, "audit.content")
    seen = world.client.get(AUDIT, params={"limit": 200}, headers=headers)
    assert seen.status_code == 200, seen.text
    (audited,) = [one for one in seen.json()["complaints"] if one["id"] == made["id"]]
    assert (audited["unit"], audited["reason"], audited["late"]) == (NAV, "stopped", False)


def test_who_audits_integrity_alone_sees_no_complaints(world: World) -> None:
    """They are told of nobody, and of nobody's trouble."""
    answer = world.client.get(AUDIT, headers=as_auditor(world, INTEGRITY))
    assert (answer.status_code, answer.json()["code"]) == (403, "token.scope")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"disclosure": NO_DISCLOSURE, "reason": "stopped"}, 404, "disclosure.unknown"),
        ({"disclosure": NO_DISCLOSURE, "reason": "no_such"}, 422, "complaint.reason"),
        ({"disclosure": NO_DISCLOSURE, "reason": "😀"}, 422, "body.invalid"),
        ({"disclosure": EMIL, "reason": "stopped"}, 422, "body.invalid"),
        ({"disclosure": NO_DISCLOSURE}, 422, "body.member_missing"),
        (
            {"disclosure": NO_DISCLOSURE, "reason": "stopped", "text": EMIL},
            422,
            "body.member_unknown",
        ),
    ],
)
def test_what_cannot_be_complained_of_is_refused(
    world: World, body: dict[str, Any], status: int, code: str
) -> None:
    """Nothing is kept, and nothing that was sent is said back."""
    world.handle(NAV)
    with Unchanged(world, entries=0):
        answer = world.post(MINE, body, person=EMIL)
        refused(world, answer, status=status, code=code, logged=False)
    assert EMIL not in answer.text


def test_it_is_complained_of_once(world: World, disclosure: str) -> None:
    """Until it is closed."""
    complained(world, disclosure)
    with Unchanged(world, entries=0):
        answer = world.post(MINE, {"disclosure": disclosure, "reason": "other"}, person=EMIL)
        refused(world, answer, status=409, code="complaint.open", logged=False)


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (NOBODYS, {"finding": "right", "actor": ACTOR}, 404, "complaint.unknown"),
        (NOBODYS, {"finding": "maybe", "actor": ACTOR}, 422, "body.invalid"),
        (NOBODYS, {"finding": "right"}, 422, "body.member_missing"),
        (EMIL, {"finding": "right", "actor": ACTOR}, 404, "path.unknown"),
    ],
)
def test_an_answer_that_cannot_be_is_refused(
    world: World, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    """A service learns nothing by guessing ids."""
    world.handle(NAV)
    with Unchanged(world, entries=1):
        answer = world.post(f"{THEIRS}/{path}/answer", body, unit=NAV)
        refused(world, answer, status=status, code=code, logged=True)


@pytest.mark.parametrize(
    "query", ["after=cmp_x", "limit=0", "limit=201", "open_only=maybe", "unit=nav-larvik"]
)
def test_a_page_that_there_is_not_is_told(world: World, query: str) -> None:
    """In a problem of its own."""
    answer = world.get(f"{THEIRS}?{query}", unit=NAV)
    assert (answer.status_code, answer.json()["code"]) == (400, "request.query")


def test_a_complaint_is_closed_by_nobody_else(world: World, disclosure: str) -> None:
    """Nora, who knows the id, closes nothing; closed, it is closed once."""
    made = complained(world, disclosure)
    world.handle(NAV, NORA)
    path = f"{MINE}/{made['id']}/close"
    answer = world.post(path, {}, person=NORA)
    refused(world, answer, status=404, code="complaint.unknown", logged=False)
    assert world.post(path, {}, person=EMIL).status_code == 200
    answer = world.post(path, {}, person=EMIL)
    refused(world, answer, status=409, code="complaint.over", logged=False)
