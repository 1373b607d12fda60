"""The SDK as its own distribution: it builds, installs, and stands without the server."""

import subprocess
import sys
import zipfile
from pathlib import Path

import tillit

SDK = Path(__file__).resolve().parents[2] / "sdk"
FOREIGN = (
    "broker",
    "keys",
    "audit",
    "fastapi",
    "starlette",
    "sqlalchemy",
    "sqlmodel",
    "uvicorn",
    "regorus",
)


def test_import_pulls_in_nothing_of_the_server() -> None:
    """A service installs one small package, not a broker."""
    code = (
        "import sys, tillit, tillit.cli, tillit.proofs\n"
        f"print([name for name in {FOREIGN!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_every_public_name_is_there() -> None:
    """What is promised in ``__all__`` can be imported, and is in order."""
    assert [name for name in tillit.__all__ if not hasattr(tillit, name)] == []
    assert sorted(tillit.__all__) == tillit.__all__


def test_wheel_holds_the_package_with_its_types(tmp_path: Path) -> None:
    """What users' type checkers read is part of it; nothing else of the house is."""
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, SDK],
        capture_output=True,
        check=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("tillit-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "tillit/py.typed" in names
    modules = {str(path.relative_to(SDK)) for path in (SDK / "tillit").rglob("*.py")}
    assert modules | {"tillit/py.typed"} == {name for name in names if name.startswith("tillit/")}
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"tillit"}
