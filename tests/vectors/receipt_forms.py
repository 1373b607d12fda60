"""Vectors of receipts: the broker's signed word on a disclosure, and the leaf that it promises."""

from datetime import datetime
from typing import Any

from tests.vectors.drafts import (
    Accepted,
    Vectors,
    changed,
    compact,
    flipped,
    secret,
    signer,
    stray,
    token,
)
from tests.vectors.sealed_forms import DISCLOSURE, FIELD
from tillit import leaves
from tillit.jose import b64u, ed25519_jwk

AT = "2026-11-20T09:15:30.123456Z"
BROKER = signer("receipts")
JWK = ed25519_jwk(BROKER.public_key())
JWKS = {"keys": [JWK]}
HEADER: dict[str, Any] = {"alg": "EdDSA", "kid": JWK["kid"], "typ": "tillit-receipt+jws"}


def payload(**statement: Any) -> dict[str, Any]:
    """What a receipt says."""
    says = {
        "type": "disclosure",
        "id": DISCLOSURE,
        "at": AT,
        "recipient": "nav-larvik",
        "actor": {"id": "a17", "role": "veileder"},
        "subject": "hdl_" + "B" * 22,
        "purpose": "case_discussion",
        "collaboration": "ungdomsutvalget-larvik",
        "meeting": None,
        "outcome": "partly_released",
        "manifest": b64u(secret("manifest")),
        "decision": {FIELD: "permit", "health.diagnosis": ["consent.no_grant"]},
        "policy": {"version": "2026.11.1", "digest": "sha256:" + "0" * 64},
    }
    promise = {"origin": "log.example/vectors", "at": AT, "salt": b64u(secret("receipt's salt"))}
    return {
        "v": 1,
        "iss": "https://tillit.example",
        "statement": {**says, **statement},
        "promise": promise,
    }


def _receipt(name: str, why: str, **statement: Any) -> Accepted:
    whole = payload(**statement)
    mac = leaves.commitment(secret("receipt's salt"), whole["statement"])
    leaf = leaves.leaf("disclosure", datetime.fromisoformat(AT), mac)
    given = {"token": token(compact(HEADER), compact(whole), BROKER), "jwks": JWKS}
    read = {
        "issuer": whole["iss"],
        "statement": whole["statement"],
        "leaf": leaf.decode(),
        "leaf_hash_hex": leaves.leaf_hash(leaf).hex(),
    }
    return Accepted(name, why, given, read)


