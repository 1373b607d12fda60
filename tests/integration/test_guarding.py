"""What guardians see, and the youth of it, on both databases: one rule for both, and nothing that the youth answers alone."""

from datetime import UTC, datetime, timedelta

import pytest

from broker.domain.errors import LinesNotForSigner, SignerNotNeeded, TextDiffers
from broker.domain.ids import ConsentId
from broker.domain.requesting import text_sha256
from broker.errors import UnknownConsent, UnknownPerson
from broker.usecases import consents, guarding, me
from tests.house import ACTOR, EMIL, FATHER, MOTHER, SARA, House
from tillit.wire import (
    Capture,
    ConsentView,
    DigitalAnswer,
    Guarded,
    GuardedCategory,
    MyGuardians,
    MyWards,
    Said,
    Withdrawal,
)

NAV = "nav-larvik"
SIXTEEN = datetime(2027, 9, 14, 22, tzinfo=UTC)
"""Sara's birthday, as it begins in Oslo."""


def wards(house: House, national_id: str = MOTHER) -> MyWards:
    """What a guardian is shown."""
    return guarding.my_wards(person=house.hashed(national_id), ports=house.ports)


def guardians(house: House, national_id: str = SARA) -> MyGuardians:
    """What a youth is shown of it."""
    return guarding.my_guardians(person=house.hashed(national_id), ports=house.ports)


def seen(house: House) -> Guarded:
    """What Sara's mother sees of her."""
    (ward,) = wards(house).wards
    return ward.seen


def as_guardian(house: House, consent: str, national_id: str = MOTHER) -> ConsentView:
    """A consent as a guardian sees it."""
    return me.consent(ConsentId(consent), person=house.hashed(national_id), ports=house.ports)


def lines(view: ConsentView, category: str) -> list[str]:
    """The ids of a category's lines."""
    return [line.id for line in view.grants if line.category == category]


# --- one rule


def test_the_youth_is_shown_exactly_what_guardians_see(house: House) -> None:
    """At every step of an answer: the same data, so that what guardians see is never more than the page says."""
    assert guardians(house).seen == seen(house)
    asked = house.request(NAV, SARA)
    assert guardians(house).seen == seen(house)
    house.answer(asked, MOTHER, child_heard=True)
    assert guardians(house).seen == seen(house) == wards(house, FATHER).wards[0].seen
    house.answer(asked, SARA)
    house.answer(asked, FATHER, child_heard=True)
    assert guardians(house).seen == seen(house)
    assert [one.consent.state for one in seen(house).consents] == ["active"]
    (one,) = seen(house).consents
    assert {line.category for line in one.consent.grants} == {"functioning", "health"}


def test_whether_the_broker_knows_a_child_is_not_told(house: House) -> None:
    """A parent cannot tell a youth nobody has asked about from one who answers for school alone."""
    before = wards(house)
    house.answer(house.request(NAV, SARA, categories=["education"]), SARA)
    assert wards(house) == before
    assert [ward.seen.consents for ward in before.wards] == [()]


def test_who_is_no_guardian_has_no_wards(house: House) -> None:
    """Nor has somebody whom the register does not know."""
    assert wards(house, EMIL) == wards(house, "02890199999") == MyWards(wards=())
    with pytest.raises(UnknownPerson):
        guardians(house, "02890199999")


def test_the_ages_are_those_of_the_law_and_say_where_they_stand(house: House) -> None:
    """Who answers today, from when the youth does, and by which law; what no law says names none."""
    by_category = {one.category: one for one in seen(house).categories}
    assert by_category["health"] == GuardedCategory(
        category="health",
        guardians=2,
        from_age=16,
        at=SIXTEEN,
        law="pasient- og brukerrettighetsloven § 4-3",
    )
    assert by_category["education"] == GuardedCategory(
        category="education",
        guardians=0,
        from_age=15,
        at=None,
        law="opplæringslova; barnelova § 32",
    )
    assert by_category["work"] == GuardedCategory(
        category="work", guardians=2, from_age=16, at=SIXTEEN, law=""
    )


