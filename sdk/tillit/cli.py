"""The command line ``tillit``: keys, registration, subjects, deposits, asks, consents and the feed.

Exit codes: 0 done, 1 the broker said no, 2 the command or its input is wrong, 3 the broker could not be
reached, 4 what it answered does not hold. Identity numbers and values come from standard input, a prompt
or a file, never from the command line, where every user of the machine could read them.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tillit import display, errors, inputs, proof_cli, wire
from tillit.client import Client
from tillit.grammar import parser
from tillit.keys import ServiceKey
from tillit.leaves import instant
from tillit.protocol import model
from tillit.wire.service_keys import KeysAnswer

OK, REFUSED, USAGE, UNREACHED, UNTRUE, INTERRUPTED = 0, 1, 2, 3, 4, 130

Arguments = argparse.Namespace


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Errors go to standard error in one line."""
    arguments = parser(os.environ).parse_args(argv)
    # Attempts that are about to be repeated are no news for a person at a terminal.
    logging.getLogger("stamina").addHandler(logging.NullHandler())
    try:
        code = _COMMANDS[arguments.command](arguments)
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


def _key_rotate(given: Arguments) -> int:
    with _client(given) as client:
        return _say_keys(given, client.rotate_keys(ServiceKey.load(given.file)))


def _key_revoke(given: Arguments) -> int:
    with _client(given) as client:
        return _say_keys(given, client.revoke_key(given.kid, reason=given.reason))


def _say_keys(given: Arguments, answer: KeysAnswer) -> int:
    lines = [f"{key.kid}  {key.use}  {key.state}" for key in answer.keys]
    return _say(given, answer, lines)


def _key_history(given: Arguments) -> int:
    with _client(given) as client:
        proven = client.key_history(given.unit)
    changes = [
        {"type": change.type, "at": instant(change.at), "log_index": change.index, **change.content}
        for change in proven.changes
    ]
    lines = [f"{change['at']}  {change['type']}  entry {change['log_index']}" for change in changes]
    return _say(given, {"unit": proven.unit, "changes": changes}, lines)


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
        subject = client.subject(national_id=inputs.national_id())
    if given.save:
        inputs.keep(given.save, subject)
    lines = [subject.handle]
    if given.save:
        lines.append(f"Kept with the identity number in {given.save}; delete it when you are done.")
    return _say(given, {"subject": subject.handle, "file": given.save}, lines)


def _deposit(given: Arguments) -> int:
    if given.values == "-" and given.subject.startswith("hdl_"):
        raise errors.UsageError("values and number cannot both come from standard input")
    values = inputs.json_file(given.values)
    if not isinstance(values, dict):
        raise errors.UsageError("the values are a JSON object: field name to value")
    with _client(given) as client:
        deposited = client.deposit(
            inputs.numbered(given.subject),
            values,
            observed_at=given.observed_at or datetime.now(UTC),
            basis=given.basis,
            author_role=given.role,
        )
    return _say(given, {"records": deposited.records}, display.deposited_text(deposited))


def _check(given: Arguments) -> int:
    with _client(given) as client:
        check = client.check(inputs.known(given.subject), given.field, **_about(given))
    _say(given, display.check_json(check), display.check_text(check))
    return REFUSED if check.outcome == "refused" else OK


def _ask(given: Arguments) -> int:
    with _client(given) as client:
        answer = client.ask(inputs.numbered(given.subject), given.field, **_about(given))
        proven = client.proof(answer) if given.proof else None
    _say(given, display.answer_json(answer, proven), display.answer_text(answer, proven))
    return REFUSED if answer.outcome == "refused" else OK


def _proof(given: Arguments) -> int:
    with _client(given) as client:
        kept = proof_cli.receipt(given.disclosure)
        text = client.proof_file(kept or client.receipt(given.disclosure))
    if given.json:
        return _say(given, {"proof": text}, ())
    sys.stdout.write(text)
    return OK


def _consent_preview(given: Arguments) -> int:
    with _client(given) as client:
        preview = client.preview_consent(inputs.known(given.subject), **_wanted(given))
    return _say(given, preview, display.preview_text(preview))


def _wanted(given: Arguments) -> dict[str, Any]:
    kind = "meeting" if given.meeting else "once" if given.once else "standing"
    return {
        "services": given.involve,
        "purposes": given.purpose,
        "actor": _actor(given),
        "categories": given.category,
        "fields": given.field,
        "collaboration": given.collaboration,
        "condition": model(wire.Condition, kind=kind, meeting=given.meeting),
    }


def _consent_request(given: Arguments) -> int:
    with _client(given) as client:
        consent = client.request_consent(
            inputs.known(given.subject),
            valid_days=given.days,
            about=inputs.known(given.about) if given.about else None,
            **_wanted(given),
        )
    return _say(given, consent, [*display.consent_text(consent), "", consent.text])


def _consent_capture(given: Arguments) -> int:
    lines = (*set(given.yes), *set(given.no), *set(given.not_now))
    if twice := {line for line in lines if lines.count(line) > 1}:
        raise errors.UsageError(f"answered in more than one way: {', '.join(sorted(twice))}")
    answers: dict[str, wire.LineAnswer] = {
        **dict.fromkeys(given.yes, "yes"),
        **dict.fromkeys(given.no, "no"),
        **dict.fromkeys(given.not_now, "not_now"),
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
            scan=given.scan,
        )
    return _say(given, consent, display.consent_text(consent))


