"""Previews over HTTP: for the youth alone, for services without what is there; bad input is refused and changes nothing."""

from typing import Any

import pytest

from tests.integration.bad_input import NAV, OT, Unchanged, a_request, refused
from tests.integration.world import EMIL, NORA, STRANGER, World

NOBODYS = "con_" + "a" * 22


def a_consent(world: World) -> dict[str, Any]:
    """One that Emil is asked for."""
    made = world.post("/v1/consents", a_request(world.handle(NAV)), unit=NAV)
    assert made.status_code == 201, made.text
    return dict(made.json())


def test_the_youth_is_shown_what_would_be(world: World) -> None:
    """Every service and purpose that the lines name, in the language asked for."""
    consent = a_consent(world)
    answer = world.post("/v1/me/preview", {"consent": consent["id"]}, person=EMIL)
    assert answer.status_code == 200, answer.text
    services = answer.json()["services"]
    assert {one["recipient"] for one in services} == {
        line["recipient"] for line in consent["grants"]
    }
    assert all(one["losses"] == [] for one in services)


def test_a_service_is_shown_what_could_be(world: World) -> None:
    """Before anybody is asked, and without a consent being made."""
    answer = world.post("/v1/previews", a_request(world.handle(NAV)), unit=NAV)
    assert answer.status_code == 200, answer.text
    assert any(one["gains"] for one in answer.json()["services"])
    assert all(one["now"] == [] for one in answer.json()["services"])


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"consent": "con_x"}, 422, "body.invalid"),
        ({"consent": NOBODYS}, 404, "consent.unknown"),
        ({"without": ["g1", "g1"]}, 422, "body.invalid"),
        ({"without": ["g9999"]}, 422, "consent.lines_unknown"),
        ({"answers": {"g9999": "yes"}}, 422, "consent.lines_unknown"),
        ({"answers": {"g1": "maybe"}}, 422, "body.invalid"),
        ({"answers": {}}, 422, "body.invalid"),
        ({"more": 1}, 422, "body.member_unknown"),
    ],
)
def test_a_preview_that_cannot_be_is_refused(
    world: World, changes: dict[str, Any], status: int, code: str
) -> None:
    """With the code that says why."""
    consent = a_consent(world)
    with Unchanged(world, entries=0):
        answer = world.post("/v1/me/preview", {"consent": consent["id"]} | changes, person=EMIL)
        refused(world, answer, status=status, code=code, logged=False)


@pytest.mark.parametrize("person", [NORA, STRANGER])
def test_anothers_consent_is_unknown(world: World, person: str) -> None:
    """It reads like one that does not exist."""
    consent = a_consent(world)
    answer = world.post("/v1/me/preview", {"consent": consent["id"]}, person=person)
    refused(world, answer, status=404, code="consent.unknown", logged=False)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"subject": "hdl_" + "a" * 22}, 404, "subject.unknown_handle"),
        ({"services": [OT, "no-such"]}, 422, "consent.requester_not_named"),
        ({"services": [NAV, "no-such"]}, 422, "consent.unknown_service"),
        ({"services": ["*", NAV]}, 422, "body.invalid"),
        ({"valid_days": 367}, 422, "body.invalid"),
        ({"about": "hdl_" + "a" * 22}, 422, "consent.family"),
    ],
)
def test_what_could_not_be_asked_for_is_not_previewed(
    world: World, changes: dict[str, Any], status: int, code: str
) -> None:
    """The same refusals as when it is asked for in earnest, each an entry."""
    subject = world.handle(NAV)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/previews", a_request(subject, **changes), unit=NAV)
        refused(world, answer, status=status, code=code, logged=True)
