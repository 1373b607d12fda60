"""Explanations: the ground or the reason of each field in plain words, to each reader, and no more than it says."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from broker.domain.catalogue import Catalogue
from broker.domain.decisions import Decision
from broker.domain.explaining import explain
from broker.domain.facts import Facts
from broker.domain.reviewing import all_reviewed, signing_reviewed, unreviewed
from broker.engine.bundle import load
from tests.policies.scenario import document
from tillit.wire import Explanation, FieldExplanation, Language

CATALOGUE = load().catalogue
FIELD = "education.grades"
SCHOOL = "thor-heyerdahl-vgs"
NAV = "nav-larvik"
LINE = f"{SCHOOL} -> {NAV}: {FIELD} for coordination"
OFF = f"{SCHOOL} -> {NAV}: {FIELD} for transition"
CONSENT = f"con_{0:022d}"
INVOCATION = f"inv_{0:022d}"
NOT_REVIEWED = "Ingen jurist har sett på denne regelen ennå."


def _facts(**changes: Any) -> Facts:
    ask = {"recipient": NAV, "purpose": "coordination", "fields": [FIELD]}
    case = {"ask": ask, "consents": [{"grants": [LINE, OFF]}], **changes}
    return Facts.model_validate(document(case))


def _ground(kind: str = "consent", **changes: Any) -> dict[str, Any]:
    consent = {"id": CONSENT, "version": 1, "grant": "g1", "source": SCHOOL}
    return {"kind": kind, **consent, **changes}


def _decision(**fields: Any) -> Decision:
    """Fields by name, dots as two underscores: a list of reasons, or of grounds."""
    answers = {
        name.replace("__", "."): {"effect": "withhold", "reasons": answer}
        if isinstance(answer[0], str)
        else {"effect": "permit", "grounds": answer}
        for name, answer in fields.items()
    }
    permits = sum(a["effect"] == "permit" for a in answers.values())
    outcome = "partly_released" if permits else "refused"
    return Decision.model_validate(
        {
            "outcome": "released" if permits == len(answers) else outcome,
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


def _told(
    answer: Any,
    facts: Facts | None = None,
    *,
    language: Language = "nb",
    to_subject: bool = False,
    catalogue: Catalogue = CATALOGUE,
) -> FieldExplanation:
    decision = _decision(education__grades=answer)
    explained = explain(decision, facts or _facts(), catalogue, language, to_subject=to_subject)
    return explained.fields[FIELD]


def _reviewed_catalogue() -> Catalogue:
    """The same, as it would be once a lawyer had signed every legal entry."""

    def signed(value: Any) -> Any:
        if isinstance(value, dict):
            kept = {k: signed(v) for k, v in value.items() if k != "reviewed"}
            return {k: "A. Jurist" if k == "reviewed_by" else v for k, v in kept.items()}
        return [signed(item) for item in value] if isinstance(value, list) else value

    dumped = signed(json.loads(CATALOGUE.model_dump_json(by_alias=True)))
    return Catalogue.model_validate(dumped)


# --- grounds ---


@pytest.mark.parametrize(
    ("language", "to_subject", "text"),
    [
        ("nb", False, "Ungdommen sa ja 1. oktober 2026. Det er linje 1 i ja-et."),
        ("nb", True, "Du sa ja 1. oktober 2026. Det er linje 1 i ja-et."),
        ("nn", False, "Ungdommen sa ja 1. oktober 2026. Det er linje 1 i ja-et."),
        ("nn", True, "Du sa ja 1. oktober 2026. Det er linje 1 i ja-et."),
        ("en", False, "The youth said yes on 1 October 2026. It is line 1 of the yes."),
        ("en", True, "You said yes on 1 October 2026. It is line 1 of the yes."),
    ],
)
def test_consent_is_told_by_who_when_and_which_line(
    language: Language, to_subject: bool, text: str
) -> None:
    """The youth finds the line in the portal, the professional in the journal."""
    told = _told([_ground()], language=language, to_subject=to_subject)
    assert told.text.startswith(text)
    assert CATALOGUE.text("unit", SCHOOL, language) in told.text
    assert (told.missing, told.giver) == (None, None)


@pytest.mark.parametrize(
    ("signed", "to_subject", "who"),
    [
        ({"subject": False, "guardians": 1}, False, "Foreldre sa ja"),
        ({"subject": False, "guardians": 2}, True, "Foreldrene dine sa ja"),
        ({"subject": True, "guardians": 1}, False, "Ungdommen og foreldre sa ja"),
        ({"subject": True, "guardians": 1}, True, "Du og foreldrene dine sa ja"),
    ],
)
def test_parents_who_said_yes_are_named_as_such(
    signed: dict[str, Any], to_subject: bool, who: str
) -> None:
    """A yes that parents gave is not the youth's own."""
    facts = _facts(consents=[{"grants": [{"line": LINE, "signed": signed}]}])
    assert _told([_ground()], facts, to_subject=to_subject).text.startswith(who)


