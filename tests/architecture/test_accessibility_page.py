"""Behind each line of the accessibility page stands a test or a reason: this one keeps its names true and its list whole."""

import re

from tests.architecture.sources import ROOT

PAGE = (ROOT / "broker" / "docs" / "accessibility.md").read_text(encoding="utf-8")
AT_LEVEL_A_AND_AA = 55
_NAMED = re.compile(r"`(test_\w+)`")
_ROW = re.compile(r"^\| ([0-9., ]+) .*\| A+(?:, A+)? \| .+ \|$", re.MULTILINE)


def test_every_test_that_the_accessibility_page_names_is_there() -> None:
    """A claim whose test was renamed or deleted is a claim nobody checks."""
    there = {
        name
        for path in (ROOT / "tests" / "browser").glob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }
    named = set(_NAMED.findall(PAGE))
    assert named
    assert sorted(named - there) == []


def test_every_criterion_has_its_line() -> None:
    """WCAG 2.2 has 55 criteria at the levels A and AA; one that is left out was not looked at."""
    found = [criterion for row in _ROW.findall(PAGE) for criterion in row.split(", ")]
    assert len(set(found)) == len(found) == AT_LEVEL_A_AND_AA
