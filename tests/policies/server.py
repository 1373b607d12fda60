"""A real OPA server for a test: on a free loopback port, loaded with a written bundle, stopped by its own pid."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.engine.bundle import Bundle
from tests.policies.tools import tool

READY_SECONDS = 30


@contextmanager
def serving(bundle: Bundle, directory: Path) -> Iterator[str]:
    """The URL of a server that has loaded ``bundle``, written to the not yet existing ``directory``."""
    bundle.write(directory)
    with serving_directory(directory) as url:
        yield url


@contextmanager
def serving_directory(directory: Path) -> Iterator[str]:
    """The URL of a server that has loaded a bundle directory."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(tool("opa")), "run", "--server", "--addr", f"127.0.0.1:{port}"]
    options = ["--skip-version-check", "--log-level", "error", "--bundle", str(directory)]
    process = subprocess.Popen(
        [*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _await(url, process)
        yield url
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = process.stderr.read().decode() if process.stderr else ""
            raise RuntimeError(f"the OPA server stopped at once: {said[-400:]}")
        try:
            with urllib.request.urlopen(f"{url}/health?bundles", timeout=1) as answer:  # noqa: S310 (our own http URL)
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError("the OPA server did not become ready")
