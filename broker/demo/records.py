"""What each service has written down about a youth: plausible values for its own fields.

What people wrote is Norwegian, as it would be in Larvik. Everything is drawn from a generator seeded by the town's seed, the
youth and the unit, so a youth's records do not depend on who else is in the town.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.demo.people import EMIL, MENTAL_HEALTH, NAV, OT, SCHOOL, Youth

MEASURED = "measured"
STATED = "stated_by_subject"
ASSESSED = "professional_assessment"
DIAGNOSED = "diagnosis_by_clinician"

ROLES: Mapping[str, str] = {
    NAV: "veileder",
    OT: "ot_radgiver",
    SCHOOL: "radgiver",
    MENTAL_HEALTH: "psykolog",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One value as a service holds it; ``basis`` is one of the wire's."""

    field: str
    value: Any
    basis: str
    author_role: str
    observed_at: datetime


def records(youth: Youth, unit: str, *, seed: int, now: datetime) -> tuple[Record, ...]:
    """What a unit holds about a youth. Observed between ten weeks and a day before ``now``.

    Raises:
        KeyError: a unit that the demo has no records of.
    """
    rng = random.Random(f"{seed}/{youth.national_id}/{unit}")
    values = _BY_UNIT[unit](youth, rng)
    if youth is EMIL:
        values |= _EMIL[unit]
    return tuple(
        Record(
            field=field,
            value=value,
            basis=basis,
            author_role=ROLES[unit],
            observed_at=_moment(rng, now),
        )
        for field, (value, basis) in values.items()
    )


Values = dict[str, tuple[Any, str]]


def _moment(rng: random.Random, now: datetime) -> datetime:
    minutes = rng.randrange(24 * 60, 70 * 24 * 60)
    return (now - timedelta(minutes=minutes)).astimezone(UTC).replace(second=0, microsecond=0)


def _contact(youth: Youth, rng: random.Random) -> Values:
    language = rng.choice(("so", "ar", "ti", "pl")) if youth.immigrant_background else "nb"
    return {
        "contact.name": (f"{youth.first_name} {youth.last_name}", STATED),
        "contact.phone": (f"+47 000 {rng.randrange(10, 99)} {rng.randrange(100, 999)}", STATED),
        "contact.preferred_channel": (rng.choice(("sms", "phone", "in_person")), STATED),
        "contact.language": (language, STATED),
        "contact.address": (f"Øvelsesveien {rng.randrange(1, 200)}, 3299 Larvik", STATED),
    }


def _nav(youth: Youth, rng: random.Random) -> Values:
    work = {"work": "employed", "nav_measure": "work_practice", "unemployed": "job_seeking"}
    values: Values = _contact(youth, rng) | {
        "involvement.nav": (True, MEASURED),
        "involvement.contact_person": (f"Veileder {rng.randrange(10, 60)}, Nav Larvik", MEASURED),
        "work.status": (work.get(youth.status, "none"), MEASURED),
        "income.benefit_type": (_BENEFITS[youth.benefit], MEASURED),
        "functioning.capacity": (rng.choice(_CAPACITY), ASSESSED),
        "plan.measures_tried": (rng.sample(_MEASURES, rng.randrange(0, 3)), MEASURED),
    }
    if youth.status in {"unemployed", "nav_measure"}:
        values["work.support_needs"] = (rng.choice(_SUPPORT), ASSESSED)
        values["plan.goals"] = ([rng.choice(_GOALS)], STATED)
    if youth.benefit != "none":
        values["income.application_status"] = ("granted", MEASURED)
    if youth.activity_plan:
        values["plan.activity_plan"] = (rng.choice(_ACTIVITY), ASSESSED)
    if youth.individual_plan:
        values["plan.individual_plan_need"] = (True, ASSESSED)
    if youth.work_ability_assessed:
        values["assessment.work_ability"] = (rng.choice(_WORK_ABILITY), ASSESSED)
    return values


def _ot(youth: Youth, rng: random.Random) -> Values:
    return _contact(youth, rng) | {
        "involvement.follow_up_service": (True, MEASURED),
        "education.enrolment_status": (_enrolment(youth), MEASURED),
        "education.wishes": (rng.choice(_WISHES), STATED),
        "functioning.social": (rng.choice(_SOCIAL), ASSESSED),
        "plan.measures_tried": (rng.sample(_MEASURES, rng.randrange(0, 2)), MEASURED),
    }


def _school(youth: Youth, rng: random.Random) -> Values:
    rate = round(rng.uniform(0.15, 0.75), 2)
    subjects = rng.sample(_SUBJECTS, 3)
    return {
        "involvement.school": (youth.status == "school", MEASURED),
        "education.enrolment_status": (_enrolment(youth), MEASURED),
        "education.attendance.rate": (rate, MEASURED),
        "education.grades": ({name: str(rng.randrange(1, 6)) for name in subjects}, MEASURED),
        "education.adaptation_needs": (rng.choice(_ADAPTATION), ASSESSED),
        "functioning.daily_rhythm": (rng.choice(_RHYTHM), ASSESSED),
    }


def _mental_health(youth: Youth, rng: random.Random) -> Values:
    values: Values = {
        "involvement.health": (True, MEASURED),
        "functioning.daily_rhythm": (rng.choice(_RHYTHM), ASSESSED),
        "functioning.accommodation": (rng.choice(_ACCOMMODATION), ASSESSED),
        "health.functional_impact": (rng.choice(_IMPACT), ASSESSED),
        "health.symptoms": (rng.choice(_SYMPTOMS), ASSESSED),
        "health.treatment_status": (
            rng.choice(("waiting", "in_treatment", "paused", "completed")),
            MEASURED,
        ),
        "health.diagnosis": (rng.choice(_DIAGNOSES), DIAGNOSED),
    }
    if "substance" in youth.difficulties:
        values["substance.use"] = (rng.choice(_SUBSTANCE), STATED)
    return values


