"""A whole broker in this process: real store, keyring, engine and register, a clock that tests step, no HTTP.

Every call goes through the use cases as a route would make it; values are sealed and opened by the SDK's own functions.
"""

import functools
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from audit.sequencer import Sequencer
from broker.domain.ids import ConsentId, PersonKey, UnitId
from broker.domain.service_keys import ServiceKey as RegisteredKey
from broker.engine import bundle
from broker.engine.regorus import RegorusEngine
from broker.ports import Ports
from broker.register import SyntheticRegister
from broker.store.log_keys import CustodiansLogKeys
from broker.store.migrate import migrate
from broker.store.sql import SqlStore
from broker.usecases import asks, consents, deposits, me, people, trust
from broker.usecases.call import Call, PersonCall
from keys import keyring
from keys.boxes import Cost
from keys.depositkeys import Kind
from keys.keyring import LocalCustodian
from keys.roots import Passphrase
from keys.rotation import change_deposit_keys
from tillit.keys import ServiceKey
from tillit.opening import Opened, open_disclosure
from tillit.sealing import SubjectRef, Value, seal_deposit
from tillit.wire import (
    Actor,
    Ask,
    ConsentRequest,
    ConsentView,
    DigitalAnswer,
    DisclosureAnswer,
    LineAnswer,
    SubjectRequest,
)

PATIENT = 10.0  # a busy machine must not turn an answer into an error
CHEAP = Cost(n=2**4, r=1, p=1)
PASSPHRASE = b"a passphrase of the tests"
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LARVIK = "ungdomsutvalget-larvik"
ACTOR = Actor(id="a17", role="veileder")
UNITS = ("nav-larvik", "ot-vestfold", "thor-heyerdahl-vgs", "larvikshjelpa", "barnevern-larvik")
EMIL, SARA, MOTHER, FATHER = "01810750026", "15891150008", "02828350022", "03828050066"


@dataclass
class Clock:
    """Stands still until it is stepped, or until it is let go: what is served to real clients needs a real one."""

    at: datetime = START
    went: float | None = None

    def __call__(self) -> datetime:
        """The time."""
        gone = 0.0 if self.went is None else time.monotonic() - self.went
        return self.at + timedelta(seconds=gone)

    def go(self) -> None:
        """Go on from now on, from the real time."""
        self.at, self.went = datetime.now(UTC), time.monotonic()

    def step(self, **by: float) -> None:
        """Let time pass."""
        self.at += timedelta(**by)


@dataclass
class House:
    """The broker's ports, the units' keys, and short ways to do what a route would do."""

    ports: Ports
    store: SqlStore
    clock: Clock
    keys: Mapping[str, ServiceKey]
    sequencer: Sequencer

    def call(self, unit: str, *, key: str | None = None, body: object = None) -> Call:
        """A call by a unit, under a fresh idempotency key unless one is given."""
        return Call(UnitId(unit), key or self._key(), _sha(body), "nb")

    def person(
        self, national_id: str, *, key: str | None = None, body: object = None
    ) -> PersonCall:
        """A call by a person."""
        return PersonCall(self.hashed(national_id), key or self._key(), _sha(body), "nb")

    def hashed(self, national_id: str) -> PersonKey:
        """The person as the broker knows them."""
        return people.person_key(national_id, self.ports.secrets)

    def handle(self, unit: str, national_id: str) -> str:
        """The unit's own handle for a person."""
        request = SubjectRequest(national_id=national_id)
        return people.resolve(request, call=self.call(unit), ports=self.ports).subject

    def deposit(self, unit: str, national_id: str, values: Mapping[str, Any]) -> None:
        """Seal and deposit values observed an hour ago."""
        sealed = seal_deposit(
            [
                Value(name, value, self.clock.at - timedelta(hours=1), "measured", "teacher")
                for name, value in values.items()
            ],
            key=self.keys[unit],
            subject=SubjectRef(self.handle(unit, national_id), national_id),
            custodian_jwk=self.ports.custodian.public_jwk(),
        )
        deposits.deposit(sealed, call=self.call(unit), ports=self.ports)

    def request(self, unit: str, national_id: str, **asked: Any) -> ConsentView:
        """Ask a person for a consent in Larvik's youth committee."""
        request = ConsentRequest.model_validate(
            {
                "subject": self.handle(unit, national_id),
                "collaboration": LARVIK,
                "services": ["nav-larvik", "thor-heyerdahl-vgs", "larvikshjelpa"],
                "purposes": ["case_discussion"],
                "categories": ["education", "functioning", "health"],
                "actor": ACTOR,
                **asked,
            }
        )
        return consents.request(request, call=self.call(unit), ports=self.ports)

    def answer(
        self,
        view: ConsentView,
        national_id: str,
        say: Callable[[Any], LineAnswer] = lambda _: "yes",
        **more: Any,
    ) -> ConsentView:
        """Answer every line a person is shown."""
        shown = me.consent(ConsentId(view.id), person=self.hashed(national_id), ports=self.ports)
        answered = DigitalAnswer(
            read=view.text_sha256, answers={line.id: say(line) for line in shown.grants}, **more
        )
        return me.answer(
            ConsentId(view.id), answered, call=self.person(national_id), ports=self.ports
        )

    def ask(self, unit: str, national_id: str, *fields: str, **more: Any) -> Ask:
        """An ask for a case discussion in Larvik."""
        return Ask.model_validate(
            {
                "subject": self.handle(unit, national_id),
                "fields": fields,
                "purpose": "case_discussion",
                "collaboration": LARVIK,
                "actor": ACTOR,
                **more,
            }
        )

    def disclose(self, ask: Ask, unit: str, *, key: str | None = None) -> DisclosureAnswer:
        """Put an ask."""
        call = self.call(unit, key=key, body=ask.model_dump(mode="json"))
        return asks.disclose(ask, call=call, ports=self.ports)

    def open(self, answer: DisclosureAnswer, ask: Ask, unit: str, national_id: str) -> Opened:
        """Open an answer as the unit's SDK does."""
        return open_disclosure(
            answer,
            key=self.keys[unit],
            source_keys={name: key.public_jwks() for name, key in self.keys.items()},
            broker_keys=trust.keys(self.ports),
            national_id=national_id,
            asked=ask,
            now=self.clock.at,
        )

    @staticmethod
    def _key() -> str:
        return f"idempotency-key-{os.urandom(8).hex()}"


