"""Employees of services without a system of their own: they ask for a consent, and see what they asked for."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from broker.portal import rooms
from broker.portal.pages import Page
from tests.answering import HELP, answered, ask, code, view
from tests.canaries import forms
from tests.integration.bad_input import LARVIK, NAV, SCHOOL, Unchanged
from tests.integration.world import EMIL, NORA, STRANGER, World
from tests.portal import ADVISER, COLLEAGUE, COUNSELLOR, SARA, PortalWorld, Visitor

CHOICE = {
    "collaboration": LARVIK,
    f"service.{SCHOOL}": "yes",
    "purpose.case_discussion": "yes",
    "category.education": "yes",
    "days": "90",
    "spoken": "nn",
}
OWN = {page.route: page for page in rooms.every() if page.staff and "{consent}" in page.path}
_ACTOR = re.compile(r"emp-[a-p]{32}")


@pytest.fixture(scope="module")
def world(portal: PortalWorld) -> World:
    """The broker of the portal."""
    return portal.world


@pytest.fixture(scope="module")
def adviser(portal: PortalWorld) -> Visitor:
    """An adviser of Nav's."""
    return portal.at_work(ADVISER)


def found(visitor: Visitor, person: str = EMIL) -> str:
    """Look a youth up; the handle that the page goes on with."""
    visitor.get("/staff")
    answer = visitor.press("/staff/find", national_id=person)
    assert answer.status_code == 200, answer.text
    return visitor.hidden()["subject"]


def sent(visitor: Visitor, person: str = EMIL, **choice: str) -> str:
    """Ask a youth for a consent; its id."""
    answer = visitor.press("/staff/ask/send", subject=found(visitor, person), **(CHOICE | choice))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"]).rpartition("/")[2]


def actor(visitor: Visitor) -> str:
    """The employee's id in the log."""
    named = _ACTOR.search(visitor.get("/staff").text)
    assert named
    return named[0]


# --- asking ---


def test_what_the_youth_will_read_is_seen_before_it_is_sent(adviser: Visitor, world: World) -> None:
    """The very text and the very lines; and until it is sent, nobody was asked."""
    subject = found(adviser)
    before = world.get("/v1/me/consents", person=EMIL).json()["consents"]
    adviser.press("/staff/ask", subject=subject, collaboration=LARVIK)
    assert f'name="service.{SCHOOL}"' in adviser.seen
    assert "checked" not in adviser.seen
    with Unchanged(world, entries=1):
        answer = adviser.press("/staff/ask/preview", subject=subject, **CHOICE)
    assert answer.status_code == 200, answer.text
    assert world.get("/v1/me/consents", person=EMIL).json()["consents"] == before
    shown = re.search(r'<p class="whole" lang="nn">(.*?)</p>', answer.text, re.DOTALL)
    assert shown
    names = {
        name: value for name, value in adviser.hidden().items() if name in {*CHOICE, "subject"}
    }
    assert names == CHOICE | {"subject": subject}
    sending = adviser.press("/staff/ask/send", **names)
    consent = str(sending.headers["location"]).rpartition("/")[2]
    mine = view(world, consent)
    assert mine["text"] == shown[1].strip()
    assert mine["state"] == "requested"


def test_a_request_is_logged_with_the_employee_who_asked(adviser: Visitor, world: World) -> None:
    """The same entries as from a service's own system, the actor named by the broker and not by the browser."""
    who = actor(adviser)
    consent = sent(adviser)
    (asked,) = [e for e in world.entries("consent.requested") if e["consent"] == consent]
    assert asked["requested_by"] == NAV
    looked = world.entries("subject.sought")[-1]
    assert looked == {"actor": who, "role": "veileder", "unit": NAV}
    with world.store_engine.connect() as connection:
        body = connection.exec_driver_sql(
            "SELECT body FROM consent WHERE id = ?", (consent,)
        ).scalar_one()
    assert f'"actor":"{who}","actor_role":"veileder"' in body


