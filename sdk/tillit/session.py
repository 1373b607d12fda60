"""What one client remembers, and its conversations with the broker, without I/O; each is a flow (``footing``)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from tillit import deposit_keys, erasures, errors, proof_files, protocol, receipts, wire
from tillit.enrolment import prove, rotation
from tillit.footing import Flow, Footing
from tillit.history import ProvenHistory
from tillit.history import verify as verify_history
from tillit.jose import TokenInvalid, unb64u
from tillit.keys import ServiceKey
from tillit.notes import Vkey, open_checkpoint
from tillit.opening import Opened, open_disclosure
from tillit.protocol import model
from tillit.responses import checked_jwks
from tillit.results import Answer, Catalogue, Check, Deposited, Proven, Subject
from tillit.sealing import SubjectRef, Value, seal_deposit
from tillit.wire.service_keys import KeyRevocation, KeysAnswer

Jwk = Mapping[str, Any]
Jwks = Mapping[str, Any]

_SEALED_TO_ANOTHER = frozenset({"deposit.key_invalid", "keys.hybrid_required"})


class Session(Footing):
    """One service's side of its conversations: its footing, its reading keys, keys of sources, catalogue."""

    def __init__(
        self,
        key: ServiceKey,
        *,
        reads_with: Sequence[ServiceKey] = (),
        trust: wire.BrokerKeys | None,
        sources: Mapping[str, Jwks],
        language: wire.Language,
        clock: Callable[[], datetime],
        randomness: Callable[[int], bytes],
    ) -> None:
        super().__init__(key, trust=trust, language=language, clock=clock, randomness=randomness)
        self._reads_with = {other.enc_kid: other for other in (*reads_with, key)}
        self._pinned = {unit: checked_jwks(jwks) for unit, jwks in sources.items()}
        self._fetched: dict[str, Jwks] = {}
        self._catalogue: Catalogue | None = None

    # --- keys and catalogue ---

    def enrol(self, code: str) -> Flow[None]:
        """Register this unit's public keys; whoever has done so already is answered alike.

        A code is spent by the first request that arrives, so that a repeated one is refused: then what
        counts is whether the keys are taken.
        """
        enrolment = model(
            wire.Enrolment,
            unit=self._key.unit,
            code=code,
            jwks=self._key.public_jwks(),
            proof=prove(code, self._key),
        )
        try:
            yield from self._call(protocol.enrol(enrolment, key=self._idempotency_key(None)))
        except errors.AuthenticationFailed as refused:
            try:
                yield from self._new_token()
            except errors.AuthenticationFailed:
                raise refused from None

    def rotate_keys(self, new: ServiceKey, *, idempotency_key: str | None) -> Flow[KeysAnswer]:
        """Exchange this service's keys, and go on with the new ones."""
        call = protocol.rotate_keys(
            rotation(self._key, new), key=self._idempotency_key(idempotency_key)
        )
        answer = yield from self._call(call)
        self._reads_with[new.enc_kid] = self._key = new
        self._token = None
        return answer

    def revoke_key(self, kid: str, reason: str, *, idempotency_key: str | None) -> Flow[KeysAnswer]:
        """Revoke one of this service's keys."""
        revocation = model(KeyRevocation, reason=reason)
        key = self._idempotency_key(idempotency_key)
        return (yield from self._call(protocol.revoke_key(kid, revocation, key=key)))

    def key_history(self, unit: str) -> Flow[ProvenHistory]:
        """A unit's history of keys, checked against the log and against the keys it has now."""
        trust = yield from self.trust()
        jwks = yield from self._call(protocol.service_jwks(unit))
        history = yield from self._call(protocol.key_history(unit))
        return verify_history(history, unit=unit, log=Vkey.parse(trust.log), jwks=jwks)

    def catalogue(self) -> Flow[Catalogue]:
        """The catalogue, fetched anew only when it has changed."""
        known = self._catalogue
        answer = yield from self._call(protocol.catalogue(known.etag if known else None))
        if answer.value is not None:
            self._catalogue = Catalogue(answer.value, etag=answer.etag)
        if self._catalogue is None:
            raise errors.ProtocolError("the broker says that an unknown catalogue is unchanged")
        return self._catalogue

    # --- subjects, deposits, asks ---

    def subject(self, national_id: str) -> Flow[Subject]:
        """This service's own handle for a person."""
        request = model(wire.SubjectRequest, national_id=national_id)
        call = protocol.subject(request, key=self._idempotency_key(None))
        answer = yield from self._call(call)
        return Subject(answer.subject, national_id=national_id)

    def deposit(
        self, subject: Subject, values: Sequence[Value], *, idempotency_key: str | None
    ) -> Flow[Deposited]:
        """Seal values to the custodian and hand them in, all or none; once more where it has another key now."""
        key = self._idempotency_key(idempotency_key)
        sealed_to = (yield from self.trust()).custodian
        try:
            return (yield from self._deposit(subject, values, sealed_to, key))
        except errors.Invalid as refused:
            if refused.code not in _SEALED_TO_ANOTHER:
                raise
            now = yield from self._deposit_key()
            if now == sealed_to:
                raise
        return (yield from self._deposit(subject, values, now, key))

    def _deposit(
        self, subject: Subject, values: Sequence[Value], custodian_jwk: Jwk, key: str
    ) -> Flow[Deposited]:
        deposit = seal_deposit(
            values,
            key=self._key,
            subject=SubjectRef(subject.handle, subject.reveal()),
            custodian_jwk=custodian_jwk,
            randomness=self._randomness,
        )
        answer = yield from self._call(protocol.deposit(deposit, key=key))
        return Deposited(MappingProxyType(answer.deposited))

    def _deposit_key(self) -> Flow[Jwk]:
        """The custodian's deposit key now, if the custodian that was trusted before vouches for it."""
        fetched = yield from self._call(protocol.broker_keys())
        trust = yield from self.trust()
        now = dict(deposit_keys.followed(trust.custodian, fetched.custodian))
        self._trust = trust.model_copy(update={"custodian": now})
        return now

    def check(self, ask: wire.Ask, *, idempotency_key: str | None) -> Flow[Check]:
        """What the ask would be answered with now."""
        call = protocol.check(ask, key=self._idempotency_key(idempotency_key))
        answer = yield from self._call(call)
        if answer.permitted.keys() ^ answer.withheld.keys() != set(ask.fields):
            raise errors.ProtocolError("the answer does not answer each asked field once")
        return Check(
            outcome=answer.outcome,
            permitted=MappingProxyType(answer.permitted),
            withheld=MappingProxyType(answer.withheld),
            obligations=answer.obligations,
            stable_until=answer.stable_until,
            policy=answer.policy,
            explanation=answer.explanation,
        )

    def ask(self, subject: Subject, ask: wire.Ask, *, idempotency_key: str | None) -> Flow[Answer]:
        """Ask, check the answer, open it."""
        subject.reveal()
        call = protocol.disclose(ask, key=self._idempotency_key(idempotency_key))
        answer = yield from self._call(call)
        return (yield from self._opened(answer, subject, ask))

    def disclosure(
        self, disclosure_id: str, subject: Subject, *, asked: wire.Ask | None
    ) -> Flow[Answer]:
        """An earlier disclosure again, checked and opened as the first time."""
        subject.reveal()
        answer = yield from self._call(protocol.disclosure(disclosure_id))
        if answer.id != disclosure_id:
            raise errors.ManifestMismatch("the answer is another disclosure")
        trust = yield from self._trust_for(answer.receipt)
        ask = asked or _ask_of(receipts.verify(answer.receipt, trust.receipts), subject)
        return (yield from self._opened(answer, subject, ask))

    def _opened(
        self, answer: wire.DisclosureAnswer, subject: Subject, ask: wire.Ask
    ) -> Flow[Answer]:
        trust = yield from self._trust_for(answer.receipt)
        units = {held.source for held in answer.manifest.fields.values()}
        known = units & self._fetched.keys()
        yield from self._fetch(units - self._fetched.keys() - self._pinned.keys())
        try:
            opened = self._open(answer, subject, ask, trust)
        except errors.SourceSignatureInvalid:
            if not known:
                raise
            # A source may have new keys since its keys were fetched.
            yield from self._fetch(known)
            opened = self._open(answer, subject, ask, trust)
        return _answer(answer, opened, ask)

    def _open(
        self,
        answer: wire.DisclosureAnswer,
        subject: Subject,
        ask: wire.Ask,
        trust: wire.BrokerKeys,
    ) -> Opened:
        return open_disclosure(
            answer,
            key=self._reader(answer),
            source_keys={**self._fetched, **self._pinned},
            broker_keys=trust,
            national_id=subject.reveal(),
            asked=ask,
            now=self._clock(),
        )

    def _reader(self, answer: wire.DisclosureAnswer) -> ServiceKey:
        """The key that the answer is sealed to, if it is one of ours; else our own, which will not open it."""
        sealed_to = answer.key.kid if answer.key else self._key.enc_kid
        return self._reads_with.get(sealed_to, self._key)

    def _fetch(self, units: Iterable[str]) -> Flow[None]:
        for unit in sorted(units):
            self._fetched[unit] = yield from self._call(protocol.service_jwks(unit))

    def proof(self, answer: Answer) -> Flow[Proven]:
        """That the log holds the disclosure that the receipt speaks of."""
        return (yield from self._proven(answer.receipt))

    def proof_file(self, receipt: str) -> Flow[str]:
        """What proves to anybody, for good, that the log holds the disclosure that a receipt speaks of."""
        trust = yield from self._trust_for(receipt)
        proven = yield from self._proven(receipts.verify(receipt, trust.receipts))
        extra = proof_files.of_receipt(receipt)
        note = proven.checkpoint.note
        return str(proof_files.ProofFile(proven.index, proven.path, note, extra))

    def receipt(self, disclosure_id: str) -> Flow[str]:
        """The receipt of a disclosure that is still handed out."""
        answer = yield from self._call(protocol.disclosure(disclosure_id))
        return answer.receipt

    def _proven(self, receipt: receipts.VerifiedReceipt) -> Flow[Proven]:
        trust = yield from self.trust()
        proof = yield from self._call(protocol.proof(receipt.statement.id))
        log = Vkey.parse(trust.log)
        if receipt.promise.origin != log.name:
            raise errors.ReceiptInvalid("the receipt promises another log")
        leaf_hash = receipt.leaf_hash
        path = tuple(_hash(step) for step in proof.path)
        checkpoint = open_checkpoint(proof.checkpoint, log)
        checkpoint.check_inclusion(leaf_hash=leaf_hash, index=proof.index, path=path)
        return Proven(proof.index, leaf_hash, path, checkpoint)

    def attest_erasure(
        self, disclosure_id: str, *, erased_at: datetime | None, idempotency_key: str | None
    ) -> Flow[wire.ErasureAnswer]:
        """Sign that what a disclosure gave has been erased, and say so."""
        attestation = protocol.model(
            wire.Attestation, v=1, disclosure=disclosure_id, erased_at=erased_at or self._clock()
        )
        attested = wire.Erasure(attestation=erasures.attest(attestation, self._key))
        key = self._idempotency_key(idempotency_key)
        return (yield from self._call(protocol.erasure(disclosure_id, attested, key=key)))

    # --- consents, meetings, feed ---

    def request_consent(
        self, request: wire.ConsentRequest, *, idempotency_key: str | None
    ) -> Flow[wire.ConsentView]:
        """Ask for a consent."""
        key = self._idempotency_key(idempotency_key)
        return (yield from self._call(protocol.request_consent(request, key=key)))

    def preview_consent(
        self, request: wire.ConsentRequest, *, idempotency_key: str | None
    ) -> Flow[wire.PreviewAnswer]:
        """What a consent could lead to."""
        key = self._idempotency_key(idempotency_key)
        return (yield from self._call(protocol.preview_consent(request, key=key)))

    def capture(
        self, consent: str, answer: wire.Capture, *, idempotency_key: str | None
    ) -> Flow[wire.ConsentView]:
        """Record an oral answer."""
        key = self._idempotency_key(idempotency_key)
        return (yield from self._call(protocol.capture(consent, answer, key=key)))

    def consents(self, after: str | None, limit: int) -> Flow[wire.Page]:
        """One page of the consents this service is party to."""
        page = yield from self._call(protocol.consents(after=after, limit=limit))
        if page.next is not None and page.next == after:
            raise errors.ProtocolError("the next page is this page")
        return page

    def events(self, after: int, limit: int) -> Flow[wire.EventPage]:
        """One page of this service's feed."""
        page = yield from self._call(protocol.events(after=after, limit=limit))
        if page.events and page.next <= after:
            raise errors.ProtocolError("the next page is this page")
        return page

    def call_meeting(
        self, request: wire.MeetingRequest, *, idempotency_key: str | None
    ) -> Flow[wire.MeetingView]:
        """Register a meeting."""
        key = self._idempotency_key(idempotency_key)
        return (yield from self._call(protocol.call_meeting(request, key=key)))

    # --- what is told to a collaboration ---

    def consent_event(
        self, consent: str, report: wire.EventReport, *, idempotency_key: str | None
    ) -> Flow[wire.ConsentView]:
        """Say that an event has come."""
        key = self._idempotency_key(idempotency_key)
        return (yield from self._call(protocol.consent_event(consent, report, key=key)))

    def reply(
        self, consent: str, said: wire.ReplyRequest, *, idempotency_key: str | None
    ) -> Flow[wire.ConsentView]:
        """Answer what was asked back."""
        key = self._idempotency_key(idempotency_key)
        return (yield from self._call(protocol.reply(consent, said, key=key)))

    def stage(
        self, collaboration: str, report: wire.StageReport, *, idempotency_key: str | None
    ) -> Flow[wire.StageView]:
        """Say what point a case has reached."""
        key = self._idempotency_key(idempotency_key)
        return (yield from self._call(protocol.stage(collaboration, report, key=key)))

    def tell_case(
        self, case: wire.AnonymousCase, *, idempotency_key: str | None
    ) -> Flow[wire.CaseTold]:
        """Tell of a case without saying who it is."""
        key = self._idempotency_key(idempotency_key)
        return (yield from self._call(protocol.tell_case(case, key=key)))

    def cases(self, collaboration: str, after: str | None, limit: int) -> Flow[wire.CasePage]:
        """One page of a collaboration's anonymous cases."""
        page = yield from self._call(protocol.cases(collaboration, after=after, limit=limit))
        if page.next is not None and page.next == after:
            raise errors.ProtocolError("the next page is this page")
        return page

    def match(
        self, request: wire.MatchRequest, *, idempotency_key: str | None
    ) -> Flow[wire.MatchAnswer]:
        """Ask whom a Nav office does not know."""
        key = self._idempotency_key(idempotency_key)
        answer = yield from self._call(protocol.match(request, key=key))
        if not set(answer.not_known) <= set(request.subjects):
            raise errors.ProtocolError("the answer is about somebody who was not asked about")
        return answer

    # --- what subjects say is wrong ---

    def reply_to_contest(
        self, record: str, said: wire.ContestReply, *, idempotency_key: str | None
    ) -> Flow[wire.ContestView]:
        """Say whether a contested value is right."""
        key = self._idempotency_key(idempotency_key)
        answer = yield from self._call(protocol.reply_to_contest(record, said, key=key))
        if answer.record != record:
            raise errors.ProtocolError("the answer is about another value")
        return answer

    def complaints(
        self, after: str | None, limit: int, *, open_only: bool
    ) -> Flow[wire.ComplaintPage]:
        """One page of the complaints about what this service asked."""
        call = protocol.complaints(after=after, limit=limit, open_only=open_only)
        page = yield from self._call(call)
        if page.next is not None and page.next == after:
            raise errors.ProtocolError("the next page is this page")
        return page

    def answer_complaint(
        self, complaint: str, said: wire.ComplaintAnswer, *, idempotency_key: str | None
    ) -> Flow[wire.ComplaintView]:
        """Say what was found."""
        key = self._idempotency_key(idempotency_key)
        answer = yield from self._call(protocol.answer_complaint(complaint, said, key=key))
        if answer.id != complaint:
            raise errors.ProtocolError("the answer is about another complaint")
        return answer

    # --- statutes ---

    def invoke(
        self, request: wire.InvocationRequest, *, idempotency_key: str | None
    ) -> Flow[wire.InvocationView]:
        """Rely on a statute."""
        key = self._idempotency_key(idempotency_key)
        return (yield from self._call(protocol.invoke(request, key=key)))

    def confirm(
        self, invocation: str, request: wire.Confirmation, *, idempotency_key: str | None
    ) -> Flow[wire.InvocationView]:
        """Stand behind what a colleague relies on."""
        key = self._idempotency_key(idempotency_key)
        return (yield from self._call(protocol.confirm(invocation, request, key=key)))

    def review(
        self, invocation: str, request: wire.Review, *, idempotency_key: str | None
    ) -> Flow[wire.InvocationView]:
        """Say whether it was right."""
        key = self._idempotency_key(idempotency_key)
        return (yield from self._call(protocol.review(invocation, request, key=key)))

    def invocations(
        self, after: str | None, limit: int, *, open_reviews: bool
    ) -> Flow[wire.InvocationPage]:
        """One page of what this service relied on."""
        call = protocol.invocations(after=after, limit=limit, open_reviews=open_reviews)
        page = yield from self._call(call)
        if page.next is not None and page.next == after:
            raise errors.ProtocolError("the next page is this page")
        return page


def _ask_of(receipt: receipts.VerifiedReceipt, subject: Subject) -> wire.Ask:
    """The ask that a verified receipt speaks of, about the subject that the caller means."""
    stated = receipt.statement
    return model(
        wire.Ask,
        subject=subject.handle,
        fields=tuple(stated.decision),
        purpose=stated.purpose,
        actor=stated.actor,
        collaboration=stated.collaboration,
        meeting=stated.meeting,
    )


def _answer(answer: wire.DisclosureAnswer, opened: Opened, ask: wire.Ask) -> Answer:
    return Answer(
        id=answer.id,
        outcome=answer.outcome,
        values=MappingProxyType(dict(opened.values)),
        withheld=MappingProxyType(answer.withheld),
        grounds=MappingProxyType(answer.grounds),
        obligations=answer.manifest.obligations,
        stable_until=answer.stable_until,
        expires_at=answer.manifest.expires_at,
        receipt=opened.receipt,
        raw=answer,
        explanation=answer.explanation,
        asked=ask,
    )


def _hash(text: str) -> bytes:
    try:
        return unb64u(text, size=32)
    except TokenInvalid:
        raise errors.ProtocolError("the proof holds what is no hash") from None
