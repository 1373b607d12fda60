"""What each call puts on the wire, byte for byte."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from pydantic import ValidationError

from tillit import ServiceKey, UsageError, protocol, wire
from tillit.protocol import Call
from tillit.responses import Response, Token

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HANDLE = "hdl_" + "a" * 22
CONSENT = "con_" + "b" * 22
DISCLOSURE = "dis_" + "c" * 22
KEY = "0" * 32
ACTOR = wire.Actor(id="a17", role="veileder")
ASK = wire.Ask(
    subject=HANDLE,
    fields=("education.grades",),
    purpose="case_discussion",
    actor=ACTOR,
)
MEETING = wire.MeetingRequest(
    collaboration="ungdomsutvalget-larvik",
    subject=HANDLE,
    held_at=NOW,
    participants=(
        wire.Participant(unit="nav-larvik", role="veileder"),
        wire.Participant(unit="ot-vestfold", role="radgiver"),
    ),
    actor=ACTOR,
)
CONSENT_REQUEST = wire.ConsentRequest(
    subject=HANDLE,
    collaboration=None,
    services=("nav-larvik", "ot-vestfold"),
    purposes=("coordination",),
    actor=ACTOR,
)
CAPTURE = wire.Capture(
    method="oral",
    signer="subject",
    read_out="d" * 43,
    answered_at=NOW,
    answers={"g1": "yes"},
    actor=ACTOR,
)
INVOCATION = "inv_" + "o" * 22
INVOKE = wire.InvocationRequest(
    subject=HANDLE,
    statute="S4",
    fields=("health.risk",),
    reason="Hen svarer ikke.",
    actor=ACTOR,
    necessity={},
)
CONFIRMATION = wire.Confirmation(actor=ACTOR)
REVIEW = wire.Review(finding="justified", text="Det var riktig.", actor=ACTOR)
RECORD, COMPLAINT = "rec_" + "p" * 22, "cmp_" + "q" * 22
REPLY = wire.ContestReply(finding="stands", actor=ACTOR)
FOUND = wire.ComplaintAnswer(finding="wrong_stopped", actor=ACTOR)
SEALED = wire.SealedField(
    protected="e",
    header=wire.RecipientHeader(alg="A256KW", kid="deposit"),
    encrypted_key="f" * 54,
    aad="g",
    iv="h" * 16,
    ciphertext="i",
    tag="j" * 22,
)
DEPOSIT = wire.Deposit(
    subject=HANDLE,
    key=wire.SealedKey(alg="ECDH-ES+A256KW", kid="k", jwe="l"),
    items=(wire.DepositItem(observed_at=NOW, sealed=SEALED),),
)
ENROLMENT = wire.Enrolment(unit="nav-larvik", code="m" * 22, jwks={"keys": []}, proof="n")
NUMBER = wire.SubjectRequest(national_id="13097248022")


@pytest.mark.parametrize(
    ("call", "path", "body"),
    [
        (protocol.subject(NUMBER, key=KEY), "/v1/subjects", {"national_id": "13097248022"}),
        (protocol.check(ASK, key=KEY), "/v1/checks", ASK),
        (protocol.disclose(ASK, key=KEY), "/v1/disclosures", ASK),
        (protocol.deposit(DEPOSIT, key=KEY), "/v1/deposits", DEPOSIT),
        (protocol.request_consent(CONSENT_REQUEST, key=KEY), "/v1/consents", CONSENT_REQUEST),
        (protocol.preview_consent(CONSENT_REQUEST, key=KEY), "/v1/previews", CONSENT_REQUEST),
        (protocol.capture(CONSENT, CAPTURE, key=KEY), f"/v1/consents/{CONSENT}/capture", CAPTURE),
        (protocol.call_meeting(MEETING, key=KEY), "/v1/meetings", MEETING),
        (protocol.invoke(INVOKE, key=KEY), "/v1/invocations", INVOKE),
        (
            protocol.confirm(INVOCATION, CONFIRMATION, key=KEY),
            f"/v1/invocations/{INVOCATION}/confirm",
            CONFIRMATION,
        ),
        (
            protocol.review(INVOCATION, REVIEW, key=KEY),
            f"/v1/invocations/{INVOCATION}/review",
            REVIEW,
        ),
        (
            protocol.reply_to_contest(RECORD, REPLY, key=KEY),
            f"/v1/contests/{RECORD}/reply",
            REPLY,
        ),
        (
            protocol.answer_complaint(COMPLAINT, FOUND, key=KEY),
            f"/v1/complaints/{COMPLAINT}/answer",
            FOUND,
        ),
        (protocol.enrol(ENROLMENT, key=KEY), "/v1/enrolments", ENROLMENT),
    ],
)
def test_post_carries_json_and_an_idempotency_key(call: Call[Any], path: str, body: Any) -> None:
    """A POST that can be told to be the same one can be repeated."""
    request = call.request
    assert ("POST", path) == (request.method, request.path)
    assert request.headers["idempotency-key"] == KEY
    assert request.headers["content-type"] == "application/json"
    sent = request.content()
    assert sent is not None
    expected = body if isinstance(body, dict) else body.model_dump(mode="json")
    assert expected == json.loads(sent)


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (protocol.broker_keys(), "/v1/keys"),
        (protocol.service_jwks("nav-larvik"), "/v1/services/nav-larvik/jwks"),
        (protocol.catalogue(), "/v1/catalogue"),
        (protocol.disclosure(DISCLOSURE), f"/v1/disclosures/{DISCLOSURE}"),
        (protocol.proof(DISCLOSURE), f"/v1/disclosures/{DISCLOSURE}/proof"),
        (protocol.consents(after=None, limit=50), "/v1/consents?limit=50"),
        (protocol.consents(after=CONSENT, limit=50), f"/v1/consents?after={CONSENT}&limit=50"),
        (
            protocol.invocations(after=None, limit=9, open_reviews=True),
            "/v1/invocations?limit=9&open_reviews=true",
        ),
        (
            protocol.invocations(after=INVOCATION, limit=9, open_reviews=False),
            f"/v1/invocations?after={INVOCATION}&limit=9&open_reviews=false",
        ),
        (
            protocol.complaints(after=None, limit=9, open_only=True),
            "/v1/complaints?limit=9&open_only=true",
        ),
        (
            protocol.complaints(after=COMPLAINT, limit=9, open_only=False),
            f"/v1/complaints?after={COMPLAINT}&limit=9&open_only=false",
        ),
        (protocol.events(after=7, limit=50), "/v1/events?after=7&limit=50"),
    ],
)
def test_get_has_no_body(call: Call[Any], path: str) -> None:
    """What is read is named by the path alone."""
    assert ("GET", path, None) == (call.request.method, call.request.path, call.request.content())
    assert "content-type" not in call.request.headers


def test_only_trust_and_first_contact_go_without_a_token() -> None:
    """Everything else says who asks."""
    anonymous = {
        call.request.path
        for call in (
            protocol.broker_keys(),
            protocol.enrol(ENROLMENT, key=KEY),
            protocol.token("issuer", _key(), clock=_clock, randomness=bytes),
        )
        if call.anonymous
    }
    assert {"/v1/keys", "/v1/enrolments", "/oauth/token"} == anonymous
    assert not protocol.service_jwks("nav-larvik").anonymous
    assert not protocol.disclose(ASK, key=KEY).anonymous


@pytest.mark.parametrize("name", ["../keys", "a/b", "a?b", "a#b", "%2e%2e", "ø"])
def test_ids_cannot_leave_their_place_in_the_path(name: str) -> None:
    """An id is one segment, whatever a caller put into it."""
    path = protocol.disclosure(name).request.path
    inside = path.removeprefix("/v1/disclosures/")
    assert not set("/?#") & set(inside)
    assert inside.isascii()


def test_answers_are_asked_for_uncompressed() -> None:
    """The bound on an answer's size is on the bytes that come."""
    for call in (protocol.broker_keys(), protocol.disclose(ASK, key=KEY)):
        assert call.request.headers["accept-encoding"] == "identity"


