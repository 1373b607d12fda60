"""Sealed fields, keys and receipts in two JOSE libraries that are not ours, both ways."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc import jwe, jws
from joserfc.jwk import OctKey, OKPKey
from jwcrypto import jwe as jwcrypto_jwe
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jws as jwcrypto_jws

from tests.sealed_case import DISCLOSURE, NATIONAL_ID, SOURCE, Disclosed, disclosed
from tillit import receipts
from tillit.envelopes import open_field, open_key, seal_field, seal_key
from tillit.jose import TokenInvalid, b64u, ed25519_jwk, sign_compact, unb64u, verify_compact
from tillit.keys import ServiceKey
from tillit.manifests import field_aad, manifest_hash
from tillit.subject_tag import subject_tag
from tillit.wire import MAX_SEALED_CHARS, SealedField, SealedKey

ECDH = ["ECDH-ES+A256KW", "A256GCM"]
FIELD = ["A256KW", "A256GCM"]

# Called by the tests on its own, joserfc warns that RFC 9864 renames EdDSA; Tillit's must not warn.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")


@pytest.fixture
def case(tmp_path: Path) -> Disclosed:
    """Two values, released to an X25519 recipient."""
    return disclosed(tmp_path / "keyring")


def private_jwks(key: ServiceKey, tmp_path: Path) -> list[dict[str, Any]]:
    """A unit's private keys as any JOSE library reads them: out of the file they are saved in."""
    path = tmp_path / f"{key.unit}-{key.enc_kid}.jwk"
    key.save(path)
    keys: list[dict[str, Any]] = json.loads(path.read_text())["keys"]
    return keys


def _claims_of(case: Disclosed, token: str) -> dict[str, Any]:
    """The signed claims, verified by both libraries."""
    sig = case.source.public_jwks()["keys"][0]
    ours = jws.deserialize_compact(token, OKPKey.import_key(sig), algorithms=["EdDSA"])
    theirs = jwcrypto_jws.JWS()
    theirs.deserialize(token, jwcrypto_jwk.JWK(**sig), alg="EdDSA")
    assert ours.payload == theirs.payload
    claims: dict[str, Any] = json.loads(ours.payload)
    return claims


def test_joserfc_opens_key_and_values(case: Disclosed, tmp_path: Path) -> None:
    """A recipient without our SDK can read what was released to it."""
    assert case.answer.key is not None
    enc = OKPKey.import_key(private_jwks(case.recipient, tmp_path)[1])
    key = jwe.decrypt_compact(case.answer.key.jwe, enc, algorithms=ECDH)
    assert key.protected["apv"] == b64u(manifest_hash(case.answer.manifest))
    assert key.plaintext is not None
    for name, sealed in case.answer.sealed.items():
        data: Any = sealed.model_dump()
        opened = jwe.decrypt_json(data, OctKey.import_key(key.plaintext), algorithms=FIELD)
        assert opened.plaintext is not None
        claims = _claims_of(case, opened.plaintext.decode())
        assert claims["value"] == case.opened().values[name].value


def test_jwcrypto_opens_key_and_values(case: Disclosed, tmp_path: Path) -> None:
    """And with a second library that shares no code with the first."""
    assert case.answer.key is not None
    enc = jwcrypto_jwk.JWK(**private_jwks(case.recipient, tmp_path)[1])
    key = jwcrypto_jwe.JWE(algs=ECDH)
    key.deserialize(case.answer.key.jwe, key=enc)
    for name, sealed in case.answer.sealed.items():
        opened = jwcrypto_jwe.JWE(algs=FIELD)
        opened.deserialize(
            sealed.model_dump_json(), key=jwcrypto_jwk.JWK(kty="oct", k=b64u(key.payload))
        )
        claims = _claims_of(case, opened.payload.decode())
        assert claims["value"] == case.opened().values[name].value


def test_both_libraries_verify_a_receipt(case: Disclosed) -> None:
    """A subject or an auditor can check a receipt with any JOSE library."""
    public = ed25519_jwk(case.receipts.public_key())
    token = case.answer.receipt
    ours = jws.deserialize_compact(token, OKPKey.import_key(public), algorithms=["EdDSA"])
    theirs = jwcrypto_jws.JWS()
    theirs.deserialize(token, jwcrypto_jwk.JWK(**public), alg="EdDSA")
    verified = receipts.verify(token, {"keys": [public]})
    assert ours.payload == theirs.payload
    assert json.loads(ours.payload)["statement"] == verified.statement.model_dump(mode="json")
    assert ours.headers()["typ"] == "tillit-receipt+jws"


# --- what the libraries write, we read ---

BOUND = bytes(range(32))


