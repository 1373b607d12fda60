"""A collaboration's own terms: condition, limits, arena and school year, in every line that is asked for."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from broker.domain.catalogue import Catalogue
from broker.domain.compile import compile_grants, consent_text, line_text
from broker.domain.errors import (
    ConditionNotHere,
    FamilyConsentInvalid,
    MeetingMissing,
    NotAboutAnyone,
    NothingToGrant,
)
from broker.domain.grants import Grant
from broker.domain.ids import UnitId
from broker.domain.lifetime import school_year_end
from broker.domain.shelves import Collaboration
from broker.engine.bundle import DEFAULT_DIRECTORY, load
from tests.consenting import NOW, identifier
from tillit.wire import Condition, ConsentRequest, Language

NAV = UnitId("nav-larvik")
HELP = "larvikshjelpa"
COMMITTEE = "ungdomsutvalget-larvik"
MEETING = {"kind": "meeting", "meeting": identifier("mtg", 1)}
UNTIL_OFFER = {"forms": ("oral",), "before_listing": True, "condition": "until_event"}


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    """The catalogue of the bundle that is shipped."""
    return load(DEFAULT_DIRECTORY).catalogue


def agreed(shipped: Catalogue, **terms: Any) -> Catalogue:
    """The same, where the committee has agreed on other terms."""
    document = shipped.collaborations[COMMITTEE].model_dump()
    changed = Collaboration.model_validate({**document, **terms})
    return shipped.model_copy(
        update={"collaborations": {**shipped.collaborations, COMMITTEE: changed}}
    )


def retyped(shipped: Catalogue, unit: str, kind: str) -> Catalogue:
    """The same, where a unit is of another type."""
    changed = shipped.units[unit].model_copy(update={"type": kind})
    return shipped.model_copy(update={"units": {**shipped.units, unit: changed}})


def lines(catalogue: Catalogue, **more: Any) -> tuple[Grant, ...]:
    """What Nav's request to discuss the case with mental health becomes."""
    fields: dict[str, Any] = {
        "subject": "hdl_" + "A" * 22,
        "collaboration": COMMITTEE,
        "services": (NAV, HELP),
        "purposes": ("case_discussion",),
        "categories": ("functioning", "health"),
        "actor": {"id": "a17", "role": "veileder"},
    }
    asked = ConsentRequest.model_validate({**fields, **more})
    return compile_grants(asked, catalogue, requester=NAV, at=NOW)


def reached(grants: Iterable[Grant], recipient: str = NAV) -> set[str]:
    """Every field that some line gives the recipient."""
    return {name for grant in grants if grant.recipient == recipient for name in grant.covers}


@pytest.mark.parametrize("asked", [{}, MEETING, {"kind": "once"}])
def test_one_consultation_is_one_use_whatever_is_asked(
    shipped: Catalogue, asked: dict[str, str]
) -> None:
    """Ungdomshjelpa in Lier meets a youth once and then lets the case go (S2127)."""
    terms = agreed(shipped, consent={**UNTIL_OFFER, "condition": "once"})
    assert {Condition(kind="once")} == {g.condition for g in lines(terms, condition=asked)}


def test_a_grant_until_an_offer_names_the_event(shipped: Catalogue) -> None:
    """Solør's fortnightly meeting follows a youth until there is an offer, and no longer."""
    terms = agreed(shipped, consent={**UNTIL_OFFER, "event": "offer_exists"})
    bound = Condition(kind="until_event", event="offer_exists")
    assert {bound} == {grant.condition for grant in lines(terms)}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("nb", " Bare til du har fått et tilbud."),
        ("nn", " Berre til du har fått eit tilbod."),
        ("en", " Only until you have been given an offer."),
    ],
)
def test_the_event_is_said_in_plain_words(
    shipped: Catalogue, language: Language, said: str
) -> None:
    """The youth reads what ends the sharing (N20)."""
    terms = agreed(shipped, consent={**UNTIL_OFFER, "event": "offer_exists"})
    texts = [line_text(grant, terms, language) for grant in lines(terms)]
    assert [text for text in texts if said in text] == texts


def test_where_consent_is_for_a_meeting_the_meeting_is_named(shipped: Catalogue) -> None:
    """A collaboration that consents by the meeting takes no standing yes."""
    terms = agreed(shipped, consent={**UNTIL_OFFER, "condition": "meeting"})
    with pytest.raises(MeetingMissing):
        lines(terms)
    assert {"meeting"} == {grant.condition.kind for grant in lines(terms, condition=MEETING)}


@pytest.mark.parametrize(
    "condition",
    [{"kind": "until_event", "event": "offer_exists"}, {"event": "offer_exists"}],
)
def test_an_event_of_ones_own_is_refused(shipped: Catalogue, condition: dict[str, str]) -> None:
    """Who asks could otherwise name an event that never comes."""
    with pytest.raises(ConditionNotHere):
        lines(shipped, condition=condition)


def test_services_that_meet_about_the_system_ask_nobody(shipped: Catalogue) -> None:
    """SLT and its like share nothing about a person, so there is nothing to say yes to (N51)."""
    with pytest.raises(NotAboutAnyone):
        lines(agreed(shipped, arena="system"))


