"""Sealing: a source signs its values and seals them to the custodian (design.md § 4).

``opening`` is the other end.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, get_args

from tillit.envelopes import (
    DEPOSIT_KID,
    FIELD_TYP,
    KEY_BYTES,
    Randomness,
    seal_field,
    seal_key,
)
from tillit.errors import UsageError
from tillit.jcs import canonical
from tillit.jose import TokenInvalid, b64u, sign_compact
from tillit.keys import ServiceKey
from tillit.manifests import field_aad, manifest_hash
from tillit.opening import Opened, OpenedValue, instant, open_disclosure
from tillit.subject_tag import OWN_TAG, SALT_BYTES, subject_tag
from tillit.wire import (
    MAX_BODY_BYTES,
    MAX_DEPTH,
    MAX_FIELDS,
    SUBJECT,
    Actor,
    Basis,
    Deposit,
    DepositItem,
    DepositManifest,
    SealedField,
)

__all__ = [
    "Opened",
    "OpenedValue",
    "SubjectRef",
    "Value",
    "ValueRefused",
    "derive",
    "open_disclosure",
    "seal_deposit",
]

MAX_VALUE_BYTES = 256 * 1024
RATE, BAND = "education.attendance.rate", "education.attendance.band"
_BANDS = ((0.5, "below_50"), (0.8, "50_79"), (0.95, "80_94"))
_TOP_BAND = "95_100"
_RECORD_BYTES = 16


class ValueRefused(UsageError):
    """A value cannot be sealed as it stands; nothing was sent.

    The text names the field, never the value.
    """

    code = "value.refused"


@dataclass(frozen=True, slots=True)
class Value:
    """One field value as its source knows it.

    ``value`` is any JSON value; it is kept out of ``repr``.

    ``observed_at`` carries a time zone; ``author_role`` is the role of who vouches for the value,
    never a name.
    """

    field: str
    value: Any = dataclasses.field(repr=False)
    observed_at: datetime
    basis: Basis
    author_role: str


@dataclass(frozen=True, slots=True)
class SubjectRef:
    """Whom values are about.

    The source's own handle, and the national identity number that they are tagged with; None where
    the subject speaks for themself and the broker, which keeps no number, signs for them.
    """

    handle: str
    national_id: str | None = dataclasses.field(repr=False)


def derive(values: Sequence[Value]) -> tuple[Value, ...]:
    """The values, and the generalised ones that follow from them.

    An attendance band for a rate between 0 and 1.

    A band that the source gives itself stays as it is.
    """
    given = {value.field for value in values}
    bands = [_band(value) for value in values if value.field == RATE and BAND not in given]
    return (*values, *bands)


def _band(rate: Value) -> Value:
    share = rate.value
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ValueRefused(f"{RATE} is not a number from 0 to 1")
    band = next((name for below, name in _BANDS if share < below), _TOP_BAND)
    return replace(rate, field=BAND, value=band, basis="derived")


def seal_deposit(
    values: Sequence[Value],
    *,
    key: ServiceKey,
    subject: SubjectRef,
    custodian_jwk: Mapping[str, Any],
    randomness: Randomness = os.urandom,
) -> Deposit:
    """Sign and seal values about one subject to the custodian, the derived ones among them.

    Raises ``ValueRefused`` for what is no sealable value, too much at once, or an unusable subject
    or custodian key. Not checked: the catalogue's schema of a field, and whether this unit may be
    the source of it.
    """
    everything = derive(values)
    if not 1 <= len(everything) <= MAX_FIELDS or len({v.field for v in everything}) < len(
        everything
    ):
        raise ValueRefused(f"a deposit holds each field once, from 1 to {MAX_FIELDS} fields")
    deposit_key = randomness(KEY_BYTES)
    records = {value.field: f"rec_{b64u(randomness(_RECORD_BYTES))}" for value in everything}
    sealer = _Sealer(key, subject, deposit_key, randomness)
    try:
        manifest = DepositManifest(v=1, source=key.unit, subject=subject.handle, fields=records)
        items = tuple(sealer.item(value, records[value.field]) for value in everything)
        sealed_key = seal_key(
            deposit_key,
            reader=custodian_jwk,
            manifest_hash=manifest_hash(manifest),
        )
        deposit = Deposit(subject=subject.handle, key=sealed_key, items=items)
    except TokenInvalid:
        raise ValueRefused("the custodian's key cannot be used") from None
    except ValueError:
        raise ValueRefused("a field, a unit or the subject has not the form it must have") from None
    if len(deposit.model_dump_json()) > MAX_BODY_BYTES:
        raise ValueRefused("the deposit is too large; deposit fewer values at once")
    return deposit


@dataclass(frozen=True, slots=True, repr=False)
class _Sealer:
    key: ServiceKey
    subject: SubjectRef
    deposit_key: bytes
    randomness: Randomness

    def item(self, value: Value, record: str) -> DepositItem:
        aad = field_aad(field=value.field, record=record, source=self.key.unit)
        sealed: SealedField = seal_field(
            self._signed(value, record),
            aad=aad,
            key=self.deposit_key,
            kid=DEPOSIT_KID,
        )
        # In UTC: an offset with seconds in it, as zones once had, has no form in RFC 3339.
        return DepositItem(observed_at=value.observed_at.astimezone(UTC), sealed=sealed)

    def _tag(self) -> dict[str, str] | str:
        if self.key.unit == SUBJECT and self.subject.national_id is None:
            return OWN_TAG
        return subject_tag(self.subject.national_id or "", self.randomness(SALT_BYTES))

    def _signed(self, value: Value, record: str) -> str:
        _require_well_formed(value)
        payload = {
            "field": value.field,
            "value": value.value,
            "observed_at": instant(value.observed_at),
            "basis": value.basis,
            "author_role": value.author_role,
            "record": record,
            "subject_tag": self._tag(),
        }
        try:
            data = canonical(payload)
        except ValueError:
            raise ValueRefused(f"the value of {value.field} is not JSON") from None
        if len(data) > MAX_VALUE_BYTES:
            raise ValueRefused(f"the value of {value.field} is too large")
        return sign_compact(data, signer=self.key.signer, kid=self.key.sig_kid, typ=FIELD_TYP)


def _require_well_formed(value: Value) -> None:
    Actor(id="-", role=value.author_role)
    if value.basis not in get_args(Basis):
        raise ValueRefused(f"the basis of {value.field} is not known")
    if value.observed_at.tzinfo is None:
        raise ValueRefused(f"the time of {value.field} is without a zone")
    if _depth(value.value) > MAX_DEPTH:
        raise ValueRefused(f"the value of {value.field} is nested too deeply")


def _depth(value: Any) -> int:
    """How deeply a JSON value is nested, counted no further than one beyond the bound."""
    depth, level = 0, [value]
    while depth <= MAX_DEPTH:
        nested = [item for item in level if isinstance(item, dict | list | tuple)]
        if not nested:
            break
        depth += 1
        level = [i for item in nested for i in (item.values() if isinstance(item, dict) else item)]
    return depth
