"""Every benchmark, one after another, and one table: what was aimed at, measured, and met.

``python -m tests.bench [NAME …]``; exits with 1 when a target is missed.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import custodian, decision, disclosures, log

Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One target beside what was measured; ``met`` where a bench has several that may be met or not."""

    what: str
    target: str
    measured: str
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """A module with ``run() -> result`` (``met`` among its members) and ``report(result)``, and its lines."""

    module: ModuleType
    lines: Callable[[Result], Sequence[Line]]


def _decision(result: Result) -> Sequence[Line]:
    grown = result["growth"]
    return (
        Line("decision, p50", "≤ 1.0 ms", f"{result['p50_ms']:.2f} ms"),
        Line("decision, p99", "≤ 2.5 ms", f"{result['p99_ms']:.2f} ms"),
        Line("decision reused under a lease", "≤ 0.1 ms", f"{result['lease']['p50_ms']:.3f} ms"),
        Line("from 1 to 1,000 collaborations", "≤ 1.10", f"{grown['collaborations']:.2f}"),
        Line("from 1 to 100 others' consents", "≤ 1.10", f"{grown['others']:.2f}"),
        Line("from 40 to 400 own lines", "≤ 10", f"{grown['own_lines']:.1f}"),
    )


def _disclosures(result: Result) -> Sequence[Line]:
    best, ratio = result["best"], result["ratio"]
    bare = f"{best['bare']['per_second']:,.0f}/s"
    return tuple(
        Line(
            f"disclosures to a bare endpoint, {how}",
            f"≥ {target:.2f}",
            f"{ratio[name]:.2f} ({best[name]['per_second']:,.0f}/s to {bare})",
            met=ratio[name] >= target,
        )
        for name, how, target in (
            ("cold", "each decided", disclosures.TARGET_COLD),
            ("leased", "under leases", disclosures.TARGET_LEASED),
        )
    )


def _custodian(result: Result) -> Sequence[Line]:
    measured = f"{result['large_to_small']:.2f}"
    return (Line("release, 20 x 100 KB to 20 x 100 bytes", "0.83 to 1.20", measured),)


def _log(result: Result) -> Sequence[Line]:
    return (
        Line("log, append and sequence", "≥ 1,500/s", f"{result['batched']['both']:,.0f}/s"),
        Line(
            f"inclusion proof among {result['inclusion']['size']:,}, p99",
            "≤ 5 ms",
            f"{result['inclusion']['p99_ms']:.2f} ms",
        ),
    )


BENCHES: Mapping[str, Bench] = {
    "decision": Bench(decision, _decision),
    "disclosures": Bench(disclosures, _disclosures),
    "custodian": Bench(custodian, _custodian),
    "log": Bench(log, _log),
}


def main(names: Sequence[str]) -> int:
    """Run the named benches, or all; 0 when every target is met."""
    unknown = set(names) - BENCHES.keys()
    if unknown:
        sys.stderr.write(f"no such bench; there are: {', '.join(BENCHES)}\n")
        return 2
    console = Console(highlight=False)
    table = Table(title="Targets", title_justify="left")
    for heading in ("what", "target", "measured", ""):
        table.add_column(heading, no_wrap=heading != "what")
    missed = False
    for name, result in _results(names or list(BENCHES), console):
        missed |= not result["met"]
        for line in BENCHES[name].lines(result):
            met = result["met"] if line.met is None else line.met
            table.add_row(line.what, line.target, line.measured, _verdict(met=met))
    console.print()
    console.print(table)
    return int(missed)


def _results(names: Sequence[str], console: Console) -> Iterator[tuple[str, Result]]:
    for name in names:
        begun = time.monotonic()
        with console.status(f"measuring: {name} …"):
            result: Result = BENCHES[name].module.run()
        console.print(BENCHES[name].module.report(result), markup=False)
        console.print(f"  measured in {time.monotonic() - begun:.0f} s\n", markup=False)
        yield name, result


def _verdict(*, met: bool) -> str:
    return "[green]met" if met else "[red]MISSED"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
