"""Compiling requests: from "you may all talk" to lines that each name who, what, to whom and why."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.domain.catalogue import Catalogue
from broker.domain.compile import compile_grants, consent_text, line_text
from broker.domain.errors import (
    ConsentError,
    MeetingMissing,
    NotAMember,
    NothingToGrant,
    PurposeNotByConsent,
    RequesterNotAmongServices,
    TooManyLines,
    UnknownCategory,
    UnknownCollaboration,
    UnknownField,
    UnknownPurpose,
    UnknownUnit,
)
from broker.domain.grants import Grant
from broker.domain.ids import UnitId
from broker.engine.bundle import DEFAULT_DIRECTORY, load
from tests.consenting import NOW, identifier, line
from tillit.wire import MAX_GRANTS, ConsentRequest, Language

NAV = UnitId("nav-larvik")
SCHOOL = "thor-heyerdahl-vgs"
OT = "ot-vestfold"
HELP = "larvikshjelpa"
PROBATION = "friomsorg-vestfold"
CHILD_WELFARE = "barnevern-larvik"
COMMITTEE = "ungdomsutvalget-larvik"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The catalogue of the bundle that is shipped."""
    return load(DEFAULT_DIRECTORY).catalogue


def request(services: Iterable[str] = (NAV, SCHOOL), **more: Any) -> ConsentRequest:
    """Nav asks, in the committee, to discuss the case."""
    fields: dict[str, Any] = {
        "subject": "hdl_" + "A" * 22,
        "collaboration": COMMITTEE,
        "purposes": ("case_discussion",),
        "actor": {"id": "a17", "role": "veileder"},
    }
    return ConsentRequest.model_validate({**fields, "services": tuple(services), **more})


def lines(catalogue: Catalogue, asked: ConsentRequest) -> tuple[Grant, ...]:
    """As Nav asks."""
    return compile_grants(asked, catalogue, requester=NAV, at=NOW)


def one(grants: Iterable[Grant], **like: Any) -> Grant:
    """The only line that is so."""
    found = [g for g in grants if all(getattr(g, name) == is_ for name, is_ in like.items())]
    assert len(found) == 1
    return found[0]


def test_a_form_with_five_services_becomes_enumerated_lines(catalogue: Catalogue) -> None:
    """Every line names both units, and the lines are numbered in their order (N1)."""
    services = (NAV, SCHOOL, OT, HELP, CHILD_WELFARE)
    grants = lines(catalogue, request(services, categories=("education", "functioning")))
    assert [f"g{n}" for n in range(1, len(grants) + 1)] == [grant.id for grant in grants]
    assert {(g.source, g.recipient) for g in grants} <= {
        (a, b) for a in services for b in services if a != b
    }
    assert all(grant.answer is None and grant.condition.kind == "standing" for grant in grants)


def test_directions_are_lines_of_their_own(catalogue: Catalogue) -> None:
    """A to B is not B to A (N10)."""
    grants = lines(catalogue, request(categories=("education",)))
    assert {(NAV, SCHOOL), (SCHOOL, NAV)} == {(g.source, g.recipient) for g in grants}


def test_purposes_are_lines_of_their_own(catalogue: Catalogue) -> None:
    """A yes is for a purpose."""
    asked = request(categories=("functioning",), purposes=("case_discussion", "coordination"))
    grants = [g for g in lines(catalogue, asked) if g.source == SCHOOL]
    assert [grant.purpose for grant in grants] == ["case_discussion", "coordination"]


def test_a_line_stands_only_where_the_source_can_have_it(catalogue: Catalogue) -> None:
    """The school has no health values, so it grants none."""
    grants = lines(catalogue, request((NAV, SCHOOL, HELP), categories=("health",)))
    assert {HELP} == {grant.source for grant in grants}


def test_a_line_covers_what_its_purpose_lets_the_recipient_reach(catalogue: Catalogue) -> None:
    """Category-wide is up to the ceiling: no diagnosis for a case discussion."""
    wide = one(
        lines(catalogue, request((NAV, HELP), categories=("health",))), source=HELP, recipient=NAV
    )
    assert (wide.special, wide.fields) == (True, ())
    assert "health.functional_impact" in wide.covers
    assert "health.diagnosis" not in wide.covers


def test_what_is_asked_for_by_name_passes_the_ceiling(catalogue: Catalogue) -> None:
    """In a line of its own, so that it can be refused by itself."""
    asked = request((NAV, HELP), categories=("health",), fields=("health.diagnosis",))
    grants = lines(catalogue, asked)
    named = one(grants, fields=("health.diagnosis",), recipient=NAV)
    assert (named.category, named.special, named.covers) == ("health", True, ("health.diagnosis",))
    assert len([g for g in grants if g.source == HELP]) == 2


