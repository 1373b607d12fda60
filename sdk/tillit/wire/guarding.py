"""Guarding: what the guardians of a youth have a say in and see, as they are shown it and as the youth is (N24)."""

from pydantic import Field

from tillit.wire.consents import Answer, ConsentView
from tillit.wire.terms import CategoryId, ConsentId, GrantId, Instant, Wire


class GuardedCategory(Wire):
    """Who answers for a category today: so many ``guardians``, or (0) the youth alone.

    ``from_age``: from which age the youth does; ``at``: when that will be, None where it has been. ``law``: where that age is
    written; empty where the services' agreement or whoever runs the broker has set it.
    """

    category: CategoryId
    guardians: int
    from_age: int
    at: Instant | None
    law: str


class GuardedConsent(Wire):
    """A consent with the lines that guardians see: so many of them must say yes, and so many have answered.

    ``categories``: of those lines, by the rules of this consent.
    """

    consent: ConsentView
    categories: tuple[GuardedCategory, ...]
    guardians: int
    answered: int


class Guarded(Wire):
    """All that guardians of one youth see. ``guardians``: so many the register names; 0 from coming of age."""

    age: int
    birthday: Instant
    guardians: int
    categories: tuple[GuardedCategory, ...]
    consents: tuple[GuardedConsent, ...]


Answered = dict[ConsentId, dict[GrantId, Answer]]


class MyWard(Wire):
    """One youth whom the person is a guardian of: what every guardian sees, and what this one answered, by the line.

    ``torn``: the lines that this one said yes to and somebody else no; who is not told.
    """

    seen: Guarded
    mine: Answered
    torn: dict[ConsentId, tuple[GrantId, ...]]


class MyWards(Wire):
    """Everybody whom the person is a guardian of. Whether the broker knows them is not told by their being here."""

    wards: tuple[MyWard, ...]


class Said(Wire):
    """Who has answered one line: so many guardians yes and no, of so many who must, and the youth."""

    guardians: int
    guardians_yes: int
    guardians_no: int
    subject: Answer | None


class MyGuardians(Wire):
    """What the person's guardians see, from the same rule as they are shown it; and who has said what, for the person alone."""

    seen: Guarded
    said: dict[ConsentId, dict[GrantId, Said]] = Field(default_factory=dict)
