"""A trusted helper, through the use cases on both databases: invited, taken, looking, removed; reading only (N21)."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.compose import NoRegister
from broker.domain.helping import CODE_LASTS, LASTS, MOST_TRIES
from broker.domain.ids import ConsentId, HelperId, PersonKey
from broker.errors import (
    HelperCodeRefused,
    HelperIsOneself,
    HelperNotShown,
    HelperReadsOnly,
    HelperThere,
    HelperTooYoung,
    IdempotencyKeyReused,
    NotASubject,
    UnknownConsent,
    UnknownHelper,
    UnknownPerson,
)
from broker.ports import Person, Register
from broker.usecases import helped, helping, me
from tests.house import EMIL, FATHER, MOTHER, SARA, House
from tests.integration.entries import entries_about
from tests.integration.test_anonymous_cases import everything
from tests.integration.test_family_consents import ask_family
from tests.integration.test_statutes import told
from tillit.wire import (
    ConsentView,
    DigitalAnswer,
    Helped,
    HelpedConsents,
    HelpedDisclosure,
    HelpedDisclosures,
    HelperAcceptance,
    HelperInvitation,
    HelperRequest,
    MyHelper,
    Withdrawal,
)

NAV, SCHOOL, HEALTH = "nav-larvik", "thor-heyerdahl-vgs", "larvikshjelpa"
RATE, RISK = "education.attendance.rate", "health.risk"
PLAIN = ("consents", "disclosures")
EVERYTHING = (*PLAIN, "special")
NOBODY = "31129956715"


def invited(house: House, *shows: str, by: str = EMIL, key: str | None = None) -> HelperInvitation:
    """A subject invites a helper to what is not special, unless something else is said."""
    asked = HelperRequest.model_validate({"shows": shows or PLAIN})
    return helping.invite(asked, call=house.person(by, key=key), ports=house.ports)


def accepted(house: House, code: str, *, by: str = FATHER, key: str | None = None) -> Helped:
    """Somebody takes an invitation."""
    said = HelperAcceptance(code=code)
    call = house.person(by, key=key, body=code)
    return helping.accept(said, call=call, ports=house.ports)


def helper(house: House, *shows: str) -> HelperId:
    """Emil's helper is the father of another youth."""
    return HelperId(accepted(house, invited(house, *shows).code).helper)


def mine(house: House, national_id: str = EMIL) -> tuple[MyHelper, ...]:
    """The helpers that a person sees."""
    return helping.helpers(person=house.hashed(national_id), ports=house.ports).helpers


def consents(house: House, identity: HelperId, *, by: str = FATHER) -> HelpedConsents:
    """What a helper sees of consents."""
    return helped.consents(identity, person=house.hashed(by), ports=house.ports)


def disclosures(
    house: House, identity: HelperId, *, before: str | None = None, limit: int = 50
) -> HelpedDisclosures:
    """What a helper sees of what was shared."""
    person = house.hashed(FATHER)
    return helped.disclosures(
        identity, person=person, before=before, limit=limit, ports=house.ports
    )


def a_life(house: House) -> ConsentView:
    """Emil has answered yes, Nav has asked about school and health, the clinic about school."""
    house.deposit(SCHOOL, EMIL, {RATE: 0.62})
    view = house.answer(house.request(NAV, EMIL), EMIL)
    house.disclose(house.ask(NAV, EMIL, RATE, RISK), NAV)
    house.disclose(house.ask(HEALTH, EMIL, RATE), HEALTH)
    return view


def test_a_helper_is_invited_taken_and_told_of(house: House) -> None:
    """The youth hears that somebody took it; each act is in the log."""
    house.handle(NAV, EMIL)
    invitation = invited(house)
    assert [h.standing for h in mine(house)] == ["invited"]
    assert invitation.code_until == house.clock.at + CODE_LASTS
    house.clock.step(hours=1)
    taken = accepted(house, invitation.code)
    assert taken == Helped(
        helper=invitation.id,
        shows=("consents", "disclosures"),
        since=house.clock.at,
        until=house.clock.at + LASTS,
    )
    (one,) = mine(house)
    assert (one.standing, one.accepted_at, one.until) == ("helping", taken.since, taken.until)
    assert [(n.kind, n.unit, n.helper) for n in told(house, EMIL)] == [
        ("helper_accepted", None, invitation.id)
    ]
    seen = helping.helping(person=house.hashed(FATHER), ports=house.ports)
    assert seen.helping == (taken,)
    said = {"helper": invitation.id, "shows": ["consents", "disclosures"]}
    assert entries_about(house, "helper.invited") == [said]
    assert entries_about(house, "helper.accepted") == [said]
    copied = me.copy(person=house.hashed(EMIL), language="nb", ports=house.ports)
    assert copied.helpers == mine(house)


