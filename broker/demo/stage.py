"""The stage: a fresh run directory, a real broker and four service processes on it, and their data."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey
from rich.progress import Progress, TaskID

from broker.demo.cast import everybody
from broker.demo.larvik import Municipality, register
from broker.demo.people import EMPLOYEES, SHORT_NAMES, Employee, Youth
from broker.demo.person import ISSUER, Browser, SyntheticIssuer
from broker.demo.processes import (
    Child,
    ChildFailed,
    Children,
    ServiceProcess,
    inherited,
    wait_until_ready,
)
from broker.demo.records import records
from broker.demo.story import SERVICES
from broker.demo.town import case_name

PORTAL = "tillit-portal"
_PASSPHRASE_BYTES = 24
_STEP_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything of one demo lies, and on which port its broker listens."""

    directory: Path
    port: int
    login_port: int
    work_port: int

    @property
    def url(self) -> str:
        """The broker's address, which is also the issuer of its tokens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def login_url(self) -> str:
        """The address of the demo's identity provider."""
        return f"http://127.0.0.1:{self.login_port}"

    @property
    def work_url(self) -> str:
        """The address of the identity provider that the demo's employees log in at."""
        return f"http://127.0.0.1:{self.work_port}"

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.directory / "logs"

    def home(self, unit: str) -> Path:
        """A service's own directory: its key and its cases."""
        return self.directory / "services" / unit

    @property
    def environment(self) -> Mapping[str, str]:
        """The broker's settings."""
        own = self.directory / "broker"
        return {
            "TILLIT_MODE": "demo",
            "TILLIT_ISSUER": self.url,
            "TILLIT_DATA_DIR": str(own),
            "TILLIT_PASSPHRASE_FILE": str(own / "passphrase"),
            "TILLIT_REGISTER_FILE": str(self.directory / "register.json"),
            "TILLIT_PERSON_ISSUER": ISSUER,
            "TILLIT_PERSON_JWKS_FILE": str(self.directory / "person-issuer.jwks"),
            # What would be sent lies there to be read, marked as sent to nobody.
            "TILLIT_MAIL_DIR": str(self.directory / "mail"),
            "TILLIT_LOGIN_ISSUER": self.login_url,
            "TILLIT_LOGIN_CLIENT": PORTAL,
            "TILLIT_LOGIN_KEY_FILE": str(own / "portal.jwk"),
            "TILLIT_STAFF_LOGIN_ISSUER": self.work_url,
            "TILLIT_STAFF_LOGIN_CLIENT": PORTAL,
            "TILLIT_STAFF_LOGIN_KEY_FILE": str(own / "portal.jwk"),
            "TILLIT_STAFF_UNITS_FILE": str(self.directory / "units.json"),
        }


def new_run(parent: Path) -> Path:
    """A directory that no other run has, readable by its owner only."""
    parent.mkdir(parents=True, exist_ok=True)
    started = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    directory = parent / f"demo-{started}-{secrets.token_hex(2)}"
    directory.mkdir(mode=0o700)
    return directory


def furnish(stage: Stage, town: Municipality, issuer: SyntheticIssuer) -> None:
    """Write what must lie there before anything starts: register, issuer key, passphrase, cases."""
    stage.logs.mkdir()
    own = stage.directory / "broker"
    own.mkdir()
    _write_secret(own / "passphrase", secrets.token_urlsafe(_PASSPHRASE_BYTES))
    _write_json(stage.directory / "register.json", register(town))
    issuer.save_public(stage.directory / "person-issuer.jwks")
    _write_portal_key(stage, own)
    _write_json(stage.directory / "employees.json", [_at_work(one) for one in EMPLOYEES])
    organisations = {one.organisation: one.unit for one in EMPLOYEES}
    _write_json(stage.directory / "units.json", {"units": organisations})
    now = datetime.now(UTC)
    people = [asdict(one) for one in everybody(now.date())]
    _write_json(stage.directory / "people.json", people)
    for unit in SERVICES:
        stage.home(unit).mkdir(parents=True)
        cases = _cases(town, unit, now=now)
        _write_json(stage.home(unit) / "cases.json", cases)


def command(stage: Stage, *arguments: str) -> str:
    """Run one ``tillit-broker`` command to its end; gives what it printed. Raises ``ChildFailed``."""
    return _run_module("broker.cli", arguments, stage=stage, environment=stage.environment)


def audit(stage: Stage, *arguments: str) -> str:
    """Run one ``tillit-audit`` command, which knows no settings, to its end. Raises ``ChildFailed``."""
    return _run_module("audit.cli", arguments, stage=stage, environment={})


