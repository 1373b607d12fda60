"""How long one decision takes in the embedded engine, where the time goes, and what it does not grow with.

20 asked fields, 3 consents with 40 grants in total, every collaboration loaded; JSON in and out and both models included.
"""

import copy
import dataclasses
import statistics
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from broker.domain.compile import compile_grants
from broker.domain.facts import Facts
from broker.domain.grants import Grant
from broker.domain.ids import ConsentId, PersonKey, SubjectId, UnitId
from broker.engine import answers
from broker.engine.bundle import Bundle, load
from broker.engine.leases import LeasedEngine
from broker.engine.regorus import RegorusEngine
from broker.usecases.gathering import gather
from broker.usecases.people import known
from tests.house import EMIL, build
from tests.policies.scenario import COLLABORATION, NOW, facts
from tillit.wire import ConsentRequest

TARGET_P50_MS = 1.0
TARGET_P99_MS = 2.5
TARGET_LEASE_MS = 0.1
TARGET_GROWTH = 1.10
LINEAR = 10.0
MANY_COLLABORATIONS = 1000
ROUNDS = 400
SOURCES = (
    "ot-vestfold",
    "thor-heyerdahl-vgs",
    "larvikshjelpa",
    "barnevern-larvik",
    "nav-larvik-kommunal",
)
SHARED = ("education", "functioning", "work", "plan", "voice")
RECIPIENTS = ("nav-larvik", "ot-vestfold", "nav-larvik", "thor-heyerdahl-vgs")
LINES = (14, 13, 13)
ASKING, SCHOOL = "nav-larvik", "thor-heyerdahl-vgs"
UNITS = ("nav-larvik", "thor-heyerdahl-vgs", "larvikshjelpa")
REQUESTS = (
    (UNITS, ("education", "functioning", "work", "plan")),
    (UNITS, ("education", "functioning", "work")),
    (UNITS, ("education", "functioning")),
)


def names() -> list[str]:
    """The twenty asked fields: some of the other units can have each."""
    catalogue = load().catalogue
    types = {catalogue.units[unit].type for unit in UNITS[1:]}
    return [
        name
        for name, field in catalogue.fields.items()
        if field.category in SHARED[:4] and field.sensitivity != "special"
        if types.intersection(field.source_types)
    ][:20]


def compiled() -> Facts:
    """The measured ask: three consents with 40 lines, as the product compiles and gathers them, every line a yes.

    Each source has deposited every field that its type is a source of.
    """
    catalogue = load().catalogue
    deposited: dict[str, list[str]] = {name: [] for name in names()}
    consents = []
    for services, categories in REQUESTS:
        request = ConsentRequest.model_validate(
            {
                "subject": "hdl_" + "A" * 22,
                "collaboration": COLLABORATION,
                "services": services,
                "purposes": ["case_discussion"],
                "categories": categories,
                "actor": {"id": "a17", "role": "veileder"},
            }
        )
        at = datetime.fromisoformat(NOW)
        lines = compile_grants(request, catalogue, requester=UnitId(services[0]), at=at)
        concerned = catalogue.kin(
            ASKING
        )  # the lines that an ask is told of (broker.usecases.gathering)
        consents.append(
            {"grants": [_line(line, deposited) for line in lines if line.recipient in concerned]}
        )
    for name, sources in deposited.items():
        able = catalogue.fields[name].source_types
        sources += [u for u in UNITS if catalogue.units[u].type in able]
    return _facts(consents, deposited=deposited)


def _line(line: Grant, asked: Iterable[str]) -> dict[str, Any]:
    what = ", ".join(line.fields) or line.category
    said = f"{line.source} -> {line.recipient}: {what} for {line.purpose}"
    covers = [] if line.fields else [name for name in asked if name in line.covers]
    return {"line": said, "covers": covers}


def crowded() -> Facts:
    """The worst of 40 lines: five sources that all hold every field, seven grounds for each."""
    return _facts(
        [
            {
                "grants": [
                    f"{SOURCES[n % 5]} -> {RECIPIENTS[(n + c) % 4]}: {SHARED[n % 4]} for case_discussion"
                    for n in range(lines)
                ]
            }
            for c, lines in enumerate(LINES)
        ]
    )


def _facts(consents: list[dict[str, Any]], **more: Any) -> Facts:
    ask = {"recipient": ASKING, "purpose": "case_discussion", "fields": names()}
    return facts({"ask": ask, "consents": consents, **more})


def timed(what: Callable[[], object], *, rounds: int = ROUNDS) -> dict[str, float]:
    """Milliseconds by the wall and by this thread's own processor time."""
    wall, own = [], []
    for _ in range(rounds):
        started, started_own = time.perf_counter(), time.thread_time()
        what()
        wall.append((time.perf_counter() - started) * 1000)
        own.append((time.thread_time() - started_own) * 1000)
    wall.sort()
    return {
        "p50_ms": round(statistics.median(wall), 3),
        "p99_ms": round(wall[int(len(wall) * 0.99)], 3),
        "cpu_p50_ms": round(statistics.median(own), 3),
    }


def many_lines(number: int) -> Facts:
    """One consent with so many lines to the asking unit, all of them usable."""
    lines = [
        f"{SOURCES[n % 5]} -> {ASKING}: {SHARED[n % 4]} for case_discussion" for n in range(number)
    ]
    return _facts([{"grants": lines}])


def with_collaborations(bundle: Bundle, number: int) -> Bundle:
    """The bundle with so many collaborations: the one asked in, and copies of it under other names."""
    agreed = bundle.facts["collaborations"][COLLABORATION]
    copies = {f"copy-{n}": copy.deepcopy(agreed) for n in range(1, number)}
    facts = {**bundle.facts, "collaborations": {COLLABORATION: agreed, **copies}}
    return dataclasses.replace(bundle, facts=facts)