def _by_joserfc(header: dict[str, Any], key: bytes, enc: dict[str, Any]) -> str:
    token: str = jwe.encrypt_compact(header, key, OKPKey.import_key(enc))
    return token


def _by_jwcrypto(header: dict[str, Any], key: bytes, enc: dict[str, Any]) -> str:
    token = jwcrypto_jwe.JWE(key, json.dumps(header), recipient=jwcrypto_jwk.JWK(**enc), algs=ECDH)
    serialized: str = token.serialize(compact=True)
    return serialized


@pytest.mark.parametrize("by", [_by_joserfc, _by_jwcrypto])
def test_a_key_sealed_elsewhere_opens_here(by: Any) -> None:
    """A source without our SDK can deposit: its deposit key opens for the custodian."""
    reader = ServiceKey.generate("custodian")
    enc = reader.public_jwks()["keys"][1]
    header = {"alg": ECDH[0], "enc": ECDH[1], "kid": enc["kid"], "apv": b64u(BOUND)}
    secret = os.urandom(32)
    sealed = SealedKey(alg="ECDH-ES+A256KW", kid=enc["kid"], jwe=by(header, secret, enc))
    kid = reader.enc_kid
    assert open_key(sealed, key=reader.reader, kid=kid, manifest_hash=BOUND) == secret
    with pytest.raises(TokenInvalid):
        open_key(sealed, key=reader.reader, kid=kid, manifest_hash=bytes(32))


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_a_key_of_another_length_is_found(size: int) -> None:
    """Whoever seals it well may still have sealed something else."""
    reader = ServiceKey.generate("custodian")
    enc = reader.public_jwks()["keys"][1]
    sealed = seal_key(bytes(size), reader=enc, manifest_hash=BOUND)
    with pytest.raises(TokenInvalid):
        open_key(sealed, key=reader.reader, kid=reader.enc_kid, manifest_hash=BOUND)


def test_a_field_sealed_elsewhere_opens_here() -> None:
    """And so does its value, whatever order its header's members stand in."""
    source, key = ServiceKey.generate(SOURCE), os.urandom(32)
    record = "rec_" + "R" * 22
    aad = field_aad(field="plan.goals", record=record, source=SOURCE)
    token = source.signed({"field": "plan.goals"}, typ="tillit-field+jws")
    protected = {"enc": "A256GCM", "cty": "tillit-field+jws"}
    made = jwe.FlattenedJSONEncryption(protected, token.encode(), aad=aad)
    made.add_recipient({"alg": "A256KW", "kid": DISCLOSURE}, OctKey.import_key(key))
    sealed = SealedField.model_validate(jwe.encrypt_json(made, None))
    assert unb64u(sealed.protected) == b'{"enc":"A256GCM","cty":"tillit-field+jws"}'
    assert open_field(sealed, aad=aad, key=key, kid=DISCLOSURE) == token


@pytest.mark.parametrize(
    "change",
    [
        {"zip": "DEF"},
        {"apu": "AAAA"},
        {"typ": "JOSE"},
        {"crit": ["typ"], "typ": "JOSE"},
        {"enc": "A128GCM"},
        {"enc": "A256CBC-HS512"},
        {"alg": "ECDH-ES+A128KW"},
        {"alg": "ECDH-ES"},
        {"kid": "another"},
        {"apv": b64u(bytes(32))},
        {"apv": ""},
    ],
    ids=str,
)
def test_a_key_that_the_library_opens_is_not_always_one_of_ours(change: dict[str, Any]) -> None:
    """The profile is closed: no compression, no other algorithm, no member more."""
    reader = ServiceKey.generate("custodian")
    enc = reader.public_jwks()["keys"][1]
    header = {"alg": ECDH[0], "enc": ECDH[1], "kid": enc["kid"], "apv": b64u(BOUND), **change}
    algorithms = [header["alg"], header["enc"], "DEF"]
    public = OKPKey.import_key({name: enc[name] for name in ("kty", "crv", "x")})
    token = jwe.encrypt_compact(header, bytes(32), public, algorithms=algorithms)
    assert isinstance(reader.reader, X25519PrivateKey)
    own = OKPKey.import_key(reader.reader)
    assert jwe.decrypt_compact(token, own, algorithms=algorithms).plaintext == bytes(32)
    sealed = SealedKey(alg="ECDH-ES+A256KW", kid=enc["kid"], jwe=token)
    with pytest.raises(TokenInvalid):
        open_key(sealed, key=reader.reader, kid=reader.enc_kid, manifest_hash=BOUND)


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "EC"},
        {"crv": "Ed25519"},
        {"crv": "X448"},
        {"crv": ["X25519"]},
        {"x": ""},
        {"x": 7},
        {"x": None},
        {"x": "A" * 42},
        {"x": "A" * 43},
        {"x": "\u00e5" * 43},
        {"kid": "ephemeral"},
        {"d": "A" * 43},
    ],
    ids=str,
)
def test_an_ephemeral_key_of_another_form_is_found(change: dict[str, Any]) -> None:
    """Three members, one curve; whatever else stands there ends as any other alteration does."""
    reader = ServiceKey.generate("custodian")
    sealed = seal_key(bytes(32), reader=reader.public_jwks()["keys"][1], manifest_hash=BOUND)
    protected, *rest = sealed.jwe.split(".")
    header = json.loads(unb64u(protected))
    header["epk"] |= change
    token = ".".join((b64u(json.dumps(header).encode()), *rest))
    with pytest.raises(TokenInvalid):
        open_key(
            sealed.model_copy(update={"jwe": token}),
            key=reader.reader,
            kid=reader.enc_kid,
            manifest_hash=BOUND,
        )


