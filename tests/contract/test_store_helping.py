"""The store's contract, continued: helpers, one at a time, and the tries at an invitation's code."""

from datetime import timedelta

import pytest

from broker.domain.helping import CODE_LASTS, MOST_TRIES, Helper
from broker.domain.ids import HelperId, PersonKey, SubjectId
from broker.errors import Contended
from broker.ports import Store
from broker.store.sql import SqlStore
from broker.stored import Notice
from tests.consenting import NOW, identifier
from tests.stored import EMIL, SARA, add_subjects

LATER = NOW + timedelta(hours=1)
FIRST, WHOLE = b"f" * 32, b"w" * 32
FRIEND = PersonKey("d" * 64)


def invited(number: int, subject: SubjectId = EMIL) -> Helper:
    """An invitation."""
    return Helper(
        id=HelperId(identifier("hlp", number)),
        subject=subject,
        version=1,
        shows=frozenset({"consents", "special"}),
        invited_at=NOW,
        code_until=NOW + CODE_LASTS,
    )


@pytest.fixture
def kept(store: SqlStore) -> SqlStore:
    """The store with Emil and Sara in it, and an invitation of Emil's."""
    with store.write() as tx:
        add_subjects(tx)
        tx.add_helper(invited(1), finds=FIRST, code=WHOLE)
    return store


def test_a_helper_comes_back_as_it_was(kept: Store) -> None:
    """From the invitation to the end, by id, by subject and by who helps."""
    helping = invited(1).accept(FRIEND, at=LATER)
    with kept.write() as tx:
        assert tx.helper(invited(1).id) == invited(1)
        assert tx.helped_by(FRIEND, limit=5) == ()
        tx.save_helper(helping, was=1)
    with kept.write() as tx:
        assert tx.helper(helping.id) == helping
        assert tx.helpers_of(EMIL, limit=5) == tx.helped_by(FRIEND, limit=5) == (helping,)
        assert (tx.helpers_of(SARA, limit=5), tx.helper(HelperId("hlp_none"))) == ((), None)
        tx.save_helper(helping.end("helper", at=LATER), was=2)
        tx.add_helper(invited(2), finds=FIRST, code=WHOLE)
    with kept.read() as tx:
        assert tx.helped_by(FRIEND, limit=5) == ()
        found = tx.helpers_of(EMIL, limit=5)
        assert found == (invited(2), helping.end("helper", at=LATER))
        assert tx.helpers_of(EMIL, limit=1) == found[:1]


def test_a_subject_has_one_helper_at_a_time(kept: Store) -> None:
    """Two replicas that invite at once make one invitation; another subject's stands by itself."""
    with kept.write() as tx:
        tx.add_helper(invited(2, SARA), finds=FIRST, code=WHOLE)
    with pytest.raises(Contended), kept.write() as tx:
        tx.add_helper(invited(3), finds=FIRST, code=WHOLE)
    with kept.read() as tx:
        assert tx.helpers_of(EMIL, limit=5) == (invited(1),)


def test_of_two_who_change_a_helper_one_does(kept: Store) -> None:
    """An invitation that was taken back is not taken by who looked before."""
    with kept.write() as tx:
        tx.save_helper(invited(1).end("subject", at=LATER), was=1)
    with pytest.raises(Contended), kept.write() as tx:
        tx.save_helper(invited(1).accept(FRIEND, at=LATER), was=1)


def test_tries_are_counted_and_bounded(kept: Store) -> None:
    """The last one counts too; by another first group nobody's invitation is reached."""
    for _ in range(MOST_TRIES):
        with kept.write() as tx:
            assert tx.try_helper_code(b"x" * 32, at=NOW) == ()
            assert tx.try_helper_code(FIRST, at=NOW) == ((invited(1), WHOLE),)
    with kept.write() as tx:
        assert tx.try_helper_code(FIRST, at=NOW) == ()


def test_only_what_waits_is_tried(kept: Store) -> None:
    """Not one that is over, nor one that was taken, whose code is kept no more."""
    with kept.write() as tx:
        assert tx.try_helper_code(FIRST, at=NOW + CODE_LASTS) == ()
        tx.add_helper(invited(2, SARA), finds=FIRST, code=b"other")
        tx.save_helper(invited(1).accept(FRIEND, at=LATER), was=1)
    with kept.write() as tx:
        assert tx.try_helper_code(FIRST, at=NOW) == ((invited(2, SARA), b"other"),)
        assert tx.try_helper_code(b"", at=NOW) == ()


def test_whoever_is_erased_helps_no_more(kept: Store) -> None:
    """As the subject, and as the helper of another."""
    with kept.write() as tx:
        saras = tx.person_of(SARA)
        tx.save_helper(invited(1).accept(saras, at=LATER), was=1)
        tx.add_helper(invited(2, SARA), finds=FIRST, code=WHOLE)
        tx.erase_subject(SARA)
    with kept.read() as tx:
        assert (tx.helper(invited(1).id), tx.helper(invited(2).id)) == (None, None)


def test_a_notice_names_the_helper_in_place_of_a_unit(kept: Store) -> None:
    """A person did it, and of them the broker knows no name."""
    told = Notice("helper_left", NOW, None, helper=invited(1).id)
    with kept.write() as tx:
        tx.add_notice(EMIL, told)
    with kept.read() as tx:
        assert tx.notices(EMIL, limit=5, at=NOW) == (told,)
