"""Sealing and opening: a value comes out as it went in, and only for whom it was released to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from broker.engine.bundle import load
from tests.sealed_case import (
    CONSENT,
    NATIONAL_ID,
    NOW,
    OBSERVED,
    RECIPIENT,
    SOURCE,
    SOURCE_HANDLE,
    TWO_VALUES,
    Disclosed,
    disclosed,
    local_custodian,
    named,
)
from tillit.errors import (
    ManifestMismatch,
    ReceiptInvalid,
    SealBroken,
    SourceSignatureInvalid,
    SubjectMismatch,
    VerificationError,
)
from tillit.keys import ServiceKey
from tillit.sealing import SubjectRef, Value, ValueRefused, derive, seal_deposit
from tillit.subject_tag import subject_tag
from tillit.wire import MAX_DEPTH, MAX_FIELDS, Deposit, Ground, ManifestConsent

RATE = "education.attendance.rate"


@pytest.fixture
def case(tmp_path: Path) -> Disclosed:
    """Two values, released to an X25519 recipient."""
    return disclosed(tmp_path / "keyring")


def test_a_released_value_opens_as_it_was_deposited(case: Disclosed) -> None:
    """The main promise, with everything the recipient needs to judge the value by."""
    values = case.opened().values
    assert {name: value.value for name, value in values.items()} == {
        value.field: value.value for value in TWO_VALUES
    }
    social = values["functioning.social"]
    assert (social.source, social.observed_at, social.basis, social.author_role) == (
        SOURCE,
        OBSERVED,
        "stated_by_subject",
        "teacher",
    )
    assert social.record == case.answer.manifest.fields["functioning.social"].record


def test_a_hybrid_recipient_opens_its_values(tmp_path: Path) -> None:
    """A recipient whose key says so is reached by HPKE with ML-KEM-768 and X25519."""
    case = disclosed(tmp_path / "keyring", hybrid=True)
    assert case.answer.key is not None
    assert case.answer.key.alg == "HPKE-MLKEM768-X25519"
    assert case.opened().values["plan.goals"].value == {"first": "læreplass", "ranks": [1, 2]}


def test_readdressing_leaves_the_ciphertext_alone(tmp_path: Path) -> None:
    """What a value weighs must not matter to the custodian, nor may it ever see one."""
    custodian = local_custodian(tmp_path / "keyring")
    case = disclosed(tmp_path, custodian=custodian)
    kept = {"protected", "aad", "iv", "ciphertext", "tag"}
    deposit = named(case.deposit)[1]
    before = {name: field.model_dump(include=kept) for name, field in deposit.items()}
    after = {name: field.model_dump(include=kept) for name, field in case.answer.sealed.items()}
    assert before == after


def test_the_receipt_comes_with_the_values(case: Disclosed) -> None:
    """What the subject and the auditor will see is what the recipient holds."""
    receipt = case.opened().receipt
    assert (receipt.statement.id, receipt.statement.recipient) == (case.answer.id, RECIPIENT)


def test_a_refusal_opens_to_nothing_but_its_receipt(case: Disclosed) -> None:
    """A refused ask has a receipt too, and it is checked just as well."""
    manifest = case.answer.manifest.model_copy(update={"fields": {}, "consents": ()})
    withheld = dict.fromkeys(case.asked.fields, case.answer.withheld["health.diagnosis"])
    answer = case.answer.model_copy(
        update={
            "manifest": manifest,
            "outcome": "refused",
            "sealed": {},
            "grounds": {},
            "key": None,
            "withheld": withheld,
        }
    )
    decision = dict.fromkeys(case.asked.fields, ("consent.no_grant",))
    refused = case.resigned(answer, outcome="refused", decision=decision)
    assert dict(refused.opened().values) == {}
    with pytest.raises(SealBroken):
        refused.changed(key=case.answer.key).opened()


def test_a_value_about_somebody_else_is_found(case: Disclosed) -> None:
    """A source that mixes up two people must not make a recipient act on the wrong one."""
    with pytest.raises(SubjectMismatch):
        replace(case, national_id="02827500000").opened()


def test_a_full_release_says_so(case: Disclosed) -> None:
    """The outcome follows from the fields and cannot be claimed."""
    asked = case.asked.model_copy(update={"fields": tuple(case.answer.manifest.fields)})
    answer = case.answer.model_copy(update={"withheld": {}, "outcome": "released"})
    decision = dict.fromkeys(asked.fields, "permit")
    full = replace(case.resigned(answer, outcome="released", decision=decision), asked=asked)
    assert full.opened().values.keys() == set(asked.fields)


def test_an_expired_disclosure_is_not_opened(case: Disclosed) -> None:
    """An old answer handed out again must not pass for today's."""
    last = case.answer.manifest.expires_at
    assert case.opened(now=last - timedelta(seconds=1)).values
    with pytest.raises(ManifestMismatch):
        case.opened(now=last)


