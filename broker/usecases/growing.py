"""Growing: what a youth is shown of a birthday: who answers from then on, what ends and is asked again.

It shows what ``broker.usecases.ticking`` does on the day, from the same rules, and changes nothing. A day begins at midnight in
Oslo; whoever is born on 29 February has it on 1 March in common years (``people.turns``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.domain.consents import Consent
from broker.domain.ids import ConsentId, GrantId, PersonKey
from broker.domain.outgrowing import outgrown
from broker.domain.signatures import Needed
from broker.domain.states import State
from broker.ports import Person, Ports
from broker.usecases.consents import signers_of
from broker.usecases.guarding import ages
from broker.usecases.people import ADULT, OSLO, age, turns
from broker.usecases.ticking import AHEAD, IN_FORCE, reaches
from broker.usecases.views import guardians_lines
from tillit.wire import MyBirthday, MyGrowing, Outgrown

SHOWN = timedelta(days=60)
"""So long before and after a birthday it is shown what it changes."""
_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Then:
    """A consent, who had to sign it before a birthday, and who must from then on."""

    consent: Consent
    before: Mapping[str, Needed]
    after: Mapping[str, Needed]

    @property
    def lapsing(self) -> tuple[GrantId, ...]:
        """The lines that end on the day."""
        already = outgrown(self.consent, self.before)
        return tuple(g for g in outgrown(self.consent, self.after) if g not in already)

    @property
    def unseen(self) -> bool:
        """Whether guardians see it before, and not from then on."""
        return bool(guardians_lines(self.consent, self.before)) and not guardians_lines(
            self.consent, self.after
        )


def growing(*, person: PersonKey, ports: Ports) -> MyGrowing:
    """The birthdays within 60 days that change who answers; none for the grown, nor for whom the register does not know."""
    now, found = ports.clock(), ports.register.person(person)
    if found is None:
        return MyGrowing(birthdays=())
    years = age(found.born, now)
    near = [
        (n, turns(found.born, n))
        for n in (years, years + 1)
        if n <= ADULT and abs(turns(found.born, n) - now) <= SHOWN
    ]
    if not near:
        return MyGrowing(birthdays=())
    with ports.store.read() as tx:
        subject = tx.subject_by_person(person)
        consents = () if subject is None else tx.consents_of(subject)
        used = tx.used_grants([c.id for c in consents])
    shown = (_birthday(n, at, found, consents, used=used, now=now, ports=ports) for n, at in near)
    return MyGrowing(birthdays=tuple(one for one in shown if one is not None))


def _birthday(
    years: int,
    at: datetime,
    person: Person,
    consents: Sequence[Consent],
    *,
    used: frozenset[tuple[ConsentId, GrantId]],
    now: datetime,
    ports: Ports,
) -> MyBirthday | None:
    known = ages(person, ports.catalogue.categories, now=at, ports=ports)
    alone = tuple(one for one in known if one.from_age == years)
    then = [_then(c, person, at=at, ports=ports) for c in consents if not c.reconfirms]
    again = {c.reconfirms: c for c in consents if c.reconfirms and at - AHEAD <= c.requested_at}
    found = (
        _outgrown(one, again, used=used, at=at, now=now, ports=ports, years=years) for one in then
    )
    ending = tuple(one for one in found if one is not None)
    unseen = tuple(one.consent.id for one in then if one.unseen)
    if not (alone or ending or unseen or years == ADULT):
        return None
    return MyBirthday(
        age=years,
        at=at,
        day=at.astimezone(OSLO).date(),
        passed=now >= at,
        of_age=years == ADULT,
        alone=alone,
        outgrown=ending,
        unseen=unseen,
    )


def _then(consent: Consent, person: Person, *, at: datetime, ports: Ports) -> _Then:
    return _Then(
        consent,
        signers_of(person, consent, at=at - _BEFORE, ports=ports),
        signers_of(person, consent, at=at, ports=ports),
    )


def _outgrown(
    then: _Then,
    again: Mapping[ConsentId, Consent],
    *,
    used: frozenset[tuple[ConsentId, GrantId]],
    at: datetime,
    now: datetime,
    years: int,
    ports: Ports,
) -> Outgrown | None:
    """What ends of a consent. Once it has, its lines are a no: that is told by what was asked again, or by all having ended."""
    consent = then.consent
    asked = again.get(consent.id)
    ahead = consent.state in IN_FORCE and at < consent.valid_until
    lines = then.lapsing if ahead else ()
    if not lines and asked is None and not _lapsed(consent, at=at):
        return None
    open_ = [n for n in lines if (consent.id, n) not in used]
    will = bool(open_) and now < at - AHEAD and reaches(consent, years, at=at, ports=ports)
    return Outgrown(
        consent=consent.id,
        grants=lines,
        asked=None if asked is None else asked.id,
        asked_state=None if asked is None else asked.state.value,
        asked_from=at - AHEAD if will and asked is None else None,
    )


def _lapsed(consent: Consent, *, at: datetime) -> bool:
    return consent.state == State.LAPSED and consent.changed_at >= at