def test_the_code_lies_nowhere(house: House) -> None:
    """Neither it nor its plain hash, in any table; nor what is remembered to say it again."""
    house.handle(NAV, EMIL)
    code = invited(house).code
    accepted(house, invited(house).code)
    hashed = hashlib.sha256(code.encode()).digest()
    for row in everything(house):
        assert code not in row
        assert str(hashed) not in row


def test_a_repeated_invitation_says_the_same_code(house: House) -> None:
    """A lost answer does no harm, though the code is not remembered."""
    house.handle(NAV, EMIL)
    first = invited(house, key="the-same-key")
    assert invited(house, key="the-same-key") == first
    assert len(mine(house)) == 1
    taken = accepted(house, first.code, key="another-key")
    for _ in range(MOST_TRIES + 1):
        assert accepted(house, first.code, key="another-key") == taken
    with pytest.raises(IdempotencyKeyReused):
        accepted(house, "AAAA-AAAA-AAAA", key="another-key")


def test_a_code_is_good_once_in_its_time_for_somebody_else(house: House) -> None:
    """Not for the youth, not for nobody, not twice, not a day later, not once it was taken back."""
    house.handle(NAV, EMIL)
    invitation = invited(house)
    with pytest.raises(HelperIsOneself):
        accepted(house, invitation.code, by=EMIL)
    with pytest.raises(UnknownPerson):
        accepted(house, invitation.code, by=NOBODY)
    newer = invited(house)
    with pytest.raises(HelperCodeRefused):
        accepted(house, invitation.code)
    house.clock.step(hours=24)
    with pytest.raises(HelperCodeRefused):
        accepted(house, newer.code)
    assert [h.standing for h in mine(house)] == ["over", "over"]
    newest = invited(house)
    accepted(house, newest.code)
    with pytest.raises(HelperCodeRefused):
        accepted(house, newest.code, by=MOTHER)


def test_a_code_is_not_guessed(house: House) -> None:
    """After so many tries not even the right one opens; each wrong try is in the log."""
    house.handle(NAV, EMIL)
    invitation = invited(house)
    last = "A" if invitation.code[-1] != "A" else "B"
    for _ in range(MOST_TRIES):
        with pytest.raises(HelperCodeRefused):
            accepted(house, invitation.code[:-1] + last)
    with pytest.raises(HelperCodeRefused):
        accepted(house, invitation.code)
    refused = entries_about(house, "helper.code_refused")
    assert refused == [{"helper": invitation.id}] * MOST_TRIES
    assert accepted(house, invited(house).code).helper != invitation.id


def test_there_is_one_helper_at_a_time(house: House) -> None:
    """The one who reads is removed first; an invitation that waits is replaced."""
    house.handle(NAV, EMIL)
    first = helper(house)
    with pytest.raises(HelperThere):
        invited(house)
    helping.remove(first, call=house.person(EMIL), ports=house.ports)
    assert accepted(house, invited(house).code, by=MOTHER).helper != first
    house.clock.step(days=LASTS.days)
    assert invited(house).code
    assert [h.standing for h in mine(house)] == ["invited", "over", "over"]


def test_whoever_answers_nothing_alone_shows_nothing(house: House) -> None:
    """Sara shows what is hers at fifteen; at thirteen her parents answer for all of it."""
    house.handle(NAV, SARA)
    house.clock.step(days=-2 * 365)
    with pytest.raises(HelperTooYoung):
        invited(house, by=SARA)
    house.clock.step(days=2 * 365)
    assert invited(house, by=SARA).code


def test_a_guardian_has_no_power_over_helpers(house: House) -> None:
    """A parent of a fifteen-year-old neither invites, nor sees, nor removes; nor does a stranger."""
    house.handle(NAV, SARA)
    waiting = HelperId(invited(house, by=SARA).id)
    for parent in (MOTHER, FATHER):
        with pytest.raises(NotASubject):
            invited(house, by=parent)
        with pytest.raises(NotASubject):
            mine(house, parent)
        with pytest.raises(UnknownHelper):
            helping.remove(waiting, call=house.person(parent), ports=house.ports)
    assert [h.standing for h in mine(house, SARA)] == ["invited"]


