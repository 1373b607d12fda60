"""OPA's published conformance cases on regorus: what fails is pinned, so that an engine bump cannot regress silently.

Provenance and licence stand in the vector file, which is read in place. Cases with more than one query result are not run.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import regorus
import yaml

from tests.policies.tools import ROOT

VECTORS = ROOT.parent / "shared" / "vectors" / "rego" / "conformance.json"
KNOWN = Path(__file__).with_name("regorus_known.yaml")
UNDEFINED, ERROR = "undefined", "error"


def key(number: int, case: dict[str, Any]) -> str:
    """A name of its own for each case; the notes repeat."""
    return f"{number:03d} {case['note']}"


def expected(case: dict[str, Any]) -> Any:
    """The value that OPA gives, or that it gives none, or that it fails."""
    if "want_error" in case or "want_error_code" in case:
        return ERROR
    results = case.get("want_result")
    return {"value": comparable(results[0]["x"])} if results else UNDEFINED


def found(case: dict[str, Any]) -> Any:
    """What regorus gives."""
    engine = regorus.Engine()
    try:
        for number, module in enumerate(case["modules"]):
            engine.add_policy(f"{number}.rego", module)
        if case.get("data"):
            engine.add_data_json(json.dumps(case["data"]))
        if "input" in case:
            engine.set_input_json(json.dumps(case["input"]))
        answer = json.loads(engine.eval_query_as_json(case["query"].removesuffix(" = x")))
    except RuntimeError:
        return ERROR
    results = answer.get("result")
    return {"value": comparable(results[0]["expressions"][0]["value"])} if results else UNDEFINED


def comparable(value: Any) -> Any:
    """Sets arrive as lists in whatever order."""
    if isinstance(value, list):
        return sorted(
            (comparable(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True)
        )
    return {k: comparable(v) for k, v in value.items()} if isinstance(value, dict) else value


@pytest.mark.vectors
def test_regorus_fails_no_other_case_than_it_is_known_to() -> None:
    """A new failure is a new trap for our rules; one that is mended is taken from the list."""
    if not VECTORS.is_file():
        pytest.skip(f"NOT RUN: the conformance vectors are not beside the project ({VECTORS.name})")
    every = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]
    cases = {
        key(number, case): case
        for number, case in enumerate(every)
        if case["query"].endswith(" = x") and "input_term" not in case
    }
    failing: dict[str, list[str]] = {"fails": [], "answers otherwise": []}
    for name, case in cases.items():
        answer = found(case)
        if answer != expected(case):
            failing["fails" if answer == ERROR else "answers otherwise"].append(name)
    assert len(cases) > 850
    known = yaml.safe_load(KNOWN.read_text(encoding="utf-8"))
    assert {kind: known[kind] for kind in failing} == failing
