"""The client: a service's calls to the broker, each typed, checked, and repeated where that is safe."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self

import httpx
import stamina

from tillit import drafts, protocol, wire
from tillit.answering import Answering
from tillit.collaborating import Collaborating
from tillit.footing import Flow, T
from tillit.keeping import Keeping
from tillit.keys import ServiceKey
from tillit.protocol import Request
from tillit.responses import Response
from tillit.results import Answer, Catalogue, Check, Deposited, Proven, Subject
from tillit.sealing import Value
from tillit.session import Session
from tillit.transport import Busy, Carriage, Reading, Retries, address, failure, system_clock
from tillit.waiting import Waiting

PAGE = 100


class Client(Answering, Collaborating, Keeping, Waiting):
    """One service's conversations with one broker; may be shared between threads.

    Args:
        url: The broker's address. Plain http is for the same machine only.
        service: The unit this client speaks for.
        key: That unit's private keys.
        reads_with: Other keys of the unit to open answers with: those before, or those to come.
        trust: The broker's public keys, pinned. Without it they are fetched once, on first use: the
            TLS connection of that moment is then what all later checks rest on.
        sources: Public keys of sources (unit → JWK set), pinned. Those of other sources come from
            the broker, on whose word it then rests that a key is that source's.
        language: The language of plain texts such as reasons.
        timeout: Seconds to wait for each piece of an answer, and for the whole of its body.
        retries: When and how often a request is sent again.
        max_answer_bytes: Larger answers raise ``ProtocolError``.
        clock: Tells the time in UTC.
        randomness: Gives so many unpredictable bytes.
        transport: An httpx transport to use instead of the network.
        unsafe_plain_http: Allow http to another machine: all between see tokens and identity numbers.

    Every call may raise ``UsageError`` (nothing was sent), a ``ProblemError`` (the broker said no),
    ``TransportError`` or its ``Timeout`` (not reached, after the retries) or ``ProtocolError`` (what
    came back is no answer). What hands out values or proofs may raise ``VerificationError``; there are
    no values then. Repeats within a call carry the same idempotency key; give ``idempotency_key``
    (8 to 128 letters, digits or ``._:-``) to make a later call the same call.
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
        transport: httpx.BaseTransport | None = None,
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
        self._http = httpx.Client(transport=transport, trust_env=self._carriage.proxied)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __repr__(self) -> str:
        return f"Client({self._carriage.address!r}, service={self._session.service!r})"

    # --- keys and catalogue ---

    def enrol(self, *, code: str) -> None:
        """Register this unit's public keys with the operator's one-time code."""
        self._run(self._session.enrol(code))

    def trust(self) -> wire.BrokerKeys:
        """The broker's public keys that this client trusts: keep them to pin them."""
        return self._run(self._session.trust())

    def catalogue(self) -> Catalogue:
        """Fields, purposes, services and collaborations in force; fetched anew only when changed."""
        return self._run(self._session.catalogue())

    # --- subjects, deposits, asks ---

    def subject(self, *, national_id: str) -> Subject:
        """This service's own handle for a person, by national identity number (eleven digits)."""
        return self._run(self._session.subject(national_id))

    def deposit(
        self,
        subject: Subject,
        values: Mapping[str, Any] | Sequence[Value],
        *,
        observed_at: datetime | None = None,
        basis: wire.Basis | None = None,
        author_role: str | None = None,
        idempotency_key: str | None = None,
    ) -> Deposited:
        """Deposit sealed values about a subject, all or none.

        ``values``: field name → JSON value, with ``observed_at`` (with a time zone), ``basis`` and
        ``author_role`` in common; or ``Value``s that say so themselves. Generalised fields such as
        ``education.attendance.band`` are derived and deposited with the rest.

        Sealing is random: the same ``idempotency_key`` in a later call is another body, and refused.
        Not checked: the catalogue's schema of a value.
        """
        given = drafts.values(values, observed_at=observed_at, basis=basis, author_role=author_role)
        flow = self._session.deposit(subject, given, idempotency_key=idempotency_key)
        return self._run(flow)

    def check(
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
        return self._run(self._session.check(ask, idempotency_key=idempotency_key))

    def ask(
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
        """Ask for fields about a subject; what is permitted comes back checked and opened.

        Checked before any value is seen: the broker's receipt, that receipt, manifest and ask say the
        same, every seal, every source's signature, and that every value is about this person. A
        refusal is an ``Answer`` too: see ``outcome`` and ``withheld``.
        """
        ask = drafts.ask(
            subject,
            fields,
            purpose=purpose,
            actor=actor,
            collaboration=collaboration,
            meeting=meeting,
            source=source,
        )
        return self._run(self._session.ask(subject, ask, idempotency_key=idempotency_key))

    def disclosure(
        self, disclosure_id: str, subject: Subject, *, asked: wire.Ask | None = None
    ) -> Answer:
        """An earlier disclosure again, while what it rested on still stands; checked and opened anew.

        Without ``asked``, purpose and fields are taken from the receipt that the broker signed.
        """
        return self._run(self._session.disclosure(disclosure_id, subject, asked=asked))

    def proof(self, answer: Answer) -> Proven:
        """Check that the log holds the disclosure; waits while the log has yet to take it in."""
        return self._run(self._session.proof(answer))

    def proof_file(self, receipt: str) -> str:
        """A file that proves to anybody, offline and for good, that the log holds what a receipt (JWS) says."""
        return self._run(self._session.proof_file(receipt))

    def receipt(self, disclosure_id: str) -> str:
        """The receipt of a disclosure of this service's that is still handed out, for who has not kept it."""
        return self._run(self._session.receipt(disclosure_id))

    def attest_erasure(
        self,
        disclosure_id: str,
        *,
        erased_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> wire.ErasureAnswer:
        """Attest, signed, that this service has erased what a disclosure gave it (``erased_at``: now, when not given).

        The subject sees it, and the disclosure is not handed out again. Raises ``ProblemError`` when there is an attestation
        already or the time lies outside the disclosure's.
        """
        return self._run(
            self._session.attest_erasure(
                disclosure_id, erased_at=erased_at, idempotency_key=idempotency_key
            )
        )

    # --- consents, meetings, feed ---

    def request_consent(
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
        """Ask the subject for a consent. ``services`` are all units involved, this one among them.

        ``about``: the youth in whose record it stands, when ``subject`` is a grown member of the family, asked for what is
        written about them there. ``valid_days``: 1 to 366, by default as the collaboration says. ``language`` is that of the
        text to be read, by default this client's.
        """
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
        return self._run(flow)

    def preview_consent(
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
        return self._run(flow)

    def capture(
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
        """Record an answer given out loud or on paper, line by line (grant id → ``yes``, ``no`` or ``not_now``).

        ``read_out`` is the ``text_sha256`` of the consent whose text was read out; ``answered_at`` is
        by default now. That the words were said is not checked: the actor vouches for it. ``scan`` is
        the paper as it was scanned, where the answer stands on one: only its SHA-256 is sent.
        """
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
        return self._run(flow)

    def consents(self, *, page: int = PAGE) -> Iterator[wire.ConsentView]:
        """The consents this service is party to, without others' grants; ``page`` at a time."""
        after: str | None = None
        while True:
            found = self._run(self._session.consents(after, page))
            yield from found.consents
            after = found.next
            if after is None:
                return

    def events(self, *, after: int = 0, page: int = PAGE) -> Iterator[wire.Event]:
        """This service's feed after a cursor, to its present end; the last ``id`` is the next cursor."""
        while True:
            found = self._run(self._session.events(after, page))
            yield from found.events
            if not found.events:
                return
            after = found.next

    def call_meeting(
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
        return self._run(flow)

    # --- statutes ---

    def invoke(
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
        """Rely on a statute about a subject, towards one recipient; nothing is released before the recipient asks.

        ``reason`` (10 to 1000 characters, no identity number) goes into the log and nowhere else; so does ``necessity``, a text
        per field, which some statutes want. The subject is told at once, unless the statute lets ``notice_delay`` put it off.
        ``hours``: as many as the statute allows, when not given. Raises ``ProblemError`` when the statute does not allow it.
        """
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
        return self._run(self._session.invoke(request, idempotency_key=idempotency_key))

    def confirm(
        self, invocation: str, *, actor: wire.Actor, idempotency_key: str | None = None
    ) -> wire.InvocationView:
        """Stand behind what a colleague relies on, where the statute wants a second person."""
        request = wire.Confirmation(actor=actor)
        flow = self._session.confirm(invocation, request, idempotency_key=idempotency_key)
        return self._run(flow)

    def review(
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
        return self._run(flow)

    def invocations(
        self, *, open_reviews: bool = False, page: int = PAGE
    ) -> Iterator[wire.InvocationView]:
        """What this service relied on, oldest first; with ``open_reviews`` only what waits for a review."""
        after: str | None = None
        while True:
            found = self._run(self._session.invocations(after, page, open_reviews=open_reviews))
            yield from found.invocations
            after = found.next
            if after is None:
                return

    # --- carrying ---

    def _run(self, flow: Flow[T]) -> T:
        try:
            request = next(flow)
            while True:
                request = flow.send(self._carried(request))
        except StopIteration as done:
            result: T = done.value
            return result

    def _carried(self, request: Request) -> Response:
        try:
            for attempt in stamina.retry_context(
                on=self._carriage.backoff, **self._carriage.retries.schedule()
            ):
                with attempt:
                    return self._sent(request)
        except Busy as busy:
            return busy.response
        except httpx.HTTPError as error:
            raise failure(error) from None
        raise AssertionError("the last attempt returns or raises")

    def _sent(self, request: Request) -> Response:
        with self._http.stream(**self._carriage.http(request)) as answer:
            reading = Reading(answer, self._carriage)
            for chunk in answer.iter_bytes():
                reading.add(chunk)
        return reading.done()
