"""Every bit of one message, flipped: nothing opens, and only a ``VerificationError`` says so.

Whatever stands in the message is flipped where it stands, as text, so that a second spelling of the
same bytes is found as well. Nothing is sampled.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import ValidationError

from keys.errors import DepositKeyWrong
from keys.keyring import LocalCustodian
from tests.sealed_case import (
    DISCLOSURE,
    OBSERVED,
    SOURCE,
    SUBJECT,
    Disclosed,
    counting,
    deposited,
    disclosed,
    local_custodian,
    named,
)
from tillit.envelopes import open_field, open_key, seal_field, wrap
from tillit.errors import (
    ManifestMismatch,
    ReceiptInvalid,
    SealBroken,
    SourceSignatureInvalid,
    SubjectMismatch,
    VerificationError,
)
from tillit.jcs import canonical
from tillit.jose import TokenInvalid, b64u, sign_compact, unb64u, verify_compact
from tillit.keys import ServiceKey
from tillit.manifests import field_aad, manifest_hash
from tillit.sealing import Value
from tillit.subject_tag import subject_tag
from tillit.wire import Manifest, SealedKey

ONE = (Value("plan.goals", "læreplass", OBSERVED, "stated_by_subject", "teacher"),)
FIELD = "plan.goals"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Disclosed:
    """One value, released to an X25519 recipient."""
    return disclosed(tmp_path_factory.mktemp("flips") / "keyring", ONE)


@pytest.fixture(scope="module")
def hybrid_case(tmp_path_factory: pytest.TempPathFactory) -> Disclosed:
    """One value, released to a hybrid recipient."""
    return disclosed(tmp_path_factory.mktemp("flips") / "keyring", ONE, hybrid=True)


def flips(text: str, *, bits: int = 8) -> Iterator[str]:
    """The text with one bit of one character's code changed, for every bit of every character."""
    for at, character in enumerate(text):
        for bit in range(bits):
            yield text[:at] + chr(ord(character) ^ (1 << bit)) + text[at + 1 :]


def byte_flips(data: bytes) -> Iterator[bytes]:
    """The bytes with one bit changed, for every bit."""
    for at in range(len(data) * 8):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << (at % 8)
        yield bytes(changed)


def spellings(text: str) -> Iterator[str]:
    """Base64url texts with another last character, cut short, or longer.

    Each says other bytes, or none.
    """
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    yield from (text[:-1] + last for last in alphabet if last != text[-1])
    yield from (text[:cut] for cut in range(len(text)))
    yield from (text + more for more in ("A", "=", "==", "AAAA", " ", "\n", "."))


def _with_field(case: Disclosed, **members: Any) -> Disclosed:
    changed = case.answer.sealed[FIELD].model_copy(update=members)
    return case.changed(sealed={FIELD: changed})


def _with_key(case: Disclosed, **members: Any) -> Disclosed:
    assert case.answer.key is not None
    return case.changed(key=case.answer.key.model_copy(update=members))


def test_the_message_itself_opens(case: Disclosed, hybrid_case: Disclosed) -> None:
    """Without this the rest of the module would prove nothing."""
    assert case.opened().values[FIELD].value == "læreplass"
    assert hybrid_case.opened().values[FIELD].value == "læreplass"


@pytest.mark.parametrize("member", ["protected", "encrypted_key", "aad", "iv", "ciphertext", "tag"])
def test_no_bit_of_a_sealed_field_can_change(case: Disclosed, member: str) -> None:
    """Each member is either authenticated or what opens the rest."""
    text = getattr(case.answer.sealed[FIELD], member)
    for changed in (*flips(text), *spellings(text)):
        with pytest.raises(SealBroken):
            _with_field(case, **{member: changed}).opened()


@pytest.mark.parametrize("member", ["alg", "kid"])
def test_no_bit_of_a_fields_header_can_change(case: Disclosed, member: str) -> None:
    """The per-recipient header is not authenticated by the encryption, so it is compared."""
    header = case.answer.sealed[FIELD].header
    for changed in flips(getattr(header, member)):
        other = header.model_copy(update={member: changed})
        with pytest.raises(SealBroken):
            _with_field(case, header=other).opened()


@pytest.mark.parametrize("member", ["jwe", "kid", "alg"])
def test_no_bit_of_the_key_can_change(case: Disclosed, member: str) -> None:
    """The disclosure key: header, ephemeral key, wrapped key, iv, ciphertext and tag."""
    assert case.answer.key is not None
    text = getattr(case.answer.key, member)
    for changed in (*flips(text), *spellings(text)):
        with pytest.raises(SealBroken):
            _with_key(case, **{member: changed}).opened()


