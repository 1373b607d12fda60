"""The protocol without I/O: what each call sends, and how each answer is read, closed on doubt.

A ``Call`` knows its request and how to read the response. Nothing here opens a socket, reads a clock
or draws randomness: those come in as arguments, so that both clients share every line of it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tillit import errors, wire
from tillit.jose import TokenInvalid, thumbprint
from tillit.keys import ServiceKey

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

MAX_ANSWER_BYTES = 32 * 1024 * 1024
ASSERTION_SECONDS = 60
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPE = "share"
_RENEW_BEFORE = timedelta(seconds=10)
_MAX_TEXT = 500


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
class Response:
    """One HTTP response: header names in lower case, the body whole."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request and how to read its response. ``anonymous`` calls carry no token."""

    request: Request
    read: Callable[[Response], T]
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the moment from which it is not used any more."""

    value: str = field(repr=False)
    use_until: datetime


@dataclass(frozen=True, slots=True)
class Tagged:
    """An answer with its ETag; ``value`` is None when nothing has changed since the tag that was sent."""

    value: Mapping[str, Any] | None
    etag: str | None


# --- building requests ---


def model(kind: type[M], /, **members: Any) -> M:
    """A wire model from a caller's arguments.

    Raises:
        UsageError: naming the members that are wrong, never what they held.
    """
    try:
        return kind(**members)
    except ValidationError as error:
        raise errors.UsageError(f"{kind.__name__}: {_wrong_members(error)}") from None


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
    return Call(request, lambda response: _token(response, at=clock()), anonymous=True)


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
    return Call(_get("/v1/keys"), _reader(wire.BrokerKeys), anonymous=True)


def enrol(enrolment: wire.Enrolment, *, key: str) -> Call[None]:
    """``POST /v1/enrolments``: register a unit's public keys."""
    return Call(_post("/v1/enrolments", enrolment, key), _nothing, anonymous=True)


def service_jwks(unit: str) -> Call[Mapping[str, Any]]:
    """``GET /v1/services/{unit}/jwks``: a unit's public keys, each kid its thumbprint."""
    return Call(_get(f"/v1/services/{_id(unit)}/jwks"), _jwks)


def catalogue(etag: str | None = None) -> Call[Tagged]:
    """``GET /v1/catalogue``: fields, purposes, services and collaborations in force."""
    request = _get("/v1/catalogue")
    return Call(request.having(if_none_match=etag) if etag else request, _tagged)


def subject(request: wire.SubjectRequest, *, key: str) -> Call[wire.SubjectAnswer]:
    """``POST /v1/subjects``: a national identity number, exchanged for this service's handle."""
    return Call(_post("/v1/subjects", request, key), _reader(wire.SubjectAnswer))


def deposit(deposit: wire.Deposit, *, key: str) -> Call[wire.DepositAnswer]:
    """``POST /v1/deposits``: sealed values."""
    return Call(_post("/v1/deposits", deposit, key), _reader(wire.DepositAnswer))


def check(ask: wire.Ask, *, key: str) -> Call[wire.CheckAnswer]:
    """``POST /v1/checks``: may I?"""
    return Call(_post("/v1/checks", ask, key), _reader(wire.CheckAnswer))


def disclose(ask: wire.Ask, *, key: str) -> Call[wire.DisclosureAnswer]:
    """``POST /v1/disclosures``: decide, and release what is permitted."""
    return Call(_post("/v1/disclosures", ask, key), _reader(wire.DisclosureAnswer))


def disclosure(disclosure_id: str) -> Call[wire.DisclosureAnswer]:
    """``GET /v1/disclosures/{id}``: the same disclosure again."""
    return Call(_get(f"/v1/disclosures/{_id(disclosure_id)}"), _reader(wire.DisclosureAnswer))


def proof(disclosure_id: str) -> Call[wire.ProofAnswer]:
    """``GET /v1/disclosures/{id}/proof``: that the log holds it."""
    return Call(_get(f"/v1/disclosures/{_id(disclosure_id)}/proof"), _reader(wire.ProofAnswer))


def request_consent(request: wire.ConsentRequest, *, key: str) -> Call[wire.ConsentView]:
    """``POST /v1/consents``: ask for a consent."""
    return Call(_post("/v1/consents", request, key), _reader(wire.ConsentView))


def capture(consent: str, answer: wire.Capture, *, key: str) -> Call[wire.ConsentView]:
    """``POST /v1/consents/{id}/capture``: record an oral answer."""
    path = f"/v1/consents/{_id(consent)}/capture"
    return Call(_post(path, answer, key), _reader(wire.ConsentView))


def consents(*, after: str | None, limit: int) -> Call[wire.Page]:
    """``GET /v1/consents``: a page of the consents this service is party to."""
    return Call(_get("/v1/consents", after=after, limit=limit), _reader(wire.Page))


def events(*, after: int, limit: int) -> Call[wire.EventPage]:
    """``GET /v1/events``: a page of this service's feed."""
    return Call(_get("/v1/events", after=after, limit=limit), _reader(wire.EventPage))


def call_meeting(request: wire.MeetingRequest, *, key: str) -> Call[wire.MeetingView]:
    """``POST /v1/meetings``: register a meeting; the subject is told at once."""
    return Call(_post("/v1/meetings", request, key), _reader(wire.MeetingView))


# --- reading responses ---


def _reader(kind: type[M]) -> Callable[[Response], M]:
    def read(response: Response) -> M:
        return _parsed(kind, response)

    return read


def _parsed(kind: type[M], response: Response) -> M:
    try:
        return kind.model_validate_json(_content(response))
    except ValidationError as error:
        wrong = _wrong_members(error)
        raise errors.ProtocolError(f"the answer is no {kind.__name__}: {wrong}") from None