def test_a_removed_helper_sees_nothing_at_the_next_look(house: House) -> None:
    """Removed by the youth, left by the helper, or over by its time: the same answer, and no word of what is there."""

    def removed(identity: HelperId) -> None:
        helping.remove(identity, call=house.person(EMIL), ports=house.ports)

    def left(identity: HelperId) -> None:
        found = helping.leave(identity, call=house.person(FATHER), ports=house.ports)
        assert found.helping == ()

    def waited(_: HelperId) -> None:
        house.clock.step(days=LASTS.days)

    a_life(house)
    ends: tuple[Callable[[HelperId], None], ...] = (removed, left, waited)
    for end in ends:
        identity = helper(house)
        assert consents(house, identity).consents
        end(identity)
        for look in (consents, disclosures):
            with pytest.raises(UnknownHelper):
                look(house, identity)
        with pytest.raises(UnknownHelper):
            helping.leave(identity, call=house.person(FATHER), ports=house.ports)
    assert [h.ended_by for h in mine(house)] == [None, "helper", "subject"]
    assert [e["by"] for e in entries_about(house, "helper.removed")] == ["subject", "helper"]
    assert [n.kind for n in told(house, EMIL)].count("helper_left") == 1


def test_a_helper_is_only_the_one_who_took_it(house: House) -> None:
    """Another person's id of a helper is none."""
    a_life(house)
    identity = helper(house)
    with pytest.raises(UnknownHelper):
        consents(house, identity, by=MOTHER)
    with pytest.raises(UnknownHelper):
        consents(house, identity, by=EMIL)
    with pytest.raises(UnknownHelper):
        helping.remove(identity, call=house.person(FATHER), ports=house.ports)


def test_a_helper_sees_no_health_unless_the_youth_shows_it(house: House) -> None:
    """Neither the lines, nor that the clinic is there, nor what it asked; of one ask the fields that may be seen."""
    a_life(house)
    identity = helper(house)
    (consent,) = consents(house, identity).consents
    assert {g.category for g in consent.grants} == {"education", "functioning"}
    assert HEALTH not in consent.model_dump_json()
    assert "Larvikshjelpa" not in consent.text
    (asked,) = disclosures(house, identity).disclosures
    assert (asked.recipient, list(asked.fields)) == (NAV, [RATE])
    assert asked.fields[RATE].source == SCHOOL
    helping.remove(identity, call=house.person(EMIL), ports=house.ports)
    identity = helper(house, *EVERYTHING)
    (consent,) = consents(house, identity).consents
    assert {g.category for g in consent.grants} == {"education", "functioning", "health"}
    seen = disclosures(house, identity).disclosures
    assert [(d.recipient, sorted(d.fields)) for d in seen] == [
        (HEALTH, [RATE]),
        (NAV, [RATE, RISK]),
    ]
    assert not seen[1].fields[RISK].shared


def test_a_helper_sees_no_value_and_no_receipt(house: House) -> None:
    """Who, when, what for, which fields; a receipt would name all of them."""
    a_life(house)
    identity = helper(house, *EVERYTHING)
    for view in (consents(house, identity), disclosures(house, identity)):
        assert "0.62" not in view.model_dump_json()
        assert "receipt" not in view.model_dump_json()


def test_a_helper_of_a_fifteen_year_old_sees_what_she_answers_alone(house: House) -> None:
    """What takes a parent's yes is not hers to show."""
    view = house.request(NAV, SARA)
    house.answer(view, SARA)
    identity = HelperId(accepted(house, invited(house, by=SARA).code, by=EMIL).helper)
    (consent,) = consents(house, identity, by=EMIL).consents
    assert {g.category for g in consent.grants} == {"education"}


def test_only_what_the_youth_chose_is_shown(house: House) -> None:
    """Consents without what was shared, or the other way; the other look is refused and not counted as one."""
    a_life(house)
    identity = helper(house, "consents")
    assert consents(house, identity).consents
    with pytest.raises(HelperNotShown):
        disclosures(house, identity)
    helping.remove(identity, call=house.person(EMIL), ports=house.ports)
    identity = helper(house, "disclosures")
    assert disclosures(house, identity).disclosures
    with pytest.raises(HelperNotShown):
        consents(house, identity)
    assert [e["looked_at"] for e in entries_about(house, "helper.looked")] == [
        "consents",
        "disclosures",
    ]


