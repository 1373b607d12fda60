"""Every text reads well aloud to a fifteen-year-old: measured as LIX, over what is written and what is put together.

LIX = words per sentence + 100 x words of more than six letters / words. Under 30 is children's books, under 40 is fiction.
"""

import json
import re
from collections.abc import Iterator, Sequence

import pytest

from broker.domain.catalogue import Catalogue
from broker.domain.decisions import Decision
from broker.domain.explaining import NOT_REVIEWED, explain
from broker.engine.bundle import Bundle
from broker.engine.regorus import RegorusEngine
from tests.policies.scenario import facts
from tests.policies.tables import cases, collaborations
from tillit.wire import FieldExplanation, Ground, Language

AVERAGE = 35
MOST = 45
_WORD = re.compile(r"\w+(?:-\w+)*")
_END = re.compile(r"[.!?](?=\s+[A-ZÆØÅ]|\s*$)")
# A paragraph sign, a named act, or a run of pages: what belongs in the second sentence at the earliest.
_CITATION = re.compile(
    r"§|\b\w+lov(en|a|as|ens)\b|\b(paragraf|kapittel)\b|\d{3,}\s*-\s*\d{3,}", re.IGNORECASE
)
LANGUAGES: tuple[Language, ...] = ("nb", "nn")
NORSK = pytest.mark.parametrize("language", LANGUAGES)


def lix(text: str) -> float:
    """How hard a text is to read. A text without a full stop is one sentence."""
    words = _WORD.findall(text)
    sentences = max(1, len(_END.findall(text)))
    long = sum(len(word) > 6 for word in words)
    return len(words) / sentences + 100 * long / len(words)


def average(texts: Sequence[str]) -> float:
    """The mean over texts."""
    return sum(map(lix, texts)) / len(texts)


def first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence."""
    return _END.split(text, maxsplit=1)[0]


@pytest.fixture(scope="module")
def catalogue(bundle: Bundle) -> Catalogue:
    """The catalogue of the bundle."""
    return bundle.catalogue


def written(catalogue: Catalogue, language: Language) -> dict[str, str]:
    """What the facts say, by where it stands."""
    found = {}
    for code, reason in catalogue.reasons.items():
        found[f"{code}.labels"] = getattr(reason.labels, language)
        found[f"{code}.missing"] = getattr(reason.missing, language)
        found[f"{code}.own"] = reason.said(language, to_subject=True)
    for code, giver in catalogue.givers.items():
        found[f"{code}.labels"] = giver.said(language, to_subject=False)
        found[f"{code}.own"] = giver.said(language, to_subject=True)
    for name, purpose in catalogue.purposes.items():
        found[f"purpose {name}"] = getattr(purpose.labels, language)
    for name, statute in catalogue.statutes.items():
        found[f"statute {name}"] = getattr(statute.labels, language)
    for name, event in catalogue.events.items():
        found[f"event {name}"] = getattr(event.labels, language)
    for name, agreement in catalogue.collaborations.items():
        for number, rule in enumerate(agreement.rules):
            found[f"{name}.rules[{number}]"] = getattr(rule, language)
        found[f"{name}.responsible"] = getattr(agreement.responsible.labels, language)
    return found


@pytest.fixture(scope="module")
def explained(bundle: Bundle) -> dict[Language, dict[str, str]]:
    """Every different explanation that the tables' cases come to, and one of each statute, to both readers."""
    engine = RegorusEngine(bundle)
    catalogue = bundle.catalogue
    found: dict[Language, dict[str, str]] = {language: {} for language in LANGUAGES}
    for collaboration in collaborations():
        for case in cases(collaboration):
            asked = facts(case.facts, collaboration)
            decision = engine.decide(asked)
            for one in (decision, *_by_statute(decision, catalogue)):
                for language in LANGUAGES:
                    for to_subject in (False, True):
                        told = explain(one, asked, catalogue, language, to_subject=to_subject)
                        found[language][told.summary] = str(case)
                        for name, field in told.fields.items():
                            found[language][whole(field)] = f"{case}: {name}"
    return found


