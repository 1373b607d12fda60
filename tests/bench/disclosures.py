"""``POST /v1/disclosures`` with 20 released fields, beside an endpoint that does almost nothing.

SQLite, one worker each, the same app server, the same database settings, in turns on the same
machine. The other endpoint authenticates nothing, reads one row, inserts one row and commits. Each
server is taken at the number of connections it does best with.

Cold: no two asks are alike to the policy engine (the same fields in another order each time), so that every one is decided.
Under leases: the same ask again and again, as a service system makes it.
"""

import json
import random
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from broker.demo.people import EMIL, NAV, SCHOOL
from broker.demo.processes import Child
from broker.engine.leases import KEPT
from tests.architecture.sources import ROOT
from tests.bench.load import Measured, Target, measure, peak_memory
from tests.processes import Site, free_port, serving, site, wait_until
from tillit import Actor
from tillit.protocol import assertion

SECONDS = 4.0
CONNECTIONS = (1, 4, 16)
TARGET_COLD, TARGET_LEASED = 0.30, 0.45
DISTINCT = 2 * KEPT
ACTOR = Actor(id="a1", role="veileder")
LARVIK = "ungdomsutvalget-larvik"
_TEXT = "about as long as such a note is in practice, give or take a line of it"
VALUES: Mapping[str, Any] = {
    "contact.name": "Emil Prøvdal",
    "contact.phone": "+47 000 00 000",
    "contact.language": "nb",
    "education.enrolment_status": "enrolled",
    "education.attendance.rate": 0.62,
    "education.attendance.event": {"date": "2026-10-02", "hours": 5},
    "education.grades": {"Norwegian": "4", "Mathematics": "2", "English": "5"},
    "education.exams_registered": ["Norwegian"],
    "education.adaptation_needs": _TEXT,
    "education.wishes": _TEXT,
    "functioning.daily_rhythm": _TEXT,
    "functioning.social": _TEXT,
    "functioning.capacity": _TEXT,
    "functioning.accommodation": _TEXT,
    "plan.goals": ["one", "two"],
    "plan.measures_tried": ["one", "two", "three"],
    "education.exams_passed": ["English"],
    "contact.email": "emil@example.org",
    "plan.measures_current": ["one"],
    "contact.preferred_channel": "sms",
}


def run(*, seconds: float = SECONDS) -> dict[str, Any]:
    """Measure all three in turns; ``met`` says whether both ratios are."""
    seen: dict[str, list[tuple[int, Measured]]] = {"cold": [], "leased": [], "bare": []}
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        where = site(Path(home) / "site")
        broker = stack.enter_context(serving(where))
        subject = _prepared(where)
        yardstick, port = stack.enter_context(_bare(Path(home)))
        for connections in CONNECTIONS:
            targets = {
                "cold": _disclosure(where, subject, distinct=DISTINCT),
                "leased": _disclosure(where, subject, distinct=1),
                "bare": _insert(port),
            }
            for name, target in targets.items():
                measure(target, connections=connections, seconds=seconds / 8)
                measured = measure(target, connections=connections, seconds=seconds)
                seen[name].append((connections, measured))
        memory = {"ours": peak_memory(broker.process.pid), "bare": peak_memory(yardstick.pid)}
    best = {name: max(runs, key=_throughput) for name, runs in seen.items()}
    ratio = {
        name: _throughput(best[name]) / _throughput(best["bare"]) for name in ("cold", "leased")
    }
    return {
        **{name: [_summary(*one) for one in runs] for name, runs in seen.items()},
        "best": {name: _summary(*one) for name, one in best.items()},
        "peak_mb": {name: size / 2**20 for name, size in memory.items()},
        "ratio": ratio,
        "met": ratio["cold"] >= TARGET_COLD and ratio["leased"] >= TARGET_LEASED,
    }


