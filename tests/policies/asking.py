"""What tests of an engine share: an ordinary ask, a bundle with one module changed, an engine of either kind on it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from broker.domain.decisions import Decision
from broker.engine.bundle import Bundle
from broker.engine.opa import OpaEngine
from broker.engine.regorus import RegorusEngine
from broker.ports import PolicyEngine
from tests.policies.engines import PATIENT
from tests.policies.scenario import facts
from tests.policies.server import serving

ORDINARY = {
    "ask": {
        "recipient": "nav-larvik",
        "purpose": "case_discussion",
        "fields": ["education.attendance.rate", "health.diagnosis"],
    },
    "consents": [{"grants": ["thor-heyerdahl-vgs -> nav-larvik: education for case_discussion"]}],
}


def reasons(decision: Decision) -> set[tuple[str, ...]]:
    """The distinct reason lists of a decision that permits nothing."""
    assert decision.permitted() == {}
    return {withheld.reasons for withheld in decision.withheld().values()}


def expect(engine: PolicyEngine, expected: tuple[str, ...]) -> None:
    """The ordinary ask is withheld whole, for these reasons."""
    assert reasons(engine.decide(facts(ORDINARY))) == {expected}


def said_once(caplog: pytest.LogCaptureFixture, reason: str) -> None:
    """The operator is told, by the kind of error and without any of the facts."""
    said = [record.getMessage() for record in caplog.records if record.name == "tillit.engine"]
    assert len(said) == 1
    line = json.loads(said[0])
    assert line.keys() == {"event", "reason", "error"}
    assert (line["event"], line["reason"]) == ("engine.unusable", reason)
    assert line["error"].isidentifier()


def changed(bundle: Bundle, module: str, text: str) -> Bundle:
    """The bundle with one module replaced."""
    return Bundle(
        modules={**bundle.modules, module: text},
        facts=bundle.facts,
        version=bundle.version,
        digest=bundle.digest,
        catalogue=bundle.catalogue,
    )


class Run(Protocol):
    """Runs something on an engine that has loaded a bundle, with a deadline in seconds."""

    def __call__(
        self, given: Bundle, what: Callable[[PolicyEngine], None], *, deadline: float = ...
    ) -> None:
        """Run it."""
        ...


@pytest.fixture(params=["regorus", pytest.param("opa", marks=pytest.mark.opa)])
def engine_of(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Run something on an engine that has loaded a given bundle."""

    def run(
        given: Bundle, what: Callable[[PolicyEngine], None], *, deadline: float = PATIENT
    ) -> None:
        if request.param == "regorus":
            what(RegorusEngine(given, deadline=deadline))
            return
        request.getfixturevalue("opa")
        with serving(given, tmp_path / "bundle") as url:
            engine = OpaEngine(given, url, deadline=deadline)
            what(engine)
            engine.close()

    return run
