"""The group of people an anonymous case could be about: who is of those ages today."""

from datetime import date

import pytest

from broker.domain.anonymity import AgeBand, group
from broker.engine.bundle import DEFAULT_DIRECTORY, load
from broker.usecases.people import ADULT


@pytest.mark.parametrize(
    ("today", "after", "until"),
    [
        ("2026-11-23", "2007-11-23", "2010-11-23"),
        ("2026-01-01", "2007-01-01", "2010-01-01"),
        ("2028-02-29", "2009-02-28", "2012-02-29"),
        ("2027-02-28", "2008-02-28", "2011-02-28"),
    ],
)
def test_a_band_is_who_is_of_those_ages_today(today: str, after: str, until: str) -> None:
    """Whoever turns sixteen today is in it, and whoever turns nineteen is not."""
    found = group("larvik", AgeBand(min=16, max=18), "woman", today=date.fromisoformat(today))
    assert (found.born_after.isoformat(), found.born_until.isoformat()) == (after, until)
    assert (found.municipality, found.gender) == ("larvik", "woman")


def test_every_band_is_named_as_it_is() -> None:
    """What a service reads is what is counted; none holds children and grown in one but those that say so."""
    bands = load(DEFAULT_DIRECTORY).catalogue.anonymous.age_bands
    assert {name: f"{band.min}-{band.max}" for name, band in bands.items()} == {n: n for n in bands}
    assert all(band.min < band.max for band in bands.values())
    assert any(band.max < ADULT for band in bands.values())
