"""What bad-input tests send and expect: well-formed requests to spoil, and one way to say that nothing changed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.integration.world import EMIL, World
from tillit.sealing import SubjectRef, Value, seal_deposit

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
            grown = {"log_entry": self._entries, "log_sealed": self._entries}
            expected = {name: n + grown.get(name, 0) for name, n in self._before.items()}
            assert expected == self._world.rows()
