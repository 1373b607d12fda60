"""Questions: a service that waits right now for a yes or a no."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from broker.domain.ids import QuestionId
from broker.portal.forms import Form
from broker.portal.pages import Answer, Onward, Pages, Visit
from broker.portal.telling import named
from broker.usecases import questions
from tillit.wire import QuestionAnswer

pages = Pages()

MOST = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question in words. ``present``: whether it asks for the person to be there."""

    id: str
    consent: str
    unit: str
    what: str
    why: str
    until: str
    present: bool


class YesOrNo(Form):
    """The answer."""

    answer: Literal["yes", "no"]


@pages.post("/questions/{question}", "person", takes=YesOrNo)
def answer(visit: Visit) -> Answer:
    """Answer; the service that waits hears it at once."""
    said = QuestionAnswer(answer=visit.form.answer)
    identity = QuestionId(visit.path["question"])
    questions.answer(identity, said, call=visit.call, ports=visit.ports)
    return Onward("/")


def waiting(visit: Visit) -> Iterator[Waiting]:
    """The questions that are open now."""
    found = questions.questions(person=visit.person, limit=MOST, ports=visit.ports).questions
    for one in found:
        if one.state == "open":
            yield Waiting(
                id=one.id,
                consent=one.consent,
                unit=named("unit", one.unit, visit),
                what=" · ".join(named("field", name, visit) for name in one.fields),
                why=named("purpose", one.purpose, visit),
                until=visit.words.time(one.closes),
                present=one.also == "only_when_present",
            )
