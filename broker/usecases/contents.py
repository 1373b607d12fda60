"""Contents of the log's entries: opened through the custodian, each held against what its leaf commits to.

Whether somebody may read is decided, and that they read is logged, by who calls.
"""

from collections.abc import Sequence
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
    volumes = [one.volume for one in stored if one.volume is not None]
    keys, gone = open_volumes(volumes, custodian=custodian)
    return [contents.opened(one, keys=keys, gone=gone) for one in stored]


def open_volumes(
    volumes: Sequence[Volume], *, custodian: Custodian
) -> tuple[dict[str, bytes], dict[str, str]]:
    """The keys of volumes by their ids, and why there is none for the others.

    Raises:
        CustodianDown: the custodian does not open anything now.
    """
    keys: dict[str, bytes] = {}
    gone: dict[str, str] = {}
    distinct = iter({volume.id: volume for volume in volumes}.values())
    while some := tuple(islice(distinct, MAX_VOLUMES)):
        try:
            opened = custodian.open_log_volumes(volumes=some)
        except CustodianError as down:
            raise CustodianDown from down
        keys.update(opened.keys)
        gone.update(opened.gone)
    return keys, gone
