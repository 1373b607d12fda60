"""What time does to the log's contents, on both databases: months to come get keys, months that are over lose them."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from audit.entries import Entry
from audit.errors import NoLogKeys
from audit.retention import Rules
from audit.storage import log_content
from broker import change
from broker.compose import keeper
from broker.domain.ids import UnitId
from broker.engine import bundle
from broker.errors import CustodianDown, DisclosureGone
from broker.store.sql import SqlStore
from broker.usecases import asks, me, refusals, retention
from broker.usecases.retention import Kept, keep
from keys.errors import EpochEnded
from tests.house import EMIL, PASSPHRASE, House, build
from tests.integration.entries import entries_about
from tests.integration.test_broker_cli import run

NAV, SCHOOL = "nav-larvik", "thor-heyerdahl-vgs"
RATE = "education.attendance.rate"
CLASSES, MONTHS = 4, 3


def asked(house: House) -> None:
    """A check and a disclosure: the one is kept for two years, the other for five."""
    ask = house.ask(NAV, EMIL, RATE)
    asks.check(ask, call=house.call(NAV), ports=house.ports)
    house.disclose(ask, NAV)


def shown(house: House) -> list[str]:
    """The receipts that the youth is shown."""
    person = house.hashed(EMIL)
    page = me.disclosures(person=person, before=None, limit=50, language="nb", ports=house.ports)
    return [one.receipt for one in page.disclosures]


def come_to(house: House, year: int, month: int, day: int = 1) -> None:
    """Let the clock come to a day."""
    house.clock.at = datetime(year, month, day, tzinfo=UTC)


def test_months_to_come_have_their_keys(house: House) -> None:
    """Once; so that a custodian that is away over the turn of the month stops no entry."""
    assert keep(ports=house.ports) == Kept(log_months_made=CLASSES * MONTHS)
    assert keep(ports=house.ports) == Kept()
    come_to(house, 2026, 12)
    assert keep(ports=house.ports) == Kept(log_months_made=CLASSES)


def test_the_log_is_written_while_the_custodian_is_away(house: House, tmp_path: Path) -> None:
    """Into the next month too: why nothing could be done is said there."""
    keep(ports=house.ports)
    keyring = tmp_path / "keyring"
    keyring.rename(tmp_path / "away")
    come_to(house, 2027, 1, 31)
    refusals.record(UnitId(NAV), route="POST /v1/checks", code="x.y", ports=house.ports)
    with pytest.raises(CustodianDown):
        house.handle(NAV, EMIL)
    come_to(house, 2027, 2, 1)
    with pytest.raises(CustodianDown):
        keep(ports=house.ports)
    (tmp_path / "away").rename(keyring)
    assert len(entries_about(house, "request.refused")) == 1


def test_contents_go_with_their_time_and_no_sooner(house: House) -> None:
    """By class: what was refused or only asked goes after two years, what was shared after five; each end is an entry."""
    asked(house)
    come_to(house, 2028, 11, 30)
    assert keep(ports=house.ports).log_months_ended == 0
    assert len(entries_about(house, "check")) == 1
    come_to(house, 2028, 12, 1)
    done = keep(ports=house.ports)
    # The handle that was made known, the check.
    assert (done.log_months_ended, done.contents_erased) == (1, 2)
    assert entries_about(house, "check") == []
    assert len(entries_about(house, "disclosure")) == 1
    assert entries_about(house, "retention.ended") == [{"contents": 2, "epoch": "traffic-2026-11"}]
    with pytest.raises(EpochEnded):
        house.ports.custodian.log_epoch_key(epoch="traffic-2026-11")
    assert keep(ports=house.ports) == Kept()
    come_to(house, 2031, 12, 1)
    keep(ports=house.ports)
    assert entries_about(house, "disclosure") == []
    ended = [each["epoch"] for each in entries_about(house, "retention.ended")]
    assert ended[:2] == ["traffic-2026-11", "sharing-2026-11"]


def test_receipts_go_with_their_time(house: House) -> None:
    """They say what their entries say: whoever was handed one has it, the broker no longer."""
    house.deposit(SCHOOL, EMIL, {RATE: 0.62})
    house.answer(house.request(NAV, EMIL), EMIL)
    ask = house.ask(NAV, EMIL, RATE)
    key = "idempotency-key-of-this-test"
    given = house.disclose(ask, NAV, key=key)
    assert house.disclose(ask, NAV, key=key).receipt == given.receipt
    assert shown(house) == [given.receipt]
    come_to(house, 2031, 12)
    keep(ports=house.ports)
    assert shown(house) == []
    with pytest.raises(DisclosureGone):
        house.disclose(ask, NAV, key=key)


def test_a_receipt_that_was_altered_is_shown_to_nobody(house: House) -> None:
    """Nor one of another disclosure."""
    asked(house)
    assert len(shown(house)) == 1
    with house.store.engine.begin() as connection:
        connection.execute(text("UPDATE disclosure SET leaf_hash = :other"), {"other": bytes(32)})
    assert shown(house) == []


def test_receipts_that_the_release_before_left_in_clear_are_sealed(house: House) -> None:
    """And are handed out as they were."""
    asked(house)
    (receipt,) = shown(house)
    with house.store.engine.begin() as connection:
        clear = (
            "UPDATE disclosure SET receipt = :receipt, receipt_volume = NULL, receipt_sealed = NULL"
        )
        connection.execute(text(clear), {"receipt": receipt})
    assert shown(house) == [receipt]
    assert keep(ports=house.ports, chunk=1).contents_sealed == 1
    with house.store.engine.connect() as connection:
        assert connection.execute(text("SELECT receipt FROM disclosure")).scalars().all() == [""]
    assert shown(house) == [receipt]


def test_many_contents_go_in_pieces(house: House) -> None:
    """No transaction holds the writers up for long."""
    with house.store.write() as tx:
        for n in range(5):
            tx.append(Entry("check", house.clock(), {"n": n}))
    come_to(house, 2029, 1)
    assert keep(ports=house.ports, chunk=2).contents_erased == 5


def test_a_run_that_was_stopped_is_taken_up_again(house: House) -> None:
    """The key may be destroyed already, the rows half gone: the end is written when all is done."""
    asked(house)
    come_to(house, 2029, 1)
    assert keep(ports=house.ports, stopped=lambda: True).log_months_ended == 0
    house.ports.custodian.end_log_epoch(epoch="traffic-2026-11")
    assert entries_about(house, "retention.ended") == []
    assert keep(ports=house.ports).log_months_ended == 1
    assert len(entries_about(house, "retention.ended")) == 1


def test_a_month_that_another_process_ended_is_entered_once(house: House) -> None:
    """Two replicas tick at the same moment."""
    asked(house)
    come_to(house, 2029, 1)

    with house.store.write() as tx:
        assert tx.end_log_epoch("traffic-2026-11")
    assert retention._end("traffic-2026-11", now=house.clock(), chunk=9, ports=house.ports) == 2
    assert entries_about(house, "retention.ended") == []


def test_a_month_that_is_over_before_it_began_gets_no_key(house: House) -> None:
    """Its key was destroyed by another operator's hand: nothing written in it is kept, and it is not made again."""
    house.ports.custodian.end_log_epoch(epoch="traffic-2026-12")
    keep(ports=house.ports)
    with house.store.read() as tx:
        epochs = tx.log_epochs()
    assert (epochs["traffic-2026-12"], epochs["traffic-2026-11"]) == (False, True)


