"""Facets: what an entry is found by says whom no one is."""

from typing import Any

import pytest

from audit.errors import EntryInvalid
from audit.facets import KINDS, MAX_WORD_CHARS, MAX_WORDS, packed, unpacked
from broker.domain.catalogue import Catalogue
from broker.domain.decisions import Decision
from broker.domain.facets import facets, of_decision, of_manifest
from broker.engine.bundle import load
from tests.consenting import NOW
from tillit.wire import Actor, Ask, Manifest

CATALOGUE: Catalogue = load().catalogue
SCHOOL, NAV, LARVIK = "thor-heyerdahl-vgs", "nav-larvik", "ungdomsutvalget-larvik"
HANDLE = "hdl_" + "0" * 22


def _ask(**changes: Any) -> Ask:
    sound: dict[str, Any] = {
        "subject": HANDLE,
        "fields": ("education.grades", "health.diagnosis"),
        "purpose": "case_discussion",
        "collaboration": LARVIK,
        "actor": Actor(id="a17", role="veileder"),
    }
    return Ask(**{**sound, **changes})


def _decision(**fields: Any) -> Decision:
    answers = {
        name.replace("__", "."): {"effect": "withhold", "reasons": answer}
        if isinstance(answer[0], str)
        else {"effect": "permit", "grounds": answer}
        for name, answer in fields.items()
    }
    permits = sum(answer["effect"] == "permit" for answer in answers.values())
    some = "partly_released" if permits else "refused"
    return Decision.model_validate(
        {
            "outcome": "released" if permits == len(answers) else some,
            "fields": answers,
            "obligations": {
                "notify": "immediate",
                "erase_after": "P30D",
                "onward_sharing": False,
                "journal": True,
            },
            "stable_until": None,
            "policy": {"version": "1", "digest": "sha256:" + "0" * 64},
        }
    )


def _ground(kind: str, identity: str) -> dict[str, Any]:
    return {"kind": kind, "id": identity, "version": 0, "grant": "", "source": SCHOOL}


def test_what_is_packed_is_read_back() -> None:
    """The column says what the entry said, and an entry without facets takes no room."""
    given = {"service": (NAV, SCHOOL), "reason": ("consent.no_grant",), "ground": ("S4",)}
    assert unpacked(packed(given)) == given
    assert packed({}) is None
    assert unpacked(None) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"actor": ("a17",)},
        {"type": ("disclosure",)},
        {"service": ()},
        {"service": (NAV, NAV)},
        {"reason": tuple(f"a.{n}" for n in range(MAX_WORDS + 1))},
        {"purpose": ("x" * (MAX_WORD_CHARS + 1),)},
        {"purpose": ("",)},
        {"purpose": ("two words",)},
        {"purpose": ("æ",)},
        {"purpose": ("case_discussion\n",)},
        {"purpose": ("13867912345",)},
        {"purpose": ("x13867912345",)},
        *({"purpose": (f"{kind}_" + "A" * 22,)} for kind in ("sub", "hdl", "dis", "con")),
    ],
)
def test_what_could_be_somebodys_is_no_facet(wrong: dict[str, tuple[str, ...]]) -> None:
    """A mistake in a use case becomes a failure, never a row that leads an auditor to a person."""
    with pytest.raises(EntryInvalid):
        packed(wrong)


def test_a_decided_ask_is_found_by_both_sides_its_grounds_and_its_reasons() -> None:
    """An auditor searches by who asked whom, what for, on which ground, and why not."""
    decided = _decision(
        education__grades=[_ground("consent", "con_" + "0" * 22), _ground("emergency", "S4")],
        health__diagnosis=["consent.no_grant", "ceiling.exceeded"],
    )
    assert of_decision(_ask(), decided, recipient=NAV, catalogue=CATALOGUE) == {
        "service": (NAV, SCHOOL),
        "purpose": ("case_discussion",),
        "outcome": ("partly_released",),
        "ground": ("S4", "consent", "emergency"),
        "collaboration": (LARVIK,),
        "reason": ("ceiling.exceeded", "consent.no_grant"),
    }


def test_what_the_catalogue_does_not_know_is_no_facet() -> None:
    """A purpose, unit or agreement that nobody knows could be a name that somebody typed."""
    asked = _ask(purpose="emil_hansen", collaboration="emil-hansen", source="emil-hansen")
    decided = _decision(education__grades=[_ground("statute", "EMIL")])
    assert of_decision(asked, decided, recipient=NAV, catalogue=CATALOGUE) == {
        "service": (NAV, SCHOOL),
        "outcome": ("released",),
        "ground": ("statute",),
    }


def test_what_happens_to_a_disclosure_is_found_as_it_was() -> None:
    """Its erasure, and a release that was stopped, under the same words."""
    manifest = Manifest(
        v=1,
        disclosure="dis_" + "0" * 22,
        recipient=NAV,
        subject=HANDLE,
        purpose="case_discussion",
        collaboration=LARVIK,
        meeting=None,
        fields={},
        consents=(),
        policy=_decision(education__grades=["consent.no_grant"]).policy,
        obligations=_decision(education__grades=["consent.no_grant"]).obligations,
        issued_at=NOW,
        expires_at=NOW,
    )
    assert of_manifest(manifest, CATALOGUE, reasons=("broker.custodian_down",)) == {
        "service": (NAV,),
        "purpose": ("case_discussion",),
        "collaboration": (LARVIK,),
        "reason": ("broker.custodian_down",),
    }
    unknown = manifest.model_copy(update={"purpose": "emil", "collaboration": None})
    assert of_manifest(unknown, CATALOGUE) == {"service": (NAV,)}


def test_absent_values_leave_no_trace() -> None:
    """None and the empty string are how a use case says that there is none."""
    assert facets(services=(None, "", NAV, NAV), collaboration=None, outcome="") == {
        "service": (NAV,)
    }


def test_every_word_of_the_catalogue_fits() -> None:
    """Whatever a bundle may name can be searched by."""
    shelves: dict[str, Any] = {
        "service": CATALOGUE.units,
        "purpose": CATALOGUE.purposes,
        "collaboration": CATALOGUE.collaborations,
        "reason": CATALOGUE.reasons,
        "ground": CATALOGUE.statutes,
        "outcome": ("released", "partly_released", "refused"),
    }
    assert tuple(sorted(shelves)) == tuple(sorted(KINDS))
    for kind, words in shelves.items():
        assert unpacked(packed({kind: tuple(words)})) == {kind: tuple(words)}
