"""Who calls, and what makes a repeated call the same call."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel

from broker.domain.ids import PersonKey, UnitId
from broker.errors import Contended, IdempotencyKeyReused
from broker.ports import Ports, Transaction
from broker.stored import Remembered
from tillit.wire import Language

ATTEMPTS = 4
CLOCK_SKEW = timedelta(minutes=2)

Answer = TypeVar("Answer", bound=BaseModel)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Call:
    """A POST by an authenticated service: its unit, its idempotency key, the SHA-256 of what it sent."""

    unit: UnitId
    key: str
    body_sha256: bytes
    language: Language

    @property
    def client(self) -> str:
        """Whose idempotency keys these are."""
        return f"unit:{self.unit}"


@dataclass(frozen=True, slots=True)
class PersonCall:
    """A POST by an authenticated person, known by keyed hash only."""

    person: PersonKey
    key: str
    body_sha256: bytes
    language: Language

    @property
    def client(self) -> str:
        """Whose idempotency keys these are."""
        return f"person:{self.person}"


def repeated(tx: Transaction, call: Call | PersonCall, *, ports: Ports) -> Remembered | None:
    """What was answered to this call before, or None.

    Raises:
        IdempotencyKeyReused: the key came before with a different body.
    """
    prior = tx.remembered(call.client, _key_mac(call, ports))
    if prior is not None and not hmac.compare_digest(prior.body_mac, _body_mac(call, ports)):
        raise IdempotencyKeyReused("use a fresh Idempotency-Key for a different request")
    return prior


def remember(
    tx: Transaction, call: Call | PersonCall, answer: str, *, at: datetime, ports: Ports
) -> None:
    """Remember the answer to this call, in the transaction that made it true."""
    remembered = Remembered(_body_mac(call, ports), answer)
    tx.remember(call.client, _key_mac(call, ports), remembered, at=at)


def _key_mac(call: Call | PersonCall, ports: Ports) -> str:
    """A keyed hash, in hex: a client may build its keys from whatever it has at hand."""
    named = b"idempotency-key\0" + call.key.encode()
    return hmac.digest(ports.secrets.person_mac, named, "sha256").hex()


def _body_mac(call: Call | PersonCall, ports: Ports) -> bytes:
    """A keyed hash: a body may hold a national identity number, whose plain hash anyone can search."""
    return hmac.digest(ports.secrets.person_mac, b"idempotency\0" + call.body_sha256, "sha256")


def attempt(act: Callable[[], Result]) -> Result:
    """Run a transaction, again when another one got there first, at most ``ATTEMPTS`` times.

    Raises:
        Contended: every attempt met another transaction.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return act()
        except Contended:
            continue
    return act()


def once(
    act: Callable[[Transaction], Answer],
    *,
    answers: type[Answer],
    call: Call | PersonCall,
    ports: Ports,
) -> Answer:
    """Do something once per idempotency key: the change and the memory of its answer are one transaction.

    A call without a key, which only what changes nothing but the log takes, is answered anew each time.
    """

    def transaction() -> Answer:
        with ports.store.write() as tx:
            if not call.key:
                return act(tx)
            prior = repeated(tx, call, ports=ports)
            if prior is not None:
                return answers.model_validate_json(prior.answer)
            answer = act(tx)
            remember(tx, call, answer.model_dump_json(), at=ports.clock(), ports=ports)
            return answer

    return attempt(transaction)
