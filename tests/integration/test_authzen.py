"""The OpenID Authorization API over the same decisions: it says what a check says, and logs what a check logs."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from broker.engine import bundle
from broker.engine.opa import OpaEngine
from broker.errors import EngineDown, NotTheCaller, UnknownHandle
from broker.usecases import asks, evaluations
from tests.house import EMIL, LARVIK, SARA, House
from tests.integration.bad_input import NAV, refused
from tests.integration.test_one_disclosure import CAPACITY, DIAGNOSIS, RATE, entries, shared
from tests.integration.world import World
from tillit.wire.authzen import (
    Evaluation,
    EvaluationAnswer,
    EvaluationList,
    Evaluations,
    EvaluationsAnswer,
)

FIELDS = (RATE, CAPACITY, DIAGNOSIS, "education.grades", "family.situation", "weather.today")
PURPOSES = ("case_discussion", "coordination", "benefits_decision", "statistics", "curiosity")
NOWHERE = "hdl_" + "z" * 22


def _subject(unit: str = NAV) -> dict[str, Any]:
    return {"type": "service", "id": unit, "properties": {"actor": "a17", "role": "veileder"}}


def _one(handle: str, field: str = RATE, purpose: str = "case_discussion") -> dict[str, Any]:
    return {
        "subject": _subject(),
        "action": {"name": purpose},
        "resource": {"type": "field", "id": field, "properties": {"subject": handle}},
        "context": {"collaboration": LARVIK},
    }


def _several(each: Sequence[Mapping[str, Any]], semantic: str = "execute_all") -> Evaluations:
    options = {"evaluations_semantic": semantic}
    return Evaluations.model_validate({"evaluations": each, "options": options})


def _decided(house: House, asked: Evaluations) -> tuple[EvaluationAnswer, ...]:
    answer = evaluations.evaluations(asked, call=house.call(NAV), ports=house.ports).root
    assert isinstance(answer, EvaluationList)
    return answer.evaluations


def _agrees(house: House, asked: Evaluation, answer: EvaluationAnswer) -> None:
    """The decision is the one that a check of the same ask gives."""
    name = asked.resource.id
    check = asks.check(asked.ask(), call=house.call(NAV), ports=house.ports)
    context = answer.context
    assert answer.decision == (name in check.permitted)
    assert context.grounds == check.permitted.get(name, ())
    assert context.reasons == tuple(reason.code for reason in check.withheld.get(name, ()))
    assert context.explanation == check.explanation.fields[name]
    assert (context.obligations, context.stable_until, context.policy) == (
        check.obligations,
        check.stable_until,
        check.policy,
    )


def test_decisions_agree_with_checks_for_many_asks(house: House) -> None:
    """Two doors, one policy: whatever is asked, in whatever company, and whether one by one or many at once."""
    shared(house)
    handles = (house.handle(NAV, EMIL), house.handle(NAV, SARA))
    drawn = random.Random(20261125)
    for _ in range(8):
        each = []
        for _ in range(drawn.randint(1, 12)):
            one = _one(drawn.choice(handles), drawn.choice(FIELDS), drawn.choice(PURPOSES))
            one["context"] = drawn.choice(
                (
                    {"collaboration": LARVIK},
                    {"collaboration": LARVIK, "source": "thor-heyerdahl-vgs"},
                    {},
                )
            )
            each.append(one)
        asked = _several(each)
        answers = _decided(house, asked)
        assert len(answers) == len(each)
        for one_asked, answer in zip(asked.each(), answers, strict=True):
            _agrees(house, one_asked, answer)
            alone = evaluations.evaluation(one_asked, call=house.call(NAV), ports=house.ports)
            assert alone == answer


def test_reasons_are_said_in_every_language(house: House) -> None:
    """Whoever shows it to a user picks theirs."""
    shared(house)
    handle = house.handle(NAV, EMIL)
    permitted, withheld = _decided(house, _several([_one(handle), _one(handle, DIAGNOSIS)]))
    assert permitted.context.reason_user == {}
    labels = house.ports.catalogue.reasons["consent.no_grant"].labels
    assert withheld.context.reason_user == labels.model_dump()


def test_each_subject_and_purpose_is_one_ask_and_one_entry(house: House) -> None:
    """The youth's list is not filled by how a client happens to bundle; nor is anything left out of it."""
    shared(house)
    emil, sara = house.handle(NAV, EMIL), house.handle(NAV, SARA)
    each = [
        _one(emil, RATE),
        _one(sara, RATE),
        _one(emil, CAPACITY),
        _one(emil, RATE, "coordination"),
        _one(emil, RATE),
    ]
    before = entries(house)
    answers = _decided(house, _several(each))
    assert entries(house) == before + 3
    assert [a.decision for a in answers] == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("semantic", "decisions"),
    [
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_semantics_end_where_they_say(house: House, semantic: str, decisions: list[bool]) -> None:
    """§ 7.1.2.1: && and || stop at what settles them, and what comes after is not decided."""
    shared(house)
    handle = house.handle(NAV, EMIL)
    each = [
        _one(handle, RATE),
        _one(handle, RATE, "coordination"),
        _one(handle, CAPACITY),
    ]
    before = entries(house)
    answers = _decided(house, _several(each, semantic))
    assert [answer.decision for answer in answers] == decisions
    assert entries(house) == before + min(2, len(decisions))


def test_one_unknown_youth_does_not_stop_the_others(house: House) -> None:
    """§ 7.2.1: closed, with the error, in its own place; asked alone it is a problem as for a check."""
    shared(house)
    known = _one(house.handle(NAV, EMIL))
    before = entries(house)
    first, second = _decided(house, _several([_one(NOWHERE), known]))
    assert entries(house) == before + 2
    assert (first.decision, second.decision) == (False, True)
    assert first.context.error is not None
    assert first.context.error.code == "subject.unknown_handle"
    with pytest.raises(UnknownHandle):
        evaluations.evaluation(
            Evaluation.model_validate(_one(NOWHERE)), call=house.call(NAV), ports=house.ports
        )


def test_a_service_asks_for_itself_only(house: House) -> None:
    """Or it would learn what another may know."""
    other = _one(house.handle(NAV, EMIL)) | {"subject": _subject("ot-vestfold")}
    before = entries(house)
    with pytest.raises(NotTheCaller):
        evaluations.evaluation(
            Evaluation.model_validate(other), call=house.call(NAV), ports=house.ports
        )
    with pytest.raises(NotTheCaller):
        _decided(house, _several([_one(house.handle(NAV, EMIL)), other]))
    assert entries(house) == before


def test_single_evaluation_without_a_list(house: House) -> None:
    """§ 7.1: then the answer has the single one's shape."""
    asked = Evaluations.model_validate(_one(house.handle(NAV, EMIL)))
    answer = evaluations.evaluations(asked, call=house.call(NAV), ports=house.ports)
    assert isinstance(answer, EvaluationsAnswer)
    assert isinstance(answer.root, EvaluationAnswer)
    assert not answer.root.decision


def test_no_engine_no_decision(house: House) -> None:
    """Neither one nor several; the log says so once, and the next ask works."""
    shared(house)
    one = _one(house.handle(NAV, EMIL))
    call = house.call(NAV)
    nobody_listens = replace(house.ports, engine=OpaEngine(bundle.load(), "http://127.0.0.1:9"))
    before = entries(house)
    with pytest.raises(EngineDown):
        evaluations.evaluation(Evaluation.model_validate(one), call=call, ports=nobody_listens)
    with pytest.raises(EngineDown):
        evaluations.evaluations(_several([one]), call=call, ports=nobody_listens)
    assert entries(house) == before + 2
    assert _decided(house, _several([one]))[0].decision


# --- over HTTP ---


def _sent(world: World, path: str, body: Any, **headers: str) -> httpx.Response:
    """As a client of the standard sends it: a bearer token and JSON, nothing of ours."""
    own = world.headers(NAV) | {"content-type": "application/json"} | headers
    answer: httpx.Response = world.client.post(path, json=body, headers=own)
    return answer


def test_metadata_name_the_endpoints(world: World) -> None:
    """§ 9: a client finds them."""
    found = world.get("/.well-known/authzen-configuration").json()
    issuer = world.settings.issuer
    assert found == {
        "policy_decision_point": issuer,
        "access_evaluation_endpoint": f"{issuer}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{issuer}/access/v1/evaluations",
    }


def test_a_client_of_the_standard_needs_no_header_of_ours(world: World) -> None:
    """And is given its request's id back (§ 10.1.4)."""
    sent = {"x-request-id": "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"}
    body = _one(world.handle(NAV))
    answer = _sent(world, "/access/v1/evaluation", body, **sent)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-request-id"] == sent["x-request-id"]
    assert answer.json()["decision"] is False
    several = _sent(world, "/access/v1/evaluations", body | {"evaluations": [{}, {}]})
    assert [one["decision"] for one in several.json()["evaluations"]] == [False, False]
    assert "x-request-id" not in several.headers


@pytest.mark.parametrize("value", ["a b", "x" * 129, "é"])
def test_request_id_that_could_be_anything_is_not_repeated(world: World, value: str) -> None:
    """What comes back is a name, never a way to write headers."""
    headers = {b"x-request-id": value.encode("latin-1")}
    answer = world.client.get("/healthz", headers=headers)
    assert "x-request-id" not in answer.headers


def test_a_key_is_honoured_where_it_is_sent(world: World) -> None:
    """A repetition is the same answer then, and writes nothing."""
    body = _one(world.handle(NAV))
    key = {"idempotency-key": "the-very-same-key-of-authzen"}
    first = _sent(world, "/access/v1/evaluation", body, **key)
    before = world.rows()
    again = _sent(world, "/access/v1/evaluation", body, **key)
    assert (again.content, world.rows()) == (first.content, before)
    changed = body | {"action": {"name": "coordination"}}
    reused = _sent(world, "/access/v1/evaluation", changed, **key)
    refused(world, reused, status=422, code="idempotency.key_reused", logged=True)
    short = _sent(world, "/access/v1/evaluation", body, **{"idempotency-key": "short"})
    refused(world, short, status=400, code="idempotency.key_malformed", logged=False)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"subject": None}, 422, "body.wrong_type"),
        ({"subject": {"type": "user", "id": "alice@acmecorp.com"}}, 422, "body.invalid"),
        ({"action": {}}, 422, "body.member_missing"),
        ({"context": {"time": "2026-11-10T12:00:00Z"}}, 422, "body.member_unknown"),
        ({"page": {}}, 422, "body.member_unknown"),
        ({"subject": _subject("ot-vestfold")}, 403, "subject.not_caller"),
    ],
)
def test_bad_evaluation_is_a_problem(
    world: World, changes: dict[str, Any], status: int, code: str
) -> None:
    """As everywhere: a stable code, and nothing of what was sent."""
    body = _one(world.handle(NAV)) | changes
    answer = _sent(world, "/access/v1/evaluation", body)
    refused(world, answer, status=status, code=code, logged=True)


def test_bad_list_is_a_problem(world: World) -> None:
    """Bounded, and whole or with defaults."""
    body = _one(world.handle(NAV))
    many = _sent(world, "/access/v1/evaluations", body | {"evaluations": [{}] * 101})
    refused(world, many, status=422, code="body.too_many", logged=True)
    empty = _sent(world, "/access/v1/evaluations", {"evaluations": [{}]})
    refused(world, empty, status=422, code="body.invalid", logged=True)
    torn = world.post("/access/v1/evaluations", raw=b"{", unit=NAV)
    refused(world, torn, status=400, code="body.not_json", logged=True)
