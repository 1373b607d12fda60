"""The second implementation on what the product really writes: a log, a disclosure, and both attacked."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from audit import cli
from audit.storage import log_checkpoint, log_entry, log_tile
from broker.domain.ids import DisclosureId, UnitId
from broker.usecases import disclosures
from tests.house import EMIL, House, build
from tests.logs import Log, opened
from tests.serving import serving
from tests.vectors import opener, verifier
from tillit.jose import ed25519_jwk, unb64u
from tillit.manifests import manifest_hash

SIZE = 600
RATE = "education.attendance.rate"
SCHOOL, NAV = "thor-heyerdahl-vgs", "nav-larvik"


@pytest.fixture
def log(sqlite_url: str) -> Iterator[Log]:
    """A log of a little more than two tiles."""
    with opened(sqlite_url) as log:
        log.grow(SIZE)
        yield log


@pytest.fixture
def check(log: Log, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """The second implementation on what the log now serves."""

    def check(older: str | None = None) -> dict[str, Any]:
        return verifier.log(log.export(tmp_path / "served"), str(log.vkey), older)

    return check


def test_an_honest_log_holds(log: Log, check: Callable[..., dict[str, Any]]) -> None:
    """At several sizes, and each continues the one before."""
    first = log.checkpoint()
    assert check()["root_hex"] == first.root.hex()
    for more in (1, 167, 300):
        log.grow(more)
        read = check(first.note)
        assert (read["size"], read["root_hex"]) == (
            log.checkpoint().size,
            log.checkpoint().root.hex(),
        )
        assert read["types"] == {"disclosure.released": read["size"]}


@pytest.mark.parametrize(
    "attack",
    [
        update(log_entry).where(log_entry.c.idx == 300).values(commitment=bytes(32)),
        update(log_entry).where(log_entry.c.idx == 599).values(at="2020-01-01T08:00:00.000000Z"),
        delete(log_entry).where(log_entry.c.idx >= SIZE - 5),
        update(log_tile).where(log_tile.c.level == 1).values(hashes=bytes(64)),
        update(log_tile).where(log_tile.c.level == 0).values(hashes=bytes(8192)),
    ],
    ids=["edited", "dated back", "removed", "inner tile", "leaf tile"],
)
def test_an_attacked_log_does_not(
    log: Log, check: Callable[..., dict[str, Any]], attack: Any
) -> None:
    """What the first finds, the second finds."""
    log.run(attack)
    with pytest.raises(verifier.WRONG):
        check()


def test_a_log_that_does_not_continue_is_found(
    log: Log, check: Callable[..., dict[str, Any]]
) -> None:
    """Forked or cut short, with the key in hand: it takes a checkpoint from before."""
    seen = log.checkpoint().note
    for statement in (
        delete(log_entry).where(log_entry.c.idx >= SIZE - 1),
        delete(log_tile),
        delete(log_checkpoint),
        update(log_entry).values(idx=None),
    ):
        log.run(statement)
    log.sequencer.run_once()
    assert check()["size"] == SIZE - 1
    with pytest.raises(ValueError, match="shorter"):
        check(seen)
    log.grow(1)
    with pytest.raises(ValueError, match="another one"):
        check(seen)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A broker with a value that Emil shares with Nav."""
    made = build(tmp_path)
    made.deposit(SCHOOL, EMIL, {RATE: 0.62})
    made.answer(made.request(NAV, EMIL), EMIL, lambda line: "no" if line.special else "yes")
    yield made
    made.store.close()


def test_a_disclosure_is_read_without_the_sdk(house: House) -> None:
    """Receipt, manifest, key and value of a real disclosure, and the receipt's leaf in the log."""
    ask = house.ask(NAV, EMIL, RATE)
    answer = house.disclose(ask, NAV)
    bound = manifest_hash(answer.manifest).hex()
    text = answer.manifest.model_dump_json()
    opener.manifest({"kind": "disclosure", "manifest": text, "hash_hex": bound})
    jwks = {"keys": [ed25519_jwk(house.ports.secrets.receipts.public_key())]}
    read = opener.receipt({"token": answer.receipt, "jwks": jwks})
    assert unb64u(read["statement"]["manifest"]).hex() == bound
    assert answer.key is not None
    nav = house.keys[NAV]
    seed = nav._enc_seed.hex()
    sealed = {"sealed": answer.key.model_dump(), "kid": nav.enc_kid}
    reader = {"kty": "OKP", "seed_hex": seed, "manifest_hash_hex": bound}
    key = opener.key(sealed | reader)["key_hex"]
    named = answer.manifest.fields[RATE]
    value = opener.field(
        {
            "sealed": answer.sealed[RATE].model_dump(),
            "field": RATE,
            "record": named.record,
            "source": SCHOOL,
            "observed_at": json.loads(text)["fields"][RATE]["observed_at"],
            "key_hex": key,
            "kid": answer.id,
            "jwks": house.keys[SCHOOL].public_jwks(),
            "national_id": EMIL,
        }
    )
    assert value == {"value": 0.62, "basis": "measured", "author_role": "teacher"}
    house.clock.step(seconds=1)
    house.sequencer.run_once()
    proof = disclosures.proof(
        DisclosureId(answer.id), reader=UnitId(NAV), person=False, ports=house.ports
    )
    vkey = str(house.sequencer.vkey)
    head = verifier.checkpoint({"note": proof.checkpoint, "vkey": vkey})
    verifier.inclusion(
        {
            "leaf_hash_hex": read["leaf_hash_hex"],
            "index": proof.index,
            "size": head["size"],
            "path_hex": [unb64u(step).hex() for step in proof.path],
            "root_hex": head["root_hex"],
        }
    )


def test_a_served_log_holds(house: House, tmp_path: Path) -> None:
    """Mirrored over HTTP from a running broker by the auditor's own command."""
    house.disclose(house.ask(NAV, EMIL, RATE), NAV)
    house.clock.at = datetime.now(UTC)
    house.sequencer.run_once()
    key, mirror = tmp_path / "nav.jwk", tmp_path / "mirror"
    house.keys[NAV].save(key)
    with serving(house, tmp_path) as url:
        assert cli.main(["mirror", url, str(mirror), "--key", str(key)]) == 0
    read = verifier.log(mirror, str(house.sequencer.vkey))
    assert read["types"]["disclosure"] == 1
