"""Others in the portal: a stranger finds nothing of anybody's, a guardian what needs one and no more."""

import re

import pytest

from broker.portal import rooms
from tests.answering import CODE, LINE, answered, ask, code, opened, view
from tests.integration.bad_input import NAV, SCHOOL, Unchanged, a_deposit, an_ask
from tests.integration.world import EMIL, World
from tests.portal import SARA, PortalWorld, Visitor

NUMBER = {"emil": 0, "nora": 1, "stranger": 2, "sara": 3, "mother": 4}
OWN = {
    page.route: page
    for page in rooms.every()
    if re.search("{(consent|disclosure|question|helper|record)}", page.path) and not page.staff
}


@pytest.fixture(scope="module")
def world(portal: PortalWorld) -> World:
    """The broker of the portal."""
    return portal.world


@pytest.fixture(scope="module")
def emils(portal: PortalWorld, world: World) -> dict[str, dict[str, str]]:
    """Real ids of Emil's: of a request that waits, of a consent in use, of a disclosure, of an open question and a helper."""
    emil = portal.logged_in()
    active = ask(world, categories=["education"])
    answered(emil, active)
    made = world.post("/v1/disclosures", an_ask(world.handle(NAV)), unit=NAV).json()
    common = {
        "disclosure": str(made["id"]),
        "question": _question(world, active),
        "helper": _helper(world),
        "record": _record(world),
    }
    return {
        "waiting": common | {"consent": ask(world)},
        "active": common | {"consent": active},
    }


def _question(world: World, consent: str) -> str:
    """One that Nav's next ask puts to Emil; its id."""
    lines = {line["id"]: "ask_me_first" for line in view(world, consent)["grants"]}
    path = f"/v1/me/consents/{consent}/conditions"
    changed = world.post(path, {"conditions": lines}, person=EMIL)
    assert changed.status_code == 200, changed.text
    world.post("/v1/disclosures", an_ask(world.handle(NAV)), unit=NAV)
    (question,) = world.get("/v1/me/questions", person=EMIL).json()["questions"]
    assert question["state"] == "open"
    return str(question["id"])


def _record(world: World) -> str:
    """What the school wrote, which Emil contests."""
    deposit = a_deposit(world, world.handle(SCHOOL))
    made = world.post("/v1/deposits", deposit, unit=SCHOOL).json()["deposited"]
    record = str(made["education.attendance.rate"])
    said = world.post("/v1/me/contests", {"record": record, "text": "nei"}, person=EMIL)
    assert said.status_code == 200, said.text
    return record


def _helper(world: World) -> str:
    """Sara, who looks along with Emil; her id as a helper."""
    code = world.post("/v1/me/helpers", {"shows": ["consents"]}, person=EMIL).json()["code"]
    taken = world.post("/v1/me/helping", {"code": code}, person=SARA)
    assert taken.status_code < 300, taken.text
    return str(taken.json()["helper"])


@pytest.fixture(scope="module")
def others(portal: PortalWorld) -> dict[str, Visitor]:
    """Browsers in which others are logged in."""
    return {who: portal.logged_in(number) for who, number in NUMBER.items() if who != "emil"}


@pytest.mark.parametrize("who", ["nora", "mother", "stranger"])
@pytest.mark.parametrize("which", ["waiting", "active"])
@pytest.mark.parametrize("route", sorted(OWN))
def test_anothers_things_are_not_there(
    world: World,
    emils: dict[str, dict[str, str]],
    others: dict[str, Visitor],
    route: str,
    which: str,
    who: str,
) -> None:
    """Whoever has the right address and is logged in as themself sees nothing and changes nothing (IDOR)."""
    page, ids = OWN[route], emils[which]
    path = re.sub(r"{(\w+)}", lambda found: ids[found[1]], page.path)
    visitor = others[who]
    lines = view(world, ids["consent"])["grants"]
    fields: dict[str, str] = {}
    if "version" in page.takes.model_fields:
        fields["version"] = str(view(world, ids["consent"])["version"])
    if "lines" in page.takes.model_fields:
        said = "ask_me_first" if "conditions" in path else "yes"
        fields |= {f"line.{line['id']}": said for line in lines}
    if "answer" in page.takes.model_fields:
        fields["answer"] = "yes"
    if "reason" in page.takes.model_fields:
        fields["reason"] = "other"
    if "ask" in page.takes.model_fields:
        fields["ask"] = "contact_me"
    if "language" in page.takes.model_fields:
        fields["language"] = "nb"
    if "text" in page.takes.model_fields:
        fields["text"] = "nei"
    before = view(world, ids["consent"])
    visitor.get("/consents")
    with Unchanged(world, entries=0):
        answer = visitor.get(path) if page.method == "GET" else visitor.press(path, **fields)
    assert answer.status_code == 404
    assert code(answer) in {
        "consent.unknown",
        "contest.unknown",
        "disclosure.unknown",
        "helper.unknown",
        "question.unknown",
        "subject.none",
    }
    assert view(world, ids["consent"]) == before
    assert "Nav Larvik" not in answer.text


