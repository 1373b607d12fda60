"""Synthetic national identity numbers: valid control digits, month + 80.

The form is that of the Norwegian Tax Administration's Tenor test data. No
living person can have such a number, since no month is above 12.
"""

from collections.abc import Iterator
from datetime import date
from typing import Literal

Gender = Literal["man", "woman"]

_FIRST_WEIGHTS = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_SECOND_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_TENOR_MONTH = 80
_CENTURY = 2000


def _control(digits: str, weights: tuple[int, ...]) -> int | None:
    """The control digit modulo 11, or None where no such number is issued."""
    remainder = sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11
    digit = 0 if remainder == 0 else 11 - remainder
    return None if digit == 10 else digit  # noqa: PLR2004 - ten has no single digit


def _complete(born: date, individual: int) -> str | None:
    stem = f"{born.day:02}{born.month + _TENOR_MONTH:02}{born.year % 100:02}{individual:03}"
    first = _control(stem, _FIRST_WEIGHTS)
    if first is None:
        return None
    second = _control(f"{stem}{first}", _SECOND_WEIGHTS)
    return None if second is None else f"{stem}{first}{second}"


def numbers(born: date, gender: Gender) -> Iterator[str]:
    """Every synthetic number of someone born that day, highest individual number first.

    Born from 2000: individual numbers 999 down to 500; before: 499 down to 0. Odd for men, even
    for women.
    """
    top, bottom = (999, 500) if born.year >= _CENTURY else (499, 0)
    for individual in range(top, bottom - 1, -1):
        if individual % 2 == (1 if gender == "man" else 0):
            complete = _complete(born, individual)
            if complete is not None:
                yield complete


def is_synthetic(number: str) -> bool:
    """Whether it has eleven digits, a Tenor month, right control digits; the day is unchecked."""
    if len(number) != 11 or not number.isdigit():  # noqa: PLR2004 - eleven digits
        return False
    month = int(number[2:4]) - _TENOR_MONTH
    return (
        1 <= month <= 12  # noqa: PLR2004 - months
        and _control(number[:9], _FIRST_WEIGHTS) == int(number[9])
        and _control(number[:10], _SECOND_WEIGHTS) == int(number[10])
    )
