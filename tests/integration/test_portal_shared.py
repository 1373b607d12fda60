"""What was shared, in the portal: page by page, each with its receipt."""

import re
from datetime import datetime
from html import unescape

import pytest

from broker.portal.words import OSLO
from tests.integration.bad_input import NAV, SCHOOL, a_deposit, a_request, an_ask
from tests.integration.world import EMIL, World
from tests.portal import PortalWorld, Visitor
from tillit import receipts

MANY = 30
ID = re.compile(r'<a href="/shared/(dis_[\w-]{22})">')
OLDER = re.compile(r'href="(/shared\?before=dis_[\w-]{22})"')


@pytest.fixture(scope="module")
def asked(portal: PortalWorld) -> list[str]:
    """Disclosures about Emil, newest first: the first released, the others refused."""
    world = portal.world
    handle = world.handle(SCHOOL)
    assert world.post("/v1/deposits", a_deposit(world, handle), unit=SCHOOL).status_code == 201
    subject = world.handle(NAV)
    made = world.post("/v1/consents", a_request(subject), unit=NAV).json()
    answers = {line["id"]: "yes" for line in made["grants"]}
    said = {"read": made["text_sha256"], "answers": answers}
    path = f"/v1/me/consents/{made['id']}"
    assert world.post(f"{path}/answer", said, person=EMIL).status_code == 200
    found = [_ask(world, subject)]
    assert world.post(f"{path}/withdraw", {}, person=EMIL).status_code == 200
    found += [_ask(world, subject) for _ in range(MANY - 1)]
    return found[::-1]


def _ask(world: World, subject: str) -> str:
    answer = world.post("/v1/disclosures", an_ask(subject), unit=NAV)
    assert answer.status_code in {200, 201}, answer.text
    return str(answer.json()["id"])


@pytest.fixture(scope="module")
def emil(portal: PortalWorld) -> Visitor:
    """A browser in which Emil is logged in."""
    return portal.logged_in()


def test_every_ask_is_on_one_page_newest_first(emil: Visitor, asked: list[str]) -> None:
    """Twenty-five at a time, none twice and none left out."""
    first = emil.get("/shared").text
    (older,) = OLDER.findall(first)
    second = emil.get(older).text
    assert OLDER.findall(second) == []
    assert ID.findall(first) + ID.findall(second) == asked
    assert (len(ID.findall(first)), len(ID.findall(second))) == (25, MANY - 25)


@pytest.mark.parametrize(
    "query",
    ["before=", "before=dis_x", "before=%F0%9F%98%80", "before=%E2%80%AE", "after=1", "before"],
)
def test_a_page_that_there_is_not_is_told(emil: Visitor, query: str) -> None:
    """In words, whatever stands in the address."""
    answer = emil.get(f"/shared?{query}")
    assert answer.status_code == 400
    assert "request.query" in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "since=2026-02-30",
        "since=x",
        "until=1999-01-01",
        "service=Nav%20Larvik",
        "service=" + "n" * 65,
        "only=released",
        "only=refused&only=refused",
        "since=%D9%A2%D9%A0%D9%A2%D9%A6-01-01",
        "subject=emil",
    ],
)
def test_what_cannot_be_looked_for_is_told(emil: Visitor, query: str) -> None:
    """As with any page that there is not."""
    answer = emil.get(f"/shared?{query}")
    assert (answer.status_code, "request.query" in answer.text) == (400, True)


def test_a_youth_looks_for_what_was_refused_and_pages_on_in_it(
    emil: Visitor, asked: list[str]
) -> None:
    """The way on keeps what is looked for; empty boxes of the form are no filter."""
    first = emil.get("/shared?since=&until=&service=nav-larvik&only=refused").text
    (older,) = re.findall(r'href="(/shared\?[^"]*before=[^"]+)"', first)
    older = unescape(older)
    assert "service=nav-larvik" in older
    second = emil.get(older).text
    assert ID.findall(first) + ID.findall(second) == asked[:-1]
    assert 'value="refused" checked' in second
    assert 'value="nav-larvik" selected' in second
    assert 'href="/shared?service=nav-larvik&amp;only=refused"' in second


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    "query", ["only=emergency", "service=ot-vestfold", "until=2001-01-01", "since=2099-12-31"]
)
def test_where_nothing_is_found_the_page_says_so(emil: Visitor, query: str) -> None:
    """And offers everything again."""
    page = emil.get(f"/shared?{query}").text
    assert ID.findall(page) == []
    assert "Fant ingenting" in page
    assert 'href="/shared"' in page


def test_a_day_is_looked_through_to_its_end_in_norway(emil: Visitor, asked: list[str]) -> None:
    """From today to today is today."""
    today = datetime.now(OSLO).date().isoformat()
    found = ID.findall(emil.get(f"/shared?since={today}&until={today}").text)
    assert found == asked[:25]


@pytest.mark.usefixtures("asked")
def test_a_page_before_what_is_not_mine_is_empty(emil: Visitor) -> None:
    """A guessed id tells nothing."""
    answer = emil.get(f"/shared?before=dis_{'a' * 22}")
    assert (answer.status_code, ID.findall(answer.text)) == (200, [])


def test_what_was_shared_and_what_not_is_told_of_each(emil: Visitor, asked: list[str]) -> None:
    """The first was released and says from whom; the latest was refused and says why."""
    released, refused = emil.get(f"/shared/{asked[-1]}").text, emil.get(f"/shared/{asked[0]}").text
    for page in (released, refused):
        assert "Nav Larvik" in page
        assert "veileder" in page
    assert "Thor Heyerdahl" in released
    assert '<span class="tag off">' not in released
    assert '<span class="tag off">' in refused
    assert "Thor Heyerdahl" not in refused
    assert "0.62" not in released


def test_a_receipt_can_be_kept_and_checked(
    portal: PortalWorld, emil: Visitor, asked: list[str]
) -> None:
    """With the broker's public keys alone, by anybody, and it speaks of that disclosure."""
    jwks = portal.world.get("/v1/keys").json()["receipts"]
    for identity in (asked[0], asked[-1]):
        answer = emil.get(f"/shared/{identity}/receipt")
        assert answer.headers["content-type"] == "application/jose"
        assert answer.headers["cache-control"] == "no-store"
        named = f'attachment; filename="{identity}.receipt.jws"'
        assert answer.headers["content-disposition"] == named
        assert receipts.verify(answer.text, jwks).statement.id == identity
