"""The policy engine's port: one suite, both adapters."""

import gc
import json
import shutil
import socket
import subprocess
import sys
import threading
import weakref
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from broker.domain.facts import Facts
from broker.engine.bundle import Bundle, BundleError, load
from broker.engine.opa import OpaEngine
from broker.engine.regorus import RegorusEngine, _Failed
from broker.errors import EngineDown
from broker.ports import PolicyEngine, SignerQuestion, SignersNeeded
from tests.policies.asking import ORDINARY, Run, changed, engine_of, expect, said_once
from tests.policies.engines import PATIENT, bundle, engine, opa, opa_engine, regorus_engine
from tests.policies.scenario import COLLABORATION, facts
from tests.policies.server import serving, serving_directory
from tests.policies.tables import cases
from tests.policies.tools import ROOT

__all__ = ["bundle", "engine", "engine_of", "opa", "opa_engine", "regorus_engine"]

ALONE = SignersNeeded(subject=True, guardians=0, child_heard=False)


def question(**said: Any) -> SignerQuestion:
    """A signer question; what is not said is a grown subject and a category of no special age."""
    usual: dict[str, Any] = {
        "age": 19,
        "guardians": 0,
        "guardians_rule": "all",
        "categories": ("contact",),
    }
    return SignerQuestion.model_validate({**usual, **said})


# --- decisions -----------------------------------------------------------------------------------


def test_a_decision_names_grounds_reasons_obligations_and_policy(engine: PolicyEngine) -> None:
    """What a recipient holds must say by which consent, under which duties, decided by which rules."""
    decision = engine.decide(facts(ORDINARY))
    assert decision.model_dump(mode="json") == {
        "outcome": "partly_released",
        "fields": {
            "education.attendance.rate": {
                "effect": "permit",
                "grounds": [
                    {
                        "kind": "consent",
                        "id": "con_0000000000000000000000",
                        "version": 1,
                        "grant": "g1",
                        "source": "thor-heyerdahl-vgs",
                    }
                ],
            },
            "health.diagnosis": {"effect": "withhold", "reasons": ["consent.no_grant"]},
        },
        "obligations": {
            "notify": "immediate",
            "erase_after": "P30D",
            "onward_sharing": False,
            "journal": True,
        },
        "stable_until": "2027-04-01T00:00:00Z",
        "policy": engine.policy.model_dump(),
    }


def test_every_usable_grant_is_a_ground(engine: PolicyEngine) -> None:
    """The broker picks the newest value among the sources, so it must know them all."""
    case = {
        **ORDINARY,
        "ask": {**ORDINARY["ask"], "fields": ["education.wishes"]},  # type: ignore[dict-item] # a literal above
        "consents": [
            {
                "grants": [
                    "thor-heyerdahl-vgs -> nav-larvik: education for case_discussion",
                    "ot-vestfold -> nav-larvik: education.wishes for case_discussion",
                ]
            }
        ],
    }
    permit = engine.decide(facts(case)).permitted()["education.wishes"]
    assert {ground.source for ground in permit.grounds} == {"thor-heyerdahl-vgs", "ot-vestfold"}


def test_stability_ends_at_the_nearest_turn(engine: PolicyEngine) -> None:
    """An answer kept too long would outlive the yes it rests on."""
    case = {**ORDINARY, "subject": {"birthdays": [{"age": 20, "at": "2026-12-24T00:00:00Z"}]}}
    decision = engine.decide(facts(case))
    assert decision.stable_until is not None
    assert decision.stable_until.isoformat() == "2026-12-24T00:00:00+00:00"


def test_threads_share_an_engine(engine: PolicyEngine) -> None:
    """The web server asks from many threads; regorus panics when an engine crosses one."""
    asked = facts(ORDINARY)
    expected = engine.decide(asked)
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(engine.decide(asked))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


# --- signers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "age"),
    [
        ("health", 16),
        ("substance", 16),
        ("education", 15),
        ("child_welfare", 15),
        ("contact", 16),
        ("work", 16),
    ],
)
def test_the_subject_signs_alone_from_the_age_of_the_category(
    category: str, age: int, engine: PolicyEngine
) -> None:
    """The ages of law.md, on both sides of the birthday."""
    of_age = engine.signers(question(age=age, guardians=2, categories=(category,)))
    below = engine.signers(question(age=age - 1, guardians=2, categories=(category,)))
    assert of_age == {category: ALONE}
    assert below == {category: SignersNeeded(subject=False, guardians=2, child_heard=True)}


