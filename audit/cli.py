"""The ``tillit-audit`` command: verify a log from outside, or mirror it.

Exit codes: 0 everything holds, 1 something is wrong, 2 it could not be checked.
"""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from audit import fsck, mirror
from audit.errors import AuditError, ResourceMissing, SourceUnavailable
from audit.sources import Credentials, DirectorySource, HttpSource, Source
from tillit.errors import TillitError, VerificationError
from tillit.keys import ServiceKey
from tillit.notes import MAX_NOTE_BYTES, NoteInvalid, VerifiedCheckpoint, Vkey, open_checkpoint

HOLDS, WRONG, UNCHECKED = 0, 1, 2
TIMEOUT = httpx.Timeout(30, connect=5)

_MAX_TOKEN_BYTES = 8192


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(argv)
    try:
        code: int = options.run(options)
    except KeyboardInterrupt:
        return _unchecked(options, "interrupted")
    except AuditError as wrong:
        text = f"{wrong.code}: {wrong.detail}"
        if isinstance(wrong, mirror.MirrorRefused | ResourceMissing):
            return _say_wrong(options, text)
        return _unchecked(options, text)
    except VerificationError as wrong:
        return _say_wrong(options, f"{wrong.code}: {wrong.detail}")
    except TillitError as wrong:
        return _unchecked(options, f"{wrong.code}: {wrong.detail}")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tillit-audit", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--key", metavar="FILE", help="service key, for an access token")
    common.add_argument("--client", metavar="UNIT", help="the unit that the service key must be of")
    common.add_argument("--token-file", metavar="FILE", help="access token, instead of a key")
    common.add_argument("--json", action="store_true", help="answer in JSON")

    check = commands.add_parser(
        "verify", parents=[common], help="check a whole log against its public key"
    )
    check.add_argument("source", metavar="SOURCE", help="broker URL, or mirrored directory")
    check.add_argument("--vkey", required=True, help="the log's vkey, or a file that holds it")
    check.add_argument("--since", metavar="FILE", help="checkpoint of an earlier visit")
    check.add_argument("--save", metavar="FILE", help="keep the checkpoint here if all holds")
    check.set_defaults(run=_verify)

    copy = commands.add_parser("mirror", parents=[common], help="copy a log into a directory")
    copy.add_argument("source", metavar="URL", help="broker URL, or another mirror")
    copy.add_argument("directory", metavar="DIR", type=Path)
    copy.add_argument("--vkey", help="the log's vkey: refuse a checkpoint that it has not signed")
    copy.set_defaults(run=_mirror)
    return parser


def _verify(options: argparse.Namespace) -> int:
    vkey = _vkey(options.vkey)
    since = _since(options.since, vkey) if options.since else None
    with _source(options) as source, _progress("entries") as progress:
        report = fsck.verify(source, vkey, now=datetime.now(UTC), since=since, progress=progress)
    if report.holds and report.checkpoint and options.save:
        mirror.write(Path(options.save), report.checkpoint.note.encode())
    if options.json:
        print(json.dumps(_as_json(report), ensure_ascii=False, indent=2))
    else:
        _tell(report)
    return HOLDS if report.holds else WRONG


def _mirror(options: argparse.Namespace) -> int:
    vkey = _vkey(options.vkey) if options.vkey else None
    with _source(options) as source, _progress("tiles") as progress:
        head = mirror.mirror(source, options.directory, vkey=vkey, progress=progress)
    if options.json:
        print(json.dumps({"ok": True, "origin": head.origin, "size": head.size}))
    else:
        print(f"{options.directory} holds {head.origin} up to entry {head.size}.")
    return HOLDS


@contextlib.contextmanager
def _source(options: argparse.Namespace) -> Iterator[Source]:
    if "://" not in options.source:
        yield DirectorySource(Path(options.source))
        return
    with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
        yield HttpSource(client, options.source, _bearer(options, client))


