"""What they hold: everything that is written about me, by whom and how they know it; what I contest, and my own words.

Each look is a reading of one's own, logged like any disclosure; the values are opened in memory for this one page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from broker.domain.ids import RecordId
from broker.errors import NotASubject
from broker.portal.codes import in_words
from broker.portal.forms import Form
from broker.portal.mistakes import N_
from broker.portal.pages import Answer, Onward, Pages, Visit, shown
from broker.portal.telling import named
from broker.usecases import contests, own_reading, own_words
from broker.usecases.call import PersonCall
from tillit.opening import OpenedValue
from tillit.own import OwnReading
from tillit.wire import SUBJECT, Contest, MyContest, OwnWords
from tillit.wire.own import MAX_CONTEST, MAX_WORDS

pages = Pages()

BASES: Mapping[str, str] = {
    "measured": N_("counted or measured"),
    "stated_by_subject": N_("you said it yourself"),
    "professional_assessment": N_("somebody's assessment at work"),
    "diagnosis_by_clinician": N_("a diagnosis by a clinician"),
    "derived": N_("worked out from something else"),
}


FINDINGS: Mapping[str, str] = {
    "looking_into": N_("%(unit)s is looking into it."),
    "stands": N_("%(unit)s has looked at it, and says that it is right."),
    "corrected": N_("%(unit)s says that they have put it right."),
}
LANGUAGE = "contact.language"
_UNANSWERED = N_("%(unit)s knows that you do not agree, and has not answered yet.")


@dataclass(frozen=True, slots=True)
class Contested:
    """What the person says to a value, since when, and what the source says to that."""

    words: str
    since: str
    answer: str


@dataclass(frozen=True, slots=True)
class Held:
    """One value: what it says, who wrote it down, when it was so and how they know. ``record``: empty for one's own words."""

    says: Sequence[str]
    source: str
    at: str
    basis: str
    record: str
    contested: Contested | None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A contested value that something newer has taken the place of."""

    record: str
    label: str
    source: str
    since: str
    answer: str


@dataclass(frozen=True, slots=True)
class HeldField:
    """A field, and what each source says."""

    label: str
    values: Sequence[Held]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category of fields."""

    label: str
    fields: Sequence[HeldField]


@dataclass(frozen=True, slots=True)
class Own:
    """A field that only the person writes: what it says now."""

    name: str
    label: str
    text: str
    longest: int


class WordsForm(Form):
    """Something in the person's own words."""

    field: Literal[
        "voice.story", "voice.goals", "voice.what_helps", "voice.meeting_wishes", "voice.objection"
    ]
    text: Annotated[str, Field(min_length=1, max_length=MAX_WORDS)]


class ContestForm(Form):
    """What is wrong with a value, in the person's own words."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_CONTEST)]


@pages.get("/values", "fresh")
def values(visit: Visit) -> Answer:
    """Everything, by kind."""
    reading = everything_held(visit)
    contested = contested_of(visit)
    return shown(
        "values.html",
        shelves=[] if reading is None else shelves_of(reading, contested, visit),
        earlier=earlier_of(reading, contested, visit),
        most=MAX_CONTEST,
        unproven=0 if reading is None else len(reading.unproven),
        withheld=[] if reading is None else [named("field", n, visit) for n in reading.withheld],
        own=own_of(reading, visit),
    )


@pages.post("/values/words", "fresh", takes=WordsForm)
def write(visit: Visit) -> Answer:
    """Say something in my own words; it replaces what I said there before."""
    form: WordsForm = visit.form
    text = form.text.replace("\r\n", "\n")
    own_words.write(OwnWords(field=form.field, text=text), call=visit.call, ports=visit.ports)
    return Onward("/values")


@pages.post("/values/{record}/contest", "fresh", takes=ContestForm)
def contest(visit: Visit) -> Answer:
    """Say that a value is not right. What I say goes with it from now on; said again, it replaces what I said."""
    form: ContestForm = visit.form
    said = Contest(record=visit.path["record"], text=form.text.replace("\r\n", "\n"))
    contests.contest(said, call=visit.call, ports=visit.ports)
    return Onward("/values")


@pages.post("/values/{record}/lift", "fresh", takes=Form)
def lift(visit: Visit) -> Answer:
    """Take back what I said to a value."""
    contests.lift(RecordId(visit.path["record"]), call=visit.call, ports=visit.ports)
    return Onward("/values")


def everything_held(visit: Visit) -> OwnReading | None:
    """All that is written about the person, read now; None of who is no subject."""
    call = PersonCall(visit.person, "", visit.form_sha256, visit.language)
    try:
        return own_reading.read(None, call=call, ports=visit.ports)
    except NotASubject:
        return None


def contested_of(visit: Visit) -> Mapping[str, MyContest]:
    """What the person contests, by record."""
    try:
        found = contests.contests(person=visit.person, ports=visit.ports).contests
    except NotASubject:
        return {}
    return {one.record: one for one in found}


def shelves_of(
    reading: OwnReading, contested: Mapping[str, MyContest], visit: Visit
) -> list[Shelf]:
    """What is held, by kind, but the person's own words."""
    found: dict[str, list[HeldField]] = {}
    for name, opened in reading.values.items():
        category = visit.ports.catalogue.fields[name].category
        if category != "voice":
            values = [_held(name, one, contested.get(one.record), visit) for one in opened]
            field = HeldField(named("field", name, visit), values)
            found.setdefault(category, []).append(field)
    return [Shelf(named("category", kind, visit), fields) for kind, fields in found.items()]


def _held(name: str, one: OpenedValue, contest: MyContest | None, visit: Visit) -> Held:
    own = one.source == SUBJECT
    said = one.contested
    return Held(
        says=list(plain(name, one.value, visit)),
        source=visit.words("you") if own else named("unit", one.source, visit),
        at=visit.words.day(one.observed_at),
        basis=visit.words(BASES[one.basis]),
        record="" if own else one.record,
        contested=None
        if contest is None or said is None
        else Contested(said.text, visit.words.day(said.at), _answer(contest, visit)),
    )


def earlier_of(
    reading: OwnReading | None, contested: Mapping[str, MyContest], visit: Visit
) -> list[Earlier]:
    """What is contested and stands on the page no more."""
    there = (
        {one.record for values in reading.values.values() for one in values} if reading else set()
    )
    return [
        Earlier(
            record=one.record,
            label=named("field", one.field, visit),
            source=named("unit", one.source, visit),
            since=visit.words.day(one.at),
            answer=_answer(one, visit),
        )
        for one in contested.values()
        if one.record not in there
    ]


def _answer(contest: MyContest, visit: Visit) -> str:
    said = _UNANSWERED if contest.finding is None else FINDINGS[contest.finding]
    return visit.words(said, unit=named("unit", contest.source, visit))


def own_of(reading: OwnReading | None, visit: Visit) -> list[Own]:
    """What the person says themself, each field that they may write."""
    said = {} if reading is None else reading.values
    return [
        Own(
            name,
            named("field", name, visit),
            next((str(one.value) for one in said.get(name, ())), ""),
            int(field.json_schema.get("maxLength", MAX_WORDS)),
        )
        for name, field in visit.ports.catalogue.fields.items()
        if field.authored_by == SUBJECT
    ]


def plain(name: str, value: Any, visit: Visit) -> Iterator[str]:
    """What a field says in words, a line each."""
    if name == LANGUAGE and isinstance(value, str):
        yield visit.words.tongue(value)
    else:
        catalogue = visit.ports.catalogue
        yield from in_words(value, catalogue.fields[name].json_schema, visit.words, catalogue)
