"""What is written about the family: it takes the youth's yes and the family member's own; on both databases (N46, HOLF)."""

from typing import Any

import pytest

from broker.domain.errors import AskedTooSoon, FamilyConsentInvalid
from broker.domain.ids import ConsentId, DisclosureId, UnitId
from broker.errors import DisclosureGone, UnknownConsent, UnknownHandle
from broker.usecases import consents, disclosures, feed, me
from tests.house import ACTOR, EMIL, FATHER, MOTHER, SARA, House
from tillit.wire import Capture, ConsentView, DigitalAnswer, DisclosureAnswer, Withdrawal

SITUATION = "family.situation"
NAV, HELP = "nav-larvik", "larvikshjelpa"
UNITS = [NAV, HELP]
VALUE = "Bor sammen med mor, som er syk."


def ask_family(house: House, member: str = MOTHER, youth: str = EMIL, **more: Any) -> ConsentView:
    """Nav asks a member of the family about what mental health has written on how they are doing."""
    asked = {"services": UNITS, "categories": [], "fields": [SITUATION], **more}
    return house.request(NAV, member, about=house.handle(NAV, youth), **asked)


def ask_youth(house: House, youth: str = EMIL, **more: Any) -> ConsentView:
    """Nav asks the youth for the same."""
    return house.request(NAV, youth, services=UNITS, categories=[], fields=[SITUATION], **more)


def given(house: House, **more: Any) -> tuple[ConsentView, ConsentView]:
    """Both have said yes: the youth's consent and the mother's."""
    house.deposit(HELP, EMIL, {SITUATION: VALUE})
    youths = house.answer(ask_youth(house, **more), EMIL)
    return youths, house.answer(ask_family(house, **more), MOTHER)


def disclose(house: House) -> DisclosureAnswer:
    """Nav asks how the family is doing."""
    return house.disclose(house.ask(NAV, EMIL, SITUATION), NAV)


def reasons(answer: DisclosureAnswer) -> list[str]:
    """Why it is withheld."""
    return [reason.code for reason in answer.withheld[SITUATION]]


def mine(house: House, person: str) -> list[ConsentView]:
    """What a person sees."""
    return list(me.consents(person=house.hashed(person), ports=house.ports).consents)


def withdraw(house: House, view: ConsentView, person: str) -> ConsentView:
    """A person takes it back."""
    call = house.person(person)
    return me.withdraw(ConsentId(view.id), Withdrawal(), call=call, ports=house.ports)


def test_with_both_yeses_it_is_released_on_both(house: House) -> None:
    """The grounds name the two consents, and so does what the recipient is bound by."""
    youths, mothers = given(house)
    answer = disclose(house)
    assert answer.outcome == "released"
    assert {g.id for g in answer.grounds[SITUATION]} == {youths.id, mothers.id}
    assert {consent.id for consent in answer.manifest.consents} == {youths.id, mothers.id}
    ask = house.ask(NAV, EMIL, SITUATION)
    assert house.open(answer, ask, NAV, EMIL).values[SITUATION].value == VALUE


def test_the_youth_alone_does_not_open_the_family(house: House) -> None:
    """What is about somebody else takes that somebody's yes (law.md)."""
    house.deposit(HELP, EMIL, {SITUATION: VALUE})
    house.answer(ask_youth(house), EMIL)
    assert reasons(disclose(house)) == ["third_party.no_grant"]


def test_the_family_alone_does_not_open_the_youths_record(house: House) -> None:
    """A parent's yes is about the parent, never about the youth."""
    house.deposit(HELP, EMIL, {SITUATION: VALUE, "health.functional_impact": "Sover lite."})
    house.answer(ask_family(house), MOTHER)
    assert disclose(house).outcome == "refused"
    ask = house.ask(NAV, EMIL, "health.functional_impact")
    assert house.disclose(ask, NAV).outcome == "refused"


