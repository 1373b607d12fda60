"""``tillit-audit export``: entries as a file, in JSON lines, CSV, Parquet or FHIR AuditEvent (IHE BALP)."""

import argparse
import json
from pathlib import Path
from typing import Any

from audit.commands import given, search
from audit.commands.saying import HOLDS, progress
from audit.exports import FORMATS, export


def declare(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser("export", parents=[common], help="write entries into a file")
    parser.add_argument("source", metavar="URL", help="broker URL")
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument(
        "--format",
        choices=sorted(FORMATS),
        default="jsonl",
        help="JSON lines, CSV, Parquet (with the extra parquet), or FHIR R4 AuditEvents by line",
    )
    search.filters(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the file, whole or not at all."""
    with given.auditor(options) as auditor, progress("entries searched") as told:
        events = auditor.events(search.query(options), after=options.after, progress=told)
        count = export(events, options.file, form=options.format, broker=auditor.url)
    if options.json:
        print(json.dumps({"ok": True, "events": count, "file": str(options.file)}))
    else:
        print(f"{options.file} holds {count} entries.")
    return HOLDS
