"""Who has the ball, and the meetings about me, over HTTP: the whole way, and bad input that changes nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.bad_input import ACTOR, LARVIK, NAV, SCHOOL, Unchanged, a_request, refused
from tests.integration.world import EMIL, STRANGER, World

PATHS = ("/v1/me/cases", "/v1/me/meetings")


def test_cases_and_meetings_are_seen(world: World) -> None:
    """A case from the first question on, and the meeting in it, in the reader's language."""
    handle = world.handle(NAV)
    asked = world.post("/v1/consents", a_request(handle), unit=NAV).json()
    said = {"read": asked["text_sha256"], "answers": {g["id"]: "yes" for g in asked["grants"]}}
    answered = world.post(f"/v1/me/consents/{asked['id']}/answer", said, person=EMIL)
    assert answered.status_code == 200, answered.text
    meeting = {
        "collaboration": LARVIK,
        "subject": handle,
        "held_at": (datetime.now(UTC) + timedelta(days=3)).isoformat(),
        "participants": [{"unit": u, "role": "veileder"} for u in (NAV, SCHOOL)],
        "actor": ACTOR,
    }
    called = world.post("/v1/meetings", meeting, unit=NAV)
    assert called.status_code == 201, called.text
    english = world.headers(person=EMIL) | {"accept-language": "en"}
    seen = world.client.get("/v1/me/cases", headers=english).json()["cases"]
    assert [(c["label"], c["responsible"]["unit"]) for c in seen] == [
        ("The youth committee in Larvik", NAV)
    ]
    assert seen[0]["next_meeting"]["id"] == called.json()["id"]
    coming = world.get("/v1/me/meetings?limit=1", person=EMIL).json()["coming"]
    assert [(m["id"], m["consent_holds"]) for m in coming] == [(called.json()["id"], True)]


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_has_no_cases(world: World, path: str) -> None:
    """Whom the broker knows nothing of is told that, and nothing else."""
    refused(world, world.get(path, person=STRANGER), status=404, code="subject.none", logged=False)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "before=mtg_short", f"before={EMIL}", "subject=1", "limit=1&limit=2"],
)
def test_a_malformed_page_is_refused(world: World, query: str) -> None:
    """Bounded, and never repeated in the answer."""
    with Unchanged(world, entries=0):
        answer = world.get(f"/v1/me/meetings?{query}", person=EMIL)
        refused(world, answer, status=400, code="request.query", logged=False)
    assert EMIL not in answer.text
