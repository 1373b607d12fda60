"""Drafts: what a caller means, put into the words of the wire. Nothing is sent from here.

Each raises ``UsageError`` for what cannot be said, naming the member that is wrong and not its value.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from tillit import errors, wire
from tillit.jose import b64u
from tillit.keys import ServiceKey
from tillit.protocol import model
from tillit.results import Subject
from tillit.sealing import Value


def checked_service(key: ServiceKey, service: str) -> ServiceKey:
    """The key, if it is this service's."""
    if key.unit != service:
        raise errors.UsageError(f"the key is {key.unit}'s, not {service}'s")
    return key


def ask(
    subject: Subject,
    fields: Sequence[str],
    *,
    purpose: str,
    actor: wire.Actor,
    collaboration: str | None,
    meeting: str | None,
    source: str | None,
) -> wire.Ask:
    """An ask about a subject."""
    return model(
        wire.Ask,
        subject=subject.handle,
        fields=_several(fields),
        purpose=purpose,
        actor=actor,
        collaboration=collaboration,
        meeting=meeting,
        source=source,
    )


def values(
    given: Mapping[str, Any] | Sequence[Value],
    *,
    observed_at: datetime | None,
    basis: wire.Basis | None,
    author_role: str | None,
) -> tuple[Value, ...]:
    """Values to deposit: as they are, or by field name with what they have in common."""
    if not isinstance(given, Mapping):
        if (observed_at, basis, author_role) != (None, None, None):
            raise errors.UsageError("each Value says itself when, on what basis and by what role")
        return tuple(given)
    if observed_at is None or basis is None or author_role is None:
        raise errors.UsageError("say observed_at, basis and author_role of the values")
    if basis not in get_args(wire.Basis):
        raise errors.UsageError(f"basis is one of {', '.join(get_args(wire.Basis))}")
    return tuple(
        Value(
            field=name, value=value, observed_at=observed_at, basis=basis, author_role=author_role
        )
        for name, value in given.items()
    )


def consent_request(
    subject: Subject,
    *,
    services: Sequence[str],
    purposes: Sequence[str],
    actor: wire.Actor,
    categories: Sequence[str],
    fields: Sequence[str],
    collaboration: str | None,
    condition: wire.Condition | None,
    valid_days: int | None,
    language: wire.Language,
    about: Subject | None = None,
) -> wire.ConsentRequest:
    """A request for a consent."""
    return model(
        wire.ConsentRequest,
        subject=subject.handle,
        about=None if about is None else about.handle,
        collaboration=collaboration,
        services=_several(services),
        purposes=_several(purposes),
        categories=_several(categories),
        fields=_several(fields),
        condition=condition or wire.Condition(),
        valid_days=valid_days,
        language=language,
        actor=actor,
    )


def capture(
    *,
    answers: Mapping[str, wire.LineAnswer],
    read_out: str,
    answered_at: datetime,
    actor: wire.Actor,
    signer: Literal["subject", "guardian"],
    child_heard: bool,
    scan: bytes | None,
) -> wire.Capture:
    """An answer to record: on paper where there is a scan of it, of which only the hash goes along; else oral."""
    scanned = {} if scan is None else {"scan_sha256": b64u(hashlib.sha256(scan).digest())}
    return model(
        wire.Capture,
        method="oral" if scan is None else "paper",
        signer=signer,
        read_out=read_out,
        answered_at=_in_utc(answered_at),
        answers=dict(answers),
        actor=actor,
        child_heard=child_heard,
        **scanned,
    )


def invocation(
    subject: Subject,
    statute: str,
    fields: Sequence[str],
    *,
    reason: str,
    actor: wire.Actor,
    recipient: str | None,
    source: str | None,
    necessity: Mapping[str, str],
    notice_delay: wire.NoticeDelay | None,
    hours: int | None,
) -> wire.InvocationRequest:
    """A statute to rely on."""
    return model(
        wire.InvocationRequest,
        subject=subject.handle,
        statute=statute,
        fields=_several(fields),
        reason=reason,
        actor=actor,
        recipient=recipient,
        source=source,
        necessity=dict(necessity),
        notice_delay=notice_delay,
        hours=hours,
    )


def review(*, finding: wire.Finding, text: str, actor: wire.Actor) -> wire.Review:
    """A judgement of what a colleague relied on."""
    return model(wire.Review, finding=finding, text=text, actor=actor)


def meeting(
    subject: Subject,
    *,
    collaboration: str,
    held_at: datetime,
    participants: Sequence[wire.Participant],
    actor: wire.Actor,
    agenda: Sequence[str] = (),
) -> wire.MeetingRequest:
    """A meeting to register."""
    return model(
        wire.MeetingRequest,
        collaboration=collaboration,
        subject=subject.handle,
        held_at=_in_utc(held_at),
        participants=tuple(participants),
        agenda=_several(agenda),
        actor=actor,
    )


def _several(names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise errors.UsageError("a list of names is wanted, not one name")
    return tuple(names)


def _in_utc(at: datetime) -> datetime:
    """The same moment in UTC; one without a zone stays as it is, to be refused as such."""
    return at if at.tzinfo is None else at.astimezone(UTC)
