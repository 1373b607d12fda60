"""The README's pictures: there for both colour schemes, told in words, and light enough for whoever reads it on a phone."""

import re
import struct
from pathlib import Path

import pytest

from broker.demo.pictures import MOST_BYTES
from tests.architecture.sources import ROOT

PICTURES = ROOT / "broker" / "docs" / "pictures"
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(
    r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">\s*'
    r'<img src="([^"]+)" width="\d+" alt="([^"]*)">\s*</picture>',
    README,
)


def width(path: Path) -> int:
    """A PNG's width, out of its header."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return int(struct.unpack(">I", head[16:20])[0])


def test_every_picture_there_is_is_shown_light_and_dark() -> None:
    """One that nobody sees any more would tell of pages that are gone."""
    dark, light = ([ROOT / shown[n] for shown in SHOWN] for n in (0, 1))
    assert len(SHOWN) == README.count("<img ") == 4
    assert [str(path).replace("-dark", "-light") for path in dark] == [str(path) for path in light]
    assert sorted([*dark, *light]) == sorted(PICTURES.iterdir())


@pytest.mark.parametrize("path", sorted(PICTURES.iterdir()), ids=lambda path: path.name)
def test_each_is_as_wide_as_its_screen_and_small(path: Path) -> None:
    """A phone's and a computer's, as the portal is looked at."""
    assert width(path) == int(path.stem.split("-")[1])
    assert path.stat().st_size <= MOST_BYTES


def test_each_says_in_words_what_is_on_it() -> None:
    """For whoever does not see it."""
    told = [alt for _, _, alt in SHOWN]
    assert len({*told}) == len(told)
    assert [alt for alt in told if len(alt) < 40] == []
