"""What auditors call. Those of the role *integrity* are told of nobody; *content* is a scope, and a log entry, of its own."""

from typing import Annotated, Any

from pydantic import Field

from audit.facets import KINDS, TYPE
from audit.search import MAX_PAGE, Search
from broker.api.endpoints import Endpoints, Exchange
from broker.api.service_routes import Query
from broker.domain.accesses import SignalQuery
from broker.errors import NotCounted, ProofPending, UnknownEntry, UnknownSignal
from broker.usecases import auditing, counting, looking, signalling
from tillit.wire import Instant
from tillit.wire.auditing import (
    AuditedEvents,
    EntryType,
    EventContent,
    FacetWord,
    Look,
    Month,
    ProvenEvent,
    RuleName,
    SignalContent,
    SignalId,
    Signals,
    Statistics,
    Topic,
)

MAX_INDEX = 10**15 - 1

endpoints = Endpoints()


class EventsQuery(Query):
    """Entries after an index, from ``since`` up to but not at ``until``, that have every facet named."""

    after: Annotated[int, Field(ge=-1, le=MAX_INDEX)] = -1
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100
    since: Instant | None = None
    until: Instant | None = None
    type: EntryType | None = None
    service: FacetWord | None = None
    purpose: FacetWord | None = None
    outcome: FacetWord | None = None
    ground: FacetWord | None = None
    collaboration: FacetWord | None = None
    reason: FacetWord | None = None

    @property
    def search(self) -> Search:
        """The search that it asks for."""
        named = {kind: getattr(self, kind) for kind in (TYPE, *KINDS)}
        return Search(
            facets={kind: word for kind, word in named.items() if word is not None},
            since=self.since,
            until=self.until,
            after=self.after,
            limit=self.limit,
        )


class StatisticsQuery(Query):
    """A whole calendar month, and what of it."""

    month: Month
    topic: Topic = "events"


class SignalsQuery(Query):
    """Signals of a time, at a service, by a rule."""

    after: SignalId | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100
    since: Instant | None = None
    until: Instant | None = None
    service: FacetWord | None = None
    rule: RuleName | None = None


@endpoints.get("/audit/v1/events", "audit", query=EventsQuery, gives=AuditedEvents)
def audited_events(given: Exchange[Any]) -> AuditedEvents:
    """A page of log entries, by time and facets together, oldest first: what happened, and to nobody by name.

    The search is an entry itself. Go on with ``after`` = ``next`` until it is null.
    """
    return auditing.events(given.query.search, auditor=given.unit, ports=given.ports)


@endpoints.get(
    "/audit/v1/events/{index}", "audit", gives=ProvenEvent, refuses=(UnknownEntry, ProofPending)
)
def audited_event(given: Exchange[Any]) -> ProvenEvent:
    """One log entry, with the proof that it stands in the signed tree."""
    return auditing.event(int(given.path["index"]), auditor=given.unit, ports=given.ports)


@endpoints.post(
    "/audit/v1/events/{index}/content",
    "content",
    takes=Look,
    gives=EventContent,
    refuses=(UnknownEntry,),
    key_optional=True,
)
def look_at_event(given: Exchange[Look]) -> EventContent:
    """What one log entry commits to, for a case and a reason; the look is logged, and told to the subject.

    Each call is a look of its own, also with an Idempotency-Key: nothing of the answer is kept.
    """
    index = int(given.path["index"])
    return looking.content(index, given.body, auditor=given.unit, ports=given.ports)


@endpoints.get(
    "/audit/v1/statistics",
    "audit",
    query=StatisticsQuery,
    gives=Statistics,
    refuses=(NotCounted,),
)
def statistics(given: Exchange[Any]) -> Statistics:
    """What may be passed on of a calendar month: counts of at least five, rounded down, and times to an answer.

    Each month is counted once, a day (``answers``: 31 days) after its end, and never otherwise: no two answers can be
    subtracted for what one hides.
    """
    asked = given.query
    return counting.statistics(asked.month, asked.topic, auditor=given.unit, ports=given.ports)


@endpoints.get("/audit/v1/signals", "audit", query=SignalsQuery, gives=Signals)
def signals(given: Exchange[Any]) -> Signals:
    """A page of what rules called unusual: which rule, by which numbers, in which entries; about nobody by name."""
    asked = SignalQuery(**given.query.model_dump())
    return signalling.signals(asked, auditor=given.unit, language=given.language, ports=given.ports)


@endpoints.post(
    "/audit/v1/signals/{signal}/content",
    "content",
    takes=Look,
    gives=SignalContent,
    refuses=(UnknownSignal,),
    key_optional=True,
)
def look_at_signal(given: Exchange[Look]) -> SignalContent:
    """Whom a signal is about, for a case and a reason; a look at each of them is logged, and told to them."""
    signal = given.path["signal"]
    return signalling.content(signal, given.body, auditor=given.unit, ports=given.ports)
