"""Seen by others: on every page and route that a guardian or a helper can open stands what the policy lets them see, no more.

A served broker and its portal; each example is a family of its own. What may be seen is worked out here from the ages of the
law and what was chosen to be shown, and looked for by strings that only the lines, fields and values in question have.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from html import unescape
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from broker.api.app import every
from broker.demo.national_ids import numbers
from broker.domain.catalogue import Catalogue
from broker.engine import bundle
from broker.portal import rooms
from broker.usecases.people import OSLO
from tests.integration.bad_input import ACTOR, LARVIK, a_request
from tests.integration.world import World
from tests.portal import PortalWorld, Visitor, portal_in

EXAMPLES = int(os.environ.get("TILLIT_SEEN_EXAMPLES", "12"))
FAMILIES = 3 * EXAMPLES
TODAY = datetime.now(OSLO).date()
TROMSO = "ung-og-inkludert-tromso"
WHERE: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    TROMSO: (
        "nav-tromso",
        "coordination",
        ("breivika-vgs", "helsesykepleier-langnes", "barnevern-tromso"),
    ),
    LARVIK: (
        "nav-larvik",
        "case_discussion",
        ("thor-heyerdahl-vgs", "larvikshjelpa", "ot-vestfold"),
    ),
}
FIELDS = (
    "education.attendance.rate",
    "education.grades",
    "functioning.capacity",
    "functioning.daily_rhythm",
    "involvement.child_welfare",
    "health.diagnosis",
    "health.functional_impact",
)
TELLING = frozenset({"bvl", "hpl", "krim"})
KINDS = ((13, 200), (15, 0), (15, 200), (16, -1), (16, 0), (18, -1), (18, 0))
"""The age, and how many days ago it was reached: today, long ago, and tomorrow. At fifteen the most is still divided."""


@dataclass(frozen=True)
class Family:
    """A youth, when they were born, a guardian and a helper, by their numbers and by which they log in."""

    youth: str
    born: date
    guardian: str
    helper: str
    logs_in: tuple[int, int]

    @property
    def age(self) -> int:
        """Whole years, today in Oslo."""
        return (
            TODAY.year
            - self.born.year
            - ((TODAY.month, TODAY.day) < (self.born.month, self.born.day))
        )


@dataclass(repr=False)
class Town:
    """A portal, what its catalogue calls things, and families that nobody has asked for anything."""

    portal: PortalWorld
    catalogue: Catalogue
    families: Mapping[tuple[int, int], Iterator[Family]]

    def __repr__(self) -> str:
        return "Town()"  # Hypothesis shows it with what failed

    @property
    def world(self) -> World:
        """Its broker."""
        return self.portal.world

    def label(self, name: str) -> str:
        """What a page calls a field."""
        return self.catalogue.text("field", name, "nb")


def born(years: int, since: int) -> date:
    """When somebody was born who turned that age so many days ago."""
    day = TODAY - timedelta(days=since)
    return day.replace(year=day.year - years, day=min(day.day, 28))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Town]:
    """As many families of each age as there are examples, and some for what Hypothesis tries again."""
    directory = tmp_path_factory.mktemp("seen")
    shutil.copy(sqlite_template, directory / "broker.db")
    grown = islice(_grown(), 2 * FAMILIES * len(KINDS))
    people: list[str] = []
    rows: list[dict[str, Any]] = []
    found: dict[tuple[int, int], Iterator[Family]] = {}
    for kind in KINDS:
        families = []
        for youth in islice(numbers(born(*kind), "woman"), FAMILIES):
            guardian, helper = next(grown), next(grown)
            at = len(people)
            people += [guardian[0], helper[0]]
            rows += [
                {"national_id": number, "born": day.isoformat(), "guardians": []}
                for number, day in (guardian, helper)
            ]
            rows.append(
                {"national_id": youth, "born": born(*kind).isoformat(), "guardians": [guardian[0]]}
            )
            families.append(Family(youth, born(*kind), guardian[0], helper[0], (at, at + 1)))
        found[kind] = iter(families)
    url = f"sqlite:///{directory / 'broker.db'}"
    with portal_in(directory, url, others=rows, people=people) as portal:
        yield Town(portal, bundle.load().catalogue, found)


def _grown() -> Iterator[tuple[str, date]]:
    day = date(1970, 1, 1)
    while True:
        for number in islice(numbers(day, "man"), 20):
            yield number, day
        day += timedelta(days=1)


@st.composite
def lives(draw: st.DrawFn) -> dict[str, Any]:
    """How old somebody is, what they are asked for and answer, what is asked about them, and what they show a helper."""
    shelves = [("consents",), ("disclosures",), ("consents", "disclosures")]
    return {
        "kind": draw(st.sampled_from(KINDS)),
        "asked": draw(
            st.lists(
                st.tuples(
                    st.sampled_from([TROMSO, LARVIK]),
                    st.lists(st.sampled_from(FIELDS), min_size=2, max_size=5, unique=True),
                    st.sampled_from(["", "guardian", "youth", "both"]),
                ),
                min_size=1,
                max_size=3,
            )
        ),
        "says": draw(st.sampled_from(["yes", "no"])),
        "shows": draw(st.sampled_from(shelves)) + (("special",) if draw(st.booleans()) else ()),
    }


# --- what there is


def lived(town: Town, family: Family, life: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The youth is asked, they and their guardian answer, and Nav asks; what there is in the end, as the youth sees it."""
    for place, fields, who in life["asked"]:
        unit, purpose, others = WHERE[place]
        handle = town.world.handle(unit, family.youth)
        asked = a_request(
            handle,
            collaboration=place,
            services=[unit, *others],
            purposes=[purpose],
            categories=[],
            fields=fields,
        )
        made = town.world.post("/v1/consents", asked, unit=unit)
        if (
            made.status_code != 201
        ):  # outside the ages, asked too soon, or nothing that could be granted
            continue
        for person, kind in ((family.guardian, "guardian"), (family.youth, "youth")):
            if who in {kind, "both"}:
                answered(town.world, str(made.json()["id"]), person, life["says"])
        about = {
            "subject": handle,
            "fields": fields,
            "purpose": purpose,
            "collaboration": place,
            "actor": ACTOR,
        }
        town.world.post("/v1/disclosures", about, unit=unit)
    mine = town.world.get("/v1/me/consents", person=family.youth)
    return list(mine.json()["consents"]) if mine.status_code == 200 else []


