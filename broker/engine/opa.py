"""The OPA engine: a real OPA server, asked through ``opa_client``; for production, where rules are shared by replicas.

The server loads what ``Bundle.write`` wrote. Every answer carries version and digest of the bundle that gave it: another
one than ours is ``policy.stale``. No server there is ``EngineDown``; a useless answer, or none by the deadline, is
``policy.error``.
"""

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from opa_client.opa import OpaClient

from broker.domain.decisions import Decision, all_withheld
from broker.domain.facts import Facts
from broker.engine import answers
from broker.engine.bundle import Bundle
from broker.errors import EngineDown
from broker.ports import SignerQuestion, SignersNeeded
from tillit.wire import PolicyRef

_DOWN, _ERROR = "policy.unavailable", "policy.error"
_UNREACHED = frozenset({401, 403, 502, 503, 504})


class OpaEngine:
    """Decides on an OPA server at ``url`` (http or https). One pooled session; safe to share between threads.

    ``deadline`` is in seconds: an ask is given up then, and the server stops working on it when the connection goes.
    """

    policy: PolicyRef

    def __init__(
        self,
        bundle: Bundle,
        url: str,
        *,
        token: str | None = None,
        deadline: float = answers.DEADLINE_SECONDS,
    ) -> None:
        self.policy = bundle.policy
        self._deadline = deadline
        self._policy_json = json.dumps(bundle.policy.model_dump(), sort_keys=True)
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("the OPA server's address is no http(s) URL")
        secure = parts.scheme == "https"
        self._client = OpaClient(
            host=parts.hostname,
            port=parts.port or (443 if secure else 80),
            ssl=secure,
            token=token,
            retries=0,
            timeout=deadline,
        )

    def decide(self, facts: Facts) -> Decision:
        """Answer every asked field. Raises ``EngineDown`` when the server cannot be asked."""
        answer = self._ask(answers.as_json(facts), "tillit", "decision")
        if answer is None:
            return all_withheld(facts, reason="policy.error", policy=self.policy)
        return answers.decision(answer, facts, self.policy)

    def signers(self, question: SignerQuestion) -> Mapping[str, SignersNeeded]:
        """Category → signatures needed. Raises ``EngineDown`` when there is no usable answer."""
        if self._ask("{}", "tillit", "policy") != self._policy_json:
            answers.unusable(answers.AnotherBundle(), _DOWN)
            raise EngineDown("the policy server has another bundle")
        answer = self._ask(answers.as_json(question), "tillit.signers", "required")
        if answer is None:
            raise EngineDown("the policy server gave no usable answer")
        return answers.signers(answer, question)

    def close(self) -> None:
        """Give the pooled connections back."""
        self._client.close_connection()

    def _ask(self, document: str, package: str, rule: str) -> str | None:
        """The JSON of the rule's value; None, and a line in the log, when the server answered without one.

        Undefined is no error to OPA. Raises ``EngineDown``, and logs, when it could not be asked.
        """
        until = time.monotonic() + self._deadline
        try:
            answer: Any = self._client.query_rule(
                input_data=json.loads(document), package_path=package, rule_name=rule
            )
        except requests.JSONDecodeError as error:
            answers.unusable(error, _ERROR)
            return None
        except requests.HTTPError as error:
            unreached = error.response is not None and error.response.status_code in _UNREACHED
            answers.unusable(error, _DOWN if unreached else _ERROR)
            if unreached:
                raise EngineDown("the policy server is not ready") from error
            return None
        except requests.ReadTimeout as error:
            answers.unusable(error, _ERROR)
            return None
        except requests.RequestException as error:
            # The server could not be reached, or said that it could not.
            answers.unusable(error, _DOWN)
            raise EngineDown("the policy server did not answer") from error
        if time.monotonic() > until:  # it came in drops, each in time
            answers.unusable(answers.Late(), _ERROR)
            return None
        if not isinstance(answer, Mapping) or "result" not in answer:
            answers.unusable(answers.NoResult(), _ERROR)
            return None
        return json.dumps(answer["result"], sort_keys=True)
