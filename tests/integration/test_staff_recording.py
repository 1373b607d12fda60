"""Recording an answer that was given out loud: as full as a digital one, by the employee who heard it (N2)."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from broker.portal.words import OSLO
from tests.answering import CODE, answered, ask, code, outcome, view
from tests.integration.bad_input import NAV, Unchanged
from tests.integration.world import EMIL, NORA, World
from tests.portal import ADVISER, COLLEAGUE, SARA, PortalWorld, Visitor
from tillit.jose import b64u

LINE = re.compile(r'name="(line\.[^"]+)" value="yes"')
_ACTOR = re.compile(r"emp-[a-p]{32}")


@pytest.fixture(scope="module")
def world(portal: PortalWorld) -> World:
    """The broker of the portal."""
    return portal.world


@pytest.fixture(scope="module")
def adviser(portal: PortalWorld) -> Visitor:
    """An adviser of Nav's."""
    return portal.at_work(ADVISER)


def opened(visitor: Visitor, consent: str, query: str = "") -> list[str]:
    """Open the page to write an answer down; the names of its choices."""
    answer = visitor.get(f"/staff/requests/{consent}/record{query}")
    assert answer.status_code == 200, answer.text
    return LINE.findall(answer.text)


def form(visitor: Visitor, said: str = "yes", **changes: str) -> dict[str, str]:
    """The page's own form, filled in."""
    own = visitor.hidden()
    at = datetime.now(UTC).astimezone(OSLO)
    fields = {name: own[name] for name in ("read", "signer")}
    fields |= {"day": f"{at:%d.%m.%Y}", "clock": f"{at:%H:%M}", "attested": "yes"}
    return fields | dict.fromkeys(LINE.findall(visitor.seen), said) | changes


def test_what_was_answered_out_loud_is_written_down_and_the_youth_is_told(
    adviser: Visitor, world: World
) -> None:
    """The lines as they were answered, the text that was read, the employee who heard it; and one act takes it back."""
    consent = ask(world)
    names = opened(adviser, consent)
    assert "checked" not in adviser.seen
    assert view(world, consent)["text"].splitlines()[0] in adviser.seen
    health = [n for n in names if "line" in n][-1]
    answer = adviser.press(f"/staff/requests/{consent}/record", **form(adviser, **{health: "no"}))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/staff/requests/{consent}")
    mine = view(world, consent)
    said = {line["id"]: line["answer"] for line in mine["grants"]}
    no = set(health.removeprefix("line.").split(","))
    assert {line for line, word in said.items() if word == "no"} == no
    assert mine["state"] == "active"
    entry = world.entries("consent.activated")[-1]
    who = _ACTOR.search(adviser.seen)
    assert who
    assert entry["recorded_by"] == {"actor": who[0], "role": "veileder", "unit": NAV}
    assert (entry["method"], entry["read"]) == ("oral", mine["text_sha256"])
    assert who[0] in adviser.get("/staff").text
    kinds = [n["kind"] for n in world.get("/v1/me/notices", person=EMIL).json()["notices"]]
    assert "captured" in kinds
    world.post(f"/v1/me/consents/{consent}/withdraw", {}, person=EMIL)
    assert outcome(world) == "refused"


def test_a_no_to_everything_is_written_down_too(adviser: Visitor, world: World) -> None:
    """A refusal is an answer, and needs no reason."""
    consent = ask(world, NORA)
    opened(adviser, consent)
    adviser.press(f"/staff/requests/{consent}/record", **form(adviser, "no"))
    assert view(world, consent, NORA)["state"] == "refused"


