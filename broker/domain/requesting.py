"""Requesting: a consent as it is put before its subject, and the hash of what is read there."""

import base64
import hashlib
from datetime import datetime, timedelta
from typing import Literal

from broker.domain.consent_events import ConsentRequested
from broker.domain.consents import Consent
from broker.domain.errors import NothingToGrant, OutOfTime, TooManyLines
from broker.domain.grants import Grant
from broker.domain.ids import ConsentId, SubjectId, UnitId
from broker.domain.lifetime import MAX_LIFETIME
from broker.domain.states import State
from tillit.wire import MAX_GRANTS, Language


def text_sha256(text: str) -> str:
    """Base64url SHA-256 of the exact text: what a signer says they read."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def requested(
    *,
    id: ConsentId,  # noqa: A002 - the field's own name
    subject: SubjectId,
    collaboration: str | None,
    requested_by: UnitId,
    actor: str,
    actor_role: str,
    at: datetime,
    valid_until: datetime,
    language: Language,
    text: str,
    guardians_rule: Literal["one", "all"],
    grants: tuple[Grant, ...],
    about: SubjectId | None = None,
    reconfirms: ConsentId | None = None,
) -> tuple[Consent, ConsentRequested]:
    """A new consent, put before the subject, with no line answered.

    Raises:
        NothingToGrant: without lines.
        TooManyLines: above ``MAX_GRANTS``.
        OutOfTime: ends before it begins, or lasts longer than any consent may.
    """
    if not grants:
        raise NothingToGrant
    if len(grants) > MAX_GRANTS:
        raise TooManyLines(f"at most {MAX_GRANTS}")
    if len({grant.id for grant in grants}) != len(grants) or any(g.answer for g in grants):
        raise ValueError("each line stands once and nothing is pre-ticked")
    if not timedelta(0) < valid_until - at <= MAX_LIFETIME:
        raise OutOfTime
    draft = Consent(
        id=id,
        subject=subject,
        version=0,
        state=State.DRAFT,
        collaboration=collaboration,
        requested_by=requested_by,
        actor=actor,
        actor_role=actor_role,
        requested_at=at,
        changed_at=at,
        valid_from=None,
        valid_until=valid_until,
        language=language,
        text=text,
        text_sha256=text_sha256(text),
        guardians_rule=guardians_rule,
        grants=grants,
        about=about,
        reconfirms=reconfirms,
    )
    return draft.request(at=at)
