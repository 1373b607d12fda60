"""The asynchronous client: ``tillit.client`` for asyncio, call by call the same."""

import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self

import httpx
import stamina

from tillit import drafts, protocol, wire
from tillit.answering import AsyncAnswering
from tillit.client import PAGE
from tillit.collaborating import AsyncCollaborating
from tillit.footing import Flow, T
from tillit.keeping import AsyncKeeping
from tillit.keys import ServiceKey
from tillit.protocol import Request
from tillit.responses import Response
from tillit.results import Answer, Catalogue, Check, Deposited, Proven, Subject
from tillit.sealing import Value
from tillit.session import Session
from tillit.transport import Busy, Carriage, Reading, Retries, address, failure, system_clock
from tillit.waiting import AsyncWaiting


class AsyncClient(AsyncAnswering, AsyncCollaborating, AsyncKeeping, AsyncWaiting):
    """One service's conversations with one broker, to await; made as ``Client`` is, and raising the same.

    Results, checks and errors are those of ``Client``'s call of the same name.
    """

    def __init__(
        self,
        url: str,
        *,
        service: str,
        key: ServiceKey,
        reads_with: Sequence[ServiceKey] = (),
        trust: wire.BrokerKeys | None = None,
        sources: Mapping[str, Mapping[str, Any]] | None = None,
        language: wire.Language = "nb",
        timeout: float = 30.0,
        retries: Retries | None = None,
        max_answer_bytes: int = protocol.MAX_ANSWER_BYTES,
        clock: Callable[[], datetime] = system_clock,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
        transport: httpx.AsyncBaseTransport | None = None,
        unsafe_plain_http: bool = False,
    ) -> None:
        self._language: wire.Language = language
        self._clock = clock
        self._session = Session(
            drafts.checked_service(key, service),
            reads_with=[drafts.checked_service(other, service) for other in reads_with],
            trust=trust,
            sources=sources or {},
            language=language,
            clock=clock,
            randomness=randomness,
        )
        self._carriage = Carriage(
            address=address(url, unsafe_plain_http=unsafe_plain_http),
            timeout=timeout,
            retries=retries or Retries(),
            max_answer_bytes=max_answer_bytes,
            clock=clock,
            monotonic=time.monotonic,
        )
        self._http = httpx.AsyncClient(transport=transport, trust_env=self._carriage.proxied)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def __repr__(self) -> str:
        return f"AsyncClient({self._carriage.address!r}, service={self._session.service!r})"

    # --- keys and catalogue ---

    async def enrol(self, *, code: str) -> None:
        """Register this unit's public keys with the operator's one-time code."""
        await self._run(self._session.enrol(code))

    async def trust(self) -> wire.BrokerKeys:
        """The broker's public keys that this client trusts: keep them to pin them."""
        return await self._run(self._session.trust())

    async def catalogue(self) -> Catalogue:
        """Fields, purposes, services and collaborations in force; fetched anew only when changed."""
        return await self._run(self._session.catalogue())

    # --- subjects, deposits, asks ---

    async def subject(self, *, national_id: str) -> Subject:
        """This service's own handle for a person, by national identity number (eleven digits)."""
        return await self._run(self._session.subject(national_id))

    async def deposit(
        self,
        subject: Subject,
        values: Mapping[str, Any] | Sequence[Value],
        *,
        observed_at: datetime | None = None,
        basis: wire.Basis | None = None,
        author_role: str | None = None,
        idempotency_key: str | None = None,
    ) -> Deposited:
        """Deposit sealed values about a subject, all or none."""
        given = drafts.values(values, observed_at=observed_at, basis=basis, author_role=author_role)
        flow = self._session.deposit(subject, given, idempotency_key=idempotency_key)
        return await self._run(flow)

    async def check(
        self,
        subject: Subject,
        fields: Sequence[str],
        *,
        purpose: str,
        actor: wire.Actor,
        collaboration: str | None = None,
        meeting: str | None = None,
        source: str | None = None,
        idempotency_key: str | None = None,
    ) -> Check:
        """May I? What an ``ask`` would be answered with now; nothing is released."""
        ask = drafts.ask(
            subject,
            fields,
            purpose=purpose,
            actor=actor,
            collaboration=collaboration,
            meeting=meeting,
            source=source,
        )
        return await self._run(self._session.check(ask, idempotency_key=idempotency_key))

    async def ask(
        self,
        subject: Subject,
        fields: Sequence[str],
        *,
        purpose: str,
        actor: wire.Actor,
        collaboration: str | None = None,
        meeting: str | None = None,
        source: str | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Ask for fields about a subject; what is permitted comes back checked and opened."""
        ask = drafts.ask(
            subject,
            fields,
            purpose=purpose,
            actor=actor,
            collaboration=collaboration,
            meeting=meeting,
            source=source,
        )
        return await self._run(self._session.ask(subject, ask, idempotency_key=idempotency_key))

    async def disclosure(
        self, disclosure_id: str, subject: Subject, *, asked: wire.Ask | None = None
    ) -> Answer:
        """An earlier disclosure again, while what it rested on still stands; checked and opened anew."""
        return await self._run(self._session.disclosure(disclosure_id, subject, asked=asked))

    async def proof(self, answer: Answer) -> Proven:
        """Check that the log holds the disclosure; waits while the log has yet to take it in."""
        return await self._run(self._session.proof(answer))

    async def proof_file(self, receipt: str) -> str:
        """A file that proves to anybody, offline and for good, that the log holds what a receipt (JWS) says."""
        return await self._run(self._session.proof_file(receipt))

    async def receipt(self, disclosure_id: str) -> str:
        """The receipt of a disclosure of this service's that is still handed out, for who has not kept it."""
        return await self._run(self._session.receipt(disclosure_id))

    async def attest_erasure(
        self,
        disclosure_id: str,
        *,
        erased_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> wire.ErasureAnswer:
        """Attest, signed, that this service has erased what a disclosure gave it."""
        return await self._run(
            self._session.attest_erasure(
                disclosure_id, erased_at=erased_at, idempotency_key=idempotency_key
            )
        )

    # --- consents, meetings, feed ---

    async def request_consent(
        self,
        subject: Subject,
        *,
        services: Sequence[str],
        purposes: Sequence[str],
        actor: wire.Actor,
        categories: Sequence[str] = (),
        fields: Sequence[str] = (),
        collaboration: str | None = None,
        about: Subject | None = None,
        condition: wire.Condition | None = None,
        valid_days: int | None = None,
        language: wire.Language | None = None,
        idempotency_key: str | None = None,
    ) -> wire.ConsentView:
        """Ask the subject for a consent. ``services`` are all units involved, this one among them."""
        request = drafts.consent_request(
            subject,
            services=services,
            purposes=purposes,
            actor=actor,
            categories=categories,
            fields=fields,
            collaboration=collaboration,
            about=about,
            condition=condition,
            valid_days=valid_days,
            language=language or self._language,
        )
        flow = self._session.request_consent(request, idempotency_key=idempotency_key)
        return await self._run(flow)

    async def preview_consent(
        self,
        subject: Subject,
        *,
        services: Sequence[str],
        purposes: Sequence[str],
        actor: wire.Actor,
        categories: Sequence[str] = (),
        fields: Sequence[str] = (),
        collaboration: str | None = None,
        condition: wire.Condition | None = None,
        idempotency_key: str | None = None,
    ) -> wire.PreviewAnswer:
        """What each service could get at most, if a consent were asked for like this and all were answered yes.

        Nobody is asked; nothing is said of what the broker holds about the subject or what they answered before.
        """
        request = drafts.consent_request(
            subject,
            services=services,
            purposes=purposes,
            actor=actor,
            categories=categories,
            fields=fields,
            collaboration=collaboration,
            condition=condition,
            valid_days=None,
            language=self._language,
        )
        flow = self._session.preview_consent(request, idempotency_key=idempotency_key)
        return await self._run(flow)

    async def capture(
        self,
        consent: str,
        *,
        answers: Mapping[str, wire.LineAnswer],
        read_out: str,
        actor: wire.Actor,
        answered_at: datetime | None = None,
        signer: Literal["subject", "guardian"] = "subject",
        child_heard: bool = False,
        scan: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> wire.ConsentView:
        """Record an answer given out loud or on paper, line by line (grant id → ``yes`` or ``no``)."""
        answer = drafts.capture(
            answers=answers,
            read_out=read_out,
            answered_at=answered_at or self._clock(),
            actor=actor,
            signer=signer,
            child_heard=child_heard,
            scan=scan,
        )
        flow = self._session.capture(consent, answer, idempotency_key=idempotency_key)
        return await self._run(flow)

    async def consents(self, *, page: int = PAGE) -> AsyncIterator[wire.ConsentView]:
        """The consents this service is party to, without others' grants; ``page`` at a time."""
        after: str | None = None
        while True:
            found = await self._run(self._session.consents(after, page))
            for consent in found.consents:
                yield consent
            after = found.next
            if after is None:
                return

    async def events(self, *, after: int = 0, page: int = PAGE) -> AsyncIterator[wire.Event]:
        """This service's feed after a cursor, to its present end; the last ``id`` is the next cursor."""
        while True:
            found = await self._run(self._session.events(after, page))
            for event in found.events:
                yield event
            if not found.events:
                return
            after = found.next

    async def call_meeting(
        self,
        subject: Subject,
        *,
        collaboration: str,
        held_at: datetime,
        participants: Sequence[wire.Participant],
        actor: wire.Actor,
        agenda: Sequence[str] = (),
        idempotency_key: str | None = None,
    ) -> wire.MeetingView:
        """Register a meeting about a subject, who is told of it and its agenda at once. ``held_at`` has a time zone."""
        request = drafts.meeting(
            subject,
            collaboration=collaboration,
            held_at=held_at,
            participants=participants,
            actor=actor,
            agenda=agenda,
        )
        flow = self._session.call_meeting(request, idempotency_key=idempotency_key)
        return await self._run(flow)

    # --- statutes ---

    async def invoke(
        self,
        subject: Subject,
        statute: str,
        fields: Sequence[str],
        *,
        reason: str,
        actor: wire.Actor,
        recipient: str | None = None,
        source: str | None = None,
        necessity: Mapping[str, str] = MappingProxyType({}),
        notice_delay: wire.NoticeDelay | None = None,
        hours: int | None = None,
        idempotency_key: str | None = None,
    ) -> wire.InvocationView:
        """Rely on a statute about a subject, towards one recipient; nothing is released before the recipient asks."""
        request = drafts.invocation(
            subject,
            statute,
            fields,
            reason=reason,
            actor=actor,
            recipient=recipient,
            source=source,
            necessity=necessity,
            notice_delay=notice_delay,
            hours=hours,
        )
        return await self._run(self._session.invoke(request, idempotency_key=idempotency_key))

    async def confirm(
        self, invocation: str, *, actor: wire.Actor, idempotency_key: str | None = None
    ) -> wire.InvocationView:
        """Stand behind what a colleague relies on, where the statute wants a second person."""
        request = wire.Confirmation(actor=actor)
        flow = self._session.confirm(invocation, request, idempotency_key=idempotency_key)
        return await self._run(flow)

    async def review(
        self,
        invocation: str,
        *,
        finding: wire.Finding,
        text: str,
        actor: wire.Actor,
        idempotency_key: str | None = None,
    ) -> wire.InvocationView:
        """Say whether it was right, as somebody who neither invoked nor confirmed; that ends it, and the subject is told."""
        request = drafts.review(finding=finding, text=text, actor=actor)
        flow = self._session.review(invocation, request, idempotency_key=idempotency_key)
        return await self._run(flow)

    async def invocations(
        self, *, open_reviews: bool = False, page: int = PAGE
    ) -> AsyncIterator[wire.InvocationView]:
        """What this service relied on, oldest first; with ``open_reviews`` only what waits for a review."""
        after: str | None = None
        while True:
            found = await self._run(
                self._session.invocations(after, page, open_reviews=open_reviews)
            )
            for invocation in found.invocations:
                yield invocation
            after = found.next
            if after is None:
                return

    # --- carrying ---

    async def _run(self, flow: Flow[T]) -> T:
        try:
            request = next(flow)
            while True:
                request = flow.send(await self._carried(request))
        except StopIteration as done:
            result: T = done.value
            return result

    async def _carried(self, request: Request) -> Response:
        try:
            async for attempt in stamina.retry_context(
                on=self._carriage.backoff, **self._carriage.retries.schedule()
            ):
                with attempt:
                    return await self._sent(request)
        except Busy as busy:
            return busy.response
        except httpx.HTTPError as error:
            raise failure(error) from None
        raise AssertionError("the last attempt returns or raises")

    async def _sent(self, request: Request) -> Response:
        async with self._http.stream(**self._carriage.http(request)) as answer:
            reading = Reading(answer, self._carriage)
            async for chunk in answer.aiter_bytes():
                reading.add(chunk)
        return reading.done()