_BY_UNIT: Mapping[str, Callable[[Youth, random.Random], Values]] = {
    NAV: _nav,
    OT: _ot,
    SCHOOL: _school,
    MENTAL_HEALTH: _mental_health,
}


def _enrolment(youth: Youth) -> str:
    if youth.completed_upper_secondary:
        return "completed"
    return "enrolled" if youth.status == "school" else "left"


# Emil's own records: left school after year one because of mental health, began treatment and sees
# little use in it, has met Nav, is mostly at home, wishes for some education, first for structure.
_EMIL: Mapping[str, Values] = {
    NAV: {
        "work.status": ("none", MEASURED),
        "income.benefit_type": ("Ingen: bor hjemme", MEASURED),
        "functioning.capacity": ("Én avtale om dagen, best etter klokka tolv", ASSESSED),
        "plan.goals": (["Noe å stå opp til", "Senere: ett fag om gangen"], STATED),
        "plan.measures_tried": (["Første samtale på Nav, ikke fulgt opp"], MEASURED),
    },
    OT: {
        "education.enrolment_status": ("left", MEASURED),
        "education.wishes": ("Litt skole igjen, men først noe fast i hverdagen", STATED),
        "functioning.social": ("Tar ikke telefonen, svarer på melding, men sent", ASSESSED),
        "plan.measures_tried": (["Tre brev", "To oppringninger uten svar"], MEASURED),
    },
    SCHOOL: {
        "involvement.school": (True, MEASURED),
        "education.enrolment_status": ("enrolled", MEASURED),
        "education.attendance.rate": (0.62, MEASURED),
        "education.grades": ({"Norsk": "4", "Matematikk": "2", "Engelsk": "5"}, MEASURED),
        "education.adaptation_needs": (
            "Kjent plan for dagen og et sted å trekke seg tilbake",
            ASSESSED,
        ),
        "functioning.daily_rhythm": (
            "Sjelden der før elleve, blir når han først er kommet",
            ASSESSED,
        ),
    },
    MENTAL_HEALTH: {
        "functioning.daily_rhythm": ("Våken om natta, står opp klokka tolv", ASSESSED),
        "functioning.accommodation": ("Sen start, korte dager, én fast voksen", ASSESSED),
        "health.functional_impact": ("Blir fort sliten blant mange", ASSESSED),
        "health.symptoms": ("Nedstemt, sover lite, trekker seg unna", ASSESSED),
        "health.treatment_status": ("paused", MEASURED),
        "health.diagnosis": ("Moderat depressiv episode", DIAGNOSED),
    },
}

_BENEFITS: Mapping[str, str] = {
    "social_assistance": "Sosialhjelp",
    "aap": "Arbeidsavklaringspenger (AAP)",
    "qualification": "Kvalifiseringsstønad",
    "other": "Dagpenger",
    "none": "Ingen",
}
_CAPACITY = (
    "To til tre halve dager i uka",
    "En hel dag innimellom",
    "Hver dag hvis oppgavene er tydelige",
    "Noen timer, ikke to dager på rad",
)
_MEASURES = (
    "Arbeidspraksis, avbrutt etter to uker",
    "Jobbsøkerkurs",
    "Møteplass, vårhalvåret",
    "Sommerjobb",
    "Avklaringskurs",
)
_SUPPORT = (
    "En fadder de første ukene",
    "En som blir med den første dagen",
    "Skriftlige oppgaver, én om gangen",
)
_GOALS = ("Jobb til sommeren", "Egen leilighet", "Fullføre andre året", "Ta lappen")
_ACTIVITY = (
    "Møteplassen tre dager i uka, samtale med Nav annenhver torsdag.",
    "Arbeidspraksis fire timer om dagen, vurderes etter tre måneder.",
)
_WORK_ABILITY = (
    "Kan jobbe deltid med tilrettelegging",
    "Trenger avklaring før vanlig jobb",
    "Kan jobbe full tid med litt støtte i starten",
)
_WISHES = (
    "Helse- og oppvekstfag",
    "Noe med bil",
    "Ta fagene som mangler",
    "Ikke skole i år",
)
_SOCIAL = (
    "Trygg på tomannshånd, stille i grupper",
    "Har venner, men ikke på skolen",
    "Treffer få utenom familien",
)
_SUBJECTS = ("Norsk", "Matematikk", "Engelsk", "Naturfag", "Kroppsøving")
_ADAPTATION = (
    "Mer tid til skriftlig arbeid",
    "Liten gruppe i matematikk",
    "En fast voksen om morgenen",
    "Færre fag dette halvåret",
)
_RHYTHM = (
    "Jevn, trøtt på mandager",
    "Snur døgnet i ferier",
    "Sent oppe, best på ettermiddagen",
)
_ACCOMMODATION = ("Korte pauser", "Sen start", "Et rolig sted å jobbe", "Én oppgave om gangen")
_IMPACT = (
    "Blir sliten etter rundt to timer",
    "Vanskelig å konsentrere seg i bråk",
    "Trenger tid før nye situasjoner",
)
_SYMPTOMS = ("Bekymring, uro", "Nedstemt", "Søvnvansker", "Panikk i folkemengder")
_DIAGNOSES = ("Sosial angstlidelse", "Mild depressiv episode", "ADHD", "Under utredning")
_SUBSTANCE = ("Cannabis i helgene", "Alkohol, mindre enn før", "Har sluttet i høst")