def test_a_family_members_no_stops_it(house: House) -> None:
    """And needs no reason."""
    house.deposit(HELP, EMIL, {SITUATION: VALUE})
    house.answer(ask_youth(house), EMIL)
    house.answer(ask_family(house), MOTHER, lambda _: "no")
    assert reasons(disclose(house)) == ["third_party.no_grant"]


@pytest.mark.parametrize("person", [EMIL, MOTHER])
def test_either_of_them_stops_it_at_once(house: House, person: str) -> None:
    """The next ask is refused, and what was recorded before is not handed out again."""
    youths, mothers = given(house)
    before = disclose(house)
    withdraw(house, youths if person == EMIL else mothers, person)
    assert disclose(house).outcome == "refused"
    with pytest.raises(DisclosureGone):
        disclosures.again(
            DisclosureId(before.id), unit=UnitId(NAV), language="nb", ports=house.ports
        )


def test_single_use_is_used_up_on_both_sides(house: House) -> None:
    """Neither of the two said yes to a second time."""
    given(house, condition={"kind": "once"})
    assert disclose(house).outcome == "released"
    assert disclose(house).outcome == "refused"


def test_once_from_the_family_is_once_though_the_youth_said_always(house: House) -> None:
    """Each yes is used up by itself."""
    house.deposit(HELP, EMIL, {SITUATION: VALUE})
    house.answer(ask_youth(house), EMIL)
    house.answer(ask_family(house, condition={"kind": "once"}), MOTHER)
    assert disclose(house).outcome == "released"
    assert reasons(disclose(house)) == ["third_party.no_grant"]


def test_the_youth_sees_that_the_family_was_asked(house: House) -> None:
    """With every line and its answer, and nothing that is theirs to answer."""
    youths, mothers = given(house)
    (about_them,) = (view for view in mine(house, EMIL) if view.third_party)
    assert (about_them.id, about_them.state, about_them.waiting_for) == (mothers.id, "active", ())
    assert {view.id for view in mine(house, EMIL)} == {youths.id, mothers.id}
    kinds = [
        n.kind for n in me.notices(person=house.hashed(EMIL), limit=9, ports=house.ports).notices
    ]
    assert "family_asked" in kinds
    one = me.consent(ConsentId(mothers.id), person=house.hashed(EMIL), ports=house.ports)
    assert one == about_them
    copied = me.copy(person=house.hashed(EMIL), language="nb", ports=house.ports)
    assert mothers.id in {view.id for view in copied.consents}


def test_while_the_family_thinks_the_youth_is_not_waited_for(house: House) -> None:
    """Their answer is theirs."""
    asked = ask_family(house)
    (seen,) = mine(house, EMIL)
    assert (seen.state, seen.waiting_for) == ("requested", ())
    (own,) = mine(house, MOTHER)
    assert (own.id, own.waiting_for) == (asked.id, ("subject",))


def test_the_family_member_sees_only_their_own(house: House) -> None:
    """Neither the youth's consents nor another member's."""
    _, mothers = given(house)
    fathers = ask_family(house, FATHER)
    assert [view.id for view in mine(house, MOTHER)] == [mothers.id]
    assert [view.id for view in mine(house, FATHER)] == [fathers.id]
    with pytest.raises(UnknownConsent):
        me.consent(ConsentId(fathers.id), person=house.hashed(MOTHER), ports=house.ports)


def test_the_youth_does_not_answer_for_the_family(house: House) -> None:
    """Seen, but not theirs to say."""
    asked = ask_family(house)
    answer = DigitalAnswer(read=asked.text_sha256, answers={g.id: "yes" for g in asked.grants})
    with pytest.raises(UnknownConsent):
        me.answer(ConsentId(asked.id), answer, call=house.person(EMIL), ports=house.ports)
    with pytest.raises(UnknownConsent):
        withdraw(house, house.answer(asked, MOTHER), EMIL)


def test_the_text_says_to_the_family_member_whose_record_it_is_in(house: House) -> None:
    """And not a word of who the youth is."""
    text = ask_family(house).text
    assert text.startswith("Vi spør deg om noe som er skrevet om deg.")
    assert "Larvikshjelpa" in text


