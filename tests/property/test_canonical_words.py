"""The fast canonical form is the canonical form, for whatever words a manifest or a statement could hold."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tillit.jcs import canonical, canonical_words

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | WORDS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=20,
)


@given(VALUES)
def test_both_write_the_same_bytes(value: Any) -> None:
    """A hash over the one must be the hash over the other, or nothing that was bound would open."""
    assert canonical_words(value) == canonical(value)
