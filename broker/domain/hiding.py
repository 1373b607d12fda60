"""Hiding: the subject keeps from every other service that one of them is involved (N19)."""

from collections.abc import Collection
from dataclasses import replace

from broker.domain.consents import Consent
from broker.domain.ids import UnitId

TELLS = "involvement"
"""The category of the fields that say who is involved; the rules know it by the same word (policies/tillit/consents)."""


def unseen(consent: Consent, hidden: Collection[str], *, by: UnitId) -> Consent:
    """The consent as others see it: without an answer where it says that a hidden service is involved.

    The hidden service itself sees its own lines as they are.
    """
    if by in hidden or not hidden:
        return consent
    lines = tuple(
        replace(line, answer=None) if line.category == TELLS and line.source in hidden else line
        for line in consent.grants
    )
    return replace(consent, grants=lines)
