"""An engine's deadline: what comes after it is no answer, and the next ask works."""

import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from broker.engine.bundle import Bundle
from broker.engine.opa import OpaEngine
from broker.errors import EngineDown
from broker.ports import PolicyEngine, SignerQuestion
from tests.policies.asking import ORDINARY, Run, changed, engine_of, expect, reasons, said_once
from tests.policies.engines import bundle, opa
from tests.policies.scenario import facts

__all__ = ["bundle", "engine_of", "opa"]

SLOW = """package tillit

# Two million rounds for the purpose "supervision" alone: seconds on either engine.
decision := data.tillit.slow if input.ask.purpose == "supervision"

decision := data.tillit.usual if input.ask.purpose != "supervision"

slow := {"rounds": count([1 |
	some x in numbers.range(1, 1500)
	some y in numbers.range(1, 1500)
	x * y == 7
])}
"""


def slow(bundle: Bundle) -> Bundle:
    """The bundle with rules that take seconds for one purpose, and answer as usual for any other."""
    usual = bundle.modules["tillit/decision.rego"]
    renamed = re.sub(r"(?m)^(default )?decision\b", r"\1usual", usual)
    assert renamed != usual
    return changed(bundle, "tillit/decision.rego", renamed + SLOW.removeprefix("package tillit\n"))


def test_an_engine_slower_than_its_deadline_withholds_and_answers_the_next(
    bundle: Bundle, engine_of: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """A late answer is about a moment that has passed; one slow rule must not take the broker with it."""

    def ask(engine: PolicyEngine) -> None:
        late = {**ORDINARY, "ask": {**ORDINARY["ask"], "purpose": "supervision"}}  # type: ignore[dict-item] # a literal above
        assert reasons(engine.decide(facts(late))) == {("policy.error",)}
        said_once(caplog, "policy.error")
        assert "education.attendance.rate" in engine.decide(facts(ORDINARY)).permitted()

    engine_of(slow(bundle), ask, deadline=0.2)


QUESTION = SignerQuestion(age=19, guardians=0, guardians_rule="all", categories=("contact",))


def test_a_server_that_hangs_withholds_everything(
    bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    """A hanging server must not hang the appointment."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        engine = OpaEngine(bundle, url, deadline=0.05)
        expect(engine, ("policy.error",))
        said_once(caplog, "policy.error")
        with pytest.raises(EngineDown):
            engine.signers(QUESTION)


def test_an_answer_in_drops_is_late_all_the_same(
    bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    """Each drop may be in time; the deadline is for the answer."""

    class Dripping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            for _ in range(10):
                self.wfile.write(b"1")
                self.wfile.flush()
                time.sleep(0.05)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Dripping) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        engine = OpaEngine(bundle, f"http://127.0.0.1:{server.server_port}", deadline=0.3)
        try:
            expect(engine, ("policy.error",))
        finally:
            engine.close()
            server.shutdown()
            thread.join()
    assert '"error": "Late"' in caplog.text
