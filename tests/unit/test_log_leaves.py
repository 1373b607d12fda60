"""Leaves: one canonical form, nothing of the content, and no guessing at it."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillit.jcs import canonical
from tillit.leaves import (
    MAX_CONTENT_BYTES,
    Leaf,
    LeafInvalid,
    commitment,
    commitment_to,
    instant,
    leaf,
    leaf_at,
    leaf_hash,
    parse_leaf,
)

SALT = bytes(range(32))
CONTENT = {"recipient": "nav-larvik", "outcome": "refused"}
AT = datetime(2026, 11, 23, 9, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))
MAC = commitment(SALT, CONTENT)
LEAF = leaf("disclosure.refused", AT, MAC)


def test_leaf_is_spelled_out() -> None:
    """Anybody can write one down from the description."""
    mac = hmac.digest(SALT, b'{"outcome":"refused","recipient":"nav-larvik"}', "sha256")
    assert mac == MAC
    assert json.loads(LEAF) == {
        "v": 1,
        "type": "disclosure.refused",
        "at": "2026-11-23T08:00:00.000005Z",
        "commitment": base64.urlsafe_b64encode(mac).decode().rstrip("="),
    }
    assert leaf_hash(LEAF) == hashlib.sha256(b"\0" + LEAF).digest()


def test_leaf_reads_back() -> None:
    """In UTC, to the microsecond."""
    assert parse_leaf(LEAF) == Leaf("disclosure.refused", AT.astimezone(UTC), MAC)


def test_another_salt_is_another_commitment() -> None:
    """Same content, same time: still nobody can see that two leaves say the same."""
    assert commitment(bytes(32), CONTENT) != MAC
    assert commitment_to(SALT, canonical(CONTENT)) == MAC


types = st.from_regex(r"[a-z][a-z_]{0,20}(\.[a-z][a-z_]{0,20}){0,2}", fullmatch=True).filter(
    lambda kind: len(kind) <= 64
)


@given(types, st.datetimes(timezones=st.just(UTC)), st.binary(min_size=32, max_size=32))
def test_leaf_is_canonical_json(kind: str, at: datetime, mac: bytes) -> None:
    """The template writes what RFC 8785 writes, for everything that it accepts."""
    data = leaf(kind, at, mac)
    assert canonical(json.loads(data)) == data
    assert parse_leaf(data) == Leaf(kind, at, mac)


@given(st.lists(st.datetimes(timezones=st.timezones()), min_size=2))
def test_times_sort_as_their_texts(times: list[datetime]) -> None:
    """The sequencer sorts texts in the database."""
    try:
        texts = sorted(instant(at) for at in times)
    except OverflowError:
        return
    assert texts == [instant(at) for at in sorted(times, key=lambda at: at.astimezone(UTC))]


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"{}",
        LEAF + b"\n",
        b" " + LEAF,
        LEAF.replace(b'"v":1', b'"v":2'),
        LEAF.replace(b'"v":1', b'"v":1,"w":1'),
        LEAF.replace(b"disclosure.refused", b"Disclosure"),
        LEAF.replace(b"disclosure.refused", b"disclosure."),
        LEAF.replace(b"disclosure.refused", b"x" * 65),
        LEAF.replace(b"2026-11-23", b"2026-13-23"),
        LEAF.replace(b"08:00:00", b"25:00:00"),
        LEAF.replace(b"08:00:00", b"24:00:00"),
        LEAF.replace(b".000005Z", b"Z"),
        LEAF.replace(b".000005Z", b".000005+00:00"),
        LEAF.replace(b'","type', b'=","type'),
        json.dumps(json.loads(LEAF)).encode(),
        LEAF * 100,
        "æ".encode() * 10,
    ],
)
def test_nearly_a_leaf_is_refused(wrong: bytes) -> None:
    """Two byte forms of one leaf would be two hashes of one event."""
    with pytest.raises(LeafInvalid) as caught:
        parse_leaf(wrong)
    assert caught.value.code == "verification.leaf_invalid"


def test_base64_with_stray_bits_is_refused() -> None:
    """Forty-three characters hold two bits more than 32 bytes: they must be zero."""
    last = LEAF.index(b'","type') - 1
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    stray = alphabet[alphabet.index(LEAF[last]) | 1]
    with pytest.raises(LeafInvalid, match="canonical"):
        parse_leaf(LEAF[:last] + bytes([stray]) + LEAF[last + 1 :])


@given(st.binary(max_size=300))
def test_garbage_is_refused_not_crashed_on(data: bytes) -> None:
    """Leaves come from outside."""
    with pytest.raises(LeafInvalid):
        parse_leaf(data)


@pytest.mark.parametrize(
    ("salt", "content"),
    [
        (SALT[:31], CONTENT),
        (SALT + b"\0", CONTENT),
        (SALT, {"number": float("nan")}),
        (SALT, {"number": 2**53}),
        (SALT, {"text": "x" * MAX_CONTENT_BYTES}),
    ],
)
def test_what_cannot_be_committed_to(salt: bytes, content: dict[str, Any]) -> None:
    """A short salt could be guessed; what has no canonical form could be denied."""
    with pytest.raises(ValueError):  # noqa: PT011 - any; which one is the canonicaliser's business
        commitment(salt, content)


@pytest.mark.parametrize("kind", ["", "A", "a..b", ".a", "a.", "1", "a-b", "a" * 65, "a\n"])
def test_types_no_leaf_has(kind: str) -> None:
    """The template escapes nothing: nothing may need it."""
    with pytest.raises(ValueError, match="not a type"):
        leaf(kind, AT, MAC)


def test_other_parts_no_leaf_has() -> None:
    """A naive time means another moment on every machine; a short MAC none at all."""
    with pytest.raises(ValueError, match="zone"):
        leaf("a", datetime(2026, 1, 1), MAC)  # noqa: DTZ001 - the point
    with pytest.raises(ValueError, match="MAC"):
        leaf_at("a", instant(AT), MAC[:31])
