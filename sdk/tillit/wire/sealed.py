"""Sealed values and what they are bound to (design.md § 4)."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tillit.wire.asks import Obligations, PolicyRef
from tillit.wire.terms import (
    MAX_FIELDS,
    MAX_SEALED_CHARS,
    MAX_WHOLE,
    Base64Url,
    CollaborationId,
    ConsentId,
    DisclosureId,
    FieldName,
    Instant,
    MeetingId,
    PurposeId,
    RecordId,
    SubjectHandle,
    UnitId,
    Wire,
)


class RecipientHeader(Wire):
    """The per-recipient, unprotected part of a sealed field: under whose key its content key is wrapped."""

    alg: Literal["A256KW"]
    kid: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SealedField(Wire):
    """A flattened JWE (RFC 7516 § 7.2.2) around the source's JWS. ``aad`` is JCS of {v, field, record, source}.

    Re-addressing replaces ``header`` and ``encrypted_key``; the other members never change.
    """

    protected: Annotated[Base64Url, Field(min_length=1, max_length=400)]
    header: RecipientHeader
    encrypted_key: Annotated[Base64Url, Field(min_length=54, max_length=54)]
    aad: Annotated[Base64Url, Field(min_length=1, max_length=600)]
    iv: Annotated[Base64Url, Field(min_length=16, max_length=16)]
    ciphertext: Annotated[Base64Url, Field(min_length=1, max_length=MAX_SEALED_CHARS)]
    tag: Annotated[Base64Url, Field(min_length=22, max_length=22)]


class SealedKey(Wire):
    """A disclosure or deposit key, sealed to one reader and bound to one manifest.

    ``ECDH-ES+A256KW``: ``jwe`` is a compact JWE (X25519) with ``apv`` = SHA-256(JCS(manifest)).
    ``HPKE-MLKEM768-X25519``: ``jwe`` is base64url of enc ‖ ct (RFC 9180 base mode), ``info`` = the same hash.
    """

    alg: Literal["ECDH-ES+A256KW", "HPKE-MLKEM768-X25519"]
    kid: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    jwe: Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class DepositItem(Wire):
    """One sealed value with what the broker must know of it: when it was observed."""

    observed_at: Instant
    sealed: SealedField


class Deposit(Wire):
    """A source's sealed values about one subject, content keys wrapped under a key sealed to the custodian."""

    subject: SubjectHandle
    key: SealedKey
    items: Annotated[tuple[DepositItem, ...], Field(min_length=1, max_length=MAX_FIELDS)]


class DepositAnswer(Wire):
    """The records that now hold the deposited values."""

    deposited: dict[FieldName, RecordId]


class Contested(Wire):
    """That the subject contests a value, since when, and the record of what they say to it."""

    record: RecordId
    at: Instant


class ManifestField(Wire):
    """Which record a disclosed field is, from whom, observed when; ``contested`` where the subject does not agree."""

    record: RecordId
    source: UnitId
    observed_at: Instant
    contested: Annotated[Contested | None, Field(exclude_if=lambda said: said is None)] = None


class ManifestConsent(Wire):
    """A consent the disclosure rests on, at the version that was in force."""

    id: ConsentId
    version: Annotated[int, Field(strict=True, ge=0, le=MAX_WHOLE)]


class DepositManifest(Wire):
    """What a deposit key is bound to (its JCS hash is the ``apv``): change one member and nothing is admitted."""

    v: Literal[1]
    source: UnitId
    subject: SubjectHandle
    fields: dict[FieldName, RecordId]


class Manifest(Wire):
    """What a disclosure key is bound to (its JCS hash is the ``apv`` or ``info``): change one member and nothing opens."""

    v: Literal[1]
    disclosure: DisclosureId
    recipient: UnitId
    subject: SubjectHandle
    purpose: PurposeId
    collaboration: CollaborationId | None
    meeting: MeetingId | None
    fields: dict[FieldName, ManifestField]
    consents: tuple[ManifestConsent, ...]
    policy: PolicyRef
    obligations: Obligations
    issued_at: Instant
    expires_at: Instant