def test_the_same_press_asks_once(adviser: Visitor, world: World) -> None:
    """A second press of the same button leads to the same request."""
    subject = found(adviser)
    own = adviser.hidden()
    fields = {name: own[name] for name in ("check", "once")} | {"subject": subject} | CHOICE
    first = adviser.post("/staff/ask/send", fields).headers["location"]
    before = len(world.get("/v1/me/consents", person=EMIL).json()["consents"])
    assert adviser.post("/staff/ask/send", fields).headers["location"] == first
    assert len(world.get("/v1/me/consents", person=EMIL).json()["consents"]) == before


@pytest.mark.parametrize(
    ("left_out", "says"),
    [
        (f"service.{SCHOOL}", "services"),
        ("purpose.case_discussion", "purposes"),
        ("category.education", "what"),
    ],
)
@pytest.mark.parametrize("path", ["/staff/ask/preview", "/staff/ask/send"])
def test_a_request_that_lacks_something_is_shown_again(
    adviser: Visitor, world: World, path: str, left_out: str, says: str
) -> None:
    """With what was chosen still chosen; nothing is sent."""
    subject = found(adviser)
    chosen = {name: value for name, value in CHOICE.items() if name != left_out}
    with Unchanged(world, entries=0):
        answer = adviser.press(path, subject=subject, **chosen)
    assert answer.status_code == 422
    assert 'id="missing"' in answer.text, says
    assert answer.text.count("checked") == 2


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"service.pp-horten": "yes"}, "consent.unknown_service"),
        ({"service.nav-drammen": "yes"}, "consent.not_a_member"),
        ({"purpose.nothing": "yes"}, "consent.unknown_purpose"),
        ({"category.nothing": "yes"}, "consent.unknown_category"),
        ({"field.nothing.at_all": "yes"}, "consent.unknown_field"),
        ({"days": "366"}, "consent.lifetime"),
    ],
)
@pytest.mark.parametrize("path", ["/staff/ask/preview", "/staff/ask/send"])
def test_what_the_api_refuses_the_page_refuses_and_logs(
    adviser: Visitor, world: World, path: str, change: Mapping[str, str], refusal: str
) -> None:
    """The same checks: a form that names what is not offered is told so, and the log has the employee and the code."""
    who = actor(adviser)
    subject = found(adviser)
    with Unchanged(world, entries=1):
        answer = adviser.press(path, subject=subject, **(CHOICE | dict(change)))
    assert answer.status_code == 422
    assert refusal in answer.text
    logged = {"actor": who, "code": refusal, "route": f"POST {path}", "unit": NAV}
    assert world.refusals()[-1] == logged


def test_a_collaboration_that_is_not_the_units_cannot_be_asked_in(
    portal: PortalWorld, adviser: Visitor
) -> None:
    """Nor one that binds each yes to a meeting, which these pages do not call."""
    subject = found(adviser)
    for collaboration in ("ungarena-oslo", "trekantmoter", "nothing-by-that-name"):
        answer = adviser.press("/staff/ask", subject=subject, collaboration=collaboration)
        assert code(answer) == "consent.unknown_collaboration"
        found(adviser)
    school = portal.at_work(COUNSELLOR)
    school.get("/staff")
    school.press("/staff/find", national_id=EMIL)
    assert "trekantmoter" not in school.seen
    assert LARVIK in school.seen


def test_two_services_can_agree_without_a_collaboration(adviser: Visitor, world: World) -> None:
    """A bilateral request: the other service is chosen from a list."""
    subject = found(adviser)
    answer = adviser.press("/staff/ask", subject=subject, collaboration="")
    assert f'<option value="{SCHOOL}"' in answer.text
    choice = {"other": SCHOOL, "purpose.intake_mapping": "yes", "category.education": "yes"}
    answer = adviser.press("/staff/ask/send", subject=subject, **choice)
    assert answer.status_code == 303, answer.text
    mine = view(world, str(answer.headers["location"]).rpartition("/")[2])
    assert mine["collaboration"] is None
    assert {(SCHOOL, NAV)} == {(line["source"], line["recipient"]) for line in mine["grants"]}


