"""Stories between services that need each other, through the SDK: Amina, Ali, Kristin and Thea."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from broker.demo.people import ALI, AMINA, KRISTIN, THEA
from tests.e2e.stories import Town, each, grounds, nothing, reasons, values
from tests.house import LARVIK
from tillit import ProblemError

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
NAV, MUNICIPAL, EMPLOYER = "nav-larvik", "nav-larvik-kommunal", "bakeriet-larvik"
OT, DPS, HEALTH = "ot-vestfold", "dps-vestfold", "larvikshjelpa"
ACCOMMODATION, SUPPORT = "functioning.accommodation", "work.support_needs"
DIAGNOSIS, SYMPTOMS, TREATMENT = "health.diagnosis", "health.symptoms", "health.treatment_status"
AWAY = "work.attendance_event"


def test_aminas_employer_learns_what_she_needs_and_not_why(town: Callable[..., Town]) -> None:
    """Amina, 18, kitchen apprentice (A3931-44): the adaptation, never the diagnosis; that she was away, never the cause."""
    larvik = town(START, NAV, EMPLOYER, HEALTH)
    nav, chef = larvik.desk(NAV, "veileder"), larvik.desk(EMPLOYER, "daglig_leder")
    therapist, amina = larvik.desk(HEALTH, "terapeut"), larvik.home(AMINA)
    nav.writes(AMINA, {ACCOMMODATION: "pause hver annen time", SUPPORT: "fast oppgaveliste"})
    therapist.writes(AMINA, {DIAGNOSIS: "migrene", SYMPTOMS: "hodepine"}, "diagnosis_by_clinician")
    at_work = {"purpose": "workplace_adaptation"}

    unasked = chef.asks(AMINA, ACCOMMODATION, **at_work)
    assert reasons(unasked) == {ACCOMMODATION: ["consent.none"]}
    request = nav.requests(
        AMINA,
        EMPLOYER,
        HEALTH,
        purposes=["workplace_adaptation"],
        fields=[ACCOMMODATION, SUPPORT, DIAGNOSIS, AWAY],
    )
    # Not even she is asked whether the employer may know the diagnosis.
    offered = {
        name
        for line in amina.consent(request).grants
        if line.recipient == EMPLOYER
        for name in line.fields
    }
    assert offered == {ACCOMMODATION, SUPPORT, AWAY}
    amina.answers(request, lambda line: EMPLOYER in {line.recipient, line.source})

    answer = chef.asks(AMINA, ACCOMMODATION, SUPPORT, DIAGNOSIS, SYMPTOMS, **at_work)
    assert values(answer) == {
        ACCOMMODATION: "pause hver annen time",
        SUPPORT: "fast oppgaveliste",
    }
    assert reasons(answer) == {DIAGNOSIS: ["limit.hard"], SYMPTOMS: ["consent.no_grant"]}

    chef.writes(AMINA, {AWAY: {"date": "2026-10-30", "hours": 7.5}})
    away = nav.asks(AMINA, AWAY, DIAGNOSIS, **at_work)
    assert values(away) == {AWAY: {"date": "2026-10-30", "hours": 7.5}}
    assert reasons(away) == {DIAGNOSIS: ["consent.no_grant"]}
    schema = nav.client.catalogue()["fields"][AWAY]["json_schema"]
    assert (schema["additionalProperties"], set(schema["properties"])) == (False, {"date", "hours"})
    (told,) = [d for d in amina.disclosures() if d.id == answer.id]
    assert (told.recipient, told.role) == (EMPLOYER, "daglig_leder")


def test_alis_eight_professionals_hear_him_once(town: Callable[..., Town]) -> None:
    """Ali, 22, at Ungdomshjelpa (S2452): one consultation, then the services let the case go; more help takes a new yes."""
    clinic, mental, nav_lier = "helsestasjon-ungdom-lier", "psykisk-helse-lier", "nav-lier"
    lier = town(START, clinic, mental, nav_lier)
    nurse, therapist = lier.desk(clinic, "helsesykepleier"), lier.desk(mental, "terapeut")
    nav, ali = lier.desk(nav_lier, "veileder"), lier.home(ALI)
    therapist.writes(ALI, {"functioning.capacity": "kan jobbe halve dager"})
    there = {"purpose": "coordination", "collaboration": "ungdomshjelpa-lier"}
    asked = {
        "purposes": ["coordination"],
        "categories": ["functioning"],
        "collaboration": "ungdomshjelpa-lier",
    }
    consent = ali.answers(
        nurse.requests(ALI, mental, nav_lier, **asked), lambda line: line.source == mental
    )
    assert {line.condition.kind for line in consent.grants} == {"once"}
    assert consent.valid_until == START + timedelta(days=1)

    may = nav.may(ALI, "functioning.capacity", **there)
    assert (may.outcome, list(may.permitted)) == ("released", ["functioning.capacity"])
    once = nav.asks(ALI, "functioning.capacity", **there)
    assert values(once) == {"functioning.capacity": "kan jobbe halve dager"}
    twice = nav.asks(ALI, "functioning.capacity", **there)
    assert reasons(twice) == {"functioning.capacity": ["consent.used_up"]}
    # What another of the eight may hear once, is not used up by it.
    assert nurse.asks(ALI, "functioning.capacity", **there).outcome == "released"
    offer = nav.asks(
        ALI, "functioning.capacity", purpose="handover", collaboration="ungdomshjelpa-lier"
    )
    assert reasons(offer) == {"functioning.capacity": ["purpose.not_in_grant"]}

    assert lier.passes(days=1).expired == 1
    assert ali.consent(consent).state == "expired"
    assert nav.told()[-1].type == "erase.due"
    gone = nav.client.attest_erasure(once.id)
    assert gone.erased_at == lier.house.clock()
    assert next(d for d in ali.disclosures() if d.id == once.id).erased_at == gone.erased_at
    more = ali.answers(nurse.requests(ALI, mental, nav_lier, **asked))
    assert more.id != consent.id
    assert nav.asks(ALI, "functioning.capacity", **there).outcome == "released"


def test_kristins_nav_is_two_and_her_no_costs_nothing(town: Callable[..., Town]) -> None:
    """Kristin, 20 (A2115, A3173): social services are not the state; who decides benefits sees neither yes nor no."""
    larvik = town(START, NAV, MUNICIPAL, HEALTH)
    state, social = larvik.desk(NAV, "veileder"), larvik.desk(MUNICIPAL, "veileder")
    therapist, kristin = larvik.desk(HEALTH, "terapeut"), larvik.home(KRISTIN)
    impact, ability = "health.functional_impact", "assessment.work_ability"
    therapist.writes(KRISTIN, {impact: "orker lite etter klokka tolv"})
    follow = {"purpose": "coordination", "collaboration": LARVIK}
    decide = {"purpose": "benefits_decision"}

    # Her yes is to the social services; the state side asks under the wrong hat.
    untouched = state.asks(KRISTIN, impact, ability, **decide)
    asked = {"purposes": ["coordination"], "collaboration": LARVIK, "categories": ["health"]}
    consent = kristin.answers(
        social.requests(KRISTIN, HEALTH, NAV, **asked), lambda line: line.recipient == MUNICIPAL
    )
    answer = social.asks(KRISTIN, impact, **follow)
    assert values(answer) == {impact: "orker lite etter klokka tolv"}
    assert grounds(answer) == {impact: [consent.id]}
    assert reasons(state.asks(KRISTIN, impact, **follow)) == {impact: ["recipient.wrong_unit"]}

    # A no is a state to whoever asked, who may not nag, and nothing at all to whoever decides.
    refused = kristin.answers(state.requests(KRISTIN, HEALTH, **asked), nothing)
    assert refused.state == "refused"
    assert reasons(state.asks(KRISTIN, impact, **follow)) == {impact: ["consent.refused"]}
    with pytest.raises(ProblemError) as nagged:
        state.requests(KRISTIN, HEALTH, **asked)
    assert nagged.value.code == "consent.cooldown"
    for nav in (state, social):
        deciding = nav.asks(KRISTIN, impact, ability, **decide)
        assert reasons(deciding) == reasons(untouched) == each((impact, ability), "consent.none")
    assert "consent.refused" not in {event.type for event in therapist.told()}

    # She contests what Nav thinks of her, and her own words travel with it.
    state.writes(KRISTIN, {ability: "kan jobbe full dag"}, "professional_assessment")
    (written,) = kristin.reads(ability)[ability]
    kristin.contests(written.record, "det stemmer ikke etter lunsj")
    assert state.told()[-1].type == "contest.made"
    kristin.answers(
        state.requests(KRISTIN, HEALTH, purposes=["work_inclusion"], fields=[ability]),
        lambda line: line.recipient == HEALTH,
    )
    heard = therapist.asks(KRISTIN, ability, purpose="work_inclusion").values[ability]
    assert (heard.value, heard.basis) == ("kan jobbe full dag", "professional_assessment")
    assert heard.observed_at.date() == date(2026, 11, 2)
    assert heard.contested is not None
    assert heard.contested.text == "det stemmer ikke etter lunsj"


def test_theas_function_is_shared_and_her_notes_are_not(town: Callable[..., Town]) -> None:
    """Thea, 21, apprentice with depression (F787): OT and DPS find that they need each other, and how much of it."""
    vestfold = town(START, OT, DPS)
    ot, dps = vestfold.desk(OT, "ot_radgiver"), vestfold.desk(DPS, "behandler")
    thea = vestfold.home(THEA)
    dps.writes(
        THEA,
        {
            "functioning.capacity": "fire timer om dagen",
            ACCOMMODATION: "starte etter klokka ni",
            SYMPTOMS: "sover ikke",
        },
    )
    dps.writes(THEA, {TREATMENT: "in_treatment"})
    ot.writes(THEA, {"work.status": "apprentice"})
    asked = ("functioning.capacity", ACCOMMODATION, SYMPTOMS, TREATMENT)
    consent = thea.answers(
        ot.requests(
            THEA,
            DPS,
            purposes=["coordination"],
            fields=["functioning.capacity", ACCOMMODATION, SYMPTOMS, TREATMENT, "work.status"],
        ),
        lambda line: line.category != "health",
    )
    assert {line.category for line in consent.grants if line.special} == {"health"}

    answer = ot.asks(THEA, *asked, purpose="coordination")
    assert answer.outcome == "partly_released"
    assert values(answer) == {
        "functioning.capacity": "fire timer om dagen",
        ACCOMMODATION: "starte etter klokka ni",
    }
    assert reasons(answer) == each((SYMPTOMS, TREATMENT), "consent.no_grant")
    # The other way is a yes of its own.
    back = dps.asks(THEA, "work.status", "education.grades", purpose="coordination")
    assert values(back) == {"work.status": "apprentice"}
    assert reasons(back) == {"education.grades": ["consent.no_grant"]}
    elsewhere = ot.asks(THEA, "functioning.capacity", purpose="work_inclusion")
    assert reasons(elsewhere) == {"functioning.capacity": ["purpose.not_in_grant"]}
    assert thea.kinds() == ["requested", "released", "released"]
