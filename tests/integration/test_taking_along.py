"""Taking everything along, without a browser: what does not fit is left out and said, and nothing is read unlogged."""

from pathlib import Path

from broker.domain.sessions import Session
from broker.portal import taking
from broker.portal.looks import Looks
from broker.portal.oidc import Provider
from broker.portal.pages import Hall, Visit
from tests.house import EMIL, House
from tests.integration.entries import entries_about

RATE = "education.attendance.rate"
CUT = "Det er mer enn det er plass til"
ASKS = 5


def visit(house: House, directory: Path) -> Visit:
    """Emil's, on the button of the page."""
    provider = Provider(
        "https://login.test",
        client_id="portal",
        key_file=directory / "no.jwk",
        redirect_uri="https://tillit.test/login/answer",
        clock=house.clock,
    )
    hall = Hall(lambda: house.ports, provider, Looks(demo=False), https=True)
    at = house.clock()
    session = Session.begun(house.hashed(EMIL), "nb", login_at=at, at=at)
    return Visit(hall, house.ports, session, "", "", "nb", {}, None, None, b"")


def asked(house: House) -> None:
    """Nav has asked several times."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.62})
    house.answer(house.request("nav-larvik", EMIL), EMIL)
    ask = house.ask("nav-larvik", EMIL, RATE)
    for _ in range(ASKS):
        house.clock.step(minutes=1)
        assert house.disclose(ask, "nav-larvik").outcome == "released"


def test_what_does_not_fit_is_left_out_and_said(house: House, tmp_path: Path) -> None:
    """The oldest receipts first; the page and the text to read first both say that there is more."""
    asked(house)
    whole = taking.files(visit(house, tmp_path))
    receipts = [one for one in whole if one.name.startswith("receipts/")]
    assert CUT not in whole[0].content.decode() + whole[1].content.decode()
    weight = sum(len(one.content) for one in whole[2:])
    cut = taking.files(visit(house, tmp_path), most=weight)
    kept = [one.name for one in cut if one.name.startswith("receipts/")]
    assert 0 < len(kept) < len(receipts) + 1
    assert receipts[-1].name not in kept
    for one in cut[:2]:
        assert CUT in one.content.decode()


def test_each_archive_is_one_reading_in_the_log(house: House, tmp_path: Path) -> None:
    """Its values were asked for by the person, decided and entered like any other ask."""
    asked(house)
    before = len(entries_about(house, "disclosure"))
    made = taking.files(visit(house, tmp_path))
    values = next(one for one in made if one.name == "values.json")
    assert b"0.62" in values.content
    assert len(entries_about(house, "disclosure")) == before + 1
