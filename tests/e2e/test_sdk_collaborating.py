"""What services tell a collaboration, through the SDK against the real broker over HTTP, in the collaborations it is for."""

import json
from pathlib import Path
from typing import Any

import pytest

from broker.usecases import anonymous
from tests.e2e.served import Served
from tests.house import ACTOR, EMIL, SARA
from tests.shells import Shell
from tillit import Invalid, ServiceKey
from tillit.wire import CaseClaim

SOLOR, TRONDHEIM, TEAM, ROMERIKE = (
    "ungdomssatsingen-solor",
    "fravaerslopet-trondheim",
    "ressursteam-ovre-eiker",
    "ot-nav-romerike",
)


def at(served: Served, unit: str) -> Shell:
    """A unit's way in, its keys registered."""
    key = ServiceKey.generate(unit)
    served.register(key)
    return served.shell(unit, key=key)


def coordinator(served: Served, collaboration: str) -> str:
    """Who coordinates it."""
    return served.house.ports.catalogue.collaborations[collaboration].coordinator


def test_a_yes_until_an_offer_ends_with_the_offer(served: Served) -> None:
    """Solør: asked for, answered, and over when a member says that there is an offer."""
    unit = coordinator(served, SOLOR)
    catalogue = served.house.ports.catalogue
    others = sorted(catalogue.collaborations[SOLOR].members_at(served.house.clock()) - {unit})
    shell = at(served, unit)
    asked = served.requested(
        shell,
        services=[unit, *others[:2]],
        purposes=[catalogue.collaborations[SOLOR].purposes[0]],
        categories=["involvement", "education", "work"],
        collaboration=SOLOR,
    )
    assert {grant.condition.event for grant in asked.grants} == {"offer_exists"}
    served.house.answer(asked, EMIL)
    assert shell("consent_event", asked.id, "offer_exists", actor=ACTOR).state == "expired"
    assert shell("events")[-1].type == "consent.event_happened"


def test_a_pathway_is_followed_by_its_coordinator(served: Served) -> None:
    """Trondheim: from point seven others may be let in."""
    unit = coordinator(served, TRONDHEIM)
    shell = at(served, unit)
    sara = shell("subject", national_id=SARA)
    assert shell("stage", sara, TRONDHEIM, 7, actor=ACTOR).stage == 7
    with pytest.raises(Invalid) as beyond:
        shell("stage", sara, TRONDHEIM, 99, actor=ACTOR)
    assert beyond.value.code == "stage.beyond"


def test_a_case_is_told_listed_and_claimed(served: Served, tmp_path: Path) -> None:
    """Øvre Eiker: too few, then enough; and the youth's own word in the end."""
    unit = coordinator(served, TEAM)
    place = str(served.house.ports.catalogue.units[unit].place.municipality)
    shell = at(served, unit)
    told: dict[str, Any] = {"age_band": "19-21", "municipality": place, "topics": ["absence"]}
    with pytest.raises(Invalid) as few:
        shell("tell_case", TEAM, **told, actor=ACTOR)
    assert few.value.code == "anonymous.too_few"
    people = [
        {"national_id": number, "born": "2007-01-01", "municipality": place}
        for number in (EMIL, *(f"2{n:010d}" for n in range(4)))
    ]
    (tmp_path / "register.json").write_text(json.dumps({"people": people}))
    case = shell("tell_case", TEAM, **told, actor=ACTOR)
    assert [seen.id for seen in shell("cases", TEAM)] == [case.id]
    claimed = anonymous.claim(
        CaseClaim(claim=case.claim, tell=True),
        call=served.house.person(EMIL),
        ports=served.house.ports,
    )
    assert claimed.topics == ("absence",)
    assert [(event.type, event.case) for event in shell("events")] == [("case.claimed", case.id)]


def test_a_list_is_matched(served: Served) -> None:
    """Romerike: Emil lets Nav tell that it does not know him, Sara has not been asked."""
    shell = at(served, "ot-romerike")
    asked = served.requested(
        shell,
        services=["ot-romerike", "nav-ullensaker"],
        purposes=["outreach"],
        categories=[],
        fields=["involvement.nav"],
        collaboration=ROMERIKE,
    )
    served.house.answer(asked, EMIL)
    emil, sara = (shell("subject", national_id=number) for number in (EMIL, SARA))
    missing = shell(
        "match",
        [emil, sara],
        source="nav-ullensaker",
        collaboration=ROMERIKE,
        purpose="outreach",
        actor=ACTOR,
    )
    assert missing == (emil,)
