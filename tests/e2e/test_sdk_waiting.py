"""A service waits, the youth says yes, and it has the values within seconds: both clients against a real broker."""

import threading
import time
from typing import Any

import pytest

from broker.domain.ids import ConsentId, QuestionId, UnitId
from broker.usecases import me, questions
from tests.e2e.served import ABOUT, NAV, RATE, Served
from tests.house import EMIL, SARA
from tillit import Subject, UsageError, wire

SECONDS = 10.0
PATIENCE = 2.0


@pytest.fixture
def asked_first(served: Served) -> wire.ConsentView:
    """Emil has said yes, and wants to be asked first; the rate is there."""
    served.deposit({RATE: 0.62})
    view = served.requested(served.shell(NAV))
    return served.house.answer(view, EMIL, conditions={g.id: "ask_me_first" for g in view.grants})


def later(act: Any) -> threading.Thread:
    """Do it a little later, while somebody waits."""
    thread = threading.Timer(0.4, act)
    thread.start()
    return thread


def say(served: Served, word: Any) -> None:
    """Emil answers what he is asked."""
    house = served.house
    found = questions.questions(person=house.hashed(EMIL), limit=9, ports=house.ports)
    said = wire.QuestionAnswer(answer=word)
    identity = QuestionId(found.questions[0].id)
    questions.answer(identity, said, call=house.person(EMIL), ports=house.ports)


def test_a_yes_reaches_who_waits_within_seconds(
    served: Served, asked_first: wire.ConsentView
) -> None:
    """At a desk, with the youth's telephone beside it."""
    nav = served.shell(NAV)
    emil = nav("subject", national_id=EMIL)
    waiting = nav("ask", emil, [RATE], **ABOUT)
    assert [r.code for r in waiting.withheld[RATE]] == ["consent.ask_first"]
    thread = later(lambda: say(served, "yes"))
    began = time.monotonic()
    answer = nav("wait_for_answer", waiting, emil, within=SECONDS)
    assert answer.values[RATE].value == 0.62
    assert answer.grounds[RATE][0].id == asked_first.id
    assert time.monotonic() - began < PATIENCE
    thread.join()


def test_a_no_reaches_who_waits_and_says_no_more(
    served: Served, asked_first: wire.ConsentView
) -> None:
    """The waiting ends; the reason is the one from before."""
    nav = served.shell(NAV)
    emil = nav("subject", national_id=EMIL)
    waiting = nav("ask", emil, [RATE], **ABOUT)
    say(served, "no")
    answer = nav("wait_for_answer", waiting, emil, within=SECONDS)
    assert (answer.id != waiting.id, answer.withheld) == (True, waiting.withheld)
    assert asked_first.state == "active"


def test_a_withdrawal_ends_the_waiting(served: Served, asked_first: wire.ConsentView) -> None:
    """There is nothing left to wait for."""
    nav = served.shell(NAV)
    emil = nav("subject", national_id=EMIL)
    waiting = nav("ask", emil, [RATE], **ABOUT)
    house, identity = served.house, ConsentId(asked_first.id)
    thread = later(
        lambda: me.withdraw(identity, wire.Withdrawal(), call=house.person(EMIL), ports=house.ports)
    )
    answer = nav("wait_for_answer", waiting, emil, within=SECONDS)
    assert [r.code for r in answer.withheld[RATE]] == ["consent.withdrawn"]
    thread.join()


def test_who_is_not_answered_has_the_answer_from_before(
    served: Served, asked_first: wire.ConsentView
) -> None:
    """Nothing is wrong; nobody has said anything yet."""
    nav = served.shell(NAV)
    emil = nav("subject", national_id=EMIL)
    served.house.clock.step(minutes=1)
    waiting = nav("ask", emil, [RATE], **ABOUT)
    assert nav("wait_for_answer", waiting, emil, within=0.5) is waiting
    # What is read again says less of where to look on: the feed is read from its beginning.
    again = nav("disclosure", waiting.id, emil)
    thread = later(lambda: say(served, "yes"))
    assert nav("wait_for_answer", again, emil, within=SECONDS).outcome == "released"
    assert asked_first.version == 2
    thread.join()


def test_a_long_feed_is_read_to_its_end(served: Served, asked_first: wire.ConsentView) -> None:
    """Whatever else a busy office is told meanwhile, and more than one page of it."""
    nav = served.shell(NAV)
    emil = nav("subject", national_id=EMIL)
    waiting = nav("ask", emil, [RATE], **ABOUT)
    other = wire.Event(id=0, type="erase.due", at=served.house.clock(), subject=emil.handle)
    with served.house.ports.store.write() as tx:
        for _ in range(201):
            tx.add_event(UnitId(NAV), other)
    say(served, "yes")
    assert nav("wait_for_answer", waiting, emil, within=SECONDS).outcome == "released"
    assert asked_first.state == "active"


def test_who_waits_says_about_whom(served: Served, asked_first: wire.ConsentView) -> None:
    """The answer is opened with the number of the person who was asked about, or not asked for at all."""
    nav = served.shell(NAV)
    emil, sara = (nav("subject", national_id=number) for number in (EMIL, SARA))
    waiting = nav("ask", emil, [RATE], **ABOUT)
    for other in (sara, Subject(sara.handle)):
        with pytest.raises(UsageError):
            nav("wait_for_answer", waiting, other)
    assert asked_first.state == "active"
