"""What the edge refuses by itself, before any use case is called: bounds, form, credentials.

They hang in the broker's one error tree, so that the one table of problems covers them too.
"""

from collections.abc import Mapping, Sequence

from broker.errors import BrokerError, Refused, Unavailable


class Busy(Unavailable):
    """More requests are waiting than the broker can answer soon."""

    code = "server.busy"


class NotReady(Unavailable):
    """A part of the broker does not answer; the parts are named beside the problem."""

    code = "server.not_ready"

    def __init__(self, parts: Mapping[str, str]) -> None:
        super().__init__()
        self.parts = parts


class PersonIssuerDown(Unavailable):
    """The keys of the identity provider for people cannot be read."""

    code = "token.issuer_unavailable"


class Failure(BrokerError):
    """A defect of the broker's own; nothing was released."""

    code = "server.failure"


# --- the request line and headers --------------------------------------------------------------------


class NoSuchResource(Refused):
    """No resource has that path."""

    code = "path.unknown"


class MethodNotAllowed(Refused):
    """The resource does not take that method."""

    code = "path.method"


class TargetTooLong(Refused):
    """The path or the query is longer than the broker reads."""

    code = "request.target_too_long"


class HeadersTooLarge(Refused):
    """There are more headers, or longer ones, than the broker reads."""

    code = "request.headers_too_large"


class HttpRefused(Refused):
    """The request was refused by the HTTP layer."""

    code = "request.refused"


class QueryInvalid(Refused):
    """The query has an unknown, repeated or malformed parameter."""

    code = "request.query"


class IdempotencyKeyMissing(Refused):
    """Every POST carries an Idempotency-Key."""

    code = "idempotency.key_missing"


class IdempotencyKeyMalformed(Refused):
    """The Idempotency-Key is not 8 to 128 characters of letters, digits and ``._:-``."""

    code = "idempotency.key_malformed"


# --- the body ----------------------------------------------------------------------------------------


class BodyTooLarge(Refused):
    """The body is larger than 1 MiB."""

    code = "body.too_large"


class BodyTooSlow(Refused):
    """The body did not arrive in time."""

    code = "body.too_slow"


class MediaTypeWrong(Refused):
    """The body is not of the one media type the resource takes."""

    code = "body.media_type"


class ContentCoded(Refused):
    """The body is compressed; only the identity coding is read."""

    code = "body.content_coding"


class BodyMissing(Refused):
    """The body is empty."""

    code = "body.missing"


class NotUtf8(Refused):
    """The body is not UTF-8."""

    code = "body.not_utf8"


class NotJson(Refused):
    """The body is not one JSON value."""

    code = "body.not_json"


class TooDeep(Refused):
    """The body nests deeper than 12 levels."""

    code = "body.too_deep"


class DuplicateMember(Refused):
    """An object names a member twice."""

    code = "body.duplicate_member"


class NotFinite(Refused):
    """The body holds NaN or an infinity."""

    code = "body.not_finite"


class FormMalformed(Refused):
    """The form names a parameter twice, lacks one, or is no form at all."""

    code = "body.form"


class BodyInvalid(Refused):
    """The body has the wrong shape. ``errors`` says where and of what kind, never what stood there."""

    code = "body.invalid"

    def __init__(self, detail: str = "", errors: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)


class WrongType(BodyInvalid):
    """A member has the wrong JSON type."""

    code = "body.wrong_type"


class MemberMissing(BodyInvalid):
    """A required member is absent."""

    code = "body.member_missing"


class MemberUnknown(BodyInvalid):
    """A member is not known."""

    code = "body.member_unknown"


class TooMany(BodyInvalid):
    """A list or object holds more items than the broker takes at once."""

    code = "body.too_many"


class BadDate(BodyInvalid):
    """A date or time is malformed, does not exist, or lacks its offset."""

    code = "body.bad_date"


# --- credentials -------------------------------------------------------------------------------------


class TokenMissing(Refused):
    """The call needs a bearer token."""

    code = "token.missing"


class TokenInvalid(Refused):
    """The bearer token is not one of ours, or not for this broker."""

    code = "token.invalid"


class TokenExpired(Refused):
    """The bearer token has expired."""

    code = "token.expired"


class ScopeMissing(Refused):
    """The bearer token does not carry the scope the call needs."""

    code = "token.scope"


class GrantTypeUnsupported(Refused):
    """Only ``client_credentials`` is given."""

    code = "oauth.grant_type"


class ScopeRefused(Refused):
    """The client may not have that scope."""

    code = "oauth.scope"


class AssertionMalformed(Refused):
    """The client assertion is not a signed JWT with the members RFC 7523 asks for."""

    code = "client.assertion_malformed"


class ClientUnknown(Refused):
    """No client is registered by that name."""

    code = "client.unknown"


class ClientKeyUnknown(Refused):
    """The assertion is signed with a key that the client has not registered."""

    code = "client.key_unknown"


class AssertionSignatureWrong(Refused):
    """The assertion's signature does not hold under the client's key."""

    code = "client.signature"


class AssertionAudienceWrong(Refused):
    """The assertion is for somebody else."""

    code = "client.audience"


class AssertionExpired(Refused):
    """The assertion has expired."""

    code = "client.assertion_expired"


class AssertionTooLong(Refused):
    """The assertion is valid for longer than 120 seconds, or not yet."""

    code = "client.assertion_lifetime"


class AssertionReplayed(Refused):
    """The assertion was used before."""

    code = "client.assertion_replayed"
