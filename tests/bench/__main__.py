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

from tests.bench import (
    custodian,
    decision,
    disclosures,
    log,
    log_large,
    log_postgres,
    portal,
    search,
)

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
    ratio, many = result["large_to_small"], result["release"]["many"]["p50_ms"]
    return (
        Line(
            "release, 20 x 100 KB to 20 x 100 bytes",
            "0.83 to 1.20",
            f"{ratio:.2f}",
            met=1 / custodian.TARGET_RATIO <= ratio <= custodian.TARGET_RATIO,
        ),
        Line(
            f"embedded release of {custodian.MANY} values, p50",
            f"≤ {custodian.TARGET_MS} ms",
            f"{many:.2f} ms",
            met=many <= custodian.TARGET_MS,
        ),
    )


def _log(result: Result) -> Sequence[Line]:
    per_second, proofs = result["batched"]["both"], result["inclusion"]
    return (
        Line(
            "log, append and sequence",
            f"≥ {log.TARGET_PER_SECOND:,}/s",
            f"{per_second:,.0f}/s",
            met=per_second >= log.TARGET_PER_SECOND,
        ),
        Line(
            f"inclusion proof among {proofs['size']:,}, p99",
            f"≤ {log.TARGET_MS:.0f} ms",
            f"{proofs['p99_ms']:.2f} ms",
            met=proofs["p99_ms"] <= log.TARGET_MS,
        ),
    )


def _log_postgres(result: Result) -> Sequence[Line]:
    per_second, wait = result["batched"]["both"], result["wait"]["p99_ms"]
    return (
        Line(
            "log on PostgreSQL, append and sequence",
            f"≥ {log_postgres.TARGET_PER_SECOND:,}/s",
            f"{per_second:,.0f}/s",
            met=per_second >= log_postgres.TARGET_PER_SECOND,
        ),
        Line(
            "from commit to a signed place, p99",
            f"≤ {log_postgres.TARGET_WAIT_MS:,.0f} ms",
            f"{wait:.0f} ms",
            met=wait <= log_postgres.TARGET_WAIT_MS,
        ),
    )


def _log_large(result: Result) -> Sequence[Line]:
    checked, proofs, entries = result["verify"], result["inclusion"], result["entries"]
    return (
        Line(
            f"verify of {checked['entries']:,} entries",
            f"≤ {log_large.TARGET_SECONDS:.0f} s, {log_large.TARGET_MB:.0f} MB",
            f"{checked['seconds']:.1f} s, {checked['mb']:.0f} MB",
            met=checked["seconds"] <= log_large.TARGET_SECONDS
            and checked["mb"] <= log_large.TARGET_MB,
        ),
        Line(
            f"inclusion proof among {entries:,}, p99",
            f"≤ {log_large.TARGET_PROOF_MS:.0f} ms",
            f"{proofs['p99_ms']:.2f} ms",
            met=proofs["p99_ms"] <= log_large.TARGET_PROOF_MS,
        ),
        *(
            Line(
                f"search among {entries:,} ({name}), p99",
                f"≤ {log_large.TARGET_SEARCH_MS:.0f} ms",
                f"{one['p99_ms']:.1f} ms",
                met=one["p99_ms"] <= log_large.TARGET_SEARCH_MS,
            )
            for name, one in result["search"].items()
        ),
    )


def _portal(result: Result) -> Sequence[Line]:
    first, start, timeline = result["first"], result["start"], result["timeline"]
    crowded = result["crowded"]
    return (
        Line(
            "portal, first page",
            f"≤ {portal.TARGET_KB:.0f} KB, {portal.TARGET_REQUESTS} requests",
            f"{first['kb']:.1f} KB, {first['requests']}",
            met=first["kb"] <= portal.TARGET_KB and first["requests"] <= portal.TARGET_REQUESTS,
        ),
        Line(
            f"start page with {result['youths']} youths, p50",
            f"≤ {portal.TARGET_START_MS:.0f} ms",
            f"{start['p50_ms']:.1f} ms",
            met=start["p50_ms"] <= portal.TARGET_START_MS,
        ),
        Line(
            f"start page with {result['many']:,} youths, p50",
            f"≤ {portal.TARGET_MANY_MS:.0f} ms",
            f"{crowded['p50_ms']:.1f} ms",
            met=crowded["p50_ms"] <= portal.TARGET_MANY_MS,
        ),
        Line(
            f"page of a timeline of {result['rows']:,}, p50",
            f"≤ {portal.TARGET_TIMELINE_MS:.0f} ms",
            f"{timeline['p50_ms']:.1f} ms",
            met=timeline["p50_ms"] <= portal.TARGET_TIMELINE_MS,
        ),
    )


def _search(result: Result) -> Sequence[Line]:
    return tuple(
        Line(
            f"search among {result['size']:,}, {name}",
            f"≤ {search.TARGET_MS:.0f} ms",
            f"{page['worst_ms']:.1f} ms",
            met=page["worst_ms"] <= search.TARGET_MS,
        )
        for name, page in result["pages"].items()
    )


BENCHES: Mapping[str, Bench] = {
    "decision": Bench(decision, _decision),
    "disclosures": Bench(disclosures, _disclosures),
    "custodian": Bench(custodian, _custodian),
    "log": Bench(log, _log),
    "log_postgres": Bench(log_postgres, _log_postgres),
    "log_large": Bench(log_large, _log_large),
    "portal": Bench(portal, _portal),
    "search": Bench(search, _search),
}
# They take minutes and gigabytes: run when they are named.
ON_DEMAND = frozenset({"log_large", "search"})


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
    for name, result in _results(
        names or [each for each in BENCHES if each not in ON_DEMAND], console
    ):
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
