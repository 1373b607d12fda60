"""The laws of decisions (design.md § 6), on both engines, over facts nobody would think of writing down."""

import copy
import dataclasses
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.domain.decisions import Decision
from broker.domain.facts import Facts
from broker.engine.bundle import Bundle
from broker.engine.opa import OpaEngine
from broker.engine.regorus import RegorusEngine
from broker.ports import PolicyEngine
from tests.policies.engines import PATIENT, bundle, engine, opa, opa_engine, regorus_engine
from tests.policies.scenario import COLLABORATION, MEETING, facts
from tests.policies.tables import cases

__all__ = ["bundle", "engine", "opa", "opa_engine", "regorus_engine"]

EXAMPLES = int(os.environ.get("TILLIT_LAW_EXAMPLES", "60"))
laws = settings(
    max_examples=EXAMPLES,
    deadline=None,  # the server's first answer is slow on a busy machine
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

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
    "education.grades",
    "health.functional_impact",
    "health.diagnosis",
    "functioning.capacity",
    "contact.phone",
    "contact.address",
    "family.parent_income",
    "justice.follow_up",
    "child_welfare.history",
    "nothing.known",
)
NEWCOMER = "education.newcomer"
CATEGORIES = ("education", "health", "functioning", "contact", "justice", "child_welfare", "family")
PURPOSES = ("case_discussion", "coordination", "teaching_adaptation", "transition")
ODD_PURPOSES = (
    *PURPOSES,
    "benefits_decision",
    "emergency_help",
    "statistics",
    "referral",
    "curiosity",
)
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


@st.composite
def grants(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """One line; more often than not one that could be used."""
    category = draw(st.sampled_from(CATEGORIES))
    own = [name for name in FIELDS if name.startswith(f"{category}.")]
    names = draw(st.lists(st.sampled_from(own), max_size=2, unique=True))
    shown = draw(st.sampled_from((own, own, own[:1], [])))
    kind = draw(st.sampled_from(("standing", "standing", "standing", "once", "meeting")))
    return {
        "id": f"g{number}",
        "source": draw(st.sampled_from(MORE_UNITS)),
        "recipient": draw(st.sampled_from(MORE_UNITS[:4])),
        "category": category,
        "fields": names,
        "covers": [] if names else shown,
        "purpose": draw(st.sampled_from(PURPOSES)),
        "condition": {"kind": kind, "meeting": MEETING if kind == "meeting" else ""},
        "answer": draw(st.sampled_from(("yes", "yes", "yes", "no", ""))),
        "signed": {
            "subject": draw(st.booleans()),
            "guardians": draw(st.integers(0, 2)),
            "child_heard": draw(st.booleans()),
        },
        "used": draw(st.booleans()),
    }


@st.composite
def consents(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """One consent with a few lines."""
    return {
        "id": f"con_{number:022d}",
        "version": draw(st.integers(1, 3)),
        "state": draw(st.sampled_from(STATES)),
        "collaboration": draw(st.sampled_from((COLLABORATION,) * 3 + ("",))),
        "guardians_rule": draw(st.sampled_from(("one", "all"))),
        "valid_from": draw(st.sampled_from(MOMENTS[:5])),
        "valid_until": draw(st.sampled_from(MOMENTS[4:])),
        "grants": [draw(grants(n)) for n in range(1, draw(st.integers(1, 6)) + 1)],
    }


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """The facts of an ask, as JSON."""
    asked = draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=6, unique=True))
    meeting = draw(st.sampled_from(("", "", MEETING)))
    return {
        "now": draw(st.sampled_from(NOWS)),
        "ask": {
            "recipient": draw(st.sampled_from((*UNITS[:4] * 4, *ASKERS))),
            "actor_role": "veileder",
            "purpose": draw(st.sampled_from(PURPOSES * 4 + ODD_PURPOSES)),
            "collaboration": draw(st.sampled_from((COLLABORATION,) * 4 + ("", "unknown"))),
            "meeting": meeting,
            "source": draw(st.sampled_from(("",) * 4 + MORE_UNITS)),
            "fields": asked,
        },
        "subject": {
            "age": draw(st.sampled_from((13, 15, 16, 17, 19, 19, 19, 24))),
            "birthdays": [
                {"age": 20, "at": m}
                for m in draw(st.lists(st.sampled_from(MOMENTS[4:]), max_size=1))
            ],
            "guardians": draw(st.integers(0, 2)),
            "address_protection": draw(
                st.sampled_from(("none",) * 4 + ("confidential", "strictly_confidential"))
            ),
            "objects_to": draw(st.sampled_from(([], [], [], ["health"], ["education"]))),
        },
        "consents": [draw(consents(n)) for n in range(draw(st.integers(0, 3)))],
        "deposited": {
            name: draw(st.lists(st.sampled_from(MORE_UNITS), min_size=0, max_size=8, unique=True))
            for name in asked
        },
        "meeting": {
            "id": meeting,
            "collaboration": COLLABORATION if meeting else "",
            "noticed": draw(st.sampled_from((True, True, False))),
            "participants": draw(st.lists(st.sampled_from(UNITS), max_size=5, unique=True)),
            "opens": draw(st.sampled_from(MOMENTS[:4])),
            "closes": draw(st.sampled_from(MOMENTS[3:])),
        },
    }


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
    }
    line = draw(grants(9)) | {
        "source": "thor-heyerdahl-vgs",
        "recipient": "nav-larvik",
        "category": "education",
        "fields": draw(st.sampled_from(([], ["education.grades"]))),
        "covers": ["education.grades"],
        "purpose": "coordination",
        "condition": {"kind": "standing", "meeting": ""},
        "answer": "yes",
        "signed": {"subject": True, "guardians": 0, "child_heard": False},
    }
    sound["grants"] = [*sound["grants"], line]
    document["consents"].append(sound)
    return document


