"""Well-formed requests that must be refused all the same: repeated, another's, impossible; nothing changes."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.bad_input import (
    ACTOR,
    NAV,
    OT,
    SCHOOL,
    Unchanged,
    a_deposit,
    a_request,
    an_ask,
    refused,
)
from tests.integration.world import EMIL, NORA, STRANGER, World

# --- idempotency -------------------------------------------------------------------------------------


def test_post_without_an_idempotency_key_is_refused(world: World) -> None:
    """Without one a retry could do the thing twice."""
    subject = world.handle(NAV)
    with Unchanged(world, entries=1):
        answer = world.client.post(
            "/v1/disclosures", json=an_ask(subject), headers=world.headers(NAV)
        )
        refused(world, answer, status=400, code="idempotency.key_missing", logged=True)


@pytest.mark.parametrize("key", ["short", "x" * 129, "with space in it", "æøåæøåæøå"])
def test_malformed_idempotency_key_is_refused(world: World, key: str) -> None:
    """Keys are bounded and plain."""
    world.token(NAV)
    headers = httpx.Headers(world.headers(NAV) | {"content-type": "application/json"})
    headers.update({b"idempotency-key": key.encode()})
    with Unchanged(world, entries=1):
        answer = world.client.post("/v1/disclosures", content=b"{}", headers=headers)
        refused(world, answer, status=400, code="idempotency.key_malformed", logged=True)


def test_two_idempotency_keys_are_refused(world: World) -> None:
    """A proxy and a server may read different ones."""
    world.token(NAV)
    headers = [
        *world.headers(NAV).items(),
        ("content-type", "application/json"),
        ("idempotency-key", "first-key"),
        ("idempotency-key", "second-key"),
    ]
    answer = world.client.post("/v1/disclosures", content=b"{}", headers=headers)
    refused(world, answer, status=400, code="idempotency.key_malformed", logged=True)


def test_same_key_with_another_body_is_refused(world: World) -> None:
    """The first answer stands; the second request is another request."""
    key = secrets.token_hex(16)
    subject = world.handle(NAV)
    first = world.post("/v1/disclosures", an_ask(subject), unit=NAV, key=key)
    with Unchanged(world, entries=1):
        other = an_ask(subject, purpose="transition")
        answer = world.post("/v1/disclosures", other, unit=NAV, key=key)
        refused(world, answer, status=422, code="idempotency.key_reused", logged=True)
    with Unchanged(world, entries=0):
        again = world.post("/v1/disclosures", an_ask(subject), unit=NAV, key=key)
    assert first.json()["id"] == again.json()["id"]


def test_same_key_on_another_path_is_refused(world: World) -> None:
    """A key names one call: method, path and body."""
    key = secrets.token_hex(16)
    subject = world.handle(NAV)
    world.post("/v1/checks", an_ask(subject), unit=NAV, key=key)
    answer = world.post("/v1/disclosures", an_ask(subject), unit=NAV, key=key)
    refused(world, answer, status=422, code="idempotency.key_reused", logged=True)


def test_another_service_has_its_own_keys(world: World) -> None:
    """A key that somebody else used says nothing."""
    key = secrets.token_hex(16)
    ours, theirs = world.handle(NAV), world.handle(OT)
    first = world.post("/v1/disclosures", an_ask(ours), unit=NAV, key=key)
    second = world.post("/v1/disclosures", an_ask(theirs), unit=OT, key=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


# --- what is another's -------------------------------------------------------------------------------


def test_anothers_handle_is_unknown(world: World) -> None:
    """Handles are pairwise: one that leaks is worth nothing, and reads like one that does not exist."""
    theirs = world.handle(OT)
    world.token(NAV)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/disclosures", an_ask(theirs), unit=NAV)
        refused(world, answer, status=404, code="subject.unknown_handle", logged=True)
    nowhere = world.post("/v1/disclosures", an_ask("hdl_" + "a" * 22), unit=NAV)
    assert answer.json() == nowhere.json()


def test_anothers_disclosure_is_unknown(world: World) -> None:
    """Only its recipient and its subject see a disclosure."""
    made = world.post("/v1/disclosures", an_ask(world.handle(NAV)), unit=NAV).json()
    for path in (f"/v1/disclosures/{made['id']}", f"/v1/disclosures/{made['id']}/proof"):
        answer = world.get(path, unit=OT)
        refused(world, answer, status=404, code="disclosure.unknown", logged=True)
    answer = world.get(f"/v1/me/disclosures/{made['id']}/proof", person=NORA)
    assert answer.json()["code"] in {"subject.none", "disclosure.unknown"}


def test_anothers_consent_is_unknown(world: World) -> None:
    """Nobody learns that a consent exists by trying ids."""
    made = world.post("/v1/consents", a_request(world.handle(NAV)), unit=NAV)
    assert made.status_code == 201, made.text
    consent = made.json()
    capture = {
        "method": "oral",
        "signer": "subject",
        "read_out": consent["text_sha256"],
        "answered_at": datetime.now(UTC).isoformat(),
        "answers": {grant["id"]: "yes" for grant in consent["grants"]},
        "actor": ACTOR,
    }
    world.token(OT)
    with Unchanged(world, entries=1):
        answer = world.post(f"/v1/consents/{consent['id']}/capture", capture, unit=OT)
        refused(world, answer, status=404, code="consent.unknown", logged=True)
    with Unchanged(world, entries=0):
        answers = {"read": consent["text_sha256"], "answers": capture["answers"]}
        path = f"/v1/me/consents/{consent['id']}"
        for answer in (
            world.get(path, person=NORA),
            world.post(f"{path}/answer", answers, person=NORA),
            world.post(f"{path}/withdraw", {}, person=NORA),
            world.post(f"{path}/pause", {}, person=NORA),
            world.post(f"{path}/resume", {}, person=NORA),
        ):
            refused(world, answer, status=404, code="consent.unknown", logged=False)
    assert world.get(path, person=EMIL).json()["state"] == "requested"


def test_nobody_by_that_number(world: World) -> None:
    """The register decides who exists."""
    world.token(NAV)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/subjects", {"national_id": STRANGER}, unit=NAV)
        refused(world, answer, status=404, code="subject.unknown_person", logged=True)
    assert STRANGER not in answer.text


# --- deposits and consents ---------------------------------------------------------------------------


def test_future_observation_is_refused(world: World) -> None:
    """Nothing has been observed tomorrow."""
    subject = world.handle(SCHOOL)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    deposit = a_deposit(world, subject, observed_at=tomorrow)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/deposits", deposit, unit=SCHOOL)
        refused(world, answer, status=422, code="deposit.observed_in_future", logged=True)


def test_deposit_under_a_wrong_key_is_refused(world: World) -> None:
    """What the custodian cannot open is not taken."""
    subject = world.handle(SCHOOL)
    deposit = a_deposit(world, subject)
    deposit["key"] = a_deposit(world, subject)["key"]
    with Unchanged(world, entries=1):
        answer = world.post("/v1/deposits", deposit, unit=SCHOOL)
        refused(world, answer, status=422, code="deposit.key_invalid", logged=True)


def test_deposit_in_anothers_name_is_refused(world: World) -> None:
    """The source in the sealed binding is the unit that is authenticated."""
    world.handle(SCHOOL)
    theirs = world.handle(NAV)
    deposit = a_deposit(world, theirs)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/deposits", deposit, unit=NAV)
        assert answer.status_code in {403, 422}
        refused(
            world,
            answer,
            status=answer.status_code,
            code=answer.json()["code"],
            logged=True,
        )
        assert answer.json()["code"].startswith("deposit.")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"services": [NAV, "no-such"]}, "consent.unknown_service"),
        ({"categories": ["no_such"]}, "consent.unknown_category"),
        ({"fields": ["no.such"]}, "consent.unknown_field"),
        ({"purposes": ["no_such"]}, "consent.unknown_purpose"),
        ({"collaboration": "no-such"}, "consent.unknown_collaboration"),
        ({"services": [OT, SCHOOL]}, "consent.requester_not_named"),
        ({"valid_days": 366}, "consent.lifetime"),
        (
            {"about": "hdl_" + "a" * 22, "categories": [], "fields": ["family.situation"]},
            "subject.unknown_handle",
        ),
        ({"about": "hdl_" + "a" * 22}, "consent.family"),
        ({"about": "18012012345"}, "body.invalid"),
        ({"condition": {"kind": "until_event", "event": "offer_exists"}}, "consent.condition"),
    ],
)
def test_consent_that_cannot_be_asked_for_is_refused(
    world: World, changes: dict[str, Any], code: str
) -> None:
    """A typing error never reaches the youth as a question."""
    request = a_request(world.handle(NAV), **changes)
    with Unchanged(world, entries=1):
        answer = world.post("/v1/consents", request, unit=NAV)
        refused(world, answer, status=answer.status_code, code=code, logged=True)
        assert 400 <= answer.status_code < 500


def test_answer_to_another_text_is_refused(world: World) -> None:
    """A person answers what they read."""
    consent = world.post("/v1/consents", a_request(world.handle(NAV)), unit=NAV).json()
    answers = {
        "read": "A" * 43,
        "answers": {grant["id"]: "yes" for grant in consent["grants"]},
    }
    with Unchanged(world, entries=0):
        answer = world.post(f"/v1/me/consents/{consent['id']}/answer", answers, person=EMIL)
        refused(world, answer, status=409, code="consent.text_differs", logged=False)