def test_catalogue_sends_the_tag_it_has() -> None:
    """An unchanged catalogue is not sent again."""
    assert protocol.catalogue('"abc"').request.headers["if-none-match"] == '"abc"'
    assert "if-none-match" not in protocol.catalogue().request.headers


def test_request_larger_than_the_bound_is_not_sent() -> None:
    """The broker would refuse it anyway; nothing leaves the machine."""
    big = SEALED.model_copy(update={"ciphertext": "i" * wire.MAX_SEALED_CHARS})
    items = (wire.DepositItem(observed_at=NOW, sealed=big),) * 3
    deposit = wire.Deposit(subject=HANDLE, key=DEPOSIT.key, items=items)
    with pytest.raises(UsageError, match="larger than 1048576 bytes"):
        protocol.deposit(deposit, key=KEY)


def test_nothing_personal_shows_in_a_repr() -> None:
    """Requests and responses end up in debuggers and logs."""
    request = protocol.subject(NUMBER, key=KEY).request.having(authorization="Bearer sesame")
    shown = repr(request) + repr(Response(200, {"set-cookie": "sesame"}, b"13097248022"))
    shown += repr(Token("sesame", NOW))
    assert "13097248022" not in shown
    assert "sesame" not in shown


def test_wrong_argument_is_named_but_not_repeated() -> None:
    """An error text may be logged; what was typed may be a number typed into the wrong box."""
    with pytest.raises(UsageError) as caught:
        protocol.model(wire.SubjectRequest, national_id="1309724802x")
    assert str(caught.value) == "SubjectRequest: national_id: string_pattern_mismatch"
    assert caught.value.__cause__ is None


