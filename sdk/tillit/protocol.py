"""The protocol without I/O: what each call sends, and what reads its answer (``responses``).

A ``Call`` knows its request and how to read the response. Nothing here opens a socket, reads a clock
or draws randomness: those come in as arguments, so that both clients share every line of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import jwt
from pydantic import BaseModel, ValidationError

from tillit import errors, wire
from tillit.keys import ServiceKey
from tillit.responses import (
    Response,
    Tagged,
    Token,
    nothing,
    read_jwks,
    read_tagged,
    read_token,
    reader,
    wrong_members,
)
from tillit.wire.service_keys import KeyHistory, KeyRevocation, KeyRotation, KeysAnswer

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

MAX_ANSWER_BYTES = 32 * 1024 * 1024
ASSERTION_SECONDS = 60
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPE = "share"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; ``path`` is relative to the broker's address. The body never shows in repr.

    ``body`` may be a function: it is then made anew for each attempt, for what may be used only once.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | Callable[[], bytes] | None = field(default=None, repr=False)

    def content(self) -> bytes | None:
        """The bytes of one attempt."""
        return self.body() if callable(self.body) else self.body

    def having(self, **headers: str) -> "Request":
        """The same request with further headers (underscores become hyphens)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers=MappingProxyType({**self.headers, **named}))


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request and how to read its response. ``anonymous`` calls carry no token."""

    request: Request
    read: Callable[[Response], T]
    anonymous: bool = False


# --- building requests ---


def model(kind: type[M], /, **members: Any) -> M:
    """A wire model from a caller's arguments.

    Raises:
        UsageError: naming the members that are wrong, never what they held.
    """
    try:
        return kind(**members)
    except ValidationError as error:
        raise errors.UsageError(f"{kind.__name__}: {wrong_members(error)}") from None


# A compressed answer could be far larger than its bytes; the bound is on what is read.
_COMMON = {"accept": "application/json", "accept-encoding": "identity"}


def _get(path: str, **query: Any) -> Request:
    given = {name: value for name, value in query.items() if value is not None}
    return Request(
        "GET", f"{path}?{urlencode(given)}" if given else path, MappingProxyType(_COMMON)
    )


def _post(path: str, body: BaseModel, idempotency_key: str) -> Request:
    content = body.model_dump_json().encode()
    if len(content) > wire.MAX_BODY_BYTES:
        raise errors.UsageError(f"the request is larger than {wire.MAX_BODY_BYTES} bytes")
    bare = Request("POST", path, MappingProxyType(_COMMON), content)
    return bare.having(content_type="application/json", idempotency_key=idempotency_key)


def _id(text: str) -> str:
    return quote(text, safe="")


# --- one function per call of design.md § 8 ---


def token(
    issuer: str,
    key: ServiceKey,
    *,
    clock: Callable[[], datetime],
    randomness: Callable[[int], bytes],
) -> Call[Token]:
    """``POST /oauth/token``: client credentials; each attempt signs an assertion of its own."""

    def body() -> bytes:
        form = {
            "grant_type": "client_credentials",
            "scope": SCOPE,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion(issuer, key, at=clock(), jti=randomness(16).hex()),
        }
        return urlencode(form).encode()

    bare = Request("POST", "/oauth/token", MappingProxyType(_COMMON), body)
    request = bare.having(content_type="application/x-www-form-urlencoded")
    return Call(request, lambda response: read_token(response, at=clock()), anonymous=True)


def assertion(issuer: str, key: ServiceKey, *, at: datetime, jti: str) -> str:
    """A client assertion (RFC 7523): this service says to this issuer, for a minute, that it is itself."""
    now = int(at.timestamp())
    claims = {
        "iss": key.unit,
        "sub": key.unit,
        "aud": issuer,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
        "jti": jti,
    }
    return jwt.encode(claims, key.signer, algorithm="EdDSA", headers={"kid": key.sig_kid})


def broker_keys() -> Call[wire.BrokerKeys]:
    """``GET /v1/keys``: the trust root."""
    return Call(_get("/v1/keys"), reader(wire.BrokerKeys), anonymous=True)


def enrol(enrolment: wire.Enrolment, *, key: str) -> Call[None]:
    """``POST /v1/enrolments``: register a unit's public keys."""
    return Call(_post("/v1/enrolments", enrolment, key), nothing, anonymous=True)


