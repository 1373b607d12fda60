"""Asking back, on both databases: between the subject and whoever asked, logged in closed words, told to nobody else."""

import pytest

from broker.domain.errors import IllegalTransition, NothingToReply, SignerNotNeeded
from broker.domain.ids import ConsentId, UnitId
from broker.errors import UnknownConsent
from broker.usecases import asking_back, consents, feed, me
from tests.house import ACTOR, EMIL, FATHER, MOTHER, SARA, House
from tests.integration.test_statutes import logged, told
from tillit.wire import AskBack, AskBackRequest, ConsentView, Reply, ReplyRequest

NAV, SCHOOL = "nav-larvik", "thor-heyerdahl-vgs"


def ask_back(house: House, view: ConsentView, said: AskBack, person: str = EMIL) -> ConsentView:
    """Somebody asks something back."""
    asked = AskBackRequest(ask=said)
    return me.ask_back(ConsentId(view.id), asked, call=house.person(person), ports=house.ports)


def reply(house: House, view: ConsentView, said: Reply, unit: str = NAV) -> ConsentView:
    """A service answers."""
    answer = ReplyRequest.model_validate({"reply": said, "actor": ACTOR})
    return asking_back.reply(ConsentId(view.id), answer, call=house.call(unit), ports=house.ports)


def heard(house: House, unit: str) -> list[str]:
    """The kinds of what a unit's feed says."""
    found = feed.events(unit=UnitId(unit), after=0, limit=99, ports=house.ports).events
    return [event.type for event in found]


def test_a_youth_asks_and_is_answered(house: House) -> None:
    """The service hears at once, reads it in the consent, and the youth hears that there is an answer."""
    view = house.request(NAV, EMIL)
    asked = ask_back(house, view, "why_needed")
    assert asked.state == "requested"
    assert heard(house, NAV) == ["consent.asked_back"]
    (seen,) = consents.party(unit=UnitId(NAV), after=None, limit=9, ports=house.ports).consents
    assert [(r.by, r.said, r.text) for r in seen.said_between] == [
        ("subject", "why_needed", "Hvorfor trenger dere dette?")
    ]
    answered = reply(house, view, "will_contact")
    assert [r.text for r in answered.said_between][1:] == ["Vi tar kontakt med deg."]
    assert told(house, EMIL)[0].kind == "replied"
    shown = me.consent(ConsentId(view.id), person=house.hashed(EMIL), ports=house.ports)
    assert shown.said_between == answered.said_between
    (entry,) = logged(house, "consent.asked_back")
    assert (entry["said"], entry["by"]) == ("why_needed", "subject")
    (entry,) = logged(house, "consent.replied")
    assert (entry["said"], entry["recorded_by"]["unit"]) == ("will_contact", NAV)


def test_nobody_else_hears_or_reads_it(house: House) -> None:
    """Not the other services, not a parent, not whoever the consent does not concern."""
    view = house.request(NAV, SARA, categories=["education", "health"])
    house.answer(view, SARA)
    ask_back(house, view, "contact_me", SARA)
    assert "consent.asked_back" in heard(house, NAV)
    assert "consent.asked_back" not in heard(house, SCHOOL)
    page = consents.party(unit=UnitId(SCHOOL), after=None, limit=9, ports=house.ports).consents
    assert [c.said_between for c in page] == [()]
    for parent in (MOTHER, FATHER):
        shown = me.consent(ConsentId(view.id), person=house.hashed(parent), ports=house.ports)
        assert shown.said_between == ()
        with pytest.raises(SignerNotNeeded):
            ask_back(house, view, "why_needed", parent)
    with pytest.raises(UnknownConsent):
        ask_back(house, view, "why_needed", EMIL)


def test_only_whoever_asked_replies_and_only_when_asked(house: House) -> None:
    """A request is no way to send a youth messages."""
    view = house.request(NAV, EMIL)
    with pytest.raises(NothingToReply):
        reply(house, view, "will_contact")
    ask_back(house, view, "on_paper")
    with pytest.raises(UnknownConsent):
        reply(house, view, "paper_is_ready", SCHOOL)
    reply(house, view, "paper_is_ready")
    with pytest.raises(NothingToReply):
        reply(house, view, "paper_is_ready")
    assert [n.kind for n in told(house, EMIL)].count("replied") == 1


def test_an_answer_ends_the_asking(house: House) -> None:
    """What is in force changes for nothing that is said; what was said stays to be read."""
    view = house.request(NAV, EMIL)
    ask_back(house, view, "who_sees")
    answered = house.answer(view, EMIL)
    assert (answered.state, len(answered.said_between)) == ("active", 1)
    with pytest.raises(IllegalTransition):
        ask_back(house, view, "why_needed")
    with pytest.raises(IllegalTransition):
        reply(house, view, "will_contact")
