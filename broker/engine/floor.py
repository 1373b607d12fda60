"""The floor under the law's facts: what no file of a deployment may weaken, kept in code so that no file can lower it.

A local file may be stricter. The figures are those of the release's own ``policies/facts/law``; a test holds the two alike.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from broker.engine.documents import Problem, Trail, Written, mapping
from tillit.wire import SUBJECT

ADULT = 18
# From which age, at the lowest, the subject signs alone.
DEFAULT_AGE = 15
AGES: Mapping[str, int] = {"health": 16, "substance": 16, "education": 15, "child_welfare": 15}
# What these never get, not even by name.
NEVER: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "employer": {
        "categories": ("child_welfare", "justice", "income", "family"),
        "fields": ("health.diagnosis",),
    },
}
# What these get by name only.
BY_NAME_ONLY: Mapping[str, tuple[str, ...]] = {
    "voluntary": ("health", "child_welfare", "justice"),
    "peer": ("health", "child_welfare", "justice"),
}
PROTECTED_NEVER = ("contact.address",)
PROTECTED_BY_NAME_ONLY = ("contact",)
NO_IDENTIFIED_FIELD = (
    "anonymous_discussion",
    "own_access",
    "research",
    "statistics",
    "supervision",
)
NO_IDENTIFIED_ARENA = ("system",)
# Categories that need a yes of their own; a purpose that decides about somebody; values that are about somebody else.
SPECIAL = ("health", "substance", "child_welfare", "justice")
CONTROL = ("benefits_decision",)
THIRD_PARTY = "family"
BY_NAME_REGIMES = ("krim",)
PLEDGE_REGIMES = ("pledge",)
EMERGENCY_HOURS = 24

_LIMITS: Trail = ("law", "limits")


def problems(written: Written) -> Iterator[Problem]:
    """Every place where the facts say less than the law's floor."""
    if written.at("units", SUBJECT) is not None:
        says = f"`{SUBJECT}` is whoever reads about themself, and no unit can be called so"
        yield written.problem(("units", SUBJECT), says, "another id for the unit")
    yield from _limits(written)
    yield from _ages(written)
    yield from _statutes(written)
    yield from _catalogue(written)
    onward: Trail = ("law", "obligations", "onward_sharing")
    if written.at(*onward) not in {False, None}:
        says = "`onward_sharing` lets recipients pass on what they were given"
        yield written.problem(onward, says, "`onward_sharing: false`")


def signing_floor(written: Written, category: str) -> int:
    """From which age, at the lowest, the subject may sign alone in a category (or ``default``), by law and by these facts."""
    rules = written.at("law", "ages", "categories", category) or written.at(
        "law", "ages", "default"
    )
    said = mapping(rules).get("floor")
    return max(AGES.get(category, DEFAULT_AGE), said if isinstance(said, int) else 0)


def _limits(written: Written) -> Iterator[Problem]:
    for kind, kept in NEVER.items():
        for name, needed in kept.items():
            yield from _holds(written, (*_LIMITS, "never", kind, name), needed)
    for kind, categories in BY_NAME_ONLY.items():
        yield from _holds(written, (*_LIMITS, "by_name_only", kind, "categories"), categories)
    protected: Trail = (*_LIMITS, "protected_address")
    yield from _holds(written, (*protected, "never"), PROTECTED_NEVER)
    yield from _holds(written, (*protected, "by_name_only"), PROTECTED_BY_NAME_ONLY)
    yield from _holds(written, (*_LIMITS, "no_identified_field"), NO_IDENTIFIED_FIELD)
    yield from _holds(written, (*_LIMITS, "no_identified_arena"), NO_IDENTIFIED_ARENA)


def _holds(written: Written, trail: Trail, needed: Iterable[str]) -> Iterator[Problem]:
    """A list of the law's limits has all that it must have."""
    there = [text for _, text in written.texts(trail)]
    missing = [name for name in needed if name not in there]
    if missing:
        says = f"a hard limit is opened: {', '.join(missing)} is missing from `{_way(trail)}`"
        whole = ", ".join([*there, *missing])
        yield written.problem(trail, says, f"`{trail[-1]}: [{whole}]`")


def _way(trail: Trail) -> str:
    return ".".join(str(part) for part in trail[1:])


def _ages(written: Written) -> Iterator[Problem]:
    adult: Trail = ("law", "ages", "adult")
    if written.at(*adult) not in {ADULT, None}:
        yield written.problem(adult, "the law's age of majority is not ours to set", "`adult: 18`")
    rules: dict[str, Trail] = {"default": ("law", "ages", "default")}
    rules |= {name: ("law", "ages", "categories", name) for name in AGES}
    for category, trail in rules.items():
        least = AGES.get(category, DEFAULT_AGE)
        rule = mapping(written.at(*trail))
        if not rule and category != "default":
            says = f"the age for `{category}` is missing, and the law has one"
            yield written.problem(
                trail[:-1], says, f"`{category}: {{age: {least}, floor: {least}, …}}`"
            )
        floor = rule.get("floor")
        if isinstance(floor, int) and floor < least:
            says = f"`floor: {floor}` is below the law's {least} for {category}"
            yield written.problem((*trail, "floor"), says, f"`floor: {least}`, or more")
    default: tuple[Trail, dict[str, Any]] = (
        rules["default"],
        dict(mapping(written.at(*rules["default"]))),
    )
    for trail, rule in (*written.entries("law", "ages", "categories"), default):
        age, floor = rule.get("age"), rule.get("floor")
        if isinstance(age, int) and isinstance(floor, int) and age < floor:
            says = f"`age: {age}` is below its own `floor: {floor}`"
            yield written.problem((*trail, "age"), says, f"`age: {floor}`, or more")


def _statutes(written: Written) -> Iterator[Problem]:
    for trail, statute in written.entries("law", "statutes"):
        hours, emergency = statute.get("hours"), statute.get("ground") == "emergency"
        if emergency and isinstance(hours, int) and not 0 < hours <= EMERGENCY_HOURS:
            says = f"an emergency lasts at most {EMERGENCY_HOURS} hours, not {hours}"
            yield written.problem((*trail, "hours"), says, f"`hours: {EMERGENCY_HOURS}`, or less")
        if emergency and statute.get("review") is False:
            says = "an emergency is always looked at afterwards"
            yield written.problem((*trail, "review"), says, "`review: true`")
        if emergency and statute.get("roles") == []:
            says = "an emergency is for named roles, not for anybody"
            yield written.problem((*trail, "roles"), says, "`roles: [lege, sykepleier, …]`")


def _catalogue(written: Written) -> Iterator[Problem]:
    weaker = (
        *((("catalogue", "categories", name, "special"), True) for name in SPECIAL),
        *((("catalogue", "purposes", name, "control"), True) for name in CONTROL),
        *((("law", "regimes", name, "consent"), "by_name") for name in BY_NAME_REGIMES),
        *((("law", "regimes", name, "pledge"), True) for name in PLEDGE_REGIMES),
        *(
            ((*trail, "third_party"), True)
            for trail, field in written.entries("catalogue", "fields")
            if field.get("category") == THIRD_PARTY
        ),
    )
    for trail, needed in weaker:
        said = written.at(*trail)
        if said is not None and said != needed:
            word = "true" if needed is True else needed
            says = f"a hard limit is opened: `{_way(trail)}` must be {word}"
            yield written.problem(trail, says, f"`{trail[-1]}: {word}`")
