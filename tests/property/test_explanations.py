"""Explanations: whatever is decided, each field is explained, and from nothing but the decision and what it names."""

import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.domain.decisions import Decision
from broker.domain.explaining import explain
from broker.domain.facts import Facts, MeetingFacts, SubjectFacts
from broker.engine.bundle import Bundle
from broker.engine.regorus import RegorusEngine
from broker.usecases.gathering import NO_MEETING
from tests.policies.engines import bundle, regorus_engine
from tests.property.ask_documents import anything

__all__ = ["bundle", "regorus_engine"]

EXAMPLES = int(os.environ.get("TILLIT_LAW_EXAMPLES", "500"))
law = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NOBODY = SubjectFacts(age=40, birthdays=(), guardians=0, address_protection="none", objects_to=())
LANGUAGES = st.sampled_from(("nb", "nn", "en"))


@law
@given(document=anything, language=LANGUAGES, to_subject=st.booleans())
def test_every_field_is_explained(
    document: dict[str, Any],
    language: Any,
    to_subject: bool,
    bundle: Bundle,
    regorus_engine: RegorusEngine,
) -> None:
    """N28: no decision leaves anyone without a reason, or without knowing what is missing."""
    facts = Facts.model_validate(document)
    decision = regorus_engine.decide(facts)
    told = explain(decision, facts, bundle.catalogue, language, to_subject=to_subject)
    purpose = bundle.catalogue.purposes.get(facts.ask.purpose)
    hushed = purpose is not None and purpose.control and not to_subject
    assert told.summary
    assert told.fields.keys() == decision.fields.keys()
    for name, field in told.fields.items():
        assert field.text
        says_more = name in decision.withheld() and not hushed
        assert (field.missing is not None, field.giver is not None) == (says_more, says_more)


@law
@given(document=anything, language=LANGUAGES, to_subject=st.booleans())
def test_an_explanation_follows_from_the_decision_and_what_it_rests_on(
    document: dict[str, Any],
    language: Any,
    to_subject: bool,
    bundle: Bundle,
    regorus_engine: RegorusEngine,
) -> None:
    """N27: take away who said no, what others may know, the youth's age and objections: not a word changes."""
    facts = Facts.model_validate(document)
    decision = regorus_engine.decide(facts)
    whole, bare = (
        explain(decision, one, bundle.catalogue, language, to_subject=to_subject)
        for one in (facts, _rested_on(facts, decision))
    )
    assert whole == bare


def _rested_on(facts: Facts, decision: Decision) -> Facts:
    """The ask, and of all other facts only the lines and invocations that a permit names."""
    grounds = [g for permit in decision.permitted().values() for g in permit.grounds]
    lines = {(g.id, g.version, g.grant) for g in grounds}
    invoked = {g.grant for g in grounds}
    meeting: MeetingFacts = NO_MEETING
    return facts.model_copy(
        update={
            "subject": NOBODY,
            "consents": tuple(
                consent.model_copy(
                    update={
                        "grants": tuple(
                            grant
                            for grant in consent.grants
                            if (consent.id, consent.version, grant.id) in lines
                        )
                    }
                )
                for consent in facts.consents
            ),
            "deposited": dict.fromkeys(facts.ask.fields, ()),
            "meeting": meeting,
            "invocations": tuple(one for one in facts.invocations if one.id in invoked),
            "stage": 0,
        }
    )
