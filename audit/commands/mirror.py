"""``tillit-audit mirror``: a log copied into a directory."""

import argparse
import json
from pathlib import Path
from typing import Any

from audit import mirror
from audit.commands import given
from audit.commands.saying import HOLDS, progress


def declare(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    copy = commands.add_parser("mirror", parents=[common], help="copy a log into a directory")
    copy.add_argument("source", metavar="URL", help="broker URL, or another mirror")
    copy.add_argument("directory", metavar="DIR", type=Path)
    copy.add_argument("--vkey", help="the log's vkey: refuse a checkpoint that it has not signed")
    copy.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Bring the copy up to date."""
    vkey = given.vkey(options.vkey) if options.vkey else None
    with given.source(options) as source, progress("tiles") as told:
        head = mirror.mirror(source, options.directory, vkey=vkey, progress=told)
    if options.json:
        print(json.dumps({"ok": True, "origin": head.origin, "size": head.size}))
    else:
        print(f"{options.directory} holds {head.origin} up to entry {head.size}.")
    return HOLDS
