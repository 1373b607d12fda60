"""``tillit-audit reconcile``: the custodian's releases against the log."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audit import files
from audit.commands import given
from audit.commands.saying import HOLDS, WRONG, findings_json, progress, say_findings
from audit.reconcile import Reconciled, reconcile


def declare(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    check = commands.add_parser(
        "reconcile",
        parents=[common],
        help="check that every key the custodian released stands on an entry of the log",
    )
    check.add_argument("source", metavar="SOURCE", help="broker URL, or mirrored directory")
    check.add_argument("--vkey", required=True, help="the log's vkey, or a file that holds it")
    check.add_argument(
        "--releases",
        required=True,
        type=Path,
        metavar="DIR",
        help="the custodian's release log, as `tillit-custodian export` copies it",
    )
    check.add_argument(
        "--releases-vkey", required=True, help="the custodian's vkey, or a file that holds it"
    )
    for name, of in (("", "the log"), ("releases-", "the release log")):
        check.add_argument(
            f"--{name}since", metavar="FILE", help=f"head of {of} from an earlier visit"
        )
        check.add_argument(
            f"--{name}save", metavar="FILE", help=f"keep the head of {of} here if all holds"
        )
    check.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compare, and say what was found."""
    vkey = given.vkey(options.vkey)
    releases_vkey = given.vkey(options.releases_vkey, "--releases-vkey")
    since = given.since(options.since, vkey) if options.since else None
    before = None
    if options.releases_since:
        before = given.since(options.releases_since, releases_vkey, "--releases-since")
    with given.source(options) as source, progress("entries") as told:
        found = reconcile(
            source,
            vkey,
            releases=options.releases,
            releases_vkey=releases_vkey,
            now=datetime.now(UTC),
            since=since,
            releases_since=before,
            progress=told,
        )
    if found.holds:
        _save(options, found)
    if options.json:
        print(json.dumps(_as_json(found), ensure_ascii=False, indent=2))
    else:
        _tell(found)
    return HOLDS if found.holds else WRONG


def _save(options: argparse.Namespace, found: Reconciled) -> None:
    for path, head in (
        (options.save, found.log.checkpoint),
        (options.releases_save, found.releases.head),
    ):
        if path and head is not None:
            files.write(Path(path), head.note.encode())


def _tell(found: Reconciled) -> None:
    print(f"{found.releases.number} releases, on {found.entries} entries of the log")
    print(
        f"{found.disclosures} disclosures in the log, of which {found.unreleased} released nothing"
    )
    print("  (refused, or never handed out: which of the two no leaf says)")
    if found.pending:
        print(f"{found.pending} releases are too young to tell: run it again in a minute")
    if found.releases.torn:
        print(f"{found.releases.torn} bytes of the release log are no line: a writer died in them")
    if found.holds:
        print("Holds: no key was released without its entry in the log.")
    say_findings(found.findings, found.more)


def _as_json(found: Reconciled) -> dict[str, Any]:
    return {
        "ok": found.holds,
        "origin": found.log.checkpoint.origin if found.log.checkpoint else None,
        "size": found.log.checkpoint.size if found.log.checkpoint else None,
        "releases": found.releases.number,
        "entries": found.entries,
        "disclosures": found.disclosures,
        "unreleased": found.unreleased,
        "pending": found.pending,
        "torn": found.releases.torn,
        "findings": findings_json(found.findings),
        "more": found.more,
    }
