"""Contents of the log's entries: opened through the custodian, each held against what its leaf commits to.

Whether somebody may read is decided, and that they read is logged, by who calls.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from audit import contents
from audit.contents import Content, StoredContent, Unreadable
from broker.errors import CustodianDown
from keys.custodian import Custodian
from keys.errors import CustodianError
from keys.logkeys import MAX_VOLUMES
from tillit.contents import Volume


def opened(
    stored: Sequence[StoredContent], *, custodian: Custodian
) -> Sequence[Content | Unreadable]:
    """The contents of what is stored, in the order given.

    What was forgotten, with a person or with time, is ``Unreadable`` with ``forgotten``; what does not open, or is not what
    the leaf commits to, is ``Unreadable`` without.

    Raises:
        CustodianDown: contents are sealed, and the custodian does not open anything now.
    """
    keys: dict[str, bytes] = {}
    gone: dict[str, str] = {}
    for some in _batches(stored):
        try:
            volumes = custodian.open_log_volumes(volumes=some)
        except CustodianError as down:
            raise CustodianDown from down
        keys.update(volumes.keys)
        gone.update(volumes.gone)
    return [contents.opened(one, keys=keys, gone=gone) for one in stored]


def _batches(stored: Sequence[StoredContent]) -> Iterator[Sequence[Volume]]:
    """Each volume once, as many at a time as the custodian takes."""
    distinct: Mapping[str, Volume] = {
        one.volume.id: one.volume for one in stored if one.volume is not None
    }
    volumes = iter(distinct.values())
    while some := tuple(islice(volumes, MAX_VOLUMES)):
        yield some
