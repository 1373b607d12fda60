"""Birthdays as a youth is shown them, on both databases: what changes, to the second, and that the day then does it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from broker.domain.ids import ConsentId
from broker.errors import UnknownConsent
from broker.usecases import growing, guarding, me
from broker.usecases.ticking import tick
from tests.house import EMIL, FATHER, MOTHER, SARA, House, build
from tillit.wire import ConsentView, MyBirthday, MyWard, Withdrawal

NAV = "nav-larvik"
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
SIXTEEN = datetime(2027, 9, 14, 22, tzinfo=UTC)
"""Sara's birthday, as it begins in Oslo: summer time."""
EIGHTEEN = datetime(2029, 9, 14, 22, tzinfo=UTC)
LEAP = "29821250090"
"""Somebody born on 29 February 2012."""


def birthdays(house: House, national_id: str = SARA) -> tuple[MyBirthday, ...]:
    """What a person is shown."""
    person = house.hashed(national_id)
    return growing.growing(person=person, ports=house.ports).birthdays


def by_guardians(house: House, at: datetime, **asked: object) -> ConsentView:
    """A consent on health that both parents have signed, at that time."""
    house.clock.at = at
    wanted = {"categories": ["health"], "valid_days": 300, **asked}
    view = house.request(NAV, SARA, **wanted)
    house.answer(view, MOTHER, child_heard=True)
    return house.answer(view, FATHER, child_heard=True)


def ticked(house: House, at: datetime) -> None:
    """Let the clock come to a moment, and tick."""
    house.clock.at = at
    tick(ports=house.ports)


# --- what a birthday changes


def test_sixteen_is_shown_sixty_days_ahead_and_sixty_after(house: House) -> None:
    """And at no other time: nothing changes then."""
    for at, there in (
        (SIXTEEN - 60 * DAY - SECOND, False),
        (SIXTEEN - 60 * DAY, True),
        (SIXTEEN + 60 * DAY, True),
        (SIXTEEN + 60 * DAY + SECOND, False),
    ):
        house.clock.at = at
        assert bool(birthdays(house)) == there, at


def test_sixteen_says_what_is_ones_own_from_then_on_and_by_which_law(house: House) -> None:
    """Health and drugs by the patients' rights act, everything that has no age of its own by the general one; not school."""
    house.clock.at = SIXTEEN - 10 * DAY
    (sixteen,) = birthdays(house)
    laws = {one.category: one.law for one in sixteen.alone}
    assert laws["health"] == laws["substance"] == "pasient- og brukerrettighetsloven § 4-3"
    assert laws["work"] == ""
    assert {"education", "child_welfare"} & laws.keys() == set()
    assert (sixteen.age, sixteen.day, sixteen.of_age) == (16, date(2027, 9, 15), False)


def test_a_birthday_that_changes_nothing_is_not_shown(house: House) -> None:
    """Seventeen is no age of the law's."""
    house.clock.at = datetime(2028, 9, 14, tzinfo=UTC)
    assert birthdays(house) == ()


def test_what_guardians_alone_said_yes_to_is_told_before_it_is_asked_again(house: House) -> None:
    """Two months ahead: which lines end, and from when they are asked again; then the request; then how it was answered."""
    old = by_guardians(house, SIXTEEN - 59 * DAY)
    (sixteen,) = birthdays(house)
    (ending,) = sixteen.outgrown
    assert (ending.consent, ending.grants) == (old.id, tuple(line.id for line in old.grants))
    assert (ending.asked, ending.asked_from) == (None, SIXTEEN - 30 * DAY)
    assert sixteen.unseen == (old.id,)
    ticked(house, SIXTEEN - 30 * DAY)
    (ending,) = birthdays(house)[0].outgrown
    assert (ending.asked_state, ending.asked_from) == ("requested", None)
    again = me.consent(ConsentId(str(ending.asked)), person=house.hashed(SARA), ports=house.ports)
    assert again.reconfirms == old.id
    house.answer(again, SARA)
    assert birthdays(house)[0].outgrown[0].asked_state == "partly_signed"


def test_once_the_day_has_come_it_says_what_ended_and_waits(house: House) -> None:
    """Whoever had not answered by then finds the request there, and what guardians see no more."""
    old = by_guardians(house, SIXTEEN - 40 * DAY)
    ticked(house, SIXTEEN - 30 * DAY)
    ticked(house, SIXTEEN)
    (sixteen,) = birthdays(house)
    assert (sixteen.passed, sixteen.unseen) == (True, (old.id,))
    (ended,) = sixteen.outgrown
    assert (ended.consent, ended.asked_state) == (old.id, "requested")
    again = me.consent(ConsentId(str(ended.asked)), person=house.hashed(SARA), ports=house.ports)
    assert house.answer(again, SARA).state == "active"
    assert birthdays(house)[0].outgrown[0].asked_state == "active"


def test_what_ended_without_being_asked_again_is_told_too(house: House) -> None:
    """Nobody looked in the month before: a yes of guardians ends all the same."""
    old = by_guardians(house, SIXTEEN - 40 * DAY)
    ticked(house, SIXTEEN + DAY)
    (ended,) = birthdays(house)[0].outgrown
    assert (ended.consent, ended.asked, ended.grants) == (old.id, None, ())


