"""Workplaces: which unit an organisation's employees act for, by the operator's own list and never a browser's word.

The list is a JSON file, ``{"units": {"<organisation number>": "<unit>"}}``, read once when the broker starts.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from broker.domain.catalogue import Catalogue
from broker.domain.ids import UnitId
from broker.domain.sessions import Employee
from broker.portal.errors import NotEmployed
from broker.portal.oidc import Employed
from broker.settings import SettingsWrong
from broker.usecases.staff_sessions import actor_id
from keys.parts import BrokerSecrets
from tillit import wire

MOST = 5_000
Organisation = Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$")]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    units: Annotated[dict[Organisation, wire.UnitId], Field(max_length=MOST)]


class Workplaces:
    """Whose employees may log in, and what they are then."""

    def __init__(self, units: Mapping[str, str]) -> None:
        """``units``: by organisation number. One unit may have several numbers, one number has one unit."""
        self._units = {number: UnitId(unit) for number, unit in units.items()}

    @property
    def units(self) -> frozenset[UnitId]:
        """Every unit whose employees may come in."""
        return frozenset(self._units.values())

    @classmethod
    def read(cls, file: Path) -> "Workplaces":
        """Those of a file. Raises ``SettingsWrong``, which names the file and nothing in it."""
        try:
            return cls(_File.model_validate_json(file.read_bytes()).units)
        except (OSError, ValidationError):
            raise SettingsWrong(
                f"TILLIT_STAFF_UNITS_FILE: {file} is no list of organisation numbers and units"
            ) from None

    def employee(
        self, vouched: Employed, *, issuer: str, catalogue: Catalogue, secrets: BrokerSecrets
    ) -> Employee:
        """Who somebody is at work: of several roles the first that the catalogue has for the unit.

        Raises:
            NotEmployed: the organisation is no unit's, or the unit has none of the roles.
        """
        unit = self._units.get(vouched.organisation)
        there = catalogue.units.get(unit or "")
        roles = [role for role in there.roles if role in vouched.roles] if there else []
        if unit is None or not roles:
            raise NotEmployed
        return Employee(unit, actor_id(issuer, vouched.subject, secrets), roles[0])

    def admits(self, employee: Employee, catalogue: Catalogue) -> bool:
        """Whether the unit is still on the list and the catalogue still has the role there."""
        there = catalogue.units.get(employee.unit)
        return employee.unit in self.units and there is not None and employee.role in there.roles
