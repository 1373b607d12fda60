"""Where a youth is told outside the portal: shown to be theirs, sealed, in no entry, and theirs to take back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from broker.domain.contacts import CODE_LASTS, MOST_ASKED, MOST_TRIES
from broker.domain.errors import AddressUnlike
from broker.domain.ids import ContactId, SubjectId
from broker.domain.messages import news
from broker.errors import (
    ContactCodeRefused,
    CustodianDown,
    NoContact,
    NoSuchChannel,
    NotASubject,
    SubjectErased,
    TooManyCodes,
)
from broker.usecases import contacting, me, sending, shredding
from broker.usecases.sending import Sent
from keys.keyring import LocalCustodian
from tests.canaries import dumped, search
from tests.house import EMIL, FATHER, MOTHER, SARA, House, build
from tests.integration.entries import entries_about
from tests.integration.test_shredding import ORDER, subject_of
from tests.mail import Post, post
from tillit.wire import ContactConfirmation, ContactRequest, MyContact

ADDRESS, OTHER = "emil.canary@example.no", "emil.other@example.no"
NEWS = news("nb", issuer="https://tillit.test", id="").text


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A fresh broker on SQLite: what is kept of addresses is the same on both (``tests/contract/test_store_contacts.py``)."""
    built = build(tmp_path)
    yield built
    built.store.close()


@pytest.fixture
def there(house: House, tmp_path: Path) -> Iterator[Post]:
    """A mail server of the house's."""
    with post(tmp_path, clock=house.clock) as running:
        yield running


@pytest.fixture
def open_house(house: House, there: Post) -> House:
    """The house with e-mail as a way out, and something about Emil and Sara in it."""
    for person in (EMIL, SARA):
        house.handle("nav-larvik", person)
    return replace(house, ports=replace(house.ports, messengers={"email": there.server}))


def asks(
    house: House, address: str = ADDRESS, who: str = EMIL, key: str | None = None
) -> MyContact:
    """Somebody wants to be told at an address."""
    said = ContactRequest(channel="email", address=address)
    return contacting.ask(said, call=house.person(who, key=key), ports=house.ports)


def says(house: House, code: str, who: str = EMIL, key: str | None = None) -> MyContact:
    """Somebody writes the code that came."""
    said = ContactConfirmation(code=code)
    return contacting.confirm(said, call=house.person(who, key=key), ports=house.ports)


def removes(house: House, who: str = EMIL) -> MyContact:
    """Somebody wants to be told in the portal only."""
    return contacting.remove(call=house.person(who), ports=house.ports)


def seen(house: House, who: str = EMIL) -> MyContact:
    """What somebody is shown."""
    return contacting.contact(person=house.hashed(who), ports=house.ports)


def code(there: Post, address: str = ADDRESS) -> str:
    """The code that came last."""
    return "".join(filter(str.isdigit, there.box.to(address)[-1]))


def confirmed(house: House, there: Post, address: str = ADDRESS, who: str = EMIL) -> None:
    """Somebody has an address."""
    asks(house, address, who)
    sending.send(ports=house.ports)
    says(house, code(there, address), who)


def wrong(right: str) -> str:
    """Another code."""
    return f"{(int(right) + 1) % 10**6:06}"


def test_an_address_is_told_once_its_code_came_back(open_house: House, there: Post) -> None:
    """Until then it gets the code and nothing else; the code alone says whose it is."""
    asked = asks(open_house)
    assert asked.channels == ("email",)
    assert (asked.confirmed, asked.waiting and asked.waiting.address) == (None, None)
    open_house.request("nav-larvik", EMIL)
    assert sending.send(ports=open_house.ports) == Sent(codes=1, in_portal=1)
    assert sending.send(ports=open_house.ports) == Sent()
    assert len(there.box.to(ADDRESS)) == 1
    told = says(open_house, code(there))
    assert told.waiting is None
    assert told.confirmed is not None
    assert (told.confirmed.channel, told.confirmed.address) == ("email", None)
    shown = seen(open_house).confirmed
    assert shown is not None
    assert shown.address == ADDRESS
    open_house.request("ot-vestfold", EMIL, services=["ot-vestfold", "nav-larvik"])
    assert sending.send(ports=open_house.ports) == Sent(told=1)
    assert there.box.to(ADDRESS)[1:] == [NEWS]


