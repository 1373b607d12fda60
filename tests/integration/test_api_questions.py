"""Asked first, over HTTP: the whole way, and bad input that changes nothing."""

from typing import Any

import pytest

from tests.integration.bad_input import NAV, SCHOOL, Unchanged, a_request, an_ask, refused
from tests.integration.world import EMIL, NORA, World

NOBODYS = "qst_" + "a" * 22


def consented(world: World, **said: Any) -> dict[str, Any]:
    """Emil has said yes to school and Nav."""
    request = a_request(world.handle(NAV), services=[NAV, SCHOOL])
    view = world.post("/v1/consents", request, unit=NAV).json()
    answers = {g["id"]: "yes" for g in view["grants"]}
    body = {"read": view["text_sha256"], "answers": answers, **said}
    answered = world.post(f"/v1/me/consents/{view['id']}/answer", body, person=EMIL)
    assert answered.status_code == 200, answered.text
    return dict(answered.json())


def towards_nav(view: dict[str, Any]) -> str:
    """The line by which Nav is told."""
    return str(next(g["id"] for g in view["grants"] if g["recipient"] == NAV))


def test_it_is_asked_answered_and_told(world: World) -> None:
    """From the condition to the word in the service's feed."""
    view = consented(world)
    path = f"/v1/me/consents/{view['id']}/conditions"
    changed = world.post(path, {"conditions": {towards_nav(view): "ask_me_first"}}, person=EMIL)
    assert changed.status_code == 200, changed.text
    also = [g["condition"].get("also") for g in changed.json()["grants"]]
    assert also.count("ask_me_first") == 1
    answer = world.post("/v1/disclosures", an_ask(world.handle(NAV)), unit=NAV).json()
    assert [r["code"] for r in answer["withheld"]["education.attendance.rate"]] == [
        "consent.ask_first"
    ]
    asked = world.get("/v1/me/questions?limit=1", person=EMIL).json()["questions"]
    assert [(q["unit"], q["state"], q["sources"]) for q in asked] == [(NAV, "open", [SCHOOL])]
    path = f"/v1/me/questions/{asked[0]['id']}/answer"
    said = world.post(path, {"answer": "yes"}, person=EMIL)
    assert (said.status_code, said.json()["state"]) == (200, "yes")
    told = world.get(f"/v1/events?after={answer['events_after']}", unit=NAV).json()["events"]
    assert [(e["type"], e["purpose"]) for e in told] == [("question.answered", "case_discussion")]
    with Unchanged(world, entries=0):
        again = world.post(path, {"answer": "no"}, person=EMIL)
        refused(world, again, status=409, code="question.answered", logged=False)
    with Unchanged(world, entries=0):
        other = world.post(path, {"answer": "no"}, person=NORA)
        refused(world, other, status=404, code="question.unknown", logged=False)


def test_a_question_about_a_paused_consent_is_over(world: World) -> None:
    """With a code that a portal can put into words."""
    view = consented(world)
    line = towards_nav(view)
    path = f"/v1/me/consents/{view['id']}"
    world.post(f"{path}/conditions", {"conditions": {line: "only_when_present"}}, person=EMIL)
    world.post("/v1/disclosures", an_ask(world.handle(NAV)), unit=NAV)
    question = world.get("/v1/me/questions", person=EMIL).json()["questions"][0]
    world.post(f"{path}/pause", {}, person=EMIL)
    with Unchanged(world, entries=0):
        answer = world.post(
            f"/v1/me/questions/{question['id']}/answer", {"answer": "yes"}, person=EMIL
        )
        refused(world, answer, status=409, code="question.over", logged=False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "body.member_missing"),
        ({"answer": "maybe"}, "body.invalid"),
        ({"answer": True}, "body.invalid"),
        ({"answer": "yes", "why": "because"}, "body.member_unknown"),
        ({"answer": ["yes"]}, "body.invalid"),
    ],
)
def test_an_answer_of_the_wrong_shape_is_refused(world: World, body: Any, code: str) -> None:
    """Yes or no, and nobody is asked why."""
    world.handle(NAV)
    with Unchanged(world, entries=0):
        answer = world.post(f"/v1/me/questions/{NOBODYS}/answer", body, person=EMIL)
        refused(world, answer, status=422, code=code, logged=False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "body.member_missing"),
        ({"conditions": {}}, "body.invalid"),
        ({"conditions": []}, "body.wrong_type"),
        ({"conditions": {"g1": "never"}}, "body.invalid"),
        ({"conditions": {"g1": None}}, "body.invalid"),
        ({"conditions": {"line 1": "ask_me_first"}}, "body.invalid"),
        ({"conditions": {f"g{n}": "none" for n in range(1, 502)}}, "body.too_many"),
        ({"conditions": {"g1": "none"}, "note": "x"}, "body.member_unknown"),
    ],
)
def test_conditions_of_the_wrong_shape_are_refused(world: World, body: Any, code: str) -> None:
    """Closed words for lines that there are, and bounded."""
    view = consented(world)
    with Unchanged(world, entries=0):
        answer = world.post(f"/v1/me/consents/{view['id']}/conditions", body, person=EMIL)
        refused(world, answer, status=422, code=code, logged=False)


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"conditions": {"g99": "ask_me_first"}}, 422, "consent.lines_unknown"),
        ({"conditions": {"g1": "none"}}, 422, "body.invalid"),
    ],
)
def test_conditions_with_an_answer_are_of_lines_answered_yes(
    world: World, said: Any, status: int, code: str
) -> None:
    """Half an answer is none."""
    view = world.post("/v1/consents", a_request(world.handle(NAV)), unit=NAV).json()
    answers = {g["id"]: "yes" for g in view["grants"]}
    body = {"read": view["text_sha256"], "answers": answers, **said}
    with Unchanged(world, entries=0):
        answer = world.post(f"/v1/me/consents/{view['id']}/answer", body, person=EMIL)
        refused(world, answer, status=status, code=code, logged=False)


def test_conditions_of_anothers_consent_are_refused(world: World) -> None:
    """It reads as one that does not exist."""
    view = consented(world)
    body = {"conditions": {"g1": "ask_me_first"}}
    with Unchanged(world, entries=0):
        for identity, who in ((view["id"], NORA), ("con_" + "a" * 22, EMIL)):
            answer = world.post(f"/v1/me/consents/{identity}/conditions", body, person=who)
            refused(world, answer, status=404, code="consent.unknown", logged=False)


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "before=qst_short", "limit=1&limit=2"])
def test_a_malformed_page_of_questions_is_refused(world: World, query: str) -> None:
    """Bounded."""
    with Unchanged(world, entries=0):
        answer = world.get(f"/v1/me/questions?{query}", person=EMIL)
        refused(world, answer, status=400, code="request.query", logged=False)


def test_a_malformed_question_is_no_resource(world: World) -> None:
    """Nothing of the path is looked up, or repeated."""
    answer = world.post(f"/v1/me/questions/{EMIL}/answer", {"answer": "yes"}, person=EMIL)
    assert answer.status_code == 404
    assert EMIL not in answer.text
