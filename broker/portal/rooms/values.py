"""What they hold: everything that is written about me, by whom and how they know it; and what I say in my own words.

Each look is a reading of one's own, logged like any disclosure; the values are opened in memory for this one page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from broker.errors import NotASubject
from broker.portal.codes import in_words
from broker.portal.forms import Form
from broker.portal.mistakes import N_
from broker.portal.pages import Answer, Onward, Pages, Visit, shown
from broker.portal.telling import named
from broker.usecases import own_reading, own_words
from broker.usecases.call import PersonCall
from tillit.opening import OpenedValue
from tillit.own import OwnReading
from tillit.wire import SUBJECT, OwnWords
from tillit.wire.own import MAX_WORDS

pages = Pages()

BASES: Mapping[str, str] = {
    "measured": N_("counted or measured"),
    "stated_by_subject": N_("you said it yourself"),
    "professional_assessment": N_("somebody's assessment at work"),
    "diagnosis_by_clinician": N_("a diagnosis by a clinician"),
    "derived": N_("worked out from something else"),
}


@dataclass(frozen=True, slots=True)
class Held:
    """One value: what it says, who wrote it down, when it was so and how they know."""

    says: Sequence[str]
    source: str
    at: str
    basis: str


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


@pages.get("/values", "fresh")
def values(visit: Visit) -> Answer:
    """Everything, by kind."""
    reading = _read(visit)
    return shown(
        "values.html",
        shelves=[] if reading is None else _shelves(reading, visit),
        unproven=0 if reading is None else len(reading.unproven),
        withheld=[] if reading is None else [named("field", n, visit) for n in reading.withheld],
        own=_own(reading, visit),
    )


@pages.post("/values/words", "fresh", takes=WordsForm)
def write(visit: Visit) -> Answer:
    """Say something in my own words; it replaces what I said there before."""
    form: WordsForm = visit.form
    text = form.text.replace("\r\n", "\n")
    own_words.write(OwnWords(field=form.field, text=text), call=visit.call, ports=visit.ports)
    return Onward("/values")


def _read(visit: Visit) -> OwnReading | None:
    call = PersonCall(visit.person, "", visit.form_sha256, visit.language)
    try:
        return own_reading.read(None, call=call, ports=visit.ports)
    except NotASubject:
        return None


def _shelves(reading: OwnReading, visit: Visit) -> list[Shelf]:
    found: dict[str, list[HeldField]] = {}
    for name, opened in reading.values.items():
        category = visit.ports.catalogue.fields[name].category
        if category != "voice":
            values = [_held(name, one, visit) for one in opened]
            field = HeldField(named("field", name, visit), values)
            found.setdefault(category, []).append(field)
    return [Shelf(named("category", kind, visit), fields) for kind, fields in found.items()]


def _held(name: str, one: OpenedValue, visit: Visit) -> Held:
    source = visit.words("you") if one.source == SUBJECT else named("unit", one.source, visit)
    return Held(
        says=list(plain(name, one.value, visit)),
        source=source,
        at=visit.words.day(one.observed_at),
        basis=visit.words(BASES[one.basis]),
    )


def _own(reading: OwnReading | None, visit: Visit) -> list[Own]:
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
    return in_words(value, visit.ports.catalogue.fields[name].json_schema, visit.words)
