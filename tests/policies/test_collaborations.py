"""The collaborations and their units, as the facts say them: what must be so of every one, and the rules special to some."""

import pytest

from broker.domain.catalogue import Catalogue, Collaboration
from broker.engine.bundle import Bundle
from tests.policies.tables import collaborations

REGIMES = {
    "nav_state": {"nav"},
    "nav_municipal": {"sotjl"},
    "child_welfare": {"bvl"},
    "probation": {"krim"},
    "police_prevention": {"krim"},
    "measure_provider": {"pledge"},
    "employer": {"pledge"},
    "voluntary": {"pledge"},
    "peer": {"pledge"},
    "youth_team": {"fvl", "hpl"},  # with or without health personnel
}


@pytest.fixture(scope="module")
def catalogue(bundle: Bundle) -> Catalogue:
    """The catalogue of the bundle."""
    return bundle.catalogue


@pytest.fixture(params=collaborations())
def collaboration(request: pytest.FixtureRequest, catalogue: Catalogue) -> Collaboration:
    """Each collaboration in turn."""
    return catalogue.collaborations[request.param]


def test_a_unit_is_bound_by_the_silence_of_its_kind(catalogue: Catalogue) -> None:
    """A health service under the administration's regime would give by category what its own law keeps."""
    wrong = {
        unit.id
        for unit in catalogue.units.values()
        if unit.regime not in REGIMES.get(unit.type, _general(catalogue, unit.type))
    }
    assert wrong == set()


def test_only_those_who_promise_silence_have_a_promise(catalogue: Catalogue) -> None:
    """A promise beside a duty by law would look as if the duty ended with it."""
    promised = {unit.regime for unit in catalogue.units.values() if unit.pledge_until}
    assert promised == {"pledge"}


def test_the_coordinator_takes_part(collaboration: Collaboration) -> None:
    """Whoever has the ball must be among those who may be told."""
    assert collaboration.coordinator in {member.unit for member in collaboration.members}


def test_nobody_is_a_member_for_longer_than_the_agreement(collaboration: Collaboration) -> None:
    """A membership that began before its agreement was copied from another."""
    started = {member.valid_from >= collaboration.valid_from for member in collaboration.members}
    assert started == {True}


def test_what_is_kept_back_is_not_offered(collaboration: Collaboration) -> None:
    """A category that never passes has no place in a form."""
    kept = set(collaboration.limits.never.categories)
    assert kept & set(collaboration.categories) == set()


def test_where_nobody_is_named_no_category_is_agreed(
    collaboration: Collaboration, bundle: Bundle
) -> None:
    """Leaders and anonymous talks have nothing to agree on sharing."""
    limits = bundle.facts["law"]["limits"]
    nameless = set(collaboration.purposes) <= set(limits["no_identified_field"])
    about_system = collaboration.arena in limits["no_identified_arena"]
    if nameless or about_system:
        assert collaboration.categories == ()


@pytest.mark.parametrize("place", ["jobbskolen-kristiansand", "dampen-arendal"])
def test_benefits_stay_with_the_office(place: str, catalogue: Catalogue) -> None:
    """Youths come because the house does not deal with money (Proba 2026, 462-492 and 587-624)."""
    assert catalogue.collaborations[place].limits.never.categories == ("income",)


def test_a_refuge_has_no_health(catalogue: Catalogue) -> None:
    """The youths of Dampen asked that mental health not be present (Proba 2026, 587-624)."""
    dampen = catalogue.collaborations["dampen-arendal"]
    assert {"health", "substance"} & set(dampen.categories) == set()
    kinds = {catalogue.units[member.unit].type for member in dampen.members}
    assert kinds & {"municipal_mental_health", "dps", "bup", "ara"} == set()


def test_a_panel_has_thirty_days_and_a_meeting(catalogue: Catalogue) -> None:
    """A case is raised with consent or not at all, and for thirty days (AFI 2016, 4859-4986)."""
    panel = catalogue.collaborations["p1824-drammen"]
    assert (panel.default_days, panel.max_days) == (30, 30)
    assert panel.consent.before_listing
    assert panel.meeting_required_for == ("case_discussion",)


def test_a_school_year_ends_the_yes(catalogue: Catalogue) -> None:
    """Next year's teachers were not asked about (Proba 2026, 538-585)."""
    assert catalogue.collaborations["cafe-hanco-fredrikstad"].ends_with == "school_year"


def _general(catalogue: Catalogue, kind: str) -> set[str]:
    return {"hpl"} if catalogue.service_types[kind].health else {"fvl"}