anything = st.one_of(documents(), usable())


def decided(engine: PolicyEngine, document: dict[str, Any]) -> Decision:
    """The engine's answer to a document."""
    return engine.decide(Facts.model_validate(document))


def permitted(engine: PolicyEngine, document: dict[str, Any]) -> set[str]:
    """The fields that the engine permits."""
    return set(decided(engine, document).permitted())


# --- every field, once ---------------------------------------------------------------------------


@laws
@given(document=anything)
def test_every_asked_field_is_answered_once_with_grounds_or_reasons(
    engine: PolicyEngine, document: dict[str, Any]
) -> None:
    """Never both, never neither, and never an answer that blames the rules."""
    decision = decided(engine, document)
    assert set(document["ask"]["fields"]) == set(decision.fields)
    assert not decision.permitted().keys() & decision.withheld().keys()
    for permit in decision.permitted().values():
        assert permit.grounds
    for withheld in decision.withheld().values():
        assert withheld.reasons
        assert not {"policy.error", "policy.stale"} & set(withheld.reasons)
        assert list(withheld.reasons) == sorted(set(withheld.reasons))


@laws
@given(document=usable())
def test_a_sound_grant_is_found_in_any_company(
    engine: PolicyEngine, document: dict[str, Any]
) -> None:
    """Default deny would pass every other law; too little shared is a failure too (N48)."""
    assert "education.grades" in permitted(engine, document)


@laws
@given(document=anything)
def test_a_ground_is_a_yes_to_this_very_ask(engine: PolicyEngine, document: dict[str, Any]) -> None:
    """Whatever else the rules do, what they permit rests on such a line, here and now."""
    now, ask = document["now"], document["ask"]
    by_id = {consent["id"]: consent for consent in document["consents"]}
    for name, permit in decided(engine, document).permitted().items():
        for ground in permit.grounds:
            consent = by_id[ground.id]
            line = next(g for g in consent["grants"] if g["id"] == ground.grant)
            assert (consent["state"], line["answer"]) == ("active", "yes")
            assert consent["valid_from"] <= now < consent["valid_until"]
            assert (consent["collaboration"], line["recipient"]) == (
                ask["collaboration"],
                ask["recipient"],
            )
            assert (line["purpose"], line["source"]) == (ask["purpose"], ground.source)
            assert name in (line["fields"] or line["covers"])
            assert name.startswith(line["category"])
            assert ground.source in document["deposited"][name]