def test_shorter_rules_end_what_they_say(house: House) -> None:
    """A release that keeps less lets go of more, at its first run."""
    asked(house)
    come_to(house, 2027, 2)
    short = Rules({"traffic": 1, "sharing": 60, "answers": 60, "operation": 120}, {}, "sharing")
    assert keep(ports=house.ports, kept=short).log_months_ended == 1
    assert entries_about(house, "check") == []


def test_what_the_release_before_left_in_clear_is_sealed(house: House) -> None:
    """Nothing lies in clear for longer than a minute after the start."""
    with house.store.write() as tx:
        subject = tx.append(Entry("subject.known", house.clock(), {"n": 0})).leaf_hash
    with house.store.engine.begin() as connection:
        connection.execute(text("DELETE FROM log_sealed"))
        row = {"leaf_hash": subject, "subject": None, "salt": bytes(32), "content": "{}"}
        connection.execute(insert(log_content).values(row))
    assert keep(ports=house.ports).contents_sealed == 1
    with house.store.read() as tx:
        assert tx.how_many_unsealed() == 0
    assert keep(ports=house.ports).contents_sealed == 0


# --- beside the requests, and by the operator's hand


@pytest.fixture
def alone(tmp_path: Path) -> House:
    """A house on SQLite."""
    return build(tmp_path)


def working(
    work: Callable[[threading.Event], None], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Let it work in a thread of its own until it has said something."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    for _ in range(1000):
        if any(said in message for message in caplog.messages):
            break
        time.sleep(0.01)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert any(said in message for message in caplog.messages)


def test_the_server_keeps_at_once_and_waits_for_what_is_away(
    alone: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A minute in which the keyring is away is passed by; it says what it did, with numbers only."""
    caplog.set_level("INFO", "tillit.broker")
    keyring = tmp_path / "keyring"
    keyring.rename(tmp_path / "away")
    work = keeper(lambda: alone.ports, every=0.01)
    working(work, "retention: custodian.unavailable", caplog)
    (tmp_path / "away").rename(keyring)
    working(work, "log_months_made=12", caplog)
    alone.store.close()


def test_the_operator_keeps_by_hand(alone: House, tmp_path: Path) -> None:
    """With the other things that time does."""
    change.adopt(alone.store, bundle.load(), at=alone.clock())
    told = run(
        tmp_path,
        "tick",
        database_url=f"sqlite:///{tmp_path}/tillit.db",
        keyring_dir=f"{tmp_path}/keyring",
        passphrase=PASSPHRASE.decode(),
    )
    assert told.returncode == 0, told.stderr
    assert "contents sealed: 0" in told.stdout
    alone.store.close()


def test_a_store_without_log_keys_writes_no_entry(alone: House) -> None:
    """No content is written that nobody could ever open, and none in clear."""
    bare = SqlStore(str(alone.store.engine.url), origin="tillit.test/log")
    with pytest.raises(NoLogKeys):
        refusals.record(
            UnitId(NAV), route="GET /", code="x.y", ports=replace(alone.ports, store=bare)
        )
    bare.close()
    alone.store.close()
