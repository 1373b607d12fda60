"""Waiting for an answer: what a service does while the youth decides; a part of both clients.

The feed is looked at, at first often and then less, until something has happened that concerns the ask; then it is put again.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import timedelta

from tillit import errors, wire
from tillit.footing import Flow, T
from tillit.results import Answer, Subject
from tillit.session import Session

PAGE = 200
WITHIN = 60.0
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 5.0
GROWTH = 1.5
# An event may have been on its way into the feed while the ask was decided without it.
SLACK = timedelta(seconds=5)


class Watch:
    """What is looked for: a word on this ask, or a change of what it rests on, since it was answered.

    Raises:
        UsageError: the answer does not say what was asked, or the subject is somebody else.
    """

    def __init__(self, answer: Answer, subject: Subject) -> None:
        if answer.asked is None or answer.asked.subject != subject.handle:
            raise errors.UsageError(
                "wait for the answer to an ask of this client's, about the same subject"
            )
        self.ask = answer.asked
        self._after = answer.raw.events_after or 0
        self._since = answer.receipt.statement.at - SLACK

    def look(self, session: Session) -> Flow[bool]:
        """Read the feed to its present end; says whether anything of it concerns the ask."""
        found = False
        while True:
            page = yield from session.events(self._after, PAGE)
            found = found or any(self._concerns(event) for event in page.events)
            self._after = page.next
            if found or len(page.events) < PAGE:
                return found

    def _concerns(self, event: wire.Event) -> bool:
        return (
            event.subject == self.ask.subject
            and event.collaboration == self.ask.collaboration
            and event.at >= self._since
            and (
                event.type.startswith("consent.")
                or (event.type == "question.answered" and event.purpose == self.ask.purpose)
            )
        )


def pauses(within: float) -> Iterator[float]:
    """How long to wait before each next look; none before the first, and no more when the time has run out."""
    until, pause = time.monotonic() + within, FIRST_PAUSE
    yield 0.0
    while (left := until - time.monotonic()) > 0:
        yield min(pause, left)
        pause = min(pause * GROWTH, LONGEST_PAUSE)


class Waiting(ABC):
    """The part of ``Client`` that waits."""

    _session: Session

    @abstractmethod
    def _run(self, flow: Flow[T]) -> T:
        """Carry a conversation."""

    def wait_for_answer(
        self, answer: Answer, subject: Subject, *, within: float = WITHIN
    ) -> Answer:
        """Wait, at most ``within`` seconds, for a word on what an ``ask`` was withheld for, and then put it again.

        For ``consent.ask_first`` and ``consent.not_present``: somebody decides at this moment. What comes back is the answer to
        the ask put again, with values where it is a yes; or ``answer`` itself when the time has run out without a word.
        A no and a change of the consent end the waiting too. *Not told*: whether anybody was asked, or will answer.
        """
        watch = Watch(answer, subject)
        for pause in pauses(within):
            time.sleep(pause)
            if self._run(watch.look(self._session)):
                return self._run(self._session.ask(subject, watch.ask, idempotency_key=None))
        return answer


class AsyncWaiting(ABC):
    """The part of ``AsyncClient`` that waits; see ``Waiting``."""

    _session: Session

    @abstractmethod
    async def _run(self, flow: Flow[T]) -> T:
        """Carry a conversation."""

    async def wait_for_answer(
        self, answer: Answer, subject: Subject, *, within: float = WITHIN
    ) -> Answer:
        """Wait for a word on what an ``ask`` was withheld for, and then put it again."""
        watch = Watch(answer, subject)
        for pause in pauses(within):
            await asyncio.sleep(pause)
            if await self._run(watch.look(self._session)):
                return await self._run(self._session.ask(subject, watch.ask, idempotency_key=None))
        return answer
