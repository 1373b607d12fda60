"""What happened to the other eleven before the demo's portal opens: each one's story, as the services and the people act it.

The sources of each are beside the same story among the tests (``tests/e2e/test_people_*.py``), which holds every step of it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from broker.demo.people import (
    ALI,
    AMINA,
    INGRID,
    JONAS,
    KRISTIN,
    MAJA,
    MENTAL_HEALTH,
    NAV,
    NOAH,
    OSKAR,
    OT,
    PER,
    SARA,
    SCHOOL,
    THEA,
    Youth,
)
from broker.demo.records import DIAGNOSED, MEASURED, STATED
from broker.demo.town import Town, everything, learnt, nothing
from tillit.wire import GrantView

ARENA, ARENA_IN_TONSBERG = "ung-arena-pluss", "ung-arena-pluss-tonsberg"
TONSBERG_MENTAL, YOUTH_CLINIC = "psykisk-helse-tonsberg", "helsestasjon-ungdom-tonsberg"
CHILD_WELFARE = "barnevern-tonsberg"
BAKERY, NURSE, DOCTOR = "bakeriet-larvik", "helsesykepleier-thor-heyerdahl", "fastlege-larvik"
TEAM, BUP, TROMSO_DOCTOR = "lavterskelteam-tromso", "bup-tromso", "fastlege-tromso"
LIER_CLINIC, LIER_MENTAL, LIER_NAV = (
    "helsestasjon-ungdom-lier",
    "psykisk-helse-lier",
    "nav-lier",
)
LIER = "ungdomshjelpa-lier"
SOCIAL, DPS, PLACE = "nav-larvik-kommunal", "dps-vestfold", "moteplassen-larvik"
EIKER_TEAM, EIKER_NAV = "ressursteamet-ovre-eiker", "nav-ovre-eiker"
LARVIK = "ungdomsutvalget-larvik"

OTHERS = (
    *(ARENA, TONSBERG_MENTAL, YOUTH_CLINIC, CHILD_WELFARE, BAKERY, NURSE, DOCTOR),
    *(TEAM, BUP, TROMSO_DOCTOR, LIER_CLINIC, LIER_MENTAL, LIER_NAV),
    *(SOCIAL, DPS, PLACE, EIKER_TEAM, EIKER_NAV),
)
"""The units that Emil's story has no part for."""
_AT_WORK = (BAKERY, NAV)

CAPACITY, ACCOMMODATION = "functioning.capacity", "functioning.accommodation"
IMPACT, SYMPTOMS, DIAGNOSIS = "health.functional_impact", "health.symptoms", "health.diagnosis"
RISK, MEASURES, DROPOUT = "health.risk", "plan.measures_tried", "education.dropout_notice"
PHONE, ADDRESS, RHYTHM = "contact.phone", "contact.address", "functioning.daily_rhythm"
GROWN_FOR_HEALTH = 16


def sara(town: Town) -> None:
    """First without a name, then it is she; the clinic may know one thing, the school's question waits for her mother."""
    host, therapist = town.desk(ARENA, "veileder"), town.desk(TONSBERG_MENTAL, "terapeut")
    nurse = town.desk(YOUTH_CLINIC, "helsesykepleier")
    home, mother = town.home(SARA.national_id), town.home(SARA.guardians[0].national_id)
    therapist.writes(SARA, {IMPACT: "Orker ikke kroppsøving", SYMPTOMS: "Uro før timene"})
    host.writes(SARA, {ACCOMMODATION: "Sitte nær døra"})
    if SARA.age(town.today) < GROWN_FOR_HEALTH:
        told = host.does(
            "tell_case",
            collaboration=ARENA_IN_TONSBERG,
            age_band="13-15",
            municipality=SARA.municipality,
            gender="woman",
            topics=["sleep", "absence"],
            needs_help_with=["somebody_to_talk_to"],
        )
        home.claims(told["claim"])
    asked = host.requests(
        SARA,
        TONSBERG_MENTAL,
        YOUTH_CLINIC,
        purposes=["coordination"],
        fields=[IMPACT],
        collaboration=ARENA_IN_TONSBERG,
    )
    own = home.answer_all(asked, lambda line: line.recipient == YOUTH_CLINIC)
    if "guardian" in own.waiting_for:
        mother.answer_all(asked, lambda line: line.recipient == YOUTH_CLINIC)
    follow = {"purpose": "coordination", "collaboration": ARENA_IN_TONSBERG}
    learnt(nurse.learns(SARA, IMPACT, SYMPTOMS, **follow), IMPACT)
    teach = "teaching_adaptation"
    waiting = host.requests(SARA, SCHOOL, purposes=[teach], fields=[ACCOMMODATION])
    if "guardian" in home.answer_all(waiting, everything).waiting_for:
        learnt(town.desk(SCHOOL, "laerer").learns(SARA, ACCOMMODATION, purpose=teach))


