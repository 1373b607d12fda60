"""Answering subjects who say that something is wrong, with a value or with an ask; a part of both clients."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator

from tillit import wire
from tillit.footing import Flow, T
from tillit.protocol import model
from tillit.session import Session

PAGE = 100


class Answering(ABC):
    """The part of ``Client`` that answers subjects who say that something is wrong."""

    _session: Session

    @abstractmethod
    def _run(self, flow: Flow[T]) -> T:
        """Carry a conversation."""

    def reply_to_contest(
        self,
        record: str,
        finding: wire.ContestFinding,
        *,
        actor: wire.Actor,
        idempotency_key: str | None = None,
    ) -> wire.ContestView:
        """Say whether a value that this service wrote, and the subject contests, is right; the subject is told.

        ``record`` comes with ``contest.made`` in the feed; ``finding`` is ``looking_into``, ``stands`` or ``corrected``,
        and may be another later. The value stays contested until the subject says otherwise; what they say to it is not
        this service's to read. Not checked: that the right value has been deposited. Raises ``NotFound`` where nothing that
        this service wrote is contested by that id.
        """
        said = model(wire.ContestReply, finding=finding, actor=actor)
        flow = self._session.reply_to_contest(record, said, idempotency_key=idempotency_key)
        return self._run(flow)

    def complaints(
        self, *, open_only: bool = False, page: int = PAGE
    ) -> Iterator[wire.ComplaintView]:
        """What subjects say looks wrong about this service's asks, oldest first; ``open_only``: what waits for an answer."""
        after: str | None = None
        while True:
            found = self._run(self._session.complaints(after, page, open_only=open_only))
            yield from found.complaints
            after = found.next
            if after is None:
                return

    def answer_complaint(
        self,
        complaint: str,
        finding: wire.ComplaintFinding,
        *,
        actor: wire.Actor,
        idempotency_key: str | None = None,
    ) -> wire.ComplaintView:
        """Say what was found: ``right``, ``wrong_stopped`` or ``not_ours``; the subject is told.

        Due by its ``answer_by``: then the service is reminded, and who audits sees that it waits. Another thing may be found
        later. Not checked: that what was wrong has stopped; the actor vouches for it. Raises ``NotFound`` where it is not
        about this service, ``Conflict`` when the subject has closed it.
        """
        said = model(wire.ComplaintAnswer, finding=finding, actor=actor)
        flow = self._session.answer_complaint(complaint, said, idempotency_key=idempotency_key)
        return self._run(flow)


class AsyncAnswering(ABC):
    """The part of ``AsyncClient`` that answers subjects who say that something is wrong; see ``Answering``."""

    _session: Session

    @abstractmethod
    async def _run(self, flow: Flow[T]) -> T:
        """Carry a conversation."""

    async def reply_to_contest(
        self,
        record: str,
        finding: wire.ContestFinding,
        *,
        actor: wire.Actor,
        idempotency_key: str | None = None,
    ) -> wire.ContestView:
        """Say whether a value that this service wrote, and the subject contests, is right; the subject is told."""
        said = model(wire.ContestReply, finding=finding, actor=actor)
        flow = self._session.reply_to_contest(record, said, idempotency_key=idempotency_key)
        return await self._run(flow)

    async def complaints(
        self, *, open_only: bool = False, page: int = PAGE
    ) -> AsyncIterator[wire.ComplaintView]:
        """What subjects say looks wrong about this service's asks, oldest first; ``open_only``: what waits for an answer."""
        after: str | None = None
        while True:
            found = await self._run(self._session.complaints(after, page, open_only=open_only))
            for complaint in found.complaints:
                yield complaint
            after = found.next
            if after is None:
                return

    async def answer_complaint(
        self,
        complaint: str,
        finding: wire.ComplaintFinding,
        *,
        actor: wire.Actor,
        idempotency_key: str | None = None,
    ) -> wire.ComplaintView:
        """Say what was found: ``right``, ``wrong_stopped`` or ``not_ours``; the subject is told."""
        said = model(wire.ComplaintAnswer, finding=finding, actor=actor)
        flow = self._session.answer_complaint(complaint, said, idempotency_key=idempotency_key)
        return await self._run(flow)
