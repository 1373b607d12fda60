"""Logging in at work: the provider names employee, organisation and roles; the unit is by the broker's own list."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.portal.workplaces import Workplaces
from broker.settings import SettingsWrong
from tests.answering import code
from tests.canaries import forms
from tests.portal import ADVISER, COLLEAGUE, COUNSELLOR, EMPLOYEES, TEMP, PortalWorld, Visitor


@pytest.fixture
def lying(portal: PortalWorld) -> Iterator[dict[str, Any]]:
    """What the provider says otherwise than it should."""
    portal.staff_claims.changed = {}
    yield portal.staff_claims.changed
    portal.staff_claims.changed = {}


def is_in(visitor: Visitor) -> bool:
    """Whether an employee is logged in there."""
    return 'action="/staff/find"' in visitor.get("/staff").text


@pytest.mark.parametrize(
    ("who", "unit", "role"),
    [
        (ADVISER, "Nav Larvik (staten)", "veileder"),
        (COLLEAGUE, "Nav Larvik (staten)", "leder"),
        (COUNSELLOR, "Thor Heyerdahl videregående skole", "rådgiver"),
    ],
)
def test_an_employee_is_of_the_unit_that_the_list_says(
    portal: PortalWorld, who: int, unit: str, role: str
) -> None:
    """And of the role that the unit has: one that nobody has heard of is passed over."""
    text = portal.at_work(who).get("/staff").text
    assert f"<h1>{unit}</h1>" in text
    assert f": {role}." in text


@pytest.mark.parametrize(
    "claims",
    [
        {"orgno": "900000009"},
        {"orgno": "0192:900000009"},
        {"roles": []},
        {"roles": ["radgiver"]},
        {"roles": ["Veileder", " veileder", "veileder\n", 7, None]},
    ],
    ids=str,
)
def test_who_works_nowhere_that_is_known_is_not_let_in(
    portal: PortalWorld, lying: dict[str, Any], claims: dict[str, Any]
) -> None:
    """Another's organisation, or a role that the unit does not have, gives no session and a page that says so."""
    lying.update(claims)
    visitor = portal.visitor()
    answer = visitor.log_in_at_work()
    assert (answer.status_code, code(answer)) == (403, "login.not_employed")
    assert not is_in(visitor)


def test_an_organisation_that_is_not_on_the_list_is_not_let_in(portal: PortalWorld) -> None:
    """Whatever the employee says they are there."""
    answer = portal.visitor().log_in_at_work(TEMP)
    assert (answer.status_code, code(answer)) == (403, "login.not_employed")


@pytest.mark.parametrize(
    "claims",
    [
        {"orgno": None},
        {"orgno": 900000001},
        {"orgno": "90000000"},
        {"orgno": "900000001\n"},
        {"orgno": "९०००००००१"},
        {"orgno": "0007:900000001"},
        {"orgno": ["900000001"]},
        {"roles": None},
        {"roles": "veileder"},
        {"roles": {"veileder": True}},
        {"roles": ["veileder"] * 65},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "s" * 256},
        {"acr": "idporten-loa-low"},
        {"acr": None},
        {"nonce": "another"},
        {"aud": "tillit-portal"},
        {"exp": 1},
    ],
    ids=lambda claims: str(claims)[:40],
)
def test_a_token_that_does_not_hold_logs_nobody_in(
    portal: PortalWorld, lying: dict[str, Any], claims: dict[str, Any]
) -> None:
    """What does not say who, where and as what in the form that was agreed says nothing."""
    lying.update(claims)
    visitor = portal.visitor()
    answer = visitor.log_in_at_work()
    assert (answer.status_code, code(answer)) == (403, "login.refused")
    assert not is_in(visitor)


def test_a_persons_token_is_no_employees(portal: PortalWorld, lying: dict[str, Any]) -> None:
    """Who may log in as themself works nowhere by that."""
    lying.update({"orgno": None, "roles": None, "pid": EMPLOYEES[0]})
    assert code(portal.visitor().log_in_at_work()) == "login.refused"