# --- a broker that lies, with its own valid signature ---


def _manifest(**update: Any) -> Callable[[Disclosed], Disclosed]:
    def lie(case: Disclosed) -> Disclosed:
        manifest = case.answer.manifest.model_copy(update=update)
        return case.resigned(case.answer.model_copy(update={"manifest": manifest}))

    return lie


def _statement(**update: Any) -> Callable[[Disclosed], Disclosed]:
    return lambda case: case.resigned(**update)


def _asked(**update: Any) -> Callable[[Disclosed], Disclosed]:
    return lambda case: replace(case, asked=case.asked.model_copy(update=update))


def _grounds(ground: Ground) -> Callable[[Disclosed], Disclosed]:
    return lambda case: case.changed(grounds=dict.fromkeys(case.answer.sealed, (ground,)))


_OTHER = "_" + "Z" * 22
_CONSENT = Ground(kind="consent", id=CONSENT, version=3, grant="g2", source=SOURCE)


@pytest.mark.parametrize(
    ("lie", "found"),
    [
        (_statement(id="dis" + _OTHER), ReceiptInvalid),
        (_statement(recipient="ips-larvik"), ReceiptInvalid),
        (_statement(subject="hdl" + _OTHER), ReceiptInvalid),
        (_statement(purpose="transition"), ReceiptInvalid),
        (_statement(collaboration=None), ReceiptInvalid),
        (_statement(meeting="mtg" + _OTHER), ReceiptInvalid),
        (_statement(outcome="released"), ReceiptInvalid),
        (_statement(decision={"plan.goals": "permit"}), ReceiptInvalid),
        (_statement(manifest="A" * 43), ManifestMismatch),
        (_asked(fields=("functioning.social", "health.diagnosis")), ReceiptInvalid),
        (_asked(purpose="transition"), ReceiptInvalid),
        (_asked(subject="hdl" + _OTHER), ReceiptInvalid),
        (_asked(source="thor-heyerdahl-vgs"), ManifestMismatch),
        (_manifest(disclosure="dis" + _OTHER), ManifestMismatch),
        (_manifest(recipient="ips-larvik"), ManifestMismatch),
        (_manifest(subject="hdl" + _OTHER), ManifestMismatch),
        (_manifest(purpose="transition"), ManifestMismatch),
        (_manifest(collaboration=None), ManifestMismatch),
        (_manifest(meeting="mtg" + _OTHER), ManifestMismatch),
        (_manifest(consents=()), ManifestMismatch),
        (_manifest(consents=(ManifestConsent(id=CONSENT, version=4),)), ManifestMismatch),
        (_manifest(issued_at=OBSERVED), SealBroken),
        (_manifest(expires_at=NOW + timedelta(days=300)), SealBroken),
        (_grounds(_CONSENT.model_copy(update={"source": "nav-larvik"})), ManifestMismatch),
        (_grounds(_CONSENT.model_copy(update={"version": 2})), ManifestMismatch),
        (lambda case: case.changed(grounds={}), ManifestMismatch),
        (lambda case: case.changed(sealed={}), ManifestMismatch),
        (lambda case: case.changed(withheld={}), ReceiptInvalid),
        (lambda case: case.changed(outcome="released"), ReceiptInvalid),
        (lambda case: case.changed(key=None), SealBroken),
    ],
)
def test_a_lie_is_found(
    case: Disclosed, lie: Callable[[Disclosed], Disclosed], found: type[VerificationError]
) -> None:
    """The broker is trusted to decide, not to hand out one thing and write down another."""
    with pytest.raises(found):
        lie(case).opened()


def test_an_outcome_that_its_fields_do_not_bear_out_is_found(case: Disclosed) -> None:
    """Answer and receipt may agree with each other and still not with the fields."""
    answer = case.answer.model_copy(update={"outcome": "released"})
    with pytest.raises(ReceiptInvalid):
        case.resigned(answer, outcome="released").opened()


def test_a_ground_other_than_consent_needs_no_consent_in_the_manifest(case: Disclosed) -> None:
    """A statute is named by its paragraph, not by a consent's id."""
    manifest = case.answer.manifest.model_copy(update={"consents": ()})
    ground = _CONSENT.model_copy(update={"kind": "statute"})
    answer = case.answer.model_copy(
        update={"manifest": manifest, "grounds": dict.fromkeys(case.answer.sealed, (ground,))}
    )
    with pytest.raises(SealBroken):
        case.resigned(answer).opened()


