"""Log keys for tests: a real custodian's, on a keyring of this process's own; and reading what was sealed to them."""

import atexit
import functools
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from audit.contents import Content, opened, stored
from audit.retention import rules
from audit.sealing import Sealer
from audit.storage import log_entry
from broker.store.log_keys import CustodiansLogKeys
from keys import keyring
from keys.custodian import Custodian
from keys.keyring import LocalCustodian
from tests.sealed_case import CHEAP, PASSPHRASE

BEFORE = datetime(2025, 1, 1, tzinfo=UTC)


@functools.cache
def custodian() -> LocalCustodian:
    """The one custodian of tests that are about something else."""
    home = Path(tempfile.mkdtemp(prefix="tillit-log-keys-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    keyring.create(home / "keyring", PASSPHRASE, cost=CHEAP)
    return LocalCustodian(home / "keyring", lambda: PASSPHRASE)


def log_keys(clock: Callable[[], datetime] = lambda: BEFORE) -> CustodiansLogKeys:
    """Its log keys, at a time when nothing is over."""
    return CustodiansLogKeys(custodian(), clock=clock)


def sealer() -> Sealer:
    """What seals to them."""
    return Sealer(log_keys(), epoch_of=rules().epoch_of)


def contents(engine: Engine, type_: str, keys: Custodian | None = None) -> list[Mapping[str, Any]]:
    """The contents of every readable entry of a type, oldest first."""
    query = select(log_entry.c.leaf_hash).where(log_entry.c.type == type_)
    with engine.connect() as connection:
        hashes = connection.execute(query.order_by(log_entry.c.position)).scalars().all()
        found = [
            one
            for n in range(0, len(hashes), 500)
            for one in stored(connection, hashes[n : n + 500])
        ]
    volumes = {one.volume.id: one.volume for one in found if one.volume}
    held = tuple(volumes.values())
    asked = keys or custodian()
    read: dict[str, bytes] = {}
    for n in range(0, len(held), 256):
        read.update(asked.open_log_volumes(volumes=held[n : n + 256]).keys)
    each = [opened(one, keys=read, gone={}) for one in found]
    return [json.loads(json.dumps(one.content)) for one in each if isinstance(one, Content)]
