"""The grammar of the command line: what can be said, and what is left out when the environment says it."""

import argparse
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from tillit import wire
from tillit.wire.service_keys import RevocationReason


def moment(text: str) -> datetime:
    """A time with its zone, as RFC 3339 has it."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at


def content(path: str) -> bytes:
    """What a file holds."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ValueError("cannot be read") from error


def taking_part(text: str) -> wire.Participant:
    """A participant as ``unit:role``."""
    unit, _, role = text.partition(":")
    return wire.Participant(unit=unit, role=role)


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """The parser; ``command`` in what it returns names what to do."""
    whole = argparse.ArgumentParser(
        prog="tillit",
        description="Share about a youth under the youth's own consent.",
        epilog="Set TILLIT_URL, TILLIT_SERVICE and TILLIT_KEY to leave out the flags of these names.",
    )
    commands = whole.add_subparsers(required=True, metavar="command")
    common = _common(environment)
    _add_keys(commands, common)
    _add_asks(commands, common)
    _add_proofs(commands, common)
    _add_consents(commands, common)
    _add_answering(commands, common)
    _add_meeting(commands, common)
    _add_statutes(commands, common)
    _add_collaborating(commands, common)
    events = commands.add_parser("events", parents=[common], help="this service's feed")
    events.add_argument(
        "--after", type=int, default=0, help="the id of the last event that was seen"
    )
    events.set_defaults(command="events")
    catalogue = commands.add_parser(
        "catalogue", parents=[common], help="what can be shared, and why"
    )
    catalogue.set_defaults(command="catalogue")
    return whole