@pytest.mark.parametrize(
    "protected",
    [
        b'{"cty": "tillit-field+jws", "enc": "A256GCM"}',
        b'{"cty":"tillit-field+jws","enc":"A256GCM"}\n',
        b'{"cty":"other","cty":"tillit-field+jws","enc":"A256GCM"}',
        b'{"cty":"tillit-field\\u002bjws","enc":"A256GCM"}',
    ],
)
def test_a_second_spelling_of_a_fields_header_is_found(protected: bytes) -> None:
    """Joserfc reads each of these as the header that was authenticated, and opens the value."""
    key, aad = os.urandom(32), b'{"field":"plan.goals"}'
    sealed = seal_field("a.b.c", aad=aad, key=key, kid=DISCLOSURE)
    respelt = sealed.model_copy(update={"protected": b64u(protected)})
    data: Any = respelt.model_dump()
    opened = jwe.decrypt_json(data, OctKey.import_key(key), algorithms=FIELD)
    assert opened.plaintext == b"a.b.c"
    with pytest.raises(TokenInvalid):
        open_field(respelt, aad=aad, key=key, kid=DISCLOSURE)


def test_a_value_as_large_as_the_wire_lets_it_be_opens() -> None:
    """The library's own bounds are for other uses."""
    source, key = ServiceKey.generate(SOURCE), os.urandom(32)
    size = (MAX_SEALED_CHARS * 3 // 4) * 3 // 4 - 300
    payload = b'"' + b"x" * size + b'"'
    kid = source.sig_kid
    token = sign_compact(payload, signer=source.signer, kid=kid, typ="tillit-field+jws")
    sealed = seal_field(token, aad=b"{}", key=key, kid=DISCLOSURE)
    assert len(sealed.ciphertext) > 0.99 * MAX_SEALED_CHARS
    opened = open_field(sealed, aad=b"{}", key=key, kid=DISCLOSURE)
    jwks, most = source.public_jwks(), MAX_SEALED_CHARS
    assert verify_compact(opened, jwks=jwks, typ="tillit-field+jws", max_chars=most) == payload


def test_a_value_signed_elsewhere_verifies_here() -> None:
    """Signatures by either library hold, given our header."""
    source = ServiceKey.generate(SOURCE)
    jwks = source.public_jwks()
    header = {"alg": "EdDSA", "kid": source.sig_kid, "typ": "tillit-field+jws"}
    private = OKPKey.import_key(source.signer)
    token = jws.serialize_compact(header, b"{}", private, algorithms=["EdDSA"])
    assert verify_compact(token, jwks=jwks, typ="tillit-field+jws", max_chars=1000) == b"{}"


def test_the_subject_tag_is_a_plain_hmac() -> None:
    """The tag can be made anew in any language: HMAC-SHA256, the salt as key.

    Expected value by OpenSSL's command line.
    """
    tag = subject_tag(NATIONAL_ID, bytes(range(16)))
    assert tag == {
        "salt": "AAECAwQFBgcICQoLDA0ODw",
        "tag": "kJXcRhKlLVwrWaz9NrFOP365QHJ2Re0H8u1AWMs0MJE",
    }


def test_a_hybrid_key_is_enc_and_ciphertext() -> None:
    """RFC 9180's single-shot form: the encapsulated key, then ciphertext and tag."""
    reader = ServiceKey.generate("x", hybrid=True)
    jwk = reader.public_jwks()["keys"][1]
    sealed = seal_key(b"k" * 32, reader=jwk, manifest_hash=BOUND)
    assert len(unb64u(sealed.jwe)) == 1088 + 32 + 32 + 16
