"""Limits of what a consent can be asked for: what no yes passes, and what takes a yes by name.

They are the policy's limits as the bundle's facts have them (facts/law/limits.yaml and those of the collaboration), so that no
line promises what every ask would be refused. That the subject's address is protected is not looked at: a line that is missing
would tell whoever asks.
"""

from broker.domain.catalogue import Catalogue
from broker.domain.shelves import Collaboration, FieldDef, Kept, Unit

_NOTHING = Kept()


def never(
    field: FieldDef, recipient: Unit, catalogue: Catalogue, agreed: Collaboration | None
) -> bool:
    """Whether a recipient of this type never gets the field, or nobody does in this collaboration."""
    return catalogue.limits.never.get(recipient.type, _NOTHING).holds(field) or (
        agreed is not None and agreed.limits.never.holds(field)
    )


def by_name_only(
    field: FieldDef, recipient: Unit, catalogue: Catalogue, agreed: Collaboration | None
) -> bool:
    """Whether a yes to the category does not reach the field: it must have been asked for by name.

    What is written about the family is such a field for everybody.
    """
    local = {} if agreed is None else agreed.limits.by_name_only
    rules = (
        limits.get(recipient.type, _NOTHING) for limits in (catalogue.limits.by_name_only, local)
    )
    return field.third_party or any(rule.holds(field) for rule in rules)