def test_yes_of_a_family_member_stands_beside_the_youths() -> None:
    """Two people said yes, and both are told of, neither by name."""
    facts = _facts(consents=[{"grants": [LINE]}, {"grants": [LINE], "third_party": True}])
    family = _ground(id=f"con_{1:022d}")
    text = _told([_ground(), family], facts).text
    assert text.startswith("Ungdommen sa ja")
    assert "Den det handler om sa ja 1. oktober 2026." in text


def test_each_source_is_told_by_its_first_ground() -> None:
    """Another yes to the same source says nothing new; another source does."""
    other = _ground(source="ot-vestfold", grant="g2")
    text = _told([_ground(), _ground(grant="g2"), other]).text
    assert [text.count("linje 1"), text.count("linje 2")] == [1, 1]


def test_ground_that_the_facts_do_not_hold_is_told_without_who_and_when() -> None:
    """Nothing is made up."""
    told = _told([_ground(grant="g9")])
    assert told.text.startswith("Det er sagt ja til dette. Det kommer fra")


def test_statute_is_told_by_its_label_first_and_its_source_after() -> None:
    """What it means before where it stands; and that no lawyer has read it."""
    told = _told([_ground("statute", id="S1", version=0, grant="")])
    first = told.text.split(". ")[0]
    assert first == "Skolen sier fra til OT når noen slutter"
    assert CATALOGUE.statutes["S1"].source in told.text
    assert told.text.endswith(NOT_REVIEWED)
    assert not told.reviewed


def test_emergency_says_so_and_how_long() -> None:
    """Emergency help ends, and everyone can see when."""
    facts = _facts(invocations=[{"statute": "S4", "unit": NAV, "role": "lege"}])
    told = _told([_ground("emergency", id="S4", version=0, grant=INVOCATION)], facts)
    assert told.text.startswith("Dette er nødhjelp. Fare for liv og helse.")
    assert "Det varer til 11. november 2026." in told.text


def test_statute_that_nobody_knows_is_told_as_a_rule() -> None:
    """An old decision may rest on a statute that the bundle has no more."""
    told = _told([_ground("statute", id="S99", version=0, grant="")])
    assert f"Det er en regel som sier at dette kan deles. {NOT_REVIEWED}" == told.text
    assert not told.reviewed


def test_own_access_is_told_to_either_reader() -> None:
    """The subject reading about themself rests on no rule that needs a lawyer."""
    told = _told([_ground("own_access")], to_subject=True)
    assert (told.text, told.reviewed) == ("Du leser det som står om deg.", True)
    assert _told([_ground("own_access")]).text == "Ungdommen leser det som står om seg selv."


# --- reasons ---


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
@pytest.mark.parametrize("code", sorted(CATALOGUE.reasons))
def test_every_reason_says_what_is_missing_and_who_could_give_it(
    code: str, language: Language
) -> None:
    """N28: the reason names the missing element."""
    told = _told([code], language=language)
    assert told.text.startswith(CATALOGUE.text("reason", code, language))
    assert told.missing == getattr(CATALOGUE.reasons[code].missing, language)
    assert told.giver is not None
    assert told.giver.code == CATALOGUE.reasons[code].giver


def test_subject_is_told_in_the_second_person() -> None:
    """Nobody wants to read about themself as "the youth"."""
    staff = _told(["consent.paused"])
    youth = _told(["consent.paused"], to_subject=True)
    assert (staff.text, youth.text) == (
        "Ungdommen har satt delingen på pause.",
        "Du har satt delingen på pause.",
    )
    assert youth.giver is not None
    assert youth.giver.text == "Det er opp til deg."
    for code in CATALOGUE.reasons:
        told = _told([code], to_subject=True)
        assert "ungdom" not in f"{told.text} {told.missing} {told.giver}".lower()


def test_several_reasons_are_all_told() -> None:
    """Each hurdle once; the first says whom to turn to."""
    told = _told(["consent.expired", "consent.used_up", "data.none"])
    assert told.missing == "Det trengs et nytt ja. Noen må legge det inn først."
    assert told.giver is not None
    assert told.giver.code == "subject"


def test_what_nobody_can_change_is_not_hidden_behind_what_somebody_could() -> None:
    """Nobody is sent to ask for a yes that would not help."""
    told = _told(["consent.no_grant", "limit.hard"])
    assert told.missing == "Her hjelper det ikke med et ja."
    assert told.giver is not None
    assert told.giver.code == "nobody"


def test_reason_that_rests_on_law_says_that_no_lawyer_has_read_it() -> None:
    """And one that rests on what the youth said needs none."""
    assert _told(["limit.hard"]).text.endswith(NOT_REVIEWED)
    told = _told(["consent.none"])
    assert (told.reviewed, NOT_REVIEWED in told.text) == (True, False)


