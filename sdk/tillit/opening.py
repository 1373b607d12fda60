"""Opening.

The recipient checks everything about a disclosure, then opens its values, or none (design.md § 3
step 8).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, get_args

from tillit import receipts
from tillit.envelopes import FIELD_TYP, open_field, open_key
from tillit.errors import ManifestMismatch, ReceiptInvalid, SealBroken, SourceSignatureInvalid
from tillit.jose import TokenInvalid, b64u, members, verify_compact
from tillit.keys import ServiceKey
from tillit.manifests import field_aad, manifest_hash
from tillit.receipts import VerifiedReceipt
from tillit.subject_tag import OWN_TAG, require_about
from tillit.wire import (
    MAX_SEALED_CHARS,
    OBJECTION,
    SUBJECT,
    Ask,
    Basis,
    BrokerKeys,
    DisclosureAnswer,
    Ground,
    Manifest,
    ManifestField,
    SealedField,
    Statement,
)

_CLAIMS = ("field", "value", "observed_at", "basis", "author_role", "record", "subject_tag")


@dataclass(frozen=True, slots=True)
class OpenedValue:
    """A value whose every check held: who observed it, when, on what basis.

    ``contested``: the subject says that it is not right, and what they say.
    ``value`` is kept out of ``repr``.
    """

    value: Any = field(repr=False)
    source: str
    observed_at: datetime
    basis: Basis
    author_role: str
    record: str
    contested: "Objection | None" = None


@dataclass(frozen=True, slots=True)
class Objection:
    """What the subject says to a value that they contest, and since when. The words are kept out of ``repr``."""

    text: str = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened disclosure: its released values by field, and the receipt for them."""

    values: Mapping[str, OpenedValue]
    receipt: VerifiedReceipt