def _run_module(
    module: str, arguments: Sequence[str], *, stage: Stage, environment: Mapping[str, str]
) -> str:
    log = stage.logs / f"{module.partition('.')[0]}-{arguments[0]}.log"
    ran = subprocess.run(  # noqa: S603 - our own interpreter and modules
        [sys.executable, "-m", module, *arguments],
        env={**inherited(), **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=_STEP_SECONDS,
        start_new_session=True,
    )
    with log.open("a", encoding="utf-8") as file:
        file.write(ran.stderr)
    if ran.returncode != 0:
        said = (ran.stderr or ran.stdout).strip()
        raise ChildFailed(f"{log.stem} ended with {ran.returncode}: {said}", log)
    return ran.stdout


def start_broker(stage: Stage, children: Children) -> Child:
    """Start the broker's process and wait until it is ready. Raises ``ChildFailed``."""
    broker = children.start(
        lambda: Child(
            "the broker",
            ["broker.cli", "serve", "--port", str(stage.port)],
            log=stage.logs / "broker.log",
            directory=stage.directory,
            environment=stage.environment,
        )
    )
    wait_until_ready(stage.url, broker)
    return broker


def start_provider(stage: Stage, children: Children, *, at_work: bool = False) -> Child:
    """Start the process that people log in at, or the one for employees."""
    port, people = (
        (stage.work_port, "employees.json") if at_work else (stage.login_port, "people.json")
    )
    arguments = {
        "--port": port,
        "--client": PORTAL,
        "--client-jwk": stage.directory / "portal.jwk",
        "--people": stage.directory / people,
    }
    return children.start(
        lambda: Child(
            "the demo's login at work" if at_work else "the demo's login",
            ["broker.demo.provider", *(str(part) for pair in arguments.items() for part in pair)],
            log=stage.logs / ("work.log" if at_work else "login.log"),
            directory=stage.directory,
            environment={},
        )
    )


def start_services(stage: Stage, children: Children) -> dict[str, ServiceProcess]:
    """Start one client process per service of Emil's story, each with a directory of its own."""
    return {unit: children.start(partial(_service, stage, unit, [unit])) for unit in SERVICES}


def start_others(stage: Stage, children: Children, units: Sequence[str]) -> ServiceProcess:
    """Start the process that the services of the others' stories share."""
    return children.start(partial(_service, stage, "the other services", units))


def _service(stage: Stage, name: str, units: Sequence[str]) -> ServiceProcess:
    log = stage.logs / f"{name.replace(' ', '-')}.log"
    home = stage.directory / "services"
    return ServiceProcess(name, units, url=stage.url, directory=home, log=log)


def enrol(stage: Stage, services: Mapping[str, ServiceProcess]) -> None:
    """Hand each service a one-time code, as an operator would; it registers its public keys."""
    codes = command(stage, "enrol", *services).split()
    with ThreadPoolExecutor() as threads:
        for _ in threads.map(_enrolled, services.items(), codes):
            pass


def _enrolled(service: tuple[str, ServiceProcess], code: str) -> None:
    unit, process = service
    process.do("enrol", unit=unit, code=code)


def deposit_everything(
    services: Mapping[str, ServiceProcess], bars: Progress, totals: Mapping[str, int]
) -> int:
    """Have every service deposit all it has written down, at once; gives the number of values."""
    tasks = {
        unit: bars.add_task(f"{unit:<20}", total=totals[unit], start=True) for unit in services
    }
    for service in services.values():
        service.tell("deposit_all")
    values = 0
    for unit, service in services.items():
        report = service.hear(progress=partial(_advance, bars, tasks[unit]))
        bars.update(tasks[unit], completed=report["youths"])
        values += report["values"]
    return values


def _advance(bars: Progress, task: TaskID, done: int) -> None:
    bars.update(task, completed=done)


def held_about(youth: Youth, town: Municipality) -> dict[str, tuple[str, ...]]:
    """Which fields about the youth each of the services holds."""
    now = datetime.now(UTC)
    return {
        unit: tuple(record.field for record in records(youth, unit, seed=town.seed, now=now))
        for unit in SERVICES
        if unit in youth.units
    }


def log_in(stage: Stage, youth: Youth, issuer: SyntheticIssuer) -> Browser:
    """The youth's own browser, logged in through the synthetic identity provider."""
    return Browser(stage.url, national_id=youth.national_id, issuer=issuer)


def _cases(town: Municipality, unit: str, *, now: datetime) -> dict[str, Any]:
    return {
        case_name(youth): {
            "national_id": youth.national_id,
            "records": [
                {
                    "field": record.field,
                    "value": record.value,
                    "observed_at": record.observed_at.isoformat(),
                    "basis": record.basis,
                    "author_role": record.author_role,
                }
                for record in records(youth, unit, seed=town.seed, now=now)
            ],
        }
        for youth in town.followed_by(unit)
    }


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _write_secret(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _write_portal_key(stage: Stage, own: Path) -> None:
    """A key pair for the portal to show who it is by, and its public half for the provider."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    _write_secret(own / "portal.jwk", json.dumps(key.as_dict(private=True)))
    _write_json(stage.directory / "portal.jwk", key.as_dict(private=False))


def _at_work(one: Employee) -> dict[str, Any]:
    """An employee, at the demo's login for them."""
    return {
        "national_id": one.national_id,
        "name": f"{one.first_name} {one.last_name}",
        "about": f"{SHORT_NAMES[one.unit]}, {one.title}",
        "work": {"orgno": one.organisation, "roles": [one.role]},
    }
