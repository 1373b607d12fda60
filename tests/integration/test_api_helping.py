"""A trusted helper over HTTP: the whole way, and bad input that changes nothing and repeats nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from broker.domain.helping import MOST_TRIES
from tests.integration.bad_input import NAV, Unchanged, a_request, refused
from tests.integration.world import EMIL, NORA, STRANGER, World

NOBODYS = "hlp_" + "a" * 22
SHOWS = {"shows": ["consents", "disclosures"]}


def test_a_helper_is_invited_looks_and_is_removed(world: World) -> None:
    """By a code that is said once; the next look after the removal shows nothing."""
    asked = world.post("/v1/consents", a_request(world.handle(NAV)), unit=NAV).json()
    made = world.post("/v1/me/helpers", SHOWS, person=EMIL)
    assert made.status_code == 201, made.text
    taken = world.post("/v1/me/helping", {"code": made.json()["code"]}, person=NORA)
    assert taken.status_code == 201, taken.text
    identity = taken.json()["helper"]
    assert world.get("/v1/me/helping", person=NORA).json()["helping"] == [taken.json()]
    looked = world.get(f"/v1/me/helping/{identity}/consents", person=NORA)
    assert [c["id"] for c in looked.json()["consents"]] == [asked["id"]]
    shared = world.get(f"/v1/me/helping/{identity}/disclosures?limit=5", person=NORA)
    assert shared.json() == {"disclosures": [], "next": None}
    stop = world.post(f"/v1/me/consents/{asked['id']}/withdraw", {}, person=NORA)
    refused(world, stop, status=403, code="helper.read_only", logged=False)
    again = world.post("/v1/me/helpers", SHOWS, person=EMIL)
    refused(world, again, status=409, code="helper.one_at_a_time", logged=False)
    notices = world.get("/v1/me/notices", person=EMIL).json()["notices"]
    assert {"helper_accepted", "helper_looked"} <= {n["kind"] for n in notices}
    gone = world.post(f"/v1/me/helpers/{identity}/remove", {}, person=EMIL)
    assert [h["standing"] for h in gone.json()["helpers"]] == ["over"]
    for shelf in ("consents", "disclosures"):
        answer = world.get(f"/v1/me/helping/{identity}/{shelf}", person=NORA)
        refused(world, answer, status=404, code="helper.unknown", logged=False)
    left = world.post(f"/v1/me/helping/{identity}/leave", {}, person=NORA)
    refused(world, left, status=404, code="helper.unknown", logged=False)


def _wrong() -> Iterator[tuple[str, str, dict[str, Any], int, str]]:
    yield "nothing shown", "helpers", {"shows": []}, 422, "body.invalid"
    yield "special alone", "helpers", {"shows": ["special"]}, 422, "body.invalid"
    yield "twice", "helpers", {"shows": ["consents", "consents"]}, 422, "body.invalid"
    yield "values", "helpers", {"shows": ["consents", "values"]}, 422, "body.invalid"
    yield "too many", "helpers", {"shows": ["consents"] * 9}, 422, "body.too_many"
    yield "a name", "helpers", {**SHOWS, "helper": "Bestemor"}, 422, "body.member_unknown"
    yield "no code", "helping", {}, 422, "body.member_missing"
    yield "a number", "helping", {"code": EMIL}, 422, "body.invalid"
    yield "short", "helping", {"code": "ABCD-EFGH"}, 422, "body.invalid"
    yield "small letters", "helping", {"code": "abcd-efgh-ijkl"}, 422, "body.invalid"
    yield "newline", "helping", {"code": "ABCD-EFGH-IJKL\n"}, 422, "body.invalid"
    yield "wrong", "helping", {"code": "AAAA-AAAA-AAAA"}, 403, "helper.code_refused"
    yield "not there", f"helpers/{NOBODYS}/remove", {}, 404, "helper.unknown"
    yield "nobody's", f"helping/{NOBODYS}/leave", {}, 404, "helper.unknown"
    yield "bad id", f"helpers/hlp_{EMIL}/remove", {}, 404, "path.unknown"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"), [pytest.param(*c, id=i) for i, *c in _wrong()]
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    world: World, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    """Each with a code of its own; nothing that was sent is said back."""
    world.handle(NAV)
    with Unchanged(world, entries=0):
        answer = world.post(f"/v1/me/{path}", body, person=EMIL)
        refused(world, answer, status=status, code=code, logged=False)
    assert EMIL not in answer.text
    assert "AAAA-AAAA" not in answer.text


def test_a_code_is_tried_so_often_and_no_more(world: World) -> None:
    """Then the right one is refused too, with the same answer."""
    world.handle(NAV, NORA)
    code = world.post("/v1/me/helpers", SHOWS, person=NORA).json()["code"]
    wrong = code[:-4] + ("AAAA" if code[-4:] != "AAAA" else "BBBB")
    for said in [wrong] * MOST_TRIES + [code]:
        answer = world.post("/v1/me/helping", {"code": said}, person=EMIL)
        refused(world, answer, status=403, code="helper.code_refused", logged=False)


def test_whom_the_broker_does_not_know_invites_nobody(world: World) -> None:
    """There is nothing to show."""
    answer = world.post("/v1/me/helpers", SHOWS, person=STRANGER)
    refused(world, answer, status=404, code="subject.none", logged=False)
