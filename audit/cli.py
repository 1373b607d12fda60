"""The ``tillit-audit`` command: verify a log from outside, watch it, prove, copy, search, reconcile, report, export.

Exit codes: 0 everything holds, 1 something is wrong, 2 it could not be checked.
"""

import argparse
import sys
from collections.abc import Sequence

from audit.commands import (
    certificate,
    export,
    given,
    mirror,
    proof,
    reconcile,
    report,
    search,
    verify,
    watch,
)
from audit.commands.saying import say_unchecked, say_wrong
from audit.errors import AuditError, ResourceMissing
from audit.mirror import MirrorRefused
from tillit.errors import TillitError, VerificationError

COMMANDS = (
    verify.declare,
    mirror.declare,
    watch.declare,
    proof.declare,
    reconcile.declare,
    search.declare,
    report.declare,
    export.declare,
    certificate.declare,
)
"""What adds each command, in the order of the help."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(argv)
    try:
        code: int = options.run(options)
    except KeyboardInterrupt:
        return say_unchecked(options, "interrupted")
    except AuditError as wrong:
        text = f"{wrong.code}: {wrong.detail}"
        if isinstance(wrong, MirrorRefused | ResourceMissing):
            return say_wrong(options, text)
        return say_unchecked(options, text)
    except VerificationError as wrong:
        return say_wrong(options, f"{wrong.code}: {wrong.detail}")
    except TillitError as wrong:
        return say_unchecked(options, f"{wrong.code}: {wrong.detail}")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tillit-audit", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = given.flags()
    for declare in COMMANDS:
        declare(commands, common)
    return parser


if __name__ == "__main__":
    sys.exit(main())
