"""A campaign: so many inputs to one target, in blocks that can be run again one by one."""

import multiprocessing
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from tests.fuzz.judging import Target
from tests.fuzz.mutations import Mutator
from tests.fuzz.targets import everything

BLOCK = 2_000
MOST_FAILURES = 10
_LONGEST_SHOWN = 400

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Outcome:
    """What came of it. ``failures``: block, error and input of each kind of failure, once."""

    name: str
    inputs: int
    refused: int
    accepted: int
    seconds: float
    failures: tuple[str, ...]


@dataclass(frozen=True)
class _Block:
    inputs: int
    accepted: int
    failures: tuple[tuple[str, str], ...]


def run(
    name: str,
    *,
    count: int,
    seed: int = 1,
    processes: int = 1,
    progress: Progress = lambda *_: None,
) -> Outcome:
    """Draw and judge so many inputs. With one process, in this one."""
    blocks = [(number, min(BLOCK, count - number * BLOCK)) for number in range(-(-count // BLOCK))]
    work = partial(_block, name, seed)
    begun, done, accepted = time.monotonic(), 0, 0
    failures: dict[str, str] = {}

    def take(block: _Block) -> None:
        nonlocal done, accepted
        done, accepted = done + block.inputs, accepted + block.accepted
        for where, shown in block.failures:
            if len(failures) < MOST_FAILURES:
                failures.setdefault(where, shown)
        progress(name, done, count)

    if processes == 1:
        for each in blocks:
            take(work(each))
    else:
        with multiprocessing.get_context("fork").Pool(processes) as pool:
            for block in pool.imap_unordered(work, blocks):
                take(block)
    told = tuple(f"{where}: {shown}" for where, shown in failures.items())
    refused = done - accepted - (len(failures) if failures else 0)
    return Outcome(name, done, refused, accepted, time.monotonic() - begun, told)


@cache
def target(name: str) -> Target[Any]:
    """A target by its name."""
    return next(each for each in everything() if each.name == name)


def _block(name: str, seed: int, block: tuple[int, int]) -> _Block:
    number, size = block
    wanted = target(name)
    mutator = Mutator(wanted.originals, f"{name} {seed} {number}")
    accepted = 0
    failures: dict[str, str] = {}
    for _ in range(size):
        given = mutator.draw()
        try:
            accepted += wanted.judge(given)
        except Exception as wrong:  # noqa: BLE001 - whatever it is, it was found
            shown = repr(given)[:_LONGEST_SHOWN]
            failures.setdefault(_where(wrong), f"block {number}, seed {seed}: {shown}")
    return _Block(size, accepted, tuple(failures.items()))


def _where(wrong: Exception) -> str:
    """What it was, and the line of ours that let it through."""
    ours = [
        f for f in traceback.extract_tb(wrong.__traceback__) if "site-packages" not in f.filename
    ]
    last = ours[-1]
    place = f"{last.filename.rpartition('/')[2]}:{last.lineno}"
    return f"{type(wrong).__name__} at {place}"
