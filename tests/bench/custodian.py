"""The custodian: re-addressing must not depend on what values weigh, and must cost little else.

Twenty values of 100 KB and twenty of 100 bytes are deposited, admitted and released for real, each
on its warrant and into the release log, in turns, so that both see the same machine. Where the time
goes is measured on the primitives alone.
"""

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from keys import keyring
from keys.boxes import Cost
from keys.custodian import Released
from keys.keyring import LocalCustodian
from keys.rates import Rate
from tests.sealed_case import (
    OBSERVED,
    RECIPIENT,
    SOURCE,
    SUBJECT,
    admit,
    deposited,
    warrant_for,
    word,
)
from tillit.envelopes import unwrap, wrap
from tillit.keys import ServiceKey
from tillit.sealing import Value

FIELDS, MANY = 20, 60
SMALL, LARGE = 100, 100_000
LARGE_AT_ONCE = 5
TARGET_RATIO = 1.2
TARGET_MS = 1.0
_PASSPHRASE = b"a passphrase of the bench"


def run(*, rounds: int = 2000) -> dict[str, Any]:
    """Measure; ``met`` says whether both targets are. Times in milliseconds."""
    with tempfile.TemporaryDirectory() as home:
        custodian = _custodian(Path(home) / "keyring")
        small, large = (_stored(custodian, weight) for weight in (SMALL, LARGE))
        releases: dict[str, Callable[[], Released]] = {
            "small": _release(custodian, small, hybrid=False),
            "large": _release(custodian, large, hybrid=False),
            "hybrid": _release(custodian, small, hybrid=True),
            "many": _release(custodian, _stored(custodian, SMALL, MANY), hybrid=False),
        }
        times = _in_turns({**releases, "primitives": _primitives()}, rounds)
    medians = {name: statistics.median(each) for name, each in times.items()}
    ratio = medians["large"] / medians["small"]
    return {
        "rounds": rounds,
        "release": {name: _summary(times[name]) for name in releases},
        "primitives_p50_ms": medians["primitives"],
        "share_of_primitives": medians["primitives"] / medians["small"],
        "large_to_small": ratio,
        "per_second": 1000 / statistics.fmean(times["small"]),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "met": 1 / TARGET_RATIO <= ratio <= TARGET_RATIO and medians["many"] <= TARGET_MS,
    }


def report(result: dict[str, Any]) -> str:
    """The measurements in words."""
    lines = [
        f"custodian, release of {FIELDS} values (many: {MANY}), {result['rounds']:,} rounds in turns"
    ]
    lines += [
        f"  {name:>6}: p50 {each['p50_ms']:.3f} ms, p99 {each['p99_ms']:.3f} ms"
        for name, each in result["release"].items()
    ]
    lines += [
        f"  each with its warrant and its line in the release log; target {TARGET_MS} ms for many",
        (
            f"  {LARGE:,} bytes each to {SMALL} bytes each: {result['large_to_small']:.3f} "
            f"(target within {TARGET_RATIO - 1:.0%})"
        ),
        (
            f"  key agreement and key wraps alone: p50 {result['primitives_p50_ms']:.3f} ms, "
            f"{result['share_of_primitives']:.0%} of a release"
        ),
        f"  {result['per_second']:,.0f} releases/s, peak memory {result['peak_mb']:.0f} MB",
        f"  targets {'met' if result['met'] else 'MISSED'}",
    ]
    return "\n".join(lines)


def _custodian(directory: Path) -> LocalCustodian:
    keyring.create(directory, _PASSPHRASE, cost=Cost(n=2**10, r=8, p=1))
    return LocalCustodian(directory, lambda: _PASSPHRASE, rate=Rate(burst=10**9))


def _stored(custodian: LocalCustodian, weight: int, count: int = FIELDS) -> dict[str, str]:
    """Content keys at rest of values of so many bytes, deposited within the body limit."""
    source = ServiceKey.generate(SOURCE)
    values = [
        Value(f"plan.bench_{word(at)}", "x" * weight, OBSERVED, "measured", "teacher")
        for at in range(count)
    ]
    stored: dict[str, str] = {}
    for at in range(0, count, LARGE_AT_ONCE):
        some = values[at : at + LARGE_AT_ONCE]
        deposit = deposited(some, source=source, custodian_jwk=custodian.public_jwk(), seed=f"{at}")
        stored |= admit(custodian, deposit)
    return stored


def _release(
    custodian: LocalCustodian, stored: dict[str, str], *, hybrid: bool
) -> Callable[[], Released]:
    enc = ServiceKey.generate(RECIPIENT, hybrid=hybrid).public_jwks()["keys"][1]
    warrant = warrant_for(stored, enc["kid"], custodian.broker_keys().receipts)
    return lambda: custodian.release(
        subject=SUBJECT, wrapped=stored, recipient_jwk=enc, kid=enc["kid"], warrant=warrant
    )


def _primitives() -> Callable[[], None]:
    """What a release cannot do without: one ephemeral key, one agreement, a wrap each way."""
    peer = X25519PrivateKey.generate().public_key()
    old, new, content_key = os.urandom(32), os.urandom(32), os.urandom(32)
    wrapped = wrap(content_key, key=old)

    def once() -> None:
        ephemeral = X25519PrivateKey.generate()
        ephemeral.public_key()
        ephemeral.exchange(peer)
        for _ in range(FIELDS):
            wrap(unwrap(wrapped, key=old), key=new)

    return once


def _in_turns(acts: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in acts}
    for act in acts.values():
        act()
    names = list(acts)
    for turn in range(rounds):
        at = turn % len(names)
        for name in names[at:] + names[:at]:
            act = acts[name]
            began = time.perf_counter()
            act()
            times[name].append(1000 * (time.perf_counter() - began))
    return times


def _summary(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100)
    return {"p50_ms": cuts[49], "p99_ms": cuts[98]}


if __name__ == "__main__":
    print(report(run()))  # noqa: T201 - a bench prints
