"""Own access over HTTP: for the person with their own token alone; bad input is refused and changes nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.bad_input import ACTOR, NAV, Unchanged, refused
from tests.integration.world import EMIL, NORA, World
from tillit.keys import ServiceKey
from tillit.own import open_own_values
from tillit.own import own_access as asking
from tillit.sealing import SubjectRef, Value, seal_deposit
from tillit.wire import SUBJECT, BrokerKeys, OwnValues

KEY = ServiceKey.generate(SUBJECT)
NOBODYS = "rec_" + "a" * 22
PHONE = "contact.phone"
JWK: dict[str, Any] = KEY.public_jwks()["keys"][1]


def test_a_person_reads_what_a_service_wrote(world: World) -> None:
    """With nothing but a token, a fresh key and the public keys that anybody may fetch."""
    world.token(NAV)
    keys = BrokerKeys.model_validate(world.get("/v1/keys", unit=NAV).json())
    value = Value(PHONE, "+47 1", datetime.now(UTC) - timedelta(hours=1), "measured", "veileder")
    sealed = seal_deposit(
        [value],
        key=world.keys[NAV],
        subject=SubjectRef(world.handle(NAV), EMIL),
        custodian_jwk=keys.custodian,
    )
    done = world.post("/v1/deposits", sealed.model_dump(mode="json"), unit=NAV)
    assert done.status_code == 201, done.text
    asked = asking(KEY)
    answer = world.post("/v1/me/values", asked.model_dump(mode="json"), person=EMIL)
    assert answer.status_code == 201, answer.text
    assert "+47 1" not in answer.text
    reading = open_own_values(
        OwnValues.model_validate(answer.json()),
        key=KEY,
        asked=asked,
        source_keys={NAV: world.keys[NAV].public_jwks()},
        broker_keys=keys,
    )
    assert [one.value for one in reading.values[PHONE]] == ["+47 1"]
    listed = world.get("/v1/me/disclosures", person=EMIL).json()["disclosures"]
    assert [one["own"] for one in listed] == [True]
    proof = world.get(f"/v1/disclosures/{listed[0]['id']}", unit=NAV)
    refused(world, proof, status=404, code="disclosure.unknown", logged=True)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "body.member_missing"),
        ({"jwk": {}}, 422, "own_access.key_unusable"),
        ({"jwk": {**JWK, "d": "A" * 43}}, 422, "own_access.key_unusable"),
        ({"jwk": {**JWK, "x": "A" * 5000}}, 422, "body.invalid"),
        ({"jwk": {f"m{chr(97 + n)}": "" for n in range(13)}}, 422, "body.too_many"),
        ({"jwk": {**JWK, EMIL: "x"}}, 422, "body.invalid"),
        ({"jwk": JWK, "fields": []}, 422, "body.invalid"),
        ({"jwk": JWK, "fields": [EMIL]}, 422, "body.invalid"),
        ({"jwk": JWK, "subject": "hdl_" + "a" * 22}, 422, "body.member_unknown"),
    ],
)
def test_what_cannot_be_read_with_is_refused(
    world: World, body: dict[str, Any], status: int, code: str
) -> None:
    """With the code that says why, and nothing of what was sent repeated."""
    world.handle(NAV)
    with Unchanged(world, entries=0):
        answer = world.post("/v1/me/values", body, person=EMIL)
        refused(world, answer, status=status, code=code, logged=False)
        assert EMIL not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"field": "voice.goals"}, 422, "body.member_missing"),
        ({"field": "voice.goals", "text": ""}, 422, "body.invalid"),
        ({"field": "voice.goals", "text": "x" * 2001}, 422, "own_words.field"),
        ({"field": "voice.story", "text": "x" * 20_001}, 422, "body.invalid"),
        ({"field": "education.wishes", "text": "hei"}, 422, "own_words.field"),
        ({"field": EMIL, "text": "hei"}, 422, "body.invalid"),
        ({"field": "voice.goals", "text": "hei", "source": "subject"}, 422, "body.member_unknown"),
    ],
)
def test_words_that_cannot_be_kept_are_refused(
    world: World, body: dict[str, Any], status: int, code: str
) -> None:
    """With the code that says why, and nothing of what was said repeated."""
    world.handle(NAV)
    with Unchanged(world, entries=0):
        answer = world.post("/v1/me/voice", body, person=EMIL)
        refused(world, answer, status=status, code=code, logged=False)
        assert EMIL not in answer.text


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("", {"record": NOBODYS, "text": "nei"}, 404, "contest.unknown"),
        ("", {"record": EMIL, "text": "nei"}, 422, "body.invalid"),
        ("", {"record": NOBODYS, "text": "x" * 2001}, 422, "body.invalid"),
        ("", {"record": NOBODYS}, 422, "body.member_missing"),
        (f"/{NOBODYS}/lift", {}, 404, "contest.unknown"),
        (f"/{EMIL}/lift", {}, 404, "path.unknown"),
    ],
)
def test_what_cannot_be_contested_is_refused(
    world: World, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    """With the code that says why, and nothing of what was said repeated."""
    world.handle(NAV)
    with Unchanged(world, entries=0):
        answer = world.post(f"/v1/me/contests{path}", body, person=EMIL)
        refused(world, answer, status=status, code=code, logged=False)
        assert EMIL not in answer.text
    assert world.get("/v1/me/contests", person=EMIL).json() == {"contests": []}


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (NOBODYS, {"finding": "stands", "actor": ACTOR}, 404, "contest.unknown"),
        (NOBODYS, {"finding": "wrong", "actor": ACTOR}, 422, "body.invalid"),
        (NOBODYS, {"finding": "stands"}, 422, "body.member_missing"),
        (EMIL, {"finding": "stands", "actor": ACTOR}, 404, "path.unknown"),
    ],
)
def test_a_reply_to_what_nobody_contests_is_refused(
    world: World, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    """A service learns nothing by guessing ids."""
    world.handle(NAV)
    with Unchanged(world, entries=1):
        answer = world.post(f"/v1/contests/{path}/reply", body, unit=NAV)
        refused(world, answer, status=status, code=code, logged=True)
        assert EMIL not in answer.text


def test_recipients_find_the_keys_that_own_words_are_signed_with(world: World) -> None:
    """Where they find every source's; and nobody can enrol by that name."""
    said = world.post("/v1/me/voice", {"field": "voice.goals", "text": "kokk"}, person=EMIL)
    assert said.status_code == 201, said.text
    keys = world.get("/v1/services/subject/jwks", unit=NAV)
    assert keys.status_code == 200, keys.text
    assert keys.json() == world.get("/v1/keys", unit=NAV).json()["receipts"]
    key = ServiceKey.generate(SUBJECT)
    enrolment = {"unit": SUBJECT, "code": "A" * 22, "jwks": key.public_jwks(), "proof": "x"}
    answer = world.post("/v1/enrolments", enrolment)
    assert answer.json()["code"] == "enrolment.refused", answer.text


def test_whom_nobody_knows_reads_nothing(world: World) -> None:
    """A person about whom the broker holds nothing is told so, and so is one with no token at all."""
    answer = world.post("/v1/me/values", {"jwk": JWK}, person=NORA)
    refused(world, answer, status=404, code="subject.none", logged=False)
    assert world.post("/v1/me/values", {"jwk": JWK}, unit=NAV).status_code in {401, 403}
    assert world.post("/v1/me/values", {"jwk": JWK}).status_code == 401