def side_by_side(one: Callable[[], object], other: Callable[[], object]) -> float:
    """How much longer the other takes, by the median of this thread's own time, measured in turns."""
    first, second = [], []
    for _ in range(5):
        first.append(timed(one, rounds=ROUNDS // 4)["cpu_p50_ms"])
        second.append(timed(other, rounds=ROUNDS // 4)["cpu_p50_ms"])
    return statistics.median(second) / statistics.median(first)


def with_others(directory: Path, number: int) -> Callable[[], object]:
    """A whole ask, facts read from the database, beside so many other subjects with a consent each."""
    house = build(directory)
    house.deposit(SCHOOL, EMIL, {"education.attendance.rate": 0.62})
    house.answer(house.request(ASKING, EMIL), EMIL)
    ask = house.ask(ASKING, EMIL, "education.attendance.rate")
    with house.store.write() as tx:
        subject = known(tx, UnitId(ASKING), ask.subject)
        own = tx.consents_of(subject)[0]
        for one in range(number):
            other = SubjectId(f"sub_{one:022d}")
            tx.add_subject(other, PersonKey(f"{one:064x}"), at=house.clock())
            tx.add_consent(dataclasses.replace(own, id=ConsentId(f"con_{one:022d}"), subject=other))

    def asked() -> object:
        now, unit = house.clock(), UnitId(ASKING)
        with house.store.read() as tx:
            found = gather(tx, ask, subject=subject, unit=unit, now=now, ports=house.ports)
            return house.ports.engine.decide(found.facts)

    return asked


def growth(bundle: Bundle) -> dict[str, float]:
    """From 1 collaboration to 1 000, from 1 to 100 consents of others, from 40 usable own lines to 400 (linear: 10)."""
    given = compiled()
    few = RegorusEngine(with_collaborations(bundle, 1))
    many = RegorusEngine(with_collaborations(bundle, MANY_COLLABORATIONS))
    engine = RegorusEngine(bundle)
    short, long = many_lines(40), many_lines(400)
    with TemporaryDirectory() as one, TemporaryDirectory() as hundred:
        others = side_by_side(with_others(Path(one), 1), with_others(Path(hundred), 100))
    return {
        "others": others,
        "collaborations": side_by_side(lambda: few.decide(given), lambda: many.decide(given)),
        "own_lines": side_by_side(lambda: engine.decide(short), lambda: engine.decide(long)),
    }


def run() -> dict[str, Any]:
    """The whole decision, its parts in the order in which they happen, a reuse, and what it grows with."""
    bundle = load()
    engine = RegorusEngine(bundle)
    leased = LeasedEngine(engine)
    given = compiled()
    text = answers.as_json(given)
    inner = engine._engine()
    answer = engine._ask(text, "data.tillit.decision")
    decision = engine.decide(given)
    whole = timed(lambda: engine.decide(given))
    reuse = timed(lambda: leased.decide(given))
    grown = growth(bundle)
    worst = crowded()
    return {
        "asked": len(given.ask.fields),
        "grants": sum(LINES),
        "collaborations": len(bundle.catalogue.collaborations),
        "permitted": len(decision.permitted()),
        **whole,
        "lease": reuse,
        "growth": grown,
        "met": whole["p50_ms"] <= TARGET_P50_MS
        and whole["p99_ms"] <= TARGET_P99_MS
        and reuse["p50_ms"] <= TARGET_LEASE_MS
        and grown["collaborations"] <= TARGET_GROWTH
        and grown["others"] <= TARGET_GROWTH
        and grown["own_lines"] <= LINEAR,
        "crowded": timed(lambda: engine.decide(worst)),
        "parts": {
            "facts to JSON": timed(lambda: answers.as_json(given)),
            "JSON into regorus": timed(lambda: inner.set_input_json(text)),
            "rules, with their answer to JSON": timed(
                lambda: inner.eval_rule_as_json("data.tillit.decision")
            ),
            "answer parsed": timed(lambda: answers.decision(answer, given, engine.policy)),
        },
    }


def report(result: dict[str, Any]) -> str:
    """The result in a few lines: the whole, where the time goes, what it grows with."""
    head = (
        f"decision: {result['asked']} fields, {result['grants']} grants, {result['collaborations']} collaborations, "
        f"{result['permitted']} permitted: p50 {result['p50_ms']:.2f} ms, p99 {result['p99_ms']:.2f} ms "
        f"(targets {TARGET_P50_MS} and {TARGET_P99_MS} ms)"
    )
    parts = [f"  {name}: p50 {part['p50_ms']:.2f} ms" for name, part in result["parts"].items()]
    grown = result["growth"]
    return "\n".join(
        [
            head,
            *parts,
            f"  where five sources hold every field: p50 {result['crowded']['p50_ms']:.2f} ms",
            f"  reused under a lease: p50 {result['lease']['p50_ms']:.3f} ms (target {TARGET_LEASE_MS} ms)",
            f"  1 to {MANY_COLLABORATIONS} collaborations: {grown['collaborations']:.2f} (target {TARGET_GROWTH})",
            f"  1 to 100 consents of other subjects: {grown['others']:.2f} (target {TARGET_GROWTH})",
            f"  40 to 400 usable lines of the subject's own: {grown['own_lines']:.1f} (linear would be {LINEAR})",
        ]
    )


if __name__ == "__main__":
    print(report(run()))  # noqa: T201 (a command)