def test_guardians_of_the_grown_sign_nothing(engine: PolicyEngine) -> None:
    """From 18 guardians have no say (N24)."""
    every = ("health", "education", "contact")
    assert engine.signers(question(age=18, guardians=2, categories=every)) == dict.fromkeys(
        every, ALONE
    )


@pytest.mark.parametrize(
    ("rule", "guardians", "needed"),
    [("one", 2, 1), ("all", 2, 2), ("all", 1, 1), ("one", 1, 1), ("all", 0, 1)],
)
def test_as_many_guardians_sign_as_the_rule_says(
    rule: str, guardians: int, needed: int, engine: PolicyEngine
) -> None:
    """A child of whom the register knows no guardian needs one all the same."""
    answer = engine.signers(question(age=13, guardians=guardians, guardians_rule=rule))
    assert answer["contact"].guardians == needed


@pytest.mark.parametrize(("age", "heard"), [(6, False), (7, True), (13, True)])
def test_a_child_is_heard_from_seven(age: int, heard: bool, engine: PolicyEngine) -> None:
    """A guardian's yes does not stand alone."""
    answer = engine.signers(question(age=age, guardians=1))
    assert answer["contact"].child_heard is heard


# --- what goes wrong -----------------------------------------------------------------------------


BROKEN = {
    "undefined": "package tillit\n\ndecision if false\n",
    "of another type": "package tillit\n\ndecision := 7\n",
    "empty": "package tillit\n\ndecision := {}\n",
    "conflicting": "package tillit\n\ndecision := 1\n\ndecision := 2\n",
    "with a permit without a ground": """package tillit

decision := {
	"outcome": "released",
	"fields": {name: {"effect": "permit", "grounds": []} | some name in input.ask.fields},
	"obligations": data.facts.law.obligations,
	"stable_until": null,
	"policy": data.facts.release,
}
""",
    "about other fields": """package tillit

decision := {
	"outcome": "refused",
	"fields": {"work.cv": {"effect": "withhold", "reasons": ["consent.none"]}},
	"obligations": data.facts.law.obligations,
	"stable_until": null,
	"policy": data.facts.release,
}
""",
    "whose outcome does not follow": """package tillit

decision := {
	"outcome": "released",
	"fields": {name: {"effect": "withhold", "reasons": ["consent.none"]} | some name in input.ask.fields},
	"obligations": data.facts.law.obligations,
	"stable_until": null,
	"policy": data.facts.release,
}
""",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_an_answer_that_is_no_decision_withholds_everything(
    text: str,
    bundle: Bundle,
    engine_of: Run,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Undefined, ill-typed, conflicting: closed, with a reason that says whose fault it is."""
    broken = changed(bundle, "tillit/decision.rego", text)
    engine_of(broken, lambda e: expect(e, ("policy.error",)))
    said_once(caplog, "policy.error")


def test_useless_signers_are_no_signers(
    bundle: Bundle,
    engine_of: Run,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody's signature must ever be taken for unnecessary because the engine stumbled."""
    name = "tillit/signers/signers.rego"
    text = bundle.modules[name]
    assert "in input.categories" in text
    broken = changed(bundle, name, text.replace("in input.categories", "in input.nothing"))

    def ask(engine: PolicyEngine) -> None:
        with pytest.raises(EngineDown):
            engine.signers(question())

    engine_of(broken, ask)
    said_once(caplog, "policy.unavailable")


def test_rules_that_do_not_compile_are_found_at_once(bundle: Bundle) -> None:
    """Regorus has no strict check; what it can see it must say before the first ask."""
    with pytest.raises(BundleError, match="do not compile"):
        RegorusEngine(changed(bundle, "tillit/decision.rego", "package tillit\n\ndecision :="))


def test_an_engine_that_failed_decides_again(regorus_engine: RegorusEngine) -> None:
    """One poisoned answer must not take the thread's engine with it."""
    asked = facts(ORDINARY)
    expected = regorus_engine.decide(asked)
    with pytest.raises(_Failed):
        regorus_engine._ask("{not json", "data.tillit.decision")
    assert regorus_engine.decide(asked) == expected


# --- the server ----------------------------------------------------------------------------------


@pytest.mark.opa
def test_a_server_with_another_bundle_is_stale(bundle: Bundle, opa: str, tmp_path: Path) -> None:
    """A server that was not told of the new rules must not decide by the old ones."""
    assert opa
    newer = Bundle(
        modules=bundle.modules,
        facts=bundle.facts,
        version=bundle.version,
        digest="sha256:" + "0" * 64,
        catalogue=bundle.catalogue,
    )
    with serving(bundle, tmp_path / "bundle") as url:
        expect(OpaEngine(newer, url, deadline=PATIENT), ("policy.stale",))
        with pytest.raises(EngineDown):
            OpaEngine(newer, url, deadline=PATIENT).signers(question())


@pytest.mark.opa
def test_a_server_on_the_bare_directory_is_stale(bundle: Bundle, opa: str, tmp_path: Path) -> None:
    """Without a digest nobody can say which rules answered."""
    assert opa
    bundle.write(tmp_path / "bundle")
    data = tmp_path / "bundle" / "data.json"
    document = json.loads(data.read_text(encoding="utf-8"))
    del document["facts"]["release"]["digest"]
    data.write_text(json.dumps(document), encoding="utf-8")
    with serving_directory(tmp_path / "bundle") as url:
        expect(OpaEngine(bundle, url, deadline=PATIENT), ("policy.stale",))


@pytest.mark.opa
def test_the_written_bundle_has_the_very_facts(bundle: Bundle, opa: str) -> None:
    """OPA's YAML reader and ours must see the same facts in the same files."""
    done = subprocess.run(
        [opa, "eval", "--format=raw", "--data", str(ROOT / "policies" / "facts"), "data"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == bundle.facts


def test_a_server_that_is_gone_is_down(bundle: Bundle, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody there: a 503 and a retry, not a decision."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    engine = OpaEngine(bundle, f"http://127.0.0.1:{port}")
    with pytest.raises(EngineDown):
        engine.decide(facts(ORDINARY))
    said_once(caplog, "policy.unavailable")
    with pytest.raises(EngineDown):
        engine.signers(question())


@pytest.mark.parametrize(
    ("status", "body", "down"),
    [
        (503, b"{}", True),
        (401, b"{}", True),
        (500, b'{"code": "internal_error"}', False),
        (400, b"{}", False),
        (200, b"not json", False),
        (200, b"[]", False),
        (200, b"{}", False),
        (200, b'{"result": null}', False),
    ],
)
def test_a_server_that_answers_nonsense_is_closed(
    status: int, body: bytes, down: bool, bundle: Bundle
) -> None:
    """Whatever stands between us and the rules, only a decision is a decision."""

    class Odd(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Odd) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        engine = OpaEngine(bundle, f"http://127.0.0.1:{server.server_port}", deadline=PATIENT)
        try:
            if down:
                with pytest.raises(EngineDown):
                    engine.decide(facts(ORDINARY))
            else:
                expect(engine, ("policy.error",))
        finally:
            engine.close()
            server.shutdown()
            thread.join()


# --- replay --------------------------------------------------------------------------------------


def test_stored_facts_and_bundle_give_the_decision_again(
    engine: PolicyEngine, tmp_path: Path
) -> None:
    """Years later an auditor can ask the same rules the same question (N56)."""
    copy = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", copy)
    kept = load(copy)
    assert kept.policy == engine.policy
    again = RegorusEngine(kept, deadline=PATIENT)
    for case in cases(COLLABORATION):
        asked = facts(case.facts)
        stored = asked.model_dump_json()
        assert again.decide(Facts.model_validate_json(stored)) == engine.decide(asked)


def test_an_adapter_may_be_let_go_by_any_thread(bundle: Bundle) -> None:
    """A bundle that is loaded exchanges the adapter under threads that go on; what they made, they let go of themselves."""
    asked, first, second = facts(ORDINARY), threading.Event(), threading.Event()
    gone: list[bool] = []
    adapters = [RegorusEngine(bundle, deadline=PATIENT)]

    def work() -> None:
        adapters[0].decide(asked)
        first.set()
        second.wait(10)
        RegorusEngine(bundle, deadline=PATIENT).decide(asked)

    thread = threading.Thread(target=work)
    thread.start()
    first.wait(10)
    weakref.finalize(adapters.pop(), gone.append, True)
    gc.collect()
    second.set()
    thread.join()
    assert gone == [True]


def test_a_kept_failure_keeps_no_engine(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback keeps its frames; freed in another thread with one of them, an engine would never be freed."""
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)

    def fail(engine: RegorusEngine) -> list[BaseException]:
        with pytest.raises(_Failed) as asked:
            engine._ask("{not json", "data.tillit.decision")
        with pytest.raises(BundleError) as made:
            RegorusEngine(changed(bundle, "tillit/decision.rego", "package tillit\n\ndecision :="))
        return [asked.value, made.value]

    kept = fail(RegorusEngine(bundle, deadline=PATIENT))
    gc.disable()
    try:
        kept.clear()
        thread = threading.Thread(target=gc.collect)
        thread.start()
        thread.join()
    finally:
        gc.enable()
    assert complaints == []
