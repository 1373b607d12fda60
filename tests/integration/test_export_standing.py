"""How an exported line stands after each thing that may become of a consent, in both formats; on both databases."""

from collections.abc import Callable

import pytest

from broker.domain.ids import ConsentId
from broker.exports import fhir
from broker.usecases import me
from broker.usecases.exporting import Record
from broker.usecases.ticking import tick
from tests.exported import check, document, events, exported, records, states, statuses
from tests.house import EMIL, House
from tillit.wire import ConsentView, DigitalAnswer, Withdrawal

HEALTH = "health"


# --- what may have become of a consent


def requested(house: House) -> ConsentView:
    """Asked for, and not answered."""
    return house.request("nav-larvik", EMIL)


def active(house: House) -> ConsentView:
    """Yes to everything."""
    return house.answer(requested(house), EMIL)


def refused(house: House) -> ConsentView:
    """No to everything."""
    return house.answer(requested(house), EMIL, lambda _: "no")


def partly(house: House) -> ConsentView:
    """Yes to all but health."""
    return house.answer(
        requested(house), EMIL, lambda line: "no" if line.category == HEALTH else "yes"
    )


def narrowed(house: House) -> ConsentView:
    """Yes to everything, and then health taken back."""
    view = active(house)
    gone = tuple(line.id for line in view.grants if line.category == HEALTH)
    call = house.person(EMIL)
    return me.withdraw(ConsentId(view.id), Withdrawal(grants=gone), call=call, ports=house.ports)


def paused(house: House) -> ConsentView:
    """Yes, and a pause."""
    return me.pause(ConsentId(active(house).id), call=house.person(EMIL), ports=house.ports)


def withdrawn(house: House) -> ConsentView:
    """Yes, and taken back."""
    call = house.person(EMIL)
    return me.withdraw(ConsentId(active(house).id), Withdrawal(), call=call, ports=house.ports)


def run_out(house: House) -> ConsentView:
    """Yes, and its time is over, though nobody has looked yet."""
    view = house.answer(house.request("nav-larvik", EMIL, valid_days=2), EMIL)
    house.clock.step(days=2)
    return view


def expired(house: House) -> ConsentView:
    """The same, and somebody has."""
    view = run_out(house)
    tick(ports=house.ports)
    return view


def used_up(house: House) -> ConsentView:
    """Yes to one release, which was made."""
    rate = "education.attendance.rate"
    house.deposit("thor-heyerdahl-vgs", EMIL, {rate: 0.62})
    once = {
        "services": ["nav-larvik", "thor-heyerdahl-vgs"],
        "categories": [],
        "fields": [rate],
        "condition": {"kind": "once"},
    }
    view = house.answer(house.request("nav-larvik", EMIL, **once), EMIL)
    assert house.disclose(house.ask("nav-larvik", EMIL, rate), "nav-larvik").outcome == "released"
    return view


def put_off(house: House) -> ConsentView:
    """Yes to all but health, which can wait."""
    return house.answer(
        requested(house), EMIL, lambda line: "not_now" if line.category == HEALTH else "yes"
    )


def answered_later(house: House) -> ConsentView:
    """The same, and health two days later."""
    view = put_off(house)
    house.clock.step(days=2)
    shown = me.consent(ConsentId(view.id), person=house.hashed(EMIL), ports=house.ports)
    said = DigitalAnswer(read=view.text_sha256, answers=dict.fromkeys(shown.put_off, "yes"))
    return me.answer(ConsentId(view.id), said, call=house.person(EMIL), ports=house.ports)


def put_off_and_stopped(house: House) -> ConsentView:
    """Health put off, and then all of it taken back."""
    view = put_off(house)
    call = house.person(EMIL)
    return me.withdraw(ConsentId(view.id), Withdrawal(), call=call, ports=house.ports)


Made = Callable[[House], ConsentView]
LIVES: list[tuple[Made, list[str], list[str]]] = [
    (requested, ["requested"], ["proposed"]),
    (active, ["given"], ["active"]),
    (refused, ["refused"], ["rejected"]),
    (partly, ["given", "refused"], ["active"]),
    (narrowed, ["given", "not_given"], ["active"]),
    (put_off, ["given", "deferred"], ["active"]),
    (answered_later, ["given"], ["active"]),
    (put_off_and_stopped, ["withdrawn", "not_given"], ["inactive"]),
    (paused, ["paused"], ["inactive"]),
    (withdrawn, ["withdrawn"], ["inactive"]),
    (run_out, ["expired"], ["inactive"]),
    (expired, ["expired"], ["inactive"]),
    (used_up, ["expired"], ["inactive"]),
]


@pytest.mark.parametrize(
    ("live", "stands", "is_now"), LIVES, ids=[made.__name__ for made, *_ in LIVES]
)
def test_a_record_says_how_its_lines_stand(
    house: House, live: Made, stands: list[str], is_now: list[str]
) -> None:
    """In both formats; and whatever is not in force reads as not valid for processing, also to who knows no word of ours."""
    live(house)
    found = document(house)
    assert sorted(states(house)) == sorted(stands)
    assert statuses(house) == is_now
    check(found)
    for record in records(found):
        last = events(record)[-1]
        valid = "dpv:ConsentGiven" in last
        assert valid == (record["tillit:state"] == "given")


def test_what_was_answered_later_is_given_later(house: House) -> None:
    """Each line from its own yes on, and FHIR permits what was put off only then."""
    before = put_off(house)
    bundle = fhir.bundle(exported(house), ports=house.ports)
    permitted = {line["id"] for line in bundle["entry"][0]["resource"]["provision"]["provision"]}
    health = {line.id for line in before.grants if line.category == HEALTH}
    assert permitted == {line.id for line in before.grants} - health
    house.clock.step(days=2)
    said = DigitalAnswer(read=before.text_sha256, answers=dict.fromkeys(sorted(health), "yes"))
    me.answer(ConsentId(before.id), said, call=house.person(EMIL), ports=house.ports)
    (record,) = records(document(house))
    _, first, second = record["dpv:hasConsentStatus"]
    assert first["dpv:isIndicatedAtTime"] == "2026-11-23T09:00:00Z"
    assert second["dpv:isIndicatedAtTime"] == "2026-11-25T09:00:00Z"
    assert set(second["tillit:lines"]) == health
    check(document(house))


def test_a_line_without_an_answer_is_never_given() -> None:
    """Closed on doubt, whatever state the consent is said to be in."""
    view = ConsentView.model_validate(
        {
            "id": "con_" + "a" * 22,
            "version": 1,
            "state": "active",
            "collaboration": None,
            "requested_by": "nav-larvik",
            "requested_at": "2026-11-23T09:00:00Z",
            "valid_from": None,
            "valid_until": "2027-11-23T09:00:00Z",
            "language": "nb",
            "text": "",
            "text_sha256": "a" * 43,
            "grants": [
                {
                    "id": "g1",
                    "source": "thor-heyerdahl-vgs",
                    "recipient": "nav-larvik",
                    "category": "education",
                    "fields": [],
                    "purpose": "case_discussion",
                    "condition": {},
                    "special": False,
                    "answer": None,
                    "text": "",
                }
            ],
            "waiting_for": [],
        }
    )
    record = Record(view=view, means={}, over=frozenset(), answers=(), changed_at=None)
    assert record.standing(view.grants[0]) == "requested"
