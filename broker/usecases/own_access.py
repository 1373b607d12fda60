"""Own access: the subject reads what is written about themself, as disclosures like any other, to a key of their own.

Decided by the same policy, logged with receipt in one transaction, released by the custodian on a warrant. Only the person
the record is about reads so: no guardian, no service. Nobody is notified, and it stands in the subject's own list.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from broker.domain.facts import AskFacts, Facts
from broker.domain.ids import DisclosureId, SubjectHandle, SubjectId, UnitId, fresh
from broker.errors import Contended, HybridKeyRequired, ReadingKeyUnusable
from broker.ports import Ports, Transaction
from broker.stored import Deposited, Disclosure
from broker.usecases.asks import enter
from broker.usecases.call import PersonCall, attempt, remember, repeated
from broker.usecases.disclosures import RecipientKey, hand_out
from broker.usecases.gathering import NO_MEETING, Gathered
from broker.usecases.people import myself, registered, subject_facts
from broker.usecases.service_keys import is_hybrid
from tillit.own import KeysUnusable, reading_key
from tillit.wire import ONESELF, OWN_ACCESS, SUBJECT, Ask, FieldName, OwnAccess, OwnValues

Newest = Mapping[FieldName, Sequence[Deposited]]


def values(asked: OwnAccess, *, call: PersonCall, ports: Ports) -> OwnValues:
    """Record and hand out what is written about the calling person, sealed to the key they sent.

    The same call again returns the same disclosures and writes nothing new.

    Raises:
        ReadingKeyUnusable: nothing can be sealed to the key, or it is not public only.
        HybridKeyRequired: the key is not of the kind that this deployment wants.
        NotASubject: the broker holds nothing about them.
        EngineDown: the policy engine cannot be asked; nothing is recorded.
        CustodianDown: recorded, but nothing could be re-addressed; the same call can be repeated.
        TooManyReleases: they read so much that they must wait.
        DisclosureGone: a repeat, and its time has run out.
        SubjectErased: the subject's key was shredded.
    """
    key = _key(asked, ports)
    recorded = attempt(lambda: _recorded(asked, key, call=call, ports=ports))
    handed = [hand_out(one, key, language=call.language, ports=ports) for one in recorded]
    return OwnValues(disclosures=tuple(handed))


def _key(asked: OwnAccess, ports: Ports) -> RecipientKey:
    try:
        kid = reading_key(asked.jwk)
    except KeysUnusable as error:
        raise ReadingKeyUnusable from error
    if ports.post_quantum and not is_hybrid(asked.jwk):
        raise HybridKeyRequired
    return RecipientKey(kid, asked.jwk)


def _recorded(
    asked: OwnAccess, key: RecipientKey, *, call: PersonCall, ports: Ports
) -> list[Disclosure]:
    """The disclosures that this call makes, or those it made before."""
    with ports.store.write() as tx:
        prior = repeated(tx, call, ports=ports) if call.key else None
        if prior is not None:
            return list(_found(tx, prior.answer.split()))
        now = ports.clock()
        subject = myself(tx, call.person)
        reading = _Reading(tx, subject, key, now=now, ports=ports)
        made = list(reading.disclosures(asked.fields))
        if call.key:
            remember(tx, call, " ".join(one.id for one in made), at=now, ports=ports)
        return made


def _found(tx: Transaction, identities: Sequence[str]) -> Iterator[Disclosure]:
    for identity in identities:
        disclosure = tx.disclosure(DisclosureId(identity))
        if disclosure is None:
            raise Contended
        yield disclosure


class _Reading:
    """One reading: a disclosure for each field's newest value, and one more for each further source."""

    def __init__(
        self,
        tx: Transaction,
        subject: SubjectId,
        key: RecipientKey,
        *,
        now: datetime,
        ports: Ports,
    ) -> None:
        self._tx, self._subject, self._key, self._now, self._ports = tx, subject, key, now, ports
        # Of this reading alone: nothing that is kept links two of them but the log's own entries.
        self._handle = SubjectHandle(fresh("hdl", ports.randomness))
        person = registered(tx.person_of(subject), ports)
        self._facts = subject_facts(person, now=now, thresholds=())

    def disclosures(self, names: Sequence[FieldName] | None) -> Iterator[Disclosure]:
        """Those of the fields asked for, or of all that is deposited."""
        asked = tuple(self._ports.catalogue.fields) if names is None else names
        held = {
            name: sorted(found, key=lambda one: (one.observed_at, one.record), reverse=True)
            for name, found in self._tx.newest(self._subject, asked).items()
        }
        asked = tuple(name for name in asked if names is not None or name in held)
        number = 0
        while asked:
            made = self._disclosure({name: held.get(name, [])[number:][:1] for name in asked})
            yield made
            number += 1
            asked = tuple(name for name in made.manifest.fields if len(held[name]) > number)

    def _disclosure(self, newest: Newest) -> Disclosure:
        facts = Facts(
            now=self._now,
            ask=AskFacts(
                recipient=SUBJECT,
                actor_role=ONESELF.role,
                purpose=OWN_ACCESS,
                collaboration="",
                meeting="",
                source="",
                fields=tuple(newest),
            ),
            subject=self._facts,
            consents=(),
            deposited={name: tuple(one.source for one in found) for name, found in newest.items()},
            meeting=NO_MEETING,
        )
        decision = self._ports.engine.decide(facts)
        return enter(
            self._tx,
            Ask(subject=self._handle, fields=tuple(newest), purpose=OWN_ACCESS, actor=ONESELF),
            Gathered(self._subject, facts, newest, ()),
            decision,
            self._key if decision.permitted() else RecipientKey(None, None),
            unit=UnitId(SUBJECT),
            ports=self._ports,
        )
