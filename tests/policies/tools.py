"""Where the real `opa` and `regal` are: named by the environment, on the path, or built from the module proxy."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".cache" / "bin"
BUILD_SECONDS = 900


class ToolMissing(Exception):  # reads as what is the matter
    """The tool is neither installed nor could be built; the text says what was tried."""


def required() -> bool:
    """Whether a missing tool is a failure (CI) or a loud skip (a machine without Go)."""
    return os.environ.get("TILLIT_REQUIRE_OPA") == "1"


@cache
def tool(name: str) -> Path:
    """The path of ``opa`` or ``regal``: ``TILLIT_OPA``/``TILLIT_REGAL``, PATH, ``.cache/bin``, or built with Go.

    Raises ``ToolMissing``. What an environment variable names must exist.
    """
    named = os.environ.get(f"TILLIT_{name.upper()}")
    if named:
        if not Path(named).is_file():
            raise ToolMissing(f"TILLIT_{name.upper()} names no file: {named}")
        return Path(named)
    found = shutil.which(name)
    if found:
        return Path(found)
    built = BUILT / name
    return built if built.is_file() else _build(name, built)


def _build(name: str, target: Path) -> Path:
    go = shutil.which("go")
    if go is None:
        raise ToolMissing(f"{name} is not installed, and there is no Go to build it with")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{name}.{os.getpid()}")
    done = subprocess.run(
        [go, "build", "-trimpath", "-mod=readonly", "-o", str(fresh), "."],
        cwd=ROOT / ".ci" / name,
        env={**os.environ, "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise ToolMissing(f"{name} could not be built: {done.stderr.strip()[-400:]}")
    fresh.replace(target)
    return target
