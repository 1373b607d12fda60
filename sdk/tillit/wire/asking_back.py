"""Asking back on the wire: what the subject wants to know before they answer, and what is answered, in closed words."""

from typing import Literal

from tillit.wire.asks import Actor
from tillit.wire.terms import Instant, Wire

AskBack = Literal["why_needed", "what_if_no", "who_sees", "contact_me", "on_paper", "when_we_meet"]
"""What the subject asks the service before they answer, or how else they would rather answer."""
Reply = Literal["will_contact", "when_we_meet", "paper_is_ready"]
"""What the service answers; the rest is said by telephone or face to face."""


class AskBackRequest(Wire):
    """``POST /v1/me/consents/{id}/ask-back``: one thing, once, while the consent waits for an answer."""

    ask: AskBack


class ReplyRequest(Wire):
    """``POST /v1/consents/{id}/reply``: one answer to each thing that was asked back; ``actor`` says so for the unit."""

    reply: Reply
    actor: Actor


class SaidBetween(Wire):
    """What was asked back (``by`` the subject) or answered (``by`` the service), with its text in the consent's language."""

    by: Literal["subject", "service"]
    said: AskBack | Reply
    at: Instant
    text: str
