"""The embedded engine: regorus, one engine per thread, made from the bundle (ADR 0003).

An engine belongs to the thread that made it: used from another it raises ``PanicException``, which is no ``Exception``, and let
go of by another it is never freed. So each thread keeps its own, and lets go of those whose adapter is gone; and no frame that
can raise has one in a variable, for the collector takes tracebacks away in whichever thread it runs. Every failure is a
withheld field, never an exception that a caller could mistake for an answer.

An evaluation cannot be interrupted: it runs to its end however long that takes, and an answer that comes after the deadline is
thrown away. The deadline so bounds how old an answer may be, not how long a caller waits; an OPA server bounds both.
"""

import json
import threading
import time
import weakref
from collections.abc import Mapping

import regorus

from broker.domain.decisions import Decision
from broker.domain.facts import Facts
from broker.engine import answers
from broker.engine.bundle import Bundle, BundleError
from broker.errors import EngineDown
from broker.ports import SignerQuestion, SignersNeeded
from tillit.wire import PolicyRef

_DECISION = "data.tillit.decision"
_SIGNERS = "data.tillit.signers.required"


class _Kept(threading.local):
    """This thread's engines, by the adapter that each is of."""

    def __init__(self) -> None:
        self.engines: dict[int, tuple[weakref.ref[RegorusEngine], regorus.Engine]] = {}


_kept = _Kept()


class RegorusEngine:
    """Decides in process. Holds the GIL while it evaluates (about a millisecond). ``deadline`` is in seconds."""

    policy: PolicyRef

    def __init__(self, bundle: Bundle, *, deadline: float = answers.DEADLINE_SECONDS) -> None:
        self.policy = bundle.policy
        self._deadline = deadline
        self._modules = tuple(sorted(bundle.modules.items()))
        self._data = json.dumps(bundle.data())
        try:
            self._engine()  # rules that do not compile are found now, not at the first ask
        except Exception as error:
            raise BundleError(f"the rules do not compile: {error}") from error
        self._let_go()  # this thread may never ask

    def decide(self, facts: Facts) -> Decision:
        """Answer every asked field; ``policy.error`` where the engine fails or answers anything but a decision."""
        try:
            answer = self._ask(answers.as_json(facts), _DECISION)
        except _Failed as failed:
            because = failed.__cause__ or failed
            return answers.withheld(facts, self.policy, reason="policy.error", because=because)
        return answers.decision(answer, facts, self.policy)

    def signers(self, question: SignerQuestion) -> Mapping[str, SignersNeeded]:
        """Category → signatures needed. Raises ``EngineDown`` when there is no usable answer."""
        try:
            answer = self._ask(answers.as_json(question), _SIGNERS)
        except _Failed as failed:
            answers.unusable(failed.__cause__ or failed, "policy.unavailable")
            raise EngineDown("the policy engine failed") from None
        return answers.signers(answer, question)

    def _ask(self, document: str, query: str) -> str:
        try:
            self._engine()  # made before the clock starts: a thread's first ask is not late for it
            until = time.monotonic() + self._deadline
            self._engine().set_input_json(document)
            answer = str(self._engine().eval_rule_as_json(query))
        except BaseException as error:
            self._let_go()  # a panicked engine is not used again
            if _is_panic(error) or isinstance(error, Exception):
                raise _Failed from error
            raise
        if time.monotonic() > until:
            raise _Failed from answers.Late()
        return answer

    def _engine(self) -> regorus.Engine:
        kept = _kept.engines.get(id(self))
        if kept is not None and kept[0]() is self:
            return kept[1]
        for adapter in [a for a, (alive, _) in _kept.engines.items() if alive() is None]:
            del _kept.engines[adapter]
        engine = regorus.Engine()
        try:
            for name, text in self._modules:
                engine.add_policy(name, text)
            engine.add_data_json(self._data)
        except BaseException:
            del engine
            raise
        _kept.engines[id(self)] = (weakref.ref(self), engine)
        return engine

    def _let_go(self) -> None:
        _kept.engines.pop(id(self), None)


class _Failed(Exception):  # never leaves this module
    """The engine did not answer."""


def _is_panic(error: BaseException) -> bool:
    """A Rust panic: pyo3's class cannot be imported, and its base is ``BaseException``."""
    return type(error).__name__ == "PanicException"