def test_another_brokers_receipt_is_no_receipt(case: Disclosed) -> None:
    """A good signature by the wrong broker says nothing about this disclosure."""
    other = ServiceKey.generate("x").signer
    with pytest.raises(ReceiptInvalid):
        replace(case, receipts=other).opened()
    with pytest.raises(ReceiptInvalid):
        case.resigned(issuer="https://elsewhere.example").opened()


# --- swaps ---


def test_two_fields_cannot_be_swapped(case: Disclosed) -> None:
    """A sealed value is bound to its field for life."""
    first, second = case.answer.sealed
    sealed = {first: case.answer.sealed[second], second: case.answer.sealed[first]}
    with pytest.raises(SealBroken):
        case.changed(sealed=sealed).opened()


@pytest.mark.parametrize("member", ["protected", "aad", "iv", "ciphertext", "tag", "encrypted_key"])
def test_parts_of_two_fields_cannot_be_swapped(case: Disclosed, member: str) -> None:
    """Nor can any single part of it, except the protected header, which is the same for all."""
    first, second = case.answer.sealed
    other = getattr(case.answer.sealed[second], member)
    mixed = case.answer.sealed[first].model_copy(update={member: other})
    changed = case.changed(sealed={**case.answer.sealed, first: mixed})
    if member == "protected":
        assert changed.opened().values == case.opened().values
    else:
        with pytest.raises(SealBroken):
            changed.opened()


def test_two_disclosures_cannot_be_swapped(tmp_path: Path) -> None:
    """What was released once does not open as part of another disclosure."""
    custodian = local_custodian(tmp_path / "keyring")
    one = disclosed(tmp_path, custodian=custodian)
    two = disclosed(tmp_path, custodian=custodian, identity="dis_" + "E" * 22)
    assert one.opened().values.keys() == two.opened().values.keys()
    for member in ("key", "sealed", "manifest", "receipt", "id"):
        with pytest.raises(VerificationError):
            one.changed(**{member: getattr(two.answer, member)}).opened()


def test_another_recipient_opens_nothing(case: Disclosed) -> None:
    """Neither a stranger nor another key of the same unit can open what was sealed to one key."""
    for unit in ("ips-larvik", RECIPIENT):
        for hybrid in (False, True):
            with pytest.raises(VerificationError):
                replace(case, recipient=ServiceKey.generate(unit, hybrid=hybrid)).opened()


def test_a_value_by_another_source_is_found(case: Disclosed) -> None:
    """Whoever has a content key can write a value, but cannot sign it as the source."""
    with pytest.raises(SourceSignatureInvalid):
        replace(case, source=ServiceKey.generate(SOURCE)).opened()
    with pytest.raises(SourceSignatureInvalid):
        replace(case, source=ServiceKey.generate("thor-heyerdahl-vgs")).opened()


# --- what may be sealed ---


def _seal(*values: Value, national_id: str = NATIONAL_ID, **changes: Any) -> Deposit:
    key = ServiceKey.generate(SOURCE)
    given: dict[str, Any] = {"custodian_jwk": key.public_jwks()["keys"][1], **changes}
    return seal_deposit(values, key=key, subject=SubjectRef(SOURCE_HANDLE, national_id), **given)


@pytest.mark.parametrize(
    "change",
    [
        {"field": "Plan.Goals"},
        {"field": "goals"},
        {"value": float("nan")},
        {"value": float("inf")},
        {"value": 2**53},
        {"value": "\ud800"},
        {"value": {1: "number as a name"}},
        {"value": {"when": OBSERVED}},
        {"value": b"bytes"},
        {"value": "x" * 300_000},
        {"basis": "rumour"},
        {"author_role": "Kari Nordmann"},
        {"observed_at": datetime(2026, 11, 1, 8, 30)},  # noqa: DTZ001 - the zone is what is missing
    ],
    ids=str,
)
def test_what_is_no_value_is_not_sealed(change: dict[str, Any]) -> None:
    """What cannot be read back exactly, or would carry a name, never leaves the source."""
    with pytest.raises(ValueRefused):
        _seal(replace(TWO_VALUES[0], **change))


def test_a_value_may_be_nested_up_to_the_bound() -> None:
    """Readers bound depth, so writers must."""
    nested: Any = "leaf"
    for _ in range(MAX_DEPTH):
        nested = {"in": [nested]} if nested == "leaf" else [nested]
    with pytest.raises(ValueRefused):
        _seal(replace(TWO_VALUES[0], value=nested))
    assert _seal(replace(TWO_VALUES[0], value=nested[0])).items
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueRefused):
        _seal(replace(TWO_VALUES[0], value=endless))


