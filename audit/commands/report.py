"""``tillit-audit report``: a month on a page, numbers that may be passed on, and what was unusual."""

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from audit.commands import given
from audit.commands.saying import HOLDS
from tillit.wire.auditing import Signals, Statistics

OSLO = ZoneInfo("Europe/Oslo")

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
_HEADINGS = {
    "type": "What happened",
    "outcome": "What asks came to",
    "ground": "On which grounds",
    "reason": "Why not",
    "purpose": "What for",
    "service": "At which services",
    "collaboration": "In which collaborations",
    "requests": "Consents asked for, by collaboration",
    "recipients": "Recipients that a yes names, by whether they came",
}


def declare(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    report = commands.add_parser("report", parents=[common], help="a month on a page")
    report.add_argument("source", metavar="URL", help="broker URL")
    report.add_argument("month", metavar="YYYY-MM", type=_month)
    report.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Fetch, and say it."""
    with given.auditor(options) as auditor:
        events = auditor.statistics(options.month, "events")
        answers = auditor.statistics(options.month, "answers")
        pages = list(auditor.signals(_span(options.month)))
    if options.json:
        print(
            json.dumps(
                _as_json(options.month, events, answers, pages), ensure_ascii=False, indent=2
            )
        )
    else:
        print("\n".join(_page(options.month, events, answers, pages)))
    return HOLDS


def _page(
    month: str, events: Statistics | None, answers: Statistics | None, pages: list[Signals]
) -> Iterator[str]:
    yield f"The log in {month}"
    yield "Counts are rounded down to a multiple of five; what is left out is under five, or hides what is."
    yield from _counts(events, "The month has not been counted: it is, a day after its end.")
    yield from _counts(
        answers, "Its answers have not been counted: they are, 31 days after its end."
    )
    if answers is not None and answers.times is not None:
        yield ""
        times = answers.times
        yield f"Days to an answer: median {_days(times.median_days)}, nine of ten within {_days(times.p90_days)}"
    yield ""
    signals = [signal for page in pages for signal in page.signals]
    rules = {rule: text for page in pages for rule, text in page.rules.items()}
    yield f"Unusual access: {len(signals) or 'none'}"
    for signal in signals:
        numbers = ", ".join(f"{name} {number}" for name, number in signal.numbers.items())
        yield f"  {signal.id}  {signal.at.isoformat()}  {signal.service}: {rules.get(signal.rule, signal.rule)}"
        where = ", ".join(map(str, signal.events)) + (
            f" and {signal.more} more" if signal.more else ""
        )
        yield f"    {numbers}; entries {where}"


def _counts(counted: Statistics | None, absent: str) -> Iterator[str]:
    if counted is None:
        yield ""
        yield absent
        return
    for dimension, heading in _HEADINGS.items():
        if words := counted.counts.get(dimension):
            yield ""
            yield heading
            for word, number in sorted(words.items(), key=lambda each: (-each[1], each[0])):
                yield f"  {number:>9} {word}"


def _days(days: int | None) -> str:
    return "not told" if days is None else str(days)


def _as_json(
    month: str, events: Statistics | None, answers: Statistics | None, pages: list[Signals]
) -> dict[str, Any]:
    return {
        "ok": True,
        "month": month,
        "events": None if events is None else events.model_dump(mode="json"),
        "answers": None if answers is None else answers.model_dump(mode="json"),
        "signals": [signal.model_dump(mode="json") for page in pages for signal in page.signals],
    }


def _span(month: str) -> Mapping[str, str]:
    """The month as it is in Oslo."""
    year, number = (int(part) for part in month.split("-"))
    then = (year + 1, 1) if number == 12 else (year, number + 1)  # noqa: PLR2004 (December)
    first, last = (datetime(y, m, 1, tzinfo=OSLO) for y, m in ((year, number), then))
    return {"since": first.isoformat(), "until": last.isoformat()}


def _month(text: str) -> str:
    if not _MONTH.fullmatch(text):
        raise argparse.ArgumentTypeError("not a month; write 2026-11")
    return text
