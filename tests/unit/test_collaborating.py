"""What a service tells a collaboration, through both clients and the command line: what is sent, and what is read back."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scripted import Script, answer, scripted
from tests.shells import NAMES, Shell, opened
from tests.unit.test_cli import HANDLE, TOKEN, place
from tillit import Actor, ProtocolError, ServiceKey, Subject, UsageError, cli, wire

__all__ = ["place"]

TRUST = wire.BrokerKeys(issuer="https://tillit.test", receipts={}, custodian={}, log="")
ACTOR = Actor(id="a17", role="veileder")
SAID = {"id": "a17", "role": "veileder"}
WHO = ["--actor", "a17", "--role", "veileder"]
CONSENT, CASE = "con_" + "b" * 22, "cas_" + "c" * 22
EMIL, SARA = Subject(HANDLE), Subject("hdl_" + "s" * 22)
CLAIM = "AAAA-BBBB-CCCC-DDDD-EEEE"
TEAM = "ressursteam-ovre-eiker"
VIEW = {
    "id": CONSENT,
    "version": 3,
    "state": "expired",
    "collaboration": "ungdomssatsingen-solor",
    "requested_by": "nav-larvik",
    "requested_at": "2026-11-23T08:00:00Z",
    "valid_from": "2026-11-23T08:00:00Z",
    "valid_until": "2027-05-23T08:00:00Z",
    "language": "nb",
    "text": "Det vi spør om.",
    "text_sha256": "d" * 43,
    "grants": [],
    "waiting_for": [],
    "third_party": False,
}
REACHED = {"collaboration": "fravaer", "stage": 7, "at": "2026-11-23T08:00:00Z"}
TOLD = {"id": CASE, "claim": CLAIM}
SEEN = {
    "id": CASE,
    "collaboration": TEAM,
    "told_by": "nav-larvik",
    "age_band": "16-18",
    "gender": None,
    "municipality": "larvik",
    "topics": ["absence", "sleep"],
    "needs_help_with": ["work_start"],
}


@pytest.fixture(params=NAMES)
def kind(request: pytest.FixtureRequest) -> str:
    """Which client."""
    return str(request.param)


def client(kind: str, broker: Script) -> Any:
    """One that trusts the broker already."""
    key = ServiceKey.generate("nav-larvik")
    return opened(kind, broker.url, service="nav-larvik", key=key, trust=TRUST)


def sent(broker: Script) -> tuple[str, dict[str, Any]]:
    """The last request: its path and what it carried."""
    last = broker.seen[-1]
    return last.path, dict(json.loads(last.body))


def test_an_event_is_said(kind: str) -> None:
    """Of one consent, by somebody."""
    with scripted(TOKEN, answer(VIEW)) as broker, client(kind, broker) as shell:
        view = shell("consent_event", CONSENT, "offer_exists", actor=ACTOR)
        assert (view.id, view.state) == (CONSENT, "expired")
        body = {"event": "offer_exists", "actor": SAID}
        assert sent(broker) == (f"/v1/consents/{CONSENT}/events", body)


def test_what_was_asked_back_is_answered(kind: str) -> None:
    """In one of the words that there are."""
    with scripted(TOKEN, answer(VIEW)) as broker, client(kind, broker) as shell:
        assert shell("reply", CONSENT, "will_contact", actor=ACTOR).id == CONSENT
        assert sent(broker) == (
            f"/v1/consents/{CONSENT}/reply",
            {"reply": "will_contact", "actor": SAID},
        )


def test_a_stage_is_said(kind: str) -> None:
    """Of one subject in one collaboration."""
    with scripted(TOKEN, answer(REACHED)) as broker, client(kind, broker) as shell:
        assert shell("stage", EMIL, "fravaer", 7, actor=ACTOR).stage == 7
        body = {"subject": HANDLE, "stage": 7, "actor": SAID}
        assert sent(broker) == ("/v1/collaborations/fravaer/stage", body)


def test_a_case_is_told_and_its_code_does_not_show(kind: str) -> None:
    """What is for the youth alone is not in a log by accident."""
    words = {"age_band": "16-18", "municipality": "larvik", "topics": ["absence"]}
    with scripted(TOKEN, answer(TOLD, status=201)) as broker, client(kind, broker) as shell:
        told = shell("tell_case", TEAM, **words, gender="man", actor=ACTOR)
        path, body = sent(broker)
    assert (told.id, told.claim) == (CASE, CLAIM)
    assert CLAIM not in repr(told)
    more = {"collaboration": TEAM, "gender": "man", "needs_help_with": [], "actor": SAID}
    assert (path, body) == ("/v1/anonymous-cases", {**words, **more})


def test_cases_come_page_by_page(kind: str) -> None:
    """To the last one."""
    pages = [{"cases": [SEEN], "next": CASE}, {"cases": [SEEN], "next": None}]
    with scripted(TOKEN, *map(answer, pages)) as broker, client(kind, broker) as shell:
        found = shell("cases", TEAM, page=1)
        assert [case.topics for case in found] == [("absence", "sleep")] * 2
        asked = f"/v1/anonymous-cases?collaboration={TEAM}"
        assert broker.paths()[1:] == [f"{asked}&limit=1", f"{asked}&after={CASE}&limit=1"]


def test_a_list_that_does_not_end_is_no_answer(kind: str) -> None:
    """A broker that gives the same page again would be asked for ever."""
    page = answer({"cases": [], "next": CASE})
    with (
        scripted(TOKEN, page) as broker,
        client(kind, broker) as shell,
        pytest.raises(ProtocolError, match="the next page is this page"),
    ):
        shell("cases", TEAM)


def matched(shell: Shell) -> Any:
    """Whom Nav does not know."""
    return shell(
        "match",
        [EMIL, SARA],
        source="nav-ullensaker",
        collaboration="ot-nav-romerike",
        purpose="outreach",
        actor=ACTOR,
    )


def test_whom_nav_does_not_know_comes_back_as_it_was_given(kind: str) -> None:
    """The same subjects, whose numbers the caller may hold."""
    with scripted(TOKEN, answer({"not_known": [SARA.handle]})) as broker:
        with client(kind, broker) as shell:
            assert matched(shell) == (SARA,)
        path, body = sent(broker)
    assert (path, body["subjects"]) == ("/v1/matches", [HANDLE, SARA.handle])
    assert (body["source"], body["purpose"]) == ("nav-ullensaker", "outreach")


def test_an_answer_about_somebody_else_is_none(kind: str) -> None:
    """A broker that names a stranger is not believed."""
    stranger = answer({"not_known": ["hdl_" + "x" * 22]})
    with (
        scripted(TOKEN, stranger) as broker,
        client(kind, broker) as shell,
        pytest.raises(ProtocolError, match="not asked about"),
    ):
        matched(shell)


def test_what_is_no_stage_is_not_sent(kind: str) -> None:
    """The caller's mistake is the caller's to see."""
    with scripted(TOKEN) as broker, client(kind, broker) as shell:
        with pytest.raises(UsageError, match="stage"):
            shell("stage", EMIL, "fravaer", 100, actor=ACTOR)
        assert broker.seen == []


def test_the_family_is_asked_about_a_youths_record(kind: str) -> None:
    """Two handles of this service's own."""
    with scripted(TOKEN, answer({**VIEW, "third_party": True}, status=201)) as broker:
        with client(kind, broker) as shell:
            asked = {"services": ["nav-larvik", "larvikshjelpa"], "purposes": ["coordination"]}
            view = shell(
                "request_consent",
                SARA,
                about=EMIL,
                fields=["family.situation"],
                actor=ACTOR,
                **asked,
            )
        _, body = sent(broker)
    assert view.third_party
    assert (body["subject"], body["about"]) == (SARA.handle, HANDLE)


