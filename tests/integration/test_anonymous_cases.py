"""Cases talked about without saying who it is: told, counted, listed, and claimed by the youth; on both databases (N23)."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from audit.storage import metadata as log
from broker.domain.ids import UnitId
from broker.errors import (
    ClaimUnknown,
    CollaborationUnknown,
    NotAnonymousHere,
    NotOfTheCollaboration,
    PlaceUnknown,
    RegisterDown,
    TooFew,
    UnknownPerson,
    WordUnknown,
)
from broker.store.tables import Row
from broker.usecases import anonymous, feed, me
from broker.usecases.call import Call
from tests.agreeing import agreed
from tests.house import ACTOR, EMIL, LARVIK, House
from tests.integration.entries import entries_about
from tillit.wire import AnonymousCase, CaseClaim, CaseTold

NAV, HELP = "nav-larvik", "larvikshjelpa"
PURPOSES = ("case_discussion", "anonymous_discussion")
NEIGHBOURS = tuple(f"2{n:010d}" for n in range(9))


@pytest.fixture
def talking(house: House, tmp_path: Path) -> House:
    """A house whose committee talks anonymously, in a town with four girls and four boys of Emil's age, and Emil."""
    populate(tmp_path, [*["woman"] * 4, *["man"] * 4])
    return agreed(house, purposes=PURPOSES)


def populate(directory: Path, genders: Iterable[str]) -> None:
    """Emil's town, with so many others of nineteen."""
    others = [
        {"national_id": number, "born": "2007-03-01", "municipality": "larvik", "gender": gender}
        for number, gender in zip(NEIGHBOURS, genders, strict=False)
    ]
    emil = {
        "national_id": EMIL,
        "born": "2007-01-01",
        "guardians": [],
        "municipality": "larvik",
        "gender": "man",
    }
    (directory / "register.json").write_text(json.dumps({"people": [emil, *others]}))


def told(house: House, *, call: Call | None = None, unit: str = NAV, **more: Any) -> CaseTold:
    """A unit tells of somebody who sleeps badly and stays away from school."""
    case = {
        "collaboration": LARVIK,
        "age_band": "19-21",
        "municipality": "larvik",
        "topics": ["absence", "sleep"],
        "needs_help_with": ["somebody_to_talk_to"],
        "actor": ACTOR,
        **more,
    }
    sound = AnonymousCase.model_validate(case)
    return anonymous.tell(sound, call=call or house.call(unit), ports=house.ports)


def listed(house: House, unit: str = HELP, *, limit: int = 50) -> list[str]:
    """The ids a member sees."""
    page = anonymous.cases(LARVIK, unit=UnitId(unit), after=None, limit=limit, ports=house.ports)
    return [case.id for case in page.cases]


def claim(house: House, code: str, person: str = EMIL, *, tell: bool = False) -> Any:
    """A person says that it is about them."""
    said = CaseClaim(claim=code, tell=tell)
    return anonymous.claim(said, call=house.person(person), ports=house.ports)


def everything(house: House) -> list[str]:
    """Every row of every table, broker's and log's."""
    with house.store.engine.connect() as connection:
        return [
            f"{table.name} {tuple(row)}"
            for metadata in (Row.metadata, log)
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
        ]


def test_members_talk_about_it_in_closed_words(talking: House) -> None:
    """Each member sees what was told, and by which service; the code is nobody's to see there."""
    case = told(talking)
    page = anonymous.cases(LARVIK, unit=UnitId(HELP), after=None, limit=9, ports=talking.ports)
    (seen,) = page.cases
    assert (seen.id, seen.told_by, seen.age_band, seen.topics) == (
        case.id,
        NAV,
        "19-21",
        ("absence", "sleep"),
    )
    assert case.claim not in page.model_dump_json()


def test_nothing_links_a_case_to_anybody_before_the_claim(talking: House) -> None:
    """Not a handle, a subject, a log entry about somebody, nor the code itself (N23)."""
    handle = talking.handle(NAV, EMIL)
    with talking.store.read() as tx:
        subject = tx.subject_by_person(talking.hashed(EMIL))
    case = told(talking)
    rows = [row for row in everything(talking) if case.id in row]
    assert rows
    for row in rows:
        assert handle not in row
        assert str(subject) not in row
        assert talking.hashed(EMIL) not in row
    assert not [row for row in everything(talking) if case.claim in row]
    assert not [row for row in everything(talking) if row.startswith("claimed_case")]
    (content,) = entries_about(talking, "case.anonymous")
    assert sorted(content) == ["actor", "case", "collaboration", "unit"]


def test_a_repeated_call_is_the_same_case_with_the_same_code(talking: House) -> None:
    """A lost answer does not lose the code, which still lies nowhere."""
    call = talking.call(NAV)
    first, again = told(talking, call=call), told(talking, call=call)
    assert (first.id, first.claim) == (again.id, again.claim)
    assert listed(talking) == [first.id]


