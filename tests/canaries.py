"""Canaries: distinctive texts, every form in which one could lie in a file, and the search for them."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import create_engine, inspect, text

_CHUNK = 8 * 1024 * 1024


@dataclass(frozen=True)
class Found:
    """A canary that lies where none may."""

    canary: str
    form: str
    where: str


def forms(text: str) -> Mapping[str, bytes]:
    """The bytes by which a text could be found: as it is, encoded, turned round, or hashed without a key."""
    raw = text.encode()
    digest = hashlib.sha256(raw).digest()
    found = {
        "raw": raw,
        "upper": text.upper().encode(),
        "lower": text.lower().encode(),
        "reversed": raw[::-1],
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "percent": quote(text).encode(),
        "json": json.dumps(text)[1:-1].encode(),
        "base32": _stable(base64.b32encode(raw)),
        "sha256": digest,
        "sha256 hex": digest.hex().encode(),
        "sha256 base64": base64.b64encode(digest).rstrip(b"="),
        "sha256 base64url": base64.urlsafe_b64encode(digest).rstrip(b"="),
    }
    for offset in range(3):
        padded = bytes(offset) + raw
        found[f"base64+{offset}"] = _inside(base64.b64encode(padded), offset, len(padded))
        found[f"base64url+{offset}"] = _inside(
            base64.urlsafe_b64encode(padded), offset, len(padded)
        )
    return found


def _inside(encoded: bytes, offset: int, length: int) -> bytes:
    """The characters of a base64 text that depend on nothing but the text in it."""
    first = -(-offset * 4 // 3) if offset else 0
    return encoded[first : length * 4 // 3]


def _stable(encoded: bytes) -> bytes:
    return encoded.rstrip(b"=")[:-1]


def files(*places: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below the places, in overlapping pieces, with its name among the first."""
    for place in places:
        for path in (place, *sorted(place.rglob("*"))):
            yield f"the name of {path.name}", path.name.encode()
            if path.is_file():
                yield from _pieces(path)


def _pieces(path: Path) -> Iterator[tuple[str, bytes]]:
    tail = b""
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield path.name, tail + piece
            tail = piece[-1024:]


def search(canaries: Iterable[str], texts: Iterable[tuple[str, bytes]]) -> list[Found]:
    """Where any canary lies in any form."""
    wanted = [
        (canary, form, pattern) for canary in canaries for form, pattern in forms(canary).items()
    ]
    return [
        Found(canary, form, where)
        for where, text in texts
        for canary, form, pattern in wanted
        if pattern in text
    ]


def dumped(database_url: str) -> Iterator[tuple[str, bytes]]:
    """Every row of every table, as text and as the bytes it holds."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):  # noqa: S608 - schema
                yield f"a row of {table}", repr(tuple(row)).encode()
                for cell in row:
                    if isinstance(cell, bytes):
                        yield f"bytes in {table}", cell
    engine.dispose()
