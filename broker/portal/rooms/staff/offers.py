"""Offers: what a unit can ask for at all, as the catalogue has it; whether a request can be is compiling's to say."""

from collections.abc import Sequence
from dataclasses import dataclass

from broker.domain.compile import SPECIAL
from broker.domain.lifetime import DEFAULT_DAYS
from broker.domain.shelves import Collaboration, FieldDef
from broker.portal.pages import Visit
from broker.portal.telling import named
from tillit.wire import SUBJECT

DAYS = (1, 7, 30, 90, 182, 366)


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose, by its id and what it is called. ``special``: it takes a yes of its own."""

    id: str
    label: str
    special: bool = False


@dataclass(frozen=True, slots=True)
class Shelf:
    """Fields of one category."""

    label: str
    fields: Sequence[Option]


@dataclass(frozen=True, slots=True)
class Offer:
    """All that there is to choose in one request. ``others``: one of which makes a request between two services."""

    label: str
    services: Sequence[Option]
    others: Sequence[Option]
    purposes: Sequence[Option]
    categories: Sequence[Option]
    shelves: Sequence[Shelf]
    days: Sequence[int]
    usual_days: int


def collaborations(visit: Visit) -> Sequence[Option]:
    """Those that the unit is a member of now, and that somebody can be asked in.

    Not those that bind each yes to a meeting: it must be called first, which these pages cannot.
    """
    found = [one for one in visit.ports.catalogue.collaborations.values() if _open(one, visit)]
    options = [Option(one.id, named("collaboration", one.id, visit)) for one in found]
    return sorted(options, key=lambda option: option.label)


def offer(collaboration: str, visit: Visit) -> Offer | None:
    """What there is to choose in a collaboration, or (empty) between two services; None where it is not the unit's."""
    if not collaboration:
        return _between_two(visit)
    agreed = visit.ports.catalogue.collaborations.get(collaboration)
    if agreed is None or not _open(agreed, visit):
        return None
    members = sorted(agreed.members_at(visit.ports.clock()) - {visit.employee.unit})
    return Offer(
        label=named("collaboration", agreed.id, visit),
        services=_options("unit", members, visit),
        others=(),
        purposes=_options("purpose", _purposes(agreed.purposes, visit), visit),
        categories=_options("category", agreed.categories, visit),
        shelves=_shelves(agreed.categories, visit),
        days=_days(agreed.max_days, agreed.default_days),
        usual_days=agreed.default_days,
    )


def _between_two(visit: Visit) -> Offer:
    catalogue = visit.ports.catalogue
    own = catalogue.units[visit.employee.unit]
    county = [
        unit.id
        for unit in catalogue.units.values()
        if unit.id != own.id and unit.place.county == own.place.county
    ]
    categories = tuple(catalogue.categories)
    return Offer(
        label=visit.words("Two services, without an agreement"),
        services=(),
        others=_options("unit", county, visit),
        purposes=_options("purpose", _purposes(tuple(catalogue.purposes), visit), visit),
        categories=_options("category", categories, visit),
        shelves=_shelves(categories, visit),
        days=_days(DAYS[-1], DEFAULT_DAYS),
        usual_days=DEFAULT_DAYS,
    )


def _open(one: Collaboration, visit: Visit) -> bool:
    now = visit.ports.clock()
    return (
        one.in_force(now)
        and visit.employee.unit in one.members_at(now)
        and one.arena not in visit.ports.catalogue.limits.no_identified_arena
        and one.consent.condition != "meeting"
        and bool(_purposes(one.purposes, visit))
    )


def _purposes(among: Sequence[str], visit: Visit) -> Sequence[str]:
    known = visit.ports.catalogue.purposes
    return [name for name in among if known[name].basis == "consent"]


def _options(kind: str, ids: Sequence[str], visit: Visit) -> Sequence[Option]:
    special = visit.ports.catalogue.categories
    options = [
        Option(one, named(kind, one, visit), kind == "category" and special[one].special)
        for one in ids
    ]
    return sorted(options, key=lambda option: (option.special, option.label))


def _shelves(categories: Sequence[str], visit: Visit) -> Sequence[Shelf]:
    fields = visit.ports.catalogue.fields.values()
    return [
        Shelf(named("category", category, visit), [_field(field, visit) for field in found])
        for category in categories
        if (found := [f for f in fields if f.category == category and _to_ask_for(f)])
    ]


def _field(field: FieldDef, visit: Visit) -> Option:
    return Option(field.name, named("field", field.name, visit), field.sensitivity in SPECIAL)


def _to_ask_for(field: FieldDef) -> bool:
    return not field.third_party and field.authored_by != SUBJECT


def _days(most: int, usual: int) -> Sequence[int]:
    return sorted({*(days for days in DAYS if days <= most), usual, most})
