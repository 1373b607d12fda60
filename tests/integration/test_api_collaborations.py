"""What services tell a collaboration, over HTTP: bad input is refused with a stable code, logged, and changes nothing."""

from typing import Any

import pytest

from tests.integration.bad_input import ACTOR, LARVIK, NAV, OT, Unchanged, a_request, refused
from tests.integration.world import EMIL, World

STAGE = f"/v1/collaborations/{LARVIK}/stage"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "body.member_missing"),
        ({"event": "offer_exists"}, "body.member_missing"),
        ({"event": "Offer exists", "actor": ACTOR}, "body.invalid"),
        ({"event": "o" * 41, "actor": ACTOR}, "body.invalid"),
        ({"event": 7, "actor": ACTOR}, "body.wrong_type"),
        ({"event": "offer_exists", "actor": ACTOR, "note": "x"}, "body.member_unknown"),
    ],
)
def test_an_event_of_the_wrong_shape_is_refused(world: World, body: Any, code: str) -> None:
    """No free text finds its way into a consent."""
    world.token(NAV)
    with Unchanged(world, entries=1):
        answer = world.post(f"/v1/consents/con_{'a' * 22}/events", body, unit=NAV)
        refused(world, answer, status=422, code=code, logged=True)


def test_an_event_of_anothers_consent_is_refused(world: World) -> None:
    """It reads as one that does not exist."""
    consent = world.post("/v1/consents", a_request(world.handle(NAV)), unit=NAV).json()
    said = {"event": "offer_exists", "actor": ACTOR}
    world.token("larvikshjelpa")
    with Unchanged(world, entries=2):
        for identity in (consent["id"], "con_" + "a" * 22):
            answer = world.post(f"/v1/consents/{identity}/events", said, unit="larvikshjelpa")
            refused(world, answer, status=404, code="consent.unknown", logged=True)


@pytest.mark.parametrize(
    ("yes", "status", "code"), [(False, 409, "consent.state"), (True, 422, "consent.event")]
)
def test_an_event_that_ends_nothing_is_refused(
    world: World, yes: bool, status: int, code: str
) -> None:
    """Neither an open question nor a standing yes ends by an event."""
    consent = world.post("/v1/consents", a_request(world.handle(NAV)), unit=NAV).json()
    if yes:
        answers = {grant["id"]: "yes" for grant in consent["grants"]}
        path = f"/v1/me/consents/{consent['id']}/answer"
        world.post(path, {"read": consent["text_sha256"], "answers": answers}, person=EMIL)
    said = {"event": "offer_exists", "actor": ACTOR}
    with Unchanged(world, entries=1):
        answer = world.post(f"/v1/consents/{consent['id']}/events", said, unit=NAV)
        refused(world, answer, status=status, code=code, logged=True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"stage": -1}, "body.invalid"),
        ({"stage": 100}, "body.invalid"),
        ({"stage": 1.5}, "body.wrong_type"),
        ({"stage": "seven"}, "body.wrong_type"),
        ({"subject": "18012012345"}, "body.invalid"),
        ({"why": "absence"}, "body.member_unknown"),
        ({"stage": 1}, "stage.beyond"),
    ],
)
def test_a_stage_that_cannot_be_is_refused(
    world: World, changes: dict[str, Any], code: str
) -> None:
    """Bounded, closed, and never beyond what was agreed."""
    sound = {"subject": world.handle(NAV), "stage": 0, "actor": ACTOR}
    with Unchanged(world, entries=1):
        answer = world.post(STAGE, sound | changes, unit=NAV)
        refused(world, answer, status=422, code=code, logged=True)


def test_a_stage_is_the_coordinators_to_say(world: World) -> None:
    """And of a collaboration that exists."""
    theirs = {"subject": world.handle(OT), "stage": 0, "actor": ACTOR}
    with Unchanged(world, entries=2):
        answer = world.post(STAGE, theirs, unit=OT)
        refused(world, answer, status=403, code="collaboration.not_coordinator", logged=True)
        answer = world.post("/v1/collaborations/nowhere/stage", theirs, unit=OT)
        refused(world, answer, status=404, code="collaboration.unknown", logged=True)


def test_the_beginning_is_a_stage(world: World) -> None:
    """A collaboration without a pathway has that one."""
    said = {"subject": world.handle(NAV), "stage": 0, "actor": ACTOR}
    answer = world.post(STAGE, said, unit=NAV)
    assert (answer.status_code, answer.json()["stage"]) == (200, 0)


# --- anonymous cases

RESOURCE_TEAM = "ressursteam-ovre-eiker"
CASES = "/v1/anonymous-cases"


def a_case(world: World) -> dict[str, Any]:
    """A sound case, but that nobody lives there; and who may tell it."""
    catalogue = world.get("/v1/catalogue").json()
    agreed = catalogue["collaborations"][RESOURCE_TEAM]
    place = catalogue["units"][agreed["coordinator"]]["place"]["municipality"]
    world.token(agreed["coordinator"])
    return {
        "collaboration": RESOURCE_TEAM,
        "age_band": "16-18",
        "municipality": place,
        "topics": ["absence"],
        "actor": ACTOR,
    }


