"""Ticking beside the requests, and by the operator's hand."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from broker import change
from broker.channels.folder import Folder
from broker.compose import NoRegister, ticker, watcher
from broker.domain.accesses import SignalQuery
from broker.domain.ids import ConsentId
from broker.engine import bundle
from broker.ports import Ports
from broker.usecases import contacting, me, sending
from keys.keyring import LocalCustodian
from tests.house import EMIL, PASSPHRASE, House, build
from tests.integration.test_broker_cli import run
from tillit.wire import ContactConfirmation, ContactRequest

Job = Callable[[threading.Event], None]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A fresh broker in this process, on SQLite: what is tested here is not the store."""
    built = build(tmp_path)
    yield built
    built.store.close()


def watching(ports: Ports, *, every: float) -> Job:
    """The watcher on ports that stay as they are."""
    return watcher(lambda: ports, every=every)


@contextmanager
def ticking(ports: Ports, *, at: Callable[..., Job] = ticker) -> Iterator[threading.Thread]:
    """A ticker, or another, at work in a thread of its own."""
    stop = threading.Event()
    thread = threading.Thread(target=at(ports, every=0.01), args=(stop,))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def until(what: str, caplog: pytest.LogCaptureFixture) -> None:
    """Wait for a line of the server's own log."""
    for _ in range(500):
        if any(what in message for message in caplog.messages):
            return
        time.sleep(0.01)
    pytest.fail(f"never said: {what}")


def test_the_server_ends_what_is_over(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Without anybody's doing; and it says what it did, with numbers only."""
    caplog.set_level("INFO", "tillit.broker")
    view = house.request("nav-larvik", EMIL)
    house.clock.step(days=182)
    with ticking(house.ports):
        until("expired=1", caplog)
    shown = me.consent(ConsentId(view.id), person=house.hashed(EMIL), ports=house.ports)
    assert shown.state == "expired"
    assert view.id not in caplog.text


def test_a_store_that_goes_away_is_waited_for(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A tick that finds nothing to read is passed by; the next one does what is due."""
    caplog.set_level("INFO", "tillit.broker")
    house.request("nav-larvik", EMIL)
    house.clock.step(days=182)
    with house.store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE consent RENAME TO gone"))
    with ticking(house.ports):
        until("store.unavailable", caplog)
        with house.store.engine.begin() as connection:
            connection.execute(text("ALTER TABLE gone RENAME TO consent"))
        until("expired=1", caplog)


def test_a_server_without_a_register_says_what_it_cannot(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, when it starts; the rest of its work goes on."""
    caplog.set_level("INFO", "tillit.broker")
    house.request("nav-larvik", EMIL)
    with ticking(replace(house.ports, register=NoRegister())):
        until("birthdays cannot be looked at", caplog)
        until("postponed=1", caplog)


def test_the_operator_ticks_by_hand(house: House, tmp_path: Path) -> None:
    """What is over ends; without a register the command says what it could not look at."""
    house.clock.at = datetime(2026, 1, 1, tzinfo=UTC)
    change.adopt(house.store, bundle.load(), at=house.clock.at)
    house.request("nav-larvik", EMIL, valid_days=1)
    house.request("ot-vestfold", EMIL, services=["ot-vestfold", "nav-larvik"], valid_days=364)
    own = {
        "database_url": f"sqlite:///{tmp_path}/tillit.db",
        "keyring_dir": f"{tmp_path}/keyring",
        "passphrase": PASSPHRASE.decode(),
    }
    told = run(tmp_path, "tick", **own)
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[0] == "expired: 1"
    assert "postponed: 1" in told.stdout
    assert "birthdays cannot be looked at" in told.stderr
    again = run(tmp_path, "tick", register_file=f"{tmp_path}/register.json", **own)
    assert again.stdout.splitlines()[0] == "expired: 0"
    assert "birthdays" not in again.stderr


def test_a_tick_by_hand_tells_who_gave_an_address(house: House, tmp_path: Path) -> None:
    """It sends as the server does, and says how many; never to whom."""
    house.clock.at = datetime(2026, 1, 1, tzinfo=UTC)
    change.adopt(house.store, bundle.load(), at=house.clock.at)
    folder = tmp_path / "mail"
    ports = replace(house.ports, messengers={"email": Folder(folder)})
    house.handle("nav-larvik", EMIL)
    to = ContactRequest(channel="email", address="emil.canary@example.no")
    contacting.ask(to, call=house.person(EMIL), ports=ports)
    sending.send(ports=ports)
    (code,) = re.findall(r"\b[0-9]{6}\b", next(folder.iterdir()).read_text())
    said = ContactConfirmation(code=code)
    contacting.confirm(said, call=house.person(EMIL), ports=ports)
    house.request("nav-larvik", EMIL, valid_days=180)
    own = {
        "database_url": f"sqlite:///{tmp_path}/tillit.db",
        "keyring_dir": f"{tmp_path}/keyring",
        "passphrase": PASSPHRASE.decode(),
    }
    alone = run(tmp_path, "tick", **own)
    assert "messages told: 0" in alone.stdout
    assert "notices waiting: 1" in alone.stdout
    told = run(tmp_path, "tick", mail_dir=str(folder), **own)
    assert told.returncode == 0, told.stderr
    assert "messages told: 1" in told.stdout
    assert "notices waiting: 0" in told.stdout
    assert "emil" not in told.stdout + told.stderr
    assert len(list(folder.iterdir())) == 2


def test_a_tick_needs_what_it_stands_on(tmp_path: Path) -> None:
    """In words, and with what to do."""
    told = run(tmp_path, "tick")
    assert (told.returncode, "tillit-broker init" in told.stderr) == (2, True)


def test_a_month_is_counted_beside(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """By another thread than what consents and birthdays wait for."""
    caplog.set_level("INFO", "tillit.broker")
    house.request("nav-larvik", EMIL)
    house.sequencer.run_once()
    house.clock.step(days=20)
    with ticking(house.ports, at=watching):
        until("a month was counted", caplog)


def test_what_is_unusual_waits_for_the_custodian(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Who asked is sealed: while nothing opens nothing is passed by, and then it is looked at."""
    caplog.set_level("INFO", "tillit.broker")
    for _ in range(4):
        house.disclose(house.ask("nav-larvik", EMIL, "education.attendance.rate"), "nav-larvik")
    house.sequencer.run_once()
    house.clock.step(minutes=3)
    locked = LocalCustodian(tmp_path / "keyring", lambda: b"not this one", clock=house.clock)
    with ticking(replace(house.ports, custodian=locked), at=watching):
        until("custodian.unavailable", caplog)
    assert signals(house) == 0
    with ticking(house.ports, at=watching):
        for _ in range(500):
            if signals(house):
                break
            time.sleep(0.01)
    assert signals(house) == 1


def signals(house: House) -> int:
    """How many there are."""
    with house.store.read() as tx:
        return len(tx.signals(SignalQuery()))