def test_another_units_handle_is_no_handle(portal: PortalWorld, world: World) -> None:
    """A handle that was taken from another service's page names nobody here."""
    school = portal.at_work(COUNSELLOR)
    found(school)
    theirs = world.handle(NAV)
    for path in ("/staff/ask/preview", "/staff/ask/send"):
        choice = CHOICE | {f"service.{HELP}": "yes", "subject": theirs}
        answer = school.press(path, **{n: v for n, v in choice.items() if n != f"service.{SCHOOL}"})
        assert (answer.status_code, code(answer)) == (404, "subject.unknown_handle")
        found(school)


def test_a_youth_who_said_no_is_left_in_peace(portal: PortalWorld, adviser: Visitor) -> None:
    """The cool-down holds for pages as for systems, and says when it is to blame (N5)."""
    consent = sent(adviser, NORA)
    answered(portal.logged_in(1), consent, "no")
    subject = found(adviser, NORA)
    answer = adviser.press("/staff/ask/preview", subject=subject, **CHOICE)
    assert answer.status_code == 422
    assert "consent.cooldown" in answer.text


# --- finding ---


def test_somebody_the_register_does_not_know_is_not_found(adviser: Visitor, world: World) -> None:
    """As over the API: no handle is made, the attempt is logged, and the page does not repeat the number."""
    adviser.get("/staff")
    with Unchanged(world, entries=1):
        answer = adviser.press("/staff/find", national_id=STRANGER)
    assert (answer.status_code, code(answer)) == (404, "subject.unknown_person")
    assert STRANGER not in answer.text
    assert world.refusals()[-1]["code"] == "subject.unknown_person"


def test_it_does_not_show_whether_others_know_a_youth(adviser: Visitor) -> None:
    """One whom the broker has never heard of and one whom every service knows look alike."""
    pages = []
    for person in (SARA, NORA):
        found(adviser, person)
        text = re.sub(r'(value|href)="[^"]*"', "", adviser.seen)
        pages.append(
            re.sub(
                r"<ul class=\"news\">.*?</ul>|<p class=\"card\">.*?</p>", "", text, flags=re.DOTALL
            )
        )
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    "number", ["", "1234567890", "123456789012", "१२३४५६७८९०१", "abcdefghijk", "12345 67890 "]
)
def test_what_is_no_number_is_asked_for_again(adviser: Visitor, world: World, number: str) -> None:
    """Nothing is looked up, and what was written is not shown again."""
    adviser.get("/staff")
    with Unchanged(world, entries=0):
        answer = adviser.press("/staff/find", national_id=number)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert not number.strip() or f'value="{number}"' not in answer.text


def test_a_number_may_have_spaces(adviser: Visitor) -> None:
    """As people write it down."""
    adviser.get("/staff")
    spaced = f"{EMIL[:6]} {EMIL[6:]}"
    assert adviser.press("/staff/find", national_id=spaced).status_code == 200


