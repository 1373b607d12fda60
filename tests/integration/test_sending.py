"""Sending: what is due is told until it is, once where that can be, and what is down holds up nothing else."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from broker.channels.folder import Folder
from broker.channels.mail import MailServer
from broker.compose import sender
from broker.domain.contacts import LEASE, QUIET
from broker.errors import StoreDown
from broker.ports import Ports
from broker.usecases import contacting, me, noticing, sending, shredding
from broker.usecases.sending import Rests, Sent
from tests.house import EMIL, SARA, House, build
from tests.integration.entries import entries_about
from tests.integration.test_contacting import ADDRESS, NEWS, OTHER, asks, confirmed, removes, seen
from tests.integration.test_ticker import until
from tests.mail import Post, post
from tests.processes import free_port
from tillit.wire import ContactRequest

NAV, OT = "nav-larvik", "ot-vestfold"


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Post]:
    """A mail server."""
    with post(tmp_path) as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, there: Post) -> Iterator[House]:
    """A house on SQLite whose way out is that server; Emil and Sara have addresses."""
    built = build(tmp_path)
    house = replace(built, ports=replace(built.ports, messengers={"email": there.server}))
    for person, address in ((EMIL, ADDRESS), (SARA, OTHER)):
        house.handle(NAV, person)
        confirmed(house, there, address, person)
    there.box.taken.clear()
    yield house
    built.store.close()


def down(house: House) -> Ports:
    """The house while nobody listens where its mail goes."""
    server = house.ports.messengers["email"]
    assert isinstance(server, MailServer)
    return replace(house.ports, messengers={"email": replace(server, port=free_port())})


def ids(there: Post) -> list[str]:
    """What the messages that came are called."""
    return [mail["Message-ID"] for mail in there.box.taken]


def test_one_message_tells_of_all_that_is_due(house: House, there: Post) -> None:
    """It would say the same a second time."""
    for unit in (NAV, OT):
        house.request(unit, EMIL, services=[unit, "thor-heyerdahl-vgs", "larvikshjelpa"])
    house.request(NAV, SARA)
    assert sending.send(ports=house.ports) == Sent(told=2)
    assert (there.box.to(ADDRESS), there.box.to(OTHER)) == ([NEWS], [NEWS])
    assert [e["notices"] for e in entries_about(house, "notice.sent")] in ([2, 1], [1, 2])
    assert noticing.due(ports=house.ports) == ()


def test_after_a_message_it_is_quiet_for_a_while(house: House, there: Post) -> None:
    """A service that asks a hundred times does not fill anybody's letter box."""
    house.request(NAV, EMIL)
    sending.send(ports=house.ports)
    for service in ("barnevern-larvik", OT):
        house.request(service, EMIL, services=[service, NAV])
        assert sending.send(ports=house.ports) == Sent()
    house.clock.step(seconds=QUIET.total_seconds())
    assert sending.send(ports=house.ports) == Sent(told=1)
    assert there.box.to(ADDRESS) == [NEWS] * 2


def test_what_is_down_is_tried_again_and_nothing_is_lost(house: House, there: Post) -> None:
    """Later each time; under the same id, so that who got it after all can tell."""
    house.request(NAV, EMIL)
    assert sending.send(ports=down(house)) == Sent(postponed=1)
    assert sending.send(ports=house.ports) == Sent()
    assert [one.notice.kind for one in noticing.due(ports=house.ports)] == ["requested"]
    for minutes in (2, 3, 5):
        house.clock.step(minutes=minutes)
        assert sending.send(ports=down(house)) == Sent(postponed=1)
    house.clock.step(minutes=3)
    assert sending.send(ports=house.ports) == Sent()
    house.clock.step(minutes=7)
    assert sending.send(ports=house.ports) == Sent(told=1)
    assert there.box.to(ADDRESS) == [NEWS]
    assert noticing.due(ports=house.ports) == ()


