"""Asking back: what the subject wants to know before they answer, and what the service answers, in closed words."""

from collections.abc import Mapping
from datetime import datetime

from broker.domain.consent_events import ConsentAskedBack, ConsentReplied
from broker.domain.consents import Consent, event_of
from broker.domain.errors import (
    AskedBackAlready,
    IllegalTransition,
    NothingToReply,
    SignerNotNeeded,
)
from broker.domain.remarks import Remark
from broker.domain.signatures import Recorder, Signer
from broker.domain.states import OPEN
from tillit.wire import AskBack, Language, Reply

TEXTS: Mapping[Language, Mapping[str, str]] = {
    "nb": {
        "why_needed": "Hvorfor trenger dere dette?",
        "what_if_no": "Hva skjer hvis jeg sier nei?",
        "who_sees": "Hvem hos dere får se det?",
        "contact_me": "Kan dere ta kontakt, så vi kan snakke om det først?",
        "on_paper": "Jeg vil heller svare på papir.",
        "when_we_meet": "Jeg vil heller svare når vi møtes.",
    },
    "nn": {
        "why_needed": "Kvifor treng de dette?",
        "what_if_no": "Kva skjer viss eg seier nei?",
        "who_sees": "Kven hos dykk får sjå det?",
        "contact_me": "Kan de ta kontakt, så vi kan snakke om det først?",
        "on_paper": "Eg vil heller svare på papir.",
        "when_we_meet": "Eg vil heller svare når vi møtest.",
    },
    "en": {
        "why_needed": "Why do you need this?",
        "what_if_no": "What happens if I say no?",
        "who_sees": "Who at your place will see it?",
        "contact_me": "Can you get in touch, so that we can talk about it first?",
        "on_paper": "I would rather answer on paper.",
        "when_we_meet": "I would rather answer when we meet.",
    },
}
REPLIES: Mapping[Language, Mapping[str, str]] = {
    "nb": {
        "will_contact": "Vi tar kontakt med deg.",
        "when_we_meet": "Vi tar det når vi møtes.",
        "paper_is_ready": "Papiret ligger klart til deg.",
    },
    "nn": {
        "will_contact": "Vi tek kontakt med deg.",
        "when_we_meet": "Vi tek det når vi møtest.",
        "paper_is_ready": "Papiret ligg klart til deg.",
    },
    "en": {
        "will_contact": "We will get in touch with you.",
        "when_we_meet": "We will talk about it when we meet.",
        "paper_is_ready": "The paper is ready for you.",
    },
}


def text_of(remark: Remark, language: Language) -> str:
    """What was said, in words."""
    return (TEXTS if remark.by == "subject" else REPLIES)[language][remark.said]


def asked_back(
    consent: Consent, said: AskBack, *, at: datetime, by: Signer
) -> tuple[Consent, ConsentAskedBack]:
    """The subject asks something back, each thing once. Nothing is answered by it.

    Raises:
        IllegalTransition: the consent waits for no answer.
        SignerNotNeeded: by a guardian.
        AskedBackAlready: that was asked.
    """
    _check_open(consent)
    if by.kind != "subject":
        raise SignerNotNeeded
    if any((each.by, each.said) == ("subject", said) for each in consent.remarks):
        raise AskedBackAlready
    new = consent.remark(Remark(by="subject", said=said, at=at))
    return new, event_of(new, ConsentAskedBack, by=by, said=said)


def replied(
    consent: Consent, said: Reply, *, at: datetime, recorded_by: Recorder
) -> tuple[Consent, ConsentReplied]:
    """The service answers, no more often than it was asked.

    Raises:
        IllegalTransition: the consent waits for no answer.
        NothingToReply: everything that was asked back has its answer.
    """
    _check_open(consent)
    asked = sum(1 if each.by == "subject" else -1 for each in consent.remarks)
    if asked < 1:
        raise NothingToReply
    new = consent.remark(Remark(by="service", said=said, at=at))
    return new, event_of(new, ConsentReplied, said=said, recorded_by=recorded_by)


def _check_open(consent: Consent) -> None:
    if consent.state not in OPEN:
        raise IllegalTransition(f"a consent that is {consent.state} waits for no answer")