def test_a_place_of_refuge_takes_no_line_about_health(shipped: Catalogue) -> None:
    """Youths at Dampen asked that their mental health stay outside: not even by name."""
    terms = agreed(shipped, limits={"never": {"categories": ["health"]}})
    grants = lines(terms, fields=("health.diagnosis",))
    assert {"functioning"} == {name.split(".")[0] for name in reached(grants)}


def test_a_field_that_stays_with_the_office_is_in_no_line(shipped: Catalogue) -> None:
    """One field may be kept back out of a category that is shared."""
    kept = "functioning.capacity"
    assert kept in reached(lines(shipped))
    assert kept not in reached(lines(agreed(shipped, limits={"never": {"fields": [kept]}})))


def test_an_employer_is_never_in_a_line_about_a_diagnosis(shipped: Catalogue) -> None:
    """The text would promise what every ask is refused (law.md, hard limits)."""
    work = retyped(shipped, NAV, "employer")
    named = ("functioning.accommodation", "health.diagnosis", "family.situation")
    grants = lines(work, collaboration=None, categories=(), fields=named)
    assert {"functioning.accommodation"} == reached(grants)


def test_only_what_is_never_given_leaves_nothing_to_ask(shipped: Catalogue) -> None:
    """Then the youth is not bothered."""
    work = retyped(shipped, NAV, "employer")
    with pytest.raises(NothingToGrant):
        lines(work, collaboration=None, categories=(), fields=("health.diagnosis",))


def test_volunteers_get_health_by_name_only(shipped: Catalogue) -> None:
    """A yes to all about health does not mean them; a yes to this one thing may."""
    friends = retyped(shipped, NAV, "voluntary")
    one = "health.functional_impact"
    assert one in reached(lines(shipped))
    assert one not in reached(lines(friends))
    (named,) = (g for g in lines(friends, fields=(one,)) if g.recipient == NAV and g.special)
    assert (named.fields, named.covers) == ((one,), (one,))


def test_a_collaboration_may_ask_for_names_where_the_law_does_not(shipped: Catalogue) -> None:
    """Krafttak's employers get a placement's adaptation by name only."""
    terms = agreed(
        shipped, limits={"by_name_only": {"nav_state": {"fields": ["functioning.capacity"]}}}
    )
    assert "functioning.capacity" not in reached(lines(terms))
    assert "functioning.capacity" in reached(lines(terms, fields=("functioning.capacity",)))


def test_the_family_is_never_part_of_a_category(shipped: Catalogue) -> None:
    """What is written about somebody else is asked for by name, also where a ceiling would let it through."""
    rule = shipped.ceilings["case_discussion"][0]
    wide = rule.model_copy(update={"categories": (*rule.categories, "family")})
    terms = shipped.model_copy(
        update={"ceilings": {**shipped.ceilings, "case_discussion": (wide,)}}
    )
    with pytest.raises(NothingToGrant):
        lines(terms, collaboration=None, categories=("family",))


def of_family(catalogue: Catalogue, **more: Any) -> tuple[Grant, ...]:
    """What a member of the family is asked for in a youth's record."""
    asked = {"about": "hdl_" + "B" * 22, "categories": (), "fields": ("family.situation",)}
    return lines(catalogue, **{**asked, **more})


def test_a_member_of_the_family_is_asked_by_name(shipped: Catalogue) -> None:
    """Line by line like anybody, for what is written about them."""
    grants = of_family(shipped)
    assert {("family.situation",)} == {grant.fields for grant in grants}


@pytest.mark.parametrize(
    "asked",
    [{"categories": ("family",)}, {"fields": ("family.situation", "health.diagnosis")}],
)
def test_a_member_of_the_family_answers_for_nobody_else(
    shipped: Catalogue, asked: dict[str, Any]
) -> None:
    """Neither a whole category nor what is about the youth."""
    with pytest.raises(FamilyConsentInvalid):
        of_family(shipped, **asked)


@pytest.mark.parametrize(
    ("language", "begins"),
    [
        ("nb", "Vi spør deg om noe som er skrevet om deg."),
        ("nn", "Vi spør deg om noko som er skrive om deg."),
        ("en", "We ask you about something that is written about you."),
    ],
)
def test_the_family_reads_whose_words_they_are(
    shipped: Catalogue, language: Language, begins: str
) -> None:
    """The lines speak to the youth; whoever is asked is told so first."""
    grants = of_family(shipped)
    text = consent_text(grants, shipped, language, until=NOW, family=True)
    assert text.startswith(begins)
    assert text.endswith(consent_text(grants, shipped, language, until=NOW))


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-11-23T09:30:00Z", "2027-07-31T22:00:00Z"),
        ("2027-07-31T21:59:59Z", "2027-07-31T22:00:00Z"),
        ("2027-07-31T22:00:00Z", "2028-07-31T22:00:00Z"),
    ],
)
def test_a_school_year_ends_as_august_begins(at: str, ends: str) -> None:
    """The last of July is within it, by the clock of Norway."""
    expected = datetime.fromisoformat(ends).astimezone(UTC)
    assert expected == school_year_end(datetime.fromisoformat(at))
