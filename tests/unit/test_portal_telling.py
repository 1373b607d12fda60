"""What the portal tells of: each kind of notice in words of its own."""

import re
from pathlib import Path

import broker.usecases
from broker.portal.telling import CONTACTS, HELPERS, NOTICES

KIND = re.compile(r'Notice\(\s*"([a-z_]+)"')


def test_every_notice_says_what_happened() -> None:
    """That "Nav did something that concerns you" is for what a newer broker wrote, and frightens."""
    found = {
        kind
        for file in Path(*broker.usecases.__path__).glob("*.py")
        for kind in KIND.findall(file.read_text(encoding="utf-8"))
    }
    assert "question_asked" in found
    assert found - {*NOTICES, *HELPERS, *CONTACTS} == set()
