"""Any JSON value within bounds comes out of deposit, custody and disclosure as it went in."""

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.keyring import LocalCustodian
from tests.sealed_case import OBSERVED, disclosed, local_custodian
from tillit.sealing import Value, ValueRefused
from tillit.wire import MAX_DEPTH

EXACT = 2**53 - 1
FIELDS = ("functioning.social", "plan.goals", "voice.story", "work.cv")
BASES = (
    "measured",
    "stated_by_subject",
    "professional_assessment",
    "diagnosis_by_clinician",
    "derived",
)

text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-EXACT, EXACT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(text, inner, max_size=5),
    max_leaves=30,
)
values = st.builds(
    Value,
    field=st.sampled_from(FIELDS),
    value=json_values,
    observed_at=st.datetimes(
        min_value=OBSERVED.replace(year=1950, tzinfo=None),
        max_value=OBSERVED.replace(tzinfo=None),
        timezones=st.timezones(),
    ),
    basis=st.sampled_from(BASES),
    author_role=st.from_regex(r"[a-z][a-z_]{0,39}", fullmatch=True),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> LocalCustodian:
    """One custodian for all examples: what it keeps of one must not disturb another."""
    return local_custodian(tmp_path_factory.mktemp("roundtrip") / "keyring")


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return 1 + max((_depth(item) for item in value), default=0)
    return 0


@settings(deadline=None)
@given(
    given_values=st.lists(values, min_size=1, max_size=4, unique_by=lambda value: value.field),
    hybrid=st.booleans(),
)
def test_deposit_and_disclosure_are_the_identity(
    home: LocalCustodian, given_values: list[Value], *, hybrid: bool
) -> None:
    """Value, moment, basis and role; for both kinds of recipient."""
    if any(_depth(value.value) > MAX_DEPTH for value in given_values):
        with pytest.raises(ValueRefused):
            disclosed(Path(), given_values, custodian=home, hybrid=hybrid)
        return
    opened = disclosed(Path(), given_values, custodian=home, hybrid=hybrid).opened().values
    assert {
        name: (value.value, value.observed_at, value.basis, value.author_role)
        for name, value in opened.items()
    } == {
        # In UTC: Python calls no time in a zone's doubled hour equal to one of another zone.
        value.field: (
            value.value,
            value.observed_at.astimezone(UTC),
            value.basis,
            value.author_role,
        )
        for value in given_values
    }


@settings(deadline=None)
@given(
    value=st.recursive(
        st.sampled_from([float("nan"), float("inf"), -float("inf"), EXACT + 1, -EXACT - 1])
        | st.binary()
        | st.text(st.characters(categories=["Cs"]), min_size=1)
        | st.complex_numbers(),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3)
            | st.dictionaries(st.integers(), inner, min_size=1, max_size=3)
        ),
        max_leaves=5,
    )
)
def test_what_json_cannot_hold_exactly_is_refused(home: LocalCustodian, value: Any) -> None:
    """Refused by name of the field, at the source, before anything is sealed."""
    odd = Value("plan.goals", value, OBSERVED, "measured", "teacher")
    with pytest.raises(ValueRefused, match=r"plan\.goals"):
        disclosed(Path(), [odd], custodian=home)
