"""The command line ``tillit``: keys, registration, subjects, deposits, asks, consents and the feed.

Exit codes: 0 done, 1 the broker said no, 2 the command or its input is wrong, 3 the broker could not be
reached, 4 what it answered does not hold. Identity numbers and values come from standard input, a prompt
or a file, never from the command line, where every user of the machine could read them.
"""

import argparse
import contextlib
import getpass
import json
import os
import stat
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from tillit import display, errors, wire
from tillit.client import Client
from tillit.keys import ServiceKey
from tillit.protocol import model
from tillit.results import Subject

OK, REFUSED, USAGE, UNREACHED, UNTRUE, INTERRUPTED = 0, 1, 2, 3, 4, 130
_MAX_INPUT = 4 * 1024 * 1024
_MAX_LINE = 64
_PROMPT = "National identity number: "

Arguments = argparse.Namespace


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Errors go to standard error in one line."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except errors.TillitError as error:
        return _fail(error)
    except BrokenPipeError:
        # Whoever read the output has gone; the interpreter's last flush must not fail on it too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _fail(error: errors.TillitError) -> int:
    said, code = _explained(error)
    print(display.plain(f"tillit: {said}"), file=sys.stderr)
    return code


def _explained(error: errors.TillitError) -> tuple[str, int]:
    match error:
        case errors.VerificationError():
            said = "what was received does not hold, so nothing of it is shown"
            return f"{said}: {error.detail or error} [{error.code}]", UNTRUE
        case errors.Unavailable() | errors.RateLimited():
            return f"the broker cannot answer now: {error} [{error.code}]", UNREACHED
        case errors.ProblemError():
            return f"the broker said no: {error} [{error.code}]", REFUSED
        case errors.TransportError() | errors.ProtocolError():
            return f"{error} [{error.code}]", UNREACHED
        case _:
            return str(error), USAGE


# --- commands ---


def _key_new(given: Arguments) -> int:
    _require_unit(given.unit)
    key = ServiceKey.generate(given.unit, hybrid=given.hybrid)
    key.save(given.file)
    made = {"unit": key.unit, "file": given.file, "sig_kid": key.sig_kid, "enc_kid": key.enc_kid}
    return _say(
        given,
        made,
        [
            f"New keys for {key.unit} in {given.file}, which only you can read. There is no copy.",
            f"  signs as {key.sig_kid}",
            f"  reads as {key.enc_kid}",
        ],
    )


def _register(given: Arguments) -> int:
    with _client(given) as client:
        client.enrol(code=given.code)
    return _say(given, {"registered": given.service}, [f"{given.service} is registered."])


def _trust(given: Arguments) -> int:
    with _client(given) as client:
        keys = client.trust()
    content = keys.model_dump(mode="json")
    return _say(given, content, [display.as_json(content)])


def _subject(given: Arguments) -> int:
    with _client(given) as client:
        subject = client.subject(national_id=_national_id())
    if given.save:
        _write_subject(given.save, subject)
    lines = [subject.handle]
    if given.save:
        lines.append(f"Kept with the identity number in {given.save}; delete it when you are done.")
    return _say(given, {"subject": subject.handle, "file": given.save}, lines)


def _deposit(given: Arguments) -> int:
    if given.values == "-" and given.subject.startswith("hdl_"):
        raise errors.UsageError("values and number cannot both come from standard input")
    values = _json_file(given.values)
    if not isinstance(values, dict):
        raise errors.UsageError("the values are a JSON object: field name to value")
    with _client(given) as client:
        deposited = client.deposit(
            _numbered(given.subject),
            values,
            observed_at=given.observed_at or datetime.now(UTC),
            basis=given.basis,
            author_role=given.role,
        )
    return _say(given, {"records": deposited.records}, display.deposited_text(deposited))


def _check(given: Arguments) -> int:
    with _client(given) as client:
        check = client.check(_known(given.subject), given.field, **_about(given))
    _say(given, display.check_json(check), display.check_text(check))
    return REFUSED if check.outcome == "refused" else OK


def _ask(given: Arguments) -> int:
    with _client(given) as client:
        answer = client.ask(_numbered(given.subject), given.field, **_about(given))
        proven = client.proof(answer) if given.proof else None
    _say(given, display.answer_json(answer, proven), display.answer_text(answer, proven))
    return REFUSED if answer.outcome == "refused" else OK


def _consent_request(given: Arguments) -> int:
    kind = "meeting" if given.meeting else "once" if given.once else "standing"
    with _client(given) as client:
        consent = client.request_consent(
            _known(given.subject),
            services=given.involve,
            purposes=given.purpose,
            actor=_actor(given),
            categories=given.category,
            fields=given.field,
            collaboration=given.collaboration,
            condition=model(wire.Condition, kind=kind, meeting=given.meeting),
            valid_days=given.days,
        )
    return _say(given, consent, [*display.consent_text(consent), "", consent.text])