@pytest.mark.parametrize("lacks", ["line", "attested"])
def test_nothing_is_written_down_until_all_is_answered_and_attested(
    adviser: Visitor, world: World, lacks: str
) -> None:
    """The page is shown again with what was chosen; nobody is told anything."""
    consent = ask(world)
    names = opened(adviser, consent)
    fields = form(adviser)
    del fields[names[0] if lacks == "line" else "attested"]
    with Unchanged(world, entries=0):
        answer = adviser.press(f"/staff/requests/{consent}/record", **fields)
    assert answer.status_code == 422
    assert f'id="{"missing" if lacks == "line" else "unattested"}"' in answer.text
    assert answer.text.count(" checked") == len(names) - (lacks == "line")
    assert view(world, consent)["state"] == "requested"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"read": "a" * 43}, "consent.text_differs"),
        ({"day": "2.3.2021"}, "consent.out_of_time"),
        ({"day": f"{datetime.now(UTC) + timedelta(days=2):%d.%m.%Y}"}, "consent.out_of_time"),
        ({"day": "tomorrow"}, "consent.out_of_time"),
        ({"day": "31.2.2026"}, "consent.out_of_time"),
        ({"day": "1.1.0001"}, "consent.out_of_time"),
        ({"day": "1.1.9999"}, "consent.out_of_time"),
        ({"day": "<b>"}, "consent.out_of_time"),
        ({"clock": "25:00"}, "consent.out_of_time"),
        ({"clock": ""}, "consent.out_of_time"),
        ({"line.g99": "yes"}, "consent.lines_unknown"),
    ],
)
def test_what_the_api_refuses_is_refused_and_logged(
    adviser: Visitor, world: World, change: dict[str, str], refusal: str
) -> None:
    """Another text than was asked with, an answer before the question or from tomorrow, a line that nobody asked."""
    consent = ask(world)
    opened(adviser, consent)
    with Unchanged(world, entries=1):
        answer = adviser.press(f"/staff/requests/{consent}/record", **form(adviser, **change))
    assert answer.status_code == 422
    assert refusal in answer.text
    assert world.refusals()[-1]["code"] == refusal
    assert world.refusals()[-1]["actor"].startswith("emp-")
    assert view(world, consent)["state"] == "requested"


@pytest.mark.parametrize(
    "change",
    [
        {"day": "1" * 21},
        {"signer": "nav-larvik"},
        {"line.g1": "maybe"},
        {"method": "digital"},
        {"actor": "emp-" + "a" * 32},
        {"unit": "thor-heyerdahl-vgs"},
    ],
    ids=str,
)
def test_a_form_that_the_page_does_not_send_is_refused(
    adviser: Visitor, world: World, change: dict[str, str]
) -> None:
    """Nobody says by a form who recorded an answer, or for which unit."""
    consent = ask(world)
    opened(adviser, consent)
    answer = adviser.press(f"/staff/requests/{consent}/record", **form(adviser, **change))
    assert (answer.status_code, code(answer)) == (400, "body.form")
    assert view(world, consent)["state"] == "requested"


def test_an_answer_given_on_the_phone_meanwhile_stands(
    portal: PortalWorld, adviser: Visitor, world: World
) -> None:
    """Two answer at once: what the youth said themself is what counts, and the employee is told."""
    consent = ask(world)
    opened(adviser, consent)
    fields = form(adviser, "no")
    answered(portal.logged_in(), consent)
    with Unchanged(world, entries=1):
        answer = adviser.press(f"/staff/requests/{consent}/record", **fields)
    assert (answer.status_code, code(answer)) == (409, "consent.already_signed")
    assert world.refusals()[-1]["code"] == "consent.already_signed"
    assert "sine egne sider" in answer.text
    assert view(world, consent)["state"] == "active"
    assert adviser.get(f"/staff/requests/{consent}/record").status_code == 303


def test_only_a_fresh_login_writes_an_answer_down(portal: PortalWorld, world: World) -> None:
    """A desk that somebody left is no witness: the page leads to a new login, and the form is refused."""
    consent = ask(world)
    portal.staff_claims.changed = {"auth_time": 1}
    stale = portal.at_work(COLLEAGUE)
    portal.staff_claims.changed = {}
    answer = stale.get(f"/staff/requests/{consent}/record")
    path = f"/staff/requests/{consent}/record"
    assert answer.headers["location"] == f"/staff/login?again=yes&to={path}"
    assert stale.get(f"/staff/requests/{consent}").status_code == 200
    answer = stale.press(path, version="1")
    assert (answer.status_code, code(answer)) == (401, "session.stale")
    assert 'href="/staff/login?again=yes"' in answer.text


def test_a_guardians_answer_is_for_the_lines_that_need_one(adviser: Visitor, world: World) -> None:
    """At fifteen: the mother answers health and no more; then Sara answers all, and it is in force."""
    consent = ask(world, SARA)
    every = opened(adviser, consent)
    assert f"/staff/requests/{consent}/record?signer=guardian" in adviser.seen
    some = opened(adviser, consent, "?signer=guardian")
    assert set(some) < set(every)
    adviser.press(f"/staff/requests/{consent}/record", **form(adviser, child_heard="yes"))
    assert view(world, consent, SARA)["state"] == "partly_signed"
    opened(adviser, consent)
    adviser.press(f"/staff/requests/{consent}/record", **form(adviser))
    assert view(world, consent, SARA)["state"] == "active"


