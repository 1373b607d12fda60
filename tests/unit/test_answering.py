"""Answering what youths say is wrong, through both clients and the command line: what is sent, read back and believed."""

from typing import Any

import pytest

from tests.scripted import answer, scripted
from tests.unit.test_cli import HANDLE, TOKEN, place
from tests.unit.test_collaborating import ACTOR, SAID, WHO, client, kind, run, sent
from tillit import ProtocolError, UsageError, cli

__all__ = ["kind", "place", "run"]

RECORD, COMPLAINT, OTHER = "rec_" + "r" * 22, "cmp_" + "c" * 22, "cmp_" + "o" * 22
DISCLOSURE = "dis_" + "d" * 22
CONTESTED = {
    "record": RECORD,
    "subject": HANDLE,
    "field": "education.attendance.rate",
    "at": "2026-11-23T08:00:00Z",
    "finding": "looking_into",
    "answered_at": "2026-11-24T08:00:00Z",
}
OPEN = {
    "id": COMPLAINT,
    "subject": HANDLE,
    "disclosure": DISCLOSURE,
    "reason": "not_needed",
    "text": "De trenger ikke å vite dette",
    "state": "open",
    "opened_at": "2026-11-23T08:00:00Z",
    "answer_by": "2026-12-07T08:00:00Z",
    "finding": None,
    "answered_at": None,
}
ANSWERED = OPEN | {
    "state": "answered",
    "finding": "wrong_stopped",
    "answered_at": "2026-11-24T08:00:00Z",
}
PAGES = "/v1/complaints?limit=1&open_only=true"


def test_a_contest_is_replied_to(kind: str) -> None:
    """In one of the words that there are."""
    with scripted(TOKEN, answer(CONTESTED)) as broker, client(kind, broker) as shell:
        view = shell("reply_to_contest", RECORD, "looking_into", actor=ACTOR)
        assert sent(broker) == (
            f"/v1/contests/{RECORD}/reply",
            {"finding": "looking_into", "actor": SAID},
        )
    assert (view.record, view.subject) == (RECORD, HANDLE)


def test_a_complaint_is_answered(kind: str) -> None:
    """What was found, and by whom."""
    with scripted(TOKEN, answer(ANSWERED)) as broker, client(kind, broker) as shell:
        view = shell("answer_complaint", COMPLAINT, "wrong_stopped", actor=ACTOR)
        assert sent(broker) == (
            f"/v1/complaints/{COMPLAINT}/answer",
            {"finding": "wrong_stopped", "actor": SAID},
        )
    assert (view.id, view.state) == (COMPLAINT, "answered")


def test_complaints_come_page_by_page(kind: str) -> None:
    """Each is asked for after the one before."""
    pages = [
        {"complaints": [OPEN], "next": COMPLAINT},
        {"complaints": [OPEN | {"id": OTHER}], "next": None},
    ]
    with scripted(TOKEN, *map(answer, pages)) as broker, client(kind, broker) as shell:
        found = shell("complaints", open_only=True, page=1)
        asked = broker.paths()[-2:]
    assert [one.id for one in found] == [COMPLAINT, OTHER]
    assert asked == [PAGES, f"/v1/complaints?after={COMPLAINT}&limit=1&open_only=true"]


def test_a_page_that_never_ends_is_no_answer(kind: str) -> None:
    """The list stops at a broker that repeats itself."""
    page = answer({"complaints": [], "next": COMPLAINT})
    with (
        scripted(TOKEN, page) as broker,
        client(kind, broker) as shell,
        pytest.raises(ProtocolError, match="the next page is this page"),
    ):
        shell("complaints")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("reply_to_contest", RECORD, "stands"), CONTESTED | {"record": "rec_" + "s" * 22}),
        (("answer_complaint", COMPLAINT, "right"), ANSWERED | {"id": OTHER}),
    ],
)
def test_an_answer_about_another_is_not_believed(
    kind: str, call: tuple[str, ...], told: dict[str, Any]
) -> None:
    """The caseworker must not take it that what they answered is answered."""
    with (
        scripted(TOKEN, answer(told)) as broker,
        client(kind, broker) as shell,
        pytest.raises(ProtocolError, match="the answer is about another"),
    ):
        shell(*call, actor=ACTOR)


@pytest.mark.parametrize(
    "call", [("reply_to_contest", RECORD, "right"), ("answer_complaint", COMPLAINT, "stands")]
)
def test_a_finding_that_there_is_not_is_not_sent(kind: str, call: tuple[str, ...]) -> None:
    """Each has words of its own."""
    with (
        scripted(TOKEN) as broker,
        client(kind, broker) as shell,
        pytest.raises(UsageError, match="finding"),
    ):
        shell(*call, actor=ACTOR)
    assert broker.seen == []


# --- the command line


def test_a_contest_is_replied_to_by_command(run: Any) -> None:
    """Which value, since when, and what was answered."""
    lines, path, body = run(CONTESTED, "contest", "reply", RECORD, "looking_into", *WHO)
    assert (path, body["finding"]) == (f"/v1/contests/{RECORD}/reply", "looking_into")
    assert lines == [
        f"{RECORD}  education.attendance.rate  {HANDLE}",
        "  contested by the subject since 2026-11-23T08:00:00Z",
        "  answered 2026-11-24T08:00:00Z: looking into",
    ]


def test_complaints_are_listed_by_command(run: Any) -> None:
    """What waits says until when; what was closed without an answer says nothing more."""
    closed = OPEN | {"id": OTHER, "state": "closed"}
    page = {"complaints": [OPEN, closed], "next": None}
    lines, path, _ = run(page, "complaint", "list")
    assert path == "/v1/complaints?limit=100&open_only=false"
    assert lines == [
        f"{COMPLAINT}  open  {DISCLOSURE}  {HANDLE}",
        "  2026-11-23T08:00:00Z  De trenger ikke å vite dette [not_needed]",
        "  to be answered by 2026-12-07T08:00:00Z",
        f"{OTHER}  closed  {DISCLOSURE}  {HANDLE}",
        "  2026-11-23T08:00:00Z  De trenger ikke å vite dette [not_needed]",
    ]
    _, path, _ = run(page, "complaint", "list", "--open")
    assert path == "/v1/complaints?limit=100&open_only=true"


def test_a_complaint_is_answered_by_command(run: Any) -> None:
    """It shows as it stands then."""
    lines, path, body = run(ANSWERED, "complaint", "answer", COMPLAINT, "wrong_stopped", *WHO)
    assert (path, body["actor"]) == (f"/v1/complaints/{COMPLAINT}/answer", SAID)
    assert lines[0].startswith(f"{COMPLAINT}  answered")
    assert lines[-1] == "  answered 2026-11-24T08:00:00Z: wrong stopped"


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "words", [("contest", "reply", RECORD, "right"), ("complaint", "answer", COMPLAINT, "stands")]
)
def test_the_command_knows_the_words(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever types another is told which there are."""
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, *WHO])
    assert ended.value.code == 2
    assert "invalid choice" in capsys.readouterr().err
