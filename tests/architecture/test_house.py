"""The house: its folders are few and fixed, its modules small and named for what they say."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, modules, project_files

FOLDERS = {"broker", "policies", "keys", "audit", "sdk", "tests"}
FILES = {
    "pyproject.toml",
    "requirements.lock",
    "SECURITY.md",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
}
LONGEST_MODULE = 500
EMPTY_NAMES = re.compile(r"(^|_)(util|utils|helper|helpers|manager|managers|common|misc)($|_)")

each_module = pytest.mark.parametrize("module", modules(tests=True), ids=str)
each_product_module = pytest.mark.parametrize("module", modules(), ids=str)


def _tree(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"), filename=str(module))


def test_the_top_level_folders_are_a_closed_list() -> None:
    """A new top-level folder is a decision (an ADR), not an accident."""
    found = {path.parts[0] for path in project_files() if len(path.parts) > 1}
    assert {folder for folder in found if not folder.startswith(".")} == FOLDERS


def test_the_top_level_files_are_a_closed_list() -> None:
    """What lies at the door is what a newcomer reads."""
    found = {path.name for path in project_files() if len(path.parts) == 1}
    assert {name for name in found if not name.startswith(".")} == FILES


@each_module
def test_a_module_is_short_enough_to_read_whole(module: Path) -> None:
    """Above five hundred lines a module says more than one thing."""
    assert len((ROOT / module).read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


@each_module
def test_a_module_says_what_it_is(module: Path) -> None:
    """The first line answers "what is this?" before anybody reads code."""
    docstring = ast.get_docstring(_tree(module))
    assert docstring is not None
    assert docstring.strip()


@each_product_module
def test_what_a_module_offers_is_described(module: Path) -> None:
    """A public name without a description is an interface nobody promised."""
    public = [
        node
        for node in _tree(module).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
    ]
    assert [node.name for node in public if not ast.get_docstring(node)] == []


@each_module
def test_no_module_is_named_for_nothing(module: Path) -> None:
    """A drawer called "utils" fills with whatever has no place."""
    names = [*module.parts[:-1], module.stem]
    assert [name for name in names if EMPTY_NAMES.search(name)] == []


def test_no_policy_lies_outside_policies_and_no_python_inside() -> None:
    """Rules are Rego and facts; who changes one should not meet the other."""
    rego_outside = [p for p in project_files() if p.suffix == ".rego" and p.parts[0] != "policies"]
    python_inside = [p for p in project_files() if p.suffix == ".py" and p.parts[0] == "policies"]
    assert (rego_outside, python_inside) == ([], [])


def test_keys_holds_code_and_never_key_material() -> None:
    """A private key in the repository is a key everybody has."""
    secret = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|\"d\"\s*:\s*\"[A-Za-z0-9_-]{40,}\"")
    held = [
        path
        for path in project_files()
        if path.parts[0] != "tests" and secret.search((ROOT / path).read_bytes())
    ]
    assert held == []
    assert [p for p in project_files() if p.parts[0] == "keys" and p.suffix != ".py"] == []
