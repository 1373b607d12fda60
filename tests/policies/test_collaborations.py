"""The collaborations and their units, as the facts say them: what must be so of every one, and the rules special to some."""

import pytest

from broker.domain.catalogue import Catalogue
from broker.domain.shelves import Collaboration
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


def test_an_offer_ends_the_yes(catalogue: Catalogue) -> None:
    """The services talk until there is an offer, and no longer (AFI 2016, 1512-1518)."""
    consent = catalogue.collaborations["ungdomssatsingen-solor"].consent
    assert (consent.condition, consent.event) == ("until_event", "offer_exists")


def test_a_three_party_meeting_has_no_fourth(catalogue: Catalogue) -> None:
    """The youth, Nav and OT, and a yes for that meeting (AFI 2016, 5209-5223)."""
    meeting = catalogue.collaborations["trekantmoter"]
    kinds = sorted(catalogue.units[member.unit].type for member in meeting.members)
    assert kinds == ["follow_up_service", "nav_state"]
    assert meeting.consent.condition == "meeting"
    assert "case_discussion" in meeting.meeting_required_for


def test_the_youth_chooses_the_one_coordinator(catalogue: Catalogue) -> None:
    """One plan, one coordinator, whom the services do not appoint (AFI 2016, 1129-1150)."""
    group = catalogue.collaborations["ansvarsgruppe"]
    assert group.responsible.id == "chosen_by_subject"
    assert "individual_plan" in group.purposes


@pytest.mark.parametrize("place", ["barnevern-nav-ledermote", "partnerskapet-vestfold-telemark"])
def test_leaders_and_partners_get_numbers_only(place: str, catalogue: Catalogue) -> None:
    """What is about the system needs nobody's name (AFI 2016, 5384-5388; partnership 2021, 295-315)."""
    agreed = catalogue.collaborations[place]
    assert (agreed.arena, agreed.purposes) == ("system", ("statistics",))


def test_the_chain_has_the_links_that_the_law_names(catalogue: Catalogue) -> None:
    """Schools and admissions tell OT, and nobody else hears (partnership 2021, 445-466)."""
    chain = catalogue.collaborations["ot-varslingskjede"]
    statute = catalogue.statutes["S1"]
    kinds = {catalogue.units[member.unit].type for member in chain.members}
    assert kinds == {*statute.source_side.types, *statute.recipient_side.types}
    assert (chain.ages.min, chain.ages.max) == (statute.ages.min, statute.ages.max)
    assert all("S1" in catalogue.purposes[purpose].statutes for purpose in chain.purposes)


def test_single_cases_make_no_forum(catalogue: Catalogue) -> None:
    """There is no list that a name could come on (AFI 2016, 1571-1577)."""
    assert "case_discussion" not in catalogue.collaborations["ja-du-kan-ostensjo"].purposes


def test_only_nav_refers_to_jobbhuset(catalogue: Catalogue) -> None:
    """A referral goes through Nav's own case system (AFI 2016, 5071-5080)."""
    house = catalogue.collaborations["jobbhuset-trondheim"]
    kinds = {catalogue.units[member.unit].type for member in house.members}
    assert kinds == {"nav_state", "nav_municipal", "meeting_place", "measure_provider"}


def _general(catalogue: Catalogue, kind: str) -> set[str]:
    return {"hpl"} if catalogue.service_types[kind].health else {"fvl"}
