"""What people call about themselves, or as guardians: consents, answers, pause, resume, withdraw, disclosures, notices."""

from typing import Annotated, Any, Literal

from pydantic import Field

from broker.api.endpoints import Endpoints, Exchange, Nothing
from broker.api.service_routes import ANSWERING, Query
from broker.domain.errors import (
    IllegalTransition,
    LinesNotForSigner,
    LinesUnknown,
    NothingToUndo,
    NotTheOneWhoPaused,
    OutOfTime,
    SignerNotNeeded,
    SignersUnknown,
    UndoTooLate,
)
from broker.domain.ids import ConsentId, DisclosureId
from broker.domain.ids import UnitId as Unit
from broker.errors import (
    BrokerError,
    HelperReadsOnly,
    NotASubject,
    ProofPending,
    UnknownConsent,
    UnknownDisclosure,
    UnknownPerson,
)
from broker.stored import Sought
from broker.usecases import disclosures, me
from tillit.wire import (
    ConditionsRequest,
    ConsentView,
    DigitalAnswer,
    Instant,
    MyConsents,
    MyCopy,
    MyDisclosures,
    MyNotices,
    ProofAnswer,
    UnitId,
    Withdrawal,
)

endpoints = Endpoints()

_CHANGE: tuple[type[BrokerError], ...] = (
    HelperReadsOnly,
    UnknownConsent,
    UnknownPerson,
    IllegalTransition,
    LinesNotForSigner,
    NotTheOneWhoPaused,
    OutOfTime,
    SignerNotNeeded,
    SignersUnknown,
)


class DisclosuresQuery(Query):
    """A page of disclosures: before which one, how many; from ``since`` up to, not at ``until``, by whom, of what kind."""

    before: Annotated[str, Field(pattern=r"^dis_[A-Za-z0-9_-]{22}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    since: Instant | None = None
    until: Instant | None = None
    recipient: UnitId | None = None
    only: Literal["refused", "emergency"] | None = None

    @property
    def sought(self) -> Sought:
        """What is looked for."""
        recipient = None if self.recipient is None else Unit(self.recipient)
        return Sought(self.since, self.until, recipient, self.only)


class NoticesQuery(Query):
    """How many notices."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50


@endpoints.get(
    "/v1/me/consents",
    "person",
    gives=MyConsents,
    refuses=(UnknownPerson, SignersUnknown),
)
def my_consents(given: Exchange[Any]) -> MyConsents:
    """Every consent the person has been asked for, or must sign as a guardian."""
    return me.consents(person=given.person, ports=given.ports)


@endpoints.get(
    "/v1/me/consents/{consent}",
    "person",
    gives=ConsentView,
    refuses=(UnknownConsent, UnknownPerson),
)
def my_consent(given: Exchange[Any]) -> ConsentView:
    """One consent."""
    identity = ConsentId(given.path["consent"])
    return me.consent(identity, person=given.person, ports=given.ports)


@endpoints.post(
    "/v1/me/consents/{consent}/answer",
    "person",
    takes=DigitalAnswer,
    gives=ConsentView,
    refuses=(HelperReadsOnly, UnknownConsent, *ANSWERING),
)
def answer(given: Exchange[DigitalAnswer]) -> ConsentView:
    """Answer a consent line by line."""
    identity = ConsentId(given.path["consent"])
    return me.answer(identity, given.body, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/me/consents/{consent}/pause",
    "person",
    takes=Nothing,
    gives=ConsentView,
    refuses=_CHANGE,
)
def pause(given: Exchange[Nothing]) -> ConsentView:
    """Pause a consent: nothing is shared on it until it is resumed."""
    identity = ConsentId(given.path["consent"])
    return me.pause(identity, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/me/consents/{consent}/resume",
    "person",
    takes=Nothing,
    gives=ConsentView,
    refuses=_CHANGE,
)
def resume(given: Exchange[Nothing]) -> ConsentView:
    """Resume a paused consent."""
    identity = ConsentId(given.path["consent"])
    return me.resume(identity, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/me/consents/{consent}/withdraw",
    "person",
    takes=Withdrawal,
    gives=ConsentView,
    refuses=(*_CHANGE, LinesUnknown),
)
def withdraw(given: Exchange[Withdrawal]) -> ConsentView:
    """Withdraw a consent, whole or by the line.

    Once this has answered, nothing is released on it.
    """
    identity = ConsentId(given.path["consent"])
    return me.withdraw(identity, given.body, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/me/consents/{consent}/undo",
    "person",
    takes=Nothing,
    gives=ConsentView,
    refuses=(*_CHANGE, NothingToUndo, UndoTooLate),
)
def undo(given: Exchange[Nothing]) -> ConsentView:
    """Take back what one did last to a consent, within ten seconds.

    A yes is withdrawn; a stop, a pause or a no is as if it had not been.
    """
    identity = ConsentId(given.path["consent"])
    return me.undo(identity, call=given.person_call, ports=given.ports)


@endpoints.post(
    "/v1/me/consents/{consent}/conditions",
    "person",
    takes=ConditionsRequest,
    gives=ConsentView,
    refuses=(
        HelperReadsOnly,
        UnknownConsent,
        UnknownPerson,
        IllegalTransition,
        LinesNotForSigner,
        LinesUnknown,
        SignerNotNeeded,
        SignersUnknown,
    ),
)
def conditions(given: Exchange[ConditionsRequest]) -> ConsentView:
    """Say for which lines one wants to be asked first at each ask, or to be there.

    Once this has answered, nothing is released on them without that.
    """
    identity = ConsentId(given.path["consent"])
    return me.ask_first(identity, given.body, call=given.person_call, ports=given.ports)


@endpoints.get(
    "/v1/me/disclosures",
    "person",
    query=DisclosuresQuery,
    gives=MyDisclosures,
    refuses=(NotASubject,),
)
def my_disclosures(given: Exchange[Any]) -> MyDisclosures:
    """What was asked about the person, released or refused, newest first."""
    query: DisclosuresQuery = given.query
    return me.disclosures(
        person=given.person,
        before=query.before,
        limit=query.limit,
        language=given.language,
        ports=given.ports,
        sought=query.sought,
    )


@endpoints.get(
    "/v1/me/disclosures/{disclosure}/proof",
    "person",
    gives=ProofAnswer,
    refuses=(NotASubject, UnknownDisclosure, ProofPending),
)
def my_disclosure_proof(given: Exchange[Any]) -> ProofAnswer:
    """The proof that a disclosure stands in the log."""
    identity = DisclosureId(given.path["disclosure"])
    return disclosures.proof(identity, reader=given.person, person=True, ports=given.ports)


@endpoints.get("/v1/me/copy", "person", gives=MyCopy, refuses=(NotASubject,))
def my_copy(given: Exchange[Any]) -> MyCopy:
    """Everything the broker can show the person about themself, in one document."""
    return me.copy(person=given.person, language=given.language, ports=given.ports)


@endpoints.get(
    "/v1/me/notices", "person", query=NoticesQuery, gives=MyNotices, refuses=(NotASubject,)
)
def my_notices(given: Exchange[Any]) -> MyNotices:
    """The latest of what the person was told."""
    query: NoticesQuery = given.query
    return me.notices(person=given.person, limit=query.limit, ports=given.ports)
