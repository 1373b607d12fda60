"""What each service has written down about a youth: plausible values for its own fields.

Everything is drawn from a generator seeded by the town's seed, the youth and the unit, so a youth's
records do not depend on who else is in the town.
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
        "income.benefit_type": ("None: he lives at home", MEASURED),
        "functioning.capacity": ("One appointment a day, better after noon", ASSESSED),
        "plan.goals": (["Something to get up for", "Later: one subject at a time"], STATED),
        "plan.measures_tried": (["First talk at Nav, not followed up"], MEASURED),
    },
    OT: {
        "education.enrolment_status": ("left", MEASURED),
        "education.wishes": ("Some school again, but structure first", STATED),
        "functioning.social": ("Does not answer calls; answers text messages, late", ASSESSED),
        "plan.measures_tried": (["Three letters", "Two calls without an answer"], MEASURED),
    },
    SCHOOL: {
        "involvement.school": (True, MEASURED),
        "education.enrolment_status": ("enrolled", MEASURED),
        "education.attendance.rate": (0.62, MEASURED),
        "education.grades": ({"Norwegian": "4", "Mathematics": "2", "English": "5"}, MEASURED),
        "education.adaptation_needs": ("Known plan for the day, a place to withdraw to", ASSESSED),
        "functioning.daily_rhythm": ("Rarely there before eleven, stays once he comes", ASSESSED),
    },
    MENTAL_HEALTH: {
        "functioning.daily_rhythm": ("Awake at night, up at noon", ASSESSED),
        "functioning.accommodation": ("Late starts, short days, one fixed adult", ASSESSED),
        "health.functional_impact": ("Tires quickly among many people", ASSESSED),
        "health.symptoms": ("Low mood, little sleep, withdraws", ASSESSED),
        "health.treatment_status": ("paused", MEASURED),
        "health.diagnosis": ("Moderate depressive episode", DIAGNOSED),
    },
}

_BENEFITS: Mapping[str, str] = {
    "social_assistance": "Social assistance",
    "aap": "Work assessment allowance (AAP)",
    "qualification": "Qualification benefit",
    "other": "Unemployment benefit",
    "none": "None",
}
_CAPACITY = (
    "Two or three half days a week",
    "A full day now and then",
    "Every day if the tasks are clear",
    "A few hours, not two days in a row",
)
_MEASURES = (
    "Work practice, broken off after two weeks",
    "Job-search course",
    "Meeting place, spring term",
    "Summer job",
    "Clarification course",
)
_SUPPORT = (
    "A mentor the first weeks",
    "Someone to come along on the first day",
    "Written tasks, one at a time",
)
_GOALS = ("A job in the summer", "A flat of my own", "Finish year two", "Get a driving licence")
_ACTIVITY = (
    "Meeting place three days a week, talk with Nav every other Thursday.",
    "Work practice four hours a day, reviewed after three months.",
)
_WORK_ABILITY = (
    "Can work part-time with adaptation",
    "Needs clarification before ordinary work",
    "Can work full-time with some support at the start",
)
_WISHES = (
    "Health and youth work",
    "Something with cars",
    "Finish the subjects that are missing",
    "No school this year",
)
_SOCIAL = (
    "At ease one to one, quiet in groups",
    "Has friends, not at school",
    "Sees few people outside the family",
)
_SUBJECTS = ("Norwegian", "Mathematics", "English", "Natural science", "Physical education")
_ADAPTATION = (
    "More time for written work",
    "Small group in mathematics",
    "A fixed adult in the morning",
    "Fewer subjects this term",
)
_RHYTHM = (
    "Regular, tired on Mondays",
    "Turns day and night around in holidays",
    "Up late, better in the afternoon",
)
_ACCOMMODATION = ("Short breaks", "Late start", "Quiet place to work", "One task at a time")
_IMPACT = (
    "Tires after about two hours",
    "Hard to concentrate in noise",
    "Needs time before new situations",
)
_SYMPTOMS = ("Worry, restlessness", "Low mood", "Trouble sleeping", "Panic in crowds")
_DIAGNOSES = ("Social anxiety disorder", "Mild depressive episode", "ADHD", "Under assessment")
_SUBSTANCE = ("Cannabis at weekends", "Alcohol, less than before", "Has stopped this autumn")
