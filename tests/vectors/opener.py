"""A second reader of what Tillit seals and states, written from the specifications alone.

It shares no code with the product: ``verifier`` beside it, and the primitives of ``cryptography``.
Every function raises one of ``WRONG`` or returns what it has read.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from tests.vectors import verifier
from tests.vectors.verifier import b64u, jcs, jws, must, strict, unb64

WRONG = (*verifier.WRONG, InvalidTag, InvalidUnwrap)
# Shapes: text is a pattern, [x] a list, [x, y] either, (key, x) a map, a type one of its values, anything else is itself.
UNIT, ID, HASH = r"[a-z0-9][a-z0-9-]{0,63}", r"_[\w-]{22}", r"[\w-]{43}"
WORD, FIELD = r"[a-z][a-z_]{0,39}", r"(?!.{81})[a-z][a-z_]*(\.[a-z][a-z_]*){1,3}"
ABOUT: dict[str, Any] = {
    "recipient": UNIT,
    "subject": f"hdl{ID}",
    "purpose": WORD,
    "collaboration": [UNIT, None],
    "meeting": [f"mtg{ID}", None],
    "policy": {"version": ".*", "digest": r"sha256:[0-9a-f]{64}"},
}
STATEMENT = ABOUT | {
    "type": "disclosure",
    "id": f"dis{ID}",
    "at": datetime,
    "actor": {"id": r"(?!.*\d{11})[\w.-]{1,64}", "role": WORD},
    "outcome": "released|partly_released|refused",
    "manifest": HASH,
    "decision": (FIELD, ["permit", [r"(?!.{61})[a-z_]+\.[a-z_]+"]]),
}
PROMISE = {"origin": ".*", "at": datetime, "salt": HASH}
RECEIPT: dict[str, Any] = {"v": 1, "iss": ".*", "statement": STATEMENT, "promise": PROMISE}
RELEASING = RECEIPT | {"statement": STATEMENT | {"recipient_kid": HASH}}
MANIFESTS = {
    "disclosure": ABOUT
    | {
        "v": 1,
        "disclosure": f"dis{ID}",
        "fields": (FIELD, {"record": f"rec{ID}", "source": UNIT, "observed_at": datetime}),
        "consents": [{"id": f"con{ID}", "version": int}],
        "obligations": {
            "notify": "immediate|digest|delayed|none",
            "erase_after": r"P[1-9]\d{0,3}D",
            "onward_sharing": bool,
            "journal": bool,
        },
        "issued_at": datetime,
        "expires_at": datetime,
    },
    "deposit": {"v": 1, "source": UNIT, "subject": f"hdl{ID}", "fields": (FIELD, f"rec{ID}")},
}
CLAIMS = {
    "author_role": ".*",
    "basis": "measured|stated_by_subject|professional_assessment|diagnosis_by_clinician|derived",
    "subject_tag": {"salt": r"[\w-]+", "tag": HASH},
}
FILE = r"c2sp\.org/tlog-proof@v1\nextra (.+)\nindex (0|[1-9][0-9]{0,18})((?:\n.+)*)"
PROTECTED = b'{"cty":"tillit-field+jws","enc":"A256GCM"}'


def fits(value: Any, shape: Any) -> bool:
    """Whether JSON has a shape, and nothing beyond it."""
    match shape:
        case str():
            fit = isinstance(value, str) and re.fullmatch(shape, value, re.ASCII) is not None
        case {**named}:
            fit = isinstance(value, dict) and value.keys() == named.keys()
            fit = fit and all(fits(value[name], named[name]) for name in named)
        case (name, item) if isinstance(shape, tuple):
            fit = isinstance(value, dict)
            fit = fit and all(fits(k, name) and fits(v, item) for k, v in value.items())
        case [item]:
            fit = isinstance(value, list) and all(fits(each, item) for each in value)
        case [*either]:
            fit = any(fits(value, one) for one in either)
        case _ if shape is datetime:
            fit = isinstance(value, str) and value == written(datetime.fromisoformat(value))
        case _ if shape is int:
            fit = type(value) is int and abs(value) < 2**53
        case _:
            fit = type(value) is shape or (type(value) is type(shape) and value == shape)
    return fit


def written(at: datetime) -> str:
    """A time in its one spelling: in UTC, with six decimals or, where all are nought, none."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def receipt(given: dict[str, Any]) -> dict[str, Any]:
    """A receipt that says what receipts say; ``verifier.receipt`` looks at its signature and leaf."""
    says = strict(unb64(given["token"].split(".")[1], url=True))
    must(fits(says, [RECEIPT, RELEASING]), "not a receipt")
    return verifier.receipt(given)