def service_jwks(unit: str) -> Call[Mapping[str, Any]]:
    """``GET /v1/services/{unit}/jwks``: a unit's public keys, each kid its thumbprint."""
    return Call(_get(f"/v1/services/{_id(unit)}/jwks"), read_jwks)


def rotate_keys(rotation: KeyRotation, *, key: str) -> Call[KeysAnswer]:
    """``POST /v1/service-keys``: new keys in the place of this service's own."""
    return Call(_post("/v1/service-keys", rotation, key), reader(KeysAnswer))


def revoke_key(kid: str, revocation: KeyRevocation, *, key: str) -> Call[KeysAnswer]:
    """``POST /v1/service-keys/{kid}/revocation``: one of this service's keys is good for nothing any more."""
    return Call(
        _post(f"/v1/service-keys/{_id(kid)}/revocation", revocation, key), reader(KeysAnswer)
    )


def key_history(unit: str) -> Call[KeyHistory]:
    """``GET /v1/services/{unit}/key-history``: how a unit's keys followed one another."""
    return Call(_get(f"/v1/services/{_id(unit)}/key-history"), reader(KeyHistory))


def catalogue(etag: str | None = None) -> Call[Tagged]:
    """``GET /v1/catalogue``: fields, purposes, services and collaborations in force."""
    request = _get("/v1/catalogue")
    return Call(request.having(if_none_match=etag) if etag else request, read_tagged)


def subject(request: wire.SubjectRequest, *, key: str) -> Call[wire.SubjectAnswer]:
    """``POST /v1/subjects``: a national identity number, exchanged for this service's handle."""
    return Call(_post("/v1/subjects", request, key), reader(wire.SubjectAnswer))


def deposit(deposit: wire.Deposit, *, key: str) -> Call[wire.DepositAnswer]:
    """``POST /v1/deposits``: sealed values."""
    return Call(_post("/v1/deposits", deposit, key), reader(wire.DepositAnswer))


def check(ask: wire.Ask, *, key: str) -> Call[wire.CheckAnswer]:
    """``POST /v1/checks``: may I?"""
    return Call(_post("/v1/checks", ask, key), reader(wire.CheckAnswer))


def disclose(ask: wire.Ask, *, key: str) -> Call[wire.DisclosureAnswer]:
    """``POST /v1/disclosures``: decide, and release what is permitted."""
    return Call(_post("/v1/disclosures", ask, key), reader(wire.DisclosureAnswer))


def disclosure(disclosure_id: str) -> Call[wire.DisclosureAnswer]:
    """``GET /v1/disclosures/{id}``: the same disclosure again."""
    return Call(_get(f"/v1/disclosures/{_id(disclosure_id)}"), reader(wire.DisclosureAnswer))


def proof(disclosure_id: str) -> Call[wire.ProofAnswer]:
    """``GET /v1/disclosures/{id}/proof``: that the log holds it."""
    return Call(_get(f"/v1/disclosures/{_id(disclosure_id)}/proof"), reader(wire.ProofAnswer))


def erasure(disclosure_id: str, attested: wire.Erasure, *, key: str) -> Call[wire.ErasureAnswer]:
    """``POST /v1/disclosures/{id}/erasure``: what it gave has been erased."""
    path = f"/v1/disclosures/{_id(disclosure_id)}/erasure"
    return Call(_post(path, attested, key), reader(wire.ErasureAnswer))


def request_consent(request: wire.ConsentRequest, *, key: str) -> Call[wire.ConsentView]:
    """``POST /v1/consents``: ask for a consent."""
    return Call(_post("/v1/consents", request, key), reader(wire.ConsentView))


def preview_consent(request: wire.ConsentRequest, *, key: str) -> Call[wire.PreviewAnswer]:
    """``POST /v1/previews``: what a consent could lead to, before anybody is asked."""
    return Call(_post("/v1/previews", request, key), reader(wire.PreviewAnswer))


def capture(consent: str, answer: wire.Capture, *, key: str) -> Call[wire.ConsentView]:
    """``POST /v1/consents/{id}/capture``: record an answer given out loud or on paper."""
    path = f"/v1/consents/{_id(consent)}/capture"
    return Call(_post(path, answer, key), reader(wire.ConsentView))


def consents(*, after: str | None, limit: int) -> Call[wire.Page]:
    """``GET /v1/consents``: a page of the consents this service is party to."""
    return Call(_get("/v1/consents", after=after, limit=limit), reader(wire.Page))


