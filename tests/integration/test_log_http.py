"""The log of a running broker, read from outside with a service's own key.

No mock on either side.
"""

import json
import time
from pathlib import Path

import httpx
import pytest

from audit import cli
from audit.sources import Credentials
from tests.integration.world import World
from tillit.keys import ServiceKey
from tillit.notes import Vkey, open_checkpoint, read_unsafe_checkpoint

UNIT = "nav-larvik"


def key_file(world: World, directory: Path) -> Path:
    """The unit's key as it lies on its disk."""
    key = world.keys[UNIT] if UNIT in world.keys else world.enrol(UNIT)
    path = directory / "nav-larvik.jwk"
    if not path.exists():
        key.save(path)
    return path


def sequenced(world: World) -> int:
    """Wait until everything that is written now is in the tree."""
    entries = world.rows()["log_entry"]
    until = time.monotonic() + 10
    while True:
        token = world.token(UNIT, scope="log")
        answer = world.client.get("/log/checkpoint", headers={"authorization": f"Bearer {token}"})
        if answer.status_code == 200 and read_unsafe_checkpoint(answer.content).size >= entries:
            return entries
        assert time.monotonic() < until, "the log is not sequenced"
        time.sleep(0.1)


def test_a_running_brokers_log_is_verified(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Token, checkpoint, tiles and entries come over HTTP.

    The vkey is the one the broker publishes.
    """
    world.handle(UNIT)
    entries = sequenced(world)
    url, vkey = str(world.client.base_url), world.get("/v1/keys").json()["log"]
    key, saved, mirrored = key_file(world, tmp_path), tmp_path / "seen", tmp_path / "mirror"
    common = [url, "--vkey", vkey, "--key", str(key), "--client", UNIT, "--json"]
    assert cli.main(["verify", *common, "--save", str(saved)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["checked"] >= entries) == (True, True)
    world.post("/v1/disclosures", {"not": "an ask"}, unit=UNIT)
    assert sequenced(world) > entries
    assert cli.main(["verify", *common, "--since", str(saved)]) == 0
    assert cli.main(["mirror", url, str(mirrored), "--vkey", vkey, "--key", str(key)]) == 0
    assert cli.main(["verify", str(mirrored), "--vkey", vkey, "--since", str(saved)]) == 0
    assert open_checkpoint(saved.read_bytes(), Vkey.parse(vkey)).size >= entries


def test_without_a_known_key_the_log_is_not_read(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither bare nor with a key that nobody enrolled: could not check, exit code 2."""
    url, vkey = str(world.client.base_url), world.get("/v1/keys").json()["log"]
    assert cli.main(["verify", url, "--vkey", vkey]) == 2
    assert "HTTP 401" in capsys.readouterr().err
    path = tmp_path / "stranger.jwk"
    ServiceKey.generate(UNIT).save(path)
    assert cli.main(["verify", url, "--vkey", vkey, "--key", str(path)]) == 2
    assert "no token" in capsys.readouterr().err


def test_the_token_has_the_scope_of_the_log_only(world: World, tmp_path: Path) -> None:
    """An auditor's token opens no door to anybody's data."""
    key_file(world, tmp_path)
    url = str(world.client.base_url)
    with httpx.Client() as client:
        token = Credentials(client, url, world.keys[UNIT])()
    headers = {"authorization": f"Bearer {token}"}
    assert world.client.get("/log/checkpoint", headers=headers).status_code == 200
    assert world.client.get("/v1/consents", headers=headers).status_code == 403