@pytest.mark.parametrize("member", ["kid", "alg"])
def test_no_bit_of_a_hybrid_keys_names_can_change(hybrid_case: Disclosed, member: str) -> None:
    """HPKE has no header to authenticate: algorithm and key id are compared."""
    assert hybrid_case.answer.key is not None
    for changed in flips(getattr(hybrid_case.answer.key, member)):
        with pytest.raises(SealBroken):
            _with_key(hybrid_case, **{member: changed}).opened()


def test_no_byte_of_a_hybrid_key_can_change(hybrid_case: Disclosed) -> None:
    """ML-KEM's implicit rejection must end as any other alteration does."""
    assert hybrid_case.answer.key is not None
    text = hybrid_case.answer.key.jwe
    for changed in (*flips(text, bits=1), *spellings(text)):
        with pytest.raises(SealBroken):
            _with_key(hybrid_case, jwe=changed).opened()


def test_the_two_kinds_of_key_do_not_pass_for_each_other(
    case: Disclosed, hybrid_case: Disclosed
) -> None:
    """What kind of key it is follows from the reader's own, not from what the message says."""
    assert case.answer.key is not None
    assert hybrid_case.answer.key is not None
    for one, other in ((case, hybrid_case.answer.key), (hybrid_case, case.answer.key)):
        for kid in (other.kid, one.recipient.enc_kid):
            with pytest.raises(SealBroken):
                _with_key(one, jwe=other.jwe, kid=kid, alg=other.alg).opened()
            with pytest.raises(SealBroken):
                _with_key(one, jwe=other.jwe, kid=kid).opened()


def test_no_bit_of_the_receipt_can_change(case: Disclosed) -> None:
    """Header, payload and signature, and every other spelling of the signature's last bits."""
    for changed in (*flips(case.answer.receipt), *spellings(case.answer.receipt)):
        with pytest.raises(ReceiptInvalid):
            case.changed(receipt=changed).opened()


def test_no_bit_of_the_manifest_can_change(case: Disclosed) -> None:
    """A changed manifest is refused as malformed, or found; never is it opened.

    What may change is how a time is spelt; it means the same, and the hash is over what it means.
    """
    original = case.answer.manifest
    text = original.model_dump_json().encode()
    spelt = set()
    for changed in byte_flips(text):
        try:
            manifest = Manifest.model_validate_json(changed)
        except ValidationError:
            continue
        if manifest == original:
            assert manifest_hash(manifest) == manifest_hash(original)
            spelt |= {(old, new) for old, new in zip(text, changed, strict=True) if old != new}
            continue
        with pytest.raises(VerificationError):
            case.changed(manifest=manifest).opened()
    assert spelt == {(ord("T"), ord("t")), (ord("Z"), ord("z")), (ord("."), ord(","))}


def test_no_member_of_the_manifest_can_change_even_if_the_broker_signs_it_anew(
    case: Disclosed,
) -> None:
    """The key is bound to the manifest by the custodian.

    A lying broker has nothing to open with.
    """
    original = case.answer.manifest
    for changed in byte_flips(original.model_dump_json().encode()):
        try:
            manifest = Manifest.model_validate_json(changed)
        except ValidationError:
            continue
        if manifest == original:
            continue
        answer = case.answer.model_copy(update={"manifest": manifest})
        with pytest.raises(VerificationError):
            case.resigned(answer).opened()


# --- the signed value inside, by somebody who has the disclosure key or is the source itself ---


def _disclosure_key(case: Disclosed) -> bytes:
    assert case.answer.key is not None
    return open_key(
        case.answer.key,
        key=case.recipient.reader,
        kid=case.recipient.enc_kid,
        manifest_hash=manifest_hash(case.answer.manifest),
    )


def _aad(case: Disclosed) -> bytes:
    record = case.answer.manifest.fields[FIELD].record
    return field_aad(field=FIELD, record=record, source=SOURCE)


def _token(case: Disclosed) -> str:
    sealed = case.answer.sealed[FIELD]
    return open_field(sealed, aad=_aad(case), key=_disclosure_key(case), kid=DISCLOSURE)


def _resealed(case: Disclosed, token: str) -> Disclosed:
    """Another token in the value's place, sealed as well as the first was."""
    key = _disclosure_key(case)
    sealed = seal_field(token, aad=_aad(case), key=key, kid=DISCLOSURE)
    return case.changed(sealed={FIELD: sealed})