def test_a_no_to_a_named_field_is_not_passed_by_a_yes_to_its_category(
    catalogue: Catalogue,
) -> None:
    """Where part of a category has a line of its own, the other line names what it means."""
    asked = request((NAV, HELP), categories=("health",), fields=("health.functional_impact",))
    grants = [g for g in lines(catalogue, asked) if g.source == HELP]
    assert all(grant.fields == grant.covers for grant in grants)
    assert [name for g in grants for name in g.fields if name == "health.functional_impact"] == [
        "health.functional_impact"
    ]


def test_special_fields_of_other_categories_need_their_own_yes(catalogue: Catalogue) -> None:
    """That child welfare is involved is never among "who is helping you" (N9)."""
    asked = request((NAV, CHILD_WELFARE), categories=("involvement",))
    grants = [g for g in lines(catalogue, asked) if g.source == CHILD_WELFARE]
    apart = one(grants, special=True)
    assert apart.fields == ("involvement.child_welfare",)
    rest = one(grants, special=False)
    assert "involvement.child_welfare" not in rest.covers
    assert rest.fields == rest.covers != ()


def test_where_only_a_named_grant_lifts_the_regime_fields_are_named(catalogue: Catalogue) -> None:
    """Probation shares on explicit consent only (law.md)."""
    asked = request((NAV, PROBATION), categories=("involvement", "plan"))
    grants = [g for g in lines(catalogue, asked) if g.source == PROBATION]
    assert grants
    assert all(grant.fields == grant.covers for grant in grants)


def test_two_services_may_ask_without_a_collaboration(catalogue: Catalogue) -> None:
    """A bilateral request reaches what the recipient's type reaches."""
    asked = request(
        collaboration=None, purposes=("teaching_adaptation",), categories=("functioning",)
    )
    assert {(NAV, SCHOOL)} == {(g.source, g.recipient) for g in lines(catalogue, asked)}


def test_the_condition_goes_to_every_line(catalogue: Catalogue) -> None:
    """A meeting's consent is for that meeting."""
    condition = {"kind": "meeting", "meeting": identifier("mtg", 1)}
    asked = request(categories=("education",), condition=condition)
    assert {"meeting"} == {grant.condition.kind for grant in lines(catalogue, asked)}


def test_every_line_is_distinct(catalogue: Catalogue) -> None:
    """Nobody is asked the same twice."""
    asked = request(
        (NAV, SCHOOL, OT, HELP),
        categories=("education", "health", "involvement"),
        fields=("health.diagnosis", "education.grades"),
        purposes=("case_discussion", "coordination"),
    )
    grants = lines(catalogue, asked)
    seen = {(g.source, g.recipient, g.category, g.fields, g.purpose) for g in grants}
    assert len(seen) == len(grants)


LATE = {"condition": {"kind": "meeting"}}
STRAY = {"condition": {"kind": "once", "meeting": identifier("mtg", 1)}}
EVERYTHING = (
    "contact", "involvement", "education", "work", "housing", "functioning", "plan", "voice",
)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "error", "detail"),
    [
        (request((SCHOOL, OT)), RequesterNotAmongServices, ""),
        (request((NAV, "nav-stavern")), UnknownUnit, "nav-stavern"),
        (request(categories=("shoe_size",)), UnknownCategory, "shoe_size"),
        (request(fields=("health.shoe_size",)), UnknownField, "health.shoe_size"),
        (request(purposes=("gossip",)), UnknownPurpose, "gossip"),
        (request(purposes=("workplace_adaptation",)), UnknownPurpose, "workplace_adaptation"),
        (request(purposes=("emergency_help",)), PurposeNotByConsent, "emergency_help"),
        (request(collaboration="nowhere"), UnknownCollaboration, "nowhere"),
        (request((NAV, "politi-larvik")), NotAMember, "politi-larvik"),
        (request(categories=("education",), **LATE), MeetingMissing, ""),
        (request(categories=("education",), **STRAY), MeetingMissing, ""),
        (request(), NothingToGrant, ""),
        (request(categories=("justice",)), NothingToGrant, ""),
    ],
)
def test_what_cannot_be_asked_for_is_named(
    catalogue: Catalogue, asked: ConsentRequest, error: type[ConsentError], detail: str
) -> None:
    """Each with a code of its own, and nothing is asked of anybody."""
    with pytest.raises(error) as refused:
        lines(catalogue, asked)
    assert detail == refused.value.detail