# --- taking away never adds ----------------------------------------------------------------------


UNSIGNED = {"subject": False, "guardians": 0, "child_heard": False}


def without_each(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The document less each consent, grant, name, covered field, yes, signature, deposit, participant, notice."""
    for c, consent in enumerate(document["consents"]):
        less = copy.deepcopy(document)
        del less["consents"][c]
        yield less
        for g in range(len(consent["grants"])):
            yield from _without_parts(document, c, g)
    for name, sources in document["deposited"].items():
        for s in range(len(sources)):
            less = copy.deepcopy(document)
            del less["deposited"][name][s]
            yield less
    for p in range(len(document["meeting"]["participants"])):
        less = copy.deepcopy(document)
        del less["meeting"]["participants"][p]
        yield less
    yield {**document, "meeting": {**document["meeting"], "noticed": False}}
    yield {**document, "subject": {**document["subject"], "guardians": 0}}


def _without_parts(document: dict[str, Any], c: int, g: int) -> Iterator[dict[str, Any]]:
    less = copy.deepcopy(document)
    del less["consents"][c]["grants"][g]
    yield less
    for change in ({"answer": ""}, {"signed": UNSIGNED}):
        less = copy.deepcopy(document)
        less["consents"][c]["grants"][g].update(change)
        yield less
    for names in ("fields", "covers"):
        if document["consents"][c]["grants"][g][names]:
            less = copy.deepcopy(document)
            less["consents"][c]["grants"][g][names].pop()
            yield less


@settings(laws, max_examples=max(EXAMPLES // 3, 10))
@given(document=anything)
def test_taking_away_never_adds_a_field(engine: PolicyEngine, document: dict[str, Any]) -> None:
    """A yes less, a fact less: never a field more."""
    before = permitted(engine, document)
    for less in without_each(document):
        assert permitted(engine, less) <= before


# --- a wider bundle ------------------------------------------------------------------------------


def widened(bundle: Bundle) -> Bundle:
    """The bundle with every ceiling raised to every category, whoever asks, and every collaboration agreed on all of them."""
    facts = copy.deepcopy(dict(bundle.facts))
    categories = sorted(facts["catalogue"]["categories"])
    everyone = sorted(facts["catalogue"]["service_types"])
    for purpose in facts["catalogue"]["purposes"]:
        facts["catalogue"]["ceilings"][purpose] = [
            {"recipients": everyone, "categories": categories}
        ]
    for collaboration in facts["collaborations"].values():
        collaboration["categories"] = categories
    return dataclasses.replace(bundle, facts=facts)


def with_newcomer(bundle: Bundle) -> Bundle:
    """The widened bundle with one field more in the category education."""
    wider = widened(bundle)
    fields = wider.facts["catalogue"]["fields"]
    fields[NEWCOMER] = fields["education.grades"]
    return wider


@pytest.fixture(scope="module")
def wider_engine(bundle: Bundle) -> RegorusEngine:
    """The embedded engine with the wider bundle; that OPA decides alike is another law's to say."""
    return RegorusEngine(with_newcomer(bundle), deadline=PATIENT)


@laws
@given(document=anything)
def test_a_wider_bundle_never_widens_an_old_grant(
    wider_engine: RegorusEngine, document: dict[str, Any]
) -> None:
    """Widening asks again: whatever the catalogue becomes, a yes gives what its line was shown to mean."""
    document["ask"]["fields"].append(NEWCOMER)
    document["deposited"][NEWCOMER] = list(MORE_UNITS)
    lines = {
        (consent["id"], line["id"]): line
        for consent in document["consents"]
        for line in consent["grants"]
    }
    for name, permit in decided(wider_engine, document).permitted().items():
        for ground in permit.grounds:
            line = lines[ground.id, ground.grant]
            assert name in (line["fields"] or line["covers"])


def test_the_wider_bundle_is_wider(
    regorus_engine: RegorusEngine, wider_engine: RegorusEngine
) -> None:
    """Or the law above would hold of nothing: who is shown more under the wider bundle may share more."""
    shown = ["health.diagnosis", NEWCOMER]
    case = {
        "ask": {"recipient": "nav-larvik", "purpose": "coordination", "fields": shown},
        "consents": [
            {
                "grants": [
                    {
                        "line": "larvikshjelpa -> nav-larvik: health for coordination",
                        "covers": shown,
                    },
                    {
                        "line": "larvikshjelpa -> nav-larvik: education for coordination",
                        "covers": shown,
                    },
                ]
            }
        ],
    }
    assert regorus_engine.decide(facts(case)).permitted().keys() == set()
    assert wider_engine.decide(facts(case)).permitted().keys() == set(shown)


# --- field independence --------------------------------------------------------------------------


@laws
@given(document=anything, data=st.data())
def test_asking_for_fewer_fields_changes_no_other_answer(
    engine: PolicyEngine, document: dict[str, Any], data: st.DataObject
) -> None:
    """What else is asked for is no reason to share, nor to withhold."""
    whole = decided(engine, document)
    fewer = data.draw(st.lists(st.sampled_from(document["ask"]["fields"]), min_size=1, unique=True))
    less = copy.deepcopy(document)
    less["ask"]["fields"] = fewer
    less["deposited"] = {name: document["deposited"][name] for name in fewer}
    assert decided(engine, less).fields == {name: whole.fields[name] for name in fewer}


# --- time ----------------------------------------------------------------------------------------


@laws
@given(document=anything, moment=st.sampled_from(MOMENTS), seconds=st.integers(-1, 1))
def test_nothing_rests_on_a_consent_outside_its_time(
    engine: PolicyEngine, document: dict[str, Any], moment: str, seconds: int
) -> None:
    """From its first moment, and not at its last."""
    now = Facts.model_validate({**document, "now": moment}).now + timedelta(seconds=seconds)
    asked = Facts.model_validate({**document, "now": now})
    running = {c.id for c in asked.consents if c.valid_from <= now < c.valid_until}
    for permit in engine.decide(asked).permitted().values():
        assert {ground.id for ground in permit.grounds} <= running


@laws
@given(document=anything, part=st.floats(0, 1))
def test_the_answer_is_constant_until_stable_until(
    engine: PolicyEngine, document: dict[str, Any], part: float
) -> None:
    """An answer may be kept until then, so no moment before may differ, least of all the last."""
    asked = Facts.model_validate(document)
    first = engine.decide(asked)
    end = first.stable_until or asked.now + timedelta(days=4000)
    assert end > asked.now
    for later in (end - timedelta(microseconds=1), _between(asked.now, end, part)):
        again = engine.decide(asked.model_copy(update={"now": later}))
        assert (first.fields, first.outcome) == (again.fields, again.outcome)


def _between(start: datetime, end: datetime, part: float) -> datetime:
    return min(start + (end - start) * part, end - timedelta(microseconds=1))


# --- replay and agreement ------------------------------------------------------------------------


@laws
@given(document=anything)
def test_stored_facts_give_the_decision_again(
    engine: PolicyEngine, document: dict[str, Any]
) -> None:
    """What is kept with a disclosure is enough to check it (N56)."""
    asked = Facts.model_validate(document)
    stored = asked.model_dump_json()
    assert engine.decide(Facts.model_validate_json(stored)) == engine.decide(asked)


@pytest.mark.opa
@settings(laws, max_examples=EXAMPLES * 3)
@given(document=anything)
def test_both_engines_give_the_same_decision(
    regorus_engine: RegorusEngine, opa_engine: OpaEngine, document: dict[str, Any]
) -> None:
    """What is tested on one engine is true on the other."""
    assert decided(regorus_engine, document) == decided(opa_engine, document)


@pytest.mark.opa
def test_both_engines_decide_the_table_alike(
    regorus_engine: RegorusEngine, opa_engine: OpaEngine
) -> None:
    """Down to grounds and stability, which the table does not spell out."""
    for case in cases(COLLABORATION):
        asked = facts(case.facts)
        assert regorus_engine.decide(asked) == opa_engine.decide(asked)