def test_code_that_nobody_knows_stands_as_it_is() -> None:
    """An old decision may hold a code that the bundle has no more."""
    told = _told(["old.code"])
    assert (told.text, told.missing, told.giver) == ("old.code", None, None)


def test_unknown_purpose_is_explained_like_any_other() -> None:
    """A gap is an answer."""
    ask = {"recipient": NAV, "purpose": "curiosity", "fields": [FIELD]}
    assert _told(["gap.purpose"], _facts(ask=ask)).giver is not None


# --- never more than the decision says ---


def test_control_purpose_learns_nothing_beside_the_reason() -> None:
    """N27: whoever decides benefits is not told what to make the youth say yes to; the youth is."""
    ask = {"recipient": NAV, "purpose": "benefits_decision", "fields": [FIELD]}
    told = _told(["consent.none"], _facts(ask=ask))
    assert (told.missing, told.giver) == (None, None)
    assert told.text == CATALOGUE.text("reason", "consent.none", "nb")
    assert _told(["consent.none"], _facts(ask=ask), to_subject=True).giver is not None


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_a_no_to_one_line_is_explained_like_no_answer(language: Language) -> None:
    """Nobody can read out of a text that somebody said no."""
    decision = _decision(education__grades=["consent.no_grant"])
    facts = [
        _facts(consents=[{"grants": [{"line": LINE, "answer": answer}, OFF]}])
        for answer in ("no", "")
    ]
    said_no, unanswered = (explain(decision, one, CATALOGUE, language) for one in facts)
    assert said_no == unanswered
    words = said_no.model_dump_json().lower()
    assert not [word for word in ("sagt nei", "sagt imot", "said no", "refus") if word in words]


def test_grants_to_others_are_in_no_text() -> None:
    """A recipient reads of its own ground's source only."""
    elsewhere = "bup-vestfold -> ot-vestfold: health for coordination"
    alone = _told([_ground()], _facts(consents=[{"grants": [LINE]}]))
    among = _told([_ground()], _facts(consents=[{"grants": [LINE, elsewhere]}]))
    assert alone == among


# --- the whole, and what is reviewed ---


@pytest.mark.parametrize(
    ("fields", "summary"),
    [
        ({"a__b": [_ground()]}, "Svaret er ja til alt det er spurt om."),
        ({"a__b": [_ground()], "a__c": ["data.none"]}, "Svaret er ja til 1 av 2 ting."),
        ({"a__b": ["data.none"]}, "Svaret er nei til alt det er spurt om."),
    ],
)
def test_summary_says_how_much(fields: dict[str, Any], summary: str) -> None:
    """One sentence before the details."""
    assert explain(_decision(**fields), _facts(), CATALOGUE, "nb").summary == summary


def test_every_month_has_its_name() -> None:
    """Dates are read aloud."""
    for month in range(1, 13):
        until = datetime(2026, month, 5, tzinfo=UTC)
        consents = [{"grants": [LINE], "valid_from": until.isoformat()}]
        text = _told([_ground()], _facts(consents=consents), language="en").text
        assert f"{until:%-d %B %Y}" in text


def test_once_a_lawyer_has_signed_nothing_says_otherwise() -> None:
    """The sentence and the mark go together."""
    signed = _reviewed_catalogue()
    assert unreviewed(signed) == ()
    assert all(all_reviewed(signed, kind) for kind in ("ages", "limits", "regimes", "statutes"))
    statute = _ground("statute", id="S1", version=0, grant="")
    for answer in ([_ground()], [statute], ["limit.hard"]):
        told = _told(answer, catalogue=signed)
        assert (told.reviewed, NOT_REVIEWED in told.text) == (True, False)


def test_consent_of_a_source_that_nobody_knows_is_not_reviewed() -> None:
    """Which confidentiality it lifted cannot be said."""
    told = _told([_ground(source="gone")], catalogue=_reviewed_catalogue())
    assert not told.reviewed


def test_every_legal_entry_that_waits_for_a_lawyer_is_named() -> None:
    """An operator can see what to ask a lawyer about."""
    waiting = unreviewed(CATALOGUE)
    assert {"ages.default", "ages.health", "limits", "regimes.fvl", "statutes.S1"} <= set(waiting)
    assert not signing_reviewed(CATALOGUE, "health")
    assert not signing_reviewed(CATALOGUE, "housing")
    assert not all_reviewed(CATALOGUE, "regimes")


def test_an_answer_of_an_older_broker_reads_as_unexplained() -> None:
    """The SDK is updated on another day than the broker."""
    assert Explanation() == Explanation.model_validate({})
    assert not FieldExplanation(text="x").reviewed
