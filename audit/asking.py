"""Asking: what a broker tells an auditor over HTTP (``/audit/v1``), page after page, each event held against its leaf."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from audit.errors import SourceUnavailable
from audit.sources import ATTEMPTS, FIRST_WAIT, broker_address
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

_UNAUTHORIZED = 401
_BUSY = frozenset({429, 500, 502, 503, 504})

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
        self._client = client
        self.url = broker_address(url)
        self._bearer = bearer
        self._wait = wait
        self._token = ""

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
        wait, reason = self._wait, ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(wait)
                wait *= 2
            try:
                status, body = self._fetch(path, query)
            except httpx.HTTPError as wrong:
                reason = type(wrong).__name__
                continue
            if status == httpx.codes.OK:
                try:
                    return answers.model_validate_json(body)
                except ValidationError as wrong:
                    raise SourceUnavailable("the broker's answer is none that is known") from wrong
            reason = _code(body) or f"HTTP {status}"
            if status not in _BUSY:
                raise Refused(reason)
        raise SourceUnavailable(f"{path}: {reason}")

    def _fetch(self, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        status, body = self._send(path, query)
        if status == _UNAUTHORIZED and self._bearer is not None:
            self._token = self._bearer()
            status, body = self._send(path, query)
        return status, body

    def _send(self, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        with self._client.stream(
            "GET", self.url + path, params=dict(query), headers=headers
        ) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise SourceUnavailable("the broker's answer is too large")
            return response.status_code, bytes(body)


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
