"""The synthetic municipality: figures, numbers, determinism."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import yaml

from broker.demo.larvik import DEFAULT_YOUTHS, municipality, register
from broker.demo.national_ids import is_synthetic, numbers
from broker.demo.people import EMIL, MENTAL_HEALTH, NAV, OT, PER, SCHOOL, THE_TWELVE, Youth
from broker.demo.records import records
from tests.architecture.sources import ROOT

TODAY = date(2026, 11, 1)
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Facts:
    """The catalogue's fields, and the type of each unit."""

    fields: Mapping[str, Any]
    unit_types: Mapping[str, str]


@pytest.fixture(scope="module")
def facts() -> Facts:
    """What the policies say exists."""
    folder = ROOT / "policies" / "facts"
    fields = yaml.safe_load((folder / "catalogue" / "fields.yaml").read_text(encoding="utf-8"))
    units = yaml.safe_load((folder / "units" / "larvik.yaml").read_text(encoding="utf-8"))
    return Facts(fields["fields"], {unit: facts["type"] for unit, facts in units.items()})


def _fits(value: object, schema: Mapping[str, Any]) -> bool:
    """Whether a value has the schema's type, and its members, words and form."""
    kinds: dict[str, type | tuple[type, ...]] = {"string": str, "number": (int, float)}
    kinds |= {"integer": int, "boolean": bool, "array": list, "object": dict}
    if not isinstance(value, kinds[schema["type"]]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str):
        return bool(value) and bool(re.search(schema.get("pattern", ""), value))
    if isinstance(value, list):
        return all(_fits(item, schema["items"]) for item in value)
    if isinstance(value, dict):
        return all(_fits(item, schema["additionalProperties"]) for item in value.values())
    return True


def test_a_seed_makes_the_same_town_again() -> None:
    """A story that changes between runs cannot be discussed."""
    assert municipality(seed=7) == municipality(seed=7)


def test_another_seed_makes_another_town() -> None:
    """The seed is used, not merely taken."""
    assert municipality(seed=7) != municipality(seed=8)