def test_a_deposit_is_bounded() -> None:
    """Each field once, no more of them than an ask can name, no larger than a body may be."""
    one = TWO_VALUES[0]
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = [f"plan.{a}{b}" for a in letters for b in letters]
    with pytest.raises(ValueRefused):
        _seal()
    with pytest.raises(ValueRefused):
        _seal(one, one)
    with pytest.raises(ValueRefused):
        _seal(*(replace(one, field=name) for name in names[: MAX_FIELDS + 1]))
    with pytest.raises(ValueRefused):
        _seal(*(replace(one, field=name, value="x" * 200_000) for name in names[:5]))


def test_a_subject_or_a_reader_that_is_none_is_refused() -> None:
    """Nothing is sealed to a key that nobody can have, or tagged with what is no number."""
    low_order = {"kty": "OKP", "crv": "X25519", "x": "A" * 43}
    for reader in ({}, {"kty": "OKP"}, {"kty": "oct", "k": "AAAA"}, low_order):
        with pytest.raises(ValueRefused):
            _seal(TWO_VALUES[0], custodian_jwk=reader)
    for national_id in ("", "1234567890", "123456789012", "1234567890x", "\uff11" * 11):
        with pytest.raises(ValueRefused):
            _seal(TWO_VALUES[0], national_id=national_id)
    with pytest.raises(ValueError, match="salt"):
        subject_tag(NATIONAL_ID, b"short")


def test_times_cross_zones_unharmed(tmp_path: Path) -> None:
    """A source in Larvik writes local time; it is the same moment for the recipient."""
    local = OBSERVED.astimezone(timezone(timedelta(hours=1))).replace(microsecond=250)
    case = disclosed(tmp_path / "keyring", [replace(TWO_VALUES[0], observed_at=local)])
    opened = case.opened().values["functioning.social"].observed_at
    assert (opened, opened.utcoffset()) == (local, timedelta(0))


def test_times_of_zones_with_odd_offsets_cross_unharmed(tmp_path: Path) -> None:
    """RFC 3339 has no seconds in an offset: such a time would come out as another moment."""
    monrovia = timezone(-timedelta(minutes=44, seconds=30))
    local = datetime(1972, 1, 1, tzinfo=monrovia)
    case = disclosed(tmp_path / "keyring", [replace(TWO_VALUES[0], observed_at=local)])
    assert case.opened().values["functioning.social"].observed_at == local


# --- derived fields ---


@pytest.mark.parametrize(
    ("rate", "band"),
    [
        (0, "below_50"),
        (0.4999, "below_50"),
        (0.5, "50_79"),
        (0.62, "50_79"),
        (0.7999, "50_79"),
        (0.8, "80_94"),
        (0.9499, "80_94"),
        (0.95, "95_100"),
        (1, "95_100"),
    ],
)
def test_an_attendance_rate_brings_its_band(tmp_path: Path, rate: float, band: str) -> None:
    """A recipient who may know the band but not the rate gets a value that a source made."""
    case = disclosed(tmp_path / "keyring", [Value(RATE, rate, OBSERVED, "measured", "teacher")])
    derived = case.opened().values["education.attendance.band"]
    assert (derived.value, derived.basis, derived.author_role) == (band, "derived", "teacher")


@pytest.mark.parametrize("rate", [-0.1, 1.01, 62, True, "0.62", None, float("nan")])
def test_a_rate_that_is_none_is_refused(rate: Any) -> None:
    """A band of a number that is no rate would be an invention."""
    with pytest.raises(ValueRefused):
        derive([Value(RATE, rate, OBSERVED, "measured", "teacher")])


def test_a_band_that_the_source_gives_itself_stays() -> None:
    """Deriving twice changes nothing, nor does it overrule the source."""
    rate = Value(RATE, 0.62, OBSERVED, "measured", "teacher")
    once = derive([rate])
    assert derive(once) == once
    own = Value("education.attendance.band", "80_94", OBSERVED, "measured", "teacher")
    assert derive([rate, own]) == (rate, own)


def test_every_band_is_one_the_catalogue_knows() -> None:
    """What the SDK derives is what the catalogue promises its readers."""
    allowed = load().catalogue.fields["education.attendance.band"].json_schema["enum"]
    rates = [n / 100 for n in range(101)]
    derived = {
        value.value
        for rate in rates
        for value in derive([Value("education.attendance.rate", rate, OBSERVED, "measured", "x")])
        if value.field == "education.attendance.band"
    }
    assert derived == set(allowed)
