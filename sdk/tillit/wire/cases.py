"""Anonymous cases: told in closed words, about nobody, until the youth says it is about them (N23)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from tillit.wire.asks import Actor
from tillit.wire.terms import CaseId, CollaborationId, UnitId, Wire, distinct

MAX_TOPICS = 8

CaseWord = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*$", max_length=40)]
AgeBandId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}-[0-9]{1,2}$")]
PlaceId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*$", max_length=64)]
Claim = Annotated[str, StringConstraints(pattern=r"^[A-Z2-7]{4}(-[A-Z2-7]{4}){4}$")]
Gender = Literal["man", "woman"]
CaseWords = Annotated[tuple[CaseWord, ...], Field(max_length=MAX_TOPICS), AfterValidator(distinct)]


class AnonymousCase(Wire):
    """A case to talk about without saying who it is.

    Age band, topics and needs are words of the catalogue's ``anonymous``; there is no free text, no handle and no date.
    """

    collaboration: CollaborationId
    age_band: AgeBandId
    gender: Gender | None = None
    municipality: PlaceId
    topics: Annotated[CaseWords, Field(min_length=1)]
    needs_help_with: CaseWords = ()
    actor: Actor


class CaseTold(Wire):
    """A case that is taken in. ``claim`` is for the youth alone: with it they can say, once, that it is about them."""

    id: CaseId
    claim: Claim = Field(repr=False)


class CaseView(Wire):
    """An anonymous case as the members of its collaboration see it."""

    id: CaseId
    collaboration: CollaborationId
    told_by: UnitId
    age_band: AgeBandId
    gender: Gender | None
    municipality: PlaceId
    topics: CaseWords
    needs_help_with: CaseWords


class CasePage(Wire):
    """A page of cases; ``next`` is the cursor to pass as ``after``, absent on the last page."""

    cases: tuple[CaseView, ...]
    next: str | None


class CaseClaim(Wire):
    """The youth says that a case is about them; ``tell`` lets the service that told it know that it was, not by whom."""

    claim: Claim = Field(repr=False)
    tell: bool = False
