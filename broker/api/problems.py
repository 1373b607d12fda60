"""Problems: the one table from error code to HTTP status and title, and RFC 9457 answers made from it."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.responses import Response

from broker.api import errors as edge
from broker.errors import BrokerError, TooManyReleases, Unavailable

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:tillit:problem:"


class Shape(NamedTuple):
    """How a code is told over HTTP."""

    status: int
    title: str


TABLE: Mapping[str, Shape] = {
    # what the broker stands on
    "store.unavailable": Shape(503, "The store does not answer"),
    "store.contended": Shape(503, "Another call got there first"),
    "policy.unavailable": Shape(503, "The policy engine does not answer"),
    "register.unavailable": Shape(503, "The population register does not answer"),
    "channel.unavailable": Shape(503, "A message could not be sent"),
    "channel.address_busy": Shape(503, "A message could not be sent there now"),
    "custodian.unavailable": Shape(503, "The custodian does not answer"),
    "release.too_many": Shape(429, "Too much was released to the recipient lately"),
    "token.issuer_unavailable": Shape(503, "The identity provider's keys cannot be read"),
    "server.busy": Shape(503, "Too many requests are waiting"),
    "server.not_ready": Shape(503, "Not ready"),
    "server.failure": Shape(500, "The broker failed"),
    # request line and headers
    "path.unknown": Shape(404, "No such resource"),
    "path.method": Shape(405, "Method not allowed"),
    "request.refused": Shape(400, "The request was refused"),
    "request.target_too_long": Shape(414, "Path or query too long"),
    "request.headers_too_large": Shape(431, "Headers too large"),
    "request.query": Shape(400, "Malformed query"),
    "idempotency.key_missing": Shape(400, "Idempotency-Key missing"),
    "idempotency.key_malformed": Shape(400, "Idempotency-Key malformed"),
    "idempotency.key_reused": Shape(422, "Idempotency-Key used for another request"),
    # the portal
    "login.lost": Shape(400, "The login was not begun in this browser, or took too long"),
    "login.refused": Shape(403, "The identity provider did not log the person in"),
    "login.not_employed": Shape(403, "No service here has the employee in such a role"),
    "login.unavailable": Shape(503, "The identity provider does not answer"),
    "spot.gone": Shape(404, "The code is not good, or not any more"),
    "session.none": Shape(401, "Not logged in"),
    "session.stale": Shape(401, "A fresh login is needed"),
    "form.foreign": Shape(403, "The form was not sent from the portal"),
    "consent.moved": Shape(409, "The consent is not as it was when it was shown"),
    # body
    "body.too_large": Shape(413, "Body larger than 1 MiB"),
    "body.too_slow": Shape(408, "Body did not arrive in time"),
    "body.media_type": Shape(415, "Wrong media type"),
    "body.content_coding": Shape(415, "Compressed bodies are not read"),
    "body.missing": Shape(400, "Body missing"),
    "body.not_utf8": Shape(400, "Body is not UTF-8"),
    "body.not_json": Shape(400, "Body is not JSON"),
    "body.too_deep": Shape(400, "Body nests too deeply"),
    "body.duplicate_member": Shape(400, "A member stands twice"),
    "body.not_finite": Shape(400, "Numbers must be finite"),
    "body.form": Shape(400, "Malformed form"),
    "body.invalid": Shape(422, "Body does not have the right shape"),
    "body.wrong_type": Shape(422, "A member has the wrong type"),
    "body.member_missing": Shape(422, "A member is missing"),
    "body.member_unknown": Shape(422, "A member is not known"),
    "body.too_many": Shape(422, "Too many items"),
    "body.bad_date": Shape(422, "Malformed date"),
    # credentials
    "token.missing": Shape(401, "Bearer token missing"),
    "token.invalid": Shape(401, "Bearer token not accepted"),
    "token.expired": Shape(401, "Bearer token expired"),
    "token.scope": Shape(403, "Scope missing"),
    "oauth.grant_type": Shape(400, "Grant type not supported"),
    "oauth.scope": Shape(400, "Scope not granted"),
    "client.assertion_malformed": Shape(401, "Client assertion malformed"),
    "client.unknown": Shape(401, "Client unknown"),
    "client.key_unknown": Shape(401, "Key not registered"),
    "client.signature": Shape(401, "Client assertion's signature does not hold"),
    "client.audience": Shape(401, "Client assertion is for somebody else"),
    "client.assertion_expired": Shape(401, "Client assertion expired"),
    "client.assertion_lifetime": Shape(401, "Client assertion's lifetime not accepted"),
    "client.assertion_replayed": Shape(401, "Client assertion used before"),
    # use cases
    "subject.unknown_person": Shape(404, "Nobody by that number"),
    "subject.unknown_handle": Shape(404, "No subject by that handle"),
    "subject.not_caller": Shape(403, "A service asks for itself only"),
    "subject.none": Shape(404, "The broker holds nothing about you"),
    "subject.erased": Shape(410, "The subject is erased"),
    "deposit.unknown_field": Shape(422, "Field not in the catalogue"),
    "deposit.not_a_source": Shape(403, "Not a source of that field"),
    "deposit.binding": Shape(422, "Sealed value not bound to this deposit"),
    "deposit.key_invalid": Shape(422, "Deposit key not sealed for this deposit"),
    "deposit.record_exists": Shape(409, "Record id taken"),
    "deposit.observed_in_future": Shape(422, "Observed in the future"),
    "preview.too_large": Shape(422, "Too much for one preview"),
    "consent.unknown": Shape(404, "No such consent"),
    "complaint.unknown": Shape(404, "No such complaint"),
    "complaint.reason": Shape(422, "No such reason to complain"),
    "complaint.own_reading": Shape(422, "Nobody else asked there"),
    "complaint.open": Shape(409, "Complained of already"),
    "complaint.too_many": Shape(409, "Too many complaints wait"),
    "complaint.over": Shape(409, "The complaint is closed"),
    "question.unknown": Shape(404, "No such question"),
    "question.answered": Shape(409, "Answered already"),
    "question.over": Shape(409, "The question is over"),
    "consent.error": Shape(422, "The consent does not allow it"),
    "consent.state": Shape(409, "The consent's state does not allow it"),
    "consent.lines_missing": Shape(422, "Not every line is answered"),
    "consent.nothing_answered": Shape(422, "Everything was put off"),
    "consent.others_must_sign": Shape(409, "The lines wait for somebody else too"),
    "consent.nothing_to_undo": Shape(409, "Nothing to take back"),
    "consent.undo_too_late": Shape(409, "Too late to take it back"),
    "consent.asked_back_already": Shape(409, "Asked already"),
    "consent.nothing_to_reply": Shape(409, "Nothing waits for a reply"),
    "consent.lines_unknown": Shape(422, "The consent has no such line"),
    "consent.lines_not_for_signer": Shape(403, "Lines that are not the signer's to answer"),
    "consent.text_differs": Shape(409, "What was read is not the text"),
    "consent.signer_not_needed": Shape(403, "No say in this consent"),
    "consent.already_signed": Shape(409, "Answered already"),
    "consent.signers_unknown": Shape(409, "Who must sign is not known"),
    "consent.paused_by_another": Shape(403, "Paused by somebody else"),
    "consent.out_of_time": Shape(422, "Outside the consent's time"),
    "consent.not_over_yet": Shape(409, "The consent is not over yet"),
    "consent.lifetime": Shape(422, "Longer than the collaboration allows"),
    "consent.cooldown": Shape(409, "Asked again too soon"),
    "consent.requester_not_named": Shape(422, "Who asks is not among the services"),
    "consent.unknown_service": Shape(422, "No such service"),
    "consent.unknown_category": Shape(422, "No such category"),
    "consent.unknown_field": Shape(422, "No such field"),
    "consent.unknown_purpose": Shape(422, "No such purpose here"),
    "consent.purpose_not_by_consent": Shape(422, "The purpose does not rest on consent"),
    "consent.unknown_collaboration": Shape(422, "No such collaboration in force"),
    "consent.not_about_anyone": Shape(422, "Nothing about a person is shared here"),
    "consent.outside_ages": Shape(422, "Outside the ages of the collaboration"),
    "consent.condition": Shape(422, "The condition cannot be set here"),
    "consent.family": Shape(422, "Not what a member of the family is asked for"),
    "consent.event": Shape(422, "No line ends with that event"),
    "consent.form": Shape(422, "The collaboration does not take consent in this form"),
    "consent.not_a_member": Shape(403, "Not a member of the collaboration"),
    "consent.meeting": Shape(422, "The meeting of the condition is missing"),
    "consent.nothing_to_grant": Shape(422, "Nothing that could be granted"),
    "consent.too_many_lines": Shape(422, "More lines than anyone can answer"),
    "statute.not_in_use": Shape(422, "No such statute in use"),
    "statute.not_invoked": Shape(422, "Nobody invokes this statute"),
    "statute.wrong_side": Shape(403, "Not a statute between these services"),
    "statute.role": Shape(403, "Not for this role"),
    "statute.fields": Shape(422, "Fields that the statute does not open for"),
    "statute.necessity": Shape(422, "Necessity of a field missing"),
    "statute.age": Shape(422, "Not about people of this age"),
    "statute.hours": Shape(422, "Longer than the statute allows"),
    "statute.notice_delay": Shape(422, "The notice cannot wait so long"),
    "statute.same_person": Shape(403, "It takes another person"),
    "statute.nothing_to_confirm": Shape(409, "No second person is wanted"),
    "statute.state": Shape(409, "Confirmed already, or over"),
    "statute.nothing_to_review": Shape(409, "No review is wanted"),
    "statute.unknown_invocation": Shape(404, "No such invocation"),
    "helper.unknown": Shape(404, "No such helper"),
    "helper.one_at_a_time": Shape(409, "There is a helper already"),
    "helper.too_young": Shape(403, "Nothing yet to show alone"),
    "channel.address_refused": Shape(422, "The channel does not take that address"),
    "contact.unlike": Shape(422, "Not an address of that channel, or not the caller's own"),
    "contact.no_channel": Shape(422, "No such channel here"),
    "contact.too_many": Shape(429, "Too many codes were sent within a day"),
    "contact.code_refused": Shape(403, "No address waits for that code"),
    "contact.none": Shape(404, "Told nowhere but in the portal"),
    "helper.code_refused": Shape(403, "No invitation waits for that code"),
    "helper.oneself": Shape(403, "Nobody is their own helper"),
    "helper.not_shown": Shape(403, "Not shown to the helper"),
    "helper.read_only": Shape(403, "A helper only reads"),
    "objection.too_young": Shape(403, "Heard from a later age"),
    "disclosure.unknown": Shape(404, "No such disclosure"),
    "erasure.refused": Shape(422, "The erasure cannot be recorded"),
    "disclosure.gone": Shape(410, "The disclosure is not handed out again"),
    "audit.unknown_entry": Shape(404, "No such entry"),
    "audit.unknown_signal": Shape(404, "No such signal"),
    "audit.not_counted": Shape(404, "Not counted yet"),
    "proof.pending": Shape(404, "Not yet in a signed tree"),
    "contest.unknown": Shape(404, "No such value to contest"),
    "own_words.field": Shape(422, "Not a field to write this in"),
    "own_access.key_unusable": Shape(422, "Not a public key to read with"),
    "recipient.no_key": Shape(409, "No encryption key registered"),
    "meeting.invalid": Shape(422, "The meeting cannot be held as it stands"),
    "meeting.no_consent": Shape(403, "No consent in force"),
    "collaboration.unknown": Shape(404, "No such collaboration in force"),
    "collaboration.not_coordinator": Shape(403, "Not the coordinator of the collaboration"),
    "collaboration.not_a_member": Shape(403, "Not a member of the collaboration"),
    "anonymous.not_here": Shape(422, "The collaboration does not talk about cases anonymously"),
    "anonymous.unknown_word": Shape(422, "Not a word of the catalogue"),
    "anonymous.municipality": Shape(
        422, "Neither the service's municipality nor one of its county"
    ),
    "anonymous.too_few": Shape(422, "Too few people are like this"),
    "anonymous.claim": Shape(404, "No case is waiting for that code"),
    "match.source": Shape(422, "Not a Nav office"),
    "stage.beyond": Shape(422, "Beyond the last stage"),
    "enrolment.refused": Shape(403, "Enrolment refused"),
    "keys.rotation_refused": Shape(422, "The new keys do not hold"),
    "keys.unknown": Shape(404, "No such key"),
    "keys.hybrid_required": Shape(422, "A key that resists quantum computers is required"),
    "service.unknown": Shape(404, "No such service"),
}

# Details name ids of the catalogue. A number that somebody sent in an id's place is not said back to them.
_NUMBER = re.compile(r"[0-9]{6,}")
_RETRY_AFTER = frozenset({"proof.pending"})
_CHALLENGED = {
    "token.missing": 'Bearer realm="tillit"',
    "token.invalid": 'Bearer realm="tillit", error="invalid_token"',
    "token.expired": 'Bearer realm="tillit", error="invalid_token"',
    "token.scope": 'Bearer realm="tillit", error="insufficient_scope"',
}
_RFC6749 = {
    "oauth.grant_type": "unsupported_grant_type",
    "oauth.scope": "invalid_scope",
    "client.assertion_malformed": "invalid_client",
    "client.unknown": "invalid_client",
    "client.key_unknown": "invalid_client",
    "client.signature": "invalid_client",
    "client.audience": "invalid_client",
    "client.assertion_expired": "invalid_client",
    "client.assertion_lifetime": "invalid_client",
    "client.assertion_replayed": "invalid_client",
}


def status_of(error: BrokerError | type[BrokerError]) -> int:
    """The HTTP status of an error."""
    return TABLE[error.code].status


def members(error: BrokerError, *, oauth: bool = False) -> dict[str, Any]:
    """The problem's JSON members. ``oauth`` adds RFC 6749's ``error`` for the token endpoint."""
    status, title = TABLE[error.code]
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + error.code,
        "title": title,
        "status": status,
        "code": error.code,
    }
    if error.detail:
        body["detail"] = _NUMBER.sub("…", error.detail)
    if isinstance(error, edge.BodyInvalid) and error.errors:
        body["errors"] = list(error.errors)
    if isinstance(error, edge.NotReady):
        body["parts"] = dict(error.parts)
    if oauth:
        body["error"] = _RFC6749.get(error.code, "invalid_request")
        body["error_description"] = error.detail or title
    return body


def problem(
    error: BrokerError, *, headers: Mapping[str, str] | None = None, oauth: bool = False
) -> Response:
    """The answer that tells of ``error``. Never cached."""
    told = dict(headers or {})
    if isinstance(error, TooManyReleases):
        told["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unavailable) or error.code in _RETRY_AFTER:
        told.setdefault("Retry-After", "1")
    if error.code in _CHALLENGED:
        told["WWW-Authenticate"] = _CHALLENGED[error.code]
    return Response(
        json.dumps(members(error, oauth=oauth), ensure_ascii=False).encode(),
        status_code=status_of(error),
        media_type=MEDIA_TYPE,
        headers=told,
    )