def _by_statute(decision: Decision, catalogue: Catalogue) -> Iterator[Decision]:
    """The same, as if each field were shared on a statute: what no table shows must read well too."""
    for statute in catalogue.statutes.values():
        ground = Ground(
            kind=statute.ground, id=statute.id, version=0, grant="", source="nav-larvik"
        )
        permit = {"effect": "permit", "grounds": [ground.model_dump()]}
        changed = decision.model_dump(mode="json") | {
            "outcome": "released",
            "fields": dict.fromkeys(decision.fields, permit),
        }
        yield Decision.model_validate_json(json.dumps(changed))


def whole(field: FieldExplanation) -> str:
    """Everything one field's explanation says."""
    giver = None if field.giver is None else field.giver.text
    return " ".join(part for part in (field.text, field.missing, giver) if part)


# --- written ---


@NORSK
def test_written_texts_read_easily_on_average(catalogue: Catalogue, language: Language) -> None:
    """Done when the average is at most 35; no adult should have to translate."""
    assert average(list(written(catalogue, language).values())) <= AVERAGE


@NORSK
@pytest.mark.parametrize("shelf", ["reasons", "missing", "givers", "purposes", "rules"])
def test_each_kind_of_text_reads_easily_on_average(
    catalogue: Catalogue, language: Language, shelf: str
) -> None:
    """One easy kind must not carry another."""
    texts = {
        "reasons": [
            reason.said(language, to_subject=False) for reason in catalogue.reasons.values()
        ],
        "missing": [getattr(reason.missing, language) for reason in catalogue.reasons.values()],
        "givers": [giver.said(language, to_subject=False) for giver in catalogue.givers.values()],
    }
    texts["purposes"] = [getattr(one.labels, language) for one in catalogue.purposes.values()]
    texts["rules"] = [
        getattr(rule, language)
        for agreement in catalogue.collaborations.values()
        for rule in agreement.rules
    ]
    assert average(texts[shelf]) <= AVERAGE


@NORSK
def test_no_first_sentence_cites_the_law(catalogue: Catalogue, language: Language) -> None:
    """What it means comes first; where it stands, after."""
    cited = {
        place: text
        for place, text in written(catalogue, language).items()
        if _CITATION.search(first_sentence(text))
    }
    assert cited == {}


# --- put together ---


@NORSK
def test_explanations_read_easily_on_average(
    explained: dict[Language, dict[str, str]], language: Language
) -> None:
    """The same for what the broker puts together itself."""
    assert average(list(explained[language])) <= AVERAGE


@NORSK
def test_no_single_explanation_is_hard(
    explained: dict[Language, dict[str, str]], language: Language
) -> None:
    """An average hides the one text that a youth happens to get."""
    hard = {
        f"{lix(text):.0f} {place}": text
        for text, place in explained[language].items()
        if lix(text) > MOST
    }
    assert hard == {}


@NORSK
def test_no_explanation_begins_with_a_citation(
    explained: dict[Language, dict[str, str]], language: Language
) -> None:
    """A paragraph of law in the first sentence is where a youth stops reading."""
    cited = {text for text in explained[language] if _CITATION.search(first_sentence(text))}
    assert cited == set()


def test_the_broad_set_holds_every_kind(explained: dict[Language, dict[str, str]]) -> None:
    """A measure over half of the texts would say nothing of the rest."""
    texts = "\n".join(explained["nb"])
    for words in ("Ungdommen sa ja", "Du sa ja", "Dette er nødhjelp", "Det er opp til deg"):
        assert words in texts
    assert NOT_REVIEWED["nb"] in texts


# --- the measure itself ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Det er fint.", 3.0),
        ("Det er fint. Vi er her.", 3.0),
        ("Hei", 1.0),
        ("Dette er vanskeligere.", 3 + 100 / 3),
        ("Du sa ja 1. mai 2026. Det er bra.", 4.5),
    ],
)
def test_lix_counts_words_sentences_and_long_words(text: str, expected: float) -> None:
    """The bound means what it says; the dot of a date ends no sentence."""
    assert lix(text) == pytest.approx(expected)