def manifest(given: dict[str, Any]) -> dict[str, Any]:
    """What a key is bound to."""
    says = strict(given["manifest"])
    must(fits(says, MANIFESTS[given["kind"]]), "not a manifest")
    must(hashlib.sha256(jcs(says)).hexdigest() == given["hash_hex"], "another manifest")
    return {}


def key(given: dict[str, Any]) -> dict[str, Any]:
    """A key that is sealed to its reader."""
    sealed, seed = given["sealed"], bytes.fromhex(given["seed_hex"])
    bound, hybrid = bytes.fromhex(given["manifest_hash_hex"]), given["kty"] == "AKP"
    alg = "HPKE-MLKEM768-X25519" if hybrid else "ECDH-ES+A256KW"
    must((sealed["alg"], sealed["kid"]) == (alg, given["kid"]), "sealed in another way")
    opened = hpke_opened(sealed, seed, bound) if hybrid else ecdh_opened(sealed, seed, bound)
    must(len(opened) == 32, "not a key")
    return {"key_hex": opened.hex()}


def hpke_opened(sealed: dict[str, Any], seed: bytes, bound: bytes) -> bytes:
    """RFC 9180 base mode with MLKEM768-X25519, HKDF-SHA256, AES-256-GCM."""
    expanded = hashlib.shake_256(seed).digest(96)
    post_quantum = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    curve = X25519PrivateKey.from_private_bytes(expanded[64:])
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    pair = hpke.MLKEM768X25519PrivateKey(post_quantum, curve)
    return suite.decrypt(unb64(sealed["jwe"], 1168, url=True), pair, info=bound)


def ecdh_opened(sealed: dict[str, Any], seed: bytes, bound: bytes) -> bytes:
    """RFC 7518 section 4.6 with X25519 and A256KW, inside a compact JWE with A256GCM."""
    protected, *rest = sealed["jwe"].split(".")
    wrapped, iv, data, tag = [unb64(part, url=True) for part in rest]
    header = strict(unb64(protected, url=True))
    epk = {"kty": "OKP", "crv": "X25519", "x": header["epk"]["x"]}
    kept = {"alg": sealed["alg"], "enc": "A256GCM", "kid": sealed["kid"], "apv": b64u(bound)}
    must(header == kept | {"epk": epk} and (len(iv), len(tag)) == (12, 16), "another key agreement")
    public = X25519PublicKey.from_public_bytes(unb64(epk["x"], 32, url=True))
    agreed = X25519PrivateKey.from_private_bytes(seed).exchange(public)
    parts = (sealed["alg"].encode(), b"", bound)
    info = b"".join(len(part).to_bytes(4, "big") + part for part in parts) + b"\0\0\1\0"
    kek = ConcatKDFHash(hashes.SHA256(), 32, info).derive(agreed)
    return AESGCM(aes_key_unwrap(kek, wrapped)).decrypt(iv, data + tag, protected.encode())


