"""Copies of the project's policies to change in a test."""

import shutil
from pathlib import Path

from tests.policies.tools import ROOT

AGREEMENT = "facts/collaborations/ungdomsutvalget-larvik.yaml"


def copied(directory: Path) -> Path:
    """A copy of the project's own policies, in a directory that is not there yet."""
    ignored = shutil.ignore_patterns("*_test.rego", "testing", ".regal.yaml")
    return shutil.copytree(ROOT / "policies", directory, ignore=ignored)


def rewrite(directory: Path, place: str, was: str, becomes: str) -> int:
    """Replace the first ``was`` in a file; returns the line (from 1) that it began on."""
    file = directory / place
    text = file.read_text(encoding="utf-8")
    before, found, after = text.partition(was)
    assert found, f"{place} does not hold {was}"
    file.write_text(before + becomes + after, encoding="utf-8")
    return before.count("\n") + 1
