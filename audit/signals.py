"""Signals: the rules by which access is called unusual, their thresholds as data beside this module."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1, le=100_000)]
Hours = Annotated[int, Field(ge=1, le=24 * 90)]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Labels(_Data):
    """What a rule says, in three languages."""

    nb: Annotated[str, Field(min_length=10)]
    nn: Annotated[str, Field(min_length=10)]
    en: Annotated[str, Field(min_length=10)]


class ManySubjects(_Data):
    """One person asked about so many subjects within so many hours."""

    window_hours: Hours
    subjects: Count
    labels: Labels


class OutOfHours(_Data):
    """One person asked so often out of hours within so many hours."""

    window_hours: Hours
    asks: Count
    labels: Labels


class Emergency(_Data):
    """Something was released on the ground of an emergency."""

    labels: Labels


class AfterRefusal(_Data):
    """One person asked about a subject again, refused so often within so many hours before."""

    window_hours: Hours
    refusals: Count
    labels: Labels


class OutsideCase(_Data):
    """One person asked for the first time about a subject whom colleagues asked about so often within so many hours."""

    window_hours: Hours
    asks_by_colleagues: Count
    labels: Labels


class Rules(_Data):
    """All rules."""

    many_subjects: ManySubjects
    out_of_hours: OutOfHours
    emergency: Emergency
    after_refusal: AfterRefusal
    outside_case: OutsideCase


class Ordinary(_Data):
    """Ordinary hours on working days: from the first, up to the last."""

    first: Annotated[int, Field(ge=0, le=23)]
    last: Annotated[int, Field(ge=1, le=24)]


class Keep(_Data):
    """How long it is known who asked about whom, and how long a signal is kept."""

    days: Annotated[int, Field(ge=1, le=90)]
    signal_days: Annotated[int, Field(ge=90, le=3660)]


class Unusual(_Data):
    """What is called unusual."""

    hours: Ordinary
    keep: Keep
    rules: Rules


@cache
def load() -> Unusual:
    """The thresholds of this release. ValueError: the data is not what it should be."""
    return Unusual.model_validate(
        tomllib.loads(files("audit").joinpath("signals.toml").read_text())
    )
