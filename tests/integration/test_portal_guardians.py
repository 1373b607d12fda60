"""Guardians in the portal: a page of their own, their lines only, and what becomes of it when a family does not agree."""

import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.answering import answered, ask, code, opened, view
from tests.family import BO, DAD, LEA, MIO, MUM, NUMBER, PEOPLE, rows
from tests.integration.bad_input import NAV, Unchanged, an_ask
from tests.integration.world import World
from tests.portal import PortalWorld, Visitor, portal_in

ASKS = "spør om ja eller nei"
TORN = "Dere er ikke enige om dette"
SCHOOL = "Skole"
BILATERAL: dict[str, Any] = {
    "collaboration": None,
    "purposes": ["work_inclusion"],
    "categories": ["education"],
}
"""Without an agreement, and so for any age."""


@pytest.fixture(scope="module")
def portal(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[PortalWorld]:
    """A portal that the family can log in at."""
    directory = tmp_path_factory.mktemp("family")
    shutil.copy(sqlite_template, directory / "broker.db")
    url = f"sqlite:///{directory / 'broker.db'}"
    with portal_in(directory, url, others=list(rows()), people=PEOPLE) as running:
        yield running


@pytest.fixture(scope="module")
def world(portal: PortalWorld) -> World:
    """The broker of the portal."""
    return portal.world


@pytest.fixture(scope="module")
def family(portal: PortalWorld) -> dict[str, Visitor]:
    """Browsers in which each of them is logged in."""
    return {who: portal.logged_in(number) for who, number in NUMBER.items()}


def text(visitor: Visitor, path: str) -> str:
    """A page that opens."""
    answer = visitor.get(path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def says(visitor: Visitor, consent: str, said: str) -> None:
    """Answer every line that is shown as a guardian."""
    names = opened(visitor, consent)
    path = f"/requests/{consent}/answer"
    answer = visitor.press(path, child_heard="yes", **dict.fromkeys(names, said))
    assert answer.status_code == 303, answer.text


# --- a page of their own


def test_a_guardian_begins_with_what_waits_and_why(
    family: dict[str, Visitor], world: World
) -> None:
    """Per youth, by age; which law, until which day; and what is not shown, in words."""
    consent = ask(world, LEA)
    page = text(family["mum"], "/")
    assert page == page.replace("Hva har skjedd", "")
    assert "Ungdommen på 15 år" in page
    assert "Ungdommen på 13 år" in page
    assert f"/requests/{consent}" in page
    assert "pasient- og brukerrettighetsloven § 4-3" in page
    assert "0 av 2 foresatte har svart." in page
    assert "ikke om det var noe" in page
    ward = text(family["mum"], "/wards")
    assert ward.count(f"/requests/{consent}") == 1


def test_a_guardian_of_a_youth_nobody_asked_for_anything_sees_the_same_page(
    family: dict[str, Visitor], world: World
) -> None:
    """Gran cannot tell whether any service knows Mio, who said yes for school alone."""
    before = text(family["gran"], "/wards")
    consent = ask(world, MIO, categories=["education"])
    answered(family["mio"], consent)
    world.post("/v1/disclosures", an_ask(world.handle(NAV, MIO)), unit=NAV)
    after = text(family["gran"], "/wards")
    assert "Ingenting venter på svar fra deg." in after
    mains = [page.partition("<main")[2].partition("</main>")[0] for page in (before, after)]
    assert mains[0] == mains[1] != ""


def test_a_guardian_who_is_also_asked_for_themself_keeps_the_two_apart(
    family: dict[str, Visitor], world: World
) -> None:
    """Dad is followed up by Nav himself: his own is on his pages, what he decides as a guardian on another."""
    own, ward = ask(world, DAD, **BILATERAL), ask(world, LEA, categories=["health"])
    start, wards = text(family["dad"], "/"), text(family["dad"], "/wards")
    assert (f"/requests/{own}" in start, f"/requests/{ward}" in start) == (True, False)
    assert (f"/requests/{own}" in wards, f"/requests/{ward}" in wards) == (False, True)
    assert 'href="/wards"' in start
    mine = text(family["dad"], "/consents")
    assert (own in mine, ward in mine, 'href="/wards"' in mine) == (True, False, True)
    assert own not in text(family["mum"], "/wards")


def test_what_a_guardian_has_answered_waits_for_them_no_more(
    family: dict[str, Visitor], world: World
) -> None:
    """It waits for the other one; a second answer by the old page is told so."""
    consent = ask(world, LEA, categories=["health"])
    names = opened(family["mum"], consent)
    page = family["mum"].seen
    says(family["mum"], consent, "yes")
    wards = text(family["mum"], "/wards")
    assert (f"/requests/{consent}" in wards, f"/consents/{consent}" in wards) == (False, True)
    assert f"/requests/{consent}" in text(family["dad"], "/wards")
    assert family["mum"].get(f"/requests/{consent}").headers["location"] == f"/consents/{consent}"
    family["mum"].seen = page
    with Unchanged(world, entries=0):
        again = family["mum"].press(f"/requests/{consent}/answer", **dict.fromkeys(names, "no"))
    assert (again.status_code, code(again)) == (409, "consent.moved")


def test_a_child_is_asked_too_before_the_guardians_yes_counts(
    family: dict[str, Visitor], world: World
) -> None:
    """At thirteen the law hears him: what his parents decide waits for him as well, and says who else must say yes."""
    consent = ask(world, BO, **BILATERAL | {"categories": ["functioning"]})
    assert f"/requests/{consent}" in text(family["bo"], "/")
    page = text(family["bo"], f"/requests/{consent}")
    assert "som mor og far, må også si ja: 0 av 2 har gjort det." in page
    answered(family["bo"], consent)
    assert view(world, consent, BO)["waiting_for"] == ["guardian"]


# --- what the youth is shown of it


def test_a_youth_sees_what_guardians_see(family: dict[str, Visitor], world: World) -> None:
    """Line by line who has answered, on the request and on a page that is theirs."""
    consent = ask(world, LEA)
    says(family["mum"], consent, "yes")
    page = text(family["lea"], f"/requests/{consent}")
    assert "må også si ja: 1 av 2 har gjort det." in page
    seen = text(family["lea"], "/guardians")
    assert f"/consents/{consent}" in seen
    assert "1 av 2 foresatte har svart." in seen
    assert "Dette bestemmer du alene" in seen
    assert SCHOOL not in seen.partition("Dette bestemmer de sammen med deg")[0]


def test_nobody_sees_anything_of_somebody_grown(family: dict[str, Visitor]) -> None:
    """And the page says so."""
    assert "Ingen ser noe her som foresatt for deg." in text(family["gran"], "/guardians")


# --- they do not agree


def test_two_guardians_who_disagree(family: dict[str, Visitor], world: World) -> None:
    """Nothing is shared; each is told what they can do; nobody but the youth is told who said no, and only that it was one."""
    consent = ask(world, LEA, categories=["education", "health"])
    answered(family["lea"], consent)
    says(family["mum"], consent, "yes")
    assert TORN not in text(family["mum"], f"/consents/{consent}")
    says(family["dad"], consent, "no")
    mums, dads = (text(family[who], f"/consents/{consent}") for who in ("mum", "dad"))
    assert (TORN in mums, TORN in dads) == (True, False)
    assert "Vi forteller ikke hvem som sa nei." in mums
    leas = text(family["lea"], f"/consents/{consent}")
    assert (TORN in leas, "En foresatt har sagt nei." in leas) == (True, True)
    assert "Vi forteller ikke hvem" not in leas
    assert view(world, consent, LEA)["state"] == "active"
    made = world.post(
        "/v1/disclosures",
        an_ask(world.handle("larvikshjelpa", LEA), fields=["health.diagnosis"]),
        unit="larvikshjelpa",
    )
    assert made.json()["outcome"] == "refused", made.text


def test_a_youth_and_a_guardian_who_disagree(family: dict[str, Visitor], world: World) -> None:
    """The youth's no stands over a guardian's yes; the guardian sees that it is a no, and not whose."""
    consent = ask(world, LEA, **BILATERAL | {"categories": ["functioning"]})
    says(family["mum"], consent, "yes")
    answered(family["lea"], consent, "no")
    assert view(world, consent, LEA)["state"] == "refused"
    leas = text(family["lea"], f"/requests/{consent}/answered")
    assert (TORN in leas, "Snakk med dem hvis du vil." in leas) == (True, True)
    mums = text(family["mum"], f"/consents/{consent}")
    assert (TORN in mums, "Snakk med ungdommen." in mums) == (True, True)
    wards = text(family["mum"], "/wards")
    assert "Ikke alle sa ja." in wards


def test_what_the_youth_answers_alone_is_theirs_also_when_the_family_disagrees(
    family: dict[str, Visitor], world: World
) -> None:
    """A guardian's no to health leaves the youth's yes for school in force, and the guardian's pages without a word of it."""
    consent = ask(world, LEA, categories=["education", "health"])
    answered(family["lea"], consent)
    says(family["mum"], consent, "no")
    for who in ("mum", "dad"):
        assert SCHOOL not in text(family[who], f"/consents/{consent}").partition("<main")[2]
    lines = view(world, consent, LEA)["grants"]
    assert {line["answer"] for line in lines if line["category"] == "education"} == {"yes"}
    assert {line["answer"] for line in lines if line["category"] == "health"} == {"no"}


def test_a_guardian_stops_their_own_lines_and_pauses_nothing(
    family: dict[str, Visitor], world: World
) -> None:
    """Neither a button nor a form of their own making stops what the youth answers alone."""
    consent = ask(world, LEA, categories=["education", "health"])
    answered(family["lea"], consent)
    for who in ("mum", "dad"):
        says(family[who], consent, "yes")
    page = text(family["mum"], f"/consents/{consent}")
    assert f"/consents/{consent}/pause" not in page
    before = view(world, consent, LEA)
    (own, *_) = [line["id"] for line in before["grants"] if line["category"] == "education"]
    for act, fields in (("pause", {}), ("narrow", {f"line.{own}": "stop"})):
        family["mum"].get(f"/consents/{consent}")
        with Unchanged(world, entries=0):
            answer = family["mum"].press(f"/consents/{consent}/{act}", **fields)
        assert (answer.status_code, code(answer)) == (403, "consent.lines_not_for_signer")
    assert view(world, consent, LEA) == before
    text(family["mum"], f"/consents/{consent}/stop")
    assert family["mum"].press(f"/consents/{consent}/stop").status_code == 303
    after = view(world, consent, LEA)
    assert {g["category"] for g in after["grants"] if g["answer"] == "yes"} == {"education"}
    assert MUM not in family["mum"].seen
