"""The picture of the start page: all of it can be seen, and what it has no room for is counted."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.portal.drawing import HEIGHT, MOST, WIDTH, Picture, drawn
from broker.portal.telling import Flow

NUMBER = re.compile(r"-?\d+")
WORD = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=14)
NAME = st.lists(WORD, min_size=1, max_size=6).map(" ".join)


def flow(recipient: str, *sources: str) -> Flow:
    """What a service may be told by others."""
    return Flow(recipient, "school", sources, "1. mai 2027", "con_1")


def picture(*flows: Flow) -> Picture:
    """The picture of something."""
    made = drawn(flows, me="Deg")
    assert made is not None
    return made


def test_nothing_that_may_pass_is_no_picture() -> None:
    """A person alone in the middle would look as if something were missing."""
    assert drawn([], me="Deg") is None


def test_two_services_stand_across_from_each_other() -> None:
    """With the person between them."""
    made = picture(flow("Nav", "Skolen"))
    one, other = made.spots
    assert (one.x + other.x, one.y + other.y) == (WIDTH, HEIGHT)
    assert (made.me, made.left_out, len(made.arrows)) == ("Deg", 0, 1)


def test_the_two_directions_part() -> None:
    """Each can be seen: one does not lie on the other."""
    made = picture(flow("Nav", "Skolen"), flow("Skolen", "Nav"))
    there, back = ([int(n) for n in NUMBER.findall(arrow.path)] for arrow in made.arrows)
    assert len(made.spots) == 2
    assert there[2:4] != back[2:4]


def test_a_service_that_tells_itself_is_drawn_like_any_other() -> None:
    """An arrow of no length divides by no zero."""
    made = picture(flow("Nav", "Nav"))
    assert (len(made.spots), len(made.arrows)) == (1, 1)


@pytest.mark.parametrize("many", [MOST, MOST + 1, MOST + 7])
def test_more_services_than_there_is_room_for_are_counted(many: int) -> None:
    """None is left out silently, and no arrow points where nobody stands."""
    made = picture(*(flow(f"Tjeneste {n}", f"Tjeneste {n + 1}") for n in range(many - 1)))
    assert (len(made.spots), made.left_out) == (MOST, many - MOST)
    assert len(made.arrows) == MOST - 1


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("Nav", ["Nav"]),
        ("Nav Larvik", ["Nav Larvik"]),
        ("Thor Heyerdahl videregående skole", ["Thor Heyerdahl", "videregående", "skole"]),
        ("Oppfølgingstjenesten Vestfold", ["Oppfølgingstjenesten", "Vestfold"]),
        ("Oppfølgingstjenesten", ["Oppfølgingstjenesten"]),
    ],
)
def test_a_name_stands_in_at_most_three_lines(name: str, lines: list[str]) -> None:
    """A longer one says that it goes on; the list beside the picture has it whole."""
    (spot, _) = picture(flow(name, "Skolen")).spots
    assert lines == list(spot.name)


@given(
    st.lists(
        st.builds(flow, NAME, NAME) | st.builds(flow, NAME, NAME, NAME), min_size=1, max_size=12
    )
)
def test_everything_stands_inside(flows: list[Flow]) -> None:
    """Whoever they are and whatever they are called: dots, names' lines and arrows are in the picture."""
    made = picture(*flows)
    assert {(made.width, made.height)} == {(WIDTH, HEIGHT)}
    for spot in made.spots:
        assert 17 <= spot.x <= WIDTH - 17
        assert 17 <= spot.y <= HEIGHT - 17
        assert 1 <= len(spot.name) <= 3
        assert spot.name_y >= 10
        assert spot.name_y + 14 * (len(spot.name) - 1) <= HEIGHT
    for arrow in made.arrows:
        numbers = [int(number) for number in NUMBER.findall(arrow.path)]
        assert len(numbers) == 6
        assert all(0 <= x <= WIDTH for x in numbers[::2])
        assert all(0 <= y <= HEIGHT for y in numbers[1::2])
        assert all(math.isfinite(number) for number in numbers)
    names = {name for one in flows for name in (one.recipient, *one.sources)}
    assert len(names) == len(made.spots) + made.left_out
