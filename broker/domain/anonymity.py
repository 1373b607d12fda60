"""Anonymity: the closed words an anonymous case is told in, and the group of people it could be about."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import Field

from broker.domain.entries import Entry, Labelled
from tillit.wire import CaseWord, Gender

DEFAULT_K = 5
LEAST_K = 2


class AgeBand(Entry):
    """Ages, both ends included."""

    min: Annotated[int, Field(ge=0, le=120)]
    max: Annotated[int, Field(ge=0, le=120)]


class Vocabulary(Entry):
    """What an anonymous case can say: an age band, what it is about, what help is looked for. Nothing else has a place."""

    age_bands: dict[str, AgeBand]
    topics: dict[CaseWord, Labelled]
    needs: dict[CaseWord, Labelled]


@dataclass(frozen=True, slots=True)
class Group:
    """Everybody in a municipality who was born after one day and until another, of one gender or (None) any."""

    municipality: str
    born_after: date
    born_until: date
    gender: Gender | None


def group(municipality: str, band: AgeBand, gender: Gender | None, *, today: date) -> Group:
    """Everybody who is of those ages today."""
    return Group(
        municipality=municipality,
        born_after=_years_before(today, band.max + 1),
        born_until=_years_before(today, band.min),
        gender=gender,
    )


def _years_before(day: date, years: int) -> date:
    """The same day so many years ago; of 29 February the day before, since whoever is born on 1 March is younger."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