def invoke(request: wire.InvocationRequest, *, key: str) -> Call[wire.InvocationView]:
    """``POST /v1/invocations``: rely on a statute."""
    return Call(_post("/v1/invocations", request, key), reader(wire.InvocationView))


def confirm(invocation: str, request: wire.Confirmation, *, key: str) -> Call[wire.InvocationView]:
    """``POST /v1/invocations/{id}/confirm``: another person stands behind it."""
    path = f"/v1/invocations/{_id(invocation)}/confirm"
    return Call(_post(path, request, key), reader(wire.InvocationView))


def review(invocation: str, request: wire.Review, *, key: str) -> Call[wire.InvocationView]:
    """``POST /v1/invocations/{id}/review``: whether it was right."""
    path = f"/v1/invocations/{_id(invocation)}/review"
    return Call(_post(path, request, key), reader(wire.InvocationView))


def invocations(*, after: str | None, limit: int, open_reviews: bool) -> Call[wire.InvocationPage]:
    """``GET /v1/invocations``: a page of what this service relied on."""
    request = _get(
        "/v1/invocations", after=after, limit=limit, open_reviews=str(open_reviews).lower()
    )
    return Call(request, reader(wire.InvocationPage))


def events(*, after: int, limit: int) -> Call[wire.EventPage]:
    """``GET /v1/events``: a page of this service's feed."""
    return Call(_get("/v1/events", after=after, limit=limit), reader(wire.EventPage))


def consent_event(consent: str, report: wire.EventReport, *, key: str) -> Call[wire.ConsentView]:
    """``POST /v1/consents/{id}/events``: the event has come that ends its lines."""
    path = f"/v1/consents/{_id(consent)}/events"
    return Call(_post(path, report, key), reader(wire.ConsentView))


def reply(consent: str, said: wire.ReplyRequest, *, key: str) -> Call[wire.ConsentView]:
    """``POST /v1/consents/{id}/reply``: an answer to what the subject has asked back."""
    path = f"/v1/consents/{_id(consent)}/reply"
    return Call(_post(path, said, key), reader(wire.ConsentView))


def reply_to_contest(record: str, said: wire.ContestReply, *, key: str) -> Call[wire.ContestView]:
    """``POST /v1/contests/{record}/reply``: whether a contested value of this service's is right."""
    path = f"/v1/contests/{_id(record)}/reply"
    return Call(_post(path, said, key), reader(wire.ContestView))


def complaints(*, after: str | None, limit: int, open_only: bool) -> Call[wire.ComplaintPage]:
    """``GET /v1/complaints``: a page of the complaints about what this service asked."""
    request = _get("/v1/complaints", after=after, limit=limit, open_only=str(open_only).lower())
    return Call(request, reader(wire.ComplaintPage))


def answer_complaint(
    complaint: str, said: wire.ComplaintAnswer, *, key: str
) -> Call[wire.ComplaintView]:
    """``POST /v1/complaints/{id}/answer``: what was found."""
    path = f"/v1/complaints/{_id(complaint)}/answer"
    return Call(_post(path, said, key), reader(wire.ComplaintView))


def stage(collaboration: str, report: wire.StageReport, *, key: str) -> Call[wire.StageView]:
    """``POST /v1/collaborations/{id}/stage``: the point that a case has reached."""
    path = f"/v1/collaborations/{_id(collaboration)}/stage"
    return Call(_post(path, report, key), reader(wire.StageView))


def tell_case(case: wire.AnonymousCase, *, key: str) -> Call[wire.CaseTold]:
    """``POST /v1/anonymous-cases``: a case, without saying who it is."""
    return Call(_post("/v1/anonymous-cases", case, key), reader(wire.CaseTold))


def cases(collaboration: str, *, after: str | None, limit: int) -> Call[wire.CasePage]:
    """``GET /v1/anonymous-cases``: a page of a collaboration's cases."""
    request = _get("/v1/anonymous-cases", collaboration=collaboration, after=after, limit=limit)
    return Call(request, reader(wire.CasePage))


def match(request: wire.MatchRequest, *, key: str) -> Call[wire.MatchAnswer]:
    """``POST /v1/matches``: whom does a Nav office not know?"""
    return Call(_post("/v1/matches", request, key), reader(wire.MatchAnswer))


def call_meeting(request: wire.MeetingRequest, *, key: str) -> Call[wire.MeetingView]:
    """``POST /v1/meetings``: register a meeting; the subject is told at once."""
    return Call(_post("/v1/meetings", request, key), reader(wire.MeetingView))
