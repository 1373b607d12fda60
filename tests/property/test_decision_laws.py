"""The laws of decisions (design.md § 6), on both engines, over facts nobody would think of writing down."""

import copy
import dataclasses
import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.domain.decisions import Decision
from broker.domain.facts import Facts
from broker.domain.shelves import Unit
from broker.engine.bundle import Bundle, load
from broker.engine.opa import OpaEngine
from broker.engine.regorus import RegorusEngine
from broker.ports import PolicyEngine
from tests.policies.engines import PATIENT, bundle, engine, opa, opa_engine, regorus_engine
from tests.policies.scenario import COLLABORATION, facts
from tests.policies.tables import cases, collaborations
from tests.policies.test_dropped_facts import paths, raw, without
from tests.property.ask_documents import (
    MOMENTS,
    MORE_UNITS,
    UNITS,
    anything,
    catalogue,
    usable,
)
from tillit.wire import Ground

__all__ = ["bundle", "engine", "opa", "opa_engine", "regorus_engine"]

EXAMPLES = int(os.environ.get("TILLIT_LAW_EXAMPLES", "500"))
NEWCOMER = "education.newcomer"
laws = settings(
    max_examples=EXAMPLES,
    deadline=None,  # the server's first answer is slow on a busy machine
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


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
    """Whatever else the rules do, what they permit rests on such a line or such an invocation, here and now."""
    for name, permit in decided(engine, document).permitted().items():
        assert permit.grounds
        for ground in permit.grounds:
            assert ground.source in document["deposited"][name]
            if ground.kind == "consent":
                _check_yes(document, name, ground)
            elif ground.kind == "own_access":
                _check_own(document, name)
            else:
                _check_statute(document, name, ground)


def _check_yes(document: dict[str, Any], name: str, ground: Ground) -> None:
    now, ask = document["now"], document["ask"]
    consent = next(c for c in document["consents"] if c["id"] == ground.id)
    line = next(g for g in consent["grants"] if g["id"] == ground.grant)
    assert (consent["state"], line["answer"]) == ("active", "yes")
    assert consent["valid_from"] <= now < consent["valid_until"]
    assert (consent["collaboration"], line["recipient"]) == (
        ask["collaboration"],
        ask["recipient"],
    )
    assert line["purpose"] == ask["purpose"]
    if ground.source == "subject":
        assert (catalogue().fields[name].authored_by, ask["source"]) == ("subject", "")
    else:
        assert line["source"] == ground.source
    assert name in (line["fields"] or line["covers"])
    assert name.startswith(line["category"])
    if line["condition"]["also"]:
        assert now < line["allowed"][name]
    if consent["third_party"]:
        assert name.startswith("family.")


def _check_own(document: dict[str, Any], name: str) -> None:
    ask = document["ask"]
    assert (ask["recipient"], ask["purpose"]) == ("subject", "own_access")
    assert (ask["collaboration"], ask["meeting"], ask["source"]) == ("", "", "")
    assert not catalogue().fields[name].third_party


def _check_statute(document: dict[str, Any], name: str, ground: Ground) -> None:
    now, ask = document["now"], document["ask"]
    statute = catalogue().statutes[ground.id]
    assert statute.in_use
    assert ground.id in catalogue().purposes[ask["purpose"]].statutes
    assert statute.ages.min <= document["subject"]["age"] <= statute.ages.max
    assert not name.startswith("family.")
    if document["subject"]["address_protection"] != "none":
        assert not name.startswith("contact.")
    if statute.invoked_by == "nobody":
        assert ground.grant == ""
        return
    claim = next(i for i in document["invocations"] if i["id"] == ground.grant)
    assert (claim["statute"], claim["recipient"]) == (ground.id, ask["recipient"])
    assert claim["opens"] <= now < claim["closes"]
    assert claim["reasoned"]
    assert claim["confirmed"] or not statute.second_person
    assert not statute.roles or claim["role"] in statute.roles
    assert name in claim["fields"]
    assert claim["unit"] == (
        ask["recipient"] if statute.invoked_by == "recipient" else ground.source
    )


@laws
@given(document=anything)
def test_both_sides_must_agree(engine: PolicyEngine, document: dict[str, Any]) -> None:
    """The source's silence must be lifted and the recipient's ceiling reach: either side alone shares nothing (N46)."""
    ask, known = document["ask"], catalogue()
    agreed = known.collaborations.get(ask["collaboration"])
    now = datetime.fromisoformat(document["now"])
    for name, permit in decided(engine, document).permitted().items():
        if {ground.kind for ground in permit.grounds} == {"own_access"}:
            continue
        recipient = known.units[ask["recipient"]]
        if agreed is not None:
            assert ask["purpose"] in agreed.purposes
            assert ask["recipient"] in agreed.members_at(now)
            assert agreed.ages.min <= document["subject"]["age"] <= agreed.ages.max
        assert _bound(recipient, now)
        for ground in permit.grounds:
            if ground.kind != "consent":
                continue
            line = _line(document, ground)
            source = known.units[line["source"]]
            assert _bound(source, now)
            assert agreed is None or source.id in agreed.members_at(now)
            by_name = known.regimes[source.regime].consent == "by_name"
            assert line["fields"] if by_name else True
            if not line["fields"]:
                assert name in known.reach(ask["purpose"], recipient, agreed)


def _bound(unit: Unit, now: datetime) -> bool:
    pledged = unit.pledge_until is not None and now < unit.pledge_until
    return pledged or not catalogue().regimes[unit.regime].pledge


def _line(document: dict[str, Any], ground: Ground) -> dict[str, Any]:
    consent = next(c for c in document["consents"] if c["id"] == ground.id)
    found: dict[str, Any] = next(g for g in consent["grants"] if g["id"] == ground.grant)
    return found


# --- follow-up and control -----------------------------------------------------------------------


@laws
@given(document=anything)
def test_a_follow_up_grant_never_serves_benefits(
    engine: PolicyEngine, document: dict[str, Any]
) -> None:
    """What was said for help is not there when benefits are decided, nor is whether anything was said (N27, N52)."""
    document["ask"]["purpose"] = "benefits_decision"
    for consent in document["consents"]:
        consent["grants"] = [g for g in consent["grants"] if g["purpose"] != "benefits_decision"]
    silent = {**document, "consents": []}
    answer = decided(engine, document)
    assert not answer.permitted()
    assert answer.fields == decided(engine, silent).fields


# --- taking away never adds ----------------------------------------------------------------------


CLAIMED_LESS: tuple[dict[str, Any], ...] = (
    {"reasoned": False},
    {"confirmed": False},
    {"fields": []},
    {"necessary": []},
)
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
    yield {**document, "stage": 0}
    for i in range(len(document["invocations"])):
        less = copy.deepcopy(document)
        del less["invocations"][i]
        yield less
        for change in CLAIMED_LESS:
            less = copy.deepcopy(document)
            less["invocations"][i].update(change)
            yield less


def _without_parts(document: dict[str, Any], c: int, g: int) -> Iterator[dict[str, Any]]:
    less = copy.deepcopy(document)
    del less["consents"][c]["grants"][g]
    yield less
    for change in ({"answer": ""}, {"signed": UNSIGNED}):
        less = copy.deepcopy(document)
        less["consents"][c]["grants"][g].update(change)
        yield less
    for let in document["consents"][c]["grants"][g]["allowed"]:
        less = copy.deepcopy(document)
        del less["consents"][c]["grants"][g]["allowed"][let]
        yield less
    for names in ("fields", "covers"):
        if document["consents"][c]["grants"][g][names]:
            less = copy.deepcopy(document)
            less["consents"][c]["grants"][g][names].pop()
            yield less


@laws
@given(document=anything, data=st.data())
def test_taking_away_never_adds_a_field(
    engine: PolicyEngine, document: dict[str, Any], data: st.DataObject
) -> None:
    """A yes less, a fact less: never a field more."""
    before = permitted(engine, document)
    lessened = list(without_each(document))
    chosen = st.lists(st.sampled_from(range(len(lessened))), min_size=1, max_size=8, unique=True)
    for number in data.draw(chosen):
        assert permitted(engine, lessened[number]) <= before


@laws
@given(document=anything, data=st.data())
def test_a_missing_fact_never_adds_a_field(
    engine: PolicyEngine, document: dict[str, Any], data: st.DataObject
) -> None:
    """The broker never lets such a document through; were it to, the rules would not read a gap as a yes."""
    whole = json.loads(Facts.model_validate(document).model_dump_json())
    before = raw(engine, whole)
    every = list(paths(whole))
    chosen = st.lists(st.sampled_from(range(len(every))), min_size=1, max_size=4, unique=True)
    for number in data.draw(chosen):
        assert raw(engine, without(whole, every[number])) <= before


@laws
@given(document=anything, unit=st.sampled_from(("", *UNITS)))
def test_a_member_or_an_agreement_less_never_adds_a_field(
    regorus_engine: RegorusEngine, document: dict[str, Any], unit: str
) -> None:
    """A membership that ends takes away; the rules' data is lessened, so this is asked of the embedded engine alone."""
    assert permitted(_without_member(unit), document) <= permitted(regorus_engine, document)


@cache
def _without_member(unit: str) -> RegorusEngine:
    """The rules with this unit out of the committee, or with no agreement at all."""
    whole = load()
    agreed = whole.facts["collaborations"][COLLABORATION]
    others = {k: v for k, v in agreed["members"].items() if k != unit}
    left = {COLLABORATION: {**agreed, "members": others}} if unit else {}
    return RegorusEngine(
        dataclasses.replace(whole, facts={**whole.facts, "collaborations": left}), deadline=PATIENT
    )


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
            if ground.kind != "consent":
                continue
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
        assert {g.id for g in permit.grounds if g.kind == "consent"} <= running


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
@settings(laws, max_examples=EXAMPLES * 2)
@given(document=anything)
def test_both_engines_give_the_same_decision(
    regorus_engine: RegorusEngine, opa_engine: OpaEngine, document: dict[str, Any]
) -> None:
    """What is tested on one engine is true on the other."""
    assert decided(regorus_engine, document) == decided(opa_engine, document)


@pytest.mark.opa
def test_both_engines_decide_the_tables_alike(
    regorus_engine: RegorusEngine, opa_engine: OpaEngine
) -> None:
    """Down to grounds and stability, which the tables do not spell out."""
    for case in (case for name in collaborations() for case in cases(name)):
        asked = facts(case.facts, case.collaboration)
        assert regorus_engine.decide(asked) == opa_engine.decide(asked)
