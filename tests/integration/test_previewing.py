"""Previews: what would be, told beforehand, equals what is, asked afterwards; and asking changes nothing."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from broker.domain.errors import IllegalTransition, LinesUnknown
from broker.domain.ids import ConsentId
from broker.errors import PreviewTooLarge, UnknownConsent
from broker.store.tables import Row
from broker.usecases import asks, me, previewing
from tests.house import ACTOR, EMIL, FATHER, LARVIK, MOTHER, SARA, House, build
from tillit.wire import Answer, ConsentRequest, ConsentView, Preview, PreviewAnswer, Withdrawal

RATE = "education.attendance.rate"
IMPACT = "health.functional_impact"
TABLES = [
    table for table in Row.metadata.sorted_tables if table.name not in {"handle", "remembered"}
]
LINES = 6


def preview(house: House, national_id: str, view: ConsentView, **asked: object) -> PreviewAnswer:
    """What would be, for a person."""
    wanted = Preview.model_validate({"consent": view.id, **asked})
    return previewing.preview(wanted, call=house.person(national_id), ports=house.ports)


def then(answer: PreviewAnswer) -> dict[tuple[str, str], set[str]]:
    """What each service would get, by purpose."""
    return {
        (one.recipient, one.purpose): {field.name for field in one.then} for one in answer.services
    }


def really(house: House, national_id: str, view: ConsentView) -> dict[tuple[str, str], set[str]]:
    """What each service is permitted now, of all that the lines mean."""
    with house.store.read() as tx:
        consent = tx.consent(ConsentId(view.id))
    assert consent is not None
    found: dict[tuple[str, str], set[str]] = {}
    for line in consent.grants:
        unit = line.recipient
        ask = house.ask(unit, national_id, *(line.fields or line.covers), purpose=line.purpose)
        answer = asks.check(ask, call=house.call(unit), ports=house.ports)
        found.setdefault((unit, line.purpose), set()).update(answer.permitted)
    return found


def rows(house: House) -> Mapping[str, int]:
    """How many rows each table of what matters has."""
    with house.store.engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in TABLES
        }


def stocked(directory: Path) -> House:
    """A broker with something about Emil and Sara in it."""
    house = build(directory)
    for person in (EMIL, SARA):
        house.deposit("thor-heyerdahl-vgs", person, {RATE: 0.6})
        house.deposit("larvikshjelpa", person, {IMPACT: "sover dårlig"})
    return house


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> House:
    """One for many examples: each has a consent of its own, which takes the place of the one before."""
    return stocked(tmp_path_factory.mktemp("stock"))


SAID: tuple[Answer, ...] = ("yes", "yes", "no")
answers = st.lists(st.sampled_from(SAID), min_size=LINES, max_size=LINES)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(said=answers)
def test_what_is_previewed_is_what_is_given(stock: House, said: list[Answer]) -> None:
    """Yes to these lines: the services get what was shown beforehand, no field more and no field less."""
    stock.clock.step(minutes=1)
    view = stock.request("nav-larvik", EMIL)
    lines = dict(zip((line.id for line in view.grants), said * 10, strict=False))
    shown = preview(stock, EMIL, view, answers=lines)
    stock.answer(view, EMIL, lambda line: lines[line.id])
    assert then(shown) == really(stock, EMIL, view)
    if "yes" not in lines.values():
        # A refusal is left alone for a while.
        stock.clock.step(days=31)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(taken=st.sets(st.integers(0, LINES - 1), min_size=1))
def test_without_a_line_is_what_is_left_when_it_is_taken_back(
    stock: House, taken: set[int]
) -> None:
    """The counterfactual: what changes if I take that line away is what changes when I do."""
    stock.clock.step(minutes=1)
    view = stock.answer(stock.request("nav-larvik", EMIL), EMIL)
    ids = [line.id for line in view.grants]
    gone = sorted({ids[number % len(ids)] for number in taken})
    before = really(stock, EMIL, view)
    shown = preview(stock, EMIL, view, without=gone)
    call = stock.person(EMIL)
    me.withdraw(ConsentId(view.id), Withdrawal(grants=tuple(gone)), call=call, ports=stock.ports)
    after = really(stock, EMIL, view)
    assert then(shown) == after
    for one in shown.services:
        pair = (one.recipient, one.purpose)
        assert {field.name for field in one.now} == before[pair]
        assert set(one.losses) == before[pair] - after[pair]
        assert one.gains == ()


def test_a_preview_changes_nothing(house: House) -> None:
    """Not a row, not a decision; no service is told. That it was asked is an entry."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.6})
    view = house.answer(house.request("nav-larvik", EMIL), EMIL)
    kept, given_now = rows(house), really(house, EMIL, view)
    with house.store.engine.connect() as connection:
        count = text("SELECT count(*) FROM log_entry WHERE type = 'preview'")
        preview(house, EMIL, view, without=[view.grants[0].id])
        preview(house, EMIL, view)
        assert connection.execute(count).scalar_one() == 2
    assert (rows(house), really(house, EMIL, view)) == (kept, given_now)


