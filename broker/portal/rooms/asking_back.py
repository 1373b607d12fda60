"""Asking back: what a youth can ask a service before answering, how else they can answer, and what was said so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from broker.domain.asking_back import REPLIES, TEXTS, text_of
from broker.domain.remarks import Remark
from broker.portal.mistakes import N_
from broker.portal.pages import Visit
from broker.portal.telling import WAITING, named
from tillit.wire import AskBack, ConsentView

OTHERWISE: tuple[AskBack, ...] = ("on_paper", "when_we_meet")


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was said about a request: by whom, what, and when."""

    who: str
    text: str
    at: str


@dataclass(frozen=True, slots=True)
class Between:
    """What was said, and what can be asked still, each with its code: ``about`` the request, and to answer it ``otherwise``."""

    said: Sequence[Said]
    about: Sequence[tuple[str, str]]
    otherwise: Sequence[tuple[str, str]]


def replies(view: ConsentView, visit: Visit) -> Sequence[tuple[str, str]]:
    """What a service can answer now, each with its code: nothing where everything that was asked has its answer."""
    waits = sum(1 if each.by == "subject" else -1 for each in view.said_between)
    return list(REPLIES[visit.language].items()) if waits > 0 and view.state in WAITING else []


def between(view: ConsentView, visit: Visit, *, mine: str = N_("You")) -> Between:
    """What the page of a request shows of it, the subject called ``mine``; a guardian asks nothing back here."""
    words = visit.words
    asked = {each.said for each in view.said_between if each.by == "subject"}
    may = not view.as_guardian and view.state in WAITING
    agreed = visit.ports.catalogue.collaborations.get(view.collaboration or "")
    without = set() if agreed is None or "written" in agreed.consent.forms else {"on_paper"}
    left = [
        (code, TEXTS[visit.language][code])
        for code in get_args(AskBack)
        if may and code not in asked | without
    ]
    return Between(
        said=[
            Said(
                words(mine) if each.by == "subject" else named("unit", view.requested_by, visit),
                text_of(Remark(by=each.by, said=each.said, at=each.at), visit.language),
                words.time(each.at),
            )
            for each in view.said_between
        ],
        about=[(code, text) for code, text in left if code not in OTHERWISE],
        otherwise=[(code, text) for code, text in left if code in OTHERWISE],
    )