@pytest.mark.parametrize(
    ("before", "gone"),
    [(timedelta(seconds=1), False), (timedelta(0), True)],
    ids=["23:59", "00:00"],
)
def test_at_midnight_in_oslo_guardians_see_no_more(
    house: House, before: timedelta, gone: bool
) -> None:
    """The day is Oslo's: 22 o'clock in summer by the clock of the machine, which is still the day before there."""
    house.clock.at = SIXTEEN - timedelta(days=20)
    asked = house.request(NAV, SARA, categories=["health"])
    house.answer(asked, MOTHER, child_heard=True)
    house.clock.at = SIXTEEN - before
    assert (seen(house).age, seen(house).consents == ()) == (16 if gone else 15, gone)
    assert guardians(house).seen == seen(house)
    if gone:
        with pytest.raises(UnknownConsent):
            as_guardian(house, asked.id)


def test_of_age_nobody_is_a_ward(house: House) -> None:
    """And the grown are shown that nobody sees anything."""
    house.answer(house.request(NAV, SARA), SARA)
    house.clock.at = datetime(2029, 9, 14, 22, tzinfo=UTC)
    assert wards(house).wards == ()
    own = guardians(house)
    assert (own.seen.guardians, own.seen.consents, own.said) == (0, (), {})
    assert {one.guardians for one in own.seen.categories} == {0}


# --- what a guardian's view holds back


def test_a_guardian_is_given_no_hash_to_try_guesses_on(house: House) -> None:
    """One of the whole text would tell whoever guesses the youth's own lines that they guessed right."""
    asked = house.request(NAV, SARA)
    view = as_guardian(house, asked.id)
    assert view.text_sha256 == text_sha256(view.text) != asked.text_sha256
    said = {line.id: "yes" for line in view.grants}
    wrong = DigitalAnswer.model_validate(
        {"read": text_sha256("what was not shown"), "answers": said}
    )
    with pytest.raises(TextDiffers):
        me.answer(ConsentId(asked.id), wrong, call=house.person(MOTHER), ports=house.ports)
    right = DigitalAnswer.model_validate({"read": view.text_sha256, "answers": said})
    done = me.answer(ConsentId(asked.id), right, call=house.person(MOTHER), ports=house.ports)
    assert (done.has_signed, as_guardian(house, asked.id, FATHER).has_signed) == (True, False)


def test_the_youth_does_not_answer_by_the_guardians_part(house: House) -> None:
    """They were shown all of it, and say so."""
    asked = house.request(NAV, SARA)
    part = as_guardian(house, asked.id).text_sha256
    said = DigitalAnswer(read=part, answers={line.id: "yes" for line in asked.grants})
    with pytest.raises(TextDiffers):
        me.answer(ConsentId(asked.id), said, call=house.person(SARA), ports=house.ports)


def test_what_the_youth_has_yet_to_answer_is_not_told(house: House) -> None:
    """Only what the guardian's own lines wait for: that the youth was asked of school is theirs."""
    asked = house.request(NAV, SARA)
    assert as_guardian(house, asked.id).waiting_for == ("child_heard", "guardian")
    for person in (MOTHER, FATHER):
        house.answer(asked, person, child_heard=True)
    assert as_guardian(house, asked.id).waiting_for == ()
    assert asked.waiting_for == ("child_heard", "guardian", "subject")


def test_what_holds_beside_the_guardians_lines_is_not_told(house: House) -> None:
    """A no to all that is theirs ends it for them: that school is in use is Sara's to know."""
    asked = house.request(NAV, SARA, categories=["education", "health"])
    house.answer(asked, SARA)
    house.answer(asked, MOTHER, lambda _: "no", child_heard=True)
    own = me.consent(ConsentId(asked.id), person=house.hashed(SARA), ports=house.ports)
    view = as_guardian(house, asked.id)
    assert (own.state, own.valid_from) == ("active", house.clock.at)
    assert (view.state, view.valid_from, view.waiting_for) == ("refused", None, ())


# --- who has said what


