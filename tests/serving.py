"""A house behind HTTP: the broker's own application on a loopback port, in a thread of this process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from broker.api import app
from broker.api.log import Log
from broker.settings import Settings
from broker.store.sql import SqlStore
from tests.house import PASSPHRASE, House

_START_SECONDS = 20.0


@contextmanager
def serving(house: House, directory: Path, **more: Any) -> Iterator[str]:
    """The address of the house while it serves. ``more`` are further settings."""
    store = house.ports.store
    assert isinstance(store, SqlStore)
    settings = Settings(
        mode="demo",
        data_dir=directory,
        issuer=house.ports.issuer,
        passphrase=PASSPHRASE.decode(),
        **more,
    )
    application = app.create(
        house.ports,
        settings,
        log=Log(store.engine.connect, house.sequencer.head),
        background=(house.sequencer.run_forever,),
    )
    config = uvicorn.Config(
        application, host="127.0.0.1", port=0, log_level="critical", ws="none", lifespan="on"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="tillit-served")
    thread.start()
    try:
        _wait(server, thread)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    until = time.monotonic() + _START_SECONDS
    while not server.started:
        assert thread.is_alive(), "the broker did not start"
        assert time.monotonic() < until, "the broker took too long to start"
        time.sleep(0.01)
