"""Outgrowing: the lines that rest on guardians alone once the subject signs for themself."""

from collections.abc import Mapping

from broker.domain.consents import Consent
from broker.domain.ids import GrantId
from broker.domain.signatures import Needed, needed_for


def outgrown(consent: Consent, needed: Mapping[str, Needed]) -> tuple[GrantId, ...]:
    """The yes-lines that guardians signed and the subject did not, in categories that are the subject's alone.

    ``needed`` are the signatures needed at the age in question. Raises ``SignersUnknown`` where it
    names nobody for a category.
    """
    return tuple(
        grant.id
        for grant in consent.grants
        if grant.answer == "yes"
        and _alone(needed_for(grant.category, needed))
        and not consent.signed(grant.id).subject
        and consent.signed(grant.id).guardians > 0
    )


def _alone(need: Needed) -> bool:
    return need.subject and need.guardians == 0
