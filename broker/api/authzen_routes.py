"""The OpenID Authorization API 1.0 (AuthZEN), for clients that speak it: the decisions of ``POST /v1/checks`` in its shapes."""

from typing import Any

from broker.api.endpoints import Endpoints, Exchange, Reply, as_json
from broker.errors import NotTheCaller, UnknownHandle, UnknownPerson
from broker.usecases import evaluations as usecase
from tillit.wire.authzen import Evaluation, EvaluationAnswer, Evaluations, EvaluationsAnswer

endpoints = Endpoints()


@endpoints.post(
    "/access/v1/evaluation",
    "service",
    takes=Evaluation,
    gives=EvaluationAnswer,
    refuses=(NotTheCaller, UnknownHandle, UnknownPerson),
    key_optional=True,
)
def evaluation(given: Exchange[Evaluation]) -> EvaluationAnswer:
    """May I know this field? (AuthZEN).

    A check in the shapes of the OpenID Authorization API 1.0. Nothing is released.
    """
    return usecase.evaluation(given.body, call=given.call, ports=given.ports)


@endpoints.post(
    "/access/v1/evaluations",
    "service",
    takes=Evaluations,
    gives=EvaluationsAnswer,
    refuses=(NotTheCaller, UnknownHandle, UnknownPerson),
    key_optional=True,
)
def evaluations(given: Exchange[Evaluations]) -> EvaluationsAnswer:
    """May I know these fields? (AuthZEN).

    Up to 100, answered in order; ``options.evaluations_semantic`` says whether the first denial or permit ends it.
    """
    return usecase.evaluations(given.body, call=given.call, ports=given.ports)


@endpoints.get("/.well-known/authzen-configuration", "public", cache="public, max-age=3600")
def authzen_configuration(given: Exchange[Any]) -> Reply:
    """Where the decisions are asked for (AuthZEN metadata)."""
    issuer = given.ports.issuer
    return as_json(
        {
            "policy_decision_point": issuer,
            "access_evaluation_endpoint": f"{issuer}/access/v1/evaluation",
            "access_evaluations_endpoint": f"{issuer}/access/v1/evaluations",
        }
    )
