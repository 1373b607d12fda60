"""What is installed is pinned by hash, and says nothing about the machine that pinned it."""

import re

from tests.architecture.sources import ROOT, project_files

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_INDEX = re.compile(r"--(extra-)?index-url|--find-links|--trusted-host|://")
# Where people and build machines keep their checkouts.
_MACHINE = re.compile(r"(?<![\w./$}])/(home|root|Users|work|mnt|builds)/[A-Za-z.]")


def _lock() -> str:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_every_requirement_is_pinned_by_hash() -> None:
    """One requirement without a hash lets whoever serves it choose the code."""
    blocks = [b for b in re.split(r"\n(?=[A-Za-z0-9])", _lock().strip()) if not b.startswith("#")]
    assert len(blocks) > 20
    assert [b.split()[0] for b in blocks if not (_PIN.match(b) and _HASH.search(b))] == []


def test_the_lock_names_no_registry_and_no_path() -> None:
    """A lock with a host in it works on one machine only."""
    assert _INDEX.findall(_lock()) == []
    assert [
        line for line in _lock().splitlines() if "@ file" in line or _MACHINE.search(line)
    ] == []


def test_no_file_names_the_machine_it_was_written_on() -> None:
    """A path of one machine in the repository is wrong on every other."""
    named = [
        f"{path}:{number}"
        for path in project_files()
        if path.suffix in {".py", ".toml", ".md", ".rego", ".yaml", ".json", ".lock", ""}
        for number, line in enumerate(
            (ROOT / path).read_text(encoding="utf-8", errors="replace").splitlines(), 1
        )
        if _MACHINE.search(line)
    ]
    assert named == []