def answered(world: World, consent: str, person: str, said: str) -> None:
    """Whoever may answers every line that is theirs."""
    view = world.get(f"/v1/me/consents/{consent}", person=person)
    if view.status_code == 200:
        lines = {line["id"]: said for line in view.json()["grants"]}
        answer = {"read": view.json()["text_sha256"], "answers": lines, "child_heard": True}
        world.post(f"/v1/me/consents/{consent}/answer", answer, person=person)


def helped(world: World, family: Family, shows: tuple[str, ...]) -> str:
    """The helper takes the youth's invitation; their id, empty where the youth is too young to invite."""
    invited = world.post("/v1/me/helpers", {"shows": shows}, person=family.youth)
    if invited.status_code != 201:
        return ""
    code = {"code": invited.json()["code"]}
    return str(world.post("/v1/me/helping", code, person=family.helper).json()["helper"])


# --- what the policy lets be seen


@dataclass
class Sight:
    """What somebody may see: lines by their text, the consents that have one, and the fields that are named anywhere."""

    texts: set[str] = field(default_factory=set)
    consents: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


def alone(town: Town, age: int, category: str) -> bool:
    """Whether the youth answers for a category alone: by the ages of the law and nothing else."""
    ages = town.catalogue.ages
    return age >= min(ages.adult, ages.categories.get(category, ages.default).age)


def of_guardians(town: Town, family: Family, consents: list[dict[str, Any]]) -> Sight:
    """Every line that needs a guardian today."""
    seen = Sight()
    for consent in consents:
        for line in consent["grants"]:
            if not alone(town, family.age, line["category"]):
                seen.texts.add(line["text"])
                seen.consents.add(consent["id"])
                seen.fields |= set(line["fields"])
    return seen


def quiet(town: Town, unit: str | None) -> bool:
    """Whether a service tells of nothing special by knowing somebody."""
    known = town.catalogue.units[unit or ""]
    return not (town.catalogue.service_types[known.type].health or known.regime in TELLING)


