"""Paths and bundles: the one form each resource has, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import bundles, paths, tree
from audit.paths import TilePath


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (TilePath(0, 0), "tile/0/000"),
        (TilePath(1, 999, 1), "tile/1/999.p/1"),
        (TilePath(None, 1000, 255), "tile/entries/x001/000.p/255"),
        (TilePath(0, 1234067), "tile/0/x001/x234/067"),
        (TilePath(7, 10**17), "tile/7/x100/x000/x000/x000/x000/000"),
    ],
)
def test_paths_are_those_of_the_specification(path: TilePath, text: str) -> None:
    """The number 1234067 is the example of C2SP tlog-tiles."""
    assert str(path) == text
    assert paths.parse(text) == path


tile_paths = st.builds(
    TilePath,
    st.none() | st.integers(0, tree.MAX_LEVEL),
    st.integers(0, 10**18 - 1),
    st.integers(1, 256),
)


@given(tile_paths)
def test_paths_round_trip(path: TilePath) -> None:
    """Mirror and server agree on every one."""
    assert paths.parse(str(path)) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "checkpoint",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/-1/000",
        "tile/8/000",
        "tile/entries/x000/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000\n",
        "/tile/0/000",
        "tile/0/../000",
        "tile/0/" + "\N{ARABIC-INDIC DIGIT ZERO}" * 3,
        "tile/0/" + "x001/" * 30 + "000",
    ],
)
def test_nothing_else_is_a_path(text: str) -> None:
    """Two paths to one resource would be two cache entries; a traversal would be worse."""
    assert paths.parse(text) is None


@given(st.text(max_size=100))
def test_garbage_is_no_path(text: str) -> None:
    """Paths come from outside: what parses is written the same way again."""
    read = paths.parse(text)
    assert read is None or str(read) == text


@given(st.integers(0, 200_000))
def test_needed_is_every_tile_there_is(size: int) -> None:
    """What the specification says a tree of this size has, no less and no more, counted without listing."""
    listed = list(paths.needed(size))
    assert len(listed) == len(set(listed)) == paths.count_needed(size)
    assert sum(path.width for path in listed if path.level is None) == size
    for level in range(4):
        hashes = sum(path.width for path in listed if path.level == level)
        assert hashes == size // 256**level


def test_the_example_of_the_specification() -> None:
    """A tree of 70 000: 273 full tiles and one of 112, one full and one of 17, one of 1."""
    widths = [
        sorted({path.width for path in paths.needed(70_000) if path.level == level})
        for level in range(4)
    ]
    assert widths == [[112, 256], [17, 256], [1], []]
    assert [len([p for p in paths.needed(70_000) if p.level == level]) for level in range(3)] == [
        274,
        2,
        1,
    ]


leaves = st.lists(st.binary(max_size=300), max_size=20)


@given(leaves)
def test_bundles_round_trip(entries: list[bytes]) -> None:
    """Each entry after its length."""
    assert bundles.unpack(bundles.pack(entries), len(entries)) == entries


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20), st.data())
def test_cut_and_padded_bundles_are_refused(entries: list[bytes], data: st.DataObject) -> None:
    """No entry is lost or gained in silence."""
    packed = bundles.pack(entries)
    cut = data.draw(st.integers(0, len(packed) - 1))
    for wrong, count in (
        (packed[:cut], len(entries)),
        (packed + b"\0", len(entries)),
        (packed, len(entries) - 1),
        (packed, len(entries) + 1),
    ):
        with pytest.raises(bundles.BundleInvalid):
            bundles.unpack(wrong, count)


@given(st.binary(max_size=600), st.integers(0, 256))
def test_garbage_is_refused_not_crashed_on(data: bytes, count: int) -> None:
    """What does unpack is what packs to the same bytes."""
    try:
        entries = bundles.unpack(data, count)
    except bundles.BundleInvalid:
        return
    assert bundles.pack(entries) == data
