"""The entrance: what every visit to the portal passes, in one order, before and after the one function that makes its page.

Head bounds → session → form bounds → (in a worker thread) origin and check → strict form → page. Whatever stops a visit is told
on a page of its own, and has changed nothing.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from broker.api import limits
from broker.api.door import Pool, checked_path, fingerprint, from_pairs, language, log_failure
from broker.api.endpoints import Nothing
from broker.api.errors import Failure, FormMalformed, NoSuchResource, QueryInvalid
from broker.api.problems import TABLE
from broker.domain.sessions import Session, StaffSession, Stay
from broker.errors import BrokerError, CustodianDown, Refused, Unavailable
from broker.portal import mistakes, uploads
from broker.portal.errors import FormForeign, NoSession, SessionStale
from broker.portal.forms import Form, check_of, is_ours
from broker.portal.pages import Answer, Hall, Onward, Page, Saved, Shown, Visit
from broker.usecases import refusals, sessions, staff_sessions
from keys.errors import CustodianError
from tillit.jose import b64u
from tillit.wire import Language

CHOSEN = "tillit-language"
CHOSEN_SECONDS = 365 * 86_400
MAX_COOKIE_CHARS = 64
MAX_LOGIN_CHARS = 512
"""A login's cookie says where the person was going."""
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # With no referrer at all browsers would not say which site a form comes from either.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Entrance(Route):
    """A page's route."""

    def __init__(self, page: Page, *, hall: Hall, pool: Pool) -> None:
        self.declared = page
        self._hall = hall
        self._pool = pool
        super().__init__(page.path, self._handle, methods=[page.method], include_in_schema=False)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route; and the access log may name it."""
        match, child = super().matches(scope)
        return match, {**child, "route": self} if match is not Match.NONE else child

    async def _handle(self, request: Request) -> Response:
        stay: Stay | None = None
        try:
            limits.check_head(request.scope)
            token = _cookie(request, self._hall.cookie(self.declared))
            stay = await self._pool.run(self._stay, token)
            closed = stay is None and self.declared.who != "anybody"
            body = b"" if closed else await self._body(request)  # no stranger has a body held
            return await self._pool.run(self._answered, request, stay, token, body)
        except BrokerError as error:
            return await self._stopped(error, request, stay)

    async def _stopped(self, error: BrokerError, request: Request, stay: Stay | None) -> Response:
        """What is told of a visit that did not come as far as its page."""
        told = error
        if isinstance(stay, StaffSession) and isinstance(error, Refused):
            try:
                await self._pool.run(self._noted, error, stay)
            except Unavailable as down:
                told = down
        return self._told(told, request, None, "")

    def _stay(self, token: str) -> Stay | None:
        """The session of a token, of the page's own kind."""
        if not token:
            return None
        ports = self._hall.renewed()
        if not self.declared.staff:
            return sessions.session(token, ports=ports)
        door, found = self._hall.staff, staff_sessions.session(token, ports=ports)
        if door is None or found is None:
            return None
        return found if door.workplaces.admits(found.employee, ports.catalogue) else None

    async def _body(self, request: Request) -> bytes:
        if self.declared.method == "GET":
            return b""
        if self._is_upload(request):
            return await limits.read_body(request, most=uploads.MAX_BYTES)
        limits.check_media_type(request.headers, "application/x-www-form-urlencoded")
        return await limits.read_body(request)

    def _is_upload(self, request: Request) -> bool:
        said = request.headers.get("content-type", "")
        return bool(self.declared.file) and uploads.is_upload(said)

    # --- in a thread ---

    def _answered(self, request: Request, stay: Stay | None, token: str, body: bytes) -> Response:
        try:
            return self._made(request, stay, token, body)
        except BrokerError as error:
            return self._told(error, request, stay, token)
        except CustodianError:
            return self._told(CustodianDown(), request, stay, token)
        except Exception as error:  # noqa: BLE001 (the last line of defence: nothing inner may leave)
            log_failure(error, self.declared.route)
            return self._told(Failure(), request, stay, token)

    def _made(self, request: Request, stay: Stay | None, token: str, body: bytes) -> Response:
        """The page. What a unit was refused is in the log before it is told."""
        try:
            visit = self._visit(request, stay, token, body)
            answer = self.declared.make(visit)
        except Refused as error:
            self._noted(error, stay)
            raise
        if isinstance(answer, Shown) and answer.refusal is not None:
            self._noted(answer.refusal, stay)
        return self._response(answer, visit)

    def _noted(self, error: BrokerError, stay: Stay | None) -> None:
        """Log that an employee's request was refused, as the API does of a service's."""
        if isinstance(stay, StaffSession) and not isinstance(error, SessionStale):
            refusals.record(
                stay.employee.unit,
                route=self.declared.route,
                code=error.code,
                ports=self._hall.renewed(),
                actor=stay.employee.actor,
            )

    def _visit(self, request: Request, stay: Stay | None, token: str, body: bytes) -> Visit:
        page, ports = self.declared, self._hall.renewed()
        path = checked_path(request.path_params)
        if self._is_upload(request):
            body = self._without_file(request, body)
        if page.who != "anybody":
            if stay is None:
                raise NoSession
            if page.who.startswith("fresh") and not stay.is_fresh(ports.clock()):
                raise SessionStale
        return Visit(
            hall=self._hall,
            ports=ports,
            stay=stay,
            token=token if stay else "",
            login=_cookie(request, f"{self._hall.cookie(page)}-login", most=MAX_LOGIN_CHARS),
            language=_language(request, stay),
            path=path,
            query=_query(request.scope["query_string"], page),
            form=self._form(request, token if stay else "", body, ports.issuer),
            form_sha256=fingerprint(request, body),
        )

    def _without_file(self, request: Request, body: bytes) -> bytes:
        page, said = self.declared, request.headers["content-type"]
        try:
            return uploads.as_form(body, said, file=page.file, most=page.most)
        except ValueError:
            raise FormMalformed from None

    def _form(self, request: Request, token: str, body: bytes, issuer: str) -> BaseModel:
        page = self.declared
        if page.method == "GET":
            return Nothing()
        _check_origin(request, issuer)
        try:
            form = from_pairs(body, page.takes, page.most)
        except ValueError:
            raise FormMalformed from None
        if isinstance(form, Form) and token and not is_ours(form.check, token):
            raise FormForeign
        return form

    def _response(self, answer: Answer, visit: Visit) -> Response:
        match answer:
            case Shown(template, context, status, _, spoken):
                return self._shown(
                    template,
                    context,
                    spoken or visit.language,
                    stay=visit.stay,
                    token=visit.token,
                    status=status,
                )
            case Saved(content, media_type, name, cache):
                saved = Response(content, media_type=media_type, headers={**HEADERS})
                saved.headers["cache-control"] = cache
                if name is not None:
                    saved.headers["content-disposition"] = f'attachment; filename="{name}"'
                return saved
            case Onward(to, kept, login, chosen):
                onward = RedirectResponse(to, status_code=303, headers=dict(HEADERS))
                cookie = self._hall.cookie(self.declared)
                self._keep(onward, cookie, kept)
                self._keep(onward, f"{cookie}-login", login)
                self._keep(onward, CHOSEN, chosen, seconds=CHOSEN_SECONDS)
                return onward

    def _shown(
        self,
        template: str,
        context: Mapping[str, Any],
        spoken: Language,
        *,
        stay: Stay | None,
        token: str,
        status: int,
    ) -> Response:
        common = {
            "session": stay if isinstance(stay, Session) else None,
            "at_work": stay if isinstance(stay, StaffSession) else None,
            "home": self.declared.home,
            "check": check_of(token) if token else "",
            "once": b64u(secrets.token_bytes(16)),
        }
        html = self._hall.looks.page(template, spoken, common | dict(context))
        return Response(html, status, media_type="text/html", headers=dict(HEADERS))

    def _keep(
        self, response: Response, name: str, value: str | None, *, seconds: int | None = None
    ) -> None:
        """Have the browser keep something, or (empty) forget it. No script ever reads it."""
        if value is None:
            return
        response.set_cookie(
            name,
            value,
            max_age=seconds if value else 0,
            httponly=True,
            secure=self._hall.https,
            samesite="lax",
        )

    def _told(
        self, error: BrokerError, request: Request, stay: Stay | None, token: str
    ) -> Response:
        """The page that says what stopped the visit."""
        if isinstance(error, NoSession | SessionStale) and self.declared.method == "GET":
            again = "again=yes&" if isinstance(error, SessionStale) else ""
            return RedirectResponse(
                f"{self.declared.home}/login?{again}to={request.scope['path']}",
                status_code=303,
                headers=dict(HEADERS),
            )
        spoken = _language(request, stay)
        context = mistakes.told(error, self._hall.looks.words[spoken], at_work=self.declared.staff)
        return self._shown(
            "mistake.html",
            context,
            spoken,
            stay=stay,
            token=token if stay else "",
            status=TABLE[error.code].status,
        )