def test_the_youths_number_is_nowhere(
    adviser: Visitor, portal: PortalWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """No page, address, record or file holds it once it was sent, in any form that one could search for."""
    caplog.set_level("DEBUG")
    seen: list[str] = []
    hook = lambda answer: seen.append(f"{answer.url} {answer.headers} {answer.read().decode()}")  # noqa: E731
    adviser.http.event_hooks["response"] = [hook]
    for person in (EMIL, STRANGER):
        adviser.get("/staff")
        adviser.press("/staff/find", national_id=person)
    sent(adviser)
    adviser.get("/staff")
    adviser.http.event_hooks["response"] = []
    where = {"pages": "\n".join(seen).encode()}
    where["records"] = "\n".join(record.getMessage() for record in caplog.records).encode()
    where |= {path.name: path.read_bytes() for path in portal.world.directory.glob("broker.db*")}
    found_in = [
        (name, form)
        for name, content in where.items()
        for person in (EMIL, STRANGER)
        for form, needle in forms(person).items()
        if needle in content
    ]
    assert found_in == []


# --- seeing ---


def test_colleagues_see_their_units_requests_and_no_others(
    portal: PortalWorld, adviser: Visitor
) -> None:
    """N11: whoever is ill is covered for. Another unit's are not there, though it is a party to them."""
    consent = sent(adviser)
    colleague, school = portal.at_work(COLLEAGUE), portal.at_work(COUNSELLOR)
    assert f"/staff/requests/{consent}" in colleague.get("/staff").text
    assert f"/staff/requests/{consent}" not in school.get("/staff").text
    found(school)
    assert consent not in school.seen
    theirs = sent(school, **{f"service.{NAV}": "yes"})
    assert theirs not in adviser.get("/staff").text
    found(adviser)
    assert theirs not in adviser.seen
    assert consent in adviser.seen


@pytest.mark.parametrize("route", sorted(OWN))
@pytest.mark.parametrize("state", ["requested", "active"])
def test_another_units_request_is_not_there(
    portal: PortalWorld, world: World, route: str, state: str
) -> None:
    """IDOR, over every page that takes an id: not even for a service that the youth said yes to."""
    consent = ask(world)
    if state == "active":
        answered(portal.logged_in(), consent)
    school = portal.at_work(COUNSELLOR)
    school.get("/staff")
    page = OWN[route]
    path = page.path.replace("{consent}", consent)
    before = view(world, consent)
    with Unchanged(world, entries=1):
        answer = (
            school.get(path) if page.method == "GET" else school.press(path, **filled(page, before))
        )
    assert (answer.status_code, code(answer)) == (404, "consent.unknown")
    assert view(world, consent) == before
    assert world.refusals()[-1] == {
        "actor": actor(school),
        "code": "consent.unknown",
        "route": route,
        "unit": SCHOOL,
    }


def test_the_unit_sees_answers_to_its_own_lines_only(
    portal: PortalWorld, adviser: Visitor, world: World
) -> None:
    """What a youth lets two others share between them is not the asking service's to know."""
    choice = {f"service.{HELP}": "yes", "category.functioning": "yes"}
    consent = sent(adviser, **choice)
    answered(portal.logged_in(), consent)
    lines = view(world, consent)["grants"]
    own = [line for line in lines if NAV in {line["source"], line["recipient"]}]
    assert 0 < len(own) < len(lines)
    page = adviser.get(f"/staff/requests/{consent}").text
    party = world.get("/v1/consents?limit=200", unit=NAV).json()["consents"]
    (api,) = [one for one in party if one["id"] == consent]
    told = sum(line["answer"] == "yes" for line in api["grants"])
    assert told == len(own)
    assert page.count('<span class="tag">ja</span>') <= told


def test_a_long_list_has_pages(portal: PortalWorld, world: World) -> None:
    """Each request stands on exactly one of them, the newest first."""
    made = [ask(world) for _ in range(3)]
    text = portal.at_work(ADVISER).get("/staff").text
    places = [text.index(consent) for consent in made]
    assert places == sorted(places, reverse=True)


def filled(page: Page, seen: Mapping[str, Any]) -> dict[str, str]:
    """A sound form about a request, as far as the page takes it."""
    now = datetime.now(UTC)
    sound = {
        "version": str(seen["version"]),
        "read": str(seen["text_sha256"]),
        "signer": "subject",
        "day": f"{now:%d.%m.%Y}",
        "clock": f"{now:%H:%M}",
        "attested": "yes",
        "reply": "will_contact",
    }
    fields = {name: value for name, value in sound.items() if name in page.takes.model_fields}
    if "lines" in page.takes.model_fields:
        fields |= {f"line.{line['id']}": "yes" for line in seen["grants"]}
    return fields
