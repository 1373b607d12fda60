"""Who may import whom, and what an import may cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, modules

SERVER_ONLY = ("fastapi", "starlette", "sqlalchemy", "sqlmodel", "uvicorn", "regorus", "broker")


def _lint(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the import linter of this environment over the source tree."""
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(linter), "--no-cache", *options],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_import_contracts_hold() -> None:
    """The contracts of pyproject.toml: the SDK stands alone, the broker's imports point inwards."""
    linted = _lint()
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert " 0 broken" in linted.stdout


def test_a_broken_contract_is_noticed(tmp_path: Path) -> None:
    """The linter sees this source tree: a contract that our own imports break is reported."""
    config = tmp_path / "contracts.toml"
    config.write_text(
        '[tool.importlinter]\nroot_packages = ["broker", "keys", "audit", "tillit"]\n'
        "[[tool.importlinter.contracts]]\n"
        'name = "never true here"\ntype = "forbidden"\n'
        'source_modules = ["broker"]\nforbidden_modules = ["tillit"]\n',
        encoding="utf-8",
    )
    linted = _lint("--config", str(config))
    assert linted.returncode == 1, linted.stdout + linted.stderr
    assert "never true here BROKEN" in linted.stdout


@pytest.mark.parametrize(
    "package", ["tillit", "tillit.wire", "tillit.client", "tillit.cli", "audit.cli", "keys.keyring"]
)
def test_the_outside_packages_load_without_the_server(package: str) -> None:
    """A school that installs the SDK gets no web server with it."""
    code = f"import sys, {package}; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    allowed = {"sqlalchemy"} if package.startswith("audit") else set()
    assert [name for name in SERVER_ONLY if name in loaded and name not in allowed] == []


def _imported(module: Path) -> set[str]:
    """The top-level packages that a module names in its imports."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
    return names


def test_nothing_but_tests_imports_tests() -> None:
    """The product must run where its tests are not shipped."""
    assert [str(module) for module in modules() if "tests" in _imported(module)] == []


def test_nothing_is_built_at_import_time() -> None:
    """An import opens no database, no socket, no file for writing, and starts no thread."""
    names = sorted(
        ".".join(path.with_suffix("").parts[1 if path.parts[0] == "sdk" else 0 :])
        for path in modules()
        if path.name not in {"__main__.py", "__init__.py", "env.py"}
        and "versions" not in path.parts
    )
    code = f"""
import importlib, sys, threading
import urllib3  # a dependency that asks the system for IPv6 by binding a socket as it is imported
touched = []
def hook(event, args):
    if event in ("socket.connect", "socket.bind", "sqlite3.connect", "subprocess.Popen"):
        touched.append(event)
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        touched.append(f"open {{args[0]}}")
sys.addaudithook(hook)
sys.dont_write_bytecode = True
for name in {names!r}:
    importlib.import_module(name)
assert threading.active_count() == 1, threading.enumerate()
assert not touched, touched
"""
    ran = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