def test_with_too_few_people_it_is_refused_without_a_number(talking: House) -> None:
    """Five women of that age would do; there are four, and nobody learns that."""
    with pytest.raises(TooFew) as refused:
        told(talking, gender="woman")
    assert refused.value.detail == "leave out the gender, or take a wider age band"
    assert listed(talking) == []
    assert entries_about(talking, "case.anonymous") == []
    assert told(talking, gender="man").id in listed(talking)


@pytest.mark.parametrize(("k", "taken"), [(9, True), (10, False)])
def test_k_is_the_operators_choice(talking: House, k: int, taken: bool) -> None:
    """Nine live here: nine are enough for nine, not for ten."""
    house = replace(talking, ports=replace(talking.ports, anonymity_k=k))
    if taken:
        assert told(house).id
    else:
        with pytest.raises(TooFew):
            told(house)


def test_who_is_of_another_age_does_not_count(talking: House) -> None:
    """Nobody here is sixteen."""
    with pytest.raises(TooFew):
        told(talking, age_band="16-18")


def test_without_a_register_no_case_is_taken_in(talking: House, tmp_path: Path) -> None:
    """Who cannot be counted could be one."""
    (tmp_path / "register.json").unlink()
    with pytest.raises(RegisterDown):
        told(talking)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"collaboration": "nowhere"}, CollaborationUnknown),
        ({"unit": "politi-larvik"}, NotOfTheCollaboration),
        ({"municipality": "oslo"}, PlaceUnknown),
        ({"age_band": "19-19"}, WordUnknown),
        ({"topics": ["his_mother_is_the_mayor"]}, WordUnknown),
        ({"topics": ["somebody_to_talk_to"]}, WordUnknown),
        ({"needs_help_with": ["sleep"]}, WordUnknown),
    ],
)
def test_what_cannot_be_told_is_refused(
    talking: House, more: dict[str, Any], error: type[Exception]
) -> None:
    """By whom, where, and in what words is closed."""
    with pytest.raises(error):
        told(talking, **more)
    assert listed(talking) == []


def test_only_where_it_is_agreed_are_cases_talked_about(house: House) -> None:
    """Larvik's committee itself takes named cases with consent, and no others."""
    with pytest.raises(NotAnonymousHere):
        told(house)
    with pytest.raises(NotAnonymousHere):
        listed(house)


def test_who_is_no_member_sees_no_case(talking: House) -> None:
    """Nor one who was."""
    with pytest.raises(NotOfTheCollaboration):
        listed(talking, "politi-larvik")


def test_a_long_list_comes_in_pages(talking: House) -> None:
    """In the order told."""
    cases = [told(talking).id for _ in range(3)]
    first = anonymous.cases(LARVIK, unit=UnitId(HELP), after=None, limit=2, ports=talking.ports)
    rest = anonymous.cases(
        LARVIK, unit=UnitId(HELP), after=first.next, limit=2, ports=talking.ports
    )
    assert [case.id for case in (*first.cases, *rest.cases)] == cases
    assert (first.next, rest.next) == (cases[1], None)


# --- the youth's own act


def test_the_youth_says_that_it_is_about_them(talking: House) -> None:
    """Logged about them, told to them, and to nobody else."""
    case = told(talking)
    assert claim(talking, case.claim).id == case.id
    found = me.notices(person=talking.hashed(EMIL), limit=9, ports=talking.ports).notices
    assert [(notice.kind, notice.unit) for notice in found] == [("case_claimed", NAV)]
    (content,) = entries_about(talking, "case.claimed")
    assert (content["case"], content["told"]) == (case.id, False)
    assert feed.events(unit=UnitId(NAV), after=0, limit=9, ports=talking.ports).events == ()
    assert listed(talking) == [case.id]


def test_the_service_learns_that_it_was_claimed_if_the_youth_says_so(talking: House) -> None:
    """That, and not by whom."""
    case = told(talking)
    claim(talking, case.claim, tell=True)
    (event,) = feed.events(unit=UnitId(NAV), after=0, limit=9, ports=talking.ports).events
    assert (event.type, event.case, event.subject) == ("case.claimed", case.id, None)


def test_a_case_is_claimed_once(talking: House) -> None:
    """A code that was found afterwards is worth nothing."""
    case = told(talking)
    claim(talking, case.claim)
    for person in (NEIGHBOURS[0], EMIL):
        with pytest.raises(ClaimUnknown):
            claim(talking, case.claim, person)


def test_a_guessed_code_claims_nothing(talking: House) -> None:
    """Not even one of the right form."""
    told(talking)
    with pytest.raises(ClaimUnknown):
        claim(talking, "AAAA-BBBB-CCCC-DDDD-EEEE")


def test_somebody_the_register_does_not_know_claims_nothing(talking: House) -> None:
    """A token about nobody is nobody's."""
    case = told(talking)
    with pytest.raises(UnknownPerson):
        claim(talking, case.claim, "01010112345")
