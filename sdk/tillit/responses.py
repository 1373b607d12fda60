"""Responses: how what came back is read. Only what the protocol allows becomes a result.

Everything else is a typed error, whose text repeats nothing of what came: it may be personal.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tillit import errors, wire
from tillit.jose import TokenInvalid, thumbprint

M = TypeVar("M", bound=BaseModel)

_RENEW_BEFORE = timedelta(seconds=10)
_MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response: header names in lower case, the body whole."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


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


def reader(kind: type[M]) -> Callable[[Response], M]:
    """What reads a response as this model."""

    def read(response: Response) -> M:
        return _parsed(kind, response)

    return read


def _parsed(kind: type[M], response: Response) -> M:
    try:
        return kind.model_validate_json(_content(response))
    except ValidationError as error:
        wrong = wrong_members(error)
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


def nothing(response: Response) -> None:
    """A success with nothing to read."""
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


def wrong_members(error: ValidationError) -> str:
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


def read_token(response: Response, *, at: datetime) -> Token:
    """A token answer (RFC 6749 § 5.1), to be used until shortly before it expires."""
    answer = _parsed(_TokenAnswer, response)
    lifetime = timedelta(seconds=answer.expires_in)
    return Token(answer.access_token, at + lifetime - min(_RENEW_BEFORE, lifetime / 2))


def read_tagged(response: Response) -> Tagged:
    """A JSON object with its ETag, or word that it has not changed."""
    etag = response.headers.get("etag")
    if response.status == 304:  # noqa: PLR2004 (RFC 9110: not modified)
        return Tagged(None, etag)
    return Tagged(MappingProxyType(_object(response)), etag)


def read_jwks(response: Response) -> Mapping[str, Any]:
    """A JWK set, checked."""
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
