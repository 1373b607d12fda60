"""A broker whose custodian is another process: it works, it waits, and kill -9 loses and hides nothing."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from audit.cli import main as audit_cli
from broker.cli import main as broker_cli
from broker.demo.people import EMIL, NAV, SCHOOL
from broker.demo.processes import Child
from keys import parting
from keys.cli import main as custodian_cli
from keys.keyring import LocalCustodian
from keys.parts import now
from keys.releases import ReleaseLog
from keys.warrants import Warranted
from tests.custodians import short_directory
from tests.processes import CHEAP, Serving, Site, serving, settle, site, wait_until
from tillit import Actor, TillitError
from tillit.releases import Chain, Release, Start

KILLS = 5
ASKERS = 2
ACTOR = Actor(id="a1", role="veileder")
LARVIK = "ungdomsutvalget-larvik"
HOUR = timedelta(hours=1)
FIELD = "education.attendance.rate"


@dataclass
class Apart(Site):
    """A site whose custodian listens on a socket of its own, with a keyring of its own."""

    home: Path = field(default_factory=Path)

    @property
    def environment(self) -> dict[str, str]:
        """The broker's settings."""
        return super().environment | {
            "TILLIT_KEYRING_DIR": str(self.directory / "broker-keys"),
            "TILLIT_CUSTODIAN": str(self.home / "socket"),
        }

    def custodian(self) -> Child:
        """Start the custodian's process, and wait until it answers."""
        log = self.directory / "custodian.log"
        arguments = ["keys", *self.custodians_arguments()]
        child = Child("custodian", arguments, log=log, directory=self.directory, environment={})
        wait_until(self.custodian_answers, alive=lambda: not child.ended(), log=log)
        return child

    def custodians_arguments(self) -> list[str]:
        """How ``tillit-custodian`` is started."""
        arguments = ["serve", "--keyring", str(self.keyring), "--passphrase-file"]
        arguments += [str(self.directory / "passphrase"), "--socket", str(self.home / "socket")]
        return [*arguments, "--releases-burst", "1000000"]

    def custodian_answers(self) -> bool:
        """Whether the custodian does."""
        transport = httpx.HTTPTransport(uds=str(self.home / "socket"))
        with httpx.Client(transport=transport, timeout=2) as client:
            return client.post("http://custodian/public_jwk", json={}).is_success

    def released(self) -> list[Release]:
        """The custodian's own log, read as an auditor reads it."""
        chain, found = Chain(), list[Release]()

        def seen(line: Release | Start) -> None:
            if isinstance(line, Release):
                found.append(line)

        for path in sorted((self.keyring / "releases").glob("*.jsonl")):
            chain.follow(path.read_bytes(), seen)
        return found


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Apart]:
    """An installation that was one process, parted."""
    with parted(site(tmp_path / "site")) as made:
        yield made


@contextmanager
def parted(whole: Site) -> Iterator[Apart]:
    """The site with its custodian's keys moved into a keyring and behind a socket of their own."""
    secret = (whole.directory / "passphrase").read_bytes()
    (whole.directory / "passphrase").chmod(0o600)
    parting.part(
        whole.keyring,
        lambda: secret,
        broker=whole.directory / "broker-keys",
        broker_protection=secret,
        cost=CHEAP,
    )
    with short_directory() as home:
        yield Apart(whole.directory, whole.database_url, whole.issuer_url, whole.people, home=home)


@contextmanager
def prepared(apart: Apart) -> Iterator[tuple[Serving, Callable[[str], str]]]:
    """A broker, a value and a yes; gives what asks for it once, under a key, and gives the disclosure's id."""
    with serving(apart) as broker, apart.client(SCHOOL, retries=4) as school:
        pupil = school.subject(national_id=EMIL.national_id)
        now = datetime.now(UTC)
        school.deposit(
            pupil, {FIELD: 0.62}, observed_at=now, basis="measured", author_role="laerer"
        )
        with apart.client(NAV) as nav:
            emil = nav.subject(national_id=EMIL.national_id)
            asked = nav.request_consent(
                emil,
                services=[NAV, SCHOOL],
                purposes=["coordination"],
                categories=["education"],
                collaboration=LARVIK,
                actor=ACTOR,
            )
            browser = apart.browser(EMIL.national_id)
            seen = browser.consent(asked.id)
            browser.answer(seen, {grant.id: "yes" for grant in seen.grants})
            browser.close()

            def ask(key: str) -> str:
                answer = nav.ask(
                    emil,
                    [FIELD],
                    purpose="coordination",
                    collaboration=LARVIK,
                    actor=ACTOR,
                    idempotency_key=key,
                )
                assert answer.values[FIELD].value == 0.62
                return str(answer.id)

            yield broker, ask


def logged(apart: Apart) -> set[bytes]:
    """The leaves of every disclosure in the transparency log."""
    engine = create_engine(apart.database_url)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT leaf_hash FROM log_entry WHERE type = 'disclosure'")
        ).scalars()
        found = {bytes(row) for row in rows}
    engine.dispose()
    return found


def leaf_of(apart: Apart, disclosure: str) -> bytes:
    """The leaf that a disclosure stands on."""
    engine = create_engine(apart.database_url)
    query = text("SELECT leaf_hash FROM disclosure WHERE id = :id")
    with engine.connect() as connection:
        found = bytes(connection.execute(query, {"id": disclosure}).scalar_one())
    engine.dispose()
    return found


