"""What a target is, and how what it accepts is judged.

A target tells an input that it refused (False) from one that it accepted and that says what an example
says, or is its own one canonical form (True). Anything else raises: ``WronglyAccepted``, or whatever
the parser crashed with.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from tests.vectors import generate, opener

T = TypeVar("T", str, bytes)


class WronglyAccepted(AssertionError):
    """The input was accepted and is neither an example nor a canonical form."""


class Disagreement(AssertionError):
    """One implementation accepts what the other refuses."""


@dataclass(frozen=True)
class Target(Generic[T]):
    """One parser: what inputs are made from, and what it makes of an input.

    ``examples``: so many of the originals, the first, are accepted; all of them when left out.
    """

    name: str
    originals: Sequence[T]
    judge: Callable[[T], bool]
    examples: int | None = None


def require(rightly: object) -> bool:
    """What was accepted is rightly so."""
    if not rightly:
        raise WronglyAccepted
    return True


def by_both(
    form: str, judge: Callable[[T], bool], given: Callable[[T], dict[str, Any]]
) -> Callable[[T], bool]:
    """The same, where the implementation that shares no code with ours must come to the same."""

    def both(data: T) -> bool:
        ours = judge(data)
        try:
            opener.FORMS[form](given(data))
        except opener.WRONG:
            theirs = False
        else:
            theirs = True
        if ours != theirs:
            raise Disagreement
        return ours

    return both


@cache
def vectors(form: str) -> Mapping[str, Any]:
    """A file of our own vectors."""
    found = next(each for each in generate.everything() if each.form == form)
    document: dict[str, Any] = json.loads(json.dumps(found.document()))
    return document


def given_in(form: str, kind: str = "accepted") -> list[dict[str, Any]]:
    """What its examples are given."""
    return [each["given"] for each in vectors(form)[kind]]
