"""The project's own files: what version control has or, in an unpacked archive, the disk."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BUILD_PRODUCTS = {"build", "dist"}


@cache
def project_files() -> tuple[Path, ...]:
    """Every file of the project, relative to its root; nothing that a tool made."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")
        found = [Path(name) for name in listed if name]
    else:
        found = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]
    return tuple(sorted(p for p in found if (ROOT / p).is_file() and not _made(p)))


def _made(path: Path) -> bool:
    """Whether a tool made it: caches, build products, dot-folders that are not the project's."""
    folders = path.parts[:-1]
    return any(
        folder == "__pycache__" or folder.endswith(".egg-info") for folder in folders
    ) or bool(folders and (folders[0] in _BUILD_PRODUCTS or _foreign(folders[0])))


def _foreign(folder: str) -> bool:
    return folder.startswith(".") and folder not in {".ci", ".github"}


def modules(*, tests: bool = False) -> tuple[Path, ...]:
    """The Python modules of the two distributions, and on demand of the tests."""
    return tuple(
        path
        for path in project_files()
        if path.suffix == ".py" and (tests or path.parts[0] != "tests")
    )
