"""A whole broker to call: real store, real keyring, real policies, real register file; over a real socket."""

import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from sqlalchemy import Engine, create_engine, text
from starlette.types import ASGIApp

from broker import change
from broker.api.door import Door
from broker.compose import compose, custodian, now, opened
from broker.demo.national_ids import numbers
from broker.domain.ids import UnitId
from broker.domain.service_keys import ServiceKey as Registered
from broker.engine import bundle
from broker.settings import Settings
from broker.store.sql import SqlStore
from keys import keyring
from keys.boxes import Cost
from tests.log_keys import contents
from tillit.jose import ed25519_jwk
from tillit.keys import ServiceKey

ISSUER = "http://127.0.0.1:8000"
PERSON_ISSUER = "https://login.test"
RENEW_SECONDS = 60
PASSPHRASE = "a passphrase for these tests only"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

EMIL = next(numbers(date(2007, 3, 14), "man"))
NORA = next(numbers(date(2006, 8, 2), "woman"))
STRANGER = next(numbers(date(1999, 1, 5), "woman"))

Problem = Mapping[str, Any]


@dataclass
class World:
    """A broker in a directory of its own, and everybody who calls it."""

    directory: Path
    settings: Settings
    client: httpx.Client
    issuer_key: Ed25519PrivateKey
    store_engine: Engine
    keys: dict[str, ServiceKey] = field(default_factory=dict)
    tokens: dict[str, tuple[float, str]] = field(default_factory=dict)

    # --- who calls ---

    def enrol(self, unit: str) -> ServiceKey:
        """Register fresh keys for a unit, beside the HTTP route that has tests of its own."""
        key = ServiceKey.generate(unit)
        sig, enc = key.public_jwks()["keys"]
        rows = [
            Registered(UnitId(unit), sig["kid"], "sig", sig),
            Registered(UnitId(unit), enc["kid"], "enc", enc),
        ]
        store = SqlStore(self.settings.database, origin=self.settings.origin)
        with store.write() as tx:
            tx.add_service_keys(rows, at=now())
        store.close()
        self.keys[unit] = key
        return key

    def assertion(
        self,
        unit: str,
        claims: Mapping[str, Any] = MappingProxyType({}),
        *,
        key: ServiceKey | None = None,
    ) -> str:
        """A client assertion; ``claims`` replace what a sound one says, None leaves one out."""
        signer = key or self.keys[unit]
        now = int(time.time())
        sound = {
            "iss": unit,
            "sub": unit,
            "aud": self.settings.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_hex(16),
        }
        said = {name: value for name, value in (sound | dict(claims)).items() if value is not None}
        # Below the claims' layer, which would refuse to write some of what is sent here.
        headers = {"kid": signer.sig_kid, "typ": "JWT"}
        return jwt.PyJWS().encode(json.dumps(said).encode(), signer.signer, "EdDSA", headers)

    def ask_token(self, assertion: str, *, scope: str = "share", **form: str) -> Any:
        """Call the token endpoint."""
        sound = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "scope": scope,
        }
        return self.client.post("/oauth/token", data=sound | form)

    def token(self, unit: str, *, scope: str = "share") -> str:
        """An access token of the unit's, enrolled first where it is not."""
        if unit not in self.keys:
            self.enrol(unit)
        taken, held = self.tokens.get(f"{unit} {scope}", (-RENEW_SECONDS * 2.0, ""))
        if time.monotonic() - taken > RENEW_SECONDS:
            answer = self.ask_token(self.assertion(unit), scope=scope)
            assert answer.status_code == 200, answer.text
            held = str(answer.json()["access_token"])
            self.tokens[f"{unit} {scope}"] = (time.monotonic(), held)
        return held

    def person_token(self, national_id: str, *, typ: str = "at+jwt", **claims: Any) -> str:
        """A person's access token; ``claims`` replace what a sound one says."""
        now = int(time.time())
        sound = {
            "iss": PERSON_ISSUER,
            "aud": self.settings.issuer,
            "iat": now,
            "exp": now + 300,
            "pid": national_id,
        }
        said = {name: value for name, value in (sound | claims).items() if value is not None}
        return jwt.encode(
            said, self.issuer_key, algorithm="EdDSA", headers={"kid": "people", "typ": typ}
        )

    # --- calls ---

    def get(self, path: str, *, unit: str | None = None, person: str | None = None) -> Any:
        """GET as a unit, a person or nobody."""
        return self.client.get(path, headers=self.headers(unit, person))

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        unit: str | None = None,
        person: str | None = None,
        raw: bytes | None = None,
        key: str | None = None,
        extra: Mapping[str, str] = MappingProxyType({}),
    ) -> Any:
        """POST JSON (or raw bytes) as a unit, a person or nobody, with a fresh Idempotency-Key."""
        content = json.dumps(body).encode() if raw is None else raw
        own = {"content-type": "application/json", "idempotency-key": key or secrets.token_hex(16)}
        return self.client.post(
            path, content=content, headers=self.headers(unit, person) | own | dict(extra)
        )

    def headers(self, unit: str | None = None, person: str | None = None) -> dict[str, str]:
        """The credential of whoever calls."""
        if unit is not None:
            return {"authorization": f"Bearer {self.token(unit)}"}
        if person is not None:
            return {"authorization": f"Bearer {self.person_token(person)}"}
        return {}

    def handle(self, unit: str, national_id: str = EMIL) -> str:
        """The unit's handle for a person."""
        answer = self.post("/v1/subjects", {"national_id": national_id}, unit=unit)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["subject"])

    # --- what is stored ---

    def rows(self) -> dict[str, int]:
        """How many rows each table holds, but what only logging and authentication write."""
        beside = {
            "alembic_version",
            "assertion",
            "log_tile",
            "log_checkpoint",
            "log_facet",
            "log_spread",
            "log_volume",
            "log_subject",
            "log_epoch",
        }
        engine = create_engine(self.settings.database)
        with engine.connect() as connection:
            query = (
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
            names = set(connection.execute(text(query)).scalars())
            counts = {
                name: int(connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one())  # noqa: S608 (names come from the schema)
                for name in names - beside
            }
        engine.dispose()
        return counts

    def refusals(self) -> list[dict[str, Any]]:
        """The contents of every ``request.refused`` in the log, oldest first."""
        return self.entries("request.refused")

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """The contents of every entry of a kind in the log, oldest first."""
        engine = create_engine(self.settings.database)
        found = contents(engine, kind, custodian(self.settings))
        engine.dispose()
        return [dict(content) for content in found]


@contextmanager
def served(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """The application behind a real HTTP server on a loopback port, a free one by default; yields its address."""
    # Named as TCP, so that the event loop turns Nagle's algorithm off on what it accepts.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                time.sleep(0.005)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


@contextmanager
def world_in(
    directory: Path,
    database_url: str,
    *,
    port: int = 0,
    others: Sequence[Mapping[str, Any]] = (),
    **changes: Any,
) -> Iterator[World]:
    """A running world in a directory; ``others`` stand in its register too. ``changes`` replace settings."""
    issuer_key = Ed25519PrivateKey.generate()
    jwk = {**ed25519_jwk(issuer_key.public_key()), "kid": "people"}
    (directory / "issuer.jwks").write_text(json.dumps({"keys": [jwk]}))
    people = [
        {"national_id": EMIL, "born": "2007-03-14", "guardians": []},
        {"national_id": NORA, "born": "2006-08-02", "guardians": []},
    ]
    (directory / "register.json").write_text(json.dumps({"people": [*people, *others]}))
    (directory / "passphrase").write_text(PASSPHRASE)
    if not (directory / "keyring").exists():
        cheap = Cost(n=2**10, r=8, p=1)
        keyring.create(directory / "keyring", PASSPHRASE.encode(), cost=cheap)
    chosen: dict[str, Any] = {
        "mode": "demo",
        "issuer": ISSUER,
        "data_dir": directory,
        "database_url": database_url,
        "passphrase_file": directory / "passphrase",
        "person_issuer": PERSON_ISSUER,
        "person_jwks_file": directory / "issuer.jwks",
        "register_file": directory / "register.json",
    }
    settings = Settings(**(chosen | changes))
    _begin(settings)
    app = compose(settings)
    with served(app, port) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield World(directory, settings, client, issuer_key, _engine(app))


def _begin(settings: Settings) -> None:
    """Put the first policies in force, as ``tillit-broker init`` does."""
    store = opened(settings)
    change.adopt(store, bundle.load(settings.policies_dir), at=now())
    store.close()


def _engine(app: FastAPI) -> Engine:
    """The running broker's own connections, for tests that take them away."""
    door = next(route for route in app.routes if isinstance(route, Door))
    store = door._front.ports.store
    assert isinstance(store, SqlStore)
    return store.engine