def test_no_bit_of_the_signed_value_can_change(case: Disclosed) -> None:
    """Whoever has the disclosure key can seal anything, but sign nothing."""
    token = _token(case)
    assert _resealed(case, token).opened().values == case.opened().values
    for changed in filter(None, (*flips(token, bits=7), *spellings(token))):
        with pytest.raises(SourceSignatureInvalid):
            _resealed(case, changed).opened()


def test_what_is_no_text_at_all_is_found(case: Disclosed) -> None:
    """A ciphertext that decrypts to bytes outside ASCII is no token."""
    key, content_key = _disclosure_key(case), bytes(32)
    sealed = case.answer.sealed[FIELD]
    raw = AESGCM(content_key).encrypt(
        unb64u(sealed.iv), b"\xff" * 40, f"{sealed.protected}.{sealed.aad}".encode()
    )
    members = {"ciphertext": b64u(raw[:-16]), "tag": b64u(raw[-16:])}
    with pytest.raises(SealBroken):
        _with_field(case, encrypted_key=wrap(content_key, key=key), **members).opened()


def _claims(case: Disclosed) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(unb64u(_token(case).split(".")[1]))
    return claims


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"field": "plan.activity_plan"}, ManifestMismatch),
        ({"record": "rec_" + "Z" * 22}, ManifestMismatch),
        ({"observed_at": "2026-11-01T08:30:01Z"}, ManifestMismatch),
        ({"observed_at": "2026-11-01T09:30:00+01:00"}, ManifestMismatch),
        ({"observed_at": None}, ManifestMismatch),
        ({"basis": "rumour"}, SourceSignatureInvalid),
        ({"basis": ["measured"]}, SourceSignatureInvalid),
        ({"author_role": 7}, SourceSignatureInvalid),
        ({"extra": 1}, SourceSignatureInvalid),
        ({"subject_tag": subject_tag("02827500000", bytes(16))}, SubjectMismatch),
        ({"subject_tag": {"salt": b64u(bytes(16)), "tag": "ÆØÅ"}}, SubjectMismatch),
        ({"subject_tag": {"salt": b64u(bytes(16)), "tag": None}}, SubjectMismatch),
        ({"subject_tag": {"salt": b64u(bytes(15)), "tag": ""}}, SourceSignatureInvalid),
        ({"subject_tag": {"salt": 16, "tag": ""}}, SourceSignatureInvalid),
        ({"subject_tag": {"salt": b64u(bytes(16))}}, SourceSignatureInvalid),
        ({"subject_tag": None}, SourceSignatureInvalid),
    ],
    ids=str,
)
def test_what_a_source_signs_must_fit_the_manifest(
    case: Disclosed, change: dict[str, Any], found: type[VerificationError]
) -> None:
    """A good signature on the wrong claim is no better than a bad one."""
    token = case.source.signed({**_claims(case), **change}, typ="tillit-field+jws")
    with pytest.raises(found):
        _resealed(case, token).opened()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"{",
        b'{"field":1,"field":2}',
        b"NaN",
        b"[" * 100_000,
        b"1" * 5000,
        b"1e999",
    ],
    ids=lambda payload: payload[:12],
)
def test_a_signed_payload_of_another_form_is_found(case: Disclosed, payload: bytes) -> None:
    """The reader's JSON is strict: no member twice, nothing outside JSON, no depth without end."""
    key = case.source
    token = sign_compact(payload, signer=key.signer, kid=key.sig_kid, typ="tillit-field+jws")
    with pytest.raises(SourceSignatureInvalid):
        _resealed(case, token).opened()


