"""Facts of asks as Hypothesis draws them: any collaboration's members, grants that mostly could be used, and odd company."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from broker.domain.catalogue import Catalogue
from broker.engine.bundle import load
from tests.policies.scenario import COLLABORATION, MEETING

UNITS = ("nav-larvik", "nav-larvik-kommunal", "ot-vestfold", "thor-heyerdahl-vgs", "larvikshjelpa")
MORE_UNITS = (
    *UNITS,
    "friomsorg-vestfold",
    "barnevern-larvik",
    "ifokus",
    "bup-vestfold",
    "bakeriet-larvik",
)
ASKERS = (*MORE_UNITS, "frivilligsentralen-larvik", "verkstedet-larvik", "nobody-at-all")
FIELDS = (
    "education.attendance.rate",
    "education.dropout_notice",
    "education.grades",
    "health.functional_impact",
    "health.diagnosis",
    "health.risk",
    "functioning.capacity",
    "contact.phone",
    "contact.address",
    "family.parent_income",
    "family.situation",
    "income.debt",
    "justice.follow_up",
    "child_welfare.history",
    "voice.goals",
    "nothing.known",
)
CATEGORIES = tuple(sorted({name.split(".")[0] for name in FIELDS} - {"nothing"}))
PURPOSES = ("case_discussion", "coordination", "teaching_adaptation", "transition")
BY_LAW = ("dropout_notice", "outreach", "duty_to_report", "duty_to_avert", "emergency_help")
ODD_PURPOSES = ("benefits_decision", "statistics", "referral", "anonymous_discussion", "curiosity")
MOMENTS = tuple(
    f"{day}T{time}Z"
    for day in ("2026-10-01", "2026-11-10", "2026-12-24", "2027-04-01")
    for time in ("00:00:00", "12:00:00")
)
NOWS = (*MOMENTS, *(["2026-11-10T12:00:00Z"] * 8))
STATES = ("active",) * 8 + (
    "requested",
    "partly_signed",
    "paused",
    "withdrawn",
    "expired",
    "lapsed",
    "refused",
    "superseded",
    "draft",
)
ROLES = ("veileder", "lege", "rektor", "merkantil")
ALSO = ("",) * 4 + ("ask_me_first", "only_when_present")
STATUTES = ("S1", "S2", "S3", "S4", "S6", "S9")


@cache
def catalogue() -> Catalogue:
    """The project's own."""
    return load().catalogue


@st.composite
def grants(
    draw: st.DrawFn, number: int, *, units: Sequence[str], purposes: Sequence[str]
) -> dict[str, Any]:
    """One line; more often than not one that could be used."""
    category = draw(st.sampled_from(CATEGORIES))
    own = [name for name in FIELDS if name.startswith(f"{category}.")]
    names = draw(st.lists(st.sampled_from(own), max_size=2, unique=True))
    shown = draw(st.sampled_from((own, own, own[:1], [])))
    kind = draw(st.sampled_from(("standing",) * 3 + ("once", "meeting", "until_event")))
    return {
        "id": f"g{number}",
        "source": draw(st.sampled_from(units)),
        "recipient": draw(st.sampled_from(units[:4])),
        "category": category,
        "fields": names,
        "covers": [] if names else shown,
        "purpose": draw(st.sampled_from(purposes)),
        "condition": {
            "kind": kind,
            "meeting": MEETING if kind == "meeting" else "",
            "also": draw(st.sampled_from(ALSO)),
        },
        "allowed": {
            name: draw(st.sampled_from(MOMENTS))
            for name in draw(st.lists(st.sampled_from(own), max_size=2, unique=True))
        },
        "answer": draw(st.sampled_from(("yes", "yes", "yes", "no", ""))),
        "signed": {
            "subject": draw(st.booleans()),
            "guardians": draw(st.integers(0, 2)),
            "child_heard": draw(st.booleans()),
        },
        "used": draw(st.booleans()),
    }


@st.composite
def consents(
    draw: st.DrawFn,
    number: int,
    *,
    collaboration: str = COLLABORATION,
    units: Sequence[str] = MORE_UNITS,
    purposes: Sequence[str] = PURPOSES,
) -> dict[str, Any]:
    """One consent with a few lines; now and then a family member's."""
    lines = range(1, draw(st.integers(1, 6)) + 1)
    return {
        "id": f"con_{number:022d}",
        "version": draw(st.integers(1, 3)),
        "state": draw(st.sampled_from(STATES)),
        "collaboration": draw(st.sampled_from((collaboration,) * 3 + ("",))),
        "guardians_rule": draw(st.sampled_from(("one", "all"))),
        "valid_from": draw(st.sampled_from(MOMENTS[:5])),
        "valid_until": draw(st.sampled_from(MOMENTS[4:])),
        "third_party": draw(st.sampled_from((False, False, False, True))),
        "grants": [draw(grants(n, units=units, purposes=purposes)) for n in lines],
    }