@pytest.mark.parametrize("kinds", [("/login", "/staff"), ("/staff/login", "")])
def test_a_login_of_one_kind_is_not_answered_as_one_of_the_other(
    portal: PortalWorld, kinds: tuple[str, str]
) -> None:
    """Though a browser's cookie is carried over: what was begun at one door ends at that door."""
    door, home = kinds
    visitor = portal.visitor()
    address = visitor.vouched(door=door)
    begun, wanted = (
        ("tillit-staff-login", "tillit-login")
        if not home
        else ("tillit-login", "tillit-staff-login")
    )
    visitor.http.cookies.set(wanted, visitor.http.cookies[begun])
    query = address.partition("?")[2]
    answer = visitor.http.get(f"{home}/login/answer?{query}")
    assert (answer.status_code, code(answer)) == (400, "login.lost")
    assert not is_in(visitor)


def test_logging_out_here_and_everywhere(portal: PortalWorld) -> None:
    """Everywhere is every browser of the one employee, and nobody else's."""
    here, there, other = portal.at_work(), portal.at_work(), portal.at_work(COLLEAGUE)
    here.get("/staff")
    here.press("/staff/logout")
    assert (is_in(here), is_in(there), is_in(other)) == (False, True, True)
    again = portal.at_work()
    again.get("/staff")
    again.press("/staff/logout/everywhere")
    assert (is_in(again), is_in(there), is_in(other)) == (False, False, True)


def test_a_new_login_ends_the_session_it_takes_the_place_of(portal: PortalWorld) -> None:
    """No session is fixed beforehand: the cookie is another one, and the old is good for nothing."""
    visitor = portal.at_work()
    old = visitor.http.cookies["tillit-staff"]
    visitor.log_in_at_work()
    assert visitor.http.cookies["tillit-staff"] != old
    thief = portal.visitor()
    thief.http.cookies.set("tillit-staff", old)
    assert not is_in(thief)


@pytest.mark.parametrize(
    ("to", "comes"),
    [("/staff/requests/x", "/staff/requests/x"), ("/consents", "/staff"), ("/", "/staff")],
)
def test_a_login_at_work_leads_to_pages_of_work(portal: PortalWorld, to: str, comes: str) -> None:
    """And never to a page of the employee's own."""
    assert portal.visitor().log_in_at_work(to=to).headers["location"] == comes


def test_the_language_is_the_sessions(portal: PortalWorld) -> None:
    """As for people; and the two are apart."""
    visitor = portal.at_work()
    visitor.get("/staff")
    visitor.press("/staff/language", language="nn", back="/staff")
    assert '<html lang="nn">' in visitor.get("/staff", **{"accept-language": "en"}).text


def test_an_employees_number_is_nowhere(portal: PortalWorld) -> None:
    """The provider knows it and does not say it; nor does the id in the log lead to it."""
    visitor = portal.at_work()
    seen = visitor.get("/staff").text.encode()
    files = {path.name: path.read_bytes() for path in portal.world.directory.glob("broker.db*")}
    where = files | {"page": seen}
    needles = forms(EMPLOYEES[ADVISER])
    assert [
        (n, f) for n, text in where.items() for f, needle in needles.items() if needle in text
    ] == []


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        '{"units": ["900000001"]}',
        '{"units": {"90000001": "nav-larvik"}}',
        '{"units": {"900000001": "Nav Larvik"}}',
        '{"units": {"900000001": null}}',
        '{"units": {}, "more": 1}',
    ],
)
def test_a_list_that_cannot_be_used_is_told_at_the_start(tmp_path: Path, content: str) -> None:
    """By the setting's name; a broker that does not know whose employees are whose does not begin."""
    file = tmp_path / "units.json"
    file.write_text(content)
    with pytest.raises(SettingsWrong, match="TILLIT_STAFF_UNITS_FILE"):
        Workplaces.read(file)


def test_a_list_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    """The same, of a path that leads nowhere."""
    with pytest.raises(SettingsWrong, match="TILLIT_STAFF_UNITS_FILE"):
        Workplaces.read(tmp_path / "none.json")


def test_a_list_of_units_is_read(tmp_path: Path) -> None:
    """Several numbers may be one unit's."""
    file = tmp_path / "units.json"
    file.write_text(json.dumps({"units": {"900000001": "nav-larvik", "900000002": "nav-larvik"}}))
    assert Workplaces.read(file).units == {"nav-larvik"}
