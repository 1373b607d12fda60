"""A synthetic Larvik: youths in the shares that the evaluations report, the same for a seed.

Shares are quotas, not dice: of 300 youths, 189 are men because 63 % are. Each figure names its
source.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar, cast

from broker.demo.national_ids import Gender, numbers
from broker.demo.people import (
    MENTAL_HEALTH,
    NAV,
    OT,
    SCHOOL,
    THE_TWELVE,
    Benefit,
    Difficulty,
    Guardian,
    Status,
    Youth,
)

LEAST_YOUTHS = len(THE_TWELVE)
MOST_YOUTHS = 20_000
DEFAULT_YOUTHS = 300

_STORY_YEAR = 2026
_OF_AGE = 18
_T = TypeVar("_T")

# Where two of the twelve live, others live too: of fewer than five whom a case could be about, none may be told of.
_NEIGHBOURS: Sequence[tuple[str, date, Gender]] = (
    *(("tonsberg", date(2011, 3, day), "woman") for day in range(1, 5)),
    *(("ovre-eiker", date(2003, 5, day), "woman") for day in range(1, 5)),
)

# AFI 2016, Table 1 (lines 1580-1708).
_GENDER: Mapping[Gender, float] = {"man": 0.63, "woman": 0.37}
_AGES: Mapping[int, float] = {16: 0.11, 17: 0.12, 18: 0.12, 19: 0.12} | dict.fromkeys(
    range(20, 26), 0.53 / 6
)
_IMMIGRANT = 0.14
_COMPLETED_UPPER_SECONDARY = 0.1
_DIFFICULTIES: Mapping[Difficulty, float] = {
    "mental_health": 0.42,
    "child_welfare": 0.2,
    "health": 0.2,
    "substance": 0.2,
}
# Main status and benefits on entering a project (AFI 2016, lines 1745-1804 and 266).
_STATUS: Mapping[Status, float] = {
    "school": 0.34,
    "work": 0.04,
    "nav_measure": 0.07,
    "unemployed": 0.37,
    "other": 0.18,
}
_BENEFIT: Mapping[Benefit, float] = {
    "social_assistance": 0.31,
    "aap": 0.13,
    "qualification": 0.03,
    "other": 0.10,
    "none": 0.43,
}
# Plans (AFI 2016, line 2657); several agencies at once about one in three (line 332).
_INDIVIDUAL_PLAN = 0.09
_ACTIVITY_PLAN = 0.37
_WORK_ABILITY_ASSESSED = 0.31
_SEVERAL_SERVICES = 1 / 3

_FIRST_NAMES: Mapping[Gender, str] = {
    "man": "Aksel Birk Casper Daniel Elias Filip Gustav Henrik Isak Jakob Kasper Liam Mathias "
    "Nikolai Odin Philip Rasmus Samuel Tobias Ulrik Vetle William Yusuf Åsmund Mohammed Hamza "
    "Dawit Jakub",
    "woman": "Agnes Bianca Celine Dina Ella Frida Guro Hedda Iben Julie Kaja Linnea Mathilde "
    "Nora Olivia Pernille Ronja Selma Tiril Una Vilde Wilma Ylva Åshild Fatima Zahra Selam "
    "Zofia",
}
# Made of words for "try", "test", "sketch", "pretend": nobody bears them.
_LAST_NAMES = (
    "Prøvdal Testvik Mønsterli Eksempeløy Skisseng Utkastmo Forsøkhaug Prøveland Dummestad "
    "Modellrud Kladdevåg Øvingsnes Liksomdal Tenktvik Påfunnsli Attrappmo Leikehaug Diktnes "
    "Narreby Låtsøy"
)


@dataclass(frozen=True, slots=True)
class Municipality:
    """The youths of one synthetic municipality, the twelve of the story first."""

    seed: int
    youths: tuple[Youth, ...]

    def followed_by(self, unit: str) -> tuple[Youth, ...]:
        """The youths that one service follows up, and so holds records about."""
        return tuple(youth for youth in self.youths if unit in youth.units)


def municipality(*, seed: int, youths: int = DEFAULT_YOUTHS) -> Municipality:
    """A municipality with that many youths.

    Raises:
        ValueError: fewer than the twelve of the story, or more than anybody needs.
    """
    if not LEAST_YOUTHS <= youths <= MOST_YOUTHS:
        raise ValueError(f"between {LEAST_YOUTHS} and {MOST_YOUTHS} youths can be made")
    others = _others(random.Random(seed), youths)
    return Municipality(seed=seed, youths=(*THE_TWELVE, *others))


def register(town: Municipality) -> dict[str, Any]:
    """The population register's view of the town, as the broker's synthetic register reads it."""
    people: dict[str, dict[str, Any]] = {}
    for youth in town.youths:
        people[youth.national_id] = {
            "national_id": youth.national_id,
            "born": youth.born.isoformat(),
            "guardians": [guardian.national_id for guardian in youth.guardians],
            "address_protection": youth.address_protection,
            "municipality": youth.municipality,
            "gender": youth.gender,
        }
        for guardian in youth.guardians:
            people[guardian.national_id] = {
                "national_id": guardian.national_id,
                "born": guardian.born.isoformat(),
                "guardians": [],
                "address_protection": "none",
                "municipality": youth.municipality,
            }
    for municipality, born, gender in _NEIGHBOURS:
        number = next(n for n in numbers(born, gender) if n not in people)
        people[number] = {
            "national_id": number,
            "born": born.isoformat(),
            "guardians": [],
            "address_protection": "none",
            "municipality": municipality,
            "gender": gender,
        }
    return {"people": list(people.values())}


def _others(rng: random.Random, total: int) -> Iterator[Youth]:
    """All youths beyond the twelve, whose own traits count towards the quotas of the whole."""
    genders = _fill(rng, _GENDER, total, [y.gender for y in THE_TWELVE])
    ages = _fill(rng, _AGES, total, [y.age(date(_STORY_YEAR, 11, 1)) for y in THE_TWELVE])
    statuses = _fill(rng, _STATUS, total, [y.status for y in THE_TWELVE])
    benefits = _fill(rng, _BENEFIT, total, [y.benefit for y in THE_TWELVE])
    several = _flags(rng, _SEVERAL_SERVICES, total, [len(y.units) > 1 for y in THE_TWELVE])
    immigrant = _flags(rng, _IMMIGRANT, total, [y.immigrant_background for y in THE_TWELVE])
    old_enough = [n for n, age in enumerate(ages) if age >= _OF_AGE]
    wanted = min(round(_COMPLETED_UPPER_SECONDARY * total), len(old_enough))
    completed = frozenset(rng.sample(old_enough, wanted))
    individual = _flags(rng, _INDIVIDUAL_PLAN, total, [y.individual_plan for y in THE_TWELVE])
    activity = _flags(rng, _ACTIVITY_PLAN, total, [y.activity_plan for y in THE_TWELVE])
    assessed = _flags(
        rng, _WORK_ABILITY_ASSESSED, total, [y.work_ability_assessed for y in THE_TWELVE]
    )
    difficult = {
        name: _flags(rng, share, total, [name in y.difficulties for y in THE_TWELVE])
        for name, share in _DIFFICULTIES.items()
    }
    taken = {youth.national_id for youth in THE_TWELVE}
    for n in range(total - len(THE_TWELVE)):
        born = _birthday(rng, ages[n])
        number = next(x for x in numbers(born, genders[n]) if x not in taken)
        taken.add(number)
        difficulties = frozenset(name for name, flags in difficult.items() if flags[n])
        yield Youth(
            national_id=number,
            first_name=rng.choice(_FIRST_NAMES[genders[n]].split()),
            last_name=rng.choice(_LAST_NAMES.split()),
            born=born,
            gender=genders[n],
            status=statuses[n],
            benefit=benefits[n],
            difficulties=difficulties,
            units=_units(rng, statuses[n], benefits[n], difficulties, several=several[n]),
            guardians=_guardians(rng, taken) if ages[n] < _OF_AGE else (),
            immigrant_background=immigrant[n],
            completed_upper_secondary=n in completed,
            individual_plan=individual[n],
            activity_plan=activity[n],
            work_ability_assessed=assessed[n],
        )


def _fill(
    rng: random.Random, shares: Mapping[_T, float], total: int, already: Sequence[_T]
) -> list[_T]:
    """Shuffled traits for those beyond ``already``, bringing the whole near to the shares."""
    wanted = [(trait, share * total - already.count(trait)) for trait, share in shares.items()]
    rest = total - len(already)
    traits = [trait for trait, count in wanted for _ in range(max(0, int(count)))]
    by_remainder = sorted(wanted, key=lambda pair: pair[1] - int(pair[1]), reverse=True)
    while len(traits) < rest:
        traits.extend(trait for trait, _ in by_remainder[: rest - len(traits)])
    rng.shuffle(traits)
    return traits[:rest]


def _flags(rng: random.Random, share: float, total: int, already: Sequence[bool]) -> list[bool]:
    return _fill(rng, {True: share, False: 1 - share}, total, already)


def _birthday(rng: random.Random, age: int) -> date:
    """A day on which someone of that age on 1 November of the story's year may be born."""
    latest = date(_STORY_YEAR - age, 11, 1)
    return latest - timedelta(days=rng.randrange(365))


def _guardians(rng: random.Random, taken: set[str]) -> tuple[Guardian, ...]:
    """One or two guardians, two for most; their numbers are added to ``taken``."""
    found = []
    for gender in ("woman", "man")[: rng.choice((1, 2, 2))]:
        born = date(rng.randrange(1968, 1990), 1, 1) + timedelta(days=rng.randrange(365))
        number = next(x for x in numbers(born, cast("Gender", gender)) if x not in taken)
        taken.add(number)
        found.append(Guardian(national_id=number, born=born))
    return tuple(found)


def _units(
    rng: random.Random,
    status: Status,
    benefit: Benefit,
    difficulties: frozenset[Difficulty],
    *,
    several: bool,
) -> tuple[str, ...]:
    """Who follows the youth up: the service the status points at, others for one in three."""
    first = SCHOOL if status == "school" else NAV
    if status == "other" and benefit == "none":
        first = OT
    if not several:
        return (first,)
    likely = [MENTAL_HEALTH] if difficulties & {"mental_health", "substance"} else []
    others = [unit for unit in (NAV, OT, SCHOOL) if unit != first]
    rng.shuffle(others)
    return (first, *(likely + others)[: rng.choice((1, 1, 2))])
