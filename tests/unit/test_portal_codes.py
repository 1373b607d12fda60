"""The portal's codes: no youth reads ``job_seeking`` or ``ot_radgiver`` about themself."""

from collections.abc import Iterator
from typing import Any

import pytest

from broker.engine.bundle import load
from broker.portal.codes import MOST_LISTED, in_words, role_of
from broker.portal.words import languages
from tillit.wire import Language

WORDS = languages()
CATALOGUE = load().catalogue


def choices(schema: Any) -> Iterator[str]:
    """Every value that a schema lists, and the name of every part that it has."""
    yield from schema.get("enum", ())
    for name, part in schema.get("properties", {}).items():
        yield name
        yield from choices(part)
    yield from choices(schema["items"]) if "items" in schema else ()


def test_every_code_of_the_catalogue_has_words() -> None:
    """A field or a unit that is added says here what its codes are called."""
    values = {code for field in CATALOGUE.fields.values() for code in choices(field.json_schema)}
    roles = {role for unit in CATALOGUE.units.values() for role in unit.roles}
    roles |= {role for statute in CATALOGUE.statutes.values() for role in statute.roles}
    assert (set(CATALOGUE.values), set(CATALOGUE.roles)) == (values, roles)


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_every_code_is_said_in_each_language(language: Language) -> None:
    """An English word on a Norwegian page is a word that nobody has written; a code is none at all."""
    for kind, shelf in (("value", CATALOGUE.values), ("role", CATALOGUE.roles)):
        for code in shelf:
            said = CATALOGUE.text(kind, code, language)  # type: ignore[arg-type]  # of the two kinds
            assert said.strip()
            assert "_" not in said


@pytest.mark.parametrize(
    ("value", "schema", "said"),
    [
        ("job_seeking", {"enum": ["job_seeking"]}, ["søker jobb"]),
        ("50_79", {"enum": ["50_79"]}, ["50 til 79 prosent"]),
        ("newer_code", {"enum": ["newer_code"]}, ["newer code"]),
        ("none", {"type": "string"}, ["none"]),
        (0.62, {"type": "number", "maximum": 1}, ["62\N{NO-BREAK SPACE}%"]),
        (5.5, {"type": "number"}, ["5,5"]),
        (2026, {"type": "integer"}, ["2026"]),
        (True, {"type": "boolean"}, ["ja"]),
        (None, {}, ["-"]),
        ("half", {"type": "number", "maximum": 1}, ["half"]),
        ("2026-11-03", {"format": "date"}, ["3. november 2026"]),
        ("soon", {"format": "date"}, ["soon"]),
        (["a", "b"], {"items": {"type": "string"}}, ["a", "b"]),
        ({"Norsk": "4"}, {"type": "object"}, ["Norsk: 4"]),
        (
            {"date": "2026-11-03", "kind": "school"},
            {"properties": {"date": {"format": "date"}, "kind": {"enum": ["school"]}}},
            ["dag: 3. november 2026", "type: skole"],
        ),
    ],
)
def test_a_value_is_said_in_words(value: object, schema: dict[str, Any], said: list[str]) -> None:
    """Codes, numbers and days as Bokmål has them; what is not of the schema as it stands, and never an error."""
    assert list(in_words(value, schema, WORDS["nb"], CATALOGUE)) == said


def test_a_long_list_ends() -> None:
    """A page holds only so much of what a source wrote."""
    assert len(list(in_words(["x"] * 1000, {}, WORDS["nb"], CATALOGUE))) == MOST_LISTED
    assert (
        len(list(in_words(dict.fromkeys(map(str, range(1000)), "x"), {}, WORDS["nb"], CATALOGUE)))
        == 40
    )


def test_a_role_is_said_in_words() -> None:
    """One that no table knows is still readable."""
    assert [role_of("ot_radgiver", WORDS[n], CATALOGUE) for n in ("nb", "nn")] == [
        "OT-rådgiver",
        "OT-rådgjevar",
    ]
    assert role_of("brand_new", WORDS["en"], CATALOGUE) == "brand new"
