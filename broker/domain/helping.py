"""Helping: a trusted helper of the subject's own choosing, who reads what the subject shows and changes nothing (N21)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from broker.domain.catalogue import Catalogue
from broker.domain.grants import Grant
from broker.domain.ids import HelperId, PersonKey, SubjectId
from broker.domain.lifetime import MAX_LIFETIME

CODE_LASTS = timedelta(hours=24)
MOST_TRIES = 5
LASTS = MAX_LIFETIME
"""No helper reads longer than any consent may last; the subject may ask the same one again."""

Shown = Literal["consents", "disclosures", "special"]
By = Literal["subject", "helper"]
Standing = Literal["invited", "helping", "over"]

# Services of whom it alone tells something of a special category that they know somebody: health, child welfare, justice.
_TELLING_REGIMES = frozenset({"bvl", "hpl", "krim"})
_TELLING_PURPOSES = frozenset({"health_follow_up"})
_PLAIN = frozenset({"ordinary", "confidential"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A helper from the invitation on. ``person`` is who took it, None until somebody has.

    ``shows``: what the subject chose to show, ``special`` of it also what tells of special categories.
    """

    id: HelperId
    subject: SubjectId
    version: int
    shows: frozenset[Shown]
    invited_at: datetime
    code_until: datetime
    person: PersonKey | None = None
    accepted_at: datetime | None = None
    until: datetime | None = None
    ended_at: datetime | None = None
    ended_by: By | None = None

    def standing(self, now: datetime) -> Standing:
        """Whether the invitation waits, the helper reads, or it is over: ended, or by its time."""
        last = self.code_until if self.until is None else self.until
        if self.ended_at is not None or now >= last:
            return "over"
        return "invited" if self.person is None else "helping"

    def accept(self, person: PersonKey, *, at: datetime) -> "Helper":
        """The invitation taken by somebody. *Not checked*: the code, and that it is not the subject.

        Raises:
            ValueError: it does not wait; the caller has looked.
        """
        if self.standing(at) != "invited":
            raise ValueError("an invitation is taken once, in its time")
        return replace(
            self, version=self.version + 1, person=person, accepted_at=at, until=at + LASTS
        )

    def end(self, by: By, *, at: datetime) -> "Helper":
        """Over at once, by the subject or by the helper.

        Raises:
            ValueError: it ended before; the caller has looked.
        """
        if self.ended_at is not None:
            raise ValueError("what has ended does not end again")
        return replace(self, version=self.version + 1, ended_at=at, ended_by=by)


@dataclass(frozen=True, slots=True)
class Sight:
    """What of the subject's a helper may see at all: never a value, and no guardian's business.

    ``alone`` are the categories that the subject answers for alone today. Without ``special`` nothing that tells of
    health, substances, child welfare or justice is seen: not the fields, nor the services that know of such things, nor a
    service that the catalogue does not know. ``hidden`` services are seen by nobody else.
    """

    alone: frozenset[str]
    special: bool
    hidden: frozenset[str]

    def category(self, name: str, catalogue: Catalogue) -> bool:
        """Whether what is said of a category may be seen."""
        known = catalogue.categories.get(name)
        return known is not None and name in self.alone and (self.special or not known.special)

    def field(self, name: str, catalogue: Catalogue) -> bool:
        """Whether it may be seen that a field was asked for or shared."""
        known = catalogue.fields.get(name)
        return (
            known is not None
            and self.category(known.category, catalogue)
            and (self.special or known.sensitivity in _PLAIN)
        )

    def units(self, names: Iterable[str], catalogue: Catalogue) -> bool:
        """Whether all of these services may be seen."""
        return all(name not in self.hidden and self._quiet(name, catalogue) for name in names)

    def purpose(self, name: str, catalogue: Catalogue) -> bool:
        """Whether it may be seen that something was asked for this purpose."""
        known = catalogue.purposes.get(name)
        if known is None:
            return False
        return self.special or (known.basis == "consent" and name not in _TELLING_PURPOSES)

    def line(self, grant: Grant, catalogue: Catalogue) -> bool:
        """Whether a line of a consent may be seen: all of it, or not at all."""
        return (
            self.category(grant.category, catalogue)
            and (self.special or not grant.special)
            and all(self.field(name, catalogue) for name in (*grant.fields, *grant.covers))
            and self.units((grant.source, grant.recipient), catalogue)
            and self.purpose(grant.purpose, catalogue)
        )

    def _quiet(self, name: str, catalogue: Catalogue) -> bool:
        known = catalogue.units.get(name)
        if known is None:
            return False
        health = catalogue.service_types[known.type].health
        return self.special or not (health or known.regime in _TELLING_REGIMES)
