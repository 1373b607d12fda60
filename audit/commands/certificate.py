"""``tillit-audit certificate``: whether a custodian has signed that a person's key was destroyed, and which copies hold it."""

import argparse
import json
from pathlib import Path
from typing import Any

from audit.commands import given
from audit.commands.saying import HOLDS
from audit.files import read
from tillit import shredding
from tillit.leaves import instant

MAX_BYTES = 64 * 1024


def declare(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    check = commands.add_parser(
        "certificate", parents=[common], help="check a certificate of shredding"
    )
    check.add_argument("certificate", metavar="FILE", type=Path)
    check.add_argument("--custodian", required=True, help="the custodian's vkey, or a file with it")
    check.add_argument("--copy", type=Path, help="a file of a keyring: is it the one that died?")
    check.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check it, and say what it says."""
    token = read(options.certificate, MAX_BYTES).decode("utf-8", "replace").strip()
    verified = shredding.verify(token, given.vkey(options.custodian, "--custodian"))
    if options.copy:
        verified.check_file(read(options.copy, MAX_BYTES))
    if options.json:
        said = {"at": instant(verified.at), "epoch": verified.epoch, "ok": True}
        print(json.dumps({**said, "subject": verified.subject_sha256.hex()}))
    else:
        print(f"destroyed at {instant(verified.at)}, in epoch {verified.epoch} of the root key")
        print(f"subject {verified.subject_sha256.hex()}")
    return HOLDS
