"""Collaborations, looked at as a careful reader would: dates, lifetimes, ages, stages, and who takes part for what."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from broker.engine import floor
from broker.engine.documents import INSTANT, Problem, Trail, Written, mapping, shown

MAX_DAYS = 365
_DAYS = re.compile(r"P[1-9][0-9]{0,3}D")
ADULT = 18


def problems(written: Written) -> Iterator[Problem]:
    """Everything that contradicts itself, or the law's floor, in the collaborations, the statutes and their ages."""
    for trail, agreed in written.entries("collaborations"):
        yield from _period(written, trail, agreed)
        for way, member in written.entries(*map(str, trail), "members"):
            yield from _period(written, way, member)
        yield from _lifetime(written, trail, agreed)
        yield from _erasure(written, (*trail, "erase_after"))
        yield from _condition(written, trail, agreed)
        yield from _stages(written, trail, agreed)
        yield from _signing(written, trail, agreed)
        yield from _people(written, trail, agreed)
        yield from _group(written, trail, agreed)
    for trail, statute in written.entries("law", "statutes"):
        yield from _group(written, trail, statute)
    yield from _erasure(written, ("law", "obligations", "erase_after"))


def without_table(written: Written, tables: frozenset[str]) -> Iterator[Problem]:
    """Collaborations that nobody has written decisions for: no error, but nobody can have thought them through."""
    for trail, _ in written.entries("collaborations"):
        if trail[-1] not in tables:
            says = f"`{trail[-1]}` has no decision table"
            yield written.problem(trail, says, f"its cases, in tables/{trail[-1]}.yaml")


def _period(written: Written, trail: Trail, said: Mapping[str, Any]) -> Iterator[Problem]:
    start, end = said.get("valid_from"), said.get("valid_until")
    if _instant(start) and _instant(end) and str(start) >= str(end):
        says = f"`valid_until: {end}` is not after `valid_from: {start}`"
        instead = "a `valid_until` that is later, or null while it lasts"
        yield written.problem((*trail, "valid_until"), says, instead)


def _lifetime(written: Written, trail: Trail, agreed: Mapping[str, Any]) -> Iterator[Problem]:
    usual, longest = agreed.get("default_days"), agreed.get("max_days")
    if isinstance(longest, int) and longest > MAX_DAYS:
        says = f"a consent lasts at most {MAX_DAYS} days, not {longest}"
        yield written.problem((*trail, "max_days"), says, f"`max_days: {MAX_DAYS}`, or less")
    if isinstance(usual, int) and isinstance(longest, int) and usual > longest:
        says = f"`default_days: {usual}` is more than `max_days: {longest}`"
        yield written.problem((*trail, "default_days"), says, f"`default_days: {longest}`, or less")


def _erasure(written: Written, trail: Trail) -> Iterator[Problem]:
    """What no recipient could read as days, no answer could carry."""
    said = written.at(*trail)
    if said is not None and not _DAYS.fullmatch(str(said)):
        number = re.search(r"[1-9][0-9]{0,3}", str(said))
        says = f"`erase_after: {shown(said)}` is no number of days"
        days = number[0] if number else "30"
        yield written.problem(trail, says, f"`erase_after: P{days}D`, for {days} days")


def _condition(written: Written, trail: Trail, agreed: Mapping[str, Any]) -> Iterator[Problem]:
    form = mapping(agreed.get("consent"))
    condition, event = form.get("condition"), form.get("event")
    if condition == "until_event" and event is None:
        says = "`condition: until_event` does not say which event ends it"
        yield written.problem(
            (*trail, "consent", "condition"), says, "`event: offer_exists` beside it, or its name"
        )
    if condition != "until_event" and event is not None:
        says = f"`event: {event}` ends nothing under `condition: {condition}`"
        yield written.problem(
            (*trail, "consent", "event"), says, "`condition: until_event`, or no event"
        )


def _stages(written: Written, trail: Trail, agreed: Mapping[str, Any]) -> Iterator[Problem]:
    last = agreed.get("stages", 0)
    for way, member in written.entries(*map(str, trail), "members"):
        stage = member.get("from_stage", 0)
        if isinstance(stage, int) and isinstance(last, int) and stage > last:
            says = f"`from_stage: {stage}` never comes: the collaboration has {last} stages"
            instead = f"`from_stage: {last}`, or less; or more `stages` in the collaboration"
            yield written.problem((*way, "from_stage"), says, instead)


def _signing(written: Written, trail: Trail, agreed: Mapping[str, Any]) -> Iterator[Problem]:
    for category, age in mapping(agreed.get("signing_ages")).items():
        least = floor.signing_floor(written, category)
        if isinstance(age, int) and not least <= age <= ADULT:
            says = f"nobody signs alone for {category} from {age}: the law has {least} to {ADULT}"
            way = (*trail, "signing_ages", category)
            yield written.problem(way, says, f"`{category}: {max(least, min(age, ADULT))}`")


def _people(written: Written, trail: Trail, agreed: Mapping[str, Any]) -> Iterator[Problem]:
    """Who takes part, and for what."""
    members, coordinator = mapping(agreed.get("members")), agreed.get("coordinator")
    arenas = [text for _, text in written.texts(("law", "limits", "no_identified_arena"))]
    system = agreed.get("arena") in {*arenas, *floor.NO_IDENTIFIED_ARENA}
    if members and isinstance(coordinator, str) and coordinator not in members and not system:
        says = f"the coordinator `{coordinator}` is no member"
        instead = f"a member, or `{coordinator}` among the members too"
        yield written.problem((*trail, "coordinator"), says, instead)
    bare = [text for _, text in written.texts(("law", "limits", "no_identified_field"))]
    for way, purpose in written.texts((*trail, "purposes")):
        if system and purpose not in {*bare, *floor.NO_IDENTIFIED_FIELD}:
            says = f"`{purpose}` is about a person, and the arena `system` never is"
            yield written.problem(way, says, "`statistics`, or another `arena`")
    purposes = [text for _, text in written.texts((*trail, "purposes"))]
    for way, purpose in written.texts((*trail, "meeting_required_for")):
        if purpose not in purposes:
            says = f"`{purpose}` needs a meeting, and is none of the `purposes`"
            yield written.problem(way, says, "one of the `purposes`, or it among them too")


def _group(written: Written, trail: Trail, said: Mapping[str, Any]) -> Iterator[Problem]:
    ages = mapping(said.get("ages"))
    low, high = ages.get("min"), ages.get("max")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        says = f"nobody is from {low} to {high}"
        yield written.problem((*trail, "ages"), says, f"`ages: {{min: {high}, max: {low}}}`")


def _instant(value: object) -> bool:
    return isinstance(value, str) and INSTANT.fullmatch(value) is not None