def _bearer(options: argparse.Namespace, client: httpx.Client) -> Callable[[], str] | None:
    if options.token_file:
        token = _read(options.token_file, _MAX_TOKEN_BYTES).decode("ascii", "replace").strip()
        return lambda: token
    if options.key:
        key = ServiceKey.load(options.key)
        if options.client and options.client != key.unit:
            raise SourceUnavailable("the service key is not that unit's")
        return Credentials(client, options.source, key)
    return None


def _vkey(given: str) -> Vkey:
    try:
        if "+" not in given or Path(given).is_file():
            given = _read(given, MAX_NOTE_BYTES).decode("utf-8", "replace").strip()
        return Vkey.parse(given)
    except NoteInvalid as wrong:
        raise SourceUnavailable(f"--vkey: {wrong.detail}") from wrong


def _since(path: str, vkey: Vkey) -> VerifiedCheckpoint:
    try:
        return open_checkpoint(_read(path, MAX_NOTE_BYTES), vkey)
    except NoteInvalid as wrong:
        raise SourceUnavailable(f"--since: {wrong.detail}") from wrong


def _read(path: str, limit: int) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(limit + 1)
    except OSError as wrong:
        raise SourceUnavailable(f"{path}: {wrong.strerror}") from wrong


@contextlib.contextmanager
def _progress(unit: str) -> Iterator[fsck.Progress]:
    """A bar on a terminal; elsewhere a line now and then once it takes more than a second."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(unit)
        return
    columns = (TextColumn(unit), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(unit, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class Lines:
    """Progress as a line on standard error, first ``after`` and then ``every`` so many seconds."""

    def __init__(self, unit: str, *, after: float = 1.0, every: float = 5.0) -> None:
        self._unit = unit
        self._every = every
        self._next = time.monotonic() + after

    def __call__(self, done: int, total: int) -> None:
        """Say how far it has come, if it is time to."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._every
        print(f"{done} of {total} {self._unit}", file=sys.stderr, flush=True)


def _tell(report: fsck.Report) -> None:
    head, since = report.checkpoint, report.since
    if head is not None:
        signed = f"signed {head.at.isoformat()}" if head.at else "signed at an unknown time"
        print(f"{head.origin}: {head.size} entries, root {head.root.hex()}, {signed}")
    for kind, count in sorted(report.types.items()):
        print(f"  {count:>9} {kind}")
    if report.holds:
        print(
            "Holds: every entry is in the tree that is signed; none altered, moved or dated back."
        )
        if since is not None:
            print(f"It continues the log of {since.size} entries that was seen before.")
    for finding in report.findings:
        where = "" if finding.index is None else f" at entry {finding.index}"
        print(f"WRONG {finding.kind}{where}: {finding.detail}")
    if report.more:
        print(f"WRONG and {report.more} more")


def _as_json(report: fsck.Report) -> dict[str, Any]:
    head, since = report.checkpoint, report.since
    return {
        "ok": report.holds,
        "origin": head.origin if head else None,
        "size": head.size if head else None,
        "root": head.root.hex() if head else None,
        "at": head.at.isoformat() if head and head.at else None,
        "since": since.size if since else None,
        "checked": report.entries,
        "types": report.types,
        "findings": [
            {"kind": found.kind, "index": found.index, "detail": found.detail}
            for found in report.findings
        ],
        "more": report.more,
    }


def _say_wrong(options: argparse.Namespace, text: str) -> int:
    if options.json:
        print(json.dumps({"ok": False, "error": text}))
    print(f"wrong: {text}", file=sys.stderr)
    return WRONG


def _unchecked(options: argparse.Namespace, text: str) -> int:
    if options.json:
        print(json.dumps({"ok": None, "error": text}))
    print(f"could not check: {text}", file=sys.stderr)
    return UNCHECKED


if __name__ == "__main__":
    sys.exit(main())
