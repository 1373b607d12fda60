"""What the youth chooses, over HTTP: the whole way, and bad input that changes nothing and repeats nothing."""

from typing import Any

import pytest

from tests.integration.bad_input import NAV, Unchanged, refused
from tests.integration.world import EMIL, STRANGER, World

CHOICES = "/v1/me/notice-choices"
DIGEST = {"unit": NAV, "how": "digest"}


def test_how_notices_come_is_chosen_and_taken_back(world: World) -> None:
    """Each time, once a day, each time again."""
    world.handle(NAV)
    assert world.get(CHOICES, person=EMIL).json()["choices"] == []
    made = world.post(CHOICES, DIGEST, person=EMIL)
    assert made.status_code == 200, made.text
    assert [(c["unit"], c["how"]) for c in made.json()["choices"]] == [(NAV, "digest")]
    assert world.get(CHOICES, person=EMIL).json() == made.json()
    back = world.post(CHOICES, DIGEST | {"how": "at_once"}, person=EMIL)
    assert back.json()["choices"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"unit": NAV}, 422, "body.member_missing"),
        (DIGEST | {"how": "never"}, 422, "body.invalid"),
        (DIGEST | {"unit": "Nav!"}, 422, "body.invalid"),
        (DIGEST | {"unit": EMIL}, 404, "service.unknown"),
        (DIGEST | {"unit": "no-such-unit"}, 404, "service.unknown"),
        (DIGEST | {"kinds": ["requested"]}, 422, "body.member_unknown"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(
    world: World, body: dict[str, Any], status: int, code: str
) -> None:
    """Never silently something else; and nothing that was sent is said back."""
    world.handle(NAV)
    with Unchanged(world, entries=0):
        answer = world.post(CHOICES, body, person=EMIL)
        refused(world, answer, status=status, code=code, logged=False)
    assert EMIL not in answer.text


def test_whom_the_broker_does_not_know_chooses_nothing(world: World) -> None:
    """There is nothing to tell them of."""
    for answer in (
        world.get(CHOICES, person=STRANGER),
        world.post(CHOICES, DIGEST, person=STRANGER),
    ):
        refused(world, answer, status=404, code="subject.none", logged=False)


# --- hidden involvement

HIDDEN = "/v1/me/hidden"
HIDE = {"unit": "larvikshjelpa", "hidden": True}


def test_a_service_is_hidden_and_shown_again(world: World) -> None:
    """By the youth, who sees what is hidden."""
    world.handle(NAV)
    made = world.post(HIDDEN, HIDE, person=EMIL)
    assert made.status_code == 200, made.text
    assert [h["unit"] for h in made.json()["hidden"]] == ["larvikshjelpa"]
    assert world.get(HIDDEN, person=EMIL).json() == made.json()
    assert world.post(HIDDEN, HIDE | {"hidden": False}, person=EMIL).json()["hidden"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"unit": NAV}, 422, "body.member_missing"),
        (HIDE | {"hidden": "yes"}, 422, "body.wrong_type"),
        (HIDE | {"unit": "Nav!"}, 422, "body.invalid"),
        (HIDE | {"unit": EMIL}, 404, "service.unknown"),
        (HIDE | {"unit": "no-such-unit", "hidden": False}, 404, "service.unknown"),
        (HIDE | {"from": NAV}, 422, "body.member_unknown"),
    ],
)
def test_hiding_what_cannot_be_is_refused(
    world: World, body: dict[str, Any], status: int, code: str
) -> None:
    """Nothing changes, and nothing that was sent is said back."""
    world.handle(NAV)
    with Unchanged(world, entries=0):
        answer = world.post(HIDDEN, body, person=EMIL)
        refused(world, answer, status=status, code=code, logged=False)
    assert EMIL not in answer.text
