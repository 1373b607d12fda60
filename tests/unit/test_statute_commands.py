"""The command line's words for statutes, and the bounds of what is written: reasons come from files and go nowhere else."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.scripted import answer, scripted
from tests.unit.test_cli import HANDLE, TOKEN, place
from tillit import Client, ProtocolError, ServiceKey, cli, display, wire
from tillit.results import Check

__all__ = ["place"]

INVOCATION = "inv_" + "a" * 22
WHO = ["--actor", "d1", "--role", "lege"]
REASON = "Hen svarer ikke, og vi er redde for livet."
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
VIEW = wire.InvocationView(
    id=INVOCATION,
    subject=HANDLE,
    statute="S3",
    recipient="politi-larvik",
    source="thor-heyerdahl-vgs",
    fields=("health.risk", "contact.phone"),
    opens=AT,
    closes=AT.replace(day=24),
    confirmed=True,
    review_due=True,
)
VIEWED = answer(VIEW.model_dump(mode="json"))


@pytest.fixture
def reasons(place: Path) -> Path:
    """Files with what is to be written."""
    (place / "reason").write_text(f"{REASON}\n")
    (place / "delay").write_text("Den som er meldt, kan lese telefonen.")
    (place / "necessity").write_text(json.dumps({"health.risk": "Uten det kan vi ikke hjelpe."}))
    (place / "list").write_text("[]")
    (place / "latin").write_bytes("Vi må hjelpe nå.".encode("latin-1"))
    return place


INVOKE = ["statute", "invoke", "S4", "health.risk", "--subject", HANDLE, *WHO]


@pytest.mark.usefixtures("reasons")
def test_everything_that_is_said_of_a_statute_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """From files, so that no list of processes shows a reason."""
    more = ["--recipient", "politi-larvik", "--hours", "3", "--necessity", "necessity"]
    late = ["--delay-days", "2", "--delay-reason", "delay"]
    with scripted(TOKEN, VIEWED) as broker:
        code = cli.main([*INVOKE, "--reason", "reason", *more, *late, "--url", broker.url])
        sent = json.loads(broker.seen[-1].body)
    assert code == 0, capsys.readouterr().err
    assert sent == {
        "subject": HANDLE,
        "statute": "S4",
        "fields": ["health.risk"],
        "reason": REASON,
        "actor": {"id": "d1", "role": "lege"},
        "recipient": "politi-larvik",
        "source": None,
        "necessity": {"health.risk": "Uten det kan vi ikke hjelpe."},
        "notice_delay": {"days": 2, "reason": "Den som er meldt, kan lese telefonen."},
        "hours": 3,
    }
    assert capsys.readouterr().out.splitlines() == [
        f"{INVOCATION}  S3  thor-heyerdahl-vgs -> politi-larvik",
        "  health.risk, contact.phone",
        "  from 2026-11-23T08:00:00Z until 2026-11-24T08:00:00Z",
        "  confirmed by a second person",
        "  to be reviewed by somebody else",
    ]


@pytest.mark.usefixtures("reasons")
def test_a_reason_may_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person at a terminal need not keep it in a file."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(REASON.encode())))
    with scripted(TOKEN, VIEWED) as broker:
        assert cli.main([*INVOKE, "--reason", "-", "--url", broker.url]) == 0
        assert json.loads(broker.seen[-1].body)["reason"] == REASON


@pytest.mark.usefixtures("reasons")
def test_a_second_confirms_a_third_reviews_and_the_leader_lists(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each in one command."""
    judged = ["--finding", "not_justified", "--text", "reason", *WHO]
    page = answer({"invocations": [VIEW.model_dump(mode="json")], "next": None})
    for command, act, path in (
        (["confirm", INVOCATION, *WHO], VIEWED, f"/v1/invocations/{INVOCATION}/confirm"),
        (["review", INVOCATION, *judged], VIEWED, f"/v1/invocations/{INVOCATION}/review"),
        (["list", "--open-reviews"], page, "/v1/invocations?limit=100&open_reviews=true"),
    ):
        with scripted(TOKEN, act) as broker:
            assert cli.main(["statute", *command, "--url", broker.url, "--json"]) == 0
            assert broker.paths()[-1] == path
        assert INVOCATION in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--reason", "missing"], "cannot be read"),
        (["--reason", "latin"], "not UTF-8"),
        (["--reason", "reason", "--delay-days", "2"], "both --delay-days and --delay-reason"),
        (["--reason", "reason", "--delay-reason", "delay"], "both --delay-days"),
        (["--reason", "reason", "--necessity", "list"], "a JSON object"),
        (["--reason", "reason", "--hours", "0"], "InvocationRequest: hours"),
    ],
)
@pytest.mark.usefixtures("reasons")
def test_what_cannot_be_said_is_not_sent(
    more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what is wrong, and nothing of what was written."""
    assert cli.main([*INVOKE, *more]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert REASON not in error


def test_what_is_open_and_what_was_found_is_shown() -> None:
    """Any source may answer; a finding reads as words."""
    changed: dict[str, Any] = {
        "source": None,
        "confirmed": False,
        "review_due": False,
        "finding": "not_justified",
    }
    lines = list(display.invocation_text(VIEW.model_copy(update=changed)))
    assert lines[0].endswith("any source -> politi-larvik")
    assert lines[-1] == "  reviewed: not justified"


def test_a_ground_that_is_no_yes_is_named_by_its_statute() -> None:
    """Whoever reads it can look it up."""
    ground = {"version": 0, "grant": "", "source": "thor-heyerdahl-vgs"}
    check = Check(
        outcome="released",
        permitted={
            "contact.phone": (
                wire.Ground(kind="emergency", id="S4", **ground),
                wire.Ground(kind="consent", id="con_1", **{**ground, "version": 1}),
            )
        },
        withheld={},
        obligations=wire.Obligations(
            notify="immediate", erase_after="P30D", onward_sharing=False, journal=True
        ),
        stable_until=None,
        policy=wire.PolicyRef(version="1", digest="sha256:" + "0" * 64),
    )
    lines = list(display.check_text(check))
    assert "emergency S4 from thor-heyerdahl-vgs, consent from thor-heyerdahl-vgs" in lines[1]


@pytest.mark.parametrize(
    "text",
    [
        "for kort",
        "          ",
        "a" * 1001,
        "Det gjelder 13097248022 nå.",
        "Det gjelder 130972 48022 nå.",
        "Det gjelder 130972-48022 nå.",
        "Vi er redde\x1b[2J for livet.",
        "Vi er redde\u202e for livet.",
    ],
)
def test_a_reason_is_words_and_no_number(text: str) -> None:
    """It stays in the log for as long as the youth is known there."""
    with pytest.raises(ValidationError) as refused:
        wire.Review(finding="justified", text=text, actor=wire.Actor(id="a", role="lege"))
    assert refused.value.error_count() == 1


def test_a_reason_may_have_lines_and_is_not_shown() -> None:
    """A model that is printed somewhere prints no reason."""
    judged = wire.Review(
        finding="justified", text=f" {REASON}\n\tOg mer. ", actor=wire.Actor(id="a", role="lege")
    )
    assert judged.text == f"{REASON}\n\tOg mer."
    assert REASON not in repr(judged)


def test_a_page_that_never_ends_is_no_answer() -> None:
    """The list stops at a broker that repeats itself."""
    key = ServiceKey.generate("nav-larvik")
    page = answer({"invocations": [], "next": INVOCATION})
    trust = wire.BrokerKeys(issuer="https://t", receipts={}, custodian={}, log="")
    with (
        scripted(TOKEN, page) as broker,
        Client(broker.url, service="nav-larvik", key=key, trust=trust) as client,
        pytest.raises(ProtocolError, match="the next page is this page"),
    ):
        list(client.invocations())
