"""The application: endpoints behind their doors, problems for everything else, the log's sequencer beside the requests."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from broker.api import (
    asking_back_routes,
    audit_routes,
    authzen_routes,
    choice_routes,
    collaboration_routes,
    complaint_routes,
    contact_routes,
    copy_routes,
    guarding_routes,
    helping_routes,
    key_routes,
    open_routes,
    overview_routes,
    own_routes,
    person_routes,
    preview_routes,
    question_routes,
    service_routes,
    statute_routes,
    token_routes,
)
from broker.api.access_tokens import AccessTokens
from broker.api.door import Door, Pool
from broker.api.edge import Edge
from broker.api.endpoints import Endpoint, Endpoints, Exchange, Front, Reply, as_json
from broker.api.errors import HttpRefused, MethodNotAllowed, NoSuchResource
from broker.api.log import Log
from broker.api.metrics import Metrics
from broker.api.openapi import document
from broker.api.person_tokens import IssuerKeys, PersonTokens
from broker.api.problems import problem, status_of
from broker.ports import Ports
from broker.settings import Settings
from broker.usecases.people import person_key

TITLE = "Tillit broker"
VERSION = "0.1.0"
STOP_SECONDS = 10

Background = Callable[[threading.Event], None]


def create(
    ports: Ports,
    settings: Settings,
    *,
    log: Log,
    background: Sequence[Background] = (),
    renewed: Callable[[], Ports] | None = None,
    portal: Callable[[Pool], Sequence[BaseRoute]] = lambda _: (),
    metrics: Metrics | None = None,
) -> FastAPI:
    """The application on these ports. Its lifespan runs ``background``, each in a thread of its own, until it ends.

    ``renewed`` gives the ports for each request, where the policies in them may be exchanged while it runs; ``portal`` the
    routes of pages, which share the API's threads. ``metrics`` count what happens beside the requests too.
    """
    pool = Pool()
    now = renewed or (lambda: ports)
    front = Front(
        renewed=now,
        access=AccessTokens(lambda: now().secrets, ports.issuer),
        people=PersonTokens(
            IssuerKeys(settings.person_jwks_file),
            issuer=settings.person_issuer or "",
            audience=ports.issuer,
            keyed=lambda national_id: person_key(national_id, ports.secrets),
        ),
        log=log,
        metrics=metrics or Metrics(ports.engine.policy),
    )
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(background, pool),
        exception_handlers={HTTPException: _told},
    )
    for endpoint in (*every(), *_description(app)):
        app.router.routes.append(Door(endpoint, front=front, pool=pool))
    app.router.routes.extend(portal(pool))
    app.openapi = document(app, title=TITLE, version=VERSION)  # type: ignore[method-assign]
    app.add_middleware(Edge, https=ports.issuer.startswith("https:"), metrics=front.metrics)
    return app


def every() -> Iterator[Endpoint]:
    """Every endpoint the broker has, the most called first."""
    yield from service_routes.endpoints
    yield from statute_routes.endpoints
    yield from authzen_routes.endpoints
    yield from token_routes.endpoints
    yield from collaboration_routes.endpoints
    yield from person_routes.endpoints
    yield from copy_routes.endpoints
    yield from overview_routes.endpoints
    yield from helping_routes.endpoints
    yield from guarding_routes.endpoints
    yield from choice_routes.endpoints
    yield from contact_routes.endpoints
    yield from question_routes.endpoints
    yield from asking_back_routes.endpoints
    yield from preview_routes.endpoints
    yield from own_routes.endpoints
    yield from complaint_routes.endpoints
    yield from open_routes.endpoints
    yield from key_routes.endpoints
    yield from audit_routes.endpoints


def _description(app: FastAPI) -> Endpoints:
    endpoints = Endpoints()

    @endpoints.get("/openapi.json", "public", cache="public, max-age=300")
    def openapi(_: Exchange[Any]) -> Reply:
        """This description of the API (OpenAPI 3.1)."""
        return as_json(app.openapi())

    return endpoints


def _lifespan(
    background: Sequence[Background], pool: Pool
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        threads = [
            threading.Thread(target=run, args=(stop,), name="tillit-background", daemon=True)
            for run in background
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                await asyncio.to_thread(thread.join, STOP_SECONDS)
            await asyncio.to_thread(pool.close)

    return lifespan


async def _told(_: Request, error: Exception) -> Response:
    """What the router refuses by itself, as a problem."""
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code == status_of(NoSuchResource):
        return problem(NoSuchResource(), headers=headers)
    if error.status_code == status_of(MethodNotAllowed):
        return problem(MethodNotAllowed(), headers=headers)
    return problem(HttpRefused())
