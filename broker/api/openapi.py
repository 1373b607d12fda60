"""OpenAPI 3.1 from the declared endpoints: bodies, credentials, and every problem each call can answer, with an example."""

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from fastapi import Body, FastAPI, Header, Path, Query, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer, OAuth2
from starlette.responses import Response

from broker.api import errors as edge
from broker.api.endpoints import SCOPE_OF, Endpoint, Nothing
from broker.api.problems import MEDIA_TYPE, TABLE, TYPE_PREFIX, status_of
from broker.errors import (
    BrokerError,
    Contended,
    CustodianDown,
    EngineDown,
    IdempotencyKeyReused,
    RegisterDown,
    StoreDown,
)
from tillit.wire import Problem

_SERVICE = OAuth2(
    scheme_name="service",
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl="/oauth/token",
            scopes={"share": "ask, deposit, consent", "log": "read the transparency log"},
        )
    ),
    description="RFC 9068 access token, got with private_key_jwt (RFC 7523) at /oauth/token.",
)
_PERSON = HTTPBearer(
    scheme_name="person",
    bearerFormat="JWT",
    description="The identity provider's access token for a person.",
)

_HEAD: tuple[type[BrokerError], ...] = (edge.TargetTooLong, edge.HeadersTooLarge, edge.HttpRefused)
_ALWAYS: tuple[type[BrokerError], ...] = (*_HEAD, edge.QueryInvalid, edge.Busy, edge.Failure)
_BODY: tuple[type[BrokerError], ...] = (
    edge.BodyTooLarge,
    edge.BodyTooSlow,
    edge.MediaTypeWrong,
    edge.ContentCoded,
    edge.BodyMissing,
    edge.NotUtf8,
    edge.NotJson,
    edge.TooDeep,
    edge.DuplicateMember,
    edge.NotFinite,
    edge.BodyInvalid,
    edge.WrongType,
    edge.MemberMissing,
    edge.MemberUnknown,
    edge.TooMany,
    edge.BadDate,
)
_FORM: tuple[type[BrokerError], ...] = (
    edge.BodyTooLarge,
    edge.BodyTooSlow,
    edge.MediaTypeWrong,
    edge.ContentCoded,
    edge.BodyMissing,
    edge.FormMalformed,
)
_TOKEN: tuple[type[BrokerError], ...] = (edge.TokenMissing, edge.TokenInvalid, edge.TokenExpired)
_STANDS_ON: tuple[type[BrokerError], ...] = (
    StoreDown,
    Contended,
    EngineDown,
    RegisterDown,
    CustodianDown,
)


_TAGS = {
    "oauth": "tokens",
    ".well-known": "tokens",
    "log": "log",
    "access": "service",
    "audit": "auditor",
}


def refusals_of(endpoint: Endpoint) -> tuple[type[BrokerError], ...]:
    """Every error the endpoint can answer with."""
    found: list[type[BrokerError]] = [*_ALWAYS, *_STANDS_ON, *endpoint.refuses]
    if endpoint.credential != "public":
        found += _TOKEN
        found.append(
            edge.PersonIssuerDown if endpoint.credential == "person" else edge.ScopeMissing
        )
    if endpoint.method == "POST":
        found += _FORM if endpoint.form else _BODY
    if endpoint.idempotent:
        found += [edge.IdempotencyKeyMalformed, IdempotencyKeyReused]
        found += [] if endpoint.key_optional else [edge.IdempotencyKeyMissing]
    if "{" in endpoint.path:
        found.append(edge.NoSuchResource)
    return tuple(dict.fromkeys(found))


def described(endpoint: Endpoint) -> dict[str, Any]:
    """The keyword arguments that tell FastAPI's route what the endpoint is."""
    return {
        "endpoint": _documented(endpoint),
        "response_model": endpoint.gives,
        "status_code": endpoint.status,
        "summary": endpoint.summary,
        "description": endpoint.description,
        "responses": _file(endpoint) | _problems(refusals_of(endpoint)),
        "dependencies": _security(endpoint),
        "openapi_extra": _extra(endpoint),
        "tags": [_tag(endpoint.path)],
        "operation_id": endpoint.answer.__name__,
        # Of what is no JSON of a wire model FastAPI would say that it is JSON of any kind.
        **({"response_class": Response} if endpoint.media else {}),
    }