def jonas(town: Town) -> None:
    """His own package from child welfare to Nav, by name: not his history."""
    worker, nav = town.desk(CHILD_WELFARE, "kontaktperson"), town.desk(NAV, "veileder")
    home = town.home(JONAS.national_id)
    aftercare, history = "child_welfare.aftercare", "child_welfare.history"
    package = [aftercare, history, MEASURES, "voice.goals"]
    worker.writes(
        JONAS,
        {
            aftercare: "Hybel, og fast kontakt til han er 23",
            history: "Fosterhjem fra han var ni",
            MEASURES: ["Besøkshjem", "Støttekontakt"],
        },
    )
    home.says("voice.goals", "Egen leilighet, og bli ferdig med skolen")
    whole = worker.requests(JONAS, NAV, purposes=["transition"], fields=package)
    home.answer_all(whole, _to(NAV))
    home.withdraw(home.consent(whole))
    smaller = [name for name in package if name != history]
    chosen = worker.requests(JONAS, NAV, purposes=["transition"], fields=smaller)
    home.answer_all(chosen, _to(NAV))
    learnt(nav.learns(JONAS, *package, purpose="transition"), *smaller)


def amina(town: Town) -> None:
    """The bakery learns what she needs and when she was away, never why."""
    nav, chef = town.desk(NAV, "veileder"), town.desk(BAKERY, "daglig_leder")
    home, why = town.home(AMINA.national_id), {"purpose": "workplace_adaptation"}
    support, away = "work.support_needs", "work.attendance_event"
    nav.writes(AMINA, {ACCOMMODATION: "Pause hver annen time", support: "Fast oppgaveliste"})
    therapist = town.desk(MENTAL_HEALTH, "terapeut")
    therapist.writes(AMINA, {DIAGNOSIS: "Migrene"}, DIAGNOSED)
    learnt(chef.learns(AMINA, ACCOMMODATION, **why))
    asked = nav.requests(
        AMINA,
        BAKERY,
        MENTAL_HEALTH,
        purposes=["workplace_adaptation"],
        fields=[ACCOMMODATION, support, DIAGNOSIS, away],
    )
    home.answer_all(
        asked, lambda line: BAKERY in {line.recipient, line.source} and line.recipient in _AT_WORK
    )
    learnt(chef.learns(AMINA, ACCOMMODATION, support, DIAGNOSIS, **why), ACCOMMODATION, support)
    chef.writes(AMINA, {away: {"date": town.today.isoformat(), "hours": 7.5}}, MEASURED)
    learnt(nav.learns(AMINA, away, DIAGNOSIS, **why), away)


def oskar(town: Town) -> None:
    """His life is in danger: what saves him is fetched by law, and he is told at once."""
    psychologist = town.desk(MENTAL_HEALTH, "psykolog")
    nurse = town.desk(NURSE, "helsesykepleier")
    nurse.writes(OSKAR, {RISK: "Har snakket om å ta livet sitt", SYMPTOMS: "Sover ikke"})
    town.desk(SCHOOL, "radgiver").writes(OSKAR, {PHONE: "+47 000 12 345"}, STATED)
    why = {"purpose": "emergency_help"}
    learnt(psychologist.learns(OSKAR, RISK, PHONE, **why))
    psychologist.does(
        "invoke",
        about=OSKAR.national_id,
        statute="S4",
        fields=[RISK, PHONE],
        reason="Han svarer ikke, og læreren er redd for livet hans.",
    )
    learnt(psychologist.learns(OSKAR, RISK, PHONE, SYMPTOMS, **why), RISK, PHONE)


