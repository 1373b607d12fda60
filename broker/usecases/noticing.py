"""Noticing: the subject chooses, for each service, to be told each time or once a day; and what is due to be told now.

How a notice travels, to an address outside the portal or not at all, is ``sending``.
"""

from collections.abc import Sequence

from audit.entries import Entry
from broker.domain.facets import facets
from broker.domain.ids import PersonKey, SubjectId, UnitId
from broker.domain.noticing import MAY_WAIT
from broker.errors import UnknownService
from broker.ports import Ports, Transaction
from broker.stored import Addressed, ChosenNotice
from broker.usecases.call import PersonCall, once
from broker.usecases.people import myself
from tillit.wire import Language, MyNoticeChoices, NoticeChoice, NoticeChoiceRequest

PAGE = 500


def choices(*, person: PersonKey, language: Language, ports: Ports) -> MyNoticeChoices:
    """What the person chose.

    Raises:
        NotASubject: the broker holds nothing about them.
    """
    with ports.store.read() as tx:
        return seen(tx, myself(tx, person), language=language, ports=ports)


def choose(said: NoticeChoiceRequest, *, call: PersonCall, ports: Ports) -> MyNoticeChoices:
    """Be told of what a service does each time, or once a day; what is so already changes nothing.

    What waits for a digest is told at once when the person no longer wants one.

    Raises:
        NotASubject: the broker holds nothing about them.
        UnknownService: no such service.
    """

    def act(tx: Transaction) -> MyNoticeChoices:
        now = ports.clock()
        subject = myself(tx, call.person)
        unit = UnitId(said.unit)
        chosen = {before.unit for before in tx.notice_choices(subject)}
        if unit not in ports.catalogue.units and unit not in chosen:
            raise UnknownService
        if _changed(tx, subject, ChosenNotice(unit, said.how, now)):
            content = {"how": said.how, "unit": unit}
            tx.append(Entry("notice.chosen", now, content, subject, facets(services=(unit,))))
        return seen(tx, subject, language=call.language, ports=ports)

    return once(act, answers=MyNoticeChoices, call=call, ports=ports)


def seen(
    tx: Transaction, subject: SubjectId, *, language: Language, ports: Ports
) -> MyNoticeChoices:
    """What a subject chose, as the subject is shown it."""
    return MyNoticeChoices(
        choices=tuple(
            NoticeChoice(
                unit=chosen.unit,
                label=ports.catalogue.text("unit", chosen.unit, language),
                how=chosen.how,
                at=chosen.at,
            )
            for chosen in tx.notice_choices(subject)
        ),
        may_wait=tuple(sorted(MAY_WAIT)),
    )


def due(*, ports: Ports, limit: int = PAGE) -> Sequence[Addressed]:
    """What is due to be told now and was not handed on yet, longest due first: each notice, and about which subject."""
    with ports.store.read() as tx:
        return tx.notices_due(at=ports.clock(), limit=min(limit, PAGE))


def _changed(tx: Transaction, subject: SubjectId, chosen: ChosenNotice) -> bool:
    if chosen.how == "at_once":
        return tx.forget_notice_choice(subject, chosen.unit, at=chosen.at)
    if any(before.unit == chosen.unit for before in tx.notice_choices(subject)):
        return False
    tx.choose_notices(subject, chosen)
    return True
