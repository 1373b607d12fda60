"""Lapsing: questions whose consent has changed in what they are about wait no more, and let nothing more."""

from audit.entries import Entry
from broker.domain.consent_events import ConsentEvent
from broker.domain.consents import Consent
from broker.domain.facets import facets
from broker.domain.questions import QuestionState
from broker.domain.states import State
from broker.ports import Transaction


def lapse(tx: Transaction, consent: Consent, event: ConsentEvent) -> None:
    """End what waits for an answer, and what a yes lets, on a consent that is no longer in force or on lines that changed.

    A no goes on to keep from asking.
    """
    for question in tx.questions_counting([consent.subject], at=event.at):
        changed = not set(event.grants).isdisjoint(question.lines)
        if (
            question.consent == consent.id
            and question.state is not QuestionState.NO
            and (consent.state is not State.ACTIVE or changed)
        ):
            tx.save_question(question.lapse(), was=question.version)
            content = {"consent": consent.id, "question": question.id}
            found_by = facets(
                services=(question.unit,),
                purposes=(question.purpose,),
                collaboration=question.collaboration,
            )
            tx.append(Entry("question.lapsed", event.at, content, question.subject, found_by))