@st.composite
def invocations(draw: st.DrawFn, number: int, *, units: Sequence[str]) -> dict[str, Any]:
    """A statute that somebody relies on, well or badly."""
    recipient = draw(st.sampled_from((*units[:4], "barnevern-larvik", "larvikshjelpa")))
    source = draw(st.sampled_from(("", *units)))
    names = st.lists(st.sampled_from(FIELDS), min_size=1, max_size=4, unique=True)
    return {
        "id": f"inv_{number:022d}",
        "statute": draw(st.sampled_from(STATUTES)),
        "unit": draw(st.sampled_from((recipient, source or recipient))),
        "role": draw(st.sampled_from(ROLES)),
        "source": source,
        "recipient": recipient,
        "fields": draw(names),
        "reasoned": draw(st.sampled_from((True, True, False))),
        "necessary": draw(names),
        "confirmed": draw(st.booleans()),
        "delayed": draw(st.booleans()),
        "opens": draw(st.sampled_from(MOMENTS[:4])),
        "closes": draw(st.sampled_from(MOMENTS[3:])),
    }


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """The facts of an ask, as JSON: in Larvik every other time, else in any other collaboration, or none."""
    others = tuple(sorted(catalogue().collaborations))
    collaboration = draw(st.sampled_from((COLLABORATION,) * len(others) + others))
    agreed = catalogue().collaborations[collaboration]
    larvik = collaboration == COLLABORATION
    units = MORE_UNITS if larvik else tuple(member.unit for member in agreed.members)[:10]
    purposes = PURPOSES if larvik else agreed.purposes
    asked = draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=6, unique=True))
    meeting = draw(st.sampled_from(("", "", MEETING)))
    deposits = st.lists(st.sampled_from(units), min_size=0, max_size=8, unique=True)
    return {
        "now": draw(st.sampled_from(NOWS)),
        "ask": {
            "recipient": draw(st.sampled_from((*units[:4] * 4, *ASKERS))),
            "actor_role": draw(st.sampled_from(ROLES)),
            "purpose": draw(st.sampled_from(tuple(purposes) * 4 + BY_LAW + ODD_PURPOSES)),
            "collaboration": draw(st.sampled_from((collaboration,) * 4 + ("", "unknown"))),
            "meeting": meeting,
            "source": draw(st.sampled_from(("",) * 8 + units)),
            "fields": asked,
        },
        "subject": {
            "age": draw(st.sampled_from((13, 15, 16, 17, 19, 19, 19, 24, 26))),
            "birthdays": [
                {"age": 20, "at": m}
                for m in draw(st.lists(st.sampled_from(MOMENTS[4:]), max_size=1))
            ],
            "guardians": draw(st.integers(0, 2)),
            "address_protection": draw(
                st.sampled_from(("none",) * 4 + ("confidential", "strictly_confidential"))
            ),
            "objects_to": draw(st.sampled_from(([], [], [], ["health"], ["education"]))),
            "hidden": draw(st.lists(st.sampled_from(units), max_size=1)),
        },
        "consents": [
            draw(consents(n, collaboration=collaboration, units=units, purposes=purposes))
            for n in range(draw(st.integers(0, 3)))
        ],
        "deposited": {name: draw(deposits) + _said(draw, name) for name in asked},
        "meeting": {
            "id": meeting,
            "collaboration": collaboration if meeting else "",
            "noticed": draw(st.sampled_from((True, True, False))),
            "participants": draw(st.lists(st.sampled_from(units), max_size=5, unique=True)),
            "opens": draw(st.sampled_from(MOMENTS[:4])),
            "closes": draw(st.sampled_from(MOMENTS[3:])),
        },
        "invocations": [draw(invocations(n, units=units)) for n in range(draw(st.integers(0, 2)))],
        "stage": draw(st.sampled_from((0, 3, 7))),
    }


def _said(draw: st.DrawFn, name: str) -> list[str]:
    """Of what the subject alone writes, whether they have written it."""
    return ["subject"] if name.startswith("voice.") and draw(st.booleans()) else []


@st.composite
def usable(draw: st.DrawFn) -> dict[str, Any]:
    """Facts in which something is shared for certain, with random company: so that no law holds vacuously."""
    document = draw(documents())
    document["ask"] |= {
        "recipient": "nav-larvik",
        "purpose": "coordination",
        "meeting": "",
        "source": "",
        "collaboration": COLLABORATION,
    }
    document["now"] = "2026-11-10T12:00:00Z"
    document["subject"] |= {"age": 19, "address_protection": "none", "objects_to": []}
    if "education.grades" not in document["ask"]["fields"]:
        document["ask"]["fields"].append("education.grades")
    document["deposited"]["education.grades"] = ["thor-heyerdahl-vgs"]
    sound = draw(consents(9)) | {
        "state": "active",
        "collaboration": COLLABORATION,
        "valid_from": MOMENTS[0],
        "valid_until": MOMENTS[-1],
        "third_party": False,
    }
    line = draw(grants(9, units=MORE_UNITS, purposes=PURPOSES)) | {
        "source": "thor-heyerdahl-vgs",
        "recipient": "nav-larvik",
        "category": "education",
        "fields": draw(st.sampled_from(([], ["education.grades"]))),
        "covers": ["education.grades"],
        "purpose": "coordination",
        "condition": {"kind": "standing", "meeting": "", "also": draw(st.sampled_from(ALSO))},
        "allowed": {"education.grades": MOMENTS[-1]},
        "answer": "yes",
        "signed": {"subject": True, "guardians": 0, "child_heard": False},
    }
    sound["grants"] = [*sound["grants"], line]
    document["consents"].append(sound)
    return document


@st.composite
def own(draw: st.DrawFn) -> dict[str, Any]:
    """Facts of somebody who reads about themself, with whatever else may be the case."""
    document = draw(documents())
    document["ask"] |= {
        "recipient": draw(st.sampled_from(("subject",) * 8 + UNITS)),
        "actor_role": "subject",
        "purpose": draw(st.sampled_from(("own_access",) * 8 + PURPOSES)),
        "collaboration": draw(st.sampled_from(("",) * 8 + (COLLABORATION,))),
        "meeting": "",
        "source": "",
    }
    return document


anything = st.one_of(documents(), usable(), own())
