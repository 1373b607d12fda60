"""A second verifier of what Tillit logs and signs, written from the specifications alone.

It shares no code with the product: the standard library and the Ed25519 of ``cryptography``.

    python -m tests.vectors.verifier DIRECTORY VKEY [OLDER-CHECKPOINT]

checks a mirrored log. Every function raises one of ``WRONG`` or returns what it has read.
"""

import base64
import hashlib
import hmac
import json
import re
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WRONG = (ValueError, LookupError, TypeError, OSError, RecursionError, InvalidSignature)
SLACK = timedelta(seconds=10)
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
TYPE = r"(?=.{1,64}\")[a-z][a-z_]*(?:\.[a-z][a-z_]*)*"
LEAF = rf'{{"at":"({TIME})","commitment":"([\w-]{{43}})","type":"({TYPE})","v":1}}'


def must(true: object, why: str) -> None:
    """Insist."""
    if not true:
        raise ValueError(why)


def strict(data: bytes | str) -> Any:
    """JSON in which no member stands twice, and no half of a character."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        must(len(dict(pairs)) == len(pairs) and jcs(pairs), "a member stands twice")
        return dict(pairs)

    return json.loads(data if isinstance(data, str) else data.decode(), object_pairs_hook=once)


def jcs(value: Any) -> bytes:
    """RFC 8785, where member names are ASCII and numbers whole."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def unb64(text: str, size: int | None = None, *, url: bool = False) -> bytes:
    """Base64 (padded) or base64url (not) in its one spelling."""
    padded = text + "=" * (-len(text) % 4) if url else text
    data = base64.b64decode(padded, b"-_" if url else None, validate=True)
    same = b64u(data) if url else base64.b64encode(data).decode()
    must(same == text and size in {None, len(data)}, "not base64 of so many bytes")
    return data


def b64u(data: bytes) -> str:
    """Base64url, not padded."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def raw(given: dict[str, Any], name: str) -> bytes:
    """A member that is text, or bytes in hexadecimal."""
    return given[name].encode() if name in given else bytes.fromhex(given[f"{name}_hex"])


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(count: int) -> int:
    """The largest power of two below."""
    return 1 << ((count - 1).bit_length() - 1)


def root(row: list[bytes]) -> bytes:
    """The root over leaf hashes."""
    if len(row) <= 1:
        return row[0] if row else hashlib.sha256().digest()
    return node(root(row[: split(len(row))]), root(row[split(len(row)) :]))


def steps(given: dict[str, Any]) -> list[bytes]:
    """A proof's path."""
    must(all(len(step) == 64 for step in given["path_hex"]), "not hashes")
    return [bytes.fromhex(step) for step in given["path_hex"]]


def climbed(index: int, size: int, found: bytes, path: list[bytes]) -> bytes:
    """The root that a path leads to, by its definition from the top; takes the path away."""
    if size == 1:
        return found
    step, k = path.pop(), split(size)
    if index < k:
        return node(climbed(index, k, found, path), step)
    return node(step, climbed(index - k, size - k, found, path))


def inclusion(given: dict[str, Any]) -> dict[str, Any]:
    """A leaf in a tree."""
    path = steps(given)
    must(0 <= given["index"] < given["size"] < 2**63, "no such leaf")
    found = climbed(given["index"], given["size"], bytes.fromhex(given["leaf_hash_hex"]), path)
    must(found.hex() == given["root_hex"] and not path, "not in this tree")
    return {}


def both(old: int, new: int, start: bytes | None, path: list[bytes]) -> tuple[bytes, bytes]:
    """The old and the new root that a path leads to (SUBPROOF of RFC 6962, backwards)."""
    if old == new:
        found = path.pop() if start is None else start
        return found, found
    step, k = path.pop(), split(new)
    if old <= k:
        was, now = both(old, k, start, path)
        return was, node(now, step)
    was, now = both(old - k, new - k, None, path)
    return node(step, was), node(step, now)


def consistency(given: dict[str, Any]) -> dict[str, Any]:
    """A tree that continues another."""
    path = steps(given)
    must(0 < given["old_size"] <= given["new_size"] < 2**63, "no such trees")
    start = bytes.fromhex(given["old_root_hex"])
    was, now = both(given["old_size"], given["new_size"], start, path)
    must(was == start and now.hex() == given["new_root_hex"] and not path, "another tree")
    return {}


def leaf(given: dict[str, Any]) -> dict[str, Any]:
    """An entry of the log."""
    match = re.fullmatch(LEAF, raw(given, "leaf").decode(), re.ASCII)
    at, word, kind = match.groups() if match else ()
    must(datetime.fromisoformat(at), "no such time")
    hashed = hashlib.sha256(b"\0" + raw(given, "leaf")).hexdigest()
    mac = unb64(word, 32, url=True)
    return {"type": kind, "at": at, "commitment_hex": mac.hex(), "leaf_hash_hex": hashed}


