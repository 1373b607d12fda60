"""What is refused when policies are loaded: with file, line, and what to write instead; all of it at once."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.engine import documents, floor
from broker.engine.bundle import BundleError, load
from broker.engine.documents import Problem
from tests.policies.copies import AGREEMENT, copied, rewrite
from tests.policies.tools import ROOT

PURPOSES = "facts/catalogue/purposes.yaml"
LIMITS, AGES = "facts/law/limits.yaml", "facts/law/ages.yaml"


def found(directory: Path) -> tuple[Problem, ...]:
    """The problems that loading names."""
    with pytest.raises(BundleError) as refused:
        load(directory)
    return refused.value.problems


MISTAKES = {
    f"{group}: {name}": said
    for group, mistakes in yaml.safe_load(
        (ROOT / "tests/policies/mistakes.yaml").read_text(encoding="utf-8")
    ).items()
    for name, said in mistakes.items()
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_its_place_and_what_to_write_instead(
    mistake: dict[str, Any], tmp_path: Path
) -> None:
    """A municipal adviser must be able to mend it alone."""
    place, says, instead = mistake["in"], mistake["says"], mistake["instead"]
    directory = copied(tmp_path / "policies")
    line = rewrite(directory, place, mistake["was"], mistake["becomes"])
    problems = found(directory)
    told = [p for p in problems if says in p.says and instead in p.instead]
    assert told, [str(problem) for problem in problems]
    if mistake["below"] is not None:
        assert (place, line + mistake["below"]) in {(p.file, p.line) for p in told}


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """One at a time is an afternoon lost."""
    directory = copied(tmp_path / "policies")
    rewrite(directory, PURPOSES, "basis: none", "basis: whim")
    rewrite(directory, AGES, "adult: 18", "adult: 18\n  adult: 21")
    rewrite(directory, LIMITS, "[system]", "[]")
    rewrite(directory, AGREEMENT, "max_days: 365", "max_days: 900")
    rewrite(directory, AGREEMENT, "    ips-larvik:", "    isp-larvik:")
    problems = found(directory)
    assert {problem.file for problem in problems} == {PURPOSES, AGES, LIMITS, AGREEMENT}
    assert len(problems) >= 5
    assert list(problems) == sorted(problems)


def test_a_mistake_is_told_once(tmp_path: Path) -> None:
    """Two lines about one thing contradict each other sooner or later."""
    directory = copied(tmp_path / "policies")
    rewrite(directory, AGREEMENT, "max_days: 365", "max_days: 900")
    rewrite(
        directory, AGREEMENT, 'valid_from: "2025-01-01T00:00:00.000000Z"', "valid_from: 2025-01-01"
    )
    rewrite(directory, AGREEMENT, "erase_after: P30D", "erase_after: 30")
    says = [problem.says for problem in found(directory)]
    assert says == [
        "`valid_from: 2025-01-01` is not an instant in UTC",
        "a consent lasts at most 365 days, not 900",
        "`erase_after: 30` is no number of days",
    ]


def test_no_unit_is_called_as_whoever_reads_about_themself(tmp_path: Path) -> None:
    """A service by that name would read what only the youth may."""
    directory = copied(tmp_path / "policies")
    rewrite(directory, "facts/units/ungdomstorget.yaml", "ungdomstorget-drammen:", "subject:")
    told = [p for p in found(directory) if "no unit can be called so" in p.says]
    assert [p.file for p in told] == ["facts/units/ungdomstorget.yaml"]


def test_a_problem_reads_as_file_line_and_advice(tmp_path: Path) -> None:
    """The form that editors make links of."""
    directory = copied(tmp_path / "policies")
    line = rewrite(directory, AGREEMENT, "max_days: 365", "max_days: 900")
    with pytest.raises(BundleError) as refused:
        load(directory)
    assert (
        f"{AGREEMENT}:{line}: a consent lasts at most 365 days, not 900; write instead: `max_days: 365`, or less"
        in str(refused.value).splitlines()
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: \xff\xfe", "not UTF-8"),
        (b"", "holds no `name: value`"),
        (b"- a", "holds no `name: value`"),
        (b"a: " + b"[" * 30 + b"]" * 30, "nested too deeply"),
        (b"#" * (documents.MAX_BYTES + 1), "longer than"),
        (b"a: !!python/object:os.system {}", "collaborations"),
        (b"? [a, b]\n: 1", "no text"),
        (b"a: !!int x", "not a JSON value"),
        (b"a: 7", "another kind"),
        (b"a: {members: 7}", "another kind"),
        (b"a: {members: {nav-larvik: 7}, purposes: 7, consent: 7, ages: 7}", "another kind"),
    ],
)
def test_a_file_that_is_nothing_is_refused_in_words(
    content: bytes, says: str, tmp_path: Path
) -> None:
    """Whatever somebody saves there: never a traceback."""
    directory = copied(tmp_path / "policies")
    (directory / "facts/collaborations/a.yaml").write_bytes(content)
    assert any(says in str(problem) for problem in found(directory))


def test_an_alias_is_written_out_only_so_far(tmp_path: Path) -> None:
    """A small file must not become a large document."""
    directory = copied(tmp_path / "policies")
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (directory / "facts/collaborations/a.yaml").write_text("\n".join(lines))
    assert any("alias" in problem.says for problem in found(directory))


@pytest.mark.parametrize("folder", ["catalogue/fields", "law/limits", "law/ages", "release"])
def test_a_file_left_out_is_told(folder: str, tmp_path: Path) -> None:
    """A lost file must not become an empty shelf."""
    directory = copied(tmp_path / "policies")
    (directory / f"facts/{folder}.yaml").unlink()
    assert any("is missing" in problem.says for problem in found(directory))


def test_the_floor_is_the_releases_own_law() -> None:
    """Two places that say the same must be seen to."""
    law = documents.read(ROOT / "policies").facts["law"]
    assert {
        kind: {name: tuple(values) for name, values in kept.items()}
        for kind, kept in law["limits"]["never"].items()
    } == floor.NEVER
    assert {
        kind: tuple(kept["categories"]) for kind, kept in law["limits"]["by_name_only"].items()
    } == floor.BY_NAME_ONLY
    assert list(floor.NO_IDENTIFIED_FIELD) == law["limits"]["no_identified_field"]
    assert dict(floor.AGES) == {
        name: rule["floor"] for name, rule in law["ages"]["categories"].items()
    }
    assert law["ages"]["default"]["floor"] == floor.DEFAULT_AGE
