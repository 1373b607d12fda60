"""Agreements for the tests: a house whose collaboration has terms of its own."""

from dataclasses import replace
from typing import Any

from broker.domain.shelves import Collaboration
from tests.house import LARVIK, House


def agreed(house: House, **terms: Any) -> House:
    """The same house, where Larvik's youth committee has agreed on other terms."""
    catalogue = house.ports.catalogue
    document = catalogue.collaborations[LARVIK].model_dump()
    changed = {LARVIK: Collaboration.model_validate({**document, **terms})}
    told = catalogue.model_copy(update={"collaborations": {**catalogue.collaborations, **changed}})
    return replace(house, ports=replace(house.ports, catalogue=told))
