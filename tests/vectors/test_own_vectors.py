"""Our own vectors: made anew they are the same, and two implementations judge them alike.

One is the SDK, the other shares no code with it: ``verifier`` and ``opener`` beside this file.
"""

import ast
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.vectors import generate, judged, opener
from tillit.leaves import commitment

HERE = Path(__file__).parent
DOCUMENTS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(generate.OWN.glob("*.json"))
}
FEWEST_REFUSED = 10
LONGEST_VERIFIER = 250
# What a leaf commits to stands beside it, and is not read from it.
BESIDE = {"salt_hex", "content"}
OURS = {"tillit", "audit", "keys", "broker", "tests"}

Judge = Callable[[str, Mapping[str, Any]], dict[str, Any] | None]


def by_sdk(form: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the SDK reads, None when it refuses."""
    try:
        return judged.FORMS[form](given)
    except judged.REFUSALS:
        return None


def by_second(form: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the second implementation reads, None when it refuses."""
    try:
        return opener.FORMS[form](dict(given))
    except opener.WRONG:
        return None


def examples(kind: str) -> list[Any]:
    """Every accepted or refused example of every file."""
    return [
        pytest.param(form, each, id=f"{form}-{each['id']}")
        for form, document in DOCUMENTS.items()
        for each in document[kind]
    ]


judge = pytest.mark.parametrize("judge", [by_sdk, by_second])


def test_made_anew_they_are_the_same() -> None:
    """Vectors that nobody can make are vectors that nobody can extend."""
    held = {path.name: path.read_text(encoding="utf-8") for path in generate.OWN.glob("*.json")}
    assert held == generate.files()


@pytest.mark.parametrize("form", DOCUMENTS)
def test_each_file_tells_what_another_implementer_needs(form: str) -> None:
    """Provenance, source, enough that must be refused, and each by a name and a reason of its own."""
    document = DOCUMENTS[form]
    assert document.keys() == {
        "form",
        "format",
        "about",
        "specs",
        "provenance",
        "accepted",
        "refused",
    }
    assert len(document["refused"]) >= FEWEST_REFUSED
    accepted = {each["id"]: each for each in document["accepted"]}
    names = [each["id"] for kind in ("accepted", "refused") for each in document[kind]]
    assert len(set(names)) == len(names)
    for each in document["refused"]:
        assert each["why"]
        assert each["given"] != accepted[each["of"]]["given"], each["id"]


@judge
@pytest.mark.parametrize(("form", "example"), examples("accepted"))
def test_what_must_be_accepted_is(judge: Judge, form: str, example: dict[str, Any]) -> None:
    """And all of it read as it says."""
    expected = {name: said for name, said in example["expect"].items() if name not in BESIDE}
    assert judge(form, example["given"]) == expected


@judge
@pytest.mark.parametrize(("form", "example"), examples("refused"))
def test_what_must_be_refused_is(judge: Judge, form: str, example: dict[str, Any]) -> None:
    """Each by both: a form that only one of them refuses is a form that an attacker chooses."""
    assert judge(form, example["given"]) is None


@pytest.mark.parametrize("example", DOCUMENTS["leaf"]["accepted"], ids=lambda each: each["id"])
def test_a_leaf_commits_to_the_content_beside_it(example: dict[str, Any]) -> None:
    """Who holds salt and content computes the commitment."""
    expect = example["expect"]
    made = commitment(bytes.fromhex(expect["salt_hex"]), expect["content"])
    assert made.hex() == expect["commitment_hex"]


def test_the_readme_names_every_file() -> None:
    """An implementer begins there."""
    text = (generate.OWN / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`([a-z-]+)\.json`", text)) == set(DOCUMENTS)


@pytest.mark.parametrize("name", ["verifier", "opener"])
def test_the_second_implementation_shares_no_code(name: str) -> None:
    """A mistake that both make together is a mistake that neither finds."""
    source = (HERE / f"{name}.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= LONGEST_VERIFIER
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(f"{node.module}")
    ours = {module for module in imported if module.split(".")[0] in OURS}
    assert ours == ({"tests.vectors", "tests.vectors.verifier"} if name == "opener" else set())