class Asked(NoRegister):
    """A register that counts how often it is asked for a person."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self.times = 0

    def person(self, key: PersonKey) -> Person | None:
        """See ``broker.ports.Register``."""
        self.times += 1
        return self._register.person(key)


def test_a_look_asks_the_register_once(house: House) -> None:
    """However many consents there are: the database is being written to meanwhile."""
    for unit in (NAV, HEALTH):
        house.answer(house.request(unit, EMIL, services=[unit, SCHOOL]), EMIL)
    identity = helper(house, *EVERYTHING)
    asked = Asked(house.ports.register)
    shown = consents(replace(house, ports=replace(house.ports, register=asked)), identity)
    assert (len(shown.consents), asked.times) == (2, 1)


def test_each_look_is_logged_and_told_once_a_day(house: House) -> None:
    """The youth sees that the helper reads; ten looks on one day are told as one, each stands in the log."""
    a_life(house)
    identity = helper(house)
    for _ in range(3):
        consents(house, identity)
        disclosures(house, identity)
    house.clock.step(days=1)
    consents(house, identity)
    looks = [n for n in told(house, EMIL) if n.kind == "helper_looked"]
    assert [(n.helper, n.unit) for n in looks] == [(identity, None)] * 2
    assert len(entries_about(house, "helper.looked")) == 7


def test_a_helper_pages_through_what_is_shown(house: House) -> None:
    """Each once, however many lie between that are not shown."""
    a_life(house)
    for _ in range(3):
        house.clock.step(minutes=1)
        house.disclose(house.ask(HEALTH, EMIL, RATE), HEALTH)
        house.disclose(house.ask(NAV, EMIL, RATE), NAV)
    identity = helper(house)
    whole = disclosures(house, identity).disclosures
    assert [d.recipient for d in whole] == [NAV] * 4
    seen: list[HelpedDisclosure] = []
    before: str | None = None
    while page := disclosures(house, identity, before=before, limit=1).disclosures:
        seen += page
        before = page[-1].id
    assert tuple(seen) == whole


def acts(house: House, view: ConsentView, by: str) -> tuple[Callable[[], object], ...]:
    """Everything that changes a consent, done by somebody."""
    identity, call, ports = ConsentId(view.id), house.person(by), house.ports
    said = DigitalAnswer(read=view.text_sha256, answers={g.id: "no" for g in view.grants})
    return (
        lambda: me.answer(identity, said, call=call, ports=ports),
        lambda: me.pause(identity, call=call, ports=ports),
        lambda: me.resume(identity, call=call, ports=ports),
        lambda: me.withdraw(identity, Withdrawal(), call=call, ports=ports),
    )


def test_a_helper_changes_nothing_and_is_told_so(house: House) -> None:
    """Every act on what the helper sees is refused with one code; what they do not see does not exist for them."""
    a_life(house)
    waiting = house.request(NAV, EMIL)
    secret = house.request(HEALTH, EMIL, categories=["health"])
    identity = helper(house)
    shown = {c.id for c in consents(house, identity).consents}
    assert waiting.id in shown
    assert secret.id not in shown
    before = me.consents(person=house.hashed(EMIL), ports=house.ports)
    for view in before.consents:
        expected = HelperReadsOnly if view.id in shown else UnknownConsent
        for act in acts(house, view, FATHER):
            with pytest.raises(expected):
                act()
        for act in acts(house, view, MOTHER):
            with pytest.raises(UnknownConsent):
                act()
    assert me.consents(person=house.hashed(EMIL), ports=house.ports) == before
    helping.remove(identity, call=house.person(EMIL), ports=house.ports)
    for act in acts(house, waiting, FATHER):
        with pytest.raises(UnknownConsent):
            act()


def test_a_helper_who_is_shown_no_consents_is_told_of_none(house: House) -> None:
    """The refusal would say that it exists."""
    view = a_life(house)
    helper(house, "disclosures")
    for act in acts(house, view, FATHER):
        with pytest.raises(UnknownConsent):
            act()


def test_what_the_family_was_asked_is_no_helpers_to_see(house: House) -> None:
    """It is about another person too."""
    family = ask_family(house)
    identity = helper(house, *EVERYTHING)
    assert consents(house, identity).consents == ()
    for act in acts(house, family, FATHER):
        with pytest.raises(UnknownConsent):
            act()