def reconciled(apart: Apart, capsys: pytest.CaptureFixture[str]) -> None:
    """Both logs hold, one against the other, until a dishonest broker has a key released."""
    capsys.readouterr()
    own = ["--keyring", str(apart.keyring), "--passphrase-file"]
    own += [str(apart.directory / "passphrase")]
    key, copy = apart.directory / "nav.jwk", apart.directory / "copy"
    apart.keys[NAV].save(key)
    with apart.client(NAV) as nav:
        vkey = nav.trust().log
    assert custodian_cli(["keys", *own]) == 0
    releases_vkey = json.loads(capsys.readouterr().out)["releases"]

    def look(*more: str) -> tuple[int, str]:
        assert custodian_cli(["export", *own, str(copy)]) == 0
        capsys.readouterr()
        given = ["--vkey", vkey, "--releases", str(copy), "--releases-vkey", releases_vkey]
        code = audit_cli(["reconcile", apart.issuer_url, "--key", str(key), *given, *more])
        said = capsys.readouterr()
        return code, said.out + said.err

    settle(apart)
    heads = [str(apart.directory / name) for name in ("log.head", "releases.head")]
    code, said = look("--save", heads[0], "--releases-save", heads[1])
    assert (code, "2 releases, on 2 entries of the log" in said) == (0, True)
    assert "Holds: no key was released without its entry" in said
    code, said = look("--json", "--since", heads[0], "--releases-since", heads[1])
    assert (code, json.loads(said)["ok"], json.loads(said)["unreleased"]) == (0, True, 0)
    code, said = look("--releases", str(apart.directory))
    assert (code, "could not check" in said) == (2, True)
    secret = (apart.directory / "passphrase").read_bytes()
    own_signer = LocalCustodian(apart.keyring, lambda: secret)._open().signer
    log = ReleaseLog(apart.keyring / "releases", signer=own_signer, clock=lambda: now() - HOUR)
    log.append(Warranted(b"l" * 32, b"m" * 32, "nav-larvik"), kid=apart.keys[NAV].enc_kid, count=1)
    log.close()
    code, said = look()
    assert (code, "WRONG unlogged: release 3" in said) == (1, True)
    assert look("--json")[0] == 1


def test_a_broker_waits_for_its_custodian_and_goes_on(
    apart: Apart, capsys: pytest.CaptureFixture[str]
) -> None:
    """Away is 503 and said in readiness; what was recorded meanwhile is handed out afterwards."""
    custodian = apart.custodian()
    try:
        with prepared(apart) as (broker, ask):
            first = ask("before-it-went")
            custodian.stop()
            with pytest.raises(TillitError) as caught:
                ask("while-it-is-away")
            assert caught.value.code == "custodian.unavailable"
            ready = httpx.get(f"{broker.url}/readyz")
            assert (ready.status_code, ready.json()["parts"]["custodian"]) == (503, "down")
            custodian = apart.custodian()
            assert httpx.get(f"{broker.url}/readyz").is_success
            second = ask("while-it-is-away")
            assert {release.leaf_hash for release in apart.released()} == {
                leaf_of(apart, first),
                leaf_of(apart, second),
            }
            reconciled(apart, capsys)
    finally:
        custodian.stop()


@pytest.mark.slow
def test_a_custodian_killed_under_asks_loses_and_hides_nothing(apart: Apart) -> None:
    """Kill -9 at any moment: every answer's release is written down, each on an entry, once it is answered."""
    answered: dict[str, str] = {}
    refused: list[str] = []
    stop = threading.Event()
    custodian = apart.custodian()
    try:
        with prepared(apart) as (_, ask):

            def keep_asking(name: str) -> None:
                number = 0
                while not stop.is_set():
                    key = f"{name}-{number}-of-this-test"
                    try:
                        answered[key] = ask(key)
                    except TillitError as error:
                        refused.append(error.code)
                        time.sleep(0.02)
                    else:
                        number += 1

            askers = [
                threading.Thread(target=keep_asking, args=(f"asker{at}",)) for at in range(ASKERS)
            ]
            for asker in askers:
                asker.start()
            for turn in range(KILLS):
                time.sleep(0.3 + 0.07 * turn)
                custodian.process.kill()
                custodian.process.wait(10)
                time.sleep(0.1)
                before = len(answered)
                custodian = apart.custodian()
                until = time.monotonic() + 20
                while len(answered) == before and time.monotonic() < until:
                    time.sleep(0.01)
                assert len(answered) > before, "the broker did not go on"
            stop.set()
            for asker in askers:
                asker.join(30)
    finally:
        stop.set()
        custodian.stop()
    assert set(refused) == {"custodian.unavailable"}
    leaves = [release.leaf_hash for release in apart.released()]
    assert set(leaves) <= logged(apart)
    assert {leaf_of(apart, identity) for identity in answered.values()} <= set(leaves)
    assert len(set(answered.values())) == len(answered)


def test_a_keyring_that_holds_both_is_not_served_beside_a_custodian(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Set up apart, the broker's own keyring is its own; ``init`` makes it so, and ``keys`` says what to trust."""
    whole = site(tmp_path / "site")
    for name, value in whole.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TILLIT_CUSTODIAN", str(tmp_path / "socket"))
    assert broker_cli(["serve"]) == 2
    assert "tillit-custodian part" in capsys.readouterr().err
    monkeypatch.setenv("TILLIT_KEYRING_DIR", str(tmp_path / "own"))
    assert broker_cli(["init"]) == 0
    capsys.readouterr()
    assert broker_cli(["keys"]) == 0
    said = capsys.readouterr()
    assert '"custodian": null' in said.out
    assert "custodian.unreachable" in said.err
    assert len(parting.issuers_from(said.out.encode())) == 1
    assert broker_cli(["keys", "list"]) == 0
    assert "does not answer" in capsys.readouterr().out
