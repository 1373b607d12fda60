"""The gates of the policies, by the real tools: format, strict check, tests with coverage, lint.

`make check` calls it. With TILLIT_REQUIRE_OPA=1 a missing tool fails; else it is skipped, and said loudly.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.policies.tools import ROOT, ToolMissing, required, tool

POLICIES = ROOT / "policies"
COVERAGE_PERCENT = 100.0
PATIENCE = "--timeout=120s"  # the tests that drop every fact in turn take seconds on a busy machine


def main() -> int:
    """Run every gate; 0 when all passed (or were skipped where that is allowed)."""
    failed = [name for name, gate in _GATES.items() if not _passed(name, gate)]
    if failed:
        print(f"policies: failed: {', '.join(failed)}")  # noqa: T201 (a command)
    return 1 if failed else 0


def _passed(name: str, gate: Callable[[], str]) -> bool:
    try:
        complaint = gate()
    except ToolMissing as missing:
        print(f"policies: {name} NOT RUN: {missing}", file=sys.stderr)  # noqa: T201 (a command)
        return not required()
    print(f"policies: {name}: {complaint or 'ok'}")  # noqa: T201 (a command)
    return not complaint


def _run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(tool(name)), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    text = (done.stdout + done.stderr).strip()
    return "" if done.returncode == 0 else text or f"exit code {done.returncode}"


def _formatted() -> str:
    done = _run("opa", "fmt", "--list", str(POLICIES))
    return done.stdout.strip() or _complaint(done)


def _checked() -> str:
    return _complaint(_run("opa", "check", "--strict", str(POLICIES)))


def _tested() -> str:
    return _complaint(_run("opa", "test", PATIENCE, str(POLICIES)))


def _covered() -> str:
    done = _run("opa", "test", PATIENCE, "--coverage", "--format=json", str(POLICIES))
    if done.returncode != 0:
        return _complaint(done)
    report = json.loads(done.stdout)
    bare = [
        f"{Path(name).relative_to(POLICIES) if Path(name).is_absolute() else name} lines {_lines(found)}"
        for name, found in sorted(report["files"].items())
        if found.get("not_covered")
    ]
    if report["coverage"] >= COVERAGE_PERCENT:
        return ""
    return f"{report['coverage']} % covered; not: " + "; ".join(bare)


def _lines(found: dict[str, list[dict[str, dict[str, int]]]]) -> str:
    return ", ".join(f"{at['start']['row']}-{at['end']['row']}" for at in found["not_covered"])


def _linted() -> str:
    return _complaint(
        _run("regal", "lint", "--config-file", str(POLICIES / ".regal.yaml"), str(POLICIES))
    )


_GATES: dict[str, Callable[[], str]] = {
    "opa fmt": _formatted,
    "opa check": _checked,
    "opa test": _tested,
    "coverage": _covered,
    "regal lint": _linted,
}

if __name__ == "__main__":
    sys.exit(main())