def _consent_event(given: Arguments) -> int:
    with _client(given) as client:
        consent = client.consent_event(given.consent, given.event, actor=_actor(given))
    return _say(given, consent, display.consent_text(consent))


def _consent_reply(given: Arguments) -> int:
    with _client(given) as client:
        consent = client.reply(given.consent, given.reply, actor=_actor(given))
    return _say(given, consent, display.consent_text(consent))


def _consent_list(given: Arguments) -> int:
    with _client(given) as client:
        return _say_each(given, client.consents(), display.consent_text)


def _contest_reply(given: Arguments) -> int:
    with _client(given) as client:
        contest = client.reply_to_contest(given.record, given.finding, actor=_actor(given))
    return _say(given, contest, display.contest_text(contest))


def _complaint_list(given: Arguments) -> int:
    with _client(given) as client:
        found = client.complaints(open_only=given.open)
        return _say_each(given, found, display.complaint_text)


def _complaint_answer(given: Arguments) -> int:
    with _client(given) as client:
        complaint = client.answer_complaint(given.complaint, given.finding, actor=_actor(given))
    return _say(given, complaint, display.complaint_text(complaint))


def _meeting(given: Arguments) -> int:
    with _client(given) as client:
        meeting = client.call_meeting(
            inputs.known(given.subject),
            collaboration=given.collaboration,
            held_at=given.held_at,
            participants=given.participant,
            agenda=given.agenda,
            actor=_actor(given),
        )
    return _say(given, meeting, display.meeting_text(meeting))


def _stage(given: Arguments) -> int:
    subject = inputs.known(given.subject)
    with _client(given) as client:
        reached = client.stage(subject, given.collaboration, given.stage, actor=_actor(given))
    return _say(given, reached, [f"{reached.collaboration}  stage {reached.stage}"])


def _match(given: Arguments) -> int:
    with _client(given) as client:
        missing = client.match(
            [inputs.known(subject) for subject in given.subject],
            source=given.source,
            collaboration=given.collaboration,
            purpose=given.purpose,
            actor=_actor(given),
        )
    handles = [subject.handle for subject in missing]
    return _say(given, handles, handles)


def _case_tell(given: Arguments) -> int:
    with _client(given) as client:
        told = client.tell_case(
            given.collaboration,
            age_band=given.age_band,
            gender=given.gender,
            municipality=given.municipality,
            topics=given.topic,
            needs_help_with=given.needs,
            actor=_actor(given),
        )
    return _say(given, told, [told.id, f"for the youth alone: {told.claim}"])


def _case_list(given: Arguments) -> int:
    with _client(given) as client:
        return _say_each(given, client.cases(given.collaboration), display.case_text)


def _statute_invoke(given: Arguments) -> int:
    if (given.delay_days is None) != (given.delay_reason is None):
        raise errors.UsageError("a delay has both --delay-days and --delay-reason")
    delay = None
    if given.delay_days is not None:
        reason = inputs.text_file(given.delay_reason)
        delay = model(wire.NoticeDelay, days=given.delay_days, reason=reason)
    necessity = inputs.json_file(given.necessity) if given.necessity else {}
    if not isinstance(necessity, dict):
        raise errors.UsageError("the necessity is a JSON object: field to text")
    with _client(given) as client:
        made = client.invoke(
            inputs.known(given.subject),
            given.statute,
            given.field,
            reason=inputs.text_file(given.reason),
            actor=_actor(given),
            recipient=given.recipient,
            source=given.source,
            necessity=necessity,
            notice_delay=delay,
            hours=given.hours,
        )
    return _say(given, made, display.invocation_text(made))


def _statute_confirm(given: Arguments) -> int:
    with _client(given) as client:
        confirmed = client.confirm(given.invocation, actor=_actor(given))
    return _say(given, confirmed, display.invocation_text(confirmed))


def _statute_review(given: Arguments) -> int:
    with _client(given) as client:
        closed = client.review(
            given.invocation,
            finding=given.finding,
            text=inputs.text_file(given.text),
            actor=_actor(given),
        )
    return _say(given, closed, display.invocation_text(closed))


def _statute_list(given: Arguments) -> int:
    with _client(given) as client:
        found = client.invocations(open_reviews=given.open_reviews)
        return _say_each(given, found, display.invocation_text)


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
    content = inputs.json_file(path)
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


_COMMANDS: Mapping[str, Callable[[Arguments], int]] = {
    "key_new": _key_new,
    "key_rotate": _key_rotate,
    "key_revoke": _key_revoke,
    "key_history": _key_history,
    "register": _register,
    "trust": _trust,
    "subject": _subject,
    "deposit": _deposit,
    "proof": _proof,
    "verify_proof": proof_cli.verify,
    "check": _check,
    "ask": _ask,
    "consent_preview": _consent_preview,
    "consent_request": _consent_request,
    "consent_capture": _consent_capture,
    "consent_event": _consent_event,
    "consent_reply": _consent_reply,
    "consent_list": _consent_list,
    "contest_reply": _contest_reply,
    "complaint_list": _complaint_list,
    "complaint_answer": _complaint_answer,
    "meeting": _meeting,
    "stage": _stage,
    "match": _match,
    "case_tell": _case_tell,
    "case_list": _case_list,
    "statute_invoke": _statute_invoke,
    "statute_confirm": _statute_confirm,
    "statute_review": _statute_review,
    "statute_list": _statute_list,
    "events": _events,
    "catalogue": _catalogue,
}
