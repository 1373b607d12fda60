"""Hiding: what passes when a subject keeps from the others that a service is involved (N19)."""

from tillit.wire.terms import Instant, UnitId, Wire


class HiddenRequest(Wire):
    """``POST /v1/me/hidden``: hide that a service is involved, or show it again."""

    unit: UnitId
    hidden: bool


class MyHiddenUnit(Wire):
    """A service whose involvement the subject hides from all others, since when."""

    unit: UnitId
    label: str
    at: Instant


class MyHidden(Wire):
    """What the subject hides now, by service."""

    hidden: tuple[MyHiddenUnit, ...]
