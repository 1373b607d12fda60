"""Answers: what an ask is answered with, and how the log speaks of it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tillit.wire.asks import Actor, Ground, Obligations, PolicyRef, Reason
from tillit.wire.explanations import Explanation
from tillit.wire.sealed import Manifest, SealedField, SealedKey
from tillit.wire.terms import (
    CollaborationId,
    DisclosureId,
    FieldName,
    Instant,
    MeetingId,
    PurposeId,
    ReasonCode,
    Sha256,
    SubjectHandle,
    UnitId,
    Wire,
)

Outcome = Literal["released", "partly_released", "refused"]


class CheckAnswer(Wire):
    """``POST /v1/checks``: the decision, nothing released, nothing written but the log entry.

    ``explanation`` says the same in plain words.
    """

    outcome: Outcome
    permitted: dict[FieldName, tuple[Ground, ...]]
    withheld: dict[FieldName, tuple[Reason, ...]]
    obligations: Obligations
    stable_until: Instant | None
    policy: PolicyRef
    explanation: Explanation = Explanation()


class DisclosureAnswer(Wire):
    """``POST /v1/disclosures``: sealed fields, withheld fields with reasons, manifest, obligations, receipt.

    ``key`` is absent when nothing was released. ``receipt`` is a compact JWS by the broker (see ``tillit.receipts``).
    ``explanation`` says the decision in plain words; neither manifest nor receipt repeats it. ``objections``: what the subject
    says to each value that the manifest calls contested, sealed like a value, in the field ``voice.objection``.

    ``events_after`` is there where something is withheld until somebody says yes to this very ask: the cursor into the
    service's feed (``GET /v1/events``) after which a ``question.answered`` comes, if there is an answer.
    """

    id: DisclosureId
    outcome: Outcome
    sealed: dict[FieldName, SealedField]
    key: SealedKey | None
    grounds: dict[FieldName, tuple[Ground, ...]]
    withheld: dict[FieldName, tuple[Reason, ...]]
    manifest: Manifest
    stable_until: Instant | None
    receipt: str
    explanation: Explanation = Explanation()
    events_after: Annotated[int | None, Field(ge=0, exclude_if=lambda after: after is None)] = None
    objections: dict[FieldName, SealedField] = Field(
        default_factory=dict, exclude_if=lambda words: not words
    )


class Statement(Wire):
    """What a disclosure's log leaf commits to, and what the receipt repeats. ``decision``: field → "permit" or codes.

    ``manifest`` is base64url SHA-256(JCS(manifest)). ``recipient_kid`` is the one key that the disclosure may be sealed to;
    it is left out where nothing can be released, and in receipts from before it was said.
    """

    type: Literal["disclosure"]
    id: DisclosureId
    at: Instant
    recipient: UnitId
    actor: Actor
    subject: SubjectHandle
    purpose: PurposeId
    collaboration: CollaborationId | None
    meeting: MeetingId | None
    outcome: Outcome
    manifest: Sha256
    decision: dict[FieldName, Literal["permit"] | tuple[ReasonCode, ...]]
    policy: PolicyRef
    recipient_kid: Annotated[Sha256 | None, Field(exclude_if=lambda kid: kid is None)] = None


class Promise(Wire):
    """The log's word that an entry will stand in the tree: the leaf's time and the salt of its commitment."""

    origin: str
    at: Instant
    salt: Sha256


class Receipt(Wire):
    """The payload of a receipt JWS (EdDSA, typ ``tillit-receipt+jws``)."""

    v: Literal[1]
    iss: str
    statement: Statement
    promise: Promise


class ProofAnswer(Wire):
    """``GET /v1/disclosures/{id}/proof``: inclusion of the leaf in the tree that ``checkpoint`` signs (C2SP)."""

    index: int
    leaf_hash: Sha256
    path: tuple[Sha256, ...]
    checkpoint: str


# --- erasure -----------------------------------------------------------------------------------


class Attestation(Wire):
    """What a recipient signs when it has erased what a disclosure gave it (EdDSA, typ ``tillit-erasure+jws``)."""

    v: Literal[1]
    disclosure: DisclosureId
    erased_at: Instant


class Erasure(Wire):
    """``POST /v1/disclosures/{id}/erasure``: the attestation as a compact JWS by the recipient."""

    attestation: Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class ErasureAnswer(Wire):
    """The erasure as it is recorded; the subject sees it."""

    disclosure: DisclosureId
    erased_at: Instant