def test_everybody_else_is_taken_to_say_yes(house: House) -> None:
    """Sara, 15, sees what her yes to health would lead to if her parents said the same; and so it does."""
    house.deposit("larvikshjelpa", SARA, {IMPACT: "sover dårlig"})
    view = house.request("nav-larvik", SARA, categories=["health"])
    shown = preview(house, SARA, view)
    gains = {one.recipient: set(one.gains) for one in shown.services}
    assert gains["nav-larvik"] == {IMPACT}
    house.answer(view, SARA)
    house.answer(view, MOTHER)
    house.answer(view, FATHER)
    assert then(shown) == really(house, SARA, view)


def test_it_is_said_in_words(house: House) -> None:
    """N12, N20: who, what, why and from whom, as the youth is told of it everywhere."""
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.6})
    view = house.request("nav-larvik", EMIL, services=["nav-larvik", "thor-heyerdahl-vgs"])
    shown = next(one for one in preview(house, EMIL, view).services if one.then)
    field = next(field for field in shown.then if field.name == RATE)
    catalogue = house.ports.catalogue
    assert shown.label == catalogue.text("unit", "nav-larvik", "nb")
    assert shown.why == catalogue.text("purpose", "case_discussion", "nb")
    assert (field.label, field.sources) == (
        catalogue.text("field", RATE, "nb"),
        ("thor-heyerdahl-vgs",),
    )


def test_only_the_youth_sees_what_would_be(house: House) -> None:
    """It tells what is deposited: neither a stranger nor a parent who must sign is shown that."""
    view = house.request("nav-larvik", SARA, categories=["health"])
    for somebody in (EMIL, MOTHER):
        with pytest.raises(UnknownConsent):
            preview(house, somebody, view)


def test_what_is_over_gives_nothing_to_preview(house: House) -> None:
    """Nor has a consent lines that it has not."""
    view = house.answer(house.request("nav-larvik", EMIL), EMIL)
    with pytest.raises(LinesUnknown):
        preview(house, EMIL, view, without=["g999"])
    me.withdraw(ConsentId(view.id), Withdrawal(), call=house.person(EMIL), ports=house.ports)
    with pytest.raises(IllegalTransition):
        preview(house, EMIL, view)


# --- for services


def could(house: House, national_id: str, **asked: object) -> PreviewAnswer:
    """What Nav is told that could be."""
    request = ConsentRequest.model_validate(
        {
            "subject": house.handle("nav-larvik", national_id),
            "collaboration": LARVIK,
            "services": ["nav-larvik", "thor-heyerdahl-vgs", "larvikshjelpa"],
            "purposes": ["case_discussion"],
            "categories": ["education", "functioning", "health"],
            "actor": ACTOR,
            **asked,
        }
    )
    return previewing.preview_request(request, call=house.call("nav-larvik"), ports=house.ports)


def test_a_service_learns_nothing_of_what_is_there(house: House) -> None:
    """The same answer whatever is deposited, answered, refused or objected to."""
    empty = could(house, EMIL)
    assert any(RATE in one.gains for one in empty.services)
    assert all(one.now == () for one in empty.services)
    house.deposit("thor-heyerdahl-vgs", EMIL, {RATE: 0.6})
    house.answer(house.request("nav-larvik", EMIL), EMIL, lambda _: "no")
    assert could(house, EMIL) == empty


def test_a_service_sees_no_less_than_the_youth_would_give(stock: House) -> None:
    """An upper bound: what the youth is then shown is never more."""
    stock.clock.step(minutes=1)
    most = then(could(stock, EMIL))
    shown = then(preview(stock, EMIL, stock.request("nav-larvik", EMIL)))
    assert all(fields <= most[pair] for pair, fields in shown.items())
    assert shown.keys() == most.keys()


def test_a_preview_is_bounded(house: House) -> None:
    """Services times purposes: every one costs decisions."""
    catalogue = house.ports.catalogue
    sources = catalogue.fields[RATE].source_types
    others = [
        unit.id
        for unit in catalogue.units.values()
        if unit.type not in sources and unit.id != "nav-larvik"
    ]
    many = {
        "collaboration": None,
        "services": ["nav-larvik", "thor-heyerdahl-vgs", *others[:33]],
        "purposes": ["case_discussion", "coordination"],
        "categories": [],
        "fields": [RATE],
    }
    with pytest.raises(PreviewTooLarge):
        could(house, EMIL, **many)


@pytest.mark.parametrize(
    ("collaboration", "condition"),
    [
        ("trekantmoter", {"kind": "meeting", "meeting": "mtg_" + "a" * 22}),
        ("ungdomsprosjektet-valdres", {"kind": "standing"}),
    ],
)
def test_what_is_shared_in_meetings_only_says_so(
    house: House, collaboration: str, condition: dict[str, str]
) -> None:
    """The youth is shown what a meeting would give that they know of; it need not have been called yet."""
    agreed = house.ports.catalogue.collaborations[collaboration]
    asked = {
        "collaboration": collaboration,
        "services": sorted(agreed.members_at(house.clock.at)),
        "purposes": [agreed.meeting_required_for[0]],
        "categories": list(agreed.categories),
        "condition": condition,
    }
    unit = agreed.coordinator
    asked["subject"] = house.handle(unit, EMIL)
    view = house.request(unit, EMIL, **asked)
    assert all(one.in_meeting for one in preview(house, EMIL, view).services)
    most = previewing.preview_request(
        ConsentRequest.model_validate({**asked, "actor": ACTOR}),
        call=house.call(unit),
        ports=house.ports,
    )
    assert any(one.gains for one in most.services)
    assert all(one.in_meeting for one in most.services)
