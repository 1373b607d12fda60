"""The demo's other stories: whoever one logs in as, their portal has what happened to them, and no page of it fails."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from html import unescape

import pytest

from broker.demo.cast import PARENTS, STORIES, everybody
from broker.demo.people import THE_TWELVE
from tests.e2e.test_demo import Demo, demo
from tests.portal import Visitor
from tests.processes import free_port

LANGUAGES = {"nb", "nn", "en"}
NAMES = [youth.first_name for youth in THE_TWELVE]
LINK = re.compile(r'href="(/[^"#]*)')
TAG = re.compile(r"<style.*?</style>|<svg.*?</svg>|<[^>]+>", re.DOTALL)

TRUE = {
    "Emil": [
        ("/", "Nav Larvik (state side) asks for your yes or no"),
        ("/consents", "stopped"),
        ("/meetings", "Nav Larvik (state side)"),
        ("/shared", "They were not told: Your diagnosis"),
    ],
    "Sara": [
        ("/", "what Those who work at Ung Arena+ told without a name is about you"),
        ("/consents", "Those who work at Ung Arena+ waiting for one more answer"),
        ("/shared", "The health clinic for youths in Tønsberg Partly shared"),
        ("/values", "Orker ikke kroppsøving"),
    ],
    "Jonas": [
        ("/consents", "Child welfare in Tønsberg stopped"),
        ("/shared", "They were not told: What happened earlier in child welfare"),
        ("/values", "Egen leilighet, og bli ferdig med skolen"),
    ],
    "Amina": [
        ("/", "The bakery in Larvik"),
        ("/shared", "That you were away from work one day (not why)"),
        ("/shared", "The bakery in Larvik Partly shared"),
    ],
    "Oskar": [
        ("/shared", "Larvikshjelpa (mental health and substance use) Partly shared"),
        ("/shared", "They were not told: Your symptoms"),
        ("/", "says that a law lets them know something about you"),
    ],
    "Maja": [
        ("/", "A guardian answered The low-threshold team in Tromsø for you"),
        ("/shared", "Mental health care for children and youths in Tromsø Not shared"),
    ],
    "Ali": [
        ("/meetings", "The health clinic for youths in Lier"),
        ("/shared", "Nav Lier (state side) Not shared"),
        ("/shared", "Nav Lier (state side) Shared"),
    ],
    "Kristin": [
        ("/consents", "The youth committee in Larvik answered no Asked by Nav Larvik (state side)"),
        ("/values", "Kan jobbe full dag"),
        ("/shared", "Nav Larvik (social services) Shared"),
    ],
    "Per": [
        ("/shared", "They were not told: Your address · Your phone number"),
        ("/", "says that a law lets them know something about you"),
    ],
    "Thea": [
        ("/shared", "They were not told: Your symptoms"),
        ("/shared", "The follow-up service in Vestfold Partly shared"),
    ],
    "Noah": [
        ("/shared", "The follow-up service in Vestfold Shared"),
        ("/", "The meeting place"),
    ],
    "Ingrid": [
        ("/shared", "The resource team in Øvre Eiker Not shared"),
        ("/consents", "In use None."),
    ],
}
"""Per youth what a page of theirs says, as a person reads it."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that has told its stories and serves."""
    with demo(tmp_path_factory.mktemp("demo"), "--port", str(free_port())) as telling:
        telling.until("cases.json")
        yield telling


@pytest.fixture(scope="module")
def url(running: Demo) -> str:
    """Where its portal is."""
    found = re.search(r"The broker serves on (\S+) until", running.said())
    assert found, running.said()
    return found[1]


@pytest.fixture
def visitor(url: str) -> Iterator[Visitor]:
    """A browser that reads English."""
    with closing(Visitor(url)) as made:
        made.http.cookies.set("tillit-language", "en", domain="127.0.0.1")
        yield made


def read(text: str) -> str:
    """A page as a person reads it."""
    return " ".join(unescape(TAG.sub(" ", text)).split())


def walked(visitor: Visitor) -> dict[str, int]:
    """Every page that one comes to by links, and how it answered."""
    found: dict[str, int] = {}
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        answer = visitor.http.get(path)
        found[path] = answer.status_code
        if "text/html" in answer.headers.get("content-type", ""):
            links = {unescape(link) for link in LINK.findall(answer.text)}
            waiting += sorted(
                link
                for link in links - found.keys() - set(waiting)
                if not link.startswith(("/static", "/login"))
            )
    return found


@pytest.mark.slow
def test_every_story_was_acted_to_its_end(running: Demo) -> None:
    """A demo that swallows what went wrong shows something else than it says."""
    assert "the other eleven's stories" in running.said()
    assert "broke off" not in running.said()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_each_of_the_twelve_finds_their_own_story(visitor: Visitor, name: str) -> None:
    """Every page that is linked from theirs opens, and what is told of them at the login is there."""
    assert visitor.log_in(NAMES.index(name)).status_code == 303
    pages = {path: read(visitor.get(path).text) for path, _ in TRUE[name]}
    assert [(path, text) for path, text in TRUE[name] if text not in pages[path]] == []
    found = walked(visitor)
    assert {"/", "/consents", "/shared", "/values"} <= found.keys()
    assert {path: status for path, status in found.items() if status not in {200, 303}} == {}


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(PARENTS)))
def test_each_parent_finds_what_waits_for_them(visitor: Visitor, number: int) -> None:
    """Also what they see opens without an error, and nothing that a youth wrote or was told is on it."""
    assert visitor.log_in(len(THE_TWELVE) + number).status_code == 303
    found = walked(visitor)
    shared = read(visitor.get("/shared").text)
    assert {path: status for path, status in found.items() if status not in {200, 303}} == {}
    assert "Nobody has asked about you yet." in shared


def test_whoever_there_is_to_be_has_a_story_in_each_language() -> None:
    """Twelve names alone would say nothing; the parents' are beside them."""
    assert tuple(STORIES) == THE_TWELVE
    told = list(STORIES.values())
    told += [text for _, called, story in PARENTS for text in (called, story)]
    assert [set(text) for text in told] == [LANGUAGES] * len(told)
    people = list(everybody(datetime.now(UTC).date()))
    assert len({one.national_id for one in people}) == len(people) == 15
    assert all(one.about and set(one.spoken) == {"nb", "nn"} for one in people)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "said"),
    [("nb", "Demo: velg hvem du vil være"), ("nn", "Mora til Sara"), ("en", "Sara's mother")],
)
def test_the_login_tells_the_stories_in_the_visitors_language(
    visitor: Visitor, language: str, said: str
) -> None:
    """And no number of anybody stands on it."""
    visitor.http.cookies.set("tillit-language", language, domain="127.0.0.1")
    page = read(visitor.http.get(visitor.http.get("/login").headers["location"]).text)
    assert said in page
    assert all(story[language] in page for story in STORIES.values())
    assert not re.search(r"[0-9]{11}", page)
