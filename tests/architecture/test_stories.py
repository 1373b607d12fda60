"""Each of the twelve youths has a story that is a test."""

import re
from pathlib import Path

from broker.demo.people import THE_TWELVE

STORIES = Path(__file__).parent.parent / "e2e"


def test_each_of_the_twelve_has_a_story() -> None:
    """A rule that nobody's life needs is easily got wrong; whoever is added to the twelve is told of in a test."""
    told = "\n".join(path.read_text("utf-8") for path in STORIES.glob("test_people_*.py"))
    names = {youth.first_name for youth in THE_TWELVE}
    assert {
        name for name in names if re.search(rf"^def test_{name.lower()}", told, re.MULTILINE)
    } == names