def test_who_has_answered_is_shown_and_what_each_guardian_said_is_theirs(house: House) -> None:
    """Both see how many; the youth also what; a guardian what they said themself."""
    asked = house.request(NAV, SARA, categories=["health"])
    first, *others = [line.id for line in asked.grants]
    house.answer(asked, MOTHER, lambda g: "no" if g.id == first else "yes", child_heard=True)
    (mothers,), (fathers,) = wards(house).wards, wards(house, FATHER).wards
    assert mothers.mine == {asked.id: {first: "no"} | dict.fromkeys(others, "yes")}
    assert fathers.mine == {}
    (one,) = fathers.seen.consents
    assert (one.guardians, one.answered) == (2, 1)
    assert [line.answer for line in one.consent.grants if line.id == first] == ["no"]
    said = guardians(house).said[asked.id]
    assert said[first] == Said(guardians=2, guardians_yes=0, guardians_no=1, subject=None)
    house.answer(asked, SARA)
    said = guardians(house).said[asked.id]
    assert {said[line] for line in others} == {
        Said(guardians=2, guardians_yes=1, guardians_no=0, subject="yes")
    }


def test_a_line_that_the_youth_put_off_is_not_told_as_a_no(house: House) -> None:
    """Not now is no disagreement with a mother who said yes; and what is said of it later counts."""
    asked = house.request(NAV, SARA, categories=["health"])
    house.answer(asked, MOTHER, child_heard=True)
    first, *others = [line.id for line in asked.grants]
    house.answer(asked, SARA, lambda g: "not_now" if g.id == first else "yes")
    said = guardians(house).said[asked.id]
    assert (said[first].subject, {said[line].subject for line in others}) == (None, {"yes"})
    later = DigitalAnswer(read=asked.text_sha256, answers={first: "yes"})
    me.answer(ConsentId(asked.id), later, call=house.person(SARA), ports=house.ports)
    assert {one.subject for one in guardians(house).said[asked.id].values()} == {"yes"}


def test_parents_on_the_telephone_count_as_one(house: House) -> None:
    """Nobody can tell whether it was the same one who rang."""
    asked = house.request(NAV, SARA, categories=["health"])
    for _ in range(2):
        captured = Capture.model_validate(
            {
                "method": "oral",
                "signer": "guardian",
                "read_out": asked.text_sha256,
                "answered_at": house.clock.at,
                "answers": {line.id: "yes" for line in asked.grants},
                "actor": ACTOR,
                "child_heard": True,
            }
        )
        if not seen(house).consents[0].answered:
            consents.capture(ConsentId(asked.id), captured, call=house.call(NAV), ports=house.ports)
    (one,) = seen(house).consents
    assert (one.guardians, one.answered) == (2, 1)
    assert {s.guardians_yes for s in guardians(house).said[asked.id].values()} == {1}
    assert wards(house).wards[0].mine == {}


# --- what a guardian takes back


@pytest.fixture
def shared(house: House) -> ConsentView:
    """A consent in use: school, which is Sara's alone, and health, which is not."""
    asked = house.request(NAV, SARA, categories=["education", "health"])
    for person in (MOTHER, FATHER):
        house.answer(asked, person, child_heard=True)
    return house.answer(asked, SARA)


def test_a_guardian_who_stops_stops_their_own_lines(house: House, shared: ConsentView) -> None:
    """What the youth said yes to alone is not a parent's to take back."""
    me.withdraw(ConsentId(shared.id), Withdrawal(), call=house.person(MOTHER), ports=house.ports)
    after = me.consent(ConsentId(shared.id), person=house.hashed(SARA), ports=house.ports)
    assert (after.state, as_guardian(house, shared.id).state) == ("active", "withdrawn")
    said = {line.id: line.answer for line in after.grants}
    assert {said[line] for line in lines(after, "education")} == {"yes"}
    assert {said[line] for line in lines(after, "health")} == {"no"}
    with pytest.raises(SignerNotNeeded):
        me.withdraw(
            ConsentId(shared.id), Withdrawal(), call=house.person(FATHER), ports=house.ports
        )


def test_a_guardian_cannot_stop_or_pause_the_youths_lines(
    house: House, shared: ConsentView
) -> None:
    """Nor by a form that names them: not one, and not by pausing all of it."""
    own = Withdrawal(grants=tuple(lines(shared, "education")[:1]))
    call, ports = house.person(MOTHER), house.ports
    with pytest.raises(LinesNotForSigner):
        me.withdraw(ConsentId(shared.id), own, call=call, ports=ports)
    with pytest.raises(LinesNotForSigner):
        me.pause(ConsentId(shared.id), call=call, ports=ports)
    after = me.consent(ConsentId(shared.id), person=house.hashed(SARA), ports=ports)
    assert after == shared
