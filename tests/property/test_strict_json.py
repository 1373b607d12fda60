"""Strict JSON: the bounds hold for every body, and what passes is what a plain parser reads."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from broker.api.errors import DuplicateMember, NotJson, TooDeep
from broker.api.strict_json import check_depth, check_members, parse
from broker.errors import Refused
from tillit.wire import MAX_DEPTH

texts = st.text(max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=40,
)


class Anything(BaseModel):
    """Takes any value in one member."""

    model_config = ConfigDict(extra="forbid")

    value: Any


def depth(value: Any) -> int:
    """How deep lists and objects nest."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    nests = isinstance(value, dict | list)
    return nests + max((depth(item) for item in inner), default=0)


@given(values)
def test_depth_is_counted_as_a_parser_would(value: Any) -> None:
    """Brackets in strings count for nothing, escaped quotes end nothing."""
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if depth(value) > MAX_DEPTH:
        with pytest.raises(TooDeep):
            check_depth(body)
    else:
        check_depth(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused_and_never_fail(body: bytes) -> None:
    """No input reaches the last line of defence."""
    with contextlib.suppress(Refused):
        parse(body, Anything)


@given(st.text(alphabet='{}[]",:\\ntrue0123456789.eE+- ', max_size=60))
def test_near_json_is_parsed_or_refused_and_never_fails(text: str) -> None:
    """The same for what looks like JSON; and what is refused as no JSON is none to a plain parser either."""
    try:
        check_members(text)
    except NotJson:
        with pytest.raises(ValueError):  # noqa: PT011 (any refusal of the parser's)
            json.loads(text)
    except Refused:
        return


@given(texts, texts, values)
def test_any_member_standing_twice_is_refused(name: str, other: str, value: Any) -> None:
    """Also when it is spelt in two ways, and at any depth."""
    spelt = "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else c for c in name)
    once, twice = json.dumps(name), f'"{spelt}"'
    text = f"{{{json.dumps(other + 'x')}: [{{{once}: 1, {twice}: {json.dumps(value)}}}]}}"
    with pytest.raises(DuplicateMember):
        check_members(text)


@pytest.mark.parametrize(
    "body",
    [b'"' + b'\\"' * 500_000, b'"' * 1_000_000, b"\\" * 1_000_000, b'"\\' * 500_000],
)
def test_depth_of_hostile_bodies_is_counted_in_one_pass(body: bytes) -> None:
    """A pattern that looked twice would take hours here."""
    check_depth(body)
