"""A family for the portal: two youths of the ages that matter, their parents, and people to log in as."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any

from broker.demo.national_ids import numbers
from tests.portal import BORN

LEA, MIO = islice(numbers(BORN, "woman"), 40, 42)
"""Fifteen and a half, and another of her age who lives elsewhere."""
BO = next(numbers(BORN.replace(year=BORN.year + 2, day=1), "man"))
"""Her brother, thirteen and a half."""
MUM = next(numbers(date(1981, 4, 4), "woman"))
DAD = next(numbers(date(1979, 5, 5), "man"))
GRAN = next(numbers(date(1955, 6, 6), "woman"))
PEOPLE = (LEA, BO, MUM, DAD, GRAN, MIO)
NUMBER = {"lea": 0, "bo": 1, "mum": 2, "dad": 3, "gran": 4, "mio": 5}


def rows() -> Iterator[Mapping[str, Any]]:
    """The family as the register has it."""
    younger = BORN.replace(year=BORN.year + 2, day=1)
    grown: Sequence[tuple[str, str]] = (
        (MUM, "1981-04-04"),
        (DAD, "1979-05-05"),
        (GRAN, "1955-06-06"),
    )
    yield {"national_id": LEA, "born": BORN.isoformat(), "guardians": [MUM, DAD]}
    yield {"national_id": BO, "born": younger.isoformat(), "guardians": [MUM, DAD]}
    yield {"national_id": MIO, "born": BORN.isoformat(), "guardians": [GRAN]}
    for national_id, born in grown:
        yield {"national_id": national_id, "born": born, "guardians": []}
