"""What commands say: exit codes, what is wrong, what could not be checked, how far it has come."""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from audit import fsck

HOLDS, WRONG, UNCHECKED = 0, 1, 2


def say_wrong(options: argparse.Namespace, text: str) -> int:
    """Something is wrong: the exit code that says so, too."""
    if options.json:
        print(json.dumps({"ok": False, "error": text}))
    print(f"wrong: {text}", file=sys.stderr)
    return WRONG


def say_unchecked(options: argparse.Namespace, text: str) -> int:
    """It could not be checked, which says nothing good or bad."""
    if options.json:
        print(json.dumps({"ok": None, "error": text}))
    print(f"could not check: {text}", file=sys.stderr)
    return UNCHECKED


def say_findings(findings: Sequence[fsck.Finding], more: int) -> None:
    """Each thing that is wrong, in a line."""
    for finding in findings:
        where = "" if finding.index is None else f" at entry {finding.index}"
        print(f"WRONG {finding.kind}{where}: {finding.detail}")
    if more:
        print(f"WRONG and {more} more")


def findings_json(findings: Sequence[fsck.Finding]) -> list[dict[str, Any]]:
    """The same for machines."""
    return [{"kind": each.kind, "index": each.index, "detail": each.detail} for each in findings]


@contextlib.contextmanager
def progress(unit: str) -> Iterator[fsck.Progress]:
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