def field(given: dict[str, Any]) -> dict[str, Any]:
    """A value: sealed to whoever has its key, signed by its source, about a person."""
    sealed = given["sealed"]
    must(sealed["header"] == {"alg": "A256KW", "kid": given["kid"]}, "addressed to another key")
    bound = b64u(jcs({"v": 1} | {name: given[name] for name in ("field", "record", "source")}))
    protected = b64u(PROTECTED)
    must((sealed["protected"], sealed["aad"]) == (protected, bound), "bound to another field")
    wrapped, iv, tag = (
        unb64(sealed[name], size, url=True)
        for name, size in (("encrypted_key", 40), ("iv", 12), ("tag", 16))
    )
    content_key = aes_key_unwrap(bytes.fromhex(given["key_hex"]), wrapped)
    data = unb64(sealed["ciphertext"], url=True) + tag
    token = AESGCM(content_key).decrypt(iv, data, f"{protected}.{bound}".encode()).decode()
    says = strict(jws(token, given["jwks"], "tillit-field+jws"))
    value = {"value": says.pop("value")}
    named = {name: re.escape(given[name]) for name in ("field", "record", "observed_at")}
    must(fits(says, CLAIMS | named), "another value")
    salt = unb64(says["subject_tag"]["salt"], 16, url=True)
    tag = hmac.digest(salt, given["national_id"].encode(), "sha256")
    must(says["subject_tag"]["tag"] == b64u(tag), "about another person")
    return value | {"basis": says["basis"], "author_role": says["author_role"]}


def cosigned(given: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint that enough witnesses have cosigned (C2SP tlog-cosignature)."""
    head, seen = verifier.checkpoint(given), dict[str, str]()
    text, _, lines = given["note"].rpartition("\n\n")
    for vkey in given["witnesses"]:
        name, key_id, material = vkey.split("+", 2)
        public = unb64(material, 33)
        own = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
        must((public[0], own.hex()) == (4, key_id), "not a witness's vkey")
        for line in lines.splitlines():
            who, blob = line.split(" ")[1], unb64(line.split(" ")[2])
            if (who, blob[:4]) == (name, own):
                seconds = int.from_bytes(blob[4:12], "big")
                message = f"cosignature/v1\ntime {seconds}\n{text}\n"
                Ed25519PublicKey.from_public_bytes(public[1:]).verify(blob[12:], message.encode())
                at = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
                seen[name] = max(at, seen.get(name, at))
    must(len(seen) >= given["threshold"], "too few witnesses")
    return {"size": head["size"], "root_hex": head["root_hex"], "cosigned": seen}


def proof(given: dict[str, Any]) -> dict[str, Any]:
    """A file that proves an entry (C2SP tlog-proof), by its leaf or by the receipt that leads to it."""
    head, _, note = given["proof"].partition("\n\n")
    match = re.fullmatch(FILE, head)
    extra, index, path = match.groups() if match else ()
    must(len(given["proof"].encode()) <= 524288, "too large")
    says = strict(unb64(extra))
    must(
        fits(says, [{"v": 1, "leaf": ".*"}, {"v": 1, "receipt": ".*"}]), "neither leaf nor receipt"
    )
    vkey, text = given["vkey"], says.get("leaf")
    if text is None:
        promise = strict(unb64(says["receipt"].split(".")[1], url=True))["promise"]
        must(promise["origin"] == vkey.split("+")[0], "promised by another log")
        text = receipt({"token": says["receipt"], "jwks": given["jwks"]})["leaf"]
    head = cosigned({**given, "note": note})
    place = {
        "index": int(index),
        "path_hex": [unb64(step, 32).hex() for step in path.split("\n")[1:]],
        "leaf_hash_hex": verifier.leaf({"leaf": text})["leaf_hash_hex"],
    }
    verifier.inclusion(place | {"size": head["size"], "root_hex": head["root_hex"]})
    return {"index": int(index), "size": head["size"], "leaf": text}


FORMS = {
    **verifier.FORMS,
    "cosigned-checkpoint": cosigned,
    "tlog-proof": proof,
    "receipt": receipt,
    "manifest": manifest,
    "sealed-key": key,
    "sealed-field": field,
}
