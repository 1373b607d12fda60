"""Helped: whatever the youth said yes to and chose to show, a helper sees a part of it and changes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.demo.national_ids import numbers
from broker.domain.errors import ConsentError
from broker.domain.ids import ConsentId, HelperId
from broker.errors import HelperReadsOnly, UnknownConsent
from broker.usecases import helped, helping, me
from tests.house import FATHER, LARVIK, MOTHER, House, build
from tillit.wire import (
    ConsentView,
    DigitalAnswer,
    GrantView,
    HelpedDisclosure,
    HelperAcceptance,
    HelperRequest,
    MyDisclosure,
    Withdrawal,
)

BORN = (date(2010, 11, 1), date(2011, 5, 6), date(2008, 2, 3), date(2005, 4, 5))
SERVICES = ("nav-larvik", "thor-heyerdahl-vgs", "larvikshjelpa", "ot-vestfold", "barnevern-larvik")
CATEGORIES = ("contact", "involvement", "education", "functioning", "health")
FIELDS = ("education.attendance.rate", "health.risk", "work.status", "involvement.child_welfare")
TELLING = {"larvikshjelpa", "barnevern-larvik"}


@dataclass
class Town:
    """A house with many youths; each example has one of its own."""

    house: House
    youths: Iterator[str] = field(repr=False)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A broker and sixty youths of each age, whose parents are the mother and the father of the house."""
    ids = [list(islice(numbers(born, "woman"), 60)) for born in BORN]
    rows = [
        {
            "national_id": national_id,
            "born": born.isoformat(),
            "guardians": [MOTHER, FATHER],
        }
        for born, found in zip(BORN, ids, strict=True)
        for national_id in found
    ]
    house = build(tmp_path_factory.mktemp("town"), units=SERVICES, others=rows)
    yield Town(house, (one for group in zip(*ids, strict=True) for one in group))
    house.store.close()


@st.composite
def lives(draw: st.DrawFn) -> dict[str, Any]:
    """What a youth is asked for and answers, what is asked about them, and what they show."""
    asks_first = draw(st.sampled_from(sorted(set(SERVICES) - TELLING)))
    others = draw(st.lists(st.sampled_from(SERVICES), min_size=2, max_size=4, unique=True))
    shows = draw(st.sampled_from([("consents",), ("disclosures",), ("consents", "disclosures")]))
    return {
        "services": [asks_first, *(unit for unit in others if unit != asks_first)],
        "categories": draw(
            st.lists(st.sampled_from(CATEGORIES), min_size=2, max_size=4, unique=True)
        ),
        "no_to": draw(st.frozensets(st.sampled_from(CATEGORIES), max_size=1)),
        "asks": draw(st.lists(st.sampled_from(SERVICES), max_size=3)),
        "shows": shows + (("special",) if draw(st.booleans()) else ()),
    }


def lived(house: House, youth: str, life: dict[str, Any]) -> None:
    """The youth is asked, answers, and is asked about."""
    asked = {"services": life["services"], "categories": life["categories"]}
    try:
        view = house.request(life["services"][0], youth, **asked)
        house.answer(view, youth, lambda g: "no" if g.category in life["no_to"] else "yes")
    except ConsentError:
        house.handle("nav-larvik", youth)  # nothing to grant, or only parents answer
    for unit in life["asks"]:
        house.disclose(house.ask(unit, youth, *FIELDS, collaboration=LARVIK), unit)


def helper_of(house: House, youth: str, shows: tuple[str, ...]) -> HelperId:
    """The youth's helper is their father."""
    asked = HelperRequest.model_validate({"shows": shows})
    invitation = helping.invite(asked, call=house.person(youth), ports=house.ports)
    said = HelperAcceptance(code=invitation.code)
    return HelperId(helping.accept(said, call=house.person(FATHER), ports=house.ports).helper)


def is_part(shown: ConsentView, whole: ConsentView) -> bool:
    """Whether nothing is said that the youth does not see, line by line."""
    same = shown.model_copy(
        update={"grants": (), "text": "", "text_sha256": whole.text_sha256, "waiting_for": ()}
    )
    left_out = {
        "grants": (),
        "text": "",
        "waiting_for": (),
        "has_signed": False,
        "undo_until": None,
    }
    return (
        same == whole.model_copy(update=left_out)
        and set(shown.grants) <= set(whole.grants)
        and shown.text == "\n".join(line.text for line in shown.grants)
    )


def is_part_of(shown: HelpedDisclosure, whole: MyDisclosure) -> bool:
    """The same of what was shared."""
    return (
        (shown.at, shown.recipient, shown.purpose, shown.collaboration)
        == (whole.at, whole.recipient, whole.purpose, whole.collaboration)
        and shown.fields.keys() <= whole.fields.keys()
        and all(
            (f.shared, f.source) == (whole.fields[name].shared, whole.fields[name].source)
            for name, f in shown.fields.items()
        )
    )


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(life=lives())
def test_a_helper_sees_a_part_and_changes_nothing(life: dict[str, Any], town: Town) -> None:
    """N21: a subset of what the youth sees; without what is special unless it is shown; each act refused with a stable code."""
    house, youth = town.house, next(town.youths)
    lived(house, youth, life)
    identity = helper_of(house, youth, life["shows"])
    person, father, ports = house.hashed(youth), house.hashed(FATHER), house.ports
    own = {c.id: c for c in me.consents(person=person, ports=ports).consents}
    shown: tuple[ConsentView, ...] = ()
    if "consents" in life["shows"]:
        shown = helped.consents(identity, person=father, ports=ports).consents
    assert all(is_part(view, own[view.id]) for view in shown)
    if "disclosures" in life["shows"]:
        page = me.disclosures(person=person, before=None, limit=50, language="nb", ports=ports)
        whole = {d.id: d for d in page.disclosures}
        looked = helped.disclosures(identity, person=father, before=None, limit=50, ports=ports)
        assert all(is_part_of(view, whole[view.id]) for view in looked.disclosures)
        if "special" not in life["shows"]:
            assert not any(d.recipient in TELLING for d in looked.disclosures)
            assert not any(
                "health" in name or "child" in name for d in looked.disclosures for name in d.fields
            )
    lines: list[GrantView] = [line for view in shown for line in view.grants]
    if "special" not in life["shows"]:
        assert not any(line.special or {line.source, line.recipient} & TELLING for line in lines)
    for view in own.values():
        expected = (HelperReadsOnly, UnknownConsent)[view.id not in {v.id for v in shown}]
        for act in acts(house, view):
            # A parent who has a say of their own is none who only helps.
            if not parents_say(house, view):
                with pytest.raises(expected) as refused:
                    act()
                assert refused.value.code in {"helper.read_only", "consent.unknown"}
    assert {c.id: c for c in me.consents(person=person, ports=ports).consents} == own


def parents_say(house: House, view: ConsentView) -> bool:
    """Whether the father sees the consent as a guardian who must sign."""
    found = me.consents(person=house.hashed(FATHER), ports=house.ports).consents
    return view.id in {c.id for c in found}


def acts(house: House, view: ConsentView) -> tuple[Callable[[], object], ...]:
    """Everything that changes a consent, done by the helper."""
    identity, call, ports = ConsentId(view.id), house.person(FATHER), house.ports
    said = DigitalAnswer(read=view.text_sha256, answers={g.id: "no" for g in view.grants})
    return (
        lambda: me.answer(identity, said, call=call, ports=ports),
        lambda: me.pause(identity, call=call, ports=ports),
        lambda: me.resume(identity, call=call, ports=ports),
        lambda: me.withdraw(identity, Withdrawal(), call=call, ports=ports),
    )
