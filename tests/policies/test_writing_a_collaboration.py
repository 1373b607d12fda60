"""A collaboration written by somebody who is no programmer: scaffold, check, try, and the page that explains them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.cli import main
from broker.engine.cases import CaseError, table
from broker.engine.scaffold import MARK
from tests.policies.copies import copied, rewrite
from tests.policies.tools import ROOT

PAGE = ROOT / "broker/docs/collaborations.md"
ID = "ungdomsteam-stavern"
FILES = tuple(f"{where}/{ID}.yaml" for where in ("facts/collaborations", "facts/units", "tables"))
ASK = "recipient: nav-larvik, purpose: coordination, fields: [education.grades]"
Told = tuple[int, str, str]


@pytest.fixture
def tillit(capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Run the operator's command: its code, and what it said."""

    def run(*arguments: object) -> Told:
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_new_collaboration_says_precisely_what_is_left_to_fill_in(
    tillit: Callable[..., Told], tmp_path: Path
) -> None:
    """Every mark is a line of the check, and nothing else is."""
    directory = tmp_path / "policies"
    assert tillit("policy", "new", ID, "--into", directory)[0] == 0
    code, out, _ = tillit("policy", "check", directory)
    marked = {
        (file, number)
        for file in FILES
        for number, line in enumerate((directory / file).read_text().splitlines(), start=1)
        if MARK in line and not line.lstrip().startswith("#")
    }
    told = {(line.split(":")[0], int(line.split(":")[1])) for line in out.splitlines()}
    assert (code, told) == (1, marked)


def test_the_worked_example_of_the_page_holds(tillit: Callable[..., Told], tmp_path: Path) -> None:
    """Whoever copies the page must get what it says."""
    directory = tmp_path / "policies"
    assert tillit("policy", "new", ID, "--into", directory)[0] == 0
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    for file, text in zip(FILES[:2], blocks[:2], strict=True):
        (directory / file).write_text(text, encoding="utf-8")
    code, out, err = tillit("policy", "check", directory)
    assert code == 1, err
    assert {line.split(":")[0] for line in out.splitlines()} == {FILES[2]}
    (directory / FILES[2]).write_text(blocks[2], encoding="utf-8")
    assert tillit("policy", "check", directory)[0] == 0
    assert tillit("policy", "try", directory, ID) == (0, "3 cases hold, 0 do not\n", "")


def test_every_member_of_a_collaboration_stands_on_the_page() -> None:
    """What the page leaves out, nobody will use."""
    from broker.domain.shelves import Collaboration  # noqa: PLC0415 this test alone needs it

    told = PAGE.read_text(encoding="utf-8")
    assert [name for name in Collaboration.model_fields if f"`{name}`" not in told] == ["id"]


def test_a_new_collaboration_overwrites_nothing(
    tillit: Callable[..., Told], tmp_path: Path
) -> None:
    """Somebody's work of a week has the same name."""
    directory = copied(tmp_path / "policies")
    code, _, err = tillit("policy", "new", "ungdomsutvalget-larvik", "--into", directory)
    assert (code, "is there already" in err) == (2, True)
    assert tillit("policy", "new", "Fagteam!", "--into", directory)[0] == 2