def _consent_capture(given: Arguments) -> int:
    both = set(given.yes) & set(given.no)
    if both:
        raise errors.UsageError(f"answered both yes and no: {', '.join(sorted(both))}")
    answers: dict[str, wire.Answer] = {
        **dict.fromkeys(given.yes, "yes"),
        **dict.fromkeys(given.no, "no"),
    }
    with _client(given) as client:
        consent = client.capture(
            given.consent,
            answers=answers,
            read_out=given.read_out,
            actor=_actor(given),
            answered_at=given.answered_at,
            signer=given.signer,
            child_heard=given.child_heard,
        )
    return _say(given, consent, display.consent_text(consent))


def _consent_list(given: Arguments) -> int:
    with _client(given) as client:
        return _say_each(given, client.consents(), display.consent_text)


def _events(given: Arguments) -> int:
    with _client(given) as client:
        return _say_each(given, client.events(after=given.after), display.event_text)


def _catalogue(given: Arguments) -> int:
    with _client(given) as client:
        catalogue = client.catalogue()
    return _say(given, catalogue, display.catalogue_text(catalogue))


# --- saying ---


def _say(given: Arguments, content: Any, lines: Iterable[str]) -> int:
    if given.json:
        print(display.as_json(content))
    else:
        for line in lines:
            print(display.plain(line))
    return OK


def _say_each(given: Arguments, items: Iterable[Any], text: Callable[[Any], Iterable[str]]) -> int:
    if given.json:
        return _say(given, list(items), ())
    for item in items:
        _say(given, None, text(item))
    return OK


# --- reading what was given ---


def _client(given: Arguments) -> Client:
    for name in ("url", "service", "key"):
        if not getattr(given, name):
            raise errors.UsageError(f"say --{name} or set TILLIT_{name.upper()}")
    return Client(
        given.url,
        service=given.service,
        key=ServiceKey.load(given.key),
        trust=model(wire.BrokerKeys, **_trusted(given.trust)) if given.trust else None,
        language=given.language,
        timeout=given.timeout,
    )


def _trusted(path: str) -> dict[str, Any]:
    content = _json_file(path)
    if not isinstance(content, dict):
        raise errors.UsageError("the trusted keys are what `tillit trust` wrote")
    return content


def _about(given: Arguments) -> dict[str, Any]:
    return {
        "purpose": given.purpose,
        "actor": _actor(given),
        "collaboration": given.collaboration,
        "meeting": given.meeting,
        "source": given.source,
    }


def _actor(given: Arguments) -> wire.Actor:
    return model(wire.Actor, id=given.actor, role=given.role)


def _require_unit(unit: str) -> None:
    model(wire.Participant, unit=unit, role="unit")


def _known(given: str) -> Subject:
    """A subject from a handle or a file; a handle does without the identity number."""
    return Subject(given) if given.startswith("hdl_") else _read_subject(given)


def _numbered(given: str) -> Subject:
    """A subject with the identity number: from a file, or a handle with the number asked for."""
    if given.startswith("hdl_"):
        return Subject(given, national_id=_national_id())
    return _read_subject(given)


def _national_id() -> str:
    """From a prompt that does not echo, or the first line of standard input."""
    prompted = sys.stdin.isatty()
    typed = getpass.getpass(_PROMPT) if prompted else sys.stdin.readline(_MAX_LINE)
    number = typed.strip()
    if not (number.isascii() and number.isdecimal() and len(number) == 11):  # noqa: PLR2004 (digits)
        raise errors.UsageError("eleven digits are wanted on standard input")
    return number


def _read_subject(path: str) -> Subject:
    content = _json_file(path, private=True)
    if not isinstance(content, dict) or content.keys() != {"subject", "national_id"}:
        raise errors.UsageError("not a file that `tillit subject --save` wrote")
    return Subject(str(content["subject"]), national_id=str(content["national_id"]))


def _write_subject(path: str, subject: Subject) -> None:
    content = {"subject": subject.handle, "national_id": subject.reveal()}
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file)
    except OSError as error:
        raise errors.UsageError(f"{path} cannot be written: {error.strerror}") from None


def _json_file(path: str, *, private: bool = False) -> Any:
    try:
        with contextlib.ExitStack() as opened:
            file = sys.stdin.buffer if path == "-" else opened.enter_context(Path(path).open("rb"))
            if private and path != "-" and os.fstat(file.fileno()).st_mode & _OTHERS:
                raise errors.UsageError(f"{path} can be read by others; chmod 600 it")
            data = file.read(_MAX_INPUT + 1)
        return json.loads(data[:_MAX_INPUT]) if len(data) <= _MAX_INPUT else _too_large(path)
    except OSError as error:
        raise errors.UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise errors.UsageError(f"{path} is not JSON") from None