def of_helper(
    town: Town,
    family: Family,
    life: Mapping[str, Any],
    consents: list[dict[str, Any]],
    disclosures: list[dict[str, Any]],
) -> Sight:
    """What the youth answers alone, of the shelves they show; without what is special unless they show that."""
    seen, special = Sight(), "special" in life["shows"]

    def may(name: str) -> bool:
        known = town.catalogue.fields[name]
        plain = known.sensitivity in {"ordinary", "confidential"} and known.category != "health"
        return alone(town, family.age, known.category) and (special or plain)

    for consent in consents if "consents" in life["shows"] else ():
        for line in consent["grants"]:
            units = (line["source"], line["recipient"], consent["requested_by"])
            if all(may(name) for name in line["fields"]) and (
                special or all(quiet(town, unit) for unit in units)
            ):
                seen.texts.add(line["text"])
                seen.consents.add(consent["id"])
                seen.fields |= set(line["fields"])
    for one in disclosures if "disclosures" in life["shows"] else ():
        for name, told in one["fields"].items():
            units = (one["recipient"], *([told["source"]] if told["source"] else ()))
            if may(name) and (special or all(quiet(town, unit) for unit in units)):
                seen.fields.add(name)
    return seen


# --- everything that can be opened


def filled(path: str, ids: Mapping[str, list[str]]) -> Iterator[str]:
    """A path with each id that there is in its place; none where there is no such id."""
    place = re.search(r"{(\w+)", path)
    if place is None:
        yield path
        return
    for one in ids.get(place[1], ()):
        yield re.sub(r"{\w+}", one, path)


def pages(visitor: Visitor, ids: Mapping[str, list[str]]) -> str:
    """Everything that a browser is shown, on every page of the router and what forms of requests show."""
    shown = []
    for page in rooms.every():
        if (
            page.method == "GET"
            and page.staff is False
            and not page.path.startswith(("/login", "/static"))
        ):
            for path in filled(page.path, ids):
                answer = visitor.get(path)
                if answer.status_code == 200:
                    shown.append(answer.text)
    visitor.get("/")
    for consent in ids["consent"]:
        for act in ("fill", "preview"):
            answer = visitor.press(f"/requests/{consent}/{act}", version="1", fill="special-yes")
            shown.append(answer.text)
    return unescape("\n".join(shown))


def routes(world: World, person: str, ids: Mapping[str, list[str]]) -> str:
    """Everything that the API's routes for people give."""
    found = []
    for endpoint in every():
        if endpoint.credential == "person" and endpoint.method == "GET":
            for path in filled(endpoint.path, ids):
                answer = world.get(path, person=person)
                if answer.status_code == 200:
                    found.append(json.dumps(answer.json(), ensure_ascii=False))
    return "\n".join(found)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    # An example is read as it is; making it smaller takes minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(life=lives())
def test_a_guardian_and_a_helper_see_exactly_what_the_policy_says(
    life: dict[str, Any], town: Town
) -> None:
    """N21, N24: each line, field and consent that may be seen is there, and none of the others, on any page or route."""
    world, family = town.world, next(town.families[life["kind"]])
    consents = lived(town, family, life)
    helper = helped(world, family, life["shows"])
    told = world.get("/v1/me/disclosures", person=family.youth)
    disclosures = list(told.json()["disclosures"]) if told.status_code == 200 else []
    ids = {
        "consent": [one["id"] for one in consents],
        "disclosure": [one["id"] for one in disclosures],
        "helper": [helper] if helper else [],
    }
    may = {
        family.guardian: of_guardians(town, family, consents),
        family.helper: of_helper(town, family, life, consents, disclosures) if helper else Sight(),
    }
    texts = {line["text"] for one in consents for line in one["grants"]}
    for person, number in zip((family.guardian, family.helper), family.logs_in, strict=True):
        given_back = routes(world, person, ids)
        assert {t for t in texts if json.dumps(t, ensure_ascii=False)[1:-1] in given_back} == may[
            person
        ].texts
        assert {name for name in FIELDS if f'"{name}"' in given_back} == may[person].fields
        assert {one for one in ids["consent"] if one in given_back} == may[person].consents
        visitor = town.portal.logged_in(number)
        shown = pages(visitor, ids)
        visitor.close()
        assert {name for name in FIELDS if town.label(name) in shown} == may[person].fields
        if person == family.guardian:
            assert {text for text in texts if text in shown} == may[person].texts
        assert not [one for one in ids["disclosure"] if one in shown]
        hidden = set(ids["consent"]) - may[person].consents
        assert not [one for one in hidden if f'{one}"' in shown]
