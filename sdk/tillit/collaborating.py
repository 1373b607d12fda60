"""Collaborating: what a service tells a collaboration, and what it matches; a part of both clients."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence

from tillit import wire
from tillit.footing import Flow, T
from tillit.protocol import model
from tillit.results import Subject
from tillit.session import Session

PAGE = 100


class Collaborating(ABC):
    """The part of ``Client`` that is about collaborations."""

    _session: Session

    @abstractmethod
    def _run(self, flow: Flow[T]) -> T:
        """Carry a conversation."""

    def consent_event(
        self,
        consent: str,
        event: str,
        *,
        actor: wire.Actor,
        idempotency_key: str | None = None,
    ) -> wire.ConsentView:
        """Say that the event has come that ends a consent's lines; nothing is shared on them any more, and the youth is told.

        Saying it again changes nothing. Not checked: that it has come; the actor vouches for it.
        """
        report = model(wire.EventReport, event=event, actor=actor)
        flow = self._session.consent_event(consent, report, idempotency_key=idempotency_key)
        return self._run(flow)

    def reply(
        self,
        consent: str,
        reply: wire.Reply,
        *,
        actor: wire.Actor,
        idempotency_key: str | None = None,
    ) -> wire.ConsentView:
        """Answer what the subject has asked back about a consent you asked for (``said_between``); they are told.

        ``will_contact``, ``when_we_meet`` or ``paper_is_ready``: the rest is said by telephone or face to face.
        """
        said = model(wire.ReplyRequest, reply=reply, actor=actor)
        flow = self._session.reply(consent, said, idempotency_key=idempotency_key)
        return self._run(flow)

    def stage(
        self,
        subject: Subject,
        collaboration: str,
        stage: int,
        *,
        actor: wire.Actor,
        idempotency_key: str | None = None,
    ) -> wire.StageView:
        """Say what point a subject's case has reached in a collaboration's pathway (0 to 99), forward or back.

        The subject is told. For the unit that coordinates the collaboration.
        """
        report = model(wire.StageReport, subject=subject.handle, stage=stage, actor=actor)
        flow = self._session.stage(collaboration, report, idempotency_key=idempotency_key)
        return self._run(flow)

    def tell_case(
        self,
        collaboration: str,
        *,
        age_band: str,
        municipality: str,
        topics: Sequence[str],
        actor: wire.Actor,
        needs_help_with: Sequence[str] = (),
        gender: wire.Gender | None = None,
        idempotency_key: str | None = None,
    ) -> wire.CaseTold:
        """Tell of a case without saying who it is, in the words of the catalogue's ``anonymous``.

        Raises ``Invalid`` with the code ``anonymous.too_few`` where too few people could be meant. The ``claim`` is for the
        youth alone: with it they can say, if they want to, that it is about them.
        """
        case = model(
            wire.AnonymousCase,
            collaboration=collaboration,
            age_band=age_band,
            gender=gender,
            municipality=municipality,
            topics=tuple(topics),
            needs_help_with=tuple(needs_help_with),
            actor=actor,
        )
        return self._run(self._session.tell_case(case, idempotency_key=idempotency_key))

    def cases(self, collaboration: str, *, page: int = PAGE) -> Iterator[wire.CaseView]:
        """The anonymous cases of a collaboration that this service is a member of; ``page`` at a time."""
        after: str | None = None
        while True:
            found = self._run(self._session.cases(collaboration, after, page))
            yield from found.cases
            after = found.next
            if after is None:
                return

    def match(
        self,
        subjects: Sequence[Subject],
        *,
        source: str,
        collaboration: str,
        purpose: str,
        actor: wire.Actor,
        idempotency_key: str | None = None,
    ) -> tuple[Subject, ...]:
        """Which of these (1 to 200) does a Nav office not know, as far as each of them lets that be told?

        Of the others nothing is told: that the office knows them and that they say no look the same. Each is told that it was
        asked. ``purpose``: ``outreach`` or ``dropout_prevention``.
        """
        request = model(
            wire.MatchRequest,
            subjects=tuple(subject.handle for subject in subjects),
            source=source,
            collaboration=collaboration,
            purpose=purpose,
            actor=actor,
        )
        flow = self._session.match(request, idempotency_key=idempotency_key)
        missing = set((self._run(flow)).not_known)
        return tuple(subject for subject in subjects if subject.handle in missing)


class AsyncCollaborating(ABC):
    """The part of ``AsyncClient`` that is about collaborations."""

    _session: Session

    @abstractmethod
    async def _run(self, flow: Flow[T]) -> T:
        """Carry a conversation."""

    async def consent_event(
        self,
        consent: str,
        event: str,
        *,
        actor: wire.Actor,
        idempotency_key: str | None = None,
    ) -> wire.ConsentView:
        """Say that the event has come that ends a consent's lines; nothing is shared on them any more, and the youth is told.

        Saying it again changes nothing. Not checked: that it has come; the actor vouches for it.
        """
        report = model(wire.EventReport, event=event, actor=actor)
        flow = self._session.consent_event(consent, report, idempotency_key=idempotency_key)
        return await self._run(flow)

    async def reply(
        self,
        consent: str,
        reply: wire.Reply,
        *,
        actor: wire.Actor,
        idempotency_key: str | None = None,
    ) -> wire.ConsentView:
        """Answer what the subject has asked back about a consent you asked for (``said_between``); they are told.

        ``will_contact``, ``when_we_meet`` or ``paper_is_ready``: the rest is said by telephone or face to face.
        """
        said = model(wire.ReplyRequest, reply=reply, actor=actor)
        flow = self._session.reply(consent, said, idempotency_key=idempotency_key)
        return await self._run(flow)

    async def stage(
        self,
        subject: Subject,
        collaboration: str,
        stage: int,
        *,
        actor: wire.Actor,
        idempotency_key: str | None = None,
    ) -> wire.StageView:
        """Say what point a subject's case has reached in a collaboration's pathway (0 to 99), forward or back.

        The subject is told. For the unit that coordinates the collaboration.
        """
        report = model(wire.StageReport, subject=subject.handle, stage=stage, actor=actor)
        flow = self._session.stage(collaboration, report, idempotency_key=idempotency_key)
        return await self._run(flow)

    async def tell_case(
        self,
        collaboration: str,
        *,
        age_band: str,
        municipality: str,
        topics: Sequence[str],
        actor: wire.Actor,
        needs_help_with: Sequence[str] = (),
        gender: wire.Gender | None = None,
        idempotency_key: str | None = None,
    ) -> wire.CaseTold:
        """Tell of a case without saying who it is, in the words of the catalogue's ``anonymous``.

        Raises ``Invalid`` with the code ``anonymous.too_few`` where too few people could be meant. The ``claim`` is for the
        youth alone: with it they can say, if they want to, that it is about them.
        """
        case = model(
            wire.AnonymousCase,
            collaboration=collaboration,
            age_band=age_band,
            gender=gender,
            municipality=municipality,
            topics=tuple(topics),
            needs_help_with=tuple(needs_help_with),
            actor=actor,
        )
        return await self._run(self._session.tell_case(case, idempotency_key=idempotency_key))

    async def cases(self, collaboration: str, *, page: int = PAGE) -> AsyncIterator[wire.CaseView]:
        """The anonymous cases of a collaboration that this service is a member of; ``page`` at a time."""
        after: str | None = None
        while True:
            found = await self._run(self._session.cases(collaboration, after, page))
            for case in found.cases:
                yield case
            after = found.next
            if after is None:
                return

    async def match(
        self,
        subjects: Sequence[Subject],
        *,
        source: str,
        collaboration: str,
        purpose: str,
        actor: wire.Actor,
        idempotency_key: str | None = None,
    ) -> tuple[Subject, ...]:
        """Which of these (1 to 200) does a Nav office not know, as far as each of them lets that be told?

        Of the others nothing is told: that the office knows them and that they say no look the same. Each is told that it was
        asked. ``purpose``: ``outreach`` or ``dropout_prevention``.
        """
        request = model(
            wire.MatchRequest,
            subjects=tuple(subject.handle for subject in subjects),
            source=source,
            collaboration=collaboration,
            purpose=purpose,
            actor=actor,
        )
        flow = self._session.match(request, idempotency_key=idempotency_key)
        missing = set((await self._run(flow)).not_known)
        return tuple(subject for subject in subjects if subject.handle in missing)