# --- the command line


@pytest.fixture
def run(place: Path, capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ARG001 (where it runs)
    """A command against a scripted answer: its lines and what it sent."""

    def command(content: Any, *words: str) -> tuple[list[str], str, dict[str, Any]]:
        with scripted(TOKEN, answer(content)) as broker:
            code = cli.main([*words, "--url", broker.url])
            shown = capsys.readouterr()
            assert code == 0, shown.err
            last = broker.seen[-1]
        return shown.out.splitlines(), last.path, json.loads(last.body or "{}")

    return command


def test_an_event_is_said_by_command(run: Any) -> None:
    """And the consent shows as it stands then."""
    lines, path, body = run(VIEW, "consent", "event", CONSENT, "offer_exists", *WHO)
    assert (path, body["event"]) == (f"/v1/consents/{CONSENT}/events", "offer_exists")
    assert "expired" in lines[0]


def test_what_was_asked_back_is_answered_by_command(run: Any) -> None:
    """What was said so far shows with the consent."""
    said = {"by": "subject", "said": "why_needed", "at": "2026-11-23T09:00:00Z"}
    view = VIEW | {"said_between": [said | {"text": "Hvorfor trenger dere dette?"}]}
    lines, path, body = run(view, "consent", "reply", CONSENT, "will_contact", *WHO)
    assert (path, body["reply"]) == (f"/v1/consents/{CONSENT}/reply", "will_contact")
    assert "  2026-11-23T09:00:00Z  subject: Hvorfor trenger dere dette?" in lines


def test_a_not_now_is_recorded_by_command(run: Any) -> None:
    """Beside a yes and a no, each line once."""
    words = ["--read-out", "d" * 43, "--yes", "g1", "--no", "g2", "--not-now", "g3", "g4"]
    _, path, body = run(VIEW, "consent", "capture", CONSENT, *words, *WHO)
    assert path == f"/v1/consents/{CONSENT}/capture"
    later = {"g1": "yes", "g2": "no", "g3": "not_now", "g4": "not_now"}
    assert body["answers"] == later


def test_a_stage_is_said_by_command(run: Any) -> None:
    """With the subject's handle."""
    words = ["stage", "7", "--subject", HANDLE, "--collaboration", "fravaer", *WHO]
    lines, _, body = run(REACHED, *words)
    assert (lines, body["stage"]) == (["fravaer  stage 7"], 7)


def test_a_case_is_told_by_command(run: Any) -> None:
    """The code is shown once, and it is said whom it is for."""
    where = ["--collaboration", TEAM, "--age-band", "16-18", "--municipality", "larvik"]
    lines, _, body = run(
        TOLD, "case", "tell", "absence", "sleep", "--needs", "work_start", *where, *WHO
    )
    assert lines == [CASE, f"for the youth alone: {CLAIM}"]
    assert (body["topics"], body["needs_help_with"]) == (["absence", "sleep"], ["work_start"])


@pytest.mark.parametrize("needs", [["work_start"], []])
def test_cases_are_listed_by_command(run: Any, needs: list[str]) -> None:
    """Each in a few lines."""
    page = {"cases": [{**SEEN, "needs_help_with": needs}], "next": None}
    lines, _, _ = run(page, "case", "list", "--collaboration", TEAM)
    assert lines == [
        f"{CASE}  nav-larvik",
        "  16-18, any gender, larvik",
        "  about: absence, sleep",
        *(f"  needs: {need}" for need in needs),
    ]


def test_lists_are_matched_by_command(run: Any) -> None:
    """One handle a line, of those that Nav does not know."""
    where = ["--source", "nav-ullensaker", "--collaboration", "ot-nav-romerike"]
    words = ["match", HANDLE, SARA.handle, *where, "--purpose", "outreach", *WHO]
    lines, _, body = run({"not_known": [SARA.handle]}, *words)
    assert (lines, body["subjects"]) == ([SARA.handle], [HANDLE, SARA.handle])


def test_the_family_is_asked_by_command(run: Any) -> None:
    """``--about`` names the youth."""
    words = ["--involve", "nav-larvik", "larvikshjelpa", "--purpose", "coordination"]
    fields = ["--field", "family.situation", "--about", HANDLE]
    _, _, body = run(VIEW, "consent", "request", "--subject", SARA.handle, *words, *fields, *WHO)
    assert (body["subject"], body["about"]) == (SARA.handle, HANDLE)