def maja(town: Town) -> None:
    """Everybody waits for one another: her mother has said yes, her father has not answered."""
    host, clinic = town.desk(TEAM, "veileder"), town.desk(BUP, "behandler")
    doctor = town.desk(TROMSO_DOCTOR, "fastlege")
    home, mother = town.home(MAJA.national_id), town.home(MAJA.guardians[0].national_id)
    doctor.writes(MAJA, {SYMPTOMS: "Vondt i magen på skoledager"})
    host.writes(MAJA, {MEASURES: ["Samtaler med helsesykepleier"]})
    refer = {"purpose": "referral", "collaboration": TEAM}
    asked = host.requests(
        MAJA,
        BUP,
        TROMSO_DOCTOR,
        purposes=["referral"],
        categories=["health", "plan"],
        collaboration=TEAM,
    )
    if "guardian" in home.consent(asked).waiting_for:
        mother.answer_all(asked, _to(BUP), child_heard=True)
    learnt(clinic.learns(MAJA, SYMPTOMS, MEASURES, **refer))


def ali(town: Town) -> None:
    """Eight professionals hear him once; what they would do next, they have to ask for."""
    nurse, therapist = town.desk(LIER_CLINIC, "helsesykepleier"), town.desk(LIER_MENTAL, "terapeut")
    nav, home = town.desk(LIER_NAV, "veileder"), town.home(ALI.national_id)
    therapist.writes(ALI, {CAPACITY: "Kan jobbe halve dager"})
    there = {"purpose": "coordination", "collaboration": LIER}
    asked = nurse.requests(
        ALI,
        LIER_MENTAL,
        LIER_NAV,
        purposes=["coordination"],
        categories=["functioning"],
        collaboration=LIER,
    )
    home.answer_all(asked, lambda line: line.source == LIER_MENTAL)
    nurse.does(
        "call_meeting",
        about=ALI.national_id,
        held_at=(datetime.now().astimezone() + timedelta(hours=2)).isoformat(),
        participants=[{"unit": d.unit, "role": d.role} for d in (nurse, therapist, nav)],
        collaboration=LIER,
        agenda=["functioning", "plan"],
    )
    learnt(nav.learns(ALI, CAPACITY, **there), CAPACITY)
    learnt(nav.learns(ALI, CAPACITY, **there))


def kristin(town: Town) -> None:
    """Yes to the social services, no to Nav's state side, which costs nothing; she contests what Nav thinks she can do."""
    state, social = town.desk(NAV, "veileder"), town.desk(SOCIAL, "veileder")
    therapist, home = town.desk(MENTAL_HEALTH, "terapeut"), town.home(KRISTIN.national_id)
    therapist.writes(KRISTIN, {IMPACT: "Orker lite etter klokka tolv"})
    ability = "assessment.work_ability"
    records = state.writes(KRISTIN, {ability: "Kan jobbe full dag"})
    follow = {"purpose": "coordination", "collaboration": LARVIK}
    asked = {"purposes": ["coordination"], "collaboration": LARVIK, "categories": ["health"]}
    home.answer_all(social.requests(KRISTIN, MENTAL_HEALTH, NAV, **asked), _to(SOCIAL))
    home.answer_all(state.requests(KRISTIN, MENTAL_HEALTH, **asked), nothing)
    learnt(social.learns(KRISTIN, IMPACT, **follow), IMPACT)
    learnt(state.learns(KRISTIN, IMPACT, **follow))
    learnt(state.learns(KRISTIN, IMPACT, purpose="benefits_decision"))
    home.contests(records[ability], "Det stemmer ikke etter lunsj")