def test_a_channel_that_is_down_is_left_alone_and_the_others_are_not(
    house: House, there: Post, tmp_path: Path
) -> None:
    """One person waits for it, not everybody in turn; who is told by another channel is told."""
    ports = replace(
        down(house), messengers=dict(down(house).messengers) | {"sms": Folder(tmp_path / "sms")}
    )
    contacting.ask(
        ContactRequest(channel="sms", address="90000000"),
        call=house.person(SARA),
        ports=ports,
    )
    rests = Rests()
    for person in (EMIL, SARA):
        house.request(NAV, person)
    assert sending.send(ports=ports, rests=rests) == Sent(postponed=1, codes=1)
    assert sending.send(ports=ports, rests=rests) == Sent()
    house.clock.step(seconds=6)
    assert sending.send(ports=ports, rests=rests) == Sent(postponed=1)
    house.clock.step(minutes=10)
    assert sending.send(ports=house.ports, rests=rests) == Sent(told=2)
    assert len(there.box.taken) == 2


def test_an_address_that_is_busy_holds_up_nobody_else(house: House, there: Post) -> None:
    """Its mailbox is full; the channel is well."""
    there.box.rcpt = lambda to: "452 4.2.2 full" if to == ADDRESS else "250 OK"
    for person in (EMIL, SARA):
        house.request(NAV, person)
    assert sending.send(ports=house.ports) == Sent(told=1, postponed=1)
    there.box.rcpt = lambda _: "250 OK"
    house.clock.step(minutes=3)
    assert sending.send(ports=house.ports) == Sent(told=1)


def test_an_address_that_is_refused_is_used_no_more(house: House, there: Post) -> None:
    """The portal says so, and tells what it would have been told; another address puts it right."""
    there.box.rcpt = lambda _: "550 5.1.1 nobody"
    house.request(NAV, EMIL)
    assert sending.send(ports=house.ports) == Sent(refused=1)
    assert sending.send(ports=house.ports) == Sent(in_portal=2)
    shown = seen(house).confirmed
    assert shown is not None
    assert shown.refused_at == house.clock.at
    assert entries_about(house, "contact.refused") == [{"channel": "email"}]
    there.box.rcpt = lambda _: "250 OK"
    confirmed(house, there, "emil.third@example.no")
    house.clock.step(minutes=30)
    house.request(OT, EMIL, services=[OT, NAV])
    assert sending.send(ports=house.ports) == Sent(told=1)


def test_a_code_is_sent_until_it_is_good_no_more(house: House, there: Post) -> None:
    """An address that was mistyped is asked for nothing else."""
    there.box.rcpt = lambda _: "450 4.2.0 later"
    asks(house, "emil.third@example.no")
    assert sending.send(ports=house.ports) == Sent(postponed=2)
    house.clock.step(minutes=31)
    there.box.rcpt = lambda _: "250 OK"
    assert sending.send(ports=house.ports) == Sent(told=1)
    assert there.box.to("emil.third@example.no") == []


def test_of_two_brokers_one_sends(house: House, there: Post) -> None:
    """However they meet: each person is told once."""
    for person in (EMIL, SARA):
        house.request(NAV, person)
    told: list[int] = []
    barrier = threading.Barrier(2)

    def run() -> None:
        barrier.wait()
        told.append(sending.send(ports=house.ports).told)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(told) == 2
    assert (there.box.to(ADDRESS), there.box.to(OTHER)) == ([NEWS], [NEWS])


def test_a_broker_that_dies_after_sending_sends_the_same_message_again(
    house: House, there: Post
) -> None:
    """At least once: the store went away between the server's word and our note of it."""
    house.request(NAV, EMIL)

    def lost() -> str:
        with house.store.engine.begin() as connection:
            connection.execute(text("ALTER TABLE notice RENAME TO gone"))
        return "250 OK"

    there.box.data = lost
    with pytest.raises(StoreDown):
        sending.send(ports=house.ports)
    with house.store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO notice"))
    there.box.data = lambda: "250 OK"
    assert sending.send(ports=house.ports) == Sent()
    house.clock.step(seconds=LEASE.total_seconds())
    assert sending.send(ports=house.ports) == Sent(told=1)
    assert ids(there)[0] == ids(there)[1]
    assert entries_about(house, "notice.sent") == [{"channel": "email", "notices": 1}]


def test_an_address_that_is_removed_while_it_is_told(house: House, there: Post) -> None:
    """The message cannot be called back; nothing more is sent, and nothing is lost to the portal."""

    def removed() -> str:
        removes(house)
        return "250 OK"

    house.request(NAV, EMIL)
    there.box.data = removed
    assert sending.send(ports=house.ports) == Sent(contended=1)
    assert sending.send(ports=house.ports) == Sent(in_portal=1)

    def refused(_: str) -> str:
        removes(house, SARA)
        return "450 4.2.0 later"

    house.request(NAV, SARA)
    there.box.rcpt = refused
    assert sending.send(ports=house.ports) == Sent(contended=1)