_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def _too_large(path: str) -> Mapping[str, Any]:
    raise errors.UsageError(f"{path} is larger than {_MAX_INPUT} bytes")


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at


# --- what can be said ---


def parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    whole = argparse.ArgumentParser(
        prog="tillit",
        description="Share about a youth under the youth's own consent.",
        epilog="Set TILLIT_URL, TILLIT_SERVICE and TILLIT_KEY to leave out the flags of these names.",
    )
    commands = whole.add_subparsers(required=True, metavar="command")
    common = _common()
    _add_keys(commands, common)
    _add_asks(commands, common)
    _add_consents(commands, common)
    events = commands.add_parser("events", parents=[common], help="this service's feed")
    events.add_argument(
        "--after", type=int, default=0, help="the id of the last event that was seen"
    )
    events.set_defaults(run=_events)
    catalogue = commands.add_parser(
        "catalogue", parents=[common], help="what can be shared, and why"
    )
    catalogue.set_defaults(run=_catalogue)
    return whole


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    environment = os.environ
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
    new.set_defaults(run=_key_new)
    register = commands.add_parser(
        "register", parents=[common], help="register a unit's public keys"
    )
    register.add_argument("--code", required=True, help="the operator's one-time code")
    register.set_defaults(run=_register)
    trust = commands.add_parser("trust", parents=[common], help="the broker's public keys, to keep")
    trust.set_defaults(run=_trust)
    subject = commands.add_parser(
        "subject",
        parents=[common],
        help="your own handle for a person; the number on standard input",
    )
    subject.add_argument("--save", metavar="FILE", help="keep handle and number in a private file")
    subject.set_defaults(run=_subject)


_SUBJECT = "a handle (the number is then read from standard input where it is needed) or a file"


def _add_asks(commands: Any, common: argparse.ArgumentParser) -> None:
    deposit = commands.add_parser("deposit", parents=[common], help="deposit sealed values")
    deposit.add_argument("--subject", required=True, help=_SUBJECT)
    deposit.add_argument(
        "--values", required=True, metavar="FILE", help="JSON: field to value; - reads stdin"
    )
    deposit.add_argument("--observed-at", type=_time, help="RFC 3339 with zone; now when left out")
    deposit.add_argument("--basis", required=True, choices=get_args(wire.Basis))
    deposit.add_argument("--role", required=True, help="the role of who vouches for the values")
    deposit.set_defaults(run=_deposit)
    for name, does, run in (
        ("check", "may I? nothing is released", _check),
        ("ask", "ask for fields and open what is permitted", _ask),
    ):
        ask = commands.add_parser(name, parents=[common], help=does)
        ask.add_argument("--subject", required=True, help=_SUBJECT)
        ask.add_argument("field", nargs="+")
        ask.add_argument("--purpose", required=True)
        _add_actor(ask)
        ask.add_argument("--collaboration")
        ask.add_argument("--meeting")
        ask.add_argument("--source", help="only what this unit has deposited")
        ask.set_defaults(run=run)
    ask.add_argument("--proof", action="store_true", help="check too that the log holds it")


def _add_actor(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--actor", required=True, help="your opaque id at the service, never a name"
    )
    command.add_argument("--role", required=True, help="your role at the service")


def _add_consents(commands: Any, common: argparse.ArgumentParser) -> None:
    consent = commands.add_parser("consent", help="ask for, record, list").add_subparsers(
        required=True
    )
    request = consent.add_parser("request", parents=[common], help="ask for a consent")
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
    request.add_argument("--days", type=int, help="1 to 366")
    _add_actor(request)
    request.set_defaults(run=_consent_request)
    capture = consent.add_parser("capture", parents=[common], help="record an oral answer")
    capture.add_argument("consent", help="the consent's id")
    capture.add_argument(
        "--read-out", required=True, metavar="HASH", help="as shown with the text you read out"
    )
    capture.add_argument("--yes", nargs="+", default=(), metavar="LINE")
    capture.add_argument("--no", nargs="+", default=(), metavar="LINE")
    capture.add_argument("--signer", choices=("subject", "guardian"), default="subject")
    capture.add_argument("--answered-at", type=_time, help="RFC 3339 with zone; now when left out")
    capture.add_argument("--child-heard", action="store_true")
    _add_actor(capture)
    capture.set_defaults(run=_consent_capture)
    listed = consent.add_parser("list", parents=[common], help="the consents you are party to")
    listed.set_defaults(run=_consent_list)
