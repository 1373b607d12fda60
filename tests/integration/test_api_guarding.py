"""Guardians and what they see, over HTTP: the whole way, and whoever is neither."""

from typing import Any

import pytest

from tests.integration.bad_input import NAV, SCHOOL, Unchanged, a_request, refused
from tests.integration.world import STRANGER, World
from tests.portal import MOTHER, SARA, PortalWorld


@pytest.fixture(scope="module")
def world(portal: PortalWorld) -> World:
    """The broker in whose register Sara and her mother stand."""
    return portal.world


def wards(world: World) -> list[dict[str, Any]]:
    """What Sara's mother, who has another child too, is shown."""
    return list(world.get("/v1/me/wards", person=MOTHER).json()["wards"])


def test_a_guardian_sees_what_the_youth_is_shown_they_see(world: World) -> None:
    """From the request on: the lines on health with their text, and nothing of school, to both alike."""
    wanted = {"services": [NAV, SCHOOL, "larvikshjelpa"], "categories": ["education", "health"]}
    asked = world.post("/v1/consents", a_request(world.handle(NAV, SARA), **wanted), unit=NAV)
    assert asked.status_code == 201, asked.text
    own = world.get("/v1/me/guardians", person=SARA).json()
    (ward,) = [one for one in wards(world) if one["seen"]["consents"]]
    assert own["seen"] == ward["seen"]
    (found,) = ward["seen"]["consents"]
    assert {line["category"] for line in found["consent"]["grants"]} == {"health"}
    said = {
        "read": found["consent"]["text_sha256"],
        "answers": {line["id"]: "no" for line in found["consent"]["grants"]},
        "child_heard": True,
    }
    path = f"/v1/me/consents/{found['consent']['id']}/answer"
    assert world.post(path, said, person=MOTHER).status_code == 200
    (ward,) = [one for one in wards(world) if one["seen"]["consents"]]
    assert ward["mine"] == {found["consent"]["id"]: said["answers"]}
    heard = world.get("/v1/me/guardians", person=SARA).json()["said"][found["consent"]["id"]]
    assert {(s["guardians_yes"], s["guardians_no"], s["subject"]) for s in heard.values()} == {
        (0, 1, None)
    }


def test_a_stranger_is_nobodys_guardian_and_has_none(world: World) -> None:
    """An empty list, and of whom the register does not know nothing at all."""
    assert world.get("/v1/me/wards", person=STRANGER).json() == {"wards": []}
    answer = world.get("/v1/me/guardians", person=STRANGER)
    refused(world, answer, status=404, code="subject.unknown_person", logged=False)


@pytest.mark.parametrize("path", ["/v1/me/wards", "/v1/me/guardians"])
def test_nothing_can_be_asked_of_others(world: World, path: str) -> None:
    """Whose wards and guardians is the credential's to say."""
    with Unchanged(world, entries=0):
        answer = world.get(f"{path}?person={SARA}", person=MOTHER)
        refused(world, answer, status=400, code="request.query", logged=False)
    assert SARA not in answer.text
