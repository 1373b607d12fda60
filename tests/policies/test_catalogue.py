"""The catalogue as it stands in the facts: complete, in three languages, and not legally reviewed."""

from datetime import UTC, datetime

import pytest

from broker.domain.catalogue import Catalogue
from broker.engine.bundle import Bundle, BundleError, load

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalogue(bundle: Bundle) -> Catalogue:
    """The catalogue of the bundle."""
    return bundle.catalogue


def test_the_catalogue_is_complete(catalogue: Catalogue) -> None:
    """The ids are contracts; one that went missing would be refused as a gap."""
    counts = (
        len(catalogue.service_types),
        len(catalogue.categories),
        len(catalogue.fields),
        len(catalogue.purposes),
        len(catalogue.regimes),
    )
    assert counts == (36, 16, 77, 25, 7)


def test_every_label_is_said_in_three_languages(catalogue: Catalogue) -> None:
    """A youth reads these; a code is no explanation."""
    shelves = (
        catalogue.service_types,
        catalogue.categories,
        catalogue.fields,
        catalogue.purposes,
        catalogue.reasons,
        catalogue.complaints,
    )
    for shelf in shelves:
        for key, entry in shelf.items():
            for text in (entry.labels.nb, entry.labels.nn, entry.labels.en):
                assert text.strip()
                assert key != text


def test_no_lawyer_has_signed_yet(catalogue: Catalogue) -> None:
    """What no lawyer has read must not look as if one had."""
    rules = [
        *catalogue.regimes.values(),
        *catalogue.ages.categories.values(),
        catalogue.ages.default,
    ]
    assert {rule.reviewed_by for rule in rules} == {None}
    assert all(rule.source and rule.as_of for rule in rules)


def test_bup_and_the_police_are_no_members_now(catalogue: Catalogue) -> None:
    """They left; an old membership list would share with them."""
    committee = catalogue.collaborations["ungdomsutvalget-larvik"]
    members = committee.members_at(NOW)
    assert len(members) == 14
    assert not {"bup-vestfold", "politi-larvik"} & members
    assert committee.coordinator in members
    assert committee.in_force(NOW)


def test_a_category_wide_grant_reaches_what_the_purpose_needs(catalogue: Catalogue) -> None:
    """The same reach that the rules allow, so that consent texts promise what will happen (N12)."""
    school = catalogue.units["thor-heyerdahl-vgs"]
    committee = catalogue.collaborations["ungdomsutvalget-larvik"]
    reach = catalogue.reach("teaching_adaptation", school, committee)
    assert {"functioning.social", "plan.goals", "health.functional_impact"} <= reach
    assert not {"health.diagnosis", "plan.minutes", "income.debt"} & reach
    assert catalogue.reach("curiosity", school, committee) == frozenset()
    assert catalogue.reach("case_discussion", school) == frozenset()


def test_what_nobody_knows_is_called_by_its_id(catalogue: Catalogue) -> None:
    """A text must not fail because a fact was renamed."""
    assert catalogue.text("field", "no.such", "nb") == "no.such"
    assert catalogue.text("field", "contact.name", "nn") == "Namnet ditt"


def test_the_subject_has_a_name_where_a_unit_stands(catalogue: Catalogue) -> None:
    """Whoever reads or speaks for themself is no service, and still called something."""
    assert catalogue.text("unit", "subject", "nb") == "Ungdommen selv"
    assert catalogue.text("unit", "subject", "en") == "The youth in person"


def test_age_thresholds_are_those_of_the_law(catalogue: Catalogue) -> None:
    """The birthdays at which consents are looked at again."""
    assert catalogue.age_thresholds() == (7, 12, 15, 16, 18)


def test_a_directory_without_rules_is_no_bundle(tmp_path_factory: pytest.TempPathFactory) -> None:
    """An empty volume must not become a policy that refuses for no reason."""
    with pytest.raises(BundleError, match="no Rego modules"):
        load(tmp_path_factory.mktemp("empty"))


def test_the_digest_follows_rules_and_facts(bundle: Bundle) -> None:
    """The digest in a receipt must tell bundles apart, and the same bundle be the same everywhere."""
    assert bundle.digest == load().digest
    assert bundle.policy.version == "2026.11.1"


def test_a_unit_is_taken_for_those_of_its_family_and_an_unknown_one_for_nobody(
    catalogue: Catalogue,
) -> None:
    """What is said to one side of Nav makes an ask by the other the wrong unit's; nobody else's lines are told of."""
    kin = catalogue.kin("nav-larvik")
    assert {"nav-larvik", "nav-larvik-kommunal", "ips-larvik"} <= kin
    assert not {"ot-vestfold", "larvikshjelpa"} & kin
    assert catalogue.kin("nobody-at-all") == frozenset({"nobody-at-all"})