def _common(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--url", default=environment.get("TILLIT_URL"), help="the broker's address")
    common.add_argument(
        "--service",
        "--unit",
        default=environment.get("TILLIT_SERVICE"),
        help="the unit you speak for",
    )
    common.add_argument("--key", default=environment.get("TILLIT_KEY"), help="its key file")
    common.add_argument(
        "--trust",
        default=environment.get("TILLIT_TRUST"),
        help="the broker's keys, from `tillit trust`",
    )
    common.add_argument("--language", choices=get_args(wire.Language), default="nb")
    common.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS")
    common.add_argument("--json", action="store_true", help="answer in JSON")
    return common


def _add_keys(commands: Any, common: argparse.ArgumentParser) -> None:
    key = commands.add_parser("key", help="a unit's keys").add_subparsers(required=True)
    new = key.add_parser("new", help="make new keys in a new file")
    new.add_argument("unit")
    new.add_argument("file")
    new.add_argument("--hybrid", action="store_true", help="read by ML-KEM-768 and X25519 together")
    new.add_argument("--json", action="store_true", help="answer in JSON")
    new.set_defaults(command="key_new")
    rotate = key.add_parser(
        "rotate", parents=[common], help="put new keys in the unit's own's place"
    )
    rotate.add_argument(
        "file", help="the new keys' file, which every process of the unit has by now"
    )
    rotate.set_defaults(command="key_rotate")
    revoke = key.add_parser("revoke", parents=[common], help="a key that is to be believed no more")
    revoke.add_argument("--kid", required=True, help="its id; written --kid=KID")
    revoke.add_argument("--reason", choices=get_args(RevocationReason), required=True)
    revoke.set_defaults(command="key_revoke")
    history = key.add_parser("history", parents=[common], help="a unit's keys, proven by the log")
    history.add_argument("unit")
    history.set_defaults(command="key_history")
    register = commands.add_parser(
        "register", parents=[common], help="register a unit's public keys"
    )
    register.add_argument("--code", required=True, help="the operator's one-time code")
    register.set_defaults(command="register")
    trust = commands.add_parser("trust", parents=[common], help="the broker's public keys, to keep")
    trust.set_defaults(command="trust")
    subject = commands.add_parser(
        "subject",
        parents=[common],
        help="your own handle for a person; the number on standard input",
    )
    subject.add_argument("--save", metavar="FILE", help="keep handle and number in a private file")
    subject.set_defaults(command="subject")


_SUBJECT = "a handle (the number is then read from standard input where it is needed) or a file"


def _add_asks(commands: Any, common: argparse.ArgumentParser) -> None:
    deposit = commands.add_parser("deposit", parents=[common], help="deposit sealed values")
    deposit.add_argument("--subject", required=True, help=_SUBJECT)
    deposit.add_argument(
        "--values", required=True, metavar="FILE", help="JSON: field to value; - reads stdin"
    )
    deposit.add_argument("--observed-at", type=moment, help="RFC 3339 with zone; now when left out")
    deposit.add_argument("--basis", required=True, choices=get_args(wire.Basis))
    deposit.add_argument("--role", required=True, help="the role of who vouches for the values")
    deposit.set_defaults(command="deposit")
    for name, does in (
        ("check", "may I? nothing is released"),
        ("ask", "ask for fields and open what is permitted"),
    ):
        ask = commands.add_parser(name, parents=[common], help=does)
        ask.add_argument("--subject", required=True, help=_SUBJECT)
        ask.add_argument("field", nargs="+")
        ask.add_argument("--purpose", required=True)
        _add_actor(ask)
        ask.add_argument("--collaboration")
        ask.add_argument("--meeting")
        ask.add_argument("--source", help="only what this unit has deposited")
        ask.set_defaults(command=name)
    ask.add_argument("--proof", action="store_true", help="check too that the log holds it")


def _add_proofs(commands: Any, common: argparse.ArgumentParser) -> None:
    proof = commands.add_parser(
        "proof", parents=[common], help="prove for good that the log holds a disclosure"
    )
    proof.add_argument("disclosure", help="a file with its receipt, or the id while it stands")
    proof.set_defaults(command="proof")
    check = commands.add_parser("verify-proof", help="check such a proof, without the network")
    check.add_argument("file", help="- reads stdin")
    check.add_argument("--vkey", required=True, help="the log's vkey, or a file that holds it")
    check.add_argument("--witnesses", metavar="FILE", help="who watches the log: C2SP tlog-policy")
    check.add_argument("--json", action="store_true", help="answer in JSON")
    check.set_defaults(command="verify_proof")


def _add_answering(commands: Any, common: argparse.ArgumentParser) -> None:
    contest = commands.add_parser("contest", help="values of yours that a youth says are wrong")
    reply = contest.add_subparsers(required=True).add_parser(
        "reply", parents=[common], help="say whether it is right; the youth is told"
    )
    reply.add_argument("record", help="as the feed names it")
    reply.add_argument("finding", choices=get_args(wire.ContestFinding))
    _add_actor(reply)
    reply.set_defaults(command="contest_reply")
    complaint = commands.add_parser(
        "complaint", help="asks of yours that a youth says look wrong"
    ).add_subparsers(required=True)
    listed = complaint.add_parser("list", parents=[common], help="those about your unit")
    listed.add_argument("--open", action="store_true", help="only what waits for an answer")
    listed.set_defaults(command="complaint_list")
    found = complaint.add_parser(
        "answer", parents=[common], help="say what you found; the youth is told"
    )
    found.add_argument("complaint", help="its id")
    found.add_argument("finding", choices=get_args(wire.ComplaintFinding))
    _add_actor(found)
    found.set_defaults(command="complaint_answer")


def _add_meeting(commands: Any, common: argparse.ArgumentParser) -> None:
    meeting = commands.add_parser(
        "meeting", parents=[common], help="call a meeting about a subject, who is told at once"
    )
    meeting.add_argument("--subject", required=True, help=_SUBJECT)
    meeting.add_argument("--collaboration", required=True)
    meeting.add_argument("--held-at", type=moment, required=True, help="RFC 3339 with zone")
    meeting.add_argument(
        "--participant",
        type=taking_part,
        nargs="+",
        required=True,
        metavar="UNIT:ROLE",
        help="who takes part, by unit and role",
    )
    meeting.add_argument(
        "--agenda",
        nargs="+",
        default=(),
        metavar="CATEGORY",
        help="what it is to talk about: categories of the catalogue",
    )
    _add_actor(meeting)
    meeting.set_defaults(command="meeting")


def _add_statutes(commands: Any, common: argparse.ArgumentParser) -> None:
    statute = commands.add_parser("statute", help="rely on, confirm, review, list").add_subparsers(
        required=True
    )
    invoke = statute.add_parser("invoke", parents=[common], help="rely on a statute")
    invoke.add_argument("statute", help="as the catalogue names it, S4")
    invoke.add_argument("field", nargs="+")
    invoke.add_argument("--subject", required=True, help=_SUBJECT)
    invoke.add_argument("--reason", required=True, metavar="FILE", help="why; - reads stdin")
    ends = invoke.add_mutually_exclusive_group()
    ends.add_argument("--recipient", help="who may know, where you are the source")
    ends.add_argument("--source", help="only what this unit has deposited")
    invoke.add_argument("--necessity", metavar="FILE", help="JSON: field to why it is needed")
    invoke.add_argument("--delay-days", type=int, help="tell the subject so many days later")
    invoke.add_argument("--delay-reason", metavar="FILE", help="why the subject is told later")
    invoke.add_argument("--hours", type=int, help="as long as the statute allows when left out")
    _add_actor(invoke)
    invoke.set_defaults(command="statute_invoke")
    confirm = statute.add_parser("confirm", parents=[common], help="as the second person")
    confirm.add_argument("invocation", help="its id")
    _add_actor(confirm)
    confirm.set_defaults(command="statute_confirm")
    review = statute.add_parser("review", parents=[common], help="was it right?")
    review.add_argument("invocation", help="its id")
    review.add_argument("--finding", required=True, choices=get_args(wire.Finding))
    review.add_argument("--text", required=True, metavar="FILE", help="why; - reads stdin")
    _add_actor(review)
    review.set_defaults(command="statute_review")
    listed = statute.add_parser("list", parents=[common], help="what your unit relied on")
    listed.add_argument("--open-reviews", action="store_true", help="only what waits for a review")
    listed.set_defaults(command="statute_list")


def _add_collaborating(commands: Any, common: argparse.ArgumentParser) -> None:
    stage = commands.add_parser(
        "stage", parents=[common], help="what point a case has reached; the youth is told"
    )
    stage.add_argument("stage", type=int, help="0 to 99")
    stage.add_argument("--subject", required=True, help=_SUBJECT)
    stage.add_argument("--collaboration", required=True)
    _add_actor(stage)
    stage.set_defaults(command="stage")
    match = commands.add_parser("match", parents=[common], help="whom does a Nav office not know?")
    match.add_argument("subject", nargs="+", help=_SUBJECT)
    match.add_argument("--source", required=True, help="the Nav office")
    match.add_argument("--collaboration", required=True)
    match.add_argument("--purpose", required=True, choices=("outreach", "dropout_prevention"))
    _add_actor(match)
    match.set_defaults(command="match")
    case = commands.add_parser("case", help="cases without saying who it is").add_subparsers(
        required=True
    )
    tell = case.add_parser("tell", parents=[common], help="tell of one, in the catalogue's words")
    tell.add_argument("topic", nargs="+")
    tell.add_argument("--needs", nargs="+", default=(), metavar="WORD")
    tell.add_argument("--collaboration", required=True)
    tell.add_argument("--age-band", required=True, metavar="FROM-TO")
    tell.add_argument("--gender", choices=get_args(wire.Gender))
    tell.add_argument("--municipality", required=True)
    _add_actor(tell)
    tell.set_defaults(command="case_tell")
    listed = case.add_parser("list", parents=[common], help="those of a collaboration")
    listed.add_argument("--collaboration", required=True)
    listed.set_defaults(command="case_list")


def _add_actor(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--actor", required=True, help="your opaque id at the service, never a name"
    )
    command.add_argument("--role", required=True, help="your role at the service")


def _add_wanted(request: argparse.ArgumentParser) -> None:
    request.add_argument("--subject", required=True, help=_SUBJECT)
    request.add_argument(
        "--involve", nargs="+", required=True, metavar="UNIT", help="yourself among them"
    )
    request.add_argument("--purpose", nargs="+", required=True)
    request.add_argument("--category", nargs="+", default=())
    request.add_argument("--field", nargs="+", default=())
    request.add_argument("--collaboration")
    bound = request.add_mutually_exclusive_group()
    bound.add_argument("--once", action="store_true", help="each line holds once")
    bound.add_argument("--meeting", help="each line holds for one meeting")
    _add_actor(request)


def _add_consents(commands: Any, common: argparse.ArgumentParser) -> None:
    consent = commands.add_parser("consent", help="preview, ask for, record, list").add_subparsers(
        required=True
    )
    preview = consent.add_parser(
        "preview", parents=[common], help="what a consent could lead to; nobody is asked"
    )
    _add_wanted(preview)
    preview.set_defaults(command="consent_preview")
    request = consent.add_parser("request", parents=[common], help="ask for a consent")
    _add_wanted(request)
    request.add_argument("--days", type=int, help="1 to 366")
    request.add_argument(
        "--about",
        metavar="YOUTH",
        help="a handle or a file: the subject is a grown member of this youth's family",
    )
    request.set_defaults(command="consent_request")
    capture = consent.add_parser(
        "capture", parents=[common], help="record an answer given out loud or on paper"
    )
    capture.add_argument("consent", help="the consent's id")
    capture.add_argument(
        "--read-out", required=True, metavar="HASH", help="as shown with the text you read out"
    )
    capture.add_argument("--yes", nargs="+", default=(), metavar="LINE")
    capture.add_argument("--no", nargs="+", default=(), metavar="LINE")
    capture.add_argument("--not-now", nargs="+", default=(), metavar="LINE")
    capture.add_argument("--signer", choices=("subject", "guardian"), default="subject")
    capture.add_argument("--answered-at", type=moment, help="RFC 3339 with zone; now when left out")
    capture.add_argument("--child-heard", action="store_true")
    capture.add_argument(
        "--scan", type=content, metavar="FILE", help="the scanned paper; only its hash is sent"
    )
    _add_actor(capture)
    capture.set_defaults(command="consent_capture")
    event = consent.add_parser("event", parents=[common], help="say what ends a consent's lines")
    event.add_argument("consent", help="the consent's id")
    event.add_argument("event", help="as the collaboration names it, offer_exists")
    _add_actor(event)
    event.set_defaults(command="consent_event")
    reply = consent.add_parser("reply", parents=[common], help="answer what the youth asked back")
    reply.add_argument("consent", help="the consent's id")
    reply.add_argument("reply", choices=get_args(wire.Reply))
    _add_actor(reply)
    reply.set_defaults(command="consent_reply")
    listed = consent.add_parser("list", parents=[common], help="the consents you are party to")
    listed.set_defaults(command="consent_list")
