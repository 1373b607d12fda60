"""What an ask is answered with says itself in plain words, to the service and to the youth."""

import pytest

from broker.domain.ids import DisclosureId
from broker.usecases import asks, disclosures, me
from broker.usecases.call import Call
from tests.house import EMIL, House
from tests.integration.test_one_disclosure import DIAGNOSIS, RATE, shared
from tillit.wire import FieldExplanation, Language

SAID_YES = {
    "nb": "Ungdommen sa ja 23. november 2026.",
    "nn": "Ungdommen sa ja 23. november 2026.",
    "en": "The youth said yes on 23 November 2026.",
}


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_check_explains_each_field_in_the_callers_language(
    house: House, language: Language
) -> None:
    """N28: may I, and if not, what is missing and who could give it."""
    shared(house)
    call = house.call("nav-larvik")
    called = Call(call.unit, call.key, call.body_sha256, language)
    ask = house.ask("nav-larvik", EMIL, RATE, DIAGNOSIS)
    answer = asks.check(ask, call=called, ports=house.ports)
    told = answer.explanation.fields
    assert told.keys() == {RATE, DIAGNOSIS}
    assert told[RATE].text.startswith(SAID_YES[language])
    no_grant = house.ports.catalogue.reasons["consent.no_grant"]
    assert told[DIAGNOSIS].missing == getattr(no_grant.missing, language)
    giver = told[DIAGNOSIS].giver
    assert giver is not None
    assert giver.code == "subject"
    assert answer.explanation.summary


def test_disclosure_is_explained_the_same_each_time_it_is_handed_out(house: House) -> None:
    """It follows from what was decided, not from what has become of it."""
    shared(house)
    first = house.disclose(house.ask("nav-larvik", EMIL, RATE, DIAGNOSIS), "nav-larvik")
    assert first.explanation.summary == "Svaret er ja til 1 av 2 ting."
    again = disclosures.again(
        DisclosureId(first.id), unit=house.call("nav-larvik").unit, language="nb", ports=house.ports
    )
    assert again.explanation == first.explanation
    assert "explanation" not in first.manifest.model_dump()


def test_the_youth_is_told_in_the_second_person(house: House) -> None:
    """Both the portal and the copy of everything speak to the one they are about."""
    shared(house)
    house.disclose(house.ask("nav-larvik", EMIL, RATE, DIAGNOSIS), "nav-larvik")
    person = house.hashed(EMIL)
    (listed,) = me.disclosures(
        person=person, before=None, limit=10, language="nb", ports=house.ports
    ).disclosures
    (copied,) = me.copy(person=person, language="nb", ports=house.ports).disclosures
    assert listed.fields == copied.fields
    given, kept = (_told(listed.fields[name].explanation) for name in (RATE, DIAGNOSIS))
    assert given.text.startswith("Du sa ja 23. november 2026.")
    assert kept.giver is not None
    assert kept.giver.text == "Det er opp til deg."


def _told(explanation: FieldExplanation | None) -> FieldExplanation:
    assert explanation is not None
    return explanation
