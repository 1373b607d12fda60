"""The command line without a broker: what it refuses to take, what it says, and with which exit code."""

import io
import json
import os
import runpy
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.scripted import Act, answer, hang_up, problem, scripted
from tillit import ServiceKey, cli, display, errors, inputs

HANDLE = "hdl_" + "a" * 22
NUMBER = "13097248022"
TRUST = {"issuer": "https://tillit.test", "receipts": {}, "custodian": {}, "log": ""}
TOKEN = answer({"access_token": "t1", "token_type": "Bearer", "expires_in": 120})
ASKED = ["--purpose", "coordination", "--actor", "a17", "--role", "veileder"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a key and the broker's keys, an environment that names both."""
    ServiceKey.generate("nav-larvik").save(tmp_path / "key.jwk")
    (tmp_path / "trust.json").write_text(json.dumps(TRUST))
    monkeypatch.setenv("TILLIT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TILLIT_SERVICE", "nav-larvik")
    monkeypatch.setenv("TILLIT_KEY", str(tmp_path / "key.jwk"))
    monkeypatch.setenv("TILLIT_TRUST", str(tmp_path / "trust.json"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _typed(monkeypatch: pytest.MonkeyPatch, text: str | bytes) -> None:
    raw = text if isinstance(text, bytes) else text.encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))


def _kept(place: Path, content: Any, mode: int = 0o600) -> str:
    path = place / "subject.json"
    path.write_text(json.dumps(content))
    path.chmod(mode)
    return str(path)


def _subject_file(place: Path) -> str:
    return _kept(place, {"subject": HANDLE, "national_id": NUMBER})


# --- keys ---


def test_new_key_is_a_private_file_and_never_overwritten(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no copy of it anywhere."""
    assert cli.main(["key", "new", "ot-vestfold", "ot.jwk"]) == 0
    said = capsys.readouterr().out
    key = ServiceKey.load("ot.jwk")
    assert key.sig_kid in said
    assert key.enc_kid in said
    assert stat.S_IMODE((place / "ot.jwk").stat().st_mode) == 0o600
    assert cli.main(["key", "new", "ot-vestfold", "ot.jwk"]) == 2
    assert capsys.readouterr().err == "tillit: there is a file by that name already\n"
    assert ServiceKey.load("ot.jwk").sig_kid == key.sig_kid


def test_new_hybrid_key_in_json(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For a unit that wants its values safe from quantum computers too."""
    assert cli.main(["key", "new", "ot-vestfold", str(place / "h.jwk"), "--hybrid", "--json"]) == 0
    key = ServiceKey.load(place / "h.jwk")
    assert key.public_jwks()["keys"][1]["kty"] == "AKP"
    assert json.loads(capsys.readouterr().out) == {
        "unit": "ot-vestfold",
        "file": str(place / "h.jwk"),
        "sig_kid": key.sig_kid,
        "enc_kid": key.enc_kid,
    }


@pytest.mark.usefixtures("place")
def test_key_for_what_is_no_unit_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt unit would only be found at registration."""
    assert cli.main(["key", "new", "OT Vestfold", "ot.jwk"]) == 2
    assert "Participant: unit" in capsys.readouterr().err
    assert not Path("ot.jwk").exists()


# --- what must be said ---


@pytest.mark.parametrize("name", ["URL", "SERVICE", "KEY"])
@pytest.mark.usefixtures("place")
def test_missing_setting_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the flag and the variable that would say it."""
    monkeypatch.delenv(f"TILLIT_{name}")
    assert cli.main(["events"]) == 2
    assert capsys.readouterr().err == f"tillit: say --{name.lower()} or set TILLIT_{name}\n"


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["events", "--key", "nowhere.jwk"], "the key file cannot be read"),
        (["events", "--service", "ot-vestfold"], "the key is nav-larvik's, not ot-vestfold's"),
        (["events", "--url", "http://broker.example"], "plain http is for the same machine only"),
        (["events", "--trust", "nowhere.json"], "nowhere.json cannot be read"),
        (["check", "a.b", "--subject", "hdl_x", *ASKED], "a handle begins with hdl_"),
        (["check", "A.b", "--subject", HANDLE, *ASKED], "Ask: fields.0"),
        (["check", "a.b", "--subject", "nowhere.json", *ASKED], "nowhere.json cannot be read"),
        (["check", "a.b", "--subject", HANDLE, *ASKED[:-1], "V"], "Actor: role"),
        (
            [
                "consent",
                "capture",
                "con_x",
                "--read-out",
                "h",
                "--yes",
                "g1",
                "--no",
                "g1",
                *ASKED[2:],
            ],
            "answered in more than one way: g1",
        ),
        (
            ["consent", "capture", "con_x", "--read-out", "h", "--yes", "g1", *ASKED[2:]],
            "Capture: read_out",
        ),
        (
            ["deposit", "--subject", HANDLE, "--values", "-", "--basis", "measured", "--role", "r"],
            "cannot both come from standard input",
        ),
    ],
)
def test_wrong_input_is_explained_in_one_line(
    arguments: Sequence[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, nothing on standard output, nothing sent."""
    assert cli.main(arguments) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.err.startswith("tillit: ")
    assert told.err.count("\n") == 1
    assert told.out == ""


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["consent"],
        ["key"],
        ["ask", "a.b"],
        ["events", "--after", "x"],
        [
            "meeting",
            "--subject",
            HANDLE,
            "--collaboration",
            "c",
            "--held-at",
            "2026-12-01T12:00:00Z",
            "--participant",
            "nav-larvik",
            *ASKED[2:],
        ],
        ["subject", NUMBER],
        ["events", "--language", "sv"],
        ["consent", "capture", "c", "--read-out", "h", *ASKED[2:], "--answered-at", "yesterday"],
        ["consent", "capture", "c", "--read-out", "h", *ASKED[2:], "--answered-at", "2026-11-23"],
        ["consent", "capture", "c", "--read-out", "h", *ASKED[2:], "--scan", "nowhere.pdf"],
    ],
)
def test_what_the_grammar_does_not_have_is_a_usage_error(arguments: Sequence[str]) -> None:
    """There is no place on the command line for an identity number."""
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2


@pytest.mark.usefixtures("place")
def test_trust_that_is_no_object_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Found before anything is sent."""
    Path("list.json").write_text("[]")
    assert cli.main(["events", "--trust", "list.json"]) == 2
    assert "what `tillit trust` wrote" in capsys.readouterr().err
    Path("other.json").write_text("{}")
    assert cli.main(["events", "--trust", "other.json"]) == 2
    assert "BrokerKeys: issuer: missing" in capsys.readouterr().err


# --- numbers, subjects and values ---


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "typed", ["", "\n", "1309724802\n", "130972480222\n", "1309724802x\n", "x" * 99]
)
def test_what_is_no_number_is_refused_and_not_repeated(
    typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be a number all the same, but for a slip."""
    _typed(monkeypatch, typed)
    assert cli.main(["subject"]) == 2
    told = capsys.readouterr()
    assert told.err == "tillit: eleven digits are wanted on standard input\n"
    assert told.out == ""


def test_number_is_asked_for_without_an_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks over a shoulder sees nothing."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: NUMBER if "number" in prompt else "")
    assert inputs.national_id() == NUMBER


def test_subject_file_is_private_or_not_read(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It holds a number."""
    path = _kept(place, {"subject": HANDLE, "national_id": NUMBER}, 0o644)
    assert cli.main(["check", "a.b", "--subject", path, *ASKED]) == 2
    assert capsys.readouterr().err == f"tillit: {path} can be read by others; chmod 600 it\n"


@pytest.mark.parametrize(
    "content",
    [[], {}, {"subject": HANDLE}, {"subject": HANDLE, "national_id": NUMBER, "name": "Emil"}],
)
def test_subject_file_of_another_form_is_refused(
    place: Path, content: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only what ``subject --save`` wrote."""
    assert cli.main(["check", "a.b", "--subject", _kept(place, content), *ASKED]) == 2
    assert "not a file that `tillit subject --save` wrote" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"[1]", "a JSON object"),
        (b"{", "values.json is not JSON"),
        (b'{"a.b": NaN}', "values.json is not JSON"),
        (b'{"a.b": 1, "a.b": 2}', "values.json is not JSON"),
        (b" " * (4 * 1024 * 1024 + 1), "values.json is larger than"),
    ],
)
def test_values_that_are_no_object_are_refused(
    place: Path, raw: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A member that stands twice could be read as either."""
    (place / "values.json").write_bytes(raw)
    given = ["--subject", _subject_file(place), "--values", "values.json"]
    assert cli.main(["deposit", *given, "--basis", "measured", "--role", "teacher"]) == 2
    assert said in capsys.readouterr().err


def test_values_may_come_from_standard_input(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the subject is a file; a custodian key that cannot be used then stops the deposit."""
    _typed(monkeypatch, '{"education.grades": [4, 5]}')
    given = ["--subject", _subject_file(place), "--values", "-"]
    assert cli.main(["deposit", *given, "--basis", "measured", "--role", "teacher"]) == 2
    assert "the custodian's key cannot be used" in capsys.readouterr().err


@pytest.mark.usefixtures("place")
def test_subject_that_cannot_be_kept_is_an_error_and_no_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is there already is somebody else's."""
    Path("emil.json").write_text("mine")
    _typed(monkeypatch, NUMBER)
    with scripted(TOKEN, answer({"subject": HANDLE})) as broker:
        assert cli.main(["subject", "--save", "emil.json", "--url", broker.url]) == 2
    assert "emil.json cannot be written: File exists" in capsys.readouterr().err
    assert Path("emil.json").read_text() == "mine"


# --- exit codes ---


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("act", "code", "said"),
    [
        (
            problem("consent.unknown", 404, "No such consent"),
            1,
            "the broker said no: No such consent [consent.unknown]",
        ),
        (
            problem("token.scope", 403, "Scope missing"),
            1,
            "the broker said no: Scope missing [token.scope]",
        ),
        (
            problem("server.failure", 500, "The broker failed"),
            3,
            "the broker cannot answer now: The broker failed [server.failure]",
        ),
        (
            problem("too.many", 429, "Too many", retry_after="99"),
            3,
            "the broker cannot answer now: Too many [too.many]",
        ),
        (
            answer(raw=b"<html>", content_type="text/html"),
            3,
            "the answer is not JSON [protocol.unusable_answer]",
        ),
        (hang_up, 3, "the broker could not be reached (RemoteProtocolError) [transport.failed]"),
    ],
)
def test_exit_code_tells_no_from_not_now(
    act: Act, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script can tell what to do next."""
    with scripted(TOKEN, act) as broker:
        assert cli.main(["events", "--url", broker.url]) == code
    assert capsys.readouterr().err == f"tillit: {said}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.SubjectMismatch(), 4),
        (errors.Timeout("slow"), 3),
        (errors.Conflict(code="a.b", status=409, title="Taken"), 1),
        (errors.KeyFileError("gone"), 2),
        (errors.TillitError(), 2),
    ],
)
def test_each_family_of_errors_has_its_exit_code(error: errors.TillitError, code: int) -> None:
    """What does not hold is told apart from what was refused."""
    said, exit_code = cli._explained(error)
    assert exit_code == code
    assert error.code in said or code == 2
    assert ("nothing of it is shown" in said) == (code == 4)


@pytest.mark.usefixtures("place")
def test_interrupt_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C at the prompt is no traceback."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def interrupted(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", interrupted)
    assert cli.main(["subject"]) == 130


def test_reader_that_has_gone_is_no_error(place: Path) -> None:
    """``tillit catalogue | head`` ends well."""
    content: dict[str, dict[str, Any]] = {"fields": {f"a.b{'c' * n}": {} for n in range(2000)}}
    with scripted(TOKEN, answer(content)) as broker:
        run = subprocess.Popen(
            [sys.executable, "-m", "tillit", "catalogue", "--url", broker.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "TILLIT_TRUST": str(place / "trust.json")},
        )
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == b""
        assert run.wait(30) == 0
        run.stderr.close()


@pytest.mark.usefixtures("place")
def test_broken_pipe_inside_is_no_error_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, seen from within."""
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as gone, scripted(TOKEN, answer({"fields": {}})) as broker:
        monkeypatch.setattr("sys.stdout", gone)
        assert cli.main(["catalogue", "--url", broker.url]) == 0


def test_module_runs_as_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``python -m tillit`` where the script is not on the path; importing it runs nothing."""
    monkeypatch.setattr("sys.argv", ["tillit", "key", "new", "Not A Unit", "x.jwk"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("tillit", run_name="__main__")
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("tillit: ")
    runpy.run_module("tillit.__main__", run_name="imported")


# --- what is said ---


def test_texts_from_elsewhere_cannot_steer_the_terminal() -> None:
    """A value that clears the screen or turns the text around is shown as what it is."""
    assert display.plain("a\x1b[2Jb\u202ec\nd\x9b") == "a\ufffd[2Jb\ufffdc\nd\ufffd"
    assert display.as_json({"a": "\x9b\u202e"}) == '{\n  "a": "\\u009b\\u202e"\n}'