def instant(at: datetime) -> str:
    """A time as signed values hold it: RFC 3339, UTC, ``Z``; six decimals or none."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def open_disclosure(
    answer: DisclosureAnswer,
    *,
    key: ServiceKey,
    source_keys: Mapping[str, Mapping[str, Any]],
    broker_keys: BrokerKeys,
    national_id: str,
    asked: Ask,
    now: datetime | None = None,
) -> Opened:
    """Check an answer against what was asked and against everybody's keys, then open it.

    All values or an error.

    ``source_keys``: unit → its public JWK set, for every source in the manifest. ``now``: when
    given, a disclosure past its ``expires_at`` is refused.

    Raises ``ReceiptInvalid``, ``ManifestMismatch``, ``SealBroken``, ``SourceSignatureInvalid`` or
    ``SubjectMismatch``. Not checked: that the subject's own words (source ``subject``) are this
    subject's, for which there is the broker's signature and no tag; the texts of reasons and
    ``stable_until``, which nobody signs, and that the receipt's leaf is in the log.
    """
    receipt = checked_receipt(
        answer, recipient=key.unit, broker_keys=broker_keys, asked=asked, now=now
    )
    values = {
        name: sealed.value()
        for name, sealed in sealed_values(answer, key, source_keys, broker_keys, national_id)
    }
    return Opened(values=MappingProxyType(values), receipt=receipt)


def checked_receipt(
    answer: DisclosureAnswer,
    *,
    recipient: str,
    broker_keys: BrokerKeys,
    asked: Ask,
    now: datetime | None,
) -> VerifiedReceipt:
    """The receipt of an answer that says what was asked, in every part that is signed or bound.

    Raises ``ReceiptInvalid`` or ``ManifestMismatch``. Not checked: the values.
    """
    receipt = receipts.verify(answer.receipt, broker_keys.receipts)
    if receipt.issuer != broker_keys.issuer:
        raise ReceiptInvalid("the receipt is another broker's")
    _require_statement(receipt.statement, answer, asked=asked, recipient=recipient)
    _require_manifest(answer, asked=asked, recipient=recipient)
    if now is not None and now >= answer.manifest.expires_at:
        raise ManifestMismatch("the disclosure has expired")
    return receipt


# --- receipt, manifest and ask say the same ---
def _require_statement(
    statement: Statement, answer: DisclosureAnswer, *, asked: Ask, recipient: str
) -> None:
    stated = (
        statement.id,
        statement.outcome,
        statement.recipient,
        statement.actor,
        statement.subject,
        statement.purpose,
        statement.collaboration,
        statement.meeting,
        statement.policy,
    )
    expected = (
        answer.id,
        answer.outcome,
        recipient,
        asked.actor,
        asked.subject,
        asked.purpose,
        asked.collaboration,
        asked.meeting,
        answer.manifest.policy,
    )
    if stated != expected:
        raise ReceiptInvalid("the receipt does not speak of this answer to this ask")
    withheld = {name: tuple(r.code for r in why) for name, why in answer.withheld.items()}
    released = dict.fromkeys(answer.manifest.fields, "permit")
    if statement.decision != {**released, **withheld} or released.keys() & withheld.keys():
        raise ReceiptInvalid("the receipt does not speak of these fields")
    if statement.decision.keys() != set(asked.fields) or not all(withheld.values()):
        raise ReceiptInvalid("the receipt does not answer every field that was asked for")
    if answer.outcome != _outcome(len(released), len(withheld)):
        raise ReceiptInvalid("the outcome is not that of its fields")
    if statement.manifest != b64u(manifest_hash(answer.manifest)):
        raise ManifestMismatch("the receipt speaks of another manifest")


def _outcome(released: int, withheld: int) -> str:
    if not released:
        return "refused"
    return "partly_released" if withheld else "released"


def _require_manifest(answer: DisclosureAnswer, *, asked: Ask, recipient: str) -> None:
    manifest = answer.manifest
    named = (
        manifest.disclosure,
        manifest.recipient,
        manifest.subject,
        manifest.purpose,
        manifest.collaboration,
        manifest.meeting,
    )
    expected = (
        answer.id,
        recipient,
        asked.subject,
        asked.purpose,
        asked.collaboration,
        asked.meeting,
    )
    if named != expected:
        raise ManifestMismatch("the manifest does not speak of this answer to this ask")
    fields = manifest.fields
    if not fields.keys() == answer.sealed.keys() == answer.grounds.keys():
        raise ManifestMismatch("the manifest does not name the fields that came")
    if asked.source is not None and any(f.source != asked.source for f in fields.values()):
        raise ManifestMismatch("a value comes from another source than was asked for")
    if {name for name, one in fields.items() if one.contested} != answer.objections.keys():
        raise ManifestMismatch("what the subject says to a contested value did not come with it")
    if not all(_rests(fields[name], answer.grounds[name], manifest) for name in fields):
        raise ManifestMismatch("a value came without a ground that the manifest names")


def _rests(named: ManifestField, grounds: tuple[Ground, ...], manifest: Manifest) -> bool:
    consents = {(consent.id, consent.version) for consent in manifest.consents}
    return any(
        ground.source == named.source
        and (ground.kind != "consent" or (ground.id, ground.version) in consents)
        for ground in grounds
    )


# --- the values themselves ---
def sealed_values(
    answer: DisclosureAnswer,
    key: ServiceKey,
    source_keys: Mapping[str, Mapping[str, Any]],
    broker_keys: BrokerKeys,
    national_id: str | None,
) -> Iterator[tuple[str, "SealedValue"]]:
    """Each value of an answer whose receipt was checked, still to be opened. Raises ``SealBroken``.

    ``national_id`` is None for who reads about themself and keeps no number: then whom a value is
    about is not checked.
    """
    if answer.key is None or not answer.sealed:
        if answer.key is not None or answer.sealed:
            raise SealBroken("sealed values and their key come together or not at all")
        return
    bound = manifest_hash(answer.manifest)
    try:
        disclosure_key = open_key(answer.key, key=key.reader, kid=key.enc_kid, manifest_hash=bound)
    except TokenInvalid:
        raise SealBroken("the key of the disclosure does not open") from None
    for name, named in answer.manifest.fields.items():
        yield (
            name,
            SealedValue(
                name=name,
                named=named,
                sealed=answer.sealed[name],
                key=disclosure_key,
                kid=answer.id,
                jwks=source_keys.get(named.source, {}),
                national_id=national_id,
                objection=answer.objections.get(name),
                words_jwks=broker_keys.receipts,
            ),
        )


@dataclass(frozen=True, slots=True, repr=False)
class SealedValue:
    """One value to be opened: as the manifest names it, by its source's keys, about this person."""

    name: str
    named: ManifestField
    sealed: SealedField
    key: bytes
    kid: str
    jwks: Mapping[str, Any]
    national_id: str | None
    objection: SealedField | None = None
    words_jwks: Mapping[str, Any] = field(default_factory=dict)

    def value(self) -> OpenedValue:
        """The value. Raises as ``open_disclosure``, for what does not hold about this one."""
        return replace(self._value(), contested=self._objection())

    def _objection(self) -> Objection | None:
        """What the subject says to it: a value of their own, which the broker signed for them."""
        said = self.named.contested
        if said is None or self.objection is None:
            return None
        named = ManifestField(record=said.record, source=SUBJECT, observed_at=said.at)
        words = SealedValue(
            name=OBJECTION,
            named=named,
            sealed=self.objection,
            key=self.key,
            kid=self.kid,
            jwks=self.words_jwks,
            national_id=None,
        ).value()
        return Objection(text=str(words.value), at=said.at)

    def _value(self) -> OpenedValue:
        aad = field_aad(field=self.name, record=self.named.record, source=self.named.source)
        try:
            token = open_field(self.sealed, aad=aad, key=self.key, kid=self.kid)
        except TokenInvalid:
            raise SealBroken(f"the value of {self.name} does not open") from None
        try:
            data = verify_compact(token, jwks=self.jwks, typ=FIELD_TYP, max_chars=MAX_SEALED_CHARS)
            claims = members(data, *_CLAIMS)
            return self._read(claims)
        except TokenInvalid:
            raise SourceSignatureInvalid(f"{self.name} is not signed by its source") from None

    def _read(self, claims: dict[str, Any]) -> OpenedValue:
        stated = (claims["field"], claims["record"], claims["observed_at"])
        if stated != (self.name, self.named.record, instant(self.named.observed_at)):
            raise ManifestMismatch(
                f"the value of {self.name} is not the one that the manifest names"
            )
        if claims["basis"] not in get_args(Basis) or not isinstance(claims["author_role"], str):
            raise TokenInvalid("not a value of the expected form")
        if self.named.source == SUBJECT:
            if (claims["subject_tag"], claims["basis"]) != (OWN_TAG, "stated_by_subject"):
                raise TokenInvalid("not the subject's own words")
        elif self.national_id is not None:
            require_about(claims["subject_tag"], self.national_id)
        return OpenedValue(
            value=claims["value"],
            source=self.named.source,
            observed_at=self.named.observed_at,
            basis=claims["basis"],
            author_role=claims["author_role"],
            record=self.named.record,
        )