def _content(response: Response) -> bytes:
    """The JSON of a success; every other response raises."""
    _succeeded(response)
    if _media_type(response) != "application/json":
        raise errors.ProtocolError("the answer is not JSON")
    return response.body


def _succeeded(response: Response) -> None:
    if not 200 <= response.status < 300:  # noqa: PLR2004 (RFC 9110: the class of successes)
        raise refusal(response)


def _nothing(response: Response) -> None:
    _succeeded(response)


def _object(response: Response) -> dict[str, Any]:
    try:
        answer = json.loads(_content(response))
    except (ValueError, RecursionError):
        raise errors.ProtocolError("the answer is not JSON") from None
    if not isinstance(answer, dict):
        raise errors.ProtocolError("the answer is not a JSON object")
    return answer


def _media_type(response: Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _wrong_members(error: ValidationError) -> str:
    """Where it is wrong and why; what it held may be personal and is left out."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [
        f"{'.'.join(str(part) for part in one['loc']) or 'it'}: {one['type']}" for one in found
    ]
    return "; ".join(lines[:5])[:_MAX_TEXT]


class _TokenAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    access_token: str = Field(min_length=1, max_length=8192, pattern=r"^[A-Za-z0-9._~+/=-]+$")
    token_type: str = Field(pattern=r"^(?i:bearer)$")
    expires_in: int = Field(ge=1, le=86400)


def _token(response: Response, *, at: datetime) -> Token:
    answer = _parsed(_TokenAnswer, response)
    lifetime = timedelta(seconds=answer.expires_in)
    return Token(answer.access_token, at + lifetime - min(_RENEW_BEFORE, lifetime / 2))


def _tagged(response: Response) -> Tagged:
    etag = response.headers.get("etag")
    if response.status == 304:  # noqa: PLR2004 (RFC 9110: not modified)
        return Tagged(None, etag)
    return Tagged(MappingProxyType(_object(response)), etag)


def _jwks(response: Response) -> Mapping[str, Any]:
    return checked_jwks(_object(response))


def checked_jwks(jwks: Mapping[str, Any]) -> Mapping[str, Any]:
    """A JWK set in which every kid is its key's thumbprint (RFC 7638) and no key is private.

    Whether the keys are the unit's is not checked: that is the word of whoever gave the set.

    Raises:
        ProtocolError: it is not that.
    """
    keys = jwks.get("keys")
    if not isinstance(keys, list | tuple) or not all(isinstance(key, Mapping) for key in keys):
        raise errors.ProtocolError("the answer is no JWK set")
    for key in keys:
        if {"d", "priv"} & key.keys():
            raise errors.ProtocolError("the answer holds a private key")
        if key.get("kid") != _thumbprint(key):
            raise errors.ProtocolError("a kid is not the thumbprint of its key")
    return MappingProxyType({"keys": tuple(MappingProxyType(dict(key)) for key in keys)})


def _thumbprint(key: Mapping[str, Any]) -> str:
    try:
        return thumbprint(key)
    except TokenInvalid:
        raise errors.ProtocolError("the answer holds a key of an unknown kind") from None


# --- refusals ---

_FAMILIES: Mapping[int, type[errors.ProblemError]] = MappingProxyType(
    {
        401: errors.AuthenticationFailed,
        403: errors.AuthenticationFailed,
        404: errors.NotFound,
        409: errors.Conflict,
        412: errors.Conflict,
        429: errors.RateLimited,
    }
)


class _OAuthError(BaseModel):
    model_config = ConfigDict(extra="ignore")

    error: str = Field(pattern=r"^[a-z_]{1,60}$")
    error_description: str = ""


def refusal(response: Response) -> errors.TillitError:
    """The error that a response without success is, by its problem's code and its status."""
    family = _FAMILIES.get(response.status, _family(response.status))
    try:
        problem = wire.Problem.model_validate_json(response.body)
    except ValidationError:
        return _unexplained(response, family)
    return family(
        code=problem.code[:_MAX_TEXT],
        status=response.status,
        title=problem.title[:_MAX_TEXT],
        detail=(problem.detail or "")[:_MAX_TEXT],
    )


def _family(status: int) -> type[errors.ProblemError]:
    return errors.Unavailable if status >= 500 else errors.Invalid  # noqa: PLR2004 (RFC 9110)


def _unexplained(response: Response, family: type[errors.ProblemError]) -> errors.TillitError:
    """No problem: the token endpoint's own error (RFC 6749), a gateway's 5xx, or no broker at all."""
    try:
        oauth = _OAuthError.model_validate_json(response.body)
    except ValidationError:
        pass
    else:
        title = oauth.error_description[:_MAX_TEXT] or "No token was given"
        return family(code=f"oauth.{oauth.error}", status=response.status, title=title)
    if family in (errors.Unavailable, errors.RateLimited):
        code = f"http.{response.status}"
        return family(code=code, status=response.status, title="The broker cannot answer now")
    return errors.ProtocolError(f"status {response.status} without a problem: is this the broker?")


def ask_again(response: Response) -> bool:
    """Whether the broker means "not now": 429, 503, or a 404 that names a time to come back."""
    later = response.status == 404 and "retry-after" in response.headers  # noqa: PLR2004
    return later or response.status in {429, 503}


def retry_after(response: Response, *, at: datetime) -> float | None:
    """Seconds that the broker asks to be left alone (seconds or an HTTP date), or None."""
    asked = response.headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdecimal():
        return float(asked[:9])
    try:
        until = parsedate_to_datetime(asked)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - at).total_seconds())