def coordinator(world: World) -> str:
    """Who coordinates the resource team."""
    found = world.get("/v1/catalogue").json()["collaborations"][RESOURCE_TEAM]["coordinator"]
    return str(found)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"subject": "hdl_" + "a" * 22}, "body.member_unknown"),
        ({"note": "Lives by the church"}, "body.member_unknown"),
        ({"at": "2026-11-23T09:00:00Z"}, "body.member_unknown"),
        ({"topics": []}, "body.invalid"),
        ({"topics": ["absence", "absence"]}, "body.invalid"),
        ({"topics": [f"t_{'x' * n}" for n in range(9)]}, "body.too_many"),
        ({"topics": ["Emil Hansen"]}, "body.invalid"),
        ({"topics": "absence"}, "body.wrong_type"),
        ({"gender": "girl"}, "body.invalid"),
        ({"age_band": "seventeen"}, "body.invalid"),
        ({"age_band": "17-17"}, "anonymous.unknown_word"),
        ({"topics": ["dragons"]}, "anonymous.unknown_word"),
        ({"municipality": "atlantis"}, "anonymous.municipality"),
        ({"collaboration": "nowhere"}, "collaboration.unknown"),
        ({"collaboration": LARVIK}, "collaboration.not_a_member"),
        ({}, "anonymous.too_few"),
    ],
)
def test_a_case_that_says_too_much_is_refused(
    world: World, changes: dict[str, Any], code: str
) -> None:
    """There is no place for a name, a date or a story, and none for somebody alone of their kind."""
    unit, case = coordinator(world), a_case(world)
    with Unchanged(world, entries=1):
        answer = world.post(CASES, case | changes, unit=unit)
        refused(world, answer, status=answer.status_code, code=code, logged=True)
        assert 400 <= answer.status_code < 500
    if code == "anonymous.too_few":
        assert answer.json()["detail"] == "leave out the gender, or take a wider age band"


def test_where_cases_are_named_none_is_told_anonymously(world: World) -> None:
    """Nor listed."""
    case = a_case(world) | {"collaboration": LARVIK, "municipality": "larvik"}
    answer = world.post(CASES, case, unit=NAV)
    refused(world, answer, status=422, code="anonymous.not_here", logged=True)
    answer = world.get(f"{CASES}?collaboration={LARVIK}", unit=NAV)
    refused(world, answer, status=422, code="anonymous.not_here", logged=True)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?collaboration=No%20such",
        f"?collaboration={RESOURCE_TEAM}&limit=0",
        f"?collaboration={RESOURCE_TEAM}&limit=201",
        f"?collaboration={RESOURCE_TEAM}&after=cas_1",
        f"?collaboration={RESOURCE_TEAM}&subject=hdl_{'a' * 22}",
    ],
)
def test_a_list_of_cases_is_asked_for_in_one_way(world: World, query: str) -> None:
    """Closed and bounded."""
    answer = world.get(CASES + query, unit=NAV)
    refused(world, answer, status=400, code="request.query", logged=True)


def test_a_member_sees_the_list_and_others_do_not(world: World) -> None:
    """Empty is an answer; not a member is a refusal."""
    path = f"{CASES}?collaboration={RESOURCE_TEAM}"
    answer = world.get(path, unit=coordinator(world))
    assert (answer.status_code, answer.json()) == (200, {"cases": [], "next": None})
    refused(
        world,
        world.get(path, unit=NAV),
        status=403,
        code="collaboration.not_a_member",
        logged=True,
    )


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "body.member_missing"),
        ({"claim": "aaaa-bbbb-cccc-dddd-eeee"}, 422, "body.invalid"),
        ({"claim": "AAAA"}, 422, "body.invalid"),
        ({"claim": "AAAA-BBBB-CCCC-DDDD-EEEE", "tell": "yes"}, 422, "body.wrong_type"),
        ({"claim": "AAAA-BBBB-CCCC-DDDD-EEEE"}, 404, "anonymous.claim"),
    ],
)
def test_a_code_that_claims_nothing_is_refused(
    world: World, body: Any, status: int, code: str
) -> None:
    """And leaves no trace of who tried."""
    with Unchanged(world, entries=0):
        answer = world.post("/v1/me/anonymous-cases", body, person=EMIL)
        refused(world, answer, status=status, code=code, logged=False)
    assert "BBBB" not in answer.text


# --- lists to match


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"subjects": []}, 422, "body.invalid"),
        ({"subjects": ["hdl_" + "a" * 22] * 2}, 422, "body.invalid"),
        ({"subjects": [f"hdl_{n:022d}" for n in range(201)]}, 422, "body.too_many"),
        ({"subjects": ["18012012345"]}, 422, "body.invalid"),
        ({"purpose": "benefits_decision"}, 422, "body.invalid"),
        ({"fields": ["health.diagnosis"]}, 422, "body.member_unknown"),
        ({"source": "thor-heyerdahl-vgs"}, 422, "match.source"),
        ({"subjects": ["hdl_" + "a" * 22]}, 404, "subject.unknown_handle"),
    ],
)
def test_a_list_that_cannot_be_matched_is_refused(
    world: World, changes: dict[str, Any], status: int, code: str
) -> None:
    """Bounded, of one's own youths, for two purposes, and about one thing."""
    sound = {
        "subjects": [world.handle(OT)],
        "source": NAV,
        "collaboration": LARVIK,
        "purpose": "outreach",
        "actor": ACTOR,
    }
    with Unchanged(world, entries=1):
        answer = world.post("/v1/matches", sound | changes, unit=OT)
        refused(world, answer, status=status, code=code, logged=True)
