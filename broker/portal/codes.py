"""Codes: what the catalogue has as codes (values to choose from, parts of a value, roles), in words.

A code that is newer than this table stands as it is, with spaces: it is never left out, and never guessed at.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any

from broker.portal.mistakes import N_
from broker.portal.words import Words

MOST_LISTED = 40
VALUES: Mapping[str, str] = {
    "phone": N_("phone"),
    "sms": N_("text message"),
    "email": N_("e-mail"),
    "letter": N_("letter"),
    "in_person": N_("face to face"),
    "other": N_("something else"),
    "enrolled": N_("has a place at school"),
    "applied": N_("has applied"),
    "on_leave": N_("on leave"),
    "left": N_("has left"),
    "completed": N_("finished"),
    "never_enrolled": N_("has never begun"),
    "below_50": N_("less than 50 per cent"),
    "50_79": N_("50 to 79 per cent"),
    "80_94": N_("80 to 94 per cent"),
    "95_100": N_("95 to 100 per cent"),
    "school": N_("school"),
    "meeting_place": N_("meeting place"),
    "measure": N_("course or scheme"),
    "employed": N_("has a job"),
    "apprentice": N_("apprentice"),
    "work_practice": N_("work practice"),
    "job_seeking": N_("looking for a job"),
    "none": N_("nothing"),
    "submitted": N_("sent in"),
    "in_progress": N_("being dealt with"),
    "granted": N_("granted"),
    "refused": N_("turned down"),
    "appealed": N_("appealed against"),
    "waiting": N_("waiting"),
    "in_treatment": N_("in treatment"),
    "paused": N_("paused"),
    "declined": N_("declined"),
    "sent": N_("sent"),
    "accepted": N_("accepted"),
    "rejected": N_("rejected"),
    "date": N_("day"),
    "hours": N_("hours"),
    "kind": N_("kind"),
}
ROLES: Mapping[str, str] = {
    "barnekoordinator": N_("children's coordinator"),
    "barnevernvakt": N_("child welfare duty officer"),
    "behandler": N_("clinician"),
    "daglig_leder": N_("general manager"),
    "elevtjeneste": N_("pupil services"),
    "erfaringskonsulent": N_("peer worker"),
    "fadder": N_("sponsor"),
    "familieveileder": N_("family adviser"),
    "fastlege": N_("general practitioner"),
    "forebygger": N_("prevention worker"),
    "forsker": N_("researcher"),
    "fritidsleder": N_("leisure leader"),
    "frivillig": N_("volunteer"),
    "fysioterapeut": N_("physiotherapist"),
    "gjest": N_("guest"),
    "helsesykepleier": N_("school nurse"),
    "inntakskonsulent": N_("admissions officer"),
    "jobbspesialist": N_("job specialist"),
    "karriereveileder": N_("careers adviser"),
    "koordinator": N_("coordinator"),
    "kontaktperson": N_("contact person"),
    "laerer": N_("teacher"),
    "leder": N_("manager"),
    "lege": N_("doctor"),
    "los": N_("mentor"),
    "miljoterapeut": N_("social therapist"),
    "ot_radgiver": N_("follow-up adviser"),
    "politikontakt": N_("police contact"),
    "pp_radgiver": N_("educational psychology adviser"),
    "psykolog": N_("psychologist"),
    "radgiver": N_("counsellor"),
    "rektor": N_("head teacher"),
    "saksbehandler": N_("case officer"),
    "sykepleier": N_("nurse"),
    "terapeut": N_("therapist"),
    "ungdomsarbeider": N_("youth worker"),
    "ungdomskontakt": N_("youth contact"),
    "utekontakt": N_("outreach worker"),
    "uteseksjonsarbeider": N_("street outreach worker"),
    "vakthavende": N_("officer on duty"),
    "veileder": N_("adviser"),
}


def role_of(code: str, words: Words) -> str:
    """What somebody works as."""
    return _said(code, ROLES, words)


def in_words(value: Any, schema: Mapping[str, Any], words: Words) -> Iterator[str]:
    """What a value says, a line each: at most so many as a page holds.

    Whatever a source wrote, also where it is not of the field's schema: that is then shown as it stands.
    """
    match value:
        case bool():
            yield words("yes") if value else words("no")
        case int() | float():
            yield words.share(value) if schema.get("maximum") == 1 else words.number(value)
        case Mapping():
            parts = schema.get("properties", {})
            for name, part in islice(value.items(), MOST_LISTED):
                label = _said(name, VALUES, words) if name in parts else name
                yield f"{label}: {' · '.join(in_words(part, parts.get(name, {}), words))}"
        case list() | tuple():
            for part in value[:MOST_LISTED]:
                yield " · ".join(in_words(part, schema.get("items", {}), words))
        case str() if "enum" in schema:
            yield _said(value, VALUES, words)
        case str() if schema.get("format") == "date":
            yield _day(value, words)
        case _:
            yield "-" if value is None else str(value)


def _day(value: str, words: Words) -> str:
    try:
        return words.day(date.fromisoformat(value))
    except ValueError:
        return value


def _said(code: str, known: Mapping[str, str], words: Words) -> str:
    return words(known[code]) if code in known else code.replace("_", " ")
