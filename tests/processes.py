"""Real broker processes for tests: set up in a directory, started on a free port, ended by pid.

Nothing here stands in for anything: the processes are ``tillit-broker serve``, the clients the SDK's.
"""

import hashlib
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
from sqlalchemy import create_engine, text

from broker import change
from broker.compose import now
from broker.demo.larvik import municipality, register
from broker.demo.person import ISSUER, Browser, SyntheticIssuer
from broker.demo.processes import Child
from broker.domain.ids import UnitId
from broker.engine import bundle
from broker.store.log_keys import CustodiansLogKeys
from broker.store.migrate import migrate
from broker.store.sql import SqlStore
from keys import keyring
from keys.boxes import Cost
from keys.keyring import LocalCustodian
from tillit import Client, Retries, ServiceKey
from tillit.jcs import canonical

CHEAP = Cost(n=2**4, r=1, p=1)
READY_SECONDS = 60.0
SETTLE_SECONDS = 20.0
_CODE_BYTES = 16


@dataclass
class Site:
    """One broker's directory, settings and database, and the parties that call it.

    Several processes may serve one site, as replicas do.
    """

    directory: Path
    database_url: str
    issuer_url: str
    people: SyntheticIssuer = field(default_factory=SyntheticIssuer)
    keys: dict[str, ServiceKey] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """The log's name."""
        return "log.processes.test"

    @property
    def environment(self) -> dict[str, str]:
        """The settings of every process of the site."""
        return {
            "TILLIT_MODE": "demo",
            "TILLIT_ISSUER": self.issuer_url,
            "TILLIT_DATA_DIR": str(self.directory / "broker"),
            "TILLIT_DATABASE_URL": self.database_url,
            "TILLIT_PASSPHRASE_FILE": str(self.directory / "passphrase"),
            "TILLIT_REGISTER_FILE": str(self.directory / "register.json"),
            "TILLIT_PERSON_ISSUER": ISSUER,
            "TILLIT_PERSON_JWKS_FILE": str(self.directory / "issuer.jwks"),
            "TILLIT_LOG_ORIGIN": self.origin,
            "TILLIT_MAIL_DIR": str(self.mail),
            # One service of the tests asks as often as all of a county's.
            "TILLIT_RELEASES_BURST": "1000000",
        }

    @property
    def mail(self) -> Path:
        """Where the messages lie that would be sent."""
        return self.directory / "mail"

    @property
    def keyring(self) -> Path:
        """The keyring's directory."""
        return self.directory / "broker" / "keyring"

    def store(self) -> SqlStore:
        """The site's database, beside its processes. The caller closes it."""
        log_keys = CustodiansLogKeys(LocalCustodian(self.keyring, self.passphrase))
        return SqlStore(self.database_url, origin=self.origin, log_keys=log_keys)

    def passphrase(self) -> bytes:
        """What opens the keyring."""
        return (self.directory / "passphrase").read_bytes()

    def enrolment_code(self, unit: str) -> str:
        """A one-time code for a unit, as the operator's command makes it."""
        code = secrets.token_hex(_CODE_BYTES)
        store = self.store()
        with store.write() as tx:
            hashed = hashlib.sha256(code.encode()).digest()
            tx.add_enrolment(UnitId(unit), hashed, expires_at=now() + timedelta(hours=1))
        store.close()
        return code

    def client(self, unit: str, url: str | None = None, *, retries: int = 1) -> Client:
        """A unit's SDK client; the first one registers the unit's fresh keys."""
        where = url or self.issuer_url
        if unit not in self.keys:
            self.keys[unit] = ServiceKey.generate(unit)
            with Client(where, service=unit, key=self.keys[unit]) as first:
                first.enrol(code=self.enrolment_code(unit))
        return Client(where, service=unit, key=self.keys[unit], retries=Retries(attempts=retries))

    def browser(self, national_id: str, url: str | None = None) -> Browser:
        """A person's own calls under ``/v1/me``."""
        return Browser(
            url or self.issuer_url,
            national_id=national_id,
            issuer=self.people,
            audience=self.issuer_url,
        )


def site(
    directory: Path, database_url: str | None = None, *, born: Mapping[str, str] | None = None
) -> Site:
    """Set a site up: keyring, register of the twelve and some more, migrated database.

    ``database_url`` is of a migrated database; without it a SQLite file is made. ``born`` adds people
    to the register: national identity number → date of birth.
    """
    directory.mkdir(parents=True, exist_ok=True)
    passphrase = secrets.token_urlsafe(24)
    (directory / "passphrase").write_text(passphrase)
    keyring.create(directory / "broker" / "keyring", passphrase.encode(), cost=CHEAP)
    town = register(municipality(seed=1, youths=40))
    town["people"] += [{"national_id": n, "born": day} for n, day in (born or {}).items()]
    (directory / "register.json").write_bytes(canonical(town))
    if database_url is None:
        database_url = f"sqlite:///{directory / 'broker' / 'broker.sqlite'}"
        migrate(database_url)
    made = Site(directory, database_url, f"http://127.0.0.1:{free_port()}")
    made.people.save_public(directory / "issuer.jwks")
    store = made.store()
    change.adopt(store, bundle.load(), at=now())
    store.close()
    return made


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    where: Site, *, port: int | None = None, arguments: Sequence[str] = ()
) -> Iterator["Serving"]:
    """A broker process of a site, on the issuer's port or another; stopped by pid on leaving."""
    chosen = port or int(where.issuer_url.rpartition(":")[2])
    process = Child(
        f"broker-{chosen}",
        ["broker.cli", "serve", "--port", str(chosen), *arguments],
        log=where.directory / f"broker-{chosen}.log",
        directory=where.directory,
        environment=where.environment,
    )
    try:
        yield Serving(process, f"http://127.0.0.1:{chosen}").ready()
    finally:
        process.stop()


@dataclass(frozen=True)
class Serving:
    """A running broker process."""

    process: Child
    url: str

    def ready(self) -> "Serving":
        """Wait until it answers that it is."""
        wait_until_ready(self.url, lambda: not self.process.ended(), log=self.process.log)
        return self


def wait_until_ready(url: str, alive: Callable[[], bool], *, log: Path) -> None:
    """Poll ``/readyz``; fails with the process's log when it ends or takes too long."""
    with httpx.Client(timeout=5.0) as http:
        wait_until(lambda: http.get(f"{url}/readyz").is_success, alive=alive, log=log)


def wait_until(ready: Callable[[], bool], *, alive: Callable[[], bool], log: Path) -> None:
    """Poll a process; fails with its log when it ends or takes too long."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        assert alive(), log.read_text(errors="replace")
        with suppress(httpx.HTTPError):
            if ready():
                return
        time.sleep(0.01)
    raise AssertionError(f"not ready: {log.read_text(errors='replace')}")


def settle(where: Site) -> None:
    """Wait until everything is in the tree, by itself."""
    until = time.monotonic() + SETTLE_SECONDS
    while counted(where, "SELECT count(*) FROM log_entry WHERE idx IS NULL"):
        assert time.monotonic() < until, "the log is not sequenced"
        time.sleep(0.05)


def counted(where: Site, query: str) -> int:
    """What a query counts."""
    engine = create_engine(where.database_url)
    with engine.connect() as connection:
        number: int = connection.execute(text(query)).scalar_one()
    engine.dispose()
    return number
