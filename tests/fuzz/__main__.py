"""Fuzzes everything that reads what came from outside.

``python -m tests.fuzz [--count N] [--seed S] [--processes P] [TARGET …]``: N inputs to each target, 1,000,000
when left out (or ``TILLIT_FUZZ_INPUTS``). Exits with 1 when one crashed or accepted what it must not.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence

from tests.fuzz.campaign import Outcome, run
from tests.fuzz.targets import everything

DEFAULT = 1_000_000


def main(argv: Sequence[str]) -> int:
    """Run; 0 when nothing was found."""
    names = [target.name for target in everything()]
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    inputs = int(os.environ.get("TILLIT_FUZZ_INPUTS", DEFAULT))
    parser.add_argument("--count", type=int, default=inputs, help="inputs to each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("target", nargs="*", metavar="TARGET", help=", ".join(names))
    options = parser.parse_args(argv)
    unknown = set(options.target) - set(names)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    begun, found = time.monotonic(), False
    for name in options.target or names:
        outcome = run(
            name,
            count=options.count,
            seed=options.seed,
            processes=options.processes,
            progress=_progress,
        )
        found |= bool(outcome.failures)
        _tell(outcome)
    sys.stdout.write(f"{time.monotonic() - begun:,.0f} s in all, seed {options.seed}\n")
    return int(found)


def _progress(name: str, done: int, count: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{name}: {done:,} of {count:,} ")
        sys.stderr.flush()


def _tell(outcome: Outcome) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    sys.stdout.write(
        f"{outcome.name:<20} {outcome.inputs:>10,} inputs, {outcome.refused:>10,} refused, "
        f"{outcome.accepted:>8,} rightly accepted, {outcome.inputs / outcome.seconds:>9,.0f}/s\n"
    )
    for failure in outcome.failures:
        sys.stdout.write(f"  FOUND {failure}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
