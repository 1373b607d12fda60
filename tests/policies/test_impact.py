"""Impact over more decisions than one page: two processes find what one would."""

from broker.domain.decisions import all_withheld
from broker.engine.bundle import Bundle, load, of
from broker.engine.impact import PAGE, Comparison, Impact, Stored, replayed
from broker.engine.regorus import RegorusEngine
from tests.policies.asking import ORDINARY
from tests.policies.engines import PATIENT
from tests.policies.scenario import COLLABORATION, facts

RATE = "education.attendance.rate"
LINE = ("nav-larvik", "case_discussion", COLLABORATION, RATE)


def without_education(bundle: Bundle) -> Bundle:
    """The bundle in which the committee's categories have no education."""
    agreed = bundle.facts["collaborations"][COLLABORATION]
    kept = [category for category in agreed["categories"] if category != "education"]
    changed = {**bundle.facts["collaborations"], COLLABORATION: {**agreed, "categories": kept}}
    return of(bundle.modules, {**bundle.facts, "collaborations": changed}, bundle.catalogue)


def stored(bundle: Bundle, subject: str) -> Stored:
    """An ordinary decision as it is written down."""
    decision = RegorusEngine(bundle, deadline=PATIENT).decide(facts(ORDINARY))
    return subject, facts(ORDINARY).model_dump_json(), decision.model_dump_json()


def test_many_decisions_are_looked_at_by_two_processes_and_counted_once() -> None:
    """A hundred thousand must not take an afternoon, nor be miscounted for it."""
    old = load()
    row = stored(old, "sub_1")
    many = [*[row] * (PAGE * 6), ("sub_2", *row[1:]), ("sub_3", "{}", "{}")]
    found, sizes = Impact(), []
    for impact, size in replayed(many, old, without_education(old)):
        found = impact
        sizes.append(size)
    assert (sum(sizes), found.decisions, found.unreadable) == (len(many), len(many), 1)
    assert found.gains == {}
    assert found.loses[LINE].decisions == PAGE * 6 + 1
    assert found.loses[LINE].subjects == {"sub_1", "sub_2"}


def test_an_ask_that_was_not_decided_gains_nothing_by_being_decided() -> None:
    """An engine that was down once must not make every later change look wider."""
    bundle = load()
    asked = facts(ORDINARY)
    failed = all_withheld(asked, reason="policy.error", policy=bundle.policy)
    assert list(Comparison(bundle, bundle).decided(asked, "sub_1", failed)) == []


def test_a_change_back_gains() -> None:
    """What one change takes, its reverse gives, and that is told as gaining."""
    old = load()
    both = Comparison(without_education(old), old)
    assert list(both.decided(facts(ORDINARY), "sub_1")) == [(LINE, True, "sub_1")]