def test_where_to_is_in_no_entry_and_nowhere_in_clear(
    open_house: House,
    there: Post,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says by which channel; database, keyring and the server's own log hold no address and no code."""
    caplog.set_level("DEBUG", "tillit")
    asks(open_house)
    sending.send(ports=open_house.ports)
    secret = code(there)
    with pytest.raises(ContactCodeRefused):
        says(open_house, wrong(secret))
    says(open_house, secret)
    open_house.request("nav-larvik", EMIL)
    sending.send(ports=open_house.ports)
    removes(open_house)
    by = {"channel": "email"}
    for kind in ("asked", "code_sent", "code_refused", "confirmed", "removed"):
        assert entries_about(open_house, f"contact.{kind}") == [by]
    assert entries_about(open_house, "notice.sent") == [by | {"notices": 1}]
    confirmed(open_house, there)
    assert (
        search(
            (ADDRESS, ADDRESS.split("@", maxsplit=1)[0]), dumped(f"sqlite:///{tmp_path}/tillit.db")
        )
        == []
    )
    for canary in (ADDRESS, secret):
        assert canary not in caplog.text


def test_a_code_is_not_guessed(open_house: House, there: Post) -> None:
    """Five tries, each counted and logged; then the right one is as good as a wrong one."""
    asks(open_house)
    sending.send(ports=open_house.ports)
    right = code(there)
    for _ in range(MOST_TRIES):
        with pytest.raises(ContactCodeRefused):
            says(open_house, wrong(right))
    with pytest.raises(ContactCodeRefused):
        says(open_house, right)
    assert len(entries_about(open_house, "contact.code_refused")) == MOST_TRIES
    assert seen(open_house).confirmed is None


def test_a_code_is_good_for_one_person_and_a_while(open_house: House, there: Post) -> None:
    """Whoever else comes with it, or later, is told what everybody is told."""
    asks(open_house)
    sending.send(ports=open_house.ports)
    for who in (SARA, EMIL):
        open_house.clock.step(seconds=CODE_LASTS.total_seconds() if who == EMIL else 0)
        with pytest.raises(ContactCodeRefused):
            says(open_house, code(there), who)
    assert seen(open_house).waiting is None
    asks(open_house)
    sending.send(ports=open_house.ports)
    assert says(open_house, code(there)).confirmed is not None
    with pytest.raises(ContactCodeRefused):
        says(open_house, code(there))


def test_a_repeated_call_does_nothing_twice(open_house: House, there: Post) -> None:
    """One code, one confirmation, the same answer."""
    first = asks(open_house, key="k" * 16)
    assert asks(open_house, key="k" * 16) == first
    assert sending.send(ports=open_house.ports) == Sent(codes=1)
    told = says(open_house, code(there), key="c" * 16)
    assert says(open_house, code(there), key="c" * 16) == told


def test_nobodys_letter_box_is_filled_from_here(open_house: House) -> None:
    """So many codes a day for one person, wherever to; no answer tells whether anybody has that address."""
    answers = set()
    for number in range(MOST_ASKED):
        address = f"somebody{number}@example.no"
        answers.add(asks(open_house, address).model_dump_json())
    assert len(answers) == 1
    with pytest.raises(TooManyCodes):
        asks(open_house)
    removes(open_house)
    with pytest.raises(TooManyCodes):
        asks(open_house)
    asks(open_house, who=SARA)
    open_house.clock.step(hours=24, seconds=1)
    asks(open_house)


def test_an_address_that_somebody_else_has_is_taken_as_any(open_house: House, there: Post) -> None:
    """Two of a family may share one, and neither learns of the other."""
    confirmed(open_house, there)
    asks(open_house, who=SARA)
    sending.send(ports=open_house.ports)
    assert says(open_house, code(there), SARA).confirmed is not None
    assert seen(open_house).confirmed is not None


def test_another_address_takes_the_place_of_the_first(open_house: House, there: Post) -> None:
    """The first is told that there is something new while it still may: nobody at the youth's phone does it in secret."""
    confirmed(open_house, there)
    asks(open_house, OTHER)
    sending.send(ports=open_house.ports)
    assert there.box.to(ADDRESS)[1:] == [NEWS]
    kinds = [
        n.kind
        for n in me.notices(person=open_house.hashed(EMIL), limit=9, ports=open_house.ports).notices
    ]
    assert kinds == ["contact_asked"]
    assert says(open_house, code(there, OTHER)).waiting is None
    open_house.clock.step(hours=1)
    open_house.request("nav-larvik", EMIL)
    assert sending.send(ports=open_house.ports).told == 1
    assert (len(there.box.to(ADDRESS)), there.box.to(OTHER)[1:]) == (2, [NEWS])


def test_who_was_told_just_now_hears_of_another_address_all_the_same(
    open_house: House, there: Post
) -> None:
    """Else whoever waits for a message, or has one sent, could take its place within the quiet that follows."""
    confirmed(open_house, there)
    open_house.request("nav-larvik", EMIL)
    assert sending.send(ports=open_house.ports).told == 1
    open_house.clock.step(minutes=1)
    asks(open_house, OTHER)
    assert sending.send(ports=open_house.ports) == Sent(told=1, codes=1)
    assert there.box.to(ADDRESS)[1:] == [NEWS] * 2


def test_removed_it_is_told_nothing_more(open_house: House, there: Post) -> None:
    """Nor what waits for its code; and what is due then is told in the portal."""
    confirmed(open_house, there)
    asks(open_house, OTHER)
    open_house.request("nav-larvik", EMIL)
    assert removes(open_house) == MyContact(channels=("email",), confirmed=None, waiting=None)
    assert sending.send(ports=open_house.ports) == Sent(in_portal=2)
    assert len(there.box.taken) == 1
    with pytest.raises(NoContact):
        removes(open_house)


def test_the_copy_of_all_has_the_address(open_house: House, there: Post) -> None:
    """It is theirs (N26)."""
    confirmed(open_house, there)
    copied = me.copy(person=open_house.hashed(EMIL), language="nb", ports=open_house.ports)
    assert copied.contact == seen(open_house)
    assert ADDRESS in copied.model_dump_json()
    assert ADDRESS not in repr(copied)


def test_a_shredded_persons_address_is_unreadable(open_house: House, there: Post) -> None:
    """Also in a copy of the database from before."""
    confirmed(open_house, there)
    with open_house.store.read() as tx:
        before = tx.contacts_of(subject_of(open_house, EMIL))
    opens = contacting.opened(before, ports=open_house.ports)
    assert list(opens.values()) == [ADDRESS]
    shredding.shred(subject_of(open_house, EMIL), ORDER, ports=open_house.ports)
    assert contacting.opened(before, ports=open_house.ports) == {}
    with pytest.raises(NotASubject):
        seen(open_house)


def test_a_person_whose_key_is_gone_is_told_so(open_house: House) -> None:
    """Between the key's end and the rows': nothing is kept that nobody could read."""
    gone = SubjectId("sub_gone")
    with open_house.store.write() as tx:
        tx.add_subject(gone, open_house.hashed(MOTHER), at=open_house.clock.at)
    open_house.ports.custodian.shred(subject=gone)
    with pytest.raises(SubjectErased):
        asks(open_house, who=MOTHER)


def test_an_address_that_was_put_in_anothers_place_does_not_open(
    open_house: House, there: Post
) -> None:
    """Whoever writes to the database cannot have one person's notices sent to another."""
    confirmed(open_house, there)
    confirmed(open_house, there, OTHER, SARA)
    with open_house.store.read() as tx:
        (his,) = tx.contacts_of(subject_of(open_house, EMIL))
        (hers,) = tx.contacts_of(subject_of(open_house, SARA))
    swapped = replace(his, volume=hers.volume, sealed=hers.sealed)
    with open_house.store.write() as tx:
        # Sealed with what the database holds, as whoever writes to it can.
        tx.save_contact(his.contact.end(at=open_house.clock.at), was=his.contact.version)
        forged = replace(his.contact, id=ContactId("ctc_forged"), version=1)
        assert tx.add_contact(forged, "0" * 64 + "somebody@else.example")
        found = tx.contacts_of(subject_of(open_house, EMIL))
    assert len(found) == 1
    assert contacting.opened(found, ports=open_house.ports) == {}
    assert contacting.opened([swapped], ports=open_house.ports) == {}


def test_a_guardian_chooses_no_address_for_the_youth(open_house: House) -> None:
    """A parent who calls speaks of themself, of whom the broker knows nothing."""
    for parent in (MOTHER, FATHER):
        with pytest.raises(NotASubject):
            asks(open_house, who=parent)
        with pytest.raises(NotASubject):
            says(open_house, "123456", parent)
        with pytest.raises(NotASubject):
            removes(open_house, parent)
        with pytest.raises(NotASubject):
            seen(open_house, parent)


def test_a_way_that_there_is_not_and_an_address_that_is_none(open_house: House) -> None:
    """Nothing is kept, and nothing is counted."""
    with pytest.raises(NoSuchChannel):
        contacting.ask(
            ContactRequest(channel="sms", address="90000000"),
            call=open_house.person(EMIL),
            ports=open_house.ports,
        )
    for _ in range(MOST_ASKED + 1):
        with pytest.raises(AddressUnlike):
            asks(open_house, "emil@example.no\r\nBcc: all@example.no")
    assert seen(open_house) == MyContact(channels=("email",), confirmed=None, waiting=None)


def test_what_the_register_knows_is_only_ever_ones_own(
    open_house: House, there: Post, tmp_path: Path
) -> None:
    """The number is held against the caller's keyed hash; it takes no code, and the address before is used no more."""
    ports = replace(open_house.ports, messengers={"email": there.server, "register": there.server})
    house = replace(open_house, ports=ports)
    confirmed(house, there)
    for number in (SARA, "01810750027"):
        with pytest.raises(AddressUnlike):
            contacting.ask(
                ContactRequest(channel="register", address=number),
                call=house.person(EMIL),
                ports=ports,
            )
    told = contacting.ask(
        ContactRequest(channel="register", address=EMIL), call=house.person(EMIL), ports=ports
    )
    assert (told.confirmed and told.confirmed.channel, told.waiting) == ("register", None)
    assert entries_about(house, "contact.confirmed")[-1] == {"channel": "register"}
    assert told.channels == ("email", "register")
    notices = me.notices(person=house.hashed(EMIL), limit=9, ports=ports).notices
    assert [one.kind for one in notices][:1] == ["contact_asked"]
    shown = seen(house).confirmed
    assert shown is not None
    assert shown.address is None
    with house.store.read() as tx:
        kept = tx.contacts_of(subject_of(house, EMIL))
    assert list(contacting.opened(kept, ports=ports).values()) == [EMIL]
    copied = me.copy(person=house.hashed(EMIL), language="nb", ports=ports)
    assert EMIL not in copied.model_dump_json()
    assert search((EMIL,), dumped(f"sqlite:///{tmp_path}/tillit.db")) == []


def test_the_message_is_in_the_language_that_the_person_reads(
    open_house: House, there: Post
) -> None:
    """Also when they read another one later; who is told in the portal only is not changed by it."""
    confirmed(open_house, there)
    for person in (EMIL, SARA, MOTHER):
        contacting.speak("nn", person=open_house.hashed(person), ports=open_house.ports)
    contacting.speak("nn", person=open_house.hashed(EMIL), ports=open_house.ports)
    open_house.request("nav-larvik", EMIL)
    assert sending.send(ports=open_house.ports) == Sent(told=1, in_portal=0)
    assert there.box.to(ADDRESS)[-1] == news("nn", issuer="https://tillit.test", id="").text


def test_the_copy_of_all_names_no_national_identity_number(open_house: House, there: Post) -> None:
    """An address of one's own is in it; the number that the public register is asked by is in no file (N59)."""
    ports = replace(open_house.ports, messengers={"email": there.server, "register": there.server})
    house = replace(open_house, ports=ports)
    confirmed(house, there)
    person = house.hashed(EMIL)
    assert ADDRESS in me.copy(person=person, language="nb", ports=ports).model_dump_json()
    asked = ContactRequest(channel="register", address=EMIL)
    contacting.ask(asked, call=house.person(EMIL), ports=ports)
    contact = me.copy(person=person, language="nb", ports=ports).contact
    assert contact is not None
    assert contact.confirmed is not None
    assert (contact.confirmed.channel, contact.confirmed.address) == ("register", None)
    assert EMIL not in me.copy(person=person, language="nb", ports=ports).model_dump_json()


def test_without_the_custodian_no_address_is_shown(
    open_house: House, there: Post, tmp_path: Path
) -> None:
    """It says so, and shows no empty one for it."""
    confirmed(open_house, there)
    locked = LocalCustodian(tmp_path / "keyring", lambda: b"not this one", clock=open_house.clock)
    ports = replace(open_house.ports, custodian=locked)
    with pytest.raises(CustodianDown):
        contacting.contact(person=open_house.hashed(EMIL), ports=ports)
    open_house.request("nav-larvik", EMIL)
    open_house.clock.step(minutes=30)
    with pytest.raises(CustodianDown):
        sending.send(ports=ports)
    assert sending.send(ports=open_house.ports) == Sent(told=1)


def test_an_address_lasts_as_long_as_what_is_kept_of_answers(
    open_house: House, there: Post
) -> None:
    """Its epoch's end is its end: it is used no more, and the portal tells that, and what is new."""
    confirmed(open_house, there)
    with open_house.store.read() as tx:
        (found,) = tx.contacts_of(subject_of(open_house, EMIL))
    assert found.volume is not None
    assert found.volume.epoch == "answers-2026-11"
    open_house.ports.custodian.end_log_epoch(epoch=found.volume.epoch)
    open_house.clock.step(minutes=30)
    open_house.request("nav-larvik", EMIL)
    assert sending.send(ports=open_house.ports) == Sent(gone=1)
    assert sending.send(ports=open_house.ports) == Sent(in_portal=2)
    assert len(there.box.taken) == 1
