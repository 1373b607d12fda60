"""What the command line says: results in plain lines for people, and as JSON for programs.

Texts from elsewhere are stripped of what could steer a terminal.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tillit import wire
from tillit.results import Answer, Catalogue, Check, Deposited, Proven

_OUTCOMES = {
    "released": "Released",
    "partly_released": "Partly released",
    "refused": "Refused: nothing is released",
}


def plain(text: str) -> str:
    """The text without control, format and other unprintable characters, line breaks aside."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def as_json(content: Any) -> str:
    """JSON for programs, with nothing in it that could steer a terminal."""
    return json.dumps(content, indent=2, ensure_ascii=True, default=_plain_object)


def _plain_object(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return value.model_dump(mode="json")


# --- asks ---


def check_json(check: Check) -> dict[str, Any]:
    """A check as JSON."""
    return {
        "outcome": check.outcome,
        "permitted": check.permitted,
        "withheld": check.withheld,
        "obligations": check.obligations,
        "stable_until": _iso(check.stable_until),
        "policy": check.policy,
        "explanation": check.explanation,
    }


def check_text(check: Check) -> Iterable[str]:
    """A check in lines."""
    answers = {"released": "Yes", "partly_released": "In part", "refused": "No"}
    yield f"{answers[check.outcome]}. Nothing has been released."
    for name, grounds in check.permitted.items():
        yield f"  may    {name}  ({', '.join(map(_named, grounds))})"
        yield from _ground(check.explanation, name)
    yield from _withheld(check.withheld, check.explanation)
    yield from _unreviewed(check.explanation)
    if check.stable_until is not None:
        yield f"Time alone changes nothing before {_iso(check.stable_until)}."


def _named(ground: wire.Ground) -> str:
    named = ground.kind if ground.kind == "consent" else f"{ground.kind} {ground.id}"
    return f"{named} from {ground.source}"


def answer_json(answer: Answer, proven: Proven | None) -> dict[str, Any]:
    """An opened disclosure as JSON."""
    return {
        "id": answer.id,
        "outcome": answer.outcome,
        "values": {
            name: {
                "value": held.value,
                "source": held.source,
                "observed_at": _iso(held.observed_at),
                "basis": held.basis,
                "author_role": held.author_role,
                "record": held.record,
                "contested": held.contested
                and {"text": held.contested.text, "at": _iso(held.contested.at)},
            }
            for name, held in answer.values.items()
        },
        "withheld": answer.withheld,
        "grounds": answer.grounds,
        "obligations": answer.obligations,
        "stable_until": _iso(answer.stable_until),
        "expires_at": _iso(answer.expires_at),
        "receipt": answer.receipt.token,
        "explanation": answer.explanation,
        "log": None if proven is None else _place(proven),
    }


def _place(proven: Proven) -> dict[str, Any]:
    return {
        "index": proven.index,
        "size": proven.checkpoint.size,
        "origin": proven.checkpoint.origin,
        "checkpoint": proven.checkpoint.note,
    }


def answer_text(answer: Answer, proven: Proven | None) -> Iterable[str]:
    """An opened disclosure in lines."""
    yield f"{_OUTCOMES[answer.outcome]}  {answer.id}"
    for name, held in answer.values.items():
        value = json.dumps(held.value, ensure_ascii=False)
        day = held.observed_at.date().isoformat()
        yield f"  {name} = {value}  ({held.source}, {day}, {held.basis})"
        if held.contested is not None:
            words = json.dumps(held.contested.text, ensure_ascii=False)
            yield f"    contested by the subject since {_iso(held.contested.at)}: {words}"
        yield from _ground(answer.explanation, name)
    yield from _withheld(answer.withheld, answer.explanation)
    yield from _unreviewed(answer.explanation)
    if answer.values:
        yield from obligation_text(answer.obligations)
    if proven is not None:
        size, origin = proven.checkpoint.size, proven.checkpoint.origin
        yield f"In the log {origin} at {proven.index} of {size}: checked."


def _withheld(
    withheld: Mapping[str, tuple[wire.Reason, ...]], explanation: wire.Explanation
) -> Iterable[str]:
    for name, reasons in withheld.items():
        yield f"  not    {name}"
        for reason in reasons:
            yield f"         {reason.text} [{reason.code}]"
        told = explanation.fields.get(name)
        if told is not None and told.missing is not None:
            giver = "" if told.giver is None else f" {told.giver.text}"
            yield f"         -> {told.missing}{giver}"


def _ground(explanation: wire.Explanation, name: str) -> Iterable[str]:
    told = explanation.fields.get(name)
    if told is not None:
        yield f"         {told.text}"


def _unreviewed(explanation: wire.Explanation) -> Iterable[str]:
    """Which answers rest on a legal entry that no lawyer has signed."""
    names = [name for name, told in explanation.fields.items() if not told.reviewed]
    if names:
        yield f"Not legally reviewed: what decided {', '.join(names)}."


def obligation_text(taken_on: wire.Obligations) -> Iterable[str]:
    """What is taken on with the values, in a line."""
    days = taken_on.erase_after.strip("PD")
    onward = "may be passed on" if taken_on.onward_sharing else "not to be passed on"
    journal = ", to be journalled" if taken_on.journal else ""
    yield f"Erase within {days} days, {onward}{journal}."


# --- the rest ---


def deposited_text(deposited: Deposited) -> Iterable[str]:
    """A deposit in lines."""
    yield f"Deposited {len(deposited.records)} values."
    for name, record in deposited.records.items():
        yield f"  {name}  {record}"


def consent_text(consent: wire.ConsentView) -> Iterable[str]:
    """A consent in lines."""
    where = consent.collaboration or "between units"
    yield f"{consent.id}  {consent.state}  version {consent.version}  {where}"
    yield f"  asked for by {consent.requested_by}, valid until {_iso(consent.valid_until)}"
    for grant in consent.grants:
        answer = grant.answer or "not answered"
        yield f"  {grant.id:<5} {answer:<12} {grant.text}"
    if consent.waiting_for:
        yield f"  waiting for {', '.join(consent.waiting_for)}"
    for remark in consent.said_between:
        yield f"  {_iso(remark.at)}  {remark.by}: {remark.text}"
    yield f"  read out: {consent.text_sha256}"


def contest_text(contest: wire.ContestView) -> Iterable[str]:
    """A contested value in lines; what the subject says to it is not for its source."""
    yield f"{contest.record}  {contest.field}  {contest.subject}"
    yield f"  contested by the subject since {_iso(contest.at)}"
    yield from _found(contest.finding, contest.answered_at)


def complaint_text(complaint: wire.ComplaintView) -> Iterable[str]:
    """A complaint in lines: about which disclosure, why, and what is found or when it is to be."""
    yield f"{complaint.id}  {complaint.state}  {complaint.disclosure}  {complaint.subject}"
    yield f"  {_iso(complaint.opened_at)}  {complaint.text} [{complaint.reason}]"
    if complaint.state == "open":
        yield f"  to be answered by {_iso(complaint.answer_by)}"
    yield from _found(complaint.finding, complaint.answered_at)


def _found(finding: str | None, at: datetime | None) -> Iterable[str]:
    if finding is not None:
        yield f"  answered {_iso(at)}: {finding.replace('_', ' ')}"


def case_text(case: wire.CaseView) -> Iterable[str]:
    """An anonymous case: its group of people, what it is about, what help is looked for."""
    yield f"{case.id}  {case.told_by}"
    yield f"  {case.age_band}, {case.gender or 'any gender'}, {case.municipality}"
    yield f"  about: {', '.join(case.topics)}"
    if case.needs_help_with:
        yield f"  needs: {', '.join(case.needs_help_with)}"


def invocation_text(invocation: wire.InvocationView) -> Iterable[str]:
    """An invocation in lines."""
    ends = f"{invocation.source or 'any source'} -> {invocation.recipient}"
    yield f"{invocation.id}  {invocation.statute}  {ends}"
    yield f"  {', '.join(invocation.fields)}"
    yield f"  from {_iso(invocation.opens)} until {_iso(invocation.closes)}"
    if invocation.confirmed:
        yield "  confirmed by a second person"
    if invocation.review_due:
        yield "  to be reviewed by somebody else"
    if invocation.finding:
        yield f"  reviewed: {invocation.finding.replace('_', ' ')}"


def preview_text(preview: wire.PreviewAnswer) -> Iterable[str]:
    """What each service could get, in lines; those that could get nothing are named too."""
    for one in preview.services:
        where = ", in a meeting" if one.in_meeting else ""
        yield f"{one.recipient}  {one.purpose}{where}"
        if not one.then:
            yield "  nothing"
        for field in one.then:
            yield f"  {field.name:<32} {field.label}, from {', '.join(field.sources)}"


def meeting_text(meeting: wire.MeetingView) -> Iterable[str]:
    """A meeting in lines."""
    yield f"{meeting.id}  {_iso(meeting.held_at)}  {meeting.collaboration}"
    yield from (f"  {one.unit}  {one.role}" for one in meeting.participants)
    if meeting.agenda:
        yield f"  about {', '.join(meeting.agenda)}"


def event_text(event: wire.Event) -> Iterable[str]:
    """An event in one line."""
    about = (
        event.consent,
        event.disclosure,
        event.meeting,
        event.invocation,
        event.record,
        event.complaint,
        event.subject,
        *event.fields,
    )
    yield f"{event.id}  {_iso(event.at)}  {event.type}  {' '.join(a for a in about if a)}".rstrip()


def catalogue_text(catalogue: Catalogue) -> Iterable[str]:
    """How much of each kind there is, with its ids; a legal entry that no lawyer has signed says so."""
    for kind, entries in catalogue.items():
        if isinstance(entries, Mapping) and "reviewed" in entries:
            yield f"{kind}{_review(entries)}"
        elif isinstance(entries, Mapping):
            yield f"{kind} ({len(entries)})"
            yield from (f"  {name}{_review(entry)}" for name, entry in entries.items())
        elif isinstance(entries, tuple):
            yield f"{kind} ({len(entries)})"
            yield from (f"  {_name(entry)}{_review(entry)}" for entry in entries)
        else:
            yield f"{kind}: {entries}"
    if missing := _waiting(catalogue):
        yield f"Not legally reviewed: {missing} entries."


def _review(entry: Any) -> str:
    return "  (not legally reviewed)" if _waiting(entry) else ""


def _waiting(entry: Any) -> int:
    """How many entries in this one, itself among them, say that they are not reviewed."""
    if isinstance(entry, Mapping):
        return (entry.get("reviewed") is False) + sum(map(_waiting, entry.values()))
    return sum(map(_waiting, entry)) if isinstance(entry, tuple) else 0


def _name(entry: Any) -> str:
    return str(entry.get("id") or entry.get("name")) if isinstance(entry, Mapping) else str(entry)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