def test_a_token_of_another_kind_is_found(case: Disclosed) -> None:
    """What a source signed for another use, or by another algorithm, is not a value."""
    key, claims = case.source, canonical(_claims(case))
    for header in (
        {"alg": "none", "kid": key.sig_kid, "typ": "tillit-field+jws"},
        {"alg": "HS256", "kid": key.sig_kid, "typ": "tillit-field+jws"},
        {"alg": "EdDSA", "kid": key.sig_kid, "typ": "JWT"},
        {"alg": "EdDSA", "kid": key.sig_kid},
        {"alg": "EdDSA", "kid": 7, "typ": "tillit-field+jws"},
        {"alg": "EdDSA", "kid": key.enc_kid, "typ": "tillit-field+jws"},
        {"alg": "EdDSA", "kid": key.sig_kid, "typ": "tillit-field+jws", "crit": ["exp"]},
        {"alg": "EdDSA", "kid": key.sig_kid, "typ": "tillit-field+jws", "jwk": {}},
    ):
        signed = f"{b64u(canonical(header))}.{b64u(claims)}"
        token = f"{signed}.{b64u(key.signer.sign(signed.encode()))}"
        with pytest.raises(SourceSignatureInvalid):
            _resealed(case, token).opened()


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": None},
        {"keys": "keys"},
        {"keys": [None, "key", 7]},
        {"keys": [{"kid": "KID"}]},
        {"keys": [{"kid": "KID", "kty": "OKP", "crv": "Ed25519"}]},
        {"keys": [{"kid": "KID", "kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]},
        {"keys": [{"kid": "KID", "kty": "OKP", "crv": "Ed25519", "x": "A" * 43}]},
        {"keys": [{"kid": "KID", "kty": "OKP", "crv": "X25519", "x": "A" * 43}]},
        {"keys": [{"kid": "KID", "kty": "oct", "k": "AAAA", "alg": "HS256"}]},
    ],
    ids=str,
)
def test_a_source_without_a_usable_key_vouches_for_nothing(case: Disclosed, jwks: Any) -> None:
    """Whatever stands in a key set, what comes of it is a signature that does not hold."""
    text = json.dumps(jwks).replace("KID", case.source.sig_kid)
    with pytest.raises(TokenInvalid):
        verify_compact(_token(case), jwks=json.loads(text), typ="tillit-field+jws", max_chars=9999)


def test_a_token_longer_than_its_bound_is_not_even_read(case: Disclosed) -> None:
    """Bounds come before work."""
    token = _token(case)
    jwks = case.source.public_jwks()
    assert verify_compact(token, jwks=jwks, typ="tillit-field+jws", max_chars=len(token))
    with pytest.raises(TokenInvalid):
        verify_compact(token, jwks=jwks, typ="tillit-field+jws", max_chars=len(token) - 1)


# --- on the way in: what the custodian is handed ---


@pytest.fixture(scope="module")
def handed(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[LocalCustodian, SealedKey, dict[str, str], bytes]:
    """A custodian, and the deposit key, wrapped content key and manifest hash of one deposit."""
    custodian = local_custodian(tmp_path_factory.mktemp("handed") / "keyring")
    source = ServiceKey.generate(SOURCE, randomness=counting("source"))
    deposit = deposited(ONE, source=source, custodian_jwk=custodian.public_jwk())
    manifest, sealed = named(deposit)
    wrapped = {manifest.fields[name]: field.encrypted_key for name, field in sealed.items()}
    return custodian, deposit.key, wrapped, manifest_hash(manifest)


def test_no_bit_of_a_deposit_key_can_change(
    handed: tuple[LocalCustodian, SealedKey, dict[str, str], bytes],
) -> None:
    """Key, wrapped content keys and manifest hash are admitted together, or not at all."""
    custodian, key, wrapped, bound = handed

    def admit(key: SealedKey, wrapped: dict[str, str], bound: bytes) -> dict[str, str]:
        return custodian.admit(subject=SUBJECT, key=key, wrapped=wrapped, manifest_hash=bound)

    assert admit(key, wrapped, bound).keys() == wrapped.keys()
    ((record, text),) = wrapped.items()
    for member in ("jwe", "kid", "alg"):
        for changed in (*flips(getattr(key, member)), *spellings(getattr(key, member))):
            with pytest.raises(DepositKeyWrong):
                admit(key.model_copy(update={member: changed}), wrapped, bound)
    for changed in (*flips(text), *spellings(text)):
        with pytest.raises(DepositKeyWrong):
            admit(key, {record: changed}, bound)
    for hashed in byte_flips(bound):
        with pytest.raises(DepositKeyWrong):
            admit(key, wrapped, hashed)


def test_no_member_of_a_deposit_can_change(case: Disclosed) -> None:
    """Another source, subject, field or record makes another manifest, and nothing is admitted."""
    deposit = deposited(ONE, source=case.source, custodian_jwk=case.custodian.public_jwk())
    manifest, sealed = named(deposit)
    ((name, record),) = manifest.fields.items()
    changes: tuple[dict[str, Any], ...] = (
        {"source": "nav-larvik"},
        {"subject": "hdl_" + "Z" * 22},
        {"fields": {name: "rec_" + "Z" * 22}},
        {"fields": {"plan.activity_plan": record}},
        {"fields": {}},
    )
    for change in changes:
        with pytest.raises(DepositKeyWrong):
            case.custodian.admit(
                subject=SUBJECT,
                key=deposit.key,
                wrapped={record: sealed[name].encrypted_key},
                manifest_hash=manifest_hash(manifest.model_copy(update=change)),
            )
