"""Fixtures: the bundle, a real OPA server that has loaded it, and each engine behind the port in turn."""

from collections.abc import Iterator

import pytest

from broker.engine.bundle import Bundle, load
from broker.engine.opa import OpaEngine
from broker.engine.regorus import RegorusEngine
from broker.ports import PolicyEngine
from tests.policies.server import serving
from tests.policies.tools import ToolMissing, required, tool

PATIENT = 600.0
"""A deadline that a machine keeps even when it stood still: tested here is what the engines answer, not how soon."""


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The bundle of the project's own policies."""
    return load()


@pytest.fixture(scope="session")
def regorus_engine(bundle: Bundle) -> RegorusEngine:
    """The embedded engine."""
    return RegorusEngine(bundle, deadline=PATIENT)


@pytest.fixture(scope="session")
def opa() -> str:
    """The path of a real `opa`; without one the test is skipped, or fails where CI requires it."""
    try:
        return str(tool("opa"))
    except ToolMissing as missing:
        if required():
            raise
        return pytest.skip(f"NOT RUN, no OPA: {missing}")


@pytest.fixture(scope="session")
def opa_engine(
    bundle: Bundle, opa: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpaEngine]:
    """The engine on a real server."""
    assert opa
    with serving(bundle, tmp_path_factory.mktemp("opa") / "bundle") as url:
        engine = OpaEngine(bundle, url, deadline=PATIENT)
        yield engine
        engine.close()


@pytest.fixture(scope="session", params=["regorus", pytest.param("opa", marks=pytest.mark.opa)])
def engine(request: pytest.FixtureRequest) -> PolicyEngine:
    """Each engine in turn."""
    found: PolicyEngine = request.getfixturevalue(f"{request.param}_engine")
    return found
