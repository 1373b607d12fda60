"""Mutations: from examples that are read, inputs that mostly must not be.

Everything follows from the seed. Texts and bytes are mutated alike: a position, a piece, a trick.
"""

import random
import re
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T", str, bytes)

MAX_LENGTH = 200_000
_MOST_REPEATED = 2_000

_PIECES = (
    *("", " ", "\n", "\r\n", "\t", "\0", "\x7f", "\x85", "=", "==", "+", "/", "-", "_", ".", ".."),
    *('"', "\\", "{", "}", "[", "]", ",", ":", "{}", "[]", "null", "true", "NaN", "Infinity"),
    *("-0", "0", "00", "1.0", "1e0", "1e400", "-1", "255", "256", "9007199254740993"),
    *("9223372036854775807", "9223372036854775808", "18446744073709551616", "9" * 400),
    *('"v":1,', ',"v":1', "\\u0061", "\\ud800", "\\u0000", '"kid":"', '"alg":"none"', "none"),
    *("\n\n", "\N{EM DASH} ", "-- ", "+00:00", "Z", ".p/", "x000/", "tile/", "../", "%2e", "//"),
    *("\ufeff", "\u200b", "\u2028", "\u202e", "\u0660", "\uff11", "\u0430", "e\u0301", "\u017f"),
    *("\U0001d7ce", "\ud800", "\udcff", "\U0010ffff", "\u00a0", "\u00df", "\u0130"),
)
_NUMBER = re.compile(r"[0-9]+", re.ASCII)
_NUMBERS = (
    "0",
    "00",
    "1",
    "-1",
    "+1",
    "1.0",
    "1e2",
    "0x1",
    "1_0",
    " 1",
    "٣",
    "65536",
    "99999999999",
)
_SWAPPED = {
    "a": "A",
    "Z": "z",
    "-": "+",
    "_": "/",
    "+": "-",
    "/": "_",
    "0": "O",
    "1": "l",
    "T": "t",
}


class Mutator(Generic[T]):
    """Draws mutated inputs from examples."""

    def __init__(self, originals: Sequence[T], seed: str) -> None:
        self._originals: Sequence[T] = originals
        self._chance = random.Random(seed)
        self._tricks: Sequence[Callable[[T], T]] = (
            self._flip,
            self._flip,
            self._replace,
            self._insert,
            self._insert,
            self._delete,
            self._truncate,
            self._repeat,
            self._splice,
            self._move,
            self._number,
            self._swap_case,
        )

    def draw(self) -> T:
        """One input: an example after one trick, sometimes after a few."""
        drawn = self._chance.choice(self._originals)
        for _ in range(1 if self._chance.random() < 0.6 else self._chance.randrange(2, 6)):
            drawn = self._chance.choice(self._tricks)(drawn)
        return drawn[:MAX_LENGTH]

    def _at(self, given: T) -> int:
        return self._chance.randrange(len(given)) if given else 0

    def _span(self, given: T) -> tuple[int, int]:
        """A short piece, as a rule; now and then a long one."""
        start = self._at(given)
        longest = 8 if self._chance.random() < 0.7 else len(given) + 1
        return start, min(len(given), start + self._chance.randrange(longest + 1))

    def _piece(self, given: T) -> T:
        piece = self._chance.choice(_PIECES)
        if isinstance(given, str):
            return piece
        if self._chance.random() < 0.3:
            return self._chance.randbytes(self._chance.randrange(1, 5))
        return piece.encode("utf-8", "surrogatepass")

    def _flip(self, given: T) -> T:
        """One bit of one character or byte."""
        if not given:
            return given
        at, bit = self._at(given), 1 << self._chance.randrange(7)
        if isinstance(given, str):
            return given[:at] + chr(ord(given[at]) ^ bit) + given[at + 1 :]
        return given[:at] + bytes([given[at] ^ bit]) + given[at + 1 :]

    def _replace(self, given: T) -> T:
        start, stop = self._span(given)
        return given[:start] + self._piece(given) + given[stop:]

    def _insert(self, given: T) -> T:
        at = self._chance.choice((0, len(given), self._at(given)))
        return given[:at] + self._piece(given) + given[at:]

    def _delete(self, given: T) -> T:
        start, stop = self._span(given)
        return given[:start] + given[stop:]

    def _truncate(self, given: T) -> T:
        at = self._at(given)
        return given[:at] if self._chance.random() < 0.7 else given[at:]

    def _repeat(self, given: T) -> T:
        start, stop = self._span(given)
        times = self._chance.choice((2, 2, 2, 3, 10, self._chance.randrange(1, _MOST_REPEATED)))
        piece = given[start:stop]
        times = min(times, MAX_LENGTH // max(1, len(piece)))
        return given[:start] + piece * times + given[stop:]

    def _splice(self, given: T) -> T:
        """The beginning of one and the end of another."""
        other = self._chance.choice(self._originals)
        return given[: self._at(given)] + other[self._at(other) :]

    def _move(self, given: T) -> T:
        """A piece stands elsewhere."""
        start, stop = self._span(given)
        piece, rest = given[start:stop], given[:start] + given[stop:]
        at = self._at(rest)
        return rest[:at] + piece + rest[at:]

    def _number(self, given: T) -> T:
        """A number becomes another, or the same in another spelling."""
        text = given if isinstance(given, str) else given.decode("latin-1")
        found = list(_NUMBER.finditer(text[:4096]))
        if not found:
            return self._insert(given)
        match = self._chance.choice(found)
        number = match[0] if len(match[0]) < 30 else "7"
        near = str(int(number) + self._chance.choice((-1, 1, 256, 2**31, 2**63)))
        spelled = self._chance.choice((*_NUMBERS, near, near, "0" + number, number + ".0"))
        piece = spelled if isinstance(given, str) else spelled.encode()
        return given[: match.start()] + piece + given[match.end() :]

    def _swap_case(self, given: T) -> T:
        """One letter in another case or alphabet."""
        if not given:
            return given
        at = self._at(given)
        if isinstance(given, str):
            letter = _SWAPPED.get(given[at], given[at].swapcase())
            return given[:at] + letter + given[at + 1 :]
        return given[:at] + given[at : at + 1].swapcase() + given[at + 1 :]
