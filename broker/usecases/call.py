"""Who calls, and what makes a repeated call the same call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from broker.domain.ids import PersonKey, UnitId
from broker.errors import Contended, IdempotencyKeyReused
from broker.ports import Ports, Remembered, Transaction
from tillit.wire import Language

ATTEMPTS = 4

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


def repeated(tx: Transaction, call: Call | PersonCall) -> Remembered | None:
    """What was answered to this call before, or None.

    Raises:
        IdempotencyKeyReused: the key came before with a different body.
    """
    prior = tx.remembered(call.client, call.key)
    if prior is not None and prior.body_sha256 != call.body_sha256:
        raise IdempotencyKeyReused("use a fresh Idempotency-Key for a different request")
    return prior


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
    """Do something once per idempotency key: the change and the memory of its answer are one transaction."""

    def transaction() -> Answer:
        with ports.store.write() as tx:
            prior = repeated(tx, call)
            if prior is not None:
                return answers.model_validate_json(prior.answer)
            answer = act(tx)
            remembered = Remembered(call.body_sha256, answer.model_dump_json())
            tx.remember(call.client, call.key, remembered, at=ports.clock())
            return answer

    return attempt(transaction)
