"""How long contents are kept: classes by type, months by class, epochs by both."""

from datetime import UTC, datetime
from importlib.resources import files

import pytest

from audit.retention import AHEAD, Rules, read, rules
from tillit.contents import is_epoch

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
RULES = Rules(
    months={"short": 2, "long": 14},
    prefixes={"ask": "short", "ask.kept": "long"},
    default="long",
)
TEXT = files("audit").joinpath("retention.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ask", "short"),
        ("ask.refused", "short"),
        ("ask.kept", "long"),
        ("ask.kept.on", "long"),
        ("asked", "long"),
        ("other", "long"),
    ],
)
def test_the_longest_prefix_of_whole_words_decides(kind: str, expected: str) -> None:
    """A type that nobody thought of is kept as the default says, not as what it begins like."""
    assert RULES.class_of(kind) == RULES.class_of(kind) == expected


def test_an_epoch_is_over_when_its_last_entrys_months_are() -> None:
    """Counted from the month's end, so that nothing is kept for less than was promised."""
    assert RULES.epoch_of("ask", NOW) == "short-2026-11"
    assert RULES.ends("short-2026-11") == datetime(2027, 2, 1, tzinfo=UTC)
    assert RULES.ends("long-2026-11") == datetime(2028, 2, 1, tzinfo=UTC)
    assert not RULES.is_over("short-2026-11", datetime(2027, 1, 31, 23, 59, tzinfo=UTC))
    assert RULES.is_over("short-2026-11", datetime(2027, 2, 1, tzinfo=UTC))


def test_a_class_that_is_no_longer_known_is_kept() -> None:
    """A release that renames a class destroys nothing by that."""
    assert RULES.ends("gone-2000-01") is None
    assert not RULES.is_over("gone-2000-01", NOW)


def test_keys_are_made_for_the_months_to_come() -> None:
    """Over the turn of the year too."""
    assert RULES.ahead(NOW) == (
        "long-2026-11",
        "short-2026-11",
        "long-2026-12",
        "short-2026-12",
        "long-2027-01",
        "short-2027-01",
    )
    assert AHEAD == 2


def test_the_releases_own_rules_add_up() -> None:
    """Every class has a name that an epoch can have, and what governs is said."""
    assert all(is_epoch(epoch) for epoch in rules().ahead(NOW))
    assert rules().months == {"sharing": 60, "answers": 60, "traffic": 24, "operation": 120}
    assert rules().class_of("consent.withdrawn") == "answers"
    assert rules().class_of("subject.known") == "traffic"
    assert rules().class_of("subject.erased") == "operation"
    assert 'as_of = "' in TEXT


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('default = "sharing"', 'default = "nothing"'),
        ("months = 24", "months = 0"),
        ("months = 24", "months = 2.5"),
        ("months = 24", "months = true"),
        ('traffic = ["check"', 'traffic = ["disclosure"'),
        ('traffic = ["check"', 'other = ["check"'),
    ],
)
def test_rules_that_do_not_add_up_are_refused(was: str, becomes: str) -> None:
    """A retention is not guessed."""
    assert was in TEXT
    with pytest.raises(ValueError, match=r"."):
        read(TEXT.replace(was, becomes))
