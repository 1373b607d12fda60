"""``tillit-audit`` on the command line.

Over HTTP, on a mirror without the network, and when it cannot check.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, update

from audit import cli, files, mirror
from audit.commands.saying import Lines
from audit.errors import ResourceMissing, SourceUnavailable
from audit.sources import DirectorySource, HttpSource
from audit.storage import log_checkpoint, log_entry, log_tile
from tests.logs import ORIGIN, Log, opened, served
from tillit.keys import ServiceKey

SIZE = 300


@pytest.fixture
def log(sqlite_url: str) -> Iterator[Log]:
    """A log of a little more than one tile."""
    with opened(sqlite_url) as log:
        log.grow(SIZE)
        yield log


@pytest.fixture
def url(log: Log) -> Iterator[str]:
    """The same log over HTTP."""
    with served(log) as url:
        yield url


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    code = cli.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_verify_over_http(log: Log, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Says what it saw, in words."""
    code, out, err = run(capsys, "verify", url, "--vkey", log.vkey)
    assert (code, err) == (0, "")
    assert f"{ORIGIN}: {SIZE} entries, root {log.checkpoint().root.hex()}" in out
    assert f"{SIZE} disclosure.released" in out
    assert "Holds: every entry is in the tree" in out


def test_verify_in_json(log: Log, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The same for machines."""
    code, out, _ = run(capsys, "verify", url, "--vkey", log.vkey, "--json")
    head = log.checkpoint()
    assert head.at is not None
    assert (code, json.loads(out)) == (
        0,
        {
            "ok": True,
            "origin": ORIGIN,
            "size": SIZE,
            "root": head.root.hex(),
            "at": head.at.isoformat(),
            "since": None,
            "checked": SIZE,
            "types": {"disclosure.released": SIZE},
            "findings": [],
            "more": 0,
        },
    )


def test_visits_build_on_each_other(
    log: Log, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--save keeps a checkpoint, --since holds the log to it, and a wrong log is not saved."""
    vkey, saved = tmp_path / "vkey", tmp_path / "kept" / "checkpoint"
    vkey.write_text(f"{log.vkey}\n")
    assert run(capsys, "verify", url, "--vkey", vkey, "--save", saved)[0] == 0
    first = saved.read_text()
    assert first == log.checkpoint().note
    log.grow(2)
    code, out, _ = run(capsys, "verify", url, "--vkey", vkey, "--since", saved, "--save", saved)
    assert code == 0
    assert f"continues the log of {SIZE} entries" in out
    second = saved.read_text()
    assert second == log.checkpoint().note
    log.run(update(log_checkpoint).values(note=first))
    code, out, _ = run(capsys, "verify", url, "--vkey", vkey, "--since", saved, "--save", saved)
    assert code == 1
    assert f"WRONG truncated at entry {SIZE}" in out
    assert saved.read_text() == second


def test_a_wrong_log_is_told_in_full(
    log: Log, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, each finding with its place, and the rest counted."""
    log.run(update(log_entry).values(commitment=bytes(32)))
    code, out, _ = run(capsys, "verify", url, "--vkey", log.vkey)
    assert code == 1
    assert "WRONG altered at entry 7: the entry is not the one in the tree" in out
    assert "and 202 more" in out
    code, out, _ = run(capsys, "verify", url, "--vkey", log.vkey, "--json")
    answer = json.loads(out)
    assert (code, answer["ok"], answer["more"]) == (1, False, 202)
    assert answer["findings"][7]["index"] == 7


def test_a_mirror_is_verified_without_the_network(
    log: Log, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Copied, brought up to date, checked with the public key only."""
    home = tmp_path / "mirror"
    code, out, _ = run(capsys, "mirror", url, home, "--vkey", log.vkey)
    assert (code, out) == (0, f"{home} holds {ORIGIN} up to entry {SIZE}.\n")
    whole = home / "tile" / "0" / "000"
    copied = whole.stat().st_mtime_ns
    log.grow(300)
    code, out, _ = run(capsys, "mirror", url, home, "--json")
    assert (code, json.loads(out)) == (0, {"ok": True, "origin": ORIGIN, "size": 600})
    assert whole.stat().st_mtime_ns == copied
    code, out, _ = run(capsys, "verify", home, "--vkey", log.vkey)
    assert code == 0
    assert "600 entries" in out
    whole.write_bytes(bytes(8192))
    assert run(capsys, "verify", home, "--vkey", log.vkey)[0] == 1


def test_a_mirror_is_not_shortened(
    log: Log, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The copy is evidence: a shorter log or another one does not replace it."""
    home = tmp_path / "mirror"
    first = log.checkpoint().note
    log.grow(1)
    assert run(capsys, "mirror", url, home)[0] == 0
    kept = (home / "checkpoint").read_bytes()
    log.run(update(log_checkpoint).values(note=first))
    code, out, err = run(capsys, "mirror", url, home, "--json")
    assert (code, json.loads(out)["ok"]) == (1, False)
    assert "the log had 301 entries and has 300" in err
    (home / "checkpoint").write_text(first.replace(ORIGIN, "log.example/oslo"))
    assert "another log" in run(capsys, "mirror", url, home)[2]
    (home / "checkpoint").write_bytes(kept)
    assert run(capsys, "verify", home, "--vkey", log.vkey)[0] == 0


def test_a_mirror_of_a_wrong_log_says_so(
    log: Log, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad signature, or a tile that is not there: wrong, and no checkpoint is written."""
    home = tmp_path / "mirror"
    log.run(delete(log_tile).where(log_tile.c.level == 1))
    code, _, err = run(capsys, "mirror", url, home)
    assert (code, err) == (1, "wrong: audit.resource_missing: tile/1/000.p/1\n")
    assert not (home / "checkpoint").exists()
    stranger = Log(log.engine)
    code, _, err = run(capsys, "mirror", url, home, "--vkey", stranger.vkey)
    assert (code, err.startswith("wrong: verification.note_invalid")) == (1, True)


def test_a_token_is_sent_and_asked_for(
    log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log behind a token: with it it is checked, without it it could not be."""
    file = tmp_path / "token"
    file.write_text("abc.def\n")
    with served(log, token="abc.def") as url:
        vkey = str(log.vkey)
        assert run(capsys, "verify", url, "--vkey", vkey, "--token-file", file)[0] == 0
        code, _, err = run(capsys, "verify", url, "--vkey", vkey)
        assert (code, "HTTP 401" in err) == (2, True)
        file.write_text("abc.ghi\n")
        assert run(capsys, "verify", url, "--vkey", vkey, "--token-file", file)[0] == 2


def test_a_busy_broker_is_asked_again(log: Log) -> None:
    """Twice 503 is not a finding, and neither is 503 for ever: that is unknown."""
    with served(log, busy=2) as url, httpx.Client() as client:
        assert HttpSource(client, url).get("checkpoint", limit=4096)
    with (
        served(log, busy=99) as url,
        httpx.Client() as client,
        pytest.raises(SourceUnavailable, match="HTTP 503"),
    ):
        HttpSource(client, url).get("checkpoint", limit=4096)


def test_sources_read_no_more_than_they_may(log: Log, url: str, tmp_path: Path) -> None:
    """A resource without end fills no memory."""
    home = log.export(tmp_path / "served")
    with httpx.Client() as client:
        for source in (HttpSource(client, url), DirectorySource(home)):
            assert len(source.get("tile/0/000", limit=100)) == 101
            assert len(source.get("tile/0/000", limit=8192)) == 8192
            with pytest.raises(ResourceMissing):
                source.get("tile/7/000", limit=1)


def test_a_copy_may_be_made_in_silence(url: str, tmp_path: Path) -> None:
    """Programs call it too: nothing needs to listen to its progress."""
    with httpx.Client() as client:
        assert mirror.mirror(HttpSource(client, url), tmp_path / "mirror").size == SIZE


def test_directories_that_cannot_be_read(tmp_path: Path, log: Log) -> None:
    """Nothing is known then, good or bad."""
    with pytest.raises(SourceUnavailable):
        DirectorySource(tmp_path / "nowhere")
    home = log.export(tmp_path / "served")
    with pytest.raises(SourceUnavailable):
        DirectorySource(home).get("x" * 5000, limit=1)
    with pytest.raises(ResourceMissing):
        DirectorySource(home).get("tile", limit=1)
    with pytest.raises(SourceUnavailable, match="cannot be written"):
        files.write(home / "checkpoint" / "below", b"")


def unchecked(log: Log, tmp_path: Path) -> Iterator[tuple[Sequence[object], str]]:
    """Command lines that check nothing, and what is said of each."""
    garbage, empty, key = tmp_path / "garbage", tmp_path / "empty", tmp_path / "key"
    garbage.write_bytes(b"\xff\0garbage")
    empty.mkdir()
    ServiceKey.generate("nav-larvik").save(key)
    vkey, closed = str(log.vkey), "http://127.0.0.1:9"
    yield (("verify", empty, "--vkey", vkey), "no checkpoint")
    yield (("verify", tmp_path / "nowhere", "--vkey", vkey), "no such directory")
    yield (("verify", empty, "--vkey", garbage), "--vkey")
    yield (("verify", empty, "--vkey", tmp_path / "nowhere"), "No such file")
    yield (("verify", empty, "--vkey", "a+b+c"), "not a vkey")
    yield (("verify", empty, "--vkey", vkey, "--since", garbage), "--since")
    yield (("verify", empty, "--vkey", vkey, "--since", tmp_path / "nowhere"), "No such file")
    yield (("verify", closed, "--vkey", vkey), "ConnectError")
    yield (("verify", "http://192.0.2.1", "--vkey", vkey), "plain http")
    yield (("verify", "ftp://127.0.0.1", "--vkey", vkey), "https://")
    yield (("mirror", tmp_path / "nowhere", empty), "no such directory")
    yield (("verify", closed, "--vkey", vkey, "--key", garbage), "service key")
    yield (("verify", closed, "--vkey", vkey, "--key", key, "--client", "x"), "not that unit's")
    yield (("verify", closed, "--vkey", vkey, "--token-file", tmp_path / "no"), "No such file")


def test_what_could_not_be_checked_is_neither_good_nor_bad(
    log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, a reason on standard error, null in JSON."""
    for arguments, why in unchecked(log, tmp_path):
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (2, ""), arguments
        assert err.startswith("could not check: "), arguments
        assert why in err, (arguments, err)
        code, out, _ = run(capsys, *arguments, "--json")
        assert (code, json.loads(out)["ok"]) == (2, None)


def test_a_broker_that_gives_no_token(
    log: Log, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key is of no use where nobody knows it: that says nothing about the log."""
    key = tmp_path / "key"
    ServiceKey.generate("nav-larvik").save(key)
    with served(log, token="abc") as closed:
        code, _, err = run(capsys, "verify", closed, "--vkey", log.vkey, "--key", key)
    assert (code, "no token" in err) == (2, True)
    # Where none is asked for, none is fetched.
    assert run(capsys, "verify", url, "--vkey", log.vkey, "--key", key)[0] == 0


def command(*arguments: object, **more: Any) -> "subprocess.CompletedProcess[str]":
    """The command as its own process."""
    return subprocess.run(
        [sys.executable, "-m", "audit.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **more,
    )


def test_exit_codes_reach_the_shell(log: Log, tmp_path: Path) -> None:
    """What scripts and cron jobs act on."""
    home = log.export(tmp_path / "served")
    assert command("verify", home, "--vkey", log.vkey).returncode == 0
    (home / "tile" / "0" / "000").write_bytes(bytes(8192))
    assert command("verify", home, "--vkey", log.vkey).returncode == 1
    assert command("verify", home).returncode == 2
    assert command().returncode == 2


def test_progress_is_shown_on_a_terminal(log: Log, tmp_path: Path) -> None:
    """A bar where somebody looks; the answer alone on standard output."""
    home = log.export(tmp_path / "served")
    seen = command(
        "verify", home, "--vkey", log.vkey, env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": "80"}
    )
    assert "300/300" in seen.stderr
    assert seen.stdout.startswith(ORIGIN)


def test_lines_are_said_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """Not at once, and not for every tile."""
    quiet, talking = Lines("tiles", after=60), Lines("tiles", after=0, every=60)
    for done in range(3):
        quiet(done, 3)
        talking(done, 3)
    assert capsys.readouterr().err == "0 of 3 tiles\n"
