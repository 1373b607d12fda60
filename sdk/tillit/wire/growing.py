"""Growing: what a birthday changes, who answers from then on, what ends and is asked again (law.md, Ages)."""

from datetime import date

from tillit.wire.guarding import GuardedCategory
from tillit.wire.terms import ConsentId, ConsentState, GrantId, Instant, Wire


class Outgrown(Wire):
    """A consent of which lines end on a birthday, because guardians alone said yes to them.

    ``asked``: the request that puts them before the youth again, and how it stands; without one, ``asked_from`` says when it is
    made, None where it will not be: it ends before, or the services' agreement does not reach so far.
    """

    consent: ConsentId
    grants: tuple[GrantId, ...]
    asked: ConsentId | None
    asked_state: ConsentState | None
    asked_from: Instant | None


class MyBirthday(Wire):
    """A birthday that is near, or was lately. ``at``: its first moment; ``day``: the day in Norway.

    ``alone``: what the youth answers alone from then on. ``of_age``: guardians have no say in anything and see nothing.
    ``unseen``: consents that guardians saw until then, and see no more.
    """

    age: int
    at: Instant
    day: date
    passed: bool
    of_age: bool
    alone: tuple[GuardedCategory, ...]
    outgrown: tuple[Outgrown, ...]
    unseen: tuple[ConsentId, ...]


class MyGrowing(Wire):
    """The birthdays within 60 days, before or after, that change who answers."""

    birthdays: tuple[MyBirthday, ...]