@pytest.mark.parametrize(
    ("trait", "shares"),
    [
        (lambda y: y.gender, {"man": 0.63, "woman": 0.37}),
        (lambda y: y.immigrant_background, {True: 0.14}),
        (lambda y: y.age(TODAY) < 20, {True: 0.47}),
        (lambda y: "mental_health" in y.difficulties, {True: 0.42}),
        (lambda y: "child_welfare" in y.difficulties, {True: 0.2}),
        (lambda y: "health" in y.difficulties, {True: 0.2}),
        (lambda y: "substance" in y.difficulties, {True: 0.2}),
        (lambda y: y.completed_upper_secondary, {False: 0.9}),
        (
            lambda y: y.status,
            {"school": 0.34, "work": 0.04, "nav_measure": 0.07, "unemployed": 0.37, "other": 0.18},
        ),
        (
            lambda y: y.benefit,
            {"social_assistance": 0.31, "aap": 0.13, "qualification": 0.03, "none": 0.43},
        ),
        (lambda y: len(y.units) > 1, {True: 0.33}),
        (lambda y: y.individual_plan, {True: 0.09}),
        (lambda y: y.activity_plan, {True: 0.37}),
        (lambda y: y.work_ability_assessed, {True: 0.31}),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_town_has_the_shares_that_the_evaluations_report(
    seed: int, trait: Callable[[Youth], object], shares: dict[object, float]
) -> None:
    """A demo with invented proportions would teach its viewers something untrue."""
    counted = Counter(trait(youth) for youth in municipality(seed=seed).youths)
    found = {value: counted[value] / DEFAULT_YOUTHS for value in shares}
    assert found == {value: pytest.approx(share, abs=0.02) for value, share in shares.items()}


@pytest.mark.parametrize("youths", [12, 13, 300, 1500])
def test_everybody_has_a_number_of_their_own_that_no_living_person_can_have(youths: int) -> None:
    """One collision would mix two youths' records; one real number would be a person."""
    people = register(municipality(seed=3, youths=youths))["people"]
    found = [person["national_id"] for person in people]
    assert len(set(found)) == len(found)
    assert all(is_synthetic(number) for number in found)


def test_the_number_says_the_birth_date_and_gender() -> None:
    """The register and the number must agree, as in the test data they imitate."""
    for youth in municipality(seed=4).youths:
        assert youth.national_id in set(numbers(youth.born, youth.gender))


def test_the_twelve_are_there_at_the_age_they_are_told_of() -> None:
    """The people of the story, as the sources describe them."""
    town = municipality(seed=5, youths=12)
    assert town.youths == THE_TWELVE
    ages = {youth.first_name: youth.age(date(2026, 11, 23)) for youth in town.youths}
    expected = {"Emil": 19, "Sara": 15, "Jonas": 17, "Amina": 18, "Oskar": 16, "Maja": 13}
    expected |= {"Ali": 22, "Kristin": 20, "Per": 24, "Thea": 21, "Noah": 19, "Ingrid": 23}
    assert ages == expected


def test_only_minors_have_guardians_and_the_register_knows_them() -> None:
    """From 18 parents have no say; below, somebody must be able to sign."""
    town = municipality(seed=6)
    known = {person["national_id"] for person in register(town)["people"]}
    for youth in town.youths:
        assert bool(youth.guardians) == (youth.age(TODAY) < 18)
        assert {guardian.national_id for guardian in youth.guardians} <= known


def test_per_has_a_protected_address() -> None:
    """The strictest code must be in the town, or nobody sees that it is honoured."""
    people = {p["national_id"]: p for p in register(municipality(seed=1))["people"]}
    assert people[PER.national_id]["address_protection"] == "strictly_confidential"
    assert people[EMIL.national_id]["address_protection"] == "none"


@pytest.mark.parametrize(
    ("number", "synthetic"),
    [
        (EMIL.national_id, True),
        (EMIL.national_id[:-1] + "0", False),
        ("14030799991", False),
        ("1483079999", False),
        ("1483079999x", False),
    ],
)
def test_a_number_that_could_be_real_is_not_synthetic(number: str, *, synthetic: bool) -> None:
    """Only Tenor-style months with right control digits pass."""
    assert is_synthetic(number) == synthetic


@pytest.mark.parametrize("youths", [0, 11, 20_001])
def test_a_town_too_small_or_too_large_is_refused(youths: int) -> None:
    """The twelve must fit, and memory is bounded."""
    with pytest.raises(ValueError, match="between 12 and 20000"):
        municipality(seed=1, youths=youths)


def test_every_record_is_of_a_field_its_service_is_a_source_of(facts: Facts) -> None:
    """A deposit that the catalogue refuses would end the demo."""
    town = municipality(seed=1)
    wrong = [
        (unit, record.field)
        for unit in (NAV, OT, SCHOOL, MENTAL_HEALTH)
        for youth in town.followed_by(unit)
        for record in records(youth, unit, seed=1, now=NOW)
        if facts.unit_types[unit] not in facts.fields[record.field]["source_types"]
    ]
    assert wrong == []


def test_every_value_fits_its_field(facts: Facts) -> None:
    """Whoever reads the demo's data learns from it what the fields are for."""
    for unit in (NAV, OT, SCHOOL, MENTAL_HEALTH):
        for youth in municipality(seed=2).followed_by(unit):
            for record in records(youth, unit, seed=2, now=NOW):
                assert _fits(record.value, facts.fields[record.field]["json_schema"]), record


def test_records_are_the_same_for_a_seed_and_lie_in_the_past() -> None:
    """A future observation is refused; a changing one cannot be told of."""
    once = records(EMIL, SCHOOL, seed=9, now=NOW)
    assert once == records(EMIL, SCHOOL, seed=9, now=NOW)
    assert all(NOW - timedelta(days=71) < record.observed_at < NOW for record in once)
