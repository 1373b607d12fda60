"""Pictures: the start page's, with me in the middle and what may flow between the services around; and codes to scan.

Coordinates only; templates draw them as SVG, and say the same in words beside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import segno

from broker.portal.telling import Flow

WIDTH, HEIGHT = 300, 350
MOST = 8
"""So many services can be told apart on a phone; more are in the list beside the picture."""
_MIDDLE = (WIDTH / 2, HEIGHT / 2)
_ACROSS, _DOWN = 94.0, 108.0
_DOT, _ME = 17.0, 30.0
_LINE_CHARS = 16
_LINE_HEIGHT = 14
_MOST_LINES = 3
_CHAR_WIDTH = 7.0


@dataclass(frozen=True, slots=True)
class Spot:
    """A service: where its dot is, and the lines of its name, the first at ``name_y``, their middle at ``name_x``."""

    x: int
    y: int
    name: Sequence[str]
    name_x: int
    name_y: int


@dataclass(frozen=True, slots=True)
class Arrow:
    """What may pass from one service to another, bent around the middle."""

    path: str


@dataclass(frozen=True, slots=True)
class Picture:
    """All of it. ``left_out``: how many services it has no room for."""

    width: int
    height: int
    me: str
    spots: Sequence[Spot]
    arrows: Sequence[Arrow]
    left_out: int


def drawn(flows: Sequence[Flow], *, me: str) -> Picture | None:
    """The picture; None where nothing may pass."""
    names = list(dict.fromkeys(name for flow in flows for name in (flow.recipient, *flow.sources)))
    if not names:
        return None
    shown = names[:MOST]
    places = {name: _place(number, of=len(shown)) for number, name in enumerate(shown)}
    return Picture(
        width=WIDTH,
        height=HEIGHT,
        me=me,
        spots=[_spot(name, x, y) for name, (x, y) in places.items()],
        arrows=[
            Arrow(_bent(places[source], places[flow.recipient]))
            for flow in flows
            for source in flow.sources
            if source in places and flow.recipient in places
        ],
        left_out=len(names) - len(shown),
    )


@dataclass(frozen=True, slots=True)
class Squares:
    """A QR code: so many squares wide and high, a margin of four included, and the dark ones as a path."""

    size: int
    path: str


def squares(text: str) -> Squares:
    """The QR code of a text (ISO/IEC 18004), readable also where a seventh of it is not (level M)."""
    rows = list(segno.make_qr(text, error="m").matrix_iter(border=4))
    dark = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, one in enumerate(row) if one)
    return Squares(len(rows), "".join(dark))


def _place(number: int, *, of: int) -> tuple[float, float]:
    angle = 2 * math.pi * number / of - math.pi / 2
    return _MIDDLE[0] + _ACROSS * math.cos(angle), _MIDDLE[1] + _DOWN * math.sin(angle)


def _spot(name: str, x: float, y: float) -> Spot:
    """Names stand on the outer side, where no arrow goes."""
    lines = _lines(name)
    above = y < _MIDDLE[1] - _ME
    first = y - _DOT - 6 - _LINE_HEIGHT * (len(lines) - 1) if above else y + _DOT + _LINE_HEIGHT
    half = max(map(len, lines)) * _CHAR_WIDTH / 2
    middle = min(max(x, half), WIDTH - half)
    return Spot(round(x), round(y), lines, round(middle), round(first))


def _bent(begin: tuple[float, float], end: tuple[float, float]) -> str:
    """A curve from dot to dot, drawn in towards the middle but round whoever stands there."""
    (x0, y0), (x1, y1) = begin, end
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    off_x, off_y = middle_x - _MIDDLE[0], middle_y - _MIDDLE[1]
    away = math.hypot(off_x, off_y)
    if away < _ME:
        # Straight across: to the right of the way there, so that the two directions part.
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        middle_x, middle_y = (
            _MIDDLE[0] - (y1 - y0) / length * 2 * _ME,
            _MIDDLE[1] + (x1 - x0) / length * 2 * _ME,
        )
    else:
        pull = max(_ME * 1.4, away * 0.62) / away
        middle_x, middle_y = _MIDDLE[0] + off_x * pull, _MIDDLE[1] + off_y * pull
    x0, y0 = _towards((x0, y0), (middle_x, middle_y), _DOT + 2)
    x1, y1 = _towards((x1, y1), (middle_x, middle_y), _DOT + 8)
    return f"M{x0:.0f} {y0:.0f}Q{middle_x:.0f} {middle_y:.0f} {x1:.0f} {y1:.0f}"


def _towards(
    point: tuple[float, float], goal: tuple[float, float], by: float
) -> tuple[float, float]:
    across, down = goal[0] - point[0], goal[1] - point[1]
    length = math.hypot(across, down) or 1.0
    return point[0] + across / length * by, point[1] + down / length * by


def _lines(name: str) -> Sequence[str]:
    """A name in as few lines as there must be, and never more than there is room for."""
    lines = [""]
    for word in name.split():
        if lines[-1] and len(lines[-1]) + len(word) >= _LINE_CHARS:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) <= _MOST_LINES:
        return lines
    return [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1]} …"]