def report(result: dict[str, Any]) -> str:
    """The measurements in words."""
    lines = [f"POST /v1/disclosures, {len(VALUES)} fields released, SQLite, one worker"]
    titles = {"cold": "each decided", "leased": "under leases", "bare": "bare endpoint"}
    for name, title in titles.items():
        lines += [
            (
                f"  {title:>13}, {one['connections']:>2} connections: {one['per_second']:,.0f}/s, "
                f"p50 {one['p50_ms']:.1f} ms, p99 {one['p99_ms']:.1f} ms"
            )
            for one in result[name]
        ]
    memory, ratio = result["peak_mb"], result["ratio"]
    lines += [
        f"  ratio of the best of each: {ratio['cold']:.2f} cold (target at least {TARGET_COLD})",
        f"  and {ratio['leased']:.2f} under leases (target at least {TARGET_LEASED})",
        f"  peak memory {memory['ours']:.0f} MB, bare endpoint {memory['bare']:.0f} MB",
        f"  target {'met' if result['met'] else 'MISSED'}",
    ]
    return "\n".join(lines)


def _throughput(one: tuple[int, Measured]) -> float:
    return one[1].throughput


def _summary(connections: int, measured: Measured) -> dict[str, Any]:
    return {
        "connections": connections,
        "per_second": measured.throughput,
        "p50_ms": 1000 * measured.p50,
        "p99_ms": 1000 * measured.p99,
    }


def _prepared(where: Site) -> str:
    """Twenty values about Emil and his yes to all of them; gives Nav's handle for him."""
    with where.client(SCHOOL, retries=4) as school:
        pupil = school.subject(national_id=EMIL.national_id)
        now = datetime.now(UTC)
        school.deposit(pupil, VALUES, observed_at=now, basis="measured", author_role="laerer")
    with where.client(NAV, retries=4) as nav:
        emil = nav.subject(national_id=EMIL.national_id)
        asked = nav.request_consent(
            emil,
            services=[NAV, SCHOOL],
            purposes=["coordination"],
            categories=["contact", "education", "functioning", "plan"],
            collaboration=LARVIK,
            actor=ACTOR,
        )
        browser = where.browser(EMIL.national_id)
        seen = browser.consent(asked.id)
        browser.answer(seen, {grant.id: "yes" for grant in seen.grants})
        browser.close()
        answer = nav.ask(
            emil, list(VALUES), purpose="coordination", collaboration=LARVIK, actor=ACTOR
        )
        if answer.outcome != "released" or set(answer.values) != set(VALUES):
            raise RuntimeError(f"not all is released: {dict(answer.withheld)}")
    return emil.handle


def _disclosure(where: Site, subject: str, *, distinct: int) -> Target:
    """The request: an ask for the twenty fields, in so many orders, with a token that lasts for one measurement."""
    drawn = random.Random(1)
    bodies = [
        json.dumps(
            {
                "subject": subject,
                "fields": drawn.sample(list(VALUES), len(VALUES)),
                "purpose": "coordination",
                "collaboration": LARVIK,
                "actor": ACTOR.model_dump(),
            }
        ).encode()
        for _ in range(distinct)
    ]
    proof = assertion(
        where.issuer_url, where.keys[NAV], at=datetime.now(UTC), jti=secrets.token_hex(16)
    )
    form = {
        "grant_type": "client_credentials",
        "scope": "share",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": proof,
    }
    token = httpx.post(f"{where.issuer_url}/oauth/token", data=form).raise_for_status().json()
    port = int(where.issuer_url.rpartition(":")[2])
    head = _head(
        "/v1/disclosures",
        bodies[0],
        f"Authorization: Bearer {token['access_token']}",
        "Idempotency-Key: bench-{unique}",
    )
    return Target(port, head, bodies, expected=201)


def _insert(port: int) -> Target:
    body = json.dumps({"name": "one"}).encode()
    return Target(port, _head("/", body), [body], expected=201)


def _head(path: str, body: bytes, *headers: str) -> str:
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    )
    return "\r\n".join(lines)


@contextmanager
def _bare(home: Path) -> Iterator[tuple[Child, int]]:
    """The yardstick's process, and its port."""
    port = free_port()
    process = Child(
        "bare",
        ["tests.bench.bare", f"sqlite:///{home / 'bare.db'}", str(port)],
        log=home / "bare.log",
        directory=ROOT,
        environment={},
    )
    try:
        wait_until(
            lambda: httpx.post(f"http://127.0.0.1:{port}/", json={"name": "one"}).is_success,
            alive=lambda: not process.ended(),
            log=home / "bare.log",
        )
        yield process, port
    finally:
        process.stop()


if __name__ == "__main__":
    print(report(run(seconds=float(sys.argv[1]) if sys.argv[1:] else SECONDS)))  # noqa: T201 - a bench prints
