"""``tillit`` on the command line against a real broker process: a caseworker's day without a line of code."""

import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from broker.demo.people import EMIL, NAV, SARA, SCHOOL
from tests.processes import Site, serving, site
from tillit import ServiceKey, cli, wire

LARVIK = "ungdomsutvalget-larvik"
RATE = "education.attendance.rate"
DIAGNOSIS = "health.diagnosis"
WHO = ["--actor", "a17", "--role", "veileder"]
ABOUT = ["--purpose", "coordination", "--collaboration", LARVIK, *WHO]


class Desk:
    """A caseworker's desk at one unit: what is typed, and what is said."""

    def __init__(
        self,
        unit: str,
        url: str,
        directory: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self._environment = {
            "TILLIT_URL": url,
            "TILLIT_SERVICE": unit,
            "TILLIT_KEY": str(directory / f"{unit}.jwk"),
        }
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.directory = directory

    def run(self, *arguments: str, typed: str = "", code: int = 0) -> str:
        """Run a command, check its exit code, return what it said."""
        for name, value in self._environment.items():
            self._monkeypatch.setenv(name, value)
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
        ended = cli.main(arguments)
        said = self._capsys.readouterr()
        assert ended == code, said.err
        return said.err if code not in {0, 1} else said.out + said.err

    def json(self, *arguments: str, typed: str = "", code: int = 0) -> Any:
        """Run a command with its answer in JSON."""
        return json.loads(self.run(*arguments, "--json", typed=typed, code=code))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A real broker process with its synthetic town."""
    where = site(tmp_path_factory.mktemp("site"))
    with serving(where):
        yield where


@pytest.fixture
def desks(
    broker: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> dict[str, Desk]:
    """A desk at Nav and one at the school, with the keys that the units registered."""
    made = {}
    for unit in (NAV, SCHOOL):
        desk = Desk(unit, broker.issuer_url, tmp_path, monkeypatch, capsys)
        if unit in broker.keys:
            broker.keys[unit].save(tmp_path / f"{unit}.jwk")
        else:
            desk.run("key", "new", unit, str(tmp_path / f"{unit}.jwk"))
            assert "is registered" in desk.run("register", "--code", broker.enrolment_code(unit))
            broker.keys[unit] = ServiceKey.load(tmp_path / f"{unit}.jwk")
        made[unit] = desk
    return made


def _kept_for_years(nav: Desk, answer: dict[str, Any], directory: Path) -> None:
    """A proof from the receipt, or by the disclosure's id while it stands; checked with the log's key alone."""
    receipt, file = directory / "receipt", directory / "a.tlog-proof"
    receipt.write_text(answer["receipt"] + "\n")
    vkey = nav.json("trust")["log"]
    for known_by in (str(receipt), answer["id"]):
        file.write_text(nav.run("proof", known_by))
        checked = json.loads(nav.run("verify-proof", str(file), "--vkey", vkey, "--json"))
        assert (checked["ok"], checked["statement"]["id"]) == (True, answer["id"])
    assert nav.json("proof", str(receipt))["proof"].startswith("c2sp.org/tlog-proof@v1\n")
    file.write_text(file.read_text().replace("index ", "index 9"))
    nav.run("verify-proof", str(file), "--vkey", vkey, code=4)


def test_from_deposit_to_verified_answer(desks: dict[str, Desk], tmp_path: Path) -> None:
    """What the SDK does, the command line does: deposit, ask for a consent, record it, ask, prove."""
    nav, school = desks[NAV], desks[SCHOOL]
    handle = school.run("subject", typed=f"{EMIL.national_id}\n").strip()
    values = tmp_path / "values.json"
    values.write_text(json.dumps({RATE: 0.62}))
    given = [
        "--subject",
        handle,
        "--values",
        str(values),
        "--basis",
        "measured",
        "--role",
        "teacher",
    ]
    said = school.run("deposit", *given, typed=EMIL.national_id)
    assert said.startswith("Deposited 2 values.\n")
    again = school.json(
        "deposit", *given, "--observed-at", "2026-11-01T08:00:00Z", typed=EMIL.national_id
    )
    assert set(again["records"]) == {RATE, "education.attendance.band"}

    kept = str(tmp_path / "emil.json")
    said = nav.run("subject", "--save", kept, typed=EMIL.national_id)
    assert f"Kept with the identity number in {kept}" in said
    assert EMIL.national_id not in said
    assert stat.S_IMODE(Path(kept).stat().st_mode) == 0o600
    about_emil = ["--subject", kept]

    refused = nav.run("ask", RATE, *about_emil, *ABOUT, code=1)
    assert refused.startswith("Refused: nothing is released")
    assert "[consent.none]" in refused
    assert nav.run("check", RATE, *about_emil, *ABOUT, code=1).startswith(
        "No. Nothing has been released."
    )

    _consented(nav, about_emil)

    checked = nav.run("check", RATE, DIAGNOSIS, *about_emil, *ABOUT)
    assert checked.startswith("In part. Nothing has been released.")
    assert f"  may    {RATE}  (consent from {SCHOOL})" in checked
    assert "Time alone changes nothing before" in checked
    assert nav.json("check", RATE, *about_emil, *ABOUT)["outcome"] == "released"

    answer = nav.run("ask", RATE, DIAGNOSIS, "--proof", *about_emil, *ABOUT)
    assert answer.startswith("Partly released  dis_")
    assert f"  {RATE} = 0.62  ({SCHOOL}, " in answer
    assert f"  not    {DIAGNOSIS}\n         " in answer
    assert "Erase within 30 days, not to be passed on, to be journalled." in answer
    assert "checked." in answer
    _kept_for_years(nav, nav.json("ask", RATE, *about_emil, *ABOUT), tmp_path)
    whole = nav.json(
        "ask", RATE, "--proof", "--subject", _handle(kept), *ABOUT, typed=EMIL.national_id
    )
    assert whole["values"][RATE]["value"] == 0.62
    assert whole["log"]["index"] < whole["log"]["size"]

    who = ["--participant", f"{NAV}:veileder", f"{SCHOOL}:teacher", *WHO]
    when = ["--held-at", "2030-01-07T12:00:00+01:00", "--collaboration", LARVIK]
    what = ["--agenda", "education", "functioning"]
    meeting = nav.run("meeting", *about_emil, *when, *who, *what)
    assert meeting.startswith("mtg_")
    assert f"  2030-01-07T11:00:00Z  {LARVIK}\n  {NAV}  veileder\n  {SCHOOL}  teacher\n" in meeting
    assert meeting.endswith("  about education, functioning\n")

    assert "consent.activated" in nav.run("events")
    events = nav.json("events")
    assert nav.json("events", "--after", str(events[-1]["id"])) == []


def _consented(nav: Desk, about: list[str]) -> None:
    """Nav asks for a consent, reads it out, and records a yes to every line."""
    involved = ["--involve", NAV, SCHOOL, "--purpose", "coordination", "--category", "education"]
    previewed = nav.run("consent", "preview", *about, *involved, "--collaboration", LARVIK, *WHO)
    assert f"{NAV}  coordination" in previewed
    consent = nav.json(
        "consent",
        "request",
        *about,
        *involved,
        "--collaboration",
        LARVIK,
        "--days",
        "30",
        *WHO,
    )
    view = wire.ConsentView.model_validate(consent)
    assert view.state == "requested"
    listed = nav.run("consent", "list")
    assert f"{view.id}  requested" in listed
    assert "g1    not answered" in listed
    lines = [grant.id for grant in view.grants]
    captured = nav.run(
        "consent", "capture", view.id, "--read-out", view.text_sha256, "--yes", *lines, *WHO
    )
    assert f"{view.id}  active" in captured


def _handle(kept: str) -> str:
    return str(json.loads(Path(kept).read_text())["subject"])


def test_value_about_somebody_else_is_not_shown(desks: dict[str, Desk], tmp_path: Path) -> None:
    """The wrong number typed at the desk: exit code 4, and no value."""
    nav, school = desks[NAV], desks[SCHOOL]
    values = tmp_path / "values.json"
    values.write_text(json.dumps({"education.wishes": "tømrer"}))
    handle = school.run("subject", typed=EMIL.national_id).strip()
    given = ["--values", str(values), "--basis", "stated_by_subject", "--role", "counsellor"]
    school.run("deposit", "--subject", handle, *given, typed=EMIL.national_id)
    handle = nav.run("subject", typed=EMIL.national_id).strip()
    request = nav.json(
        "consent", "request", "--subject", handle, "--involve", NAV, SCHOOL,
        "--purpose", "teaching_adaptation", "coordination", "--field", "education.wishes",
        "--collaboration", LARVIK, "--once", *WHO,
    )  # fmt: skip
    lines = [grant["id"] for grant in request["grants"]]
    nav.run(
        "consent",
        "capture",
        request["id"],
        "--read-out",
        request["text_sha256"],
        "--yes",
        *lines,
        *WHO,
    )
    said = nav.run(
        "ask", "education.wishes", "--subject", handle, *ABOUT, typed=SARA.national_id, code=4
    )
    assert "nothing of it is shown" in said
    assert "[verification.subject_mismatch]" in said
    assert "tømrer" not in said


def test_what_a_youth_says_is_wrong_is_answered(
    broker: Site, desks: dict[str, Desk], tmp_path: Path
) -> None:
    """A value at who wrote it, an ask at who asked it; both are found and answered at the desk, and the youth reads it."""
    nav, school = desks[NAV], desks[SCHOOL]
    values = tmp_path / "values.json"
    values.write_text(json.dumps({RATE: 0.41}))
    handle = school.run("subject", typed=SARA.national_id).strip()
    given = [
        "--subject",
        handle,
        "--values",
        str(values),
        "--basis",
        "measured",
        "--role",
        "teacher",
    ]
    record = school.json("deposit", *given, typed=SARA.national_id)["records"][RATE]
    theirs = nav.run("subject", typed=SARA.national_id).strip()
    refused = nav.json("ask", RATE, "--subject", theirs, *ABOUT, typed=SARA.national_id, code=1)[
        "id"
    ]
    with closing(broker.browser(SARA.national_id)) as sara:
        sara.contests(record, "jeg har vært der hver dag")
        complaint = sara.complains(refused, "not_needed").complaints[0].id

        assert record in school.run("events")
        said = school.run("contest", "reply", record, "looking_into", *WHO)
        assert said.startswith(f"{record}  {RATE}  {handle}\n  contested by the subject since ")
        assert said.endswith(": looking into\n")
        assert "hver dag" not in said
        assert "[contest.unknown]" in nav.run("contest", "reply", record, "stands", *WHO, code=1)

        waiting = nav.run("complaint", "list", "--open")
        assert waiting.startswith(f"{complaint}  open  {refused}  {theirs}\n")
        assert "De trenger ikke å vite dette [not_needed]\n  to be answered by " in waiting
        answered = nav.json("complaint", "answer", complaint, "wrong_stopped", *WHO)
        assert (answered["state"], answered["finding"]) == ("answered", "wrong_stopped")
        assert nav.run("complaint", "list", "--open") == ""
        assert ": wrong stopped\n" in nav.run("complaint", "list")
        assert school.run("complaint", "list") == ""
        assert sara.complaints().complaints[0].finding == "wrong_stopped"


def test_catalogue_and_trust(desks: dict[str, Desk], tmp_path: Path) -> None:
    """What exists to be shared; and the broker's keys, to be pinned."""
    nav = desks[NAV]
    assert f"  {RATE}" in nav.run("catalogue")
    assert RATE in nav.json("catalogue", "--language", "en")["fields"]
    trust = nav.json("trust")
    assert wire.BrokerKeys.model_validate(trust).log
    assert json.loads(nav.run("trust")) == trust
    pinned = tmp_path / "trust.json"
    pinned.write_text(json.dumps(trust))
    assert nav.run("events", "--trust", str(pinned)) == nav.run("events")


def test_registration_without_a_good_code_is_refused(
    desks: dict[str, Desk], tmp_path: Path
) -> None:
    """With the broker's reason, and exit code 1."""
    stranger = str(tmp_path / "ips.jwk")
    desks[NAV].run("key", "new", "ips-larvik", stranger)
    given = ["--unit", "ips-larvik", "--key", stranger, "--code", "C" * 22]
    assert "[enrolment.refused]" in desks[NAV].run("register", *given, code=1)


def test_installed_command_speaks_to_the_broker(broker: Site, desks: dict[str, Desk]) -> None:
    """The console script, as its own process, with nothing but its environment."""
    script = Path(sys.executable).with_name("tillit")
    done = subprocess.run(
        [script, "subject"],
        input=EMIL.national_id,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={
            **os.environ,
            "TILLIT_URL": broker.issuer_url,
            "TILLIT_SERVICE": NAV,
            "TILLIT_KEY": str(desks[NAV].directory / f"{NAV}.jwk"),
        },
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("hdl_")
