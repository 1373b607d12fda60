"""A whole broker whose log a witness watches: what it serves before, while and after the witness knows it."""

import shutil
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import cli
from broker.settings import SettingsWrong
from tests.integration.world import World, world_in
from tests.witness import Witness, listening
from tillit.notes import Vkey, open_checkpoint
from tillit.quorums import Policy

UNIT = "nav-larvik"
ORIGIN = "127.0.0.1:8000/log"


def _checkpoint(world: World) -> tuple[int, str]:
    token = world.token(UNIT, scope="log")
    answer = world.client.get("/log/checkpoint", headers={"authorization": f"Bearer {token}"})
    return answer.status_code, answer.text


def test_a_broker_shows_what_its_witness_has_seen(
    tmp_path: Path, sqlite_template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Until the witness knows the log's key nothing is shown, and everything else goes on; then all of it is witnessed."""
    shutil.copy(sqlite_template, tmp_path / "broker.db")
    witness = Witness("witness.example/w1", ORIGIN, bytes(32))
    file = tmp_path / "witnesses"
    with listening(witness) as url:
        file.write_text(f"witness w {witness.vkey} {url}\nquorum w\n")
        database = f"sqlite:///{tmp_path / 'broker.db'}"
        with world_in(tmp_path, database, log_witnesses_file=file) as world:
            key = world.enrol(UNIT)
            vkey = Vkey.parse(world.get("/v1/keys").json()["log"])
            _wait(world, "/readyz", 200)
            assert _checkpoint(world)[0] == 503
            until = time.monotonic() + 20
            while not witness.refusals:
                assert time.monotonic() < until, "the witness is not asked"
                time.sleep(0.05)
            assert (witness.refusals[0], _checkpoint(world)[0]) == (403, 503)
            witness.log_key = vkey.public_key
            while (shown := _checkpoint(world))[0] != 200:
                assert time.monotonic() < until, "nothing is witnessed"
                time.sleep(0.1)
            assert open_checkpoint(shown[1], vkey).size > 0
            assert Policy.parse(file.read_bytes()).check(shown[1], log=vkey).missing == ()
            key.save(tmp_path / "key")
            asked = ["watch", str(world.client.base_url), "--vkey", str(vkey), "--once"]
            assert cli.main([*asked, "--key", str(tmp_path / "key"), "--witnesses", str(file)]) == 0
            assert "seen by 1 witnesses" in capsys.readouterr().out


def test_witnesses_of_another_log_are_refused(tmp_path: Path, sqlite_template: Path) -> None:
    """A file mixed up with another broker's is found before anything is served."""
    shutil.copy(sqlite_template, tmp_path / "broker.db")
    other = Vkey.of(ORIGIN, Ed25519PrivateKey.generate())
    witness = Witness("witness.example/w1", ORIGIN, bytes(32))
    file = tmp_path / "witnesses"
    file.write_text(f"log {other}\nwitness w {witness.vkey} http://127.0.0.1:9\nquorum w\n")
    database = f"sqlite:///{tmp_path / 'broker.db'}"
    with (
        pytest.raises(SettingsWrong, match="it lists logs"),
        world_in(tmp_path, database, log_witnesses_file=file),
    ):
        pass


def _wait(world: World, path: str, status: int) -> None:
    until = time.monotonic() + 20
    while world.client.get(path).status_code != status:
        assert time.monotonic() < until, f"{path} does not answer {status}"
        time.sleep(0.1)
