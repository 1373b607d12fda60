"""Behind each sentence of SECURITY.md stands a test: this one keeps the names on that page true."""

import re

from tests.architecture.sources import ROOT

_NAMED = re.compile(r"`(test_[a-z_]+\.py)::(test_[a-z0-9_]+)`")


def test_every_test_that_the_security_page_names_is_there() -> None:
    """A promise whose test was renamed or deleted is a promise nobody keeps."""
    named = set(_NAMED.findall((ROOT / "SECURITY.md").read_text(encoding="utf-8")))
    there = {
        (path.name, name)
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }
    assert named
    assert sorted(named - there) == []
