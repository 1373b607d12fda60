"""The synthetic municipality: figures, numbers, determinism."""

from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest

from broker.demo.larvik import DEFAULT_YOUTHS, municipality, register
from broker.demo.national_ids import is_synthetic, numbers
from broker.demo.people import EMIL, PER, THE_TWELVE, Youth

TODAY = date(2026, 11, 1)


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
    persons = register(municipality(seed=3, youths=youths))["persons"]
    found = [person["national_id"] for person in persons]
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
    known = {person["national_id"] for person in register(town)["persons"]}
    for youth in town.youths:
        assert bool(youth.guardians) == (youth.age(TODAY) < 18)
        assert {guardian.national_id for guardian in youth.guardians} <= known


def test_per_has_a_protected_address() -> None:
    """The strictest code must be in the town, or nobody sees that it is honoured."""
    persons = {p["national_id"]: p for p in register(municipality(seed=1))["persons"]}
    assert persons[PER.national_id]["address_protection"] == "strictly_confidential"
    assert persons[EMIL.national_id]["address_protection"] == "none"


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