def test_what_is_over_by_then_is_not_asked_again(house: House) -> None:
    """Its own time ends before, or the youth stopped it: nothing of it ends on the birthday."""
    short = by_guardians(house, SIXTEEN - 40 * DAY, valid_days=20)
    assert birthdays(house)[0].outgrown == ()
    me.withdraw(ConsentId(short.id), Withdrawal(), call=house.person(SARA), ports=house.ports)
    assert birthdays(house)[0].outgrown == ()
    assert birthdays(house)[0].unseen == (short.id,)


def test_what_two_services_asked_without_an_agreement_is_asked_again_too(house: House) -> None:
    """It has no ages of its own that would end it."""
    two = {"collaboration": None, "purposes": ["work_inclusion"], "categories": ["functioning"]}
    old = by_guardians(house, SIXTEEN - 40 * DAY, **two)
    (ending,) = birthdays(house)[0].outgrown
    assert (ending.consent, ending.asked_from) == (old.id, SIXTEEN - 30 * DAY)


def test_what_the_youth_said_too_does_not_end(house: House) -> None:
    """Signed beside the parents, it is the youth's own on the day."""
    house.clock.at = SIXTEEN - 40 * DAY
    view = house.request(NAV, SARA, categories=["health"])
    for person in (SARA, MOTHER, FATHER):
        house.answer(view, person, child_heard=True)
    (sixteen,) = birthdays(house)
    assert (sixteen.outgrown, sixteen.unseen) == ((), (view.id,))


def test_eighteen_ends_every_say_of_guardians(house: House) -> None:
    """Also where nothing else changes."""
    house.clock.at = EIGHTEEN - DAY
    (eighteen,) = birthdays(house)
    assert (eighteen.age, eighteen.of_age, eighteen.alone) == (18, True, ())
    assert guarding.my_wards(person=house.hashed(MOTHER), ports=house.ports).wards != ()
    house.clock.at = EIGHTEEN
    assert birthdays(house)[0].passed is True
    assert guarding.my_wards(person=house.hashed(MOTHER), ports=house.ports).wards == ()


def test_the_grown_and_the_unknown_have_no_birthday_here(house: House) -> None:
    """A list that is empty, not an error."""
    assert birthdays(house, EMIL) == birthdays(house, "02890199999") == ()


# --- to the second


@pytest.mark.parametrize(
    ("at", "passed"),
    [
        (datetime(2027, 9, 14, 21, 59, 59, tzinfo=UTC), False),
        (datetime(2027, 9, 14, 22, tzinfo=UTC), True),
        (datetime(2027, 9, 14, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2027, 9, 15, tzinfo=UTC), True),
    ],
    ids=["23:59:59 in Oslo", "00:00 in Oslo", "23:59:59 UTC", "00:00 UTC"],
)
def test_the_day_begins_in_oslo(house: House, at: datetime, passed: bool) -> None:
    """Page, guardian's view and the rules turn at the same second, two hours before the machine's own midnight."""
    old = by_guardians(house, SIXTEEN - 40 * DAY)
    house.clock.at = at
    (sixteen,) = birthdays(house)
    assert (sixteen.passed, sixteen.day) == (passed, date(2027, 9, 15))
    sees = [c.consent.id for w in wards(house) for c in w.seen.consents]
    assert sees == ([] if passed else [old.id])
    if passed:
        with pytest.raises(UnknownConsent):
            me.consent(ConsentId(old.id), person=house.hashed(MOTHER), ports=house.ports)


def wards(house: House) -> tuple[MyWard, ...]:
    """What Sara's mother is shown."""
    return guarding.my_wards(person=house.hashed(MOTHER), ports=house.ports).wards


@pytest.mark.parametrize(
    ("at", "age", "passed"),
    [
        (datetime(2027, 2, 28, 22, 59, 59, tzinfo=UTC), 15, False),
        (datetime(2027, 2, 28, 23, tzinfo=UTC), 15, True),
        (datetime(2027, 3, 1, tzinfo=UTC), 15, True),
        (datetime(2028, 2, 28, 22, 59, 59, tzinfo=UTC), 16, False),
        (datetime(2028, 2, 28, 23, tzinfo=UTC), 16, True),
        (datetime(2028, 2, 29, tzinfo=UTC), 16, True),
    ],
    ids=str,
)
def test_born_on_29_february(
    tmp_path: Path, database_url: str, at: datetime, age: int, passed: bool
) -> None:
    """On 1 March in common years, on the day itself in leap years; winter time, an hour before the machine's midnight."""
    row = {"national_id": LEAP, "born": "2012-02-29", "guardians": [MOTHER]}
    house = build(tmp_path, database_url, others=[row])
    house.clock.at = at
    (one,) = birthdays(house, LEAP)
    assert (one.age, one.passed) == (age, passed)
    assert one.day == (date(2027, 3, 1) if age == 15 else date(2028, 2, 29))
    house.store.close()
