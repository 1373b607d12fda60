"""A subject's key exchanged: every stored content key wrapped anew, no ciphertext touched, everything readable at each moment.

1. The custodian makes another key and keeps the one before beside it.
2. Every record's content key is rewrapped, so many in a transaction; an interrupted run is done again from the start.
3. Later, when no deposit of that time can still be under way, the rest is rewrapped and the key before is destroyed.
"""

from collections.abc import Callable

from audit.entries import Entry
from broker.domain.ids import RecordId, SubjectId
from broker.errors import CustodianDown, SubjectErased
from broker.ports import Ports
from keys.errors import CustodianError, KeyChangeRefused, SubjectShredded
from tillit.wire import MAX_FIELDS

BATCH = MAX_FIELDS

Progress = Callable[[int], None]
"""Told how many records are done."""


class TooEarly(ValueError):
    """The key was exchanged a moment ago, or never: there is none to retire yet."""


def rotate(subject: SubjectId, *, ports: Ports, progress: Progress = lambda done: None) -> int:  # noqa: ARG005 - nobody looks
    """Exchange a subject's key; says how many records were rewrapped. The key before still opens what it did.

    Raises:
        SubjectErased: the key was destroyed.
        CustodianDown: the custodian does not answer, or holds no key of the subject; a repeat goes on.
    """
    _enter("key.rotated", subject, ports)
    try:
        ports.custodian.renew(subject=subject)
        return _rewrap(subject, ports, progress)
    except SubjectShredded as error:
        raise SubjectErased from error
    except CustodianError as error:
        raise CustodianDown(error.code) from error


def retire(subject: SubjectId, *, ports: Ports, progress: Progress = lambda done: None) -> int:  # noqa: ARG005 - nobody looks
    """Rewrap what came in meanwhile and have the key before destroyed; says how many records there are.

    Raises:
        TooEarly: it was exchanged a moment ago; nothing was destroyed.
        SubjectErased, CustodianDown: see ``rotate``.
    """
    _enter("key.retired", subject, ports)
    try:
        count = _rewrap(subject, ports, progress)
        ports.custodian.retire(subject=subject)
    except KeyChangeRefused as error:
        raise TooEarly(error.detail) from error
    except SubjectShredded as error:
        raise SubjectErased from error
    except CustodianError as error:
        raise CustodianDown(error.code) from error
    return count


def _enter(kind: str, subject: SubjectId, ports: Ports) -> None:
    content = {"kind": "subject", "subject": subject}
    with ports.store.write() as tx:
        tx.append(Entry(kind, ports.clock(), content, subject))


def _rewrap(subject: SubjectId, ports: Ports, progress: Progress) -> int:
    done, after = 0, RecordId("")
    while True:
        with ports.store.read() as tx:
            stored = tx.records_of(subject, after=after, limit=BATCH)
        if not stored:
            return done
        rewrapped = ports.custodian.rewrap(
            subject=subject,
            wrapped={record: sealed.encrypted_key for record, sealed in stored.items()},
        )
        with ports.store.write() as tx:
            for record, sealed in stored.items():
                fresh = sealed.model_copy(update={"encrypted_key": rewrapped[record]})
                tx.rewrap_record(subject, record, fresh)
        done, after = done + len(stored), max(stored)
        progress(done)
