"""Anonymous cases: talked about in closed words, about nobody, until the youth says that it is about them (N23).

Nothing that is kept links a case to a subject before that. The code with which the youth says so is made from the case's id
with a key of the keyring, so that it lies nowhere, also not in what is remembered to answer a repeated call.
"""

import base64
import hashlib
import hmac

from pydantic import BaseModel, ConfigDict

from audit.entries import Entry
from broker.domain.anonymity import Vocabulary, group
from broker.domain.catalogue import Catalogue
from broker.domain.errors import named
from broker.domain.facets import facets
from broker.domain.ids import CaseId, SubjectId, UnitId, fresh
from broker.domain.shelves import Collaboration, Unit
from broker.errors import (
    ClaimUnknown,
    CollaborationUnknown,
    NotAnonymousHere,
    NotOfTheCollaboration,
    PlaceUnknown,
    TooFew,
    WordUnknown,
)
from broker.ports import Ports, Transaction
from broker.stored import Case, Notice
from broker.usecases.call import Call, PersonCall, once
from broker.usecases.people import OSLO, registered
from tillit.wire import AnonymousCase, CaseClaim, CasePage, CaseTold, CaseView, Event

PURPOSE = "anonymous_discussion"
PAGE = 100


class _Told(BaseModel):
    """What is remembered of a case that was told: not its code."""

    model_config = ConfigDict(frozen=True)

    id: str


def tell(told: AnonymousCase, *, call: Call, ports: Ports) -> CaseTold:
    """Take in a case without saying who it is, if enough people could be meant.

    Raises:
        CollaborationUnknown, NotOfTheCollaboration, NotAnonymousHere: the calling unit cannot tell cases there.
        WordUnknown, PlaceUnknown: it is not told in the catalogue's words, or of a place outside the unit's county.
        TooFew: fewer than ``k`` people in the municipality are like this; how many is not said.
        RegisterDown: nobody can be counted, so no case is taken in.
    """

    def act(tx: Transaction) -> _Told:
        now = ports.clock()
        _member(told.collaboration, call.unit, ports)
        _check_words(told, ports.catalogue.anonymous)
        _check_place(told.municipality, ports.catalogue.units[call.unit], ports.catalogue)
        band = ports.catalogue.anonymous.age_bands[told.age_band]
        today = now.astimezone(OSLO).date()
        could_be = group(told.municipality, band, told.gender, today=today)
        if ports.register.count(could_be) < ports.anonymity_k:
            raise TooFew("leave out the gender, or take a wider age band")
        case = Case(
            id=CaseId(fresh("cas", ports.randomness)),
            collaboration=told.collaboration,
            told_by=call.unit,
            age_band=told.age_band,
            gender=told.gender,
            municipality=told.municipality,
            topics=told.topics,
            needs=told.needs_help_with,
        )
        tx.add_case(case, claim_sha256=_sha256(_claim(case.id, ports)))
        content = {
            "actor": told.actor.model_dump(mode="json"),
            "case": case.id,
            "collaboration": case.collaboration,
            "unit": call.unit,
        }
        found_by = facets(services=(call.unit,), collaboration=case.collaboration)
        tx.append(Entry("case.anonymous", now, content, None, found_by))
        return _Told(id=case.id)

    identity = CaseId(once(act, answers=_Told, call=call, ports=ports).id)
    return CaseTold(id=identity, claim=_claim(identity, ports))


def cases(
    collaboration: str, *, unit: UnitId, after: str | None, limit: int, ports: Ports
) -> CasePage:
    """A page of a collaboration's cases, for its members.

    Raises:
        CollaborationUnknown, NotOfTheCollaboration, NotAnonymousHere: the calling unit does not talk about cases there.
    """
    _member(collaboration, unit, ports)
    size = min(limit, PAGE)
    with ports.store.read() as tx:
        found = tuple(tx.cases(collaboration, after=after, limit=size))
    last = found[-1].id if len(found) == size else None
    return CasePage(cases=tuple(_view(case) for case in found), next=last)


def claim(claimed: CaseClaim, *, call: PersonCall, ports: Ports) -> CaseView:
    """Say that a case is about oneself: the person's own act, once, and told to nobody unless they say so.

    Raises:
        ClaimUnknown: no case waits for that code.
        UnknownPerson: the register knows nobody by the person's number.
    """

    def act(tx: Transaction) -> CaseView:
        now = ports.clock()
        registered(call.person, ports)
        subject = tx.subject_by_person(call.person)
        if subject is None:
            subject = SubjectId(fresh("sub", ports.randomness))
            tx.add_subject(subject, call.person, at=now)
        case = tx.claim_case(_sha256(claimed.claim), subject, at=now)
        if case is None:
            raise ClaimUnknown
        content = {
            "case": case.id,
            "collaboration": case.collaboration,
            "told": claimed.tell,
            "unit": case.told_by,
        }
        found_by = facets(services=(case.told_by,), collaboration=case.collaboration)
        tx.append(Entry("case.claimed", now, content, subject, found_by))
        tx.add_notice(subject, Notice("case_claimed", now, case.told_by))
        if claimed.tell:
            event = Event(
                id=0,
                type="case.claimed",
                at=now,
                subject=None,
                case=case.id,
                collaboration=case.collaboration,
            )
            tx.add_event(case.told_by, event)
        return _view(case)

    return once(act, answers=CaseView, call=call, ports=ports)


def _member(collaboration: str, unit: UnitId, ports: Ports) -> Collaboration:
    now = ports.clock()
    agreed = ports.catalogue.collaborations.get(collaboration)
    if agreed is None or not agreed.in_force(now):
        raise CollaborationUnknown
    if unit not in agreed.members_at(now):
        raise NotOfTheCollaboration
    if PURPOSE not in agreed.purposes:
        raise NotAnonymousHere
    return agreed


def _check_words(told: AnonymousCase, words: Vocabulary) -> None:
    unknown = {told.age_band} - words.age_bands.keys()
    unknown |= set(told.topics) - words.topics.keys()
    unknown |= set(told.needs_help_with) - words.needs.keys()
    if unknown:
        raise WordUnknown(named(unknown))


def _check_place(municipality: str, unit: Unit, catalogue: Catalogue) -> None:
    county = unit.place.county
    near = {u.place.municipality for u in catalogue.units.values() if u.place.county == county}
    if municipality not in near:
        raise PlaceUnknown


def _view(case: Case) -> CaseView:
    return CaseView(
        id=case.id,
        collaboration=case.collaboration,
        told_by=case.told_by,
        age_band=case.age_band,
        gender=case.gender,
        municipality=case.municipality,
        topics=case.topics,
        needs_help_with=case.needs,
    )


def _claim(case: CaseId, ports: Ports) -> str:
    """The case's code, in groups that can be read aloud."""
    made = hmac.digest(ports.secrets.person_mac, b"anonymous-case\0" + case.encode(), "sha256")
    text = base64.b32encode(made).decode()[:20]
    return "-".join(text[n : n + 4] for n in range(0, 20, 4))


def _sha256(claim: str) -> bytes:
    return hashlib.sha256(claim.encode()).digest()