def per(town: Town) -> None:
    """Where he is, nobody learns: not by his own yes, and not in an emergency."""
    nav, health = town.desk(NAV, "veileder"), town.desk(MENTAL_HEALTH, "psykolog")
    doctor, home = town.desk(DOCTOR, "lege"), town.home(PER.national_id)
    nav.writes(PER, {RHYTHM: "Sover om dagen"})
    doctor.writes(PER, {RISK: "Er truet på livet, og har selv sagt det"})
    asked = nav.requests(
        PER,
        MENTAL_HEALTH,
        purposes=["coordination"],
        categories=["contact", "functioning"],
        collaboration=LARVIK,
    )
    home.answer_all(asked, everything)
    together = {"purpose": "coordination", "collaboration": LARVIK}
    learnt(health.learns(PER, ADDRESS, PHONE, RHYTHM, **together), RHYTHM)
    health.does(
        "invoke",
        about=PER.national_id,
        statute="S4",
        fields=[PHONE, RISK],
        reason="Noen er på vei for å skade ham.",
    )
    learnt(health.learns(PER, ADDRESS, PHONE, RISK, purpose="emergency_help"), RISK)


def thea(town: Town) -> None:
    """What she can do is shared, what she says in therapy is not."""
    ot, dps = town.desk(OT, "ot_radgiver"), town.desk(DPS, "behandler")
    home, why = town.home(THEA.national_id), {"purpose": "coordination"}
    work = "work.status"
    dps.writes(
        THEA,
        {
            CAPACITY: "Fire timer om dagen",
            ACCOMMODATION: "Starte etter klokka ni",
            SYMPTOMS: "Sover ikke",
        },
    )
    ot.writes(THEA, {work: "apprentice"}, MEASURED)
    asked = ot.requests(
        THEA,
        DPS,
        purposes=["coordination"],
        fields=[CAPACITY, ACCOMMODATION, SYMPTOMS, work],
    )
    home.answer_all(asked, lambda line: line.category != "health")
    found = ot.learns(THEA, CAPACITY, ACCOMMODATION, SYMPTOMS, **why)
    learnt(found, CAPACITY, ACCOMMODATION)
    learnt(dps.learns(THEA, work, "education.grades", **why), work)


def noah(town: Town) -> None:
    """He left school, and the follow-up service is told by law; of the meeting place because he said that it may be."""
    ot, teacher = town.desk(OT, "ot_radgiver"), town.desk(SCHOOL, "radgiver")
    host, home = town.desk(PLACE, "veileder"), town.home(NOAH.national_id)
    why = {"purpose": "dropout_notice"}
    day = town.today.isoformat()
    left = {DROPOUT: {"date": day, "kind": "school"}, PHONE: "+47 000 45 678"}
    teacher.writes(NOAH, left, MEASURED)
    learnt(ot.learns(NOAH, DROPOUT, PHONE, "education.grades", **why), DROPOUT, PHONE)
    asked = ot.requests(NOAH, PLACE, purposes=["dropout_notice"], categories=["education"])
    home.answer_all(asked, everything)
    host.writes(NOAH, {DROPOUT: {"date": day, "kind": "meeting_place"}}, MEASURED)
    learnt(ot.learns(NOAH, DROPOUT, **why), DROPOUT)


def ingrid(town: Town) -> None:
    """Nobody asked her: each ask is refused, and she is talked about without a name only."""
    leader = town.desk(EIKER_TEAM, "veileder")
    town.desk(EIKER_NAV, "veileder").writes(INGRID, {CAPACITY: "Svært lite"})
    for purpose in ("case_discussion", "coordination"):
        learnt(
            leader.learns(
                INGRID, CAPACITY, purpose=purpose, collaboration="utvidet-team-ovre-eiker"
            )
        )
    leader.does(
        "tell_case",
        collaboration="ressursteam-ovre-eiker",
        age_band="19-25",
        municipality=INGRID.municipality,
        topics=["loneliness", "money"],
    )


def _to(unit: str) -> Callable[[GrantView], bool]:
    """Yes to one recipient."""
    return lambda line: line.recipient == unit


LIVES: Mapping[Youth, Callable[[Town], None]] = {
    SARA: sara,
    JONAS: jonas,
    AMINA: amina,
    OSKAR: oskar,
    MAJA: maja,
    ALI: ali,
    KRISTIN: kristin,
    PER: per,
    THEA: thea,
    NOAH: noah,
    INGRID: ingrid,
}
