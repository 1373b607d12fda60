"""What comes of one's own reading is checked before it is opened; and previews show real values."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from broker.domain.ids import UnitId
from broker.usecases import me, own_reading, trust
from tests.house import EMIL, House, build
from tests.integration.test_one_disclosure import CAPACITY, DIAGNOSIS, RATE, shared, withdraw
from tests.integration.test_own_access import BAND, SITUATION, post
from tillit.errors import ManifestMismatch, ReceiptInvalid, SealBroken
from tillit.keys import ServiceKey
from tillit.own import OwnReading, open_own_values
from tillit.own import own_access as asking
from tillit.wire import SUBJECT, Answers, DisclosureAnswer, OwnValues, Preview

PHONE = "contact.phone"
KEY = ServiceKey.generate(SUBJECT)
Change = Callable[[tuple[DisclosureAnswer, ...]], tuple[DisclosureAnswer, ...]]


@pytest.fixture
def own(tmp_path: Path) -> House:
    """A house in which two services have written about Emil, one of them about his family too."""
    house = build(tmp_path)
    house.deposit("thor-heyerdahl-vgs", EMIL, {PHONE: "1", RATE: 0.62})
    house.deposit("larvikshjelpa", EMIL, {PHONE: "2", SITUATION: "om mor"})
    return house


def opened(
    house: House, answer: OwnValues, *fields: str, key: ServiceKey = KEY, **more: Any
) -> OwnReading:
    """Open an answer as a program of the youth's own would."""
    given: Mapping[str, Any] = {
        "source_keys": {unit: trust.service_jwks(UnitId(unit), house.ports) for unit in house.keys},
        "broker_keys": trust.keys(house.ports),
        "now": house.clock.at,
    }
    return open_own_values(answer, key=key, asked=asking(key, fields or None), **{**given, **more})


@pytest.mark.parametrize("fields", [(), (PHONE, SITUATION, "work.cv")], ids=["all", "named"])
def test_an_answer_opens_with_the_key_it_was_asked_with(
    own: House, fields: tuple[str, ...]
) -> None:
    """Without the portal, too: the wire says all that it takes."""
    reading = opened(own, post(own, KEY, *fields), *fields)
    assert {one.value for one in reading.values[PHONE]} == {"1", "2"}
    assert set(reading.withheld) == {SITUATION, *fields} - {PHONE}
    assert "value=" not in repr(reading)


def test_another_key_opens_nothing(own: House) -> None:
    """Whoever else gets hold of the answer has nothing."""
    with pytest.raises(SealBroken):
        opened(own, post(own, KEY), key=ServiceKey.generate(SUBJECT))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda _: (), ManifestMismatch),
        (lambda all_of: all_of[1:], ReceiptInvalid),
        (lambda all_of: (all_of[0], all_of[0]), ManifestMismatch),
        (lambda all_of: (*all_of, all_of[1]), ManifestMismatch),
        (lambda all_of: (all_of[1], all_of[0]), ReceiptInvalid),
        (lambda all_of: (_without(all_of[0], RATE), all_of[1]), ReceiptInvalid),
        (lambda all_of: (_expiring(all_of[0]), all_of[1]), ManifestMismatch),
    ],
    ids=["nothing", "first gone", "twice", "second twice", "turned", "field gone", "altered"],
)
def test_an_answer_that_does_not_say_what_was_asked_is_not_opened(
    own: House, change: Change, error: type[Exception]
) -> None:
    """Nothing is opened of what was cut, repeated or put together anew on the way."""
    fields = (PHONE, RATE)
    answer = post(own, KEY, *fields)
    spoilt = answer.model_copy(update={"disclosures": change(answer.disclosures)})
    with pytest.raises(error):
        opened(own, spoilt, *fields)


