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