def test_the_same_press_writes_one_answer(adviser: Visitor, world: World) -> None:
    """A second press leads to the same page and changes nothing."""
    consent = ask(world)
    opened(adviser, consent)
    own = adviser.hidden()
    fields = form(adviser) | {name: own[name] for name in ("check", "once", "version")}
    path = f"/staff/requests/{consent}/record"
    assert adviser.post(path, fields).status_code == 303
    version = view(world, consent)["version"]
    assert adviser.post(path, fields).status_code == 303
    assert view(world, consent)["version"] == version
    assert CODE.search(adviser.seen) is None


def test_a_guardian_who_need_not_answer_does_not(adviser: Visitor, world: World) -> None:
    """A grown youth's parents have no line: a form that says otherwise is refused."""
    consent = ask(world)
    opened(adviser, consent)
    fields = {n: v for n, v in form(adviser, signer="guardian").items() if "line" not in n}
    answer = adviser.press(f"/staff/requests/{consent}/record", **fields)
    assert (answer.status_code, code(answer)) == (403, "consent.signer_not_needed")
    assert view(world, consent)["state"] == "requested"


def with_file(
    visitor: Visitor, consent: str, content: bytes, **changes: str
) -> tuple[httpx.Response, dict[str, str]]:
    """Send the page's form as a browser does where a file was chosen."""
    opened(visitor, consent)
    own = visitor.hidden()
    fields = form(visitor) | {name: own[name] for name in ("check", "once", "version")} | changes
    return upload(visitor, consent, content, fields), fields


def upload(
    visitor: Visitor, consent: str, content: bytes, fields: dict[str, str]
) -> httpx.Response:
    """The fields and the file, in parts."""
    answer = visitor.http.post(
        f"/staff/requests/{consent}/record",
        data=fields,
        files={"scan": ("samtykke.pdf", content, "application/pdf")},
        headers={"origin": visitor.url, "sec-fetch-site": "same-origin"},
    )
    visitor.seen = answer.text or visitor.seen
    return answer


def test_a_signed_paper_is_recorded_by_its_hash_and_kept_nowhere(
    adviser: Visitor, world: World
) -> None:
    """The file's bytes go no further than the sum over them, which whoever has the paper can make again."""
    consent = ask(world)
    paper = b"%PDF-1.7 \r\n--signed by Emil, a canary 7c1d\n" + bytes(range(256)) * 400
    answer, fields = with_file(adviser, consent, paper)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/staff/requests/{consent}")
    assert view(world, consent)["state"] == "active"
    entry = world.entries("consent.activated")[-1]
    assert (entry["method"], entry["scan"]) == ("paper", b64u(hashlib.sha256(paper).digest()))
    kept = [path for path in world.directory.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"a canary 7c1d" in path.read_bytes()]
    version = view(world, consent)["version"]
    assert upload(adviser, consent, paper, fields).status_code == 303
    assert view(world, consent)["version"] == version


def test_no_file_is_an_answer_out_loud(adviser: Visitor, world: World) -> None:
    """As a browser sends the field when nothing was chosen."""
    consent = ask(world)
    answer, _ = with_file(adviser, consent, b"")
    assert answer.status_code == 303
    assert world.entries("consent.activated")[-1]["method"] == "oral"


@pytest.mark.parametrize(
    ("content", "changes", "status", "told"),
    [
        (b"x" * 6_500_000, {}, 413, "body.too_large"),
        (b"x", {"check": "a" * 43}, 403, "form.foreign"),
        (b"x", {"more": "1"}, 400, "body.form"),
        (b"x", {"clock": "1" * 5000}, 400, "body.form"),
    ],
    ids=["large", "foreign", "more", "long"],
)
def test_an_upload_is_bounded_as_any_form(
    adviser: Visitor, world: World, content: bytes, changes: dict[str, str], status: int, told: str
) -> None:
    """A file is no way around what holds for forms."""
    consent = ask(world)
    answer, _ = with_file(adviser, consent, content, **changes)
    assert (answer.status_code, code(answer)) == (status, told)
    assert view(world, consent)["state"] == "requested"


def test_no_other_page_takes_a_file(adviser: Visitor) -> None:
    """One page has a use for one."""
    adviser.get("/staff")
    own = adviser.hidden()
    answer = adviser.http.post("/staff/find", data=own, files={"national_id": b"x"})
    assert (answer.status_code, code(answer)) == (415, "body.media_type")