def test_two_readings_are_not_one(own: House) -> None:
    """The disclosures of one answer are about one subject, as the broker says under its signature."""
    first, second = post(own, KEY, PHONE), post(own, KEY, PHONE)
    mixed = OwnValues(disclosures=(first.disclosures[0], second.disclosures[1]))
    with pytest.raises(ManifestMismatch):
        opened(own, mixed, PHONE)


def test_another_brokers_receipt_is_none(own: House) -> None:
    """What another broker signs is not this one's word."""
    other = trust.keys(own.ports).model_copy(update={"issuer": "https://elsewhere.test"})
    with pytest.raises(ReceiptInvalid):
        opened(own, post(own, KEY), broker_keys=other)


def test_what_is_over_is_not_opened(own: House) -> None:
    """An answer that somebody kept is good for a day; where no time is given that is not looked at."""
    answer, later = post(own, KEY), own.clock.at
    own.clock.step(days=2)
    with pytest.raises(ManifestMismatch):
        opened(own, answer)
    assert opened(own, answer, now=later).values


def _without(one: DisclosureAnswer, name: str) -> DisclosureAnswer:
    fields = {n: f for n, f in one.manifest.fields.items() if n != name}
    sealed = {n: s for n, s in one.sealed.items() if n != name}
    grounds = {n: g for n, g in one.grounds.items() if n != name}
    manifest = one.manifest.model_copy(update={"fields": fields})
    return one.model_copy(update={"manifest": manifest, "sealed": sealed, "grounds": grounds})


def _expiring(one: DisclosureAnswer) -> DisclosureAnswer:
    manifest = one.manifest.model_copy(update={"expires_at": one.manifest.issued_at})
    return one.model_copy(update={"manifest": manifest})


# --- previews with real values


def _shown(house: House, consent: str, answers: Answers | None = None) -> own_reading.ShownPreview:
    asked = Preview(consent=consent, answers=answers)
    return own_reading.preview(asked, call=house.person(EMIL), ports=house.ports)


def test_a_preview_shows_what_each_service_would_really_get(tmp_path: Path) -> None:
    """N12: now I get it. The very values, to whom they would go, at the cost of one reading."""
    house = build(tmp_path)
    view = shared(house)
    shown = _shown(house, view.id)
    got = {
        (one.service.recipient, field.field.name): [value.value for value in field.values]
        for one in shown.services
        for field in one.fields
    }
    assert got["nav-larvik", RATE] == [0.62]
    assert got["nav-larvik", CAPACITY] == ["to timer om dagen"]
    assert ("nav-larvik", DIAGNOSIS) not in got
    assert ("larvikshjelpa", CAPACITY) not in got
    assert [one.service for one in shown.services] == list(shown.answer.services)
    mine = [one for one in _mine(house) if one.own]
    assert [set(one.fields) for one in mine] == [{RATE, BAND, CAPACITY}]


def test_a_preview_shows_only_values_of_sources_that_would_give_them(tmp_path: Path) -> None:
    """What another service wrote in the same field does not go along."""
    house = build(tmp_path)
    view = shared(house)
    house.deposit("barnevern-larvik", EMIL, {CAPACITY: "ikke denne"})
    shown = _shown(house, view.id)
    told = {
        value.value
        for one in shown.services
        for field in one.fields
        for value in field.values
        if field.field.name == CAPACITY
    }
    assert told == {"to timer om dagen"}


def test_a_preview_of_nothing_reads_nothing(tmp_path: Path) -> None:
    """Where nobody would get anything, nothing is opened and nothing logged as read."""
    house = build(tmp_path)
    view = shared(house)
    withdraw(house, view)
    again = house.request("nav-larvik", EMIL)
    no: Answers = {line.id: "no" for line in again.grants}
    shown = _shown(house, again.id, no)
    assert [field for one in shown.services for field in one.fields] == []
    assert [one for one in _mine(house) if one.own] == []


def _mine(house: House) -> tuple[Any, ...]:
    return me.disclosures(
        person=house.hashed(EMIL), before=None, limit=50, language="nb", ports=house.ports
    ).disclosures