def receipts() -> Vectors:
    """The receipt: a compact JWS whose statement and salt give a log leaf."""
    plain = _receipt("plain", "something was released, something withheld")
    refused_all = _receipt(
        "refused",
        "nothing was released, which is logged just as well",
        outcome="refused",
        decision={FIELD: ["consent.no_grant", "ceiling.purpose"]},
        collaboration=None,
    )
    header, whole = compact(HEADER), payload()
    good = str(plain.given["token"])
    parts = good.split(".")
    stranger = signer("stranger")
    stranger_jwk = ed25519_jwk(stranger.public_key())

    def signed(header: Any = HEADER, payload: Any = whole) -> dict[str, Any]:
        return {"token": token(compact(header), compact(payload), BROKER)}

    def promising(**changes: Any) -> dict[str, Any]:
        return signed(payload={**whole, "promise": {**whole["promise"], **changes}})

    def stating(**changes: Any) -> dict[str, Any]:
        return signed(payload=payload(**changes))

    forged = {"token": token(header, compact(whole), stranger)}
    own = {**HEADER, "jwk": stranger_jwk, "kid": stranger_jwk["kid"]}
    flattened = dict(zip(("protected", "payload", "signature"), parts, strict=True))
    twice = compact(whole)[:-1] + ',"v":1}'
    examples: dict[str, tuple[dict[str, Any], str]] = {
        "signature": ({"token": flipped(good, -9)}, "altered"),
        "payload": (
            {
                "token": ".".join(
                    (parts[0], b64u(compact(payload(id="dis_" + "E" * 22)).encode()), parts[2])
                )
            },
            "altered",
        ),
        "unsigned": ({"token": f"{parts[0]}.{parts[1]}."}, "no signature"),
        "none": (
            {"token": f"{b64u(compact({**HEADER, 'alg': 'none'}).encode())}.{parts[1]}."},
            "the algorithm is fixed",
        ),
        "alg": (signed({**HEADER, "alg": "HS256"}), "the algorithm is fixed"),
        "alg-name": (signed({**HEADER, "alg": "Ed25519"}), "the algorithm goes by its one name"),
        "typ": (signed({**HEADER, "typ": "JWT"}), "a token of another kind"),
        "kid": (signed({**HEADER, "kid": "another"}), "a key that is not the broker's"),
        "own-key": (
            {"token": token(compact(own), compact(whole), stranger)},
            "a key that the token brings along",
        ),
        "crit": (signed({**HEADER, "crit": ["exp"]}), "a header member that is not in the form"),
        "stranger": (forged, "signed by another key under the broker's key id"),
        "no-keys": ({"jwks": {"keys": []}}, "no key to verify with"),
        "key-use": (
            {"jwks": {"keys": [{**JWK, "use": "enc"}]}},
            "the key is for another use",
        ),
        "parts": ({"token": good + "."}, "a compact JWS has three parts"),
        "padding": ({"token": good + "=="}, "base64url is without padding"),
        "space": ({"token": good + "\n"}, "no white space"),
        "json": ({"token": compact(flattened)}, "not the compact serialisation"),
        "twice": ({"token": token(header, twice, BROKER)}, "a member that stands twice"),
        "half-character": (
            {"token": token(header, compact(whole).replace("2026.11.1", "2026\\ud800"), BROKER)},
            "a surrogate that stands alone is no text",
        ),
        "half-character-issuer": (
            {"token": token(header, compact(whole).replace("tillit.example", "\\ud800"), BROKER)},
            "nor outside the statement",
        ),
        "member": (signed(payload={**whole, "more": 1}), "a member that is not in the form"),
        "missing": (
            signed(payload={k: v for k, v in whole.items() if k != "promise"}),
            "it promises no leaf",
        ),
        "version": (signed(payload={**whole, "v": 2}), "of a version that is not known"),
        "version-true": (signed(payload={**whole, "v": True}), "true is no number"),
        "version-decimal": (signed(payload={**whole, "v": 1.0}), "1 is written without decimals"),
        "salt-short": (promising(salt=b64u(bytes(31))), "a salt has 32 bytes"),
        "salt-stray-bits": (
            promising(salt=stray(whole["promise"]["salt"])),
            "the last bits spell no byte",
        ),
        "zone": (promising(at=AT[:-1]), "a time without its zone"),
        "promise-zone": (
            promising(at="2026-11-20T10:15:30.123456+01:00"),
            "the time is right, but not written in UTC",
        ),
        "promise-noughts": (
            promising(at="2026-11-20T09:15:30.000000Z"),
            "a whole second is written without decimals",
        ),
        "statement-zone": (
            stating(at="2026-11-20T10:15:30.123456+01:00"),
            "the time is right, but not written in UTC",
        ),
        "statement-noughts": (
            stating(at="2026-11-20T09:15:30.000000Z"),
            "a whole second is written without decimals",
        ),
        "statement-day": (stating(at="2026-02-30T09:15:30Z"), "there is no such day"),
        "outcome": (stating(outcome="allowed"), "an outcome that is not known"),
        "subject": (stating(subject="01817500000"), "a subject is an opaque handle"),
        "actor": (
            stating(actor={"id": "01817500000", "role": "veileder"}),
            "an actor's id holds no national identity number",
        ),
        "reason": (stating(decision={FIELD: ["no"]}), "a reason that has not the form of one"),
        "unit-long": (stating(recipient="n" * 65), "a unit's id has at most 64 characters"),
        "field-long": (
            stating(decision={f"a.{'b' * 79}": "permit"}),
            "a field's name has at most 80 characters",
        ),
        "reason-long": (
            stating(decision={FIELD: [f"a.{'b' * 59}"]}),
            "a reason has at most 60 characters",
        ),
        "not-json": ({"token": token(header, "{", BROKER)}, "not JSON"),
        "empty": ({"token": ""}, "nothing"),
    }
    given = {name: members for name, (members, _) in examples.items()}
    refused = changed(plain, given, {name: why for name, (_, why) in examples.items()})
    return Vectors(
        "receipt",
        "given `token` and the broker's JWK set: verify, read issuer and statement, and compute the leaf:"
        " its type, the promise's time, and HMAC-SHA256(salt, JCS(statement)).",
        ["RFC 7515 section 7.1", "RFC 8037", "RFC 8785", "RFC 6962 section 2.1"],
        [plain, refused_all],
        refused,
    )