def checkpoint(given: dict[str, Any]) -> dict[str, Any]:
    """A tree head under its signatures: the plain one (1), and timestamped ones (4)."""
    data = raw(given, "note")
    name, key_id, key = given["vkey"].split("+", 2)
    public = unb64(key, 33)[1:]
    named = name.encode() + b"\n"
    kinds = {hashlib.sha256(named + k + public).digest()[:4]: k for k in (b"\1", b"\4")}
    must(kinds.get(bytes.fromhex(key_id)) == unb64(key)[:1] == b"\1", "not a vkey")
    text, blank, lines = data.decode().rpartition("\n\n")
    must(blank and lines.endswith("\n") and lines.count("\n") <= 64, "not a note")
    must(len(data) <= 65536 and not re.search(rb"[\x00-\x09\x0b-\x1f]", data), "not a note")
    signed, at = False, None
    for line in lines[:-1].split("\n"):
        dash, who, blob = line.split(" ")
        must(dash == "\N{EM DASH}" and len(unb64(blob)) > 4, "not a signature")
        must(who.isprintable() and 0 < len(who) <= 256 and "+" not in who, "not a name")
        kind = kinds.get(unb64(blob)[:4]) if who == name else None
        message, signature = f"{text}\n".encode(), unb64(blob)[4:]
        if kind == b"\4":
            seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            message = b"cosignature/v1\ntime %d\n%b" % (seconds, message)
            at = max(at or 0, seconds)
        if kind:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        signed |= kind == b"\1"
    origin, size, hashed, *more = text.split("\n")
    must(signed and origin == name and all(more), "not this log's checkpoint")
    must(re.fullmatch("0|[1-9][0-9]{0,18}", size) and int(size) < 2**63, "not a size")
    time = None if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {"origin": origin, "size": int(size), "root_hex": unb64(hashed, 32).hex(), "at": time}


def tile(directory: Path, level: int | str, n: int, width: int) -> bytes:
    """One file of a mirror (C2SP tlog-tiles)."""
    digits = f"{n:03d}".zfill(-(-len(str(n)) // 3) * 3)
    where = "/".join(f"x{digits[at : at + 3]}" for at in range(0, len(digits), 3))
    where = where[: where.rindex("x")] + where[-3:] + f".p/{width}" * (width < 256)
    return (directory / f"tile/{level}/{where}").read_bytes()


def log(directory: Path, vkey: str, older: str | None = None) -> dict[str, Any]:
    """A mirrored log: its entries, times and tiles, and that it continues an older checkpoint."""
    head = checkpoint({"vkey": vkey, "note": (directory / "checkpoint").read_text()})
    seen: dict[str, Any] = {"size": 0, "at": None}
    if older:
        seen = checkpoint({"vkey": vkey, "note": older})
    row: list[bytes] = []
    types = Counter[str]()
    latest = datetime(1, 1, 2, tzinfo=UTC)
    first = datetime.fromisoformat(seen["at"] or latest.isoformat())
    for n in range(-(-head["size"] // 256)):
        data = tile(directory, "entries", n, min(256, head["size"] - n * 256))
        while data:
            stop = 2 + int.from_bytes(data[:2], "big")
            read = leaf({"leaf_hex": data[2:stop].hex()})
            at, data = datetime.fromisoformat(read["at"]), data[stop:]
            earliest = max(latest, first) if len(row) >= seen["size"] else latest
            must(at >= earliest - SLACK, f"entry {len(row)} is dated back")
            must(at <= datetime.fromisoformat(head["at"]) + SLACK, f"entry {len(row)} is too young")
            latest = max(latest, at)
            types[read["type"]] += 1
            row.append(bytes.fromhex(read["leaf_hash_hex"]))
    must((len(row), root(row).hex()) == (head["size"], head["root_hex"]), "another tree is signed")
    must(seen["size"] <= len(row), "the log is shorter than it was")
    must(not older or root(row[: seen["size"]]).hex() == seen["root_hex"], "the log is another one")
    level = 0
    while row:
        tiles = [row[at : at + 256] for at in range(0, len(row), 256)]
        for n, held in enumerate(tiles):
            must(
                tile(directory, level, n, len(held)) == b"".join(held), f"tile {level}/{n} is wrong"
            )
        level, row = level + 1, [root(held) for held in tiles if len(held) == 256]
    return {**head, "types": dict(types)}


def jws(token: str, jwks: dict[str, Any], typ: str) -> bytes:
    """The payload of a compact JWS by one of these keys."""
    protected, payload, signature = token.split(".")
    header = strict(unb64(protected, url=True))
    must(header == {"alg": "EdDSA", "kid": header["kid"], "typ": typ}, "another kind of token")
    (jwk,) = [each for each in jwks["keys"] if (each["kid"], each["use"]) == (header["kid"], "sig")]
    must((jwk["kty"], jwk["crv"]) == ("OKP", "Ed25519"), "not a key to sign with")
    public = Ed25519PublicKey.from_public_bytes(unb64(jwk["x"], 32, url=True))
    public.verify(unb64(signature, 64, url=True), f"{protected}.{payload}".encode())
    return unb64(payload, url=True)


def receipt(given: dict[str, Any]) -> dict[str, Any]:
    """The broker's word on a disclosure, and the leaf that it promises."""
    says = strict(jws(given["token"], given["jwks"], "tillit-receipt+jws"))
    must((says.keys(), says["v"]) == ({"v", "iss", "statement", "promise"}, 1), "not a receipt")
    statement, promise = says["statement"], says["promise"]
    at = datetime.fromisoformat(promise["at"]).isoformat("T", "microseconds").replace("+00:00", "Z")
    mac = hmac.digest(unb64(promise["salt"], 32, url=True), jcs(statement), "sha256")
    text = f'{{"at":"{at}","commitment":"{b64u(mac)}","type":"disclosure","v":1}}'
    hashed = leaf({"leaf": text})["leaf_hash_hex"]
    return {"issuer": says["iss"], "statement": statement, "leaf": text, "leaf_hash_hex": hashed}


FORMS = {each.__name__: each for each in (leaf, checkpoint, inclusion, consistency, receipt)}

if __name__ == "__main__":
    mirror, vkey, *older = sys.argv[1:]
    sys.stdout.write(f"{log(Path(mirror), vkey, *(Path(each).read_text() for each in older))}\n")