def test_what_changes_while_a_message_is_on_its_way_does_not_send_it_twice(
    house: House, there: Post
) -> None:
    """The youth reads another language, or tries a code, in the moment that it is sent."""

    def spoken() -> str:
        contacting.speak("en", person=house.hashed(EMIL), ports=house.ports)
        return "250 OK"

    house.request(NAV, EMIL)
    there.box.data = spoken
    assert sending.send(ports=house.ports) == Sent(told=1)
    house.clock.step(hours=1)
    assert sending.send(ports=house.ports) == Sent()
    assert there.box.to(ADDRESS) == [NEWS]


def test_told_to_stop_it_stops(house: House, there: Post) -> None:
    """What is due stays due."""
    house.request(NAV, EMIL)
    assert sending.send(ports=house.ports, stopped=lambda: True) == Sent()
    assert noticing.due(ports=house.ports) != ()
    assert there.box.taken == []


def test_progress_and_counts_name_nobody(house: House) -> None:
    """How far it has come, and what became of each, by channel."""
    for person in (EMIL, SARA):
        house.request(NAV, person)
    shown: list[tuple[int, int]] = []
    counted: Counter[tuple[str, str]] = Counter()
    sending.send(
        ports=house.ports,
        progress=lambda done, total: shown.append((done, total)),
        count=lambda channel, outcome: counted.update([(channel, outcome)]),
    )
    assert shown == [(1, 2), (2, 2)]
    assert counted == {("email", "told"): 2}


def test_an_address_that_nobody_can_read_any_more_does_not_fall_silent(
    house: House, there: Post
) -> None:
    """Its time is over, or somebody has written over it: the youth reads in the portal that they are told only there."""
    with house.store.engine.begin() as connection:
        connection.execute(text("UPDATE contact SET sealed = x'00'"))
    house.request(NAV, EMIL)
    assert sending.send(ports=house.ports) == Sent(gone=1)
    assert there.box.taken == []
    assert seen(house).confirmed is None
    assert entries_about(house, "contact.removed") == [{"channel": "email"}]
    told = me.notices(person=house.hashed(EMIL), limit=9, ports=house.ports).notices
    assert [notice.kind for notice in told] == ["contact_refused", "requested"]
    assert sending.send(ports=house.ports) == Sent(in_portal=2)


def test_the_server_sends_by_itself(
    house: House, there: Post, caplog: pytest.LogCaptureFixture
) -> None:
    """In a thread that nothing waits for; it says what it did with numbers, and waits for a store that goes away."""
    caplog.set_level("INFO", "tillit.broker")
    counted: list[tuple[str, str]] = []
    stop = threading.Event()
    run = sender(lambda: house.ports, every=0.01, count=lambda c, o: counted.append((c, o)))
    thread = threading.Thread(target=run, args=(stop,))
    house.request(NAV, EMIL)
    with house.store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE contact RENAME TO gone"))
    thread.start()
    try:
        until("send: store.unavailable", caplog)
        with house.store.engine.begin() as connection:
            connection.execute(text("ALTER TABLE gone RENAME TO contact"))
        until("told=1", caplog)
    finally:
        stop.set()
        thread.join(10)
    assert there.box.to(ADDRESS) == [NEWS]
    assert counted == [("email", "told")]
    assert ADDRESS not in caplog.text


def test_what_is_slow_holds_up_no_call(house: House, there: Post) -> None:
    """While a message is on its way services ask and people answer."""
    there.box.slow = 1.0
    house.request(NAV, EMIL)
    thread = threading.Thread(target=lambda: sending.send(ports=house.ports))
    thread.start()
    time.sleep(0.2)
    begun = time.monotonic()
    house.request(NAV, SARA)
    asks(house, "emil.third@example.no")
    assert time.monotonic() - begun < 0.7
    thread.join(20)
    assert there.box.to(ADDRESS) == [NEWS]


def test_an_erased_person_is_sent_nothing(house: House, there: Post) -> None:
    """What was due to them is gone with them."""
    house.request(NAV, EMIL)
    subject = shredding.of_person(house.hashed(EMIL), ports=house.ports)
    house.ports.custodian.shred(subject=subject)
    assert sending.send(ports=house.ports) == Sent(gone=1)
    assert there.box.taken == []