def build(
    directory: Path,
    url: str | None = None,
    *,
    units: Iterable[str] = UNITS,
    others: Sequence[Mapping[str, Any]] = (),
) -> House:
    """A fresh house in a directory, in SQLite unless another database (already migrated) is given.

    ``units`` have keys; ``others`` stand in the register beside the people of this module.
    """
    keyring.create(directory / "keyring", PASSPHRASE, cost=CHEAP)
    clock = Clock()
    custodian = LocalCustodian(directory / "keyring", lambda: PASSPHRASE, clock=clock)
    secrets = custodian.broker_keys()
    if url is None:
        url = f"sqlite:///{directory / 'tillit.db'}"
        migrate(url)
    policies = _policies()
    store = SqlStore(
        url, origin="tillit.test/log", log_keys=CustodiansLogKeys(custodian, clock=clock)
    )
    ports = Ports(
        store=store,
        engine=RegorusEngine(policies, deadline=PATIENT),
        custodian=custodian,
        secrets=secrets,
        register=SyntheticRegister(
            _people(directory, others), lambda n: people.person_key(n, secrets)
        ),
        catalogue=policies.catalogue,
        clock=clock,
        randomness=os.urandom,
        origin="tillit.test/log",
        issuer="https://tillit.test",
    )
    service_keys = {unit: ServiceKey.generate(unit) for unit in units}
    _register(ports, service_keys)
    sequencer = Sequencer(store.engine, origin=ports.origin, signer=secrets.log, clock=clock)
    return House(ports, store, clock, service_keys, sequencer)


@functools.cache
def _policies() -> bundle.Bundle:
    """The bundle, read once: it never changes while tests run."""
    return bundle.load()


def _register(ports: Ports, service_keys: Mapping[str, ServiceKey]) -> None:
    with ports.store.write() as tx:
        for unit, key in service_keys.items():
            tx.add_service_keys(
                [
                    RegisteredKey(UnitId(unit), jwk["kid"], jwk["use"], jwk)
                    for jwk in key.public_jwks()["keys"]
                ],
                at=START,
            )


def _people(directory: Path, others: Sequence[Mapping[str, Any]]) -> Path:
    rows = [
        {"national_id": EMIL, "born": "2007-01-01", "guardians": [MOTHER]},
        {"national_id": SARA, "born": "2011-09-15", "guardians": [MOTHER, FATHER]},
        {"national_id": MOTHER, "born": "1983-02-02", "guardians": []},
        {"national_id": FATHER, "born": "1980-03-03", "guardians": []},
    ]
    path = directory / "register.json"
    people = [{"address_protection": "none", **row} for row in (*rows, *others)]
    path.write_text(json.dumps({"people": people}))
    return path


def _sha(body: object) -> bytes:
    return hashlib.sha256(json.dumps(body, default=str, sort_keys=True).encode()).digest()


def exchange_deposit_key(directory: Path, kind: Kind) -> None:
    """Have the house's custodian take deposits under a new key of that kind."""
    back = Passphrase(lambda: PASSPHRASE)
    change_deposit_keys(
        directory / "keyring", back, lambda held: held.renewed(kind, b"n" * 32, at=START)
    )