class Nowhere(Entrance):
    """Wherever nothing is to look at, for browsers: a page says so. Programs are answered by a problem, as everywhere."""

    def __init__(self, *, hall: Hall, pool: Pool) -> None:
        page = Page("GET", "/{path:path}", "anybody", lambda _: Saved(b"", ""), Nothing, Nothing, 0)
        super().__init__(page, hall=hall, pool=pool)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whatever no route before it answers, when a page is wanted."""
        wanted = Headers(scope=scope).get("accept", "")
        return super().matches(scope) if "text/html" in wanted else (Match.NONE, {})

    def _visit(self, *_: object) -> Visit:
        raise NoSuchResource


def _cookie(request: Request, name: str, *, most: int = MAX_COOKIE_CHARS) -> str:
    """A cookie's value; empty where there is none, or none that the portal would have given."""
    value = request.cookies.get(name, "")
    return value if len(value) <= most and value.isascii() else ""


def _language(request: Request, stay: Stay | None) -> Language:
    if stay is not None:
        return stay.language
    chosen = request.cookies.get(CHOSEN, "")
    return language(
        chosen if chosen in {"nb", "nn", "en"} else request.headers.get("accept-language", "")
    )


def _query(raw: bytes, page: Page) -> BaseModel:
    if not raw and page.query is Nothing:
        return Nothing()
    try:
        return from_pairs(raw, page.query, page.most)
    except ValueError:
        raise QueryInvalid from None


def _check_origin(request: Request, issuer: str) -> None:
    """A form is sent from this site. Old browsers say nothing, and have the form's check to show.

    Raises:
        FormForeign: the browser says that it comes from elsewhere.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in {None, "same-origin", "none"} or origin not in {None, issuer}:
        raise FormForeign