def test_a_table_that_does_not_hold_says_expected_and_answered(
    tillit: Callable[..., Told], tmp_path: Path
) -> None:
    """Which of the two is right is for the reader to say."""
    directory = copied(tmp_path / "policies")
    place = "tables/ungdomsutvalget-larvik.yaml"
    rewrite(directory, place, "{education.attendance.rate: permit}", "{education.grades: permit}")
    rewrite(directory, place, "consents:", "cnsents:")
    code, out, _ = tillit("policy", "try", directory, "ungdomsutvalget-larvik")
    assert code == 1
    assert "`cnsents` is unknown; a case has: ask, at, consents" in out
    rewrite(directory, place, "cnsents:", "consents:")
    code, out, _ = tillit("policy", "try", directory, "ungdomsutvalget-larvik")
    name = "tables/ungdomsutvalget-larvik.yaml: Nav learns of attendance that the school may tell"
    assert out.splitlines()[:2] == [
        f"{name}: education.attendance.rate: expected nothing, answered permit",
        f"{name}: education.grades: expected permit, answered nothing",
    ]
    assert code == 1


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("ask: {recipient: nav-larvik}", "`ask` is missing"),
        (f"ask: {{{ASK}, whim: 1}}", "`ask.whim` is unknown; the tables of other"),
        (f"ask: {{{ASK}}}, subject: {{alder: 15}}", "`subject.alder` is unknown"),
        (f"ask: {{{ASK}}}, stage: x", "stage"),
        (
            f"ask: {{{ASK}}}, at: 10. november",
            "`at` is no instant in UTC, like 2026-11-10T12:00:00Z",
        ),
        (f"ask: {{{ASK}}}, at: 2026-11-10", "`at` is no instant in UTC"),
        ("ask: {recipient: x, purpose: coordination, fields: [a.b]}, consents: [7]", "kind"),
        (
            "ask: {recipient: x, purpose: coordination, fields: [a.b]}, consents: [{grants: [x]}]",
            "no grant",
        ),
    ],
)
def test_a_case_that_cannot_be_read_says_why(
    row: str, says: str, tillit: Callable[..., Told], tmp_path: Path
) -> None:
    """Without a traceback, and the other cases are run all the same."""
    directory = copied(tmp_path / "policies")
    file = directory / "tables/ungdomsutvalget-larvik.yaml"
    file.write_text(f"ungdomsutvalget-larvik:\n  - {{{row}, answer: {{a.b: permit}}}}\n")
    code, out, _ = tillit("policy", "try", directory, "ungdomsutvalget-larvik")
    assert (code, says in out, "0 cases hold, 1 do not" in out) == (1, True, True), out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "is not YAML"),
        ("- a", "holds no list of cases under `x:`"),
        ("x: {a: b}", "holds no list"),
        ("x: [{name: a}]", "case 1 has no `answer:`"),
    ],
)
def test_a_table_that_is_none_says_why(text: str, says: str, tmp_path: Path) -> None:
    """Named, so that it can be mended."""
    file = tmp_path / "x.yaml"
    file.write_text(text)
    with pytest.raises(CaseError, match=re.escape(says)):
        table(file)


def test_a_directory_without_tables_has_nothing_to_try(
    tillit: Callable[..., Told], tmp_path: Path
) -> None:
    """A misspelt id must not pass for a table that holds."""
    directory = copied(tmp_path / "policies")
    code, _, err = tillit("policy", "try", directory, "nobody")
    assert (code, "no decision table nobody.yaml in" in err) == (2, True)
    code, _, err = tillit("policy", "try", directory, "ungdomsutvalget-larvk")
    assert (code, "; is `ungdomsutvalget-larvik` meant?" in err) == (2, True)


LARVIK = "tables/ungdomsutvalget-larvik.yaml"


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("recipient: nav-larvik,", "recipient: nav-larvk,", "no unit is called `nav-larvk`; is"),
        (
            "-> nav-larvik:",
            "-> nav-larvk:",
            "no unit is called `nav-larvk`; is `nav-larvik` meant?",
        ),
        ("education for", "edcation for", "no category is called `edcation`; is `education` mean"),
        (
            "[education.attendance.rate]",
            "[education.grade]",
            "no field is called `education.grade`",
        ),
        ("purpose: case_discussion", "purpose: zzz", "no purpose is called `zzz`\n"),
        ("permit", "[consent.non]", "no reason is called `consent.non`; is `consent.none` meant?"),
    ],
)
def test_a_misspelt_name_in_a_case_is_told(
    was: str, becomes: str, says: str, tillit: Callable[..., Told], tmp_path: Path
) -> None:
    """What nobody is called gets nothing: a refusal would hold, and say nothing of the rules."""
    directory = copied(tmp_path / "policies")
    rewrite(directory, LARVIK, was, becomes)
    code, out, _ = tillit("policy", "try", directory, "ungdomsutvalget-larvik")
    assert (code, says in out) == (1, True), out