def document(app: FastAPI, *, title: str, version: str) -> Callable[[], dict[str, Any]]:
    """A function that makes the document once."""

    def made() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=title,
                version=version,
                routes=app.routes,
                description="Consent and information-sharing broker. Errors are RFC 9457 problems with a stable code.",
            )
            schema.setdefault("components", {}).setdefault("schemas", {})["Problem"] = (
                Problem.model_json_schema()
            )
            _without_frameworks_own(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    return made


def _without_frameworks_own(schema: dict[str, Any]) -> None:
    """Drop the 422 that FastAPI documents for its own validation, which never runs here."""
    for unused in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(unused, None)
    for operations in schema["paths"].values():
        for operation in operations.values():
            if "HTTPValidationError" in str(operation["responses"].get("422", "")):
                del operation["responses"]["422"]


def _file(endpoint: Endpoint) -> dict[int | str, dict[str, Any]]:
    if endpoint.media is None:
        return {}
    return {endpoint.status: {"description": endpoint.summary, "content": {endpoint.media: {}}}}


def _problems(errors: Iterable[type[BrokerError]]) -> dict[int | str, dict[str, Any]]:
    by_status: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        status, title = TABLE[error.code]
        answer = by_status.setdefault(
            status,
            {
                "description": "",
                "content": {
                    MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
                },
            },
        )
        answer["description"] = "; ".join(filter(None, (answer["description"], title)))
        answer["content"][MEDIA_TYPE]["examples"][error.code] = {
            "summary": inspect.getdoc(error) or title,
            "value": {
                "type": TYPE_PREFIX + error.code,
                "title": title,
                "status": status_of(error),
                "code": error.code,
            },
        }
    return by_status


def _documented(endpoint: Endpoint) -> Callable[..., None]:
    """A function with the signature FastAPI documents. It is never called: ``Door`` answers."""

    def documented() -> None: ...

    documented.__name__ = endpoint.answer.__name__
    documented.__signature__ = inspect.Signature(list(_parameters(endpoint)))  # type: ignore[attr-defined]
    return documented


def _parameters(endpoint: Endpoint) -> Iterable[inspect.Parameter]:
    kind = inspect.Parameter.KEYWORD_ONLY
    for name in re.findall(r"{(\w+)", endpoint.path):
        yield inspect.Parameter(name, kind, annotation=Annotated[str, Path()])
    if endpoint.query is not Nothing:
        yield inspect.Parameter("query", kind, annotation=Annotated[endpoint.query, Query()])
    if endpoint.idempotent:
        header = Header(alias="Idempotency-Key", min_length=8, max_length=128)
        if endpoint.key_optional:
            optional = Annotated[str | None, header]
            yield inspect.Parameter("idempotency_key", kind, annotation=optional, default=None)
        else:
            yield inspect.Parameter("idempotency_key", kind, annotation=Annotated[str, header])
    if endpoint.takes is not Nothing and not endpoint.form:
        yield inspect.Parameter("body", kind, annotation=Annotated[endpoint.takes, Body()])


def _security(endpoint: Endpoint) -> list[Any]:
    match endpoint.credential:
        case "public":
            return []
        case "person":
            return [Security(_PERSON)]
        case "service" | "log" | "audit" | "content" as of_a_client:
            return [Security(_SERVICE, scopes=[SCOPE_OF[of_a_client]])]


def _extra(endpoint: Endpoint) -> dict[str, Any] | None:
    if not endpoint.form:
        return None
    schema = endpoint.takes.model_json_schema()
    content = {"application/x-www-form-urlencoded": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def _tag(path: str) -> str:
    first, _, rest = path.strip("/").partition("/")
    if first != "v1":
        return _TAGS.get(first, "operator")
    return "person" if rest.startswith("me") else "service"
