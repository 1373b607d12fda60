"""The SDK's README tells the truth: its example runs, as it stands there, against a real broker."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.demo.people import EMIL, NAV, SCHOOL
from tests.architecture.sources import ROOT
from tests.processes import serving, site
from tillit import Actor, wire

LARVIK = "ungdomsutvalget-larvik"
README = ROOT / "sdk" / "README.md"


def test_example_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first thing that a reader copies works, but for the address."""
    where = site(tmp_path)
    example = README.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    assert len(example.strip().splitlines()) <= 12
    with serving(where), where.client(NAV) as nav, where.client(SCHOOL) as school:
        school.deposit(
            school.subject(national_id=EMIL.national_id),
            {"education.attendance.rate": 0.62},
            observed_at=datetime.now(UTC),
            basis="measured",
            author_role="teacher",
        )
        actor = Actor(id="a17", role="veileder")
        asked = nav.request_consent(
            nav.subject(national_id=EMIL.national_id),
            services=[NAV, SCHOOL],
            purposes=["coordination"],
            categories=["education"],
            collaboration=LARVIK,
            actor=actor,
        )
        answers: dict[str, wire.Answer] = {grant.id: "yes" for grant in asked.grants}
        nav.capture(asked.id, answers=answers, read_out=asked.text_sha256, actor=actor)
        where.keys[NAV].save(tmp_path / "nav-larvik.jwk")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.stdin", io.StringIO(EMIL.national_id + "\n"))
        exec(example.replace("https://tillit.example", where.issuer_url), {})  # noqa: S102 (our own text)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "0.62"
    assert len(said) == 2
    assert said[1]
