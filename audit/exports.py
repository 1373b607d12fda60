"""Exports: events as files that others read, JSON lines, CSV, Parquet, FHIR; written whole or not at all.

No format names a person, since events name none.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

from audit import fhir, files
from audit.errors import AuditError
from audit.facets import KINDS
from tillit.jose import unb64u
from tillit.wire.auditing import AuditedEvent

COLUMNS = ("index", "type", "at", *KINDS, "leaf_hash", "commitment")
ROWS = 10_000
"""At most so many rows in memory, where a format is written in groups."""

_FORMULA = frozenset("=+-@\t\r\n|%")

Write = Callable[[Iterable[AuditedEvent], IO[bytes], str], int]


class FormatMissing(AuditError):
    """A library that the format takes is not installed; ``detail`` says what to install."""

    code = "audit.format_missing"


def export(events: Iterable[AuditedEvent], path: Path, *, form: str, broker: str) -> int:
    """Write the file; returns how many events. ``form`` is one of ``FORMATS``.

    Raises ``FormatMissing``, ``SourceUnavailable`` where it cannot be written, and what the events raise; then there is no
    file, or the one before.
    """
    with files.whole(path) as file:
        return FORMATS[form](events, file, broker)


def row(event: AuditedEvent) -> dict[str, Any]:
    """The event as a flat row: hashes in hex, words of one kind beside each other."""
    return {
        "index": event.index,
        "type": event.type,
        "at": event.at.isoformat().replace("+00:00", "Z"),
        **{kind: " ".join(event.facets.get(kind, ())) for kind in KINDS},
        "leaf_hash": unb64u(event.leaf_hash).hex(),
        "commitment": unb64u(event.commitment).hex(),
    }


def cell(value: object) -> str:
    """A CSV cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in _FORMULA else text


def _jsonl(events: Iterable[AuditedEvent], file: IO[bytes], _: str) -> int:
    return _lines((event.model_dump(mode="json") for event in events), file)


def _fhir(events: Iterable[AuditedEvent], file: IO[bytes], broker: str) -> int:
    return _lines((fhir.audit_event(event, broker=broker) for event in events), file)


def _lines(documents: Iterable[Mapping[str, Any]], file: IO[bytes]) -> int:
    count = 0
    for count, document in enumerate(documents, 1):  # noqa: B007 (the last number is how many)
        file.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return count


def _csv(events: Iterable[AuditedEvent], file: IO[bytes], _: str) -> int:
    lines = _Encoded(file)
    writer = csv.writer(lines)
    writer.writerow(COLUMNS)
    count = 0
    for count, event in enumerate(events, 1):  # noqa: B007 (the last number is how many)
        writer.writerow([cell(value) for value in row(event).values()])
    return count


def _parquet(events: Iterable[AuditedEvent], file: IO[bytes], _: str) -> int:
    try:
        import pyarrow as pa  # noqa: PLC0415 (an extra: most auditors need no Parquet)
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as missing:
        raise FormatMissing("install pyarrow, or tillit-audit[parquet]") from missing
    words = pa.list_(pa.string())
    schema = pa.schema(
        [
            ("index", pa.int64()),
            ("type", pa.string()),
            ("at", pa.timestamp("us", tz="UTC")),
            *((kind, words) for kind in KINDS),
            ("leaf_hash", pa.binary(32)),
            ("commitment", pa.binary(32)),
        ]
    )
    count = 0
    with parquet.ParquetWriter(file, schema) as writer:
        for group in _groups(events):
            rows = [_typed(event) for event in group]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def _typed(event: AuditedEvent) -> dict[str, Any]:
    return {
        "index": event.index,
        "type": event.type,
        "at": event.at,
        **{kind: list(event.facets.get(kind, ())) for kind in KINDS},
        "leaf_hash": unb64u(event.leaf_hash),
        "commitment": unb64u(event.commitment),
    }


def _groups(events: Iterable[AuditedEvent]) -> Iterator[Sequence[AuditedEvent]]:
    left = iter(events)
    while group := list(islice(left, ROWS)):
        yield group


class _Encoded:
    """What the csv module writes text to."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode())


FORMATS: Mapping[str, Write] = {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet, "fhir": _fhir}
