"""Asking: what a broker tells an auditor over HTTP (``/audit/v1``), page after page, each event held against its leaf."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from audit.calls import FIRST_WAIT, Caller
from audit.errors import SourceUnavailable
from audit.sources import broker_address
from tillit.errors import VerificationError
from tillit.jose import unb64u
from tillit.leaves import leaf, leaf_hash
from tillit.wire.auditing import (
    AuditedEvent,
    AuditedEvents,
    ProvenEvent,
    Signals,
    Statistics,
    Topic,
)
from tillit.wire.terms import Wire

AUDIT_SCOPE = "audit"
MAX_ANSWER_BYTES = 16 * 1024 * 1024
PAGE = 500


Answer = TypeVar("Answer", bound=Wire)
Progress = Callable[[int, int], None]


class EventWrong(VerificationError):
    """The broker showed an event whose hash is not that of the leaf that it says it is."""

    code = "verification.event_wrong"


class Refused(SourceUnavailable):
    """The broker refused what was asked, with the code in ``detail``."""


class Auditor:
    """A broker's answers to an auditor. ``bearer`` is asked for a token, anew when the broker refuses the last one."""

    def __init__(
        self,
        client: httpx.Client,
        url: str,
        bearer: Callable[[], str] | None = None,
        *,
        wait: float = FIRST_WAIT,
    ) -> None:
        self.url = broker_address(url)
        self._calls = Caller(client, self.url, bearer, wait=wait)

    def events(
        self,
        query: Mapping[str, str],
        *,
        after: int = -1,
        most: int | None = None,
        progress: Progress | None = None,
    ) -> Iterator[AuditedEvent]:
        """The events searched for, oldest first, at most so many; each is held against its leaf.

        Raises ``SourceUnavailable``, ``EventWrong``. *Not checked*: that they are in the tree, that none is left out, and
        their facets, which no leaf commits to.
        """
        place: int | None = after
        count = 0
        while place is not None and (most is None or count < most):
            size = PAGE if most is None else min(PAGE, most - count)
            asked = {**query, "after": str(place), "limit": str(size)}
            page = self._get("/audit/v1/events", asked, AuditedEvents)
            for event in page.events:
                yield checked(event)
            count += len(page.events)
            if page.next is not None and page.next <= place:
                raise SourceUnavailable("the pages do not go on")
            place = page.next
            if progress:
                progress(page.size if place is None else place, page.size)

    def event(self, index: int) -> ProvenEvent:
        """One event with its proof, which is left to the caller to check. Raises ``SourceUnavailable``, ``EventWrong``."""
        found = self._get(f"/audit/v1/events/{index}", {}, ProvenEvent)
        checked(found.event)
        return found

    def statistics(self, month: str, topic: Topic) -> Statistics | None:
        """What was counted of a month, None when it has not been. Raises ``SourceUnavailable``."""
        try:
            return self._get("/audit/v1/statistics", {"month": month, "topic": topic}, Statistics)
        except Refused as refused:
            if refused.detail == "audit.not_counted":
                return None
            raise

    def signals(self, query: Mapping[str, str]) -> Iterator[Signals]:
        """Pages of what was raised. Raises ``SourceUnavailable``."""
        after = ""
        while True:
            page = self._get(
                "/audit/v1/signals", {**query, "after": after} if after else query, Signals
            )
            yield page
            if page.next is None or page.next == after:
                return
            after = page.next

    def _get(self, path: str, query: Mapping[str, str], answers: type[Answer]) -> Answer:
        status, body = self._calls.get(path, limit=MAX_ANSWER_BYTES, query=query)
        if len(body) > MAX_ANSWER_BYTES:
            raise SourceUnavailable("the broker's answer is too large")
        if status != httpx.codes.OK:
            raise Refused(_code(body) or f"HTTP {status}")
        try:
            return answers.model_validate_json(body)
        except ValidationError as wrong:
            raise SourceUnavailable("the broker's answer is none that is known") from wrong


def checked(event: AuditedEvent) -> AuditedEvent:
    """The event, if it is the leaf that it says it is. Raises ``EventWrong``."""
    hashed = leaf_hash(leaf(event.type, event.at, unb64u(event.commitment)))
    if hashed != unb64u(event.leaf_hash):
        raise EventWrong(f"entry {event.index} is not the leaf that it says it is")
    return event


def _code(body: bytes) -> str:
    """The problem's code, empty where the body is no problem."""
    try:
        return _Problem.model_validate_json(body).code
    except ValidationError:
        return ""


class _Problem(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    code: str
