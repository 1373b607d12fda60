"""Guarding: what guardians of a youth see and have a say in, by one rule for what they are shown and what the youth is (N24).

*Not told* to a guardian: whether the broker knows the youth at all, who else said no, or anything that the youth answers alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from broker.domain.consents import Consent
from broker.domain.ids import ConsentId, PersonKey, SubjectId
from broker.domain.signatures import Needed
from broker.ports import Person, Ports, SignerQuestion, SignersNeeded, Transaction
from broker.usecases.consents import signers
from broker.usecases.people import ADULT, age, charges, registered, turns
from broker.usecases.views import for_guardian, guardians_lines
from tillit.wire import (
    Answer,
    Guarded,
    GuardedCategory,
    GuardedConsent,
    MyGuardians,
    MyWard,
    MyWards,
    Said,
)

Needing = tuple[Consent, Mapping[str, Needed]]


def my_wards(*, person: PersonKey, ports: Ports) -> MyWards:
    """Everybody under age whom the person is a guardian of: what guardians see of each, and what this one answered."""
    now = ports.clock()
    with ports.store.read() as tx:
        return MyWards(
            wards=tuple(
                _ward(tx, ward, found, guardian=person, now=now, ports=ports)
                for ward, found in charges(person, ports)
                if age(found.born, now) < ADULT
            )
        )


def my_guardians(*, person: PersonKey, ports: Ports) -> MyGuardians:
    """What the person's guardians see, and who has said what to it.

    Raises:
        UnknownPerson: the register does not know the person.
    """
    now = ports.clock()
    found = registered(person, ports)
    with ports.store.read() as tx:
        consents = _of(tx, person, now=now, ports=ports)
    return MyGuardians(
        seen=_seen(consents, found, now=now, ports=ports),
        said={c.id: _said(c, needed) for c, needed in consents},
    )


def said_of(identity: ConsentId, *, person: PersonKey, ports: Ports) -> Mapping[str, Said]:
    """Who has said what to the lines of one consent of the person's that need guardians; empty where none does.

    Raises:
        UnknownPerson: the register does not know the person.
    """
    now = ports.clock()
    with ports.store.read() as tx:
        subject, found = tx.subject_by_person(person), tx.consent(identity)
        if found is None or found.subject != subject or found.reconfirms:
            return {}
        return _said(found, signers(tx, found, now=now, ports=ports))


def torn_for(identity: ConsentId, *, person: PersonKey, ports: Ports) -> tuple[str, ...]:
    """The lines of a consent that the person said yes to as a guardian and somebody else no."""
    with ports.store.read() as tx:
        found = tx.consent(identity)
        return () if found is None else _torn(found, person)


def guarded(tx: Transaction, subject: SubjectId, *, now: datetime, ports: Ports) -> list[Needing]:
    """A youth's consents with a line that needs guardians today, and who must sign each; none once they sign alone.

    A re-confirmation is the youth's alone to answer, also before the birthday.
    """
    found = [c for c in tx.consents_of(subject) if not c.reconfirms]
    needing = [(c, signers(tx, c, now=now, ports=ports)) for c in found]
    return [(c, needed) for c, needed in needing if guardians_lines(c, needed)]


def ages(
    person: Person,
    categories: Iterable[str],
    *,
    consent: Consent | None = None,
    now: datetime,
    ports: Ports,
) -> tuple[GuardedCategory, ...]:
    """Who answers for each category today, and from which age the youth does: by the rules, or a consent's agreement's."""
    names, years = tuple(sorted(set(categories))), age(person.born, now)
    agreed = "" if consent is None or consent.collaboration is None else consent.collaboration
    known = ports.catalogue.age_thresholds(collaboration=agreed)
    asked = sorted({*(n for n in known if n < ADULT), ADULT, years})
    by_age = {
        n: _needed(person, names, n, agreed=agreed, consent=consent, ports=ports) for n in asked
    }
    return tuple(_category(name, person, by_age, years=years, ports=ports) for name in names)


def _category(
    name: str,
    person: Person,
    by_age: Mapping[int, Mapping[str, SignersNeeded]],
    *,
    years: int,
    ports: Ports,
) -> GuardedCategory:
    from_age = next(n for n, needed in by_age.items() if needed[name].guardians == 0)
    rule = ports.catalogue.ages.categories.get(name)
    return GuardedCategory(
        category=name,
        guardians=by_age[years][name].guardians,
        from_age=from_age,
        at=turns(person.born, from_age) if from_age > years else None,
        law=rule.source if rule is not None and rule.age == from_age else "",
    )


def _needed(
    person: Person,
    categories: tuple[str, ...],
    years: int,
    *,
    agreed: str,
    consent: Consent | None,
    ports: Ports,
) -> Mapping[str, SignersNeeded]:
    question = SignerQuestion(
        age=years,
        guardians=len(person.guardians) if years < ADULT else 0,
        guardians_rule="all" if consent is None else consent.guardians_rule,
        categories=categories,
        collaboration=agreed,
    )
    return ports.engine.signers(question)


def _ward(
    tx: Transaction,
    ward: PersonKey,
    person: Person,
    *,
    guardian: PersonKey,
    now: datetime,
    ports: Ports,
) -> MyWard:
    consents = _of(tx, ward, now=now, ports=ports)
    mine = {c.id: _answers_of(c, guardian) for c, _ in consents}
    return MyWard(
        seen=_seen(consents, person, now=now, ports=ports),
        mine={identity: said for identity, said in mine.items() if said},
        torn={c.id: lines for c, _ in consents if (lines := _torn(c, guardian))},
    )


def _of(tx: Transaction, youth: PersonKey, *, now: datetime, ports: Ports) -> list[Needing]:
    """Of a youth whom the broker may not know; the newest first."""
    subject = tx.subject_by_person(youth)
    found = [] if subject is None else guarded(tx, subject, now=now, ports=ports)
    return sorted(found, key=lambda each: (each[0].requested_at, each[0].id), reverse=True)


def _seen(consents: Sequence[Needing], person: Person, *, now: datetime, ports: Ports) -> Guarded:
    years = age(person.born, now)
    return Guarded(
        age=years,
        birthday=turns(person.born, years + 1),
        guardians=len(person.guardians) if years < ADULT else 0,
        categories=ages(person, ports.catalogue.categories, now=now, ports=ports),
        consents=tuple(_consent(*each, person, now=now, ports=ports) for each in consents),
    )


def _consent(
    consent: Consent, needed: Mapping[str, Needed], person: Person, *, now: datetime, ports: Ports
) -> GuardedConsent:
    lines = guardians_lines(consent, needed)
    who = {s.signer.key for s in consent.signatures if s.signer.kind == "guardian"}
    return GuardedConsent(
        consent=for_guardian(consent, needed, ports),
        categories=ages(
            person, (line.category for line in lines), consent=consent, now=now, ports=ports
        ),
        guardians=max(needed[line.category].guardians for line in lines),
        answered=len(who - {None}) or len(who),
    )


def _answers_of(consent: Consent, guardian: PersonKey) -> dict[str, Answer]:
    said: dict[str, Answer] = {}
    for signature in consent.signatures:
        if signature.signer.kind == "guardian" and signature.signer.key == guardian:
            said.update(dict.fromkeys(signature.yes, "yes"))
            said.update(dict.fromkeys(signature.no, "no"))
    return said


def _torn(consent: Consent, guardian: PersonKey) -> tuple[str, ...]:
    refused = {line for signature in consent.signatures for line in signature.no}
    said = _answers_of(consent, guardian)
    return tuple(line for line, answer in said.items() if answer == "yes" and line in refused)


def _said(consent: Consent, needed: Mapping[str, Needed]) -> dict[str, Said]:
    return {
        line.id: Said(
            guardians=needed[line.category].guardians,
            guardians_yes=_count(consent, line.id, "yes"),
            guardians_no=_count(consent, line.id, "no"),
            subject=_own(consent, line.id),
        )
        for line in guardians_lines(consent, needed)
    }


def _count(consent: Consent, line: str, said: Answer) -> int:
    """So many guardians said that; those without a key cannot be told apart and count as one."""
    keys = {
        s.signer.key
        for s in consent.signatures
        if s.signer.kind == "guardian" and line in (s.yes if said == "yes" else s.no)
    }
    return len(keys - {None}) or len(keys)


def _own(consent: Consent, line: str) -> Answer | None:
    """What the youth said last; nothing of a line that they put off."""
    for signature in reversed(consent.signatures):
        if signature.signer.kind == "subject" and line in (*signature.yes, *signature.no):
            return "yes" if line in signature.yes else "no"
    return None
