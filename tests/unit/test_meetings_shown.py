"""Meetings in lines, with an agenda and without."""

from datetime import UTC, datetime

import pytest

from tillit import display, wire


@pytest.mark.parametrize(("agenda", "lines"), [((), 3), (("education", "plan"), 4)])
def test_a_meeting_is_shown_with_its_agenda_where_it_has_one(
    agenda: tuple[str, ...], lines: int
) -> None:
    """A line that says about nothing would be read as a fault."""
    meeting = wire.MeetingView(
        id="mtg_" + "A" * 22,
        collaboration="ungdomsutvalget-larvik",
        held_at=datetime(2026, 3, 3, 8, 5, tzinfo=UTC),
        participants=(
            wire.Participant(unit="nav-larvik", role="veileder"),
            wire.Participant(unit="thor-heyerdahl-vgs", role="radgiver"),
        ),
        agenda=agenda,
    )
    assert len(list(display.meeting_text(meeting))) == lines
