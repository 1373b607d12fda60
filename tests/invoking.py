"""Invocations for the tests: of the law's own statutes, as a unit would make them."""

from datetime import timedelta
from functools import cache
from typing import Any

from broker.domain.catalogue import Catalogue
from broker.domain.ids import InvocationId, SubjectId, UnitId
from broker.domain.invocations import Invocation
from broker.domain.shelves import Statute
from broker.engine import bundle
from tests.consenting import NOW, identifier


@cache
def catalogue() -> Catalogue:
    """What the policies' facts say exists."""
    return bundle.load().catalogue


def statute(identity: str, **changes: Any) -> Statute:
    """One of the law's own, but for the changes."""
    return catalogue().statutes[identity].model_copy(update=changes)


def invoked(number: int = 1, **changes: Any) -> Invocation:
    """Nav relies on the emergency rule about Emil, for a day, but for the changes."""
    fields: dict[str, Any] = {
        "id": InvocationId(identifier("inv", number)),
        "subject": SubjectId("sub_1"),
        "statute": "S4",
        "unit": UnitId("nav-larvik"),
        "actor": "a17",
        "role": "lege",
        "source": None,
        "recipient": UnitId("nav-larvik"),
        "fields": ("health.risk",),
        "necessary": (),
        "opens": NOW,
        "closes": NOW + timedelta(hours=24),
        "told_at": NOW,
        "second_person": False,
        "review": False,
    }
    return Invocation(**{**fields, **changes})
