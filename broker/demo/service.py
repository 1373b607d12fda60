"""One service's side of the demo, as its own process: it has the SDK, its own key and its own cases.

    python -m broker.demo.service --url http://127.0.0.1:8000 nav-larvik

In its working directory the service has a directory with ``cases.json`` (the youths it follows up, with what it has written
down) and ``key.jwk``, which it makes itself and nobody else reads. One JSON object per line on standard input says what to do,
one per line on standard output what came of it: ``{"progress": n}`` on the way, then ``{"done": …}`` or ``{"failed": …}``. It
ends when its input does. Services that are no more than passers-by in the demo share a process: ``unit`` says whose turn it is.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tillit import (
    Actor,
    Answer,
    Client,
    Condition,
    Participant,
    ServiceKey,
    Subject,
    TillitError,
    Value,
)
from tillit.wire import Basis

KEY_FILE = "key.jwk"
CASES_FILE = "cases.json"
_PROGRESS_SECONDS = 0.2

Report = Mapping[str, Any]
Progress = Callable[[int], None]


class Service:
    """A service at work: every public method without an underscore is something it can be told.

    ``about`` is one of its cases, or the national identity number of somebody who is none yet.
    """

    def __init__(self, unit: str, url: str, *, say: Callable[[Report], None]) -> None:
        self._unit = unit
        self._url = url
        self._say = say
        self._home = Path(unit)
        cases = self._home / CASES_FILE
        self._cases: Mapping[str, Any] = (
            json.loads(cases.read_text(encoding="utf-8")) if cases.exists() else {}
        )
        self._subjects: dict[str, Subject] = {}
        self._answers: dict[str, Answer] = {}
        self._cursor = 0
        self._client_or_none: Client | None = None

    # --- what it can be told ---

    def enrol(self, *, code: str) -> Report:
        """Make a key pair, keep the private half, and register the public half."""
        self._home.mkdir(exist_ok=True)
        ServiceKey.generate(self._unit).save(self._home / KEY_FILE)
        self._client.enrol(code=code)
        return {"kid": ServiceKey.load(self._home / KEY_FILE).sig_kid}

    def deposit_all(self) -> Report:
        """Seal and deposit everything it has written down about everybody."""
        values, last = 0, time.monotonic()
        for done, (name, case) in enumerate(self._cases.items(), 1):
            values += len(self._client.deposit(self._subject(name), _values(case)).records)
            if time.monotonic() - last >= _PROGRESS_SECONDS:
                last = time.monotonic()
                self._say({"progress": done})
        return {"youths": len(self._cases), "values": values}

    def deposit(
        self, *, about: str, values: Mapping[str, Any], role: str, basis: Basis = "measured"
    ) -> Report:
        """Seal and deposit something new about one youth."""
        now = datetime.now().astimezone()
        deposited = self._client.deposit(
            self._subject(about), values, observed_at=now, basis=basis, author_role=role
        )
        return {"records": dict(deposited.records)}

    def check(
        self,
        *,
        about: str,
        fields: list[str],
        purpose: str,
        role: str,
        collaboration: str | None = None,
    ) -> Report:
        """Ask "may I?" without getting anything."""
        found = self._client.check(
            self._subject(about),
            fields,
            purpose=purpose,
            collaboration=collaboration,
            actor=self._actor(role),
        )
        return {
            "outcome": found.outcome,
            "permitted": sorted(found.permitted),
            "withheld": _reasons(found.withheld),
        }

    def ask(
        self,
        *,
        about: str,
        fields: list[str],
        purpose: str,
        role: str,
        meeting: str | None = None,
        collaboration: str | None = None,
    ) -> Report:
        """Ask, check everything that comes back, and report what it now knows and does not know."""
        answer = self._client.ask(
            self._subject(about),
            fields,
            purpose=purpose,
            collaboration=collaboration,
            meeting=meeting,
            actor=self._actor(role),
        )
        self._answers[answer.id] = answer
        return {
            "id": answer.id,
            "outcome": answer.outcome,
            "values": {
                name: {"value": value.value, "source": value.source, "basis": value.basis}
                for name, value in answer.values.items()
            },
            "withheld": _reasons(answer.withheld),
            "erase_after": answer.obligations.erase_after,
        }

    def request_consent(
        self,
        *,
        about: str,
        services: list[str],
        purposes: list[str],
        role: str,
        categories: list[str] | None = None,
        fields: list[str] | None = None,
        collaboration: str | None = None,
        condition: str | None = None,
        valid_days: int | None = None,
    ) -> Report:
        """Ask the youth for one consent that covers the services; without a condition, on the collaboration's own."""
        consent = self._client.request_consent(
            self._subject(about),
            services=services,
            purposes=purposes,
            categories=categories or (),
            fields=fields or (),
            collaboration=collaboration,
            condition=None if condition is None else Condition.model_validate({"kind": condition}),
            valid_days=valid_days,
            language="nb",
            actor=self._actor(role),
        )
        return {"id": consent.id, "state": consent.state, "lines": len(consent.grants)}

    def call_meeting(
        self,
        *,
        about: str,
        held_at: str,
        participants: list[dict[str, str]],
        role: str,
        collaboration: str,
        agenda: list[str],
    ) -> Report:
        """Register a meeting of a collaboration about one youth."""
        meeting = self._client.call_meeting(
            self._subject(about),
            collaboration=collaboration,
            held_at=datetime.fromisoformat(held_at),
            participants=[Participant(**one) for one in participants],
            agenda=agenda,
            actor=self._actor(role),
        )
        return {"id": meeting.id}

    def events(self, *, about: str) -> Report:
        """Read what is new in its own feed, and tell what of it is about one youth."""
        found = [event.model_dump(mode="json") for event in self._client.events(after=self._cursor)]
        self._cursor = found[-1]["id"] if found else self._cursor
        handle = self._subject(about).handle
        return {"events": [event for event in found if event["subject"] == handle]}

    def invoke(
        self, *, about: str, statute: str, fields: list[str], reason: str, role: str
    ) -> Report:
        """Rely on a statute, with the reason for it."""
        relied = self._client.invoke(
            self._subject(about), statute, fields, reason=reason, actor=self._actor(role)
        )
        return {"id": relied.id}

    def tell_case(self, *, collaboration: str, role: str, **case: Any) -> Report:
        """Tell of a case without saying who it is; ``claim`` is for the youth."""
        told = self._client.tell_case(collaboration, actor=self._actor(role), **case)
        return {"id": told.id, "claim": told.claim}

    def prove(self, *, disclosure: str) -> Report:
        """Check that the log holds one disclosure that it got."""
        proven = self._client.proof(self._answers[disclosure])
        return {
            "index": proven.index,
            "leaf": proven.leaf_hash.hex(),
            "path": len(proven.path),
            "size": proven.checkpoint.size,
        }

    # --- how ---

    @property
    def _client(self) -> Client:
        if self._client_or_none is None:
            key = ServiceKey.load(self._home / KEY_FILE)
            self._client_or_none = Client(self._url, service=self._unit, key=key, language="en")
        return self._client_or_none

    def _subject(self, name: str) -> Subject:
        if name not in self._subjects:
            number = self._cases[name]["national_id"] if name in self._cases else name
            self._subjects[name] = self._client.subject(national_id=number)
        return self._subjects[name]

    def _actor(self, role: str) -> Actor:
        return Actor(id=f"{self._unit}.a1", role=role)


def _values(case: Mapping[str, Any]) -> list[Value]:
    return [
        Value(
            field=record["field"],
            value=record["value"],
            observed_at=datetime.fromisoformat(record["observed_at"]),
            basis=record["basis"],
            author_role=record["author_role"],
        )
        for record in case["records"]
    ]


def _reasons(withheld: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    return {
        name: [{"code": reason.code, "text": reason.text} for reason in reasons]
        for name, reasons in withheld.items()
    }


def _say(report: Report) -> None:
    print(json.dumps(report), flush=True)


def main() -> int:
    """Do what each line of standard input says, until there is none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("units", nargs="+", metavar="UNIT")
    parser.add_argument("--url", required=True)
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    services = {unit: Service(unit, arguments.url, say=_say) for unit in arguments.units}
    for line in sys.stdin:
        told = json.loads(line)
        act, service = told.pop("do"), services[told.pop("unit", arguments.units[0])]
        if act.startswith("_") or not hasattr(Service, act):
            _say({"failed": f"unknown act {act}"})
            continue
        try:
            _say({"done": getattr(service, act)(**told)})
        except TillitError as error:
            print(f"{act}: {error.code}", file=sys.stderr)
            _say({"failed": f"{act}: {error.code} {error}"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
