"""The rules' own tests, through regorus: `opa test` says what OPA makes of them, this what the embedded engine does."""

import json
import re
from pathlib import Path

import pytest
import regorus
import yaml

from broker.engine.bundle import Bundle
from tests.policies.tools import ROOT

MODULES = {
    path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "policies").rglob("*.rego"))
}
TESTS = [
    f"data.{package[1]}.{name}"
    for path, text in MODULES.items()
    if path.name.endswith("_test.rego")
    and (package := re.search(r"^package (\S+)", text, re.MULTILINE))
    for name in re.findall(r"^(test_\w+)", text, re.MULTILINE)
]


KNOWN = yaml.safe_load(Path(__file__).with_name("regorus_known.yaml").read_text(encoding="utf-8"))
UNREACHED = pytest.mark.xfail(strict=True, reason="regorus: `with` does not reach into functions")


@pytest.fixture(scope="module")
def prepared(bundle: Bundle) -> regorus.Engine:
    """An engine with rules, their tests and the facts."""
    engine = regorus.Engine()
    for path, text in MODULES.items():
        engine.add_policy(str(path), text)
    engine.add_data_json(json.dumps(bundle.data()))
    return engine


def test_there_are_tests() -> None:
    """A runner that finds nothing passes everything."""
    assert len(TESTS) > 90


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=UNREACHED) if n in KNOWN["not reached"] else n for n in TESTS],
)
def test_the_rules_test_holds_on_regorus(name: str, prepared: regorus.Engine) -> None:
    """The two engines must agree on what the rules mean."""
    engine = prepared.clone()
    assert json.loads(engine.eval_rule_as_json(name)) is True
