"""Helped: what a trusted helper is shown. Each look is a log entry before it is answered, and the subject is told once a day.

A helper sees part of what the subject sees (``broker.domain.helping.Sight``), no value, and changes nothing.
"""

from datetime import datetime
from typing import Literal

from audit.entries import Entry
from broker.domain.consents import Consent
from broker.domain.helping import Helper, Sight
from broker.domain.ids import ConsentId, HelperId, PersonKey
from broker.errors import HelperNotShown, HelperReadsOnly
from broker.ports import Ports, Transaction
from broker.stored import Disclosure, Notice
from broker.usecases.call import attempt
from broker.usecases.helping import PAGE, alone, reading
from broker.usecases.people import OSLO
from broker.usecases.views import for_helper
from tillit.wire import (
    ConsentView,
    HelpedConsents,
    HelpedDisclosure,
    HelpedDisclosures,
    HelpedField,
)

CHUNKS = 10
"""So many pages of a hundred are looked through for one page of what is shown."""

Shelf = Literal["consents", "disclosures"]


def consents(identity: HelperId, *, person: PersonKey, ports: Ports) -> HelpedConsents:
    """The subject's consents, newest first, each with the lines that the helper may see; those without any are left out.

    Raises:
        UnknownHelper: the person helps nobody by that id.
        HelperNotShown: the subject does not show consents.
    """

    def look() -> HelpedConsents:
        now = ports.clock()
        with ports.store.write() as tx:
            helper = _looked(tx, identity, "consents", person=person, now=now)
            sight = _sight(tx, helper, now=now, ports=ports)
            found = sorted(
                tx.consents_of(helper.subject), key=lambda c: (c.requested_at, c.id), reverse=True
            )
            views = (_seen(c, sight, ports) for c in found)
            return HelpedConsents(consents=tuple(view for view in views if view is not None))

    return attempt(look)


def disclosures(
    identity: HelperId, *, person: PersonKey, before: str | None, limit: int, ports: Ports
) -> HelpedDisclosures:
    """A page of what was asked about the subject, newest first, with the fields that the helper may see.

    Raises:
        UnknownHelper: the person helps nobody by that id.
        HelperNotShown: the subject does not show what was shared.
    """
    size = min(limit, PAGE)

    def look() -> HelpedDisclosures:
        now = ports.clock()
        with ports.store.write() as tx:
            helper = _looked(tx, identity, "disclosures", person=person, now=now)
            sight = _sight(tx, helper, now=now, ports=ports)
            return _page(tx, helper, sight, before=before, size=size, now=now, ports=ports)

    return attempt(look)


def look_only(identity: ConsentId, *, person: PersonKey, ports: Ports) -> None:
    """The same of a consent by its id, for whoever opened what only its subject or a guardian may answer.

    Raises:
        HelperReadsOnly: the person helps its subject, and is shown it.
    """
    with ports.store.read() as tx:
        if found := tx.consent(identity):
            refuse(tx, found, person, ports=ports)


def refuse(tx: Transaction, consent: Consent, person: PersonKey, *, ports: Ports) -> None:
    """Say to a helper who would change a consent that they only read; nothing to anybody who is not shown it.

    Raises:
        HelperReadsOnly: the person helps its subject, and is shown it.
    """
    now = ports.clock()
    for helper in tx.helped_by(person, limit=PAGE):
        if (
            helper.subject == consent.subject
            and consent.about is None
            and helper.standing(now) == "helping"
            and "consents" in helper.shows
        ):
            sight = _sight(tx, helper, now=now, ports=ports)
            if _seen(consent, sight, ports) is not None:
                raise HelperReadsOnly


def _looked(
    tx: Transaction, identity: HelperId, what: Shelf, *, person: PersonKey, now: datetime
) -> Helper:
    """The helper, once the look is written down and the subject told, with this transaction."""
    helper = reading(tx, identity, person, now=now)
    if what not in helper.shows:
        raise HelperNotShown
    content = {"helper": helper.id, "looked_at": what}
    tx.append(Entry("helper.looked", now, content, helper.subject))
    day = now.astimezone(OSLO).date().isoformat()
    if tx.tell_once(helper.subject, f"helper_looked.{helper.id}.{day}"):
        tx.add_notice(helper.subject, Notice("helper_looked", now, None, helper=helper.id))
    return helper


def _sight(tx: Transaction, helper: Helper, *, now: datetime, ports: Ports) -> Sight:
    return Sight(
        alone=alone(tx, helper.subject, now=now, ports=ports),
        special="special" in helper.shows,
        hidden=frozenset(tx.hidden(helper.subject)),
    )


def _seen(consent: Consent, sight: Sight, ports: Ports) -> ConsentView | None:
    """The consent with the lines that may be seen; None where there are none, or whoever asked may not be seen."""
    lines = [grant for grant in consent.grants if sight.line(grant, ports.catalogue)]
    if not lines or not sight.units([consent.requested_by], ports.catalogue):
        return None
    return for_helper(consent, lines, ports)


def _page(
    tx: Transaction,
    helper: Helper,
    sight: Sight,
    *,
    before: str | None,
    size: int,
    now: datetime,
    ports: Ports,
) -> HelpedDisclosures:
    shown: list[HelpedDisclosure] = []
    for _ in range(CHUNKS):
        found = tx.disclosures_about(helper.subject, before=before, limit=PAGE, at=now)
        for disclosure in found:
            view = _disclosure(disclosure, sight, ports)
            if view is not None:
                shown.append(view)
                if len(shown) == size:
                    return HelpedDisclosures(disclosures=tuple(shown), next=view.id)
        if len(found) < PAGE:
            return HelpedDisclosures(disclosures=tuple(shown), next=None)
        before = found[-1].id
    return HelpedDisclosures(disclosures=tuple(shown), next=before)


def _disclosure(disclosure: Disclosure, sight: Sight, ports: Ports) -> HelpedDisclosure | None:
    manifest, catalogue = disclosure.manifest, ports.catalogue
    if not (
        sight.units([disclosure.recipient], catalogue)
        and sight.purpose(manifest.purpose, catalogue)
    ):
        return None
    fields = {}
    for name in disclosure.decision.fields:
        source = manifest.fields[name].source if name in manifest.fields else None
        if sight.field(name, catalogue) and (source is None or sight.units([source], catalogue)):
            fields[name] = HelpedField(shared=source is not None, source=source)
    if not fields:
        return None
    return HelpedDisclosure(
        id=disclosure.id,
        at=disclosure.at,
        recipient=disclosure.recipient,
        purpose=manifest.purpose,
        collaboration=manifest.collaboration,
        fields=fields,
    )
