"""``tillit-audit verify``: a whole log against its public key."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audit import files, fsck
from audit.commands import given
from audit.commands.saying import HOLDS, WRONG, findings_json, progress, say_findings


def declare(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    check = commands.add_parser(
        "verify", parents=[common], help="check a whole log against its public key"
    )
    check.add_argument("source", metavar="SOURCE", help="broker URL, or mirrored directory")
    check.add_argument("--vkey", required=True, help="the log's vkey, or a file that holds it")
    check.add_argument("--since", metavar="FILE", help="checkpoint of an earlier visit")
    check.add_argument("--save", metavar="FILE", help="keep the checkpoint here if all holds")
    check.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check, and say what was found."""
    vkey = given.vkey(options.vkey)
    since = given.since(options.since, vkey) if options.since else None
    with given.source(options) as source, progress("entries") as told:
        report = fsck.verify(source, vkey, now=datetime.now(UTC), since=since, progress=told)
    if report.holds and report.checkpoint and options.save:
        files.write(Path(options.save), report.checkpoint.note.encode())
    if options.json:
        print(json.dumps(_as_json(report), ensure_ascii=False, indent=2))
    else:
        _tell(report)
    return HOLDS if report.holds else WRONG


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
    say_findings(report.findings, report.more)


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
        "findings": findings_json(report.findings),
        "more": report.more,
    }