def test_an_agreement_that_is_not_in_force_is_none(catalogue: Catalogue) -> None:
    """Before it begins there is no such collaboration."""
    begins = catalogue.collaborations[COMMITTEE].valid_from
    with pytest.raises(UnknownCollaboration):
        compile_grants(
            request(categories=("education",)),
            catalogue,
            requester=NAV,
            at=begins - timedelta(seconds=1),
        )


def test_more_lines_than_anyone_can_answer_are_refused(catalogue: Catalogue) -> None:
    """Bounded, and it says what to do."""
    members = sorted(catalogue.collaborations[COMMITTEE].members_at(NOW))
    asked = request(
        members,
        categories=EVERYTHING,
        purposes=("case_discussion", "coordination", "meeting_preparation"),
    )
    with pytest.raises(TooManyLines, match=f"at most {MAX_GRANTS}; name fewer"):
        lines(catalogue, asked)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "nb",
            (
                "Larvikshjelpa (psykisk helse og rus) kan dele helse (diagnosen din) med Nav Larvik"
                " (staten), for å snakke om saken din i et møte. Bare én gang."
                " Dette er ekstra følsomt og trenger et eget ja."
            ),
        ),
        (
            "nn",
            (
                "Larvikshjelpa (psykisk helse og rus) kan dele helse (diagnosen din) med Nav Larvik"
                " (staten), for å snakke om saka di i eit møte. Berre éin gong."
                " Dette er ekstra kjenslevart og treng eit eige ja."
            ),
        ),
        (
            "en",
            (
                "Larvikshjelpa (mental health and substance use) may share health (your diagnosis)"
                " with Nav Larvik (state side), to talk about your case in a meeting. Only once."
                " This is especially sensitive and needs a yes of its own."
            ),
        ),
    ],
)
def test_a_line_reads_as_a_sentence(
    catalogue: Catalogue, language: Language, expected: str
) -> None:
    """Who gives whom what, and why, in plain words (N20)."""
    asked = request((NAV, HELP), fields=("health.diagnosis",), condition={"kind": "once"})
    assert expected == line_text(one(lines(catalogue, asked), recipient=NAV), catalogue, language)


def test_a_line_that_lists_nothing_names_its_category(catalogue: Catalogue) -> None:
    """A category alone is still a sentence."""
    text = line_text(line(1), catalogue, "nb")
    assert " kan dele skole med " in text


@pytest.mark.parametrize(
    ("language", "until"),
    [
        ("nb", "Gjelder til 23.05.2027."),
        ("nn", "Gjeld til 23.05.2027."),
        ("en", "Valid until 23.05.2027."),
    ],
)
def test_the_whole_text_says_every_line_and_until_when(
    catalogue: Catalogue, language: Language, until: str
) -> None:
    """What is shown, read out and hashed."""
    grants = lines(catalogue, request(categories=("education",)))
    ends = datetime(2027, 5, 23, 22, 30, tzinfo=UTC)
    text = consent_text(grants, catalogue, language, until=ends)
    assert until in text
    for number, grant in enumerate(grants, start=1):
        assert f"\n{number}. {line_text(grant, catalogue, language)}\n" in text


def test_a_service_may_ask_for_a_yes_that_asks_first(catalogue: Catalogue) -> None:
    """It stands beside whatever condition the line has, in the text that is read, and cannot be taken off."""
    first = {"condition": {"also": "ask_me_first"}}
    grant = lines(catalogue, request(categories=("education",), **first))[0]
    assert (grant.condition.kind, grant.condition.also) == ("standing", "ask_me_first")
    assert grant.also(None).condition.also == "ask_me_first"
    assert line_text(grant, catalogue, "en").endswith(" You are asked first each time.")
    present = grant.also("only_when_present")
    assert line_text(present, catalogue, "nb").endswith(" Bare når du er med og sier ja der og da.")


def test_a_collaborations_own_condition_takes_it_beside(catalogue: Catalogue) -> None:
    """Lier's helper hears it once, and asks first then."""
    asked = request(
        services=catalogue_members(catalogue, "ungdomshjelpa-lier"),
        collaboration="ungdomshjelpa-lier",
        purposes=catalogue.collaborations["ungdomshjelpa-lier"].purposes[:1],
        categories=("education", "contact", "functioning"),
        condition={"also": "only_when_present"},
    )
    grants = compile_grants(asked, catalogue, requester=UnitId(asked.services[0]), at=NOW)
    assert {(g.condition.kind, g.condition.also) for g in grants} == {("once", "only_when_present")}


def catalogue_members(catalogue: Catalogue, collaboration: str) -> tuple[str, ...]:
    """Two of its members or more."""
    return tuple(sorted(catalogue.collaborations[collaboration].members_at(NOW)))