def test_an_oral_yes_of_the_family_counts_too(house: House) -> None:
    """The professional records it as any other, and they get the notice (N2)."""
    asked = ask_family(house)
    captured = Capture.model_validate(
        {
            "method": "oral",
            "signer": "subject",
            "read_out": asked.text_sha256,
            "answered_at": house.clock.at,
            "answers": {line.id: "yes" for line in asked.grants},
            "actor": ACTOR,
        }
    )
    done = consents.capture(ConsentId(asked.id), captured, call=house.call(NAV), ports=house.ports)
    assert (done.state, done.third_party) == ("active", True)
    found = me.notices(person=house.hashed(MOTHER), limit=9, ports=house.ports).notices
    assert [notice.kind for notice in found] == ["captured", "requested"]


def test_the_parties_are_told_of_it_by_the_youths_handle(house: House) -> None:
    """They know the youth, and need not come to know the mother."""
    given(house)
    for unit in UNITS:
        page = feed.events(unit=UnitId(unit), after=0, limit=100, ports=house.ports)
        assert {event.subject for event in page.events} == {house.handle(unit, EMIL)}


def test_the_youths_and_the_familys_consents_are_two(house: House) -> None:
    """A family member's yes does not take the place of one that they gave about themselves."""
    own = house.answer(house.request(NAV, EMIL, services=UNITS), EMIL)
    house.answer(ask_family(house, EMIL, SARA), EMIL)
    states = {view.id: view.state for view in mine(house, EMIL)}
    assert states[own.id] == "active"
    assert len(states) == 2


def test_a_new_yes_of_the_family_takes_the_place_of_the_old(house: House) -> None:
    """For the same youth; for another one it is another question."""
    first = house.answer(ask_family(house), MOTHER)
    for_sara = house.answer(ask_family(house, youth=SARA), MOTHER)
    second = house.answer(ask_family(house), MOTHER)
    states = {view.id: view.state for view in mine(house, MOTHER)}
    assert states == {first.id: "superseded", for_sara.id: "active", second.id: "active"}


def test_a_no_for_one_youth_is_left_alone_for_that_youth(house: House) -> None:
    """The cool-down is the member's own (N5)."""
    house.answer(ask_family(house), MOTHER, lambda _: "no")
    with pytest.raises(AskedTooSoon):
        ask_family(house)
    assert ask_family(house, youth=SARA).state == "requested"


@pytest.mark.parametrize(
    "asked",
    [
        {"categories": ["family"]},
        {"fields": [SITUATION, "health.functional_impact"]},
        {"member": SARA},
        {"member": EMIL},
    ],
)
def test_what_a_family_member_is_not_asked_for(house: House, asked: dict[str, Any]) -> None:
    """No category, nothing about the youth, no child, and not the youth in a parent's place."""
    with pytest.raises(FamilyConsentInvalid):
        ask_family(house, **asked)


def test_a_youth_whom_the_service_does_not_know_is_nobody(house: House) -> None:
    """Handles are pairwise here too."""
    theirs = house.handle(HELP, EMIL)
    asked = {"services": UNITS, "categories": [], "fields": [SITUATION], "about": theirs}
    with pytest.raises(UnknownHandle):
        house.request(NAV, MOTHER, **asked)


def test_a_family_consent_is_no_ground_in_ones_own_record(house: House) -> None:
    """What Emil said about Sara's record opens nothing in his, not even with his mother's yes."""
    house.deposit(HELP, EMIL, {SITUATION: VALUE})
    house.answer(ask_family(house, EMIL, SARA), EMIL)
    house.answer(ask_family(house), MOTHER)
    assert reasons(disclose(house)) == ["consent.none"]


def test_whoever_is_asked_answers_every_line_alone(house: House) -> None:
    """A grown member of the family has no guardian."""
    asked = ask_family(house, EMIL, SARA)
    with pytest.raises(UnknownConsent):
        house.answer(asked, MOTHER)
    assert house.answer(asked, EMIL).state == "active"
