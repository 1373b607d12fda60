"""Vectors of sealed fields.

Built from primitives as the standards write them down, not by the functions under test: those take
fresh randomness.
"""

import json
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from tests.vectors.drafts import (
    Accepted,
    Vectors,
    changed,
    compact,
    flipped,
    secret,
    signer,
    token,
)
from tillit.jcs import canonical
from tillit.jose import b64u, ed25519_jwk
from tillit.subject_tag import subject_tag

NATIONAL_ID = "01817500000"
FIELD, RECORD, SOURCE = "education.attendance.rate", "rec_" + "R" * 22, "ot-vestfold"
DISCLOSURE = "dis_" + "D" * 22
OBSERVED = "2026-11-01T08:30:00Z"
FIELD_HEADER = '{"cty":"tillit-field+jws","enc":"A256GCM"}'
SOURCE_KEY, KEY = signer("source"), secret("disclosure key")
JWK = ed25519_jwk(SOURCE_KEY.public_key())
JWKS = {"keys": [JWK]}
TOKEN_HEADER = compact({"alg": "EdDSA", "kid": JWK["kid"], "typ": "tillit-field+jws"})


def claims(**changes: Any) -> dict[str, Any]:
    """What a source signs about a value."""
    tag = subject_tag(NATIONAL_ID, secret("tag")[:16])
    signed: dict[str, Any] = {"author_role": "teacher", "basis": "measured", "field": FIELD}
    signed |= {"observed_at": OBSERVED, "record": RECORD, "subject_tag": tag, "value": 0.62}
    return signed | changes


def sealed(
    inner: str,
    *,
    header: str = FIELD_HEADER,
    aad: dict[str, Any] | None = None,
    key: bytes = KEY,
    kid: str = DISCLOSURE,
) -> dict[str, Any]:
    """A flattened JWE (RFC 7516 section 7.2.2), by AES-GCM and AES key wrap alone."""
    content_key, iv = secret("content key"), secret("iv")[:12]
    bound = b64u(canonical(aad or {"v": 1, "field": FIELD, "record": RECORD, "source": SOURCE}))
    protected = b64u(header.encode())
    made = AESGCM(content_key).encrypt(iv, inner.encode(), f"{protected}.{bound}".encode())
    return {
        "protected": protected,
        "header": {"alg": "A256KW", "kid": kid},
        "encrypted_key": b64u(aes_key_wrap(key, content_key)),
        "aad": bound,
        "iv": b64u(iv),
        "ciphertext": b64u(made[:-16]),
        "tag": b64u(made[-16:]),
    }


def _signed(payload: Any = None, header: str = TOKEN_HEADER) -> str:
    return token(header, canonical(claims() if payload is None else payload), SOURCE_KEY)


def _field(name: str, why: str, value: Any) -> Accepted:
    signed = claims(value=value)
    given = {
        "sealed": sealed(_signed(signed)),
        "field": FIELD,
        "record": RECORD,
        "source": SOURCE,
        "observed_at": OBSERVED,
        "key_hex": KEY.hex(),
        "kid": DISCLOSURE,
        "jwks": JWKS,
        "national_id": NATIONAL_ID,
    }
    read = {"value": value, "basis": "measured", "author_role": "teacher"}
    return Accepted(name, why, given, read)


