"""The release log's lines: one spelling, one order, each on the one before it."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tillit.jose import b64u
from tillit.notes import NoteInvalid, open_checkpoint
from tillit.releases import (
    NAME,
    Chain,
    Release,
    ReleaseLogInvalid,
    Start,
    release_line,
    segment_name,
    start_line,
    vkey,
)

AT = datetime(2026, 11, 20, 9, 15, 30, 123456, tzinfo=UTC)
KID = b64u(b"k" * 32)
RELEASE = Release(1, AT, b"l" * 32, b"m" * 32, KID, 60)


def lines(count: int) -> list[bytes]:
    """The lines of a segment with so many releases."""
    found = [start_line(Start(1, 1, 0), bytes(32))]
    for number in range(1, count + 1):
        at = AT + timedelta(seconds=number)
        release = Release(number, at, b"l" * 32, b"m" * 32, KID, number)
        found.append(release_line(release, hashlib.sha256(found[-1]).digest()))
    return found


def segment(count: int) -> bytes:
    """The same as a file has it."""
    return b"".join(line + b"\n" for line in lines(count))


def test_a_line_is_what_it_says() -> None:
    """The form that another implementation must read."""
    assert release_line(RELEASE, b"p" * 32).decode() == (
        '{"at":"2026-11-20T09:15:30.123456Z","count":60,'
        '"kid":"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s",'
        '"leaf":"bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw",'
        '"manifest":"bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0","number":1,'
        '"previous":"cHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHA","v":1}'
    )
    assert start_line(Start(2, 61, 17), bytes(32)).decode() == (
        '{"first":61,"previous":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","segment":2,'
        '"torn":17,"v":1}'
    )
    assert segment_name(12) == "00000012.jsonl"


def test_a_chain_follows_its_lines() -> None:
    """Reading gives back what was written, in order."""
    seen: list[Release | Start] = []
    chain = Chain()
    data = segment(3)
    assert chain.follow(data, seen.append) == len(data)
    assert seen[0] == Start(1, 1, 0)
    assert [release.count for release in seen[1:] if isinstance(release, Release)] == [1, 2, 3]
    assert (chain.segment, chain.number, chain.torn) == (1, 3, 0)
    assert chain.head == hashlib.sha256(lines(3)[-1]).digest()


@pytest.mark.parametrize(
    "changed",
    [
        lambda kept: [*kept[:2], *kept[3:]],
        lambda kept: [kept[0], kept[2], kept[1], *kept[3:]],
        lambda kept: [*kept[:2], kept[2].replace(b'"count":2', b'"count":3'), *kept[3:]],
        lambda kept: [*kept[:2], kept[1], *kept[2:]],
        lambda kept: [*kept[:2], b"", *kept[2:]],
        lambda kept: [*kept[:2], kept[2] + b" ", *kept[3:]],
        lambda kept: [*kept[:2], kept[0], *kept[2:]],
    ],
    ids=["removed", "swapped", "edited", "doubled", "emptied", "respelt", "started again"],
)
def test_any_change_breaks_the_chain(changed: object) -> None:
    """From the first line that is not as it was, nothing holds any more."""
    assert callable(changed)
    data = b"".join(line + b"\n" for line in changed(lines(4)))
    chain = Chain()
    held = chain.follow(data)
    assert held < len(data)
    assert chain.torn == len(data) - held
    assert chain.number < 4


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        release_line(RELEASE, bytes(32)).replace(b'"count":60', b'"count":060'),
        release_line(RELEASE, bytes(32)).replace(b'"count":60', b'"count":201'),
        release_line(RELEASE, bytes(32)).replace(b'"number":1', b'"number":0'),
        release_line(RELEASE, bytes(32)).replace(b"2026-11-20T", b"2026-13-20T"),
        release_line(RELEASE, bytes(32)).replace(b"2026-11-20T", b"2026-11-20:"),
        release_line(RELEASE, bytes(32)).replace(b"bGw", b"bGx"),
        release_line(RELEASE, bytes(32)).replace(b"a2tra2s", b"a2tra2t"),
        start_line(Start(1, 1, 0), b"x" * 32),
        start_line(Start(2, 1, 0), bytes(32)),
        start_line(Start(1, 2, 0), bytes(32)),
        start_line(Start(1, 1, 1), bytes(32)),
        start_line(Start(1, 1, 0), bytes(32)).replace(b"AAA", b"AAB"),
        release_line(RELEASE, bytes(32)),
    ],
)
def test_a_line_that_does_not_come_next_is_refused(line: bytes) -> None:
    """Other spellings, impossible times and counts, lines out of place."""
    chain = Chain()
    with pytest.raises(ReleaseLogInvalid):
        chain.take(line)
    assert chain == Chain()


def test_a_number_that_is_left_out_is_found() -> None:
    """A chain that was written anew without one release still counts one less."""
    first = lines(0)[0]
    chain = Chain()
    chain.take(first)
    with pytest.raises(ReleaseLogInvalid):
        chain.take(release_line(Release(2, AT, b"l" * 32, b"m" * 32, KID, 1), chain.head))


@pytest.mark.parametrize("cut", [1, 100, 250])
def test_what_is_torn_is_told_by_the_next_segment(cut: int) -> None:
    """A line that its writer died in stays where it is, and the chain goes on beside it."""
    whole = segment(2)
    chain = Chain()
    chain.follow(whole[:-cut])
    assert chain.number == 1
    torn = chain.torn
    assert torn == len(lines(2)[-1]) + 1 - cut
    wrong = start_line(Start(2, 2, torn + 1), chain.head) + b"\n"
    again = Chain(chain.segment, chain.number, chain.head, torn)
    assert again.follow(wrong) == 0
    following = start_line(Start(2, 2, torn), chain.head) + b"\n"
    assert chain.follow(following) == len(following)
    assert (chain.segment, chain.torn) == (2, 0)


def test_a_segment_can_be_gone_on_with_by_its_first_line() -> None:
    """A writer reads the last segment only."""
    chain = Chain.before(start_line(Start(7, 501, 3), b"h" * 32))
    assert chain == Chain(6, 500, b"h" * 32, 3)
    for line in (
        b"",
        release_line(RELEASE, bytes(32)),
        start_line(Start(0, 1, 0), bytes(32)),
        start_line(Start(1, 0, 0), bytes(32)),
    ):
        with pytest.raises(ReleaseLogInvalid):
            Chain.before(line)


def test_a_head_says_how_long_the_chain_is_and_where_it_ends() -> None:
    """What an auditor keeps, to find out later that releases were taken away."""
    key = Ed25519PrivateKey.generate()
    chain = Chain()
    chain.follow(segment(3))
    head = open_checkpoint(chain.signed(key, at=AT), vkey(key))
    assert (head.origin, head.size, head.root) == (NAME, 3, chain.head)
    with pytest.raises(NoteInvalid):
        open_checkpoint(head.note, vkey(Ed25519PrivateKey.generate()))


@pytest.mark.parametrize(
    "release",
    [
        Release(0, AT, b"l" * 32, b"m" * 32, KID, 60),
        Release(1, AT, b"l" * 32, b"m" * 32, KID, -1),
        Release(1, AT, b"l" * 32, b"m" * 32, KID, 201),
        Release(1, AT, b"l" * 32, b"m" * 32, "x" * 42, 60),
        Release(1, AT.replace(tzinfo=None), b"l" * 32, b"m" * 32, KID, 60),
    ],
)
def test_what_no_line_can_hold_is_not_written(release: Release) -> None:
    """A mistake is found where it is made, not when the log is read."""
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        release_line(release, bytes(32))
