"""The synthetic register: hashed at load, asked by hash, and down rather than wrong."""

import gc
import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from broker.domain.anonymity import Group
from broker.domain.ids import PersonKey
from broker.errors import RegisterDown
from broker.register import SyntheticRegister

CHILD, MOTHER, NOBODY = "14831099915", "02828350022", "01810750026"


def keyed(national_id: str) -> PersonKey:
    """Any hash will do."""
    return PersonKey(hashlib.sha256(national_id.encode()).hexdigest())


def _write(file: Path, *people: dict[str, Any]) -> None:
    file.write_text(json.dumps({"people": people}))


@pytest.fixture
def register(tmp_path: Path) -> SyntheticRegister:
    """A mother and her child."""
    _write(
        tmp_path / "people.json",
        {
            "national_id": CHILD,
            "born": "2010-03-14",
            "guardians": [MOTHER],
            "address_protection": "confidential",
        },
        {"national_id": MOTHER, "born": "1983-02-02"},
    )
    return SyntheticRegister(tmp_path / "people.json", keyed)


def test_person_is_found_by_keyed_hash_with_guardians_and_wards(
    register: SyntheticRegister,
) -> None:
    """Both directions: who must sign for the child, and for whom the mother may."""
    child, mother = register.person(keyed(CHILD)), register.person(keyed(MOTHER))
    assert child is not None
    assert mother is not None
    assert (date(2010, 3, 14), (keyed(MOTHER),)) == (child.born, child.guardians)
    assert (child.address_protection, mother.address_protection) == ("confidential", "none")
    assert ((keyed(CHILD),), ()) == (mother.wards, child.wards)


def test_unknown_number_is_nobody(register: SyntheticRegister) -> None:
    """Not an error: the caller says what it means."""
    assert register.person(keyed(NOBODY)) is None


def test_numbers_are_not_kept(register: SyntheticRegister) -> None:
    """A memory dump of the broker holds hashes."""
    register.person(keyed(CHILD))
    seen: set[int] = set()

    def holds(thing: object) -> bool:
        if id(thing) in seen or callable(thing):
            return False
        seen.add(id(thing))
        if isinstance(thing, str | bytes):
            return CHILD in str(thing) or MOTHER in str(thing)
        return any(holds(inner) for inner in gc.get_referents(thing))

    assert not holds(vars(register))


def test_changed_file_is_read_again(register: SyntheticRegister, tmp_path: Path) -> None:
    """The demo adds people while the broker runs."""
    assert register.person(keyed(NOBODY)) is None
    _write(tmp_path / "people.json", {"national_id": NOBODY, "born": "2007-01-01"})
    assert register.person(keyed(NOBODY)) is not None
    assert register.person(keyed(CHILD)) is None


def _remove(file: Path) -> None:
    file.unlink()


def _directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _content(text: str) -> Callable[[Path], object]:
    return lambda file: file.write_text(text)


@pytest.mark.parametrize(
    "spoil",
    [
        _remove,
        _directory,
        _content(""),
        _content("[]"),
        _content('{"people": [{"national_id": "123", "born": "2010-01-01"}]}'),
        _content(f'{{"people": [{{"national_id": "{CHILD}", "born": "2010-02-30"}}]}}'),
        _content(json.dumps({"people": [{"national_id": CHILD, "born": "2010-01-01"}] * 2})),
        _content("[" * 100_000),
    ],
)
def test_spoilt_file_is_down_and_comes_back(
    register: SyntheticRegister, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    """What was read before is not used on: somebody may have been removed. No text repeats the file."""
    assert register.person(keyed(CHILD)) is not None
    file = tmp_path / "people.json"
    sound = file.read_text()
    spoil(file)
    for _ in range(2):
        with pytest.raises(RegisterDown) as down:
            register.person(keyed(CHILD))
        assert CHILD not in str(down.value)
        assert down.value.__cause__ is None
    if file.is_dir():
        file.rmdir()
    file.write_text(sound)
    assert register.person(keyed(CHILD)) is not None


def test_a_group_is_counted_by_place_birth_and_gender(tmp_path: Path) -> None:
    """Born after one day and until another; whose gender or place is not known counts as little as can be."""
    rows = [
        ("woman", "2010-01-01"),
        ("man", "2010-01-02"),
        ("man", "2010-12-31"),
        (None, "2010-06-01"),
    ]
    people = [
        {"national_id": f"{n:011d}", "born": born, "municipality": "larvik", "gender": gender}
        for n, (gender, born) in enumerate(rows)
    ]
    _write(tmp_path / "people.json", *people, {"national_id": CHILD, "born": "2010-06-01"})
    register = SyntheticRegister(tmp_path / "people.json", keyed)

    def count(**more: Any) -> int:
        year = {"born_after": date(2010, 1, 1), "born_until": date(2010, 12, 31)}
        return register.count(Group(**{"municipality": "larvik", "gender": None, **year, **more}))

    assert (count(), count(gender="man"), count(gender="woman")) == (3, 2, 0)
    assert count(born_until=date(2010, 12, 30), gender="man") == 1
    assert count(municipality="tonsberg") == 0


def test_a_register_that_is_gone_counts_nobody(register: SyntheticRegister, tmp_path: Path) -> None:
    """It is down, and never says that there are none."""
    (tmp_path / "people.json").unlink()
    with pytest.raises(RegisterDown):
        register.count(Group("larvik", date(2000, 1, 1), date(2010, 1, 1), None))
