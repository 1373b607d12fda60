"""Keeping keys: how a service exchanges its own and checks others' against the log; a part of both clients."""

from abc import ABC, abstractmethod

from tillit.drafts import checked_service
from tillit.footing import Flow, T
from tillit.history import ProvenHistory
from tillit.keys import ServiceKey
from tillit.session import Session
from tillit.wire.service_keys import KeysAnswer, RevocationReason


class Keeping(ABC):
    """The part of ``Client`` that is about keys."""

    _session: Session

    @abstractmethod
    def _run(self, flow: Flow[T]) -> T:
        """Carry a conversation."""

    def rotate_keys(self, new: ServiceKey, *, idempotency_key: str | None = None) -> KeysAnswer:
        """Put new keys in the place of this client's, and speak with them from now on; the old ones still read.

        What is new is sealed to the new reading key at once: give it to every process of the service before, as one of its
        ``reads_with``. The old signing key authenticates for another 24 hours.
        """
        checked = checked_service(new, self._session.service)
        return self._run(self._session.rotate_keys(checked, idempotency_key=idempotency_key))

    def revoke_key(
        self, kid: str, *, reason: RevocationReason, idempotency_key: str | None = None
    ) -> KeysAnswer:
        """Let one of this service's keys be believed and sealed to no more, at once and for good."""
        flow = self._session.revoke_key(kid, reason, idempotency_key=idempotency_key)
        return self._run(flow)

    def key_history(self, unit: str) -> ProvenHistory:
        """How a unit's keys followed one another, each change checked against the log (``tillit.history``)."""
        return self._run(self._session.key_history(unit))


class AsyncKeeping(ABC):
    """The part of ``AsyncClient`` that is about keys; see ``Keeping``."""

    _session: Session

    @abstractmethod
    async def _run(self, flow: Flow[T]) -> T:
        """Carry a conversation."""

    async def rotate_keys(
        self, new: ServiceKey, *, idempotency_key: str | None = None
    ) -> KeysAnswer:
        """Put new keys in the place of this client's, and speak with them from now on."""
        checked = checked_service(new, self._session.service)
        return await self._run(self._session.rotate_keys(checked, idempotency_key=idempotency_key))

    async def revoke_key(
        self, kid: str, *, reason: RevocationReason, idempotency_key: str | None = None
    ) -> KeysAnswer:
        """Let one of this service's keys be believed and sealed to no more, at once and for good."""
        flow = self._session.revoke_key(kid, reason, idempotency_key=idempotency_key)
        return await self._run(flow)

    async def key_history(self, unit: str) -> ProvenHistory:
        """How a unit's keys followed one another, each change checked against the log."""
        return await self._run(self._session.key_history(unit))
