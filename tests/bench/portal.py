"""The youth's portal: what the first page weighs, and how long the server takes for the start page and for a long timeline.

SQLite, a portal behind a socket, 300 youths who were each asked, answered and asked about, and 100,000 (``tests.bench.crowd``)
one of them with 10,000 disclosures, which are copies of a few real ones. Times are from the request to the last byte of the
answer, over a connection that is open.
"""

import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import create_engine, text

from broker.store.migrate import migrate
from tests.bench.crowd import born, fill, people
from tests.browser.life import CATEGORIES, RATE, SERVICES, answered, deposit, lived
from tests.integration.bad_input import NAV, SCHOOL, an_ask
from tests.integration.world import World
from tests.portal import Visitor, portal_in

YOUTHS, MANY, ROWS = 300, 100_000, 10_000
VISITS = 100
TARGET_KB, TARGET_REQUESTS = 60.0, 5
TARGET_START_MS, TARGET_MANY_MS, TARGET_TIMELINE_MS = 20.0, 25.0, 30.0
_DRESS = re.compile(r'<(?:link|script|img)[^>]*? (?:href|src)="([^"]+)"')
_OLDER = re.compile(r'href="(/shared\?before=[^"]+)"')
_KEPT = (
    "subject, recipient, at, facts, decision, manifest, manifest_hash, receipt, receipt_volume, "
    "receipt_sealed, leaf_hash, told_at, look_at"
)
_COPY = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows), "  # noqa: S608 - nothing of anybody else's
    "own AS (SELECT *, row_number() OVER () AS r, count(*) OVER () AS many FROM disclosure "
    "WHERE subject = (SELECT subject FROM disclosure WHERE id = :one)) "
    f"INSERT INTO disclosure (id, {_KEPT}) SELECT 'dis_' || printf('%022d', i), {_KEPT} "
    "FROM n JOIN own ON own.r = 1 + i % own.many ORDER BY i"
)


def run(*, youths: int = YOUTHS, many: int = MANY, rows: int = ROWS) -> dict[str, Any]:
    """Measure; ``met`` says whether every target is. The register knows the many from the beginning."""
    with tempfile.TemporaryDirectory() as home:
        directory = Path(home)
        database = f"sqlite:///{directory / 'broker.db'}"
        migrate(database)
        young = people(many - 1)
        others = [{"national_id": n, "born": born(n), "guardians": []} for n in young]
        with portal_in(directory, database, others=others) as portal:
            life = lived(portal.world)
            for number in young[: youths - 1]:
                _lived_too(portal.world, number)
            first = _weight(portal.visitor())
            visitor = portal.logged_in()
            start = _times(visitor.http, ["/"] * VISITS)
            filled = fill(portal.world, young[0], young[youths - 1 :])
            crowded = _times(visitor.http, ["/"] * VISITS)
            _copied(portal.world, life.disclosure, rows)
            timeline = _times(visitor.http, _pages(visitor))
    met = (
        first["kb"] <= TARGET_KB
        and first["requests"] <= TARGET_REQUESTS
        and start["p50_ms"] <= TARGET_START_MS
        and crowded["p50_ms"] <= TARGET_MANY_MS
        and timeline["p50_ms"] <= TARGET_TIMELINE_MS
    )
    return {
        "youths": youths,
        "many": many,
        "rows": rows,
        "first": first,
        "start": start,
        "crowded": crowded,
        "ratio": crowded["p50_ms"] / start["p50_ms"],
        "filled_seconds": filled,
        "timeline": timeline,
        "met": met,
    }


def report(result: dict[str, Any]) -> str:
    """The measurements in words."""
    first, start, timeline = result["first"], result["start"], result["timeline"]
    crowded = result["crowded"]
    lines = [
        f"portal, {result['youths']} youths, {result['rows']:,} disclosures about one of them",
        f"  first page   {first['kb']:.1f} KB in {first['requests']} requests",
        f"  start page   {_told(start)}",
        f"  of {result['many']:,}   {_told(crowded)}: {result['ratio']:.2f} times the p50",
        f"               (written in {result['filled_seconds']:.0f} s)",
        f"  timeline     {_told(timeline)}, {timeline['visits']} pages",
    ]
    return "\n".join(lines)


def _told(times: dict[str, Any]) -> str:
    return f"p50 {times['p50_ms']:.1f} ms, worst {times['worst_ms']:.1f} ms"


def _lived_too(world: World, number: str) -> None:
    deposit(world, SCHOOL, {RATE: 0.62}, number)
    answered(world, SERVICES, CATEGORIES, national_id=number)
    asked = an_ask(world.handle(NAV, number), fields=[RATE])
    answer = world.post("/v1/disclosures", asked, unit=NAV)
    assert answer.status_code == 201, answer.text


def _weight(visitor: Visitor) -> dict[str, Any]:
    """The first page and all that it is dressed with: head and body of each answer."""
    page = visitor.get("/")
    answers = [page, *(visitor.http.get(path) for path in set(_DRESS.findall(page.text)))]
    size = sum(answer.num_bytes_downloaded + _head(answer) for answer in answers)
    return {"kb": size / 1000, "requests": len(answers)}


def _head(answer: httpx.Response) -> int:
    return sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)


def _copied(world: World, one: str, rows: int) -> None:
    engine = create_engine(world.settings.database)
    with engine.begin() as connection:
        connection.execute(text(_COPY), {"rows": rows, "one": one})
    engine.dispose()


def _pages(visitor: Visitor) -> list[str]:
    """From the newest page to the oldest, every fourth of them."""
    paths = ["/shared"]
    while found := _OLDER.search(visitor.get(paths[-1]).text):
        paths.append(found[1])
    return paths[::4]


def _times(http: httpx.Client, paths: Sequence[str]) -> dict[str, Any]:
    taken = sorted(_each(http, paths))
    return {"p50_ms": statistics.median(taken), "worst_ms": taken[-1], "visits": len(taken)}


def _each(http: httpx.Client, paths: Sequence[str]) -> Iterator[float]:
    for path in paths:
        began = time.perf_counter()
        answer = http.get(path)
        yield 1000 * (time.perf_counter() - began)
        assert answer.status_code == 200, path


if __name__ == "__main__":
    print(report(run()))  # noqa: T201 - the report is the product
