"""What is shipped: both distributions, built as wheels and used in an empty environment."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, modules

SMOKE = """
import tempfile, pathlib
from tillit import ServiceKey, Client, AsyncClient, wire
key = ServiceKey.generate("nav-larvik")
path = pathlib.Path(tempfile.mkdtemp()) / "key.jwk"
key.save(path)
assert ServiceKey.load(path).sig_kid == key.sig_kid
assert wire.FieldName
import importlib.util
assert importlib.util.find_spec("broker") is None
assert importlib.util.find_spec("fastapi") is None
print("stands alone")
"""

LOG = """
import importlib.util, pathlib
from datetime import UTC, datetime
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from audit import bundles
from tillit.leaves import leaf, leaf_hash
from tillit.notes import Vkey, sign_checkpoint
for name in ("broker", "keys", "fastapi", "sqlalchemy", "sqlmodel"):
    assert importlib.util.find_spec(name) is None, name
key, now = Ed25519PrivateKey.generate(), datetime.now(UTC)
entry = leaf("consent.given", now, bytes(32))
root = leaf_hash(entry)
note = sign_checkpoint(origin="log.example", size=1, root=root, key=key, at=now)
for path, data in (
    ("checkpoint", note.encode()),
    ("tile/0/000.p/1", root),
    ("tile/entries/000.p/1", bundles.pack([entry])),
):
    file = pathlib.Path("mirror", path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
print(Vkey.of("log.example", key))
"""


def _run(*command: str | Path, cwd: Path) -> str:
    ran = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        check=False,
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "TILLIT"))},
        timeout=600,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The SDK's, the auditors' and the broker's wheel, built from this tree."""
    out = tmp_path_factory.mktemp("wheels")
    for source in (ROOT / "sdk", ROOT / "audit", ROOT):
        build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", out, source)
        _run(sys.executable, *build, cwd=out)
    (sdk,) = out.glob("tillit-[0-9]*.whl")
    (broker,) = out.glob("tillit_broker-*.whl")
    (audit,) = out.glob("tillit_audit-*.whl")
    return sdk, audit, broker


def _pins(directory: Path) -> Path:
    """The lock's versions as constraints: what is tested here is what is pinned there."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([A-Za-z0-9._-]+==[^\\\s;]+(?: ; [^\\\n]+)?)", lock, re.MULTILINE)
    path = directory / "constraints.txt"
    path.write_text("\n".join(pin.strip() for pin in pins), encoding="utf-8")
    return path


def _empty(directory: Path) -> Path:
    """A virtual environment with nothing but pip; gives the directory of its programs."""
    venv.create(directory, with_pip=True)
    return directory / "bin"


@pytest.mark.slow
def test_every_module_and_policy_is_in_a_wheel(wheels: tuple[Path, Path, Path]) -> None:
    """A module that is not shipped is found by whoever installs."""
    shipped = {name for wheel in wheels for name in zipfile.ZipFile(wheel).namelist()}
    ours = {str(m.relative_to("sdk") if m.parts[0] == "sdk" else m) for m in modules()}
    assert sorted(name for name in ours if not name.startswith(".") and name not in shipped) == []
    policies = [path.relative_to(ROOT) for path in (ROOT / "policies").rglob("*.rego")]
    assert policies
    assert [str(path) for path in policies if str(path) not in shipped] == []
    assert [name for name in shipped if name.startswith("tests/")] == []


@pytest.mark.slow
def test_the_sdk_stands_alone_in_an_empty_environment(
    wheels: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    """A school's vendor installs one small package and can begin."""
    programs = _empty(tmp_path / "venv")
    pins = _pins(tmp_path)
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", pins)
    _run(programs / "python", *install, wheels[0], cwd=tmp_path)
    assert "stands alone" in _run(programs / "python", "-c", SMOKE, cwd=tmp_path)
    assert "usage: tillit" in _run(programs / "tillit", "--help", cwd=tmp_path)


@pytest.mark.slow
def test_auditors_install_no_server(wheels: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Who checks a broker need not install one: a mirrored log is verified, watched and proven with two small packages."""
    programs = _empty(tmp_path / "venv")
    pins = _pins(tmp_path)
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", pins)
    _run(programs / "python", *install, *wheels[:2], cwd=tmp_path)
    made = _run(programs / "python", "-c", LOG, cwd=tmp_path)
    audit, vkey = programs / "tillit-audit", made.strip()
    assert "Holds" in _run(audit, "verify", "mirror", "--vkey", vkey, cwd=tmp_path)
    assert "1 entries" in _run(audit, "watch", "mirror", "--vkey", vkey, "--once", cwd=tmp_path)
    proof = _run(audit, "proof", "mirror", "--vkey", vkey, "--index", "0", cwd=tmp_path)
    (tmp_path / "a.tlog-proof").write_text(proof)
    assert "Holds" in _run(audit, "proof", "a.tlog-proof", "--vkey", vkey, cwd=tmp_path)


@pytest.mark.slow
def test_the_whole_demo_runs_from_the_wheels(
    wheels: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    """Policies, migrations, commands: all of it is in the wheels, or the story does not end."""
    programs = _empty(tmp_path / "venv")
    pins = _pins(tmp_path)
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", pins)
    _run(programs / "python", *install, *wheels, cwd=tmp_path)
    for command in ("tillit", "tillit-broker", "tillit-audit"):
        assert f"usage: {command}" in _run(programs / command, "--help", cwd=tmp_path)
    demo = ("-m", "broker.demo", "--once", "--youths", "12", "--port", "18473")
    told = _run(programs / "python", *demo, cwd=tmp_path)
    assert "The end." in told