def fields() -> Vectors:
    """The sealed field: a source's signed value inside a flattened JWE."""
    plain = _field("plain", "a number", 0.62)
    good: dict[str, Any] = dict(plain.given["sealed"])
    aad = {"v": 1, "field": FIELD, "record": RECORD, "source": SOURCE}

    def with_(**members: Any) -> dict[str, Any]:
        return {"sealed": {**good, **members}}

    def holding(**changes: Any) -> dict[str, Any]:
        return {"sealed": sealed(_signed(claims(**changes)))}

    def under(header: Any) -> dict[str, Any]:
        return {"sealed": sealed(_signed(header=compact(header)))}

    stranger = token(TOKEN_HEADER, canonical(claims()), signer("stranger"))
    named: dict[str, Any] = json.loads(TOKEN_HEADER)
    spaced = FIELD_HEADER.replace(",", ", ")
    examples: dict[str, tuple[dict[str, Any], str]] = {
        "ciphertext": (with_(ciphertext=flipped(good["ciphertext"], 9)), "altered"),
        "tag": (with_(tag=flipped(good["tag"], 9)), "altered"),
        "iv": (with_(iv=flipped(good["iv"], 9)), "altered"),
        "encrypted-key": (with_(encrypted_key=flipped(good["encrypted_key"], 9)), "altered"),
        "wrapped-for-another": (
            {"sealed": sealed(_signed(), key=secret("another"))},
            "the content key is wrapped under another key",
        ),
        "kid": (with_(header={"alg": "A256KW", "kid": "dis_" + "E" * 22}), "another's key id"),
        "alg": (with_(header={"alg": "dir", "kid": DISCLOSURE}), "the algorithm is fixed"),
        "protected-spelling": (
            with_(protected=b64u(spaced.encode())),
            "the header in another spelling than the one that was authenticated",
        ),
        "protected-spaced": (
            {"sealed": sealed(_signed(), header=spaced)},
            "a header with spaces, though authenticated so",
        ),
        "protected-enc": (
            {"sealed": sealed(_signed(), header=FIELD_HEADER.replace("A256GCM", "A128GCM"))},
            "the algorithm is fixed",
        ),
        "protected-zip": (
            {"sealed": sealed(_signed(), header=FIELD_HEADER[:-1] + ',"zip":"DEF"}')},
            "a header member that is not in the form",
        ),
        "aad-field": ({"field": "education.attendance.band"}, "sealed as another field"),
        "aad-record": ({"record": "rec_" + "S" * 22}, "sealed as another record"),
        "aad-source": ({"source": "nav-larvik"}, "sealed by another source"),
        "aad-altered": (
            with_(aad=b64u(canonical({**aad, "source": "nav-larvik"}))),
            "what it is bound to is authenticated",
        ),
        "padding": (with_(tag=good["tag"] + "=="), "base64url is without padding"),
        "short-tag": (with_(tag=good["tag"][:-2]), "a tag has 16 bytes"),
        "no-token": ({"sealed": sealed("0.62")}, "no signed value inside"),
        "unsigned": (
            {"sealed": sealed(_signed(header=compact({**named, "alg": "none"})))},
            "not signed with EdDSA, says its header",
        ),
        "typ": (under({**named, "typ": "JWT"}), "a token of another kind"),
        "header-member": (under({**named, "crit": []}), "a header member that is not in the form"),
        "stranger": ({"sealed": sealed(stranger)}, "not signed by the source's key"),
        "no-keys": ({"jwks": {"keys": []}}, "the source has no such key"),
        "inner-field": (holding(field="education.grades"), "the signed field is another"),
        "inner-record": (holding(record="rec_" + "S" * 22), "the signed record is another"),
        "observed": ({"observed_at": "2026-11-02T08:30:00Z"}, "the signed time is another"),
        "basis": (holding(basis="guessed"), "a basis that is not known"),
        "claim": (holding(more=1), "a claim that is not in the form"),
        "person": ({"national_id": "01817500001"}, "the value is about somebody else"),
        "salt": (holding(subject_tag=subject_tag_short()), "the salt of the tag has 16 bytes"),
    }
    given = {name: members for name, (members, _) in examples.items()}
    refused = changed(plain, given, {name: why for name, (_, why) in examples.items()})
    return Vectors(
        "sealed-field",
        "given `sealed` (flattened JWE), the key that its content key is wrapped under, its key id, the"
        " field, record and source it is bound to, the source's JWK set, the time that the manifest"
        " names and the national identity number that was asked about: open, verify, read.",
        ["RFC 7516 section 7.2.2", "RFC 3394", "RFC 7515", "RFC 8037", "RFC 8785"],
        [
            plain,
            _field("text", "not only ASCII", "trives i små grupper — «bra»"),
            _field("object", "any JSON", {"first": "læreplass", "ranks": [1, 2], "left": None}),
        ],
        refused,
    )


def subject_tag_short() -> dict[str, str]:
    """A tag that names a salt of fifteen bytes."""
    return {**subject_tag(NATIONAL_ID, secret("tag")[:16]), "salt": b64u(bytes(15))}
