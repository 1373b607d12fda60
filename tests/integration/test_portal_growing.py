"""Birthdays in the portal: what changes, answered anew line by line before the day, and what guardians see no more."""

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest

from broker.demo.national_ids import numbers
from broker.usecases.people import OSLO
from tests.answering import answered, ask, opened, ticked, view
from tests.family import DAD, MUM, rows
from tests.portal import PortalWorld, Visitor, portal_in

TODAY = datetime.now(OSLO).date()


def near(days: int) -> date:
    """A day about so many days from now, that every year has."""
    day = TODAY + timedelta(days=days)
    return day.replace(day=min(day.day, 28))


def born(years: int, days: int) -> date:
    """When somebody was born who turns so many years then."""
    day = near(days)
    return day.replace(year=day.year - years)


SOON = born(16, 12)
PEOPLE = {
    "tom": (next(numbers(SOON, "man")), SOON),
    "tim": (next(numbers(born(16, -7), "man")), born(16, -7)),
    "ada": (next(numbers(born(18, 9), "woman")), born(18, 9)),
    "eli": (next(numbers(born(17, 9), "woman")), born(17, 9)),
}
ORDER = (*PEOPLE, "mum", "dad")


@pytest.fixture(scope="module")
def portal(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[PortalWorld]:
    """A portal at which youths log in whose birthdays are near, and their parents."""
    directory = tmp_path_factory.mktemp("growing")
    shutil.copy(sqlite_template, directory / "broker.db")
    youths = [
        {"national_id": number, "born": day.isoformat(), "guardians": [MUM, DAD]}
        for number, day in PEOPLE.values()
    ]
    grown = [row for row in rows() if row["national_id"] in {MUM, DAD}]
    people = [*(number for number, _ in PEOPLE.values()), MUM, DAD]
    url = f"sqlite:///{directory / 'broker.db'}"
    with portal_in(directory, url, others=[*youths, *grown], people=people) as running:
        yield running


@pytest.fixture(scope="module")
def family(portal: PortalWorld) -> dict[str, Visitor]:
    """Browsers in which each of them is logged in."""
    return {who: portal.logged_in(number) for number, who in enumerate(ORDER)}


def text(visitor: Visitor, path: str) -> str:
    """What stands on a page that opens."""
    answer = visitor.get(path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text.partition("<main")[2].partition("</main>")[0])


def test_what_guardians_said_yes_to_is_answered_anew_line_by_line(
    portal: PortalWorld, family: dict[str, Visitor]
) -> None:
    """From the start page to the request to the answer, which counts from the day; the guardians see nothing of it."""
    world, (tom, _) = portal.world, PEOPLE["tom"]
    old = ask(world, tom, categories=["health"])
    for who in ("mum", "dad"):
        names = opened(family[who], old)
        path = f"/requests/{old}/answer"
        family[who].press(path, child_heard="yes", **dict.fromkeys(names, "yes"))
    assert view(world, old, tom)["state"] == "active"
    ticked(world)
    assert f"Du fyller 16 om {(near(12) - TODAY).days} dager" in text(family["tom"], "/")
    page = text(family["tom"], "/growing")
    assert "Dette må du svare på en gang til" in page
    assert "Dette kan ikke de foresatte se fra den dagen" in page
    assert f"/consents/{old}" in page
    mine = world.get("/v1/me/consents", person=tom).json()["consents"]
    (again,) = [one["id"] for one in mine if one["reconfirms"] == old]
    assert f"/requests/{again}" in page
    assert "De foresatte svarte på dette før." in text(family["tom"], f"/requests/{again}")
    answered(family["tom"], again)
    page = text(family["tom"], "/growing")
    assert "svart, og gjelder fra bursdagen din" in page
    assert f"/requests/{again}" not in page
    for who in ("mum", "dad"):
        assert again not in text(family[who], "/wards")
        assert family[who].get(f"/consents/{again}").status_code == 404


def test_after_the_birthday_it_stands_what_is_ones_own_now(family: dict[str, Visitor]) -> None:
    """With the day it was, in words."""
    page = text(family["tim"], "/growing")
    assert "Du fylte 16 den" in page
    assert "Dette bestemmer du alene nå" in page
    assert "pasient- og brukerrettighetsloven § 4-3" in page


def test_of_age_guardians_have_no_say(family: dict[str, Visitor]) -> None:
    """Also for whom nothing else changes."""
    page = text(family["ada"], "/growing")
    assert "Da er du myndig." in page
    assert "Du fyller 18 om" in text(family["ada"], "/")


def test_a_birthday_that_changes_nothing_stands_nowhere(family: dict[str, Visitor]) -> None:
    """Seventeen: the page says that nothing changes, and the start page nothing."""
    assert "Ingenting endrer seg de neste to månedene." in text(family["eli"], "/growing")
    assert "/growing" not in text(family["eli"], "/")