@pytest.mark.parametrize("who", ["nora", "stranger"])
@pytest.mark.parametrize(
    "path",
    sorted(
        page.path
        for page in rooms.every()
        if page.method == "GET"
        and "{" not in page.path
        and not page.path.startswith("/login")
        and not page.staff
    ),
)
def test_somebody_the_broker_knows_nothing_about_sees_empty_pages(
    others: dict[str, Visitor], who: str, path: str
) -> None:
    """Not an error: there is nothing, and the page says so. Nora stands in the register, the stranger not even there."""
    answer = others[who].get(path)
    assert answer.status_code == 200
    assert CODE.search(answer.text) is None


def test_a_helper_sees_what_a_stopped_yes_was_and_not_that_it_holds(
    world: World, emils: dict[str, dict[str, str]], others: dict[str, Visitor]
) -> None:
    """Else whoever looks along would tell a youth that services may know what they may not."""
    helper = emils["active"]["helper"]
    before = others["sara"].get(f"/helping/{helper}").text
    assert (before.count(">ja</span>") > 0, "var ja" in before) == (True, False)
    path = f"/v1/me/consents/{emils['active']['consent']}/withdraw"
    assert world.post(path, {}, person=EMIL).status_code == 200
    after = others["sara"].get(f"/helping/{helper}").text
    assert (">ja</span>" in after, after.count("var ja") > 0) == (False, True)


# --- a guardian ---


def test_a_guardian_sees_and_answers_the_lines_that_need_one(
    portal: PortalWorld, world: World
) -> None:
    """Health, at fifteen; what Sara answers alone is not on the page, in words or in hidden fields."""
    consent = ask(world, SARA)
    sara, mother = portal.logged_in(NUMBER["sara"]), portal.logged_in(NUMBER["mother"])
    lines = view(world, consent, SARA)["grants"]
    health = {line["id"] for line in lines if line["category"] == "health"}
    school = {line["id"] for line in lines} - health
    assert health
    assert school
    shown = {
        line for name in opened(mother, consent) for line in name.removeprefix("line.").split(",")
    }
    assert shown == health
    assert not [
        line["text"] for line in lines if line["id"] in school and line["text"] in mother.seen
    ]
    assert f"/requests/{consent}/preview" not in mother.seen
    names = LINE.findall(mother.seen)
    answer = mother.press(
        f"/requests/{consent}/answer", child_heard="yes", **dict.fromkeys(names, "yes")
    )
    assert answer.status_code == 303, answer.text
    assert mother.get(answer.headers["location"]).status_code == 200
    answers = {line["id"]: line["answer"] for line in view(world, consent, SARA)["grants"]}
    assert {answers[line] for line in school} == {None}
    answered(sara, consent)
    assert view(world, consent, SARA)["state"] == "active"


def test_a_guardian_cannot_answer_the_youths_own_lines(portal: PortalWorld, world: World) -> None:
    """Nor by a form that names them."""
    consent = ask(world, SARA)
    mother = portal.logged_in(NUMBER["mother"])
    own = [
        line["id"]
        for line in view(world, consent, SARA)["grants"]
        if line["category"] == "education"
    ]
    names = opened(mother, consent)
    chosen = dict.fromkeys(names, "yes") | {f"line.{own[0]}": "yes"}
    answer = mother.press(f"/requests/{consent}/answer", child_heard="yes", **chosen)
    assert answer.status_code in {403, 422}
    assert view(world, consent, SARA)["state"] == "requested"


def test_a_request_without_a_line_for_a_guardian_is_not_theirs(
    portal: PortalWorld, world: World
) -> None:
    """School at fifteen is Sara's alone: her mother does not see that she was asked."""
    consent = ask(world, SARA, categories=["education"])
    mother = portal.logged_in(NUMBER["mother"])
    assert consent not in mother.get("/").text
    assert consent not in mother.get("/consents").text
    assert mother.get(f"/requests/{consent}").status_code == 404


def test_a_guardian_sees_nothing_of_what_was_shared_about_the_youth(
    portal: PortalWorld, world: World
) -> None:
    """The timeline is the subject's own."""
    world.post("/v1/disclosures", an_ask(world.handle(NAV, SARA)), unit=NAV)
    mother = portal.logged_in(NUMBER["mother"])
    assert "<article" not in mother.get("/shared").text
    assert "<article" in portal.logged_in(NUMBER["sara"]).get("/shared").text