# --- the client assertion ---


def _key() -> ServiceKey:
    return ServiceKey.generate("nav-larvik", randomness=lambda size: b"\x05" * size)


def _clock() -> datetime:
    return NOW


def test_assertion_says_who_to_whom_and_for_how_long() -> None:
    """RFC 7523 § 3: issuer and subject are the client, the audience is the broker, and it is short."""
    key = _key()
    token = protocol.assertion("https://broker.example", key, at=NOW, jti="once")
    assert {"alg": "EdDSA", "kid": key.sig_kid, "typ": "JWT"} == jwt.get_unverified_header(token)
    claims = jwt.decode(
        token,
        key.signer.public_key(),
        algorithms=["EdDSA"],
        audience="https://broker.example",
        options={"verify_exp": False, "verify_iat": False},
    )
    now = int(NOW.timestamp())
    assert {
        "iss": "nav-larvik",
        "sub": "nav-larvik",
        "aud": "https://broker.example",
        "iat": now,
        "exp": now + 60,
        "jti": "once",
    } == claims


def test_every_attempt_at_a_token_signs_anew() -> None:
    """An assertion is good once: a repeat of the same bytes would be refused as a replay."""
    drawn = iter([b"\x01" * 16, b"\x02" * 16])
    times = iter([NOW, NOW + timedelta(seconds=5)])
    call = protocol.token(
        "issuer", _key(), clock=lambda: next(times), randomness=lambda _: next(drawn)
    )
    first, second = (_form(call.request.content) for _ in range(2))
    assert [claims["jti"] for claims in (first, second)] == ["01" * 16, "02" * 16]
    assert second["iat"] - first["iat"] == 5


def _form(content: Callable[[], bytes | None]) -> dict[str, Any]:
    sent = content()
    assert sent is not None
    form = parse_qs(sent.decode(), strict_parsing=True)
    assert form["grant_type"] == ["client_credentials"]
    assert form["scope"] == ["share"]
    assert form["client_assertion_type"] == [protocol.ASSERTION_TYPE]
    claims: dict[str, Any] = jwt.decode(
        form["client_assertion"][0], options={"verify_signature": False}
    )
    return claims


def test_an_actor_is_never_known_by_a_national_identity_number() -> None:
    """Actors stand in the log for years; a case system that uses the number as its user name is told at once."""
    assert wire.Actor(id="a17", role="veileder").id == "a17"
    for number in ("13097248022", "u13097248022", "13097248022-nav"):
        with pytest.raises(ValidationError):
            wire.Actor(id=number, role="veileder")
