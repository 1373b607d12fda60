"""Coming in and going out: login at the identity provider, language, logging out here or everywhere."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from broker.api.errors import NoSuchResource
from broker.portal.errors import LoginRefused
from broker.portal.forms import Form, LanguageForm, Within
from broker.portal.oidc import MAX_CODE_CHARS
from broker.portal.pages import Answer, Onward, Pages, Saved, Visit
from broker.usecases import contacting, sessions
from broker.usecases.people import person_key

pages = Pages()

YEAR_SECONDS = 365 * 86_400


class _Query(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class LoginQuery(_Query):
    """Where to go after the login. ``again``: though the provider may know the person already."""

    to: Within = "/"
    again: Annotated[str, StringConstraints(pattern=r"^(yes)?$")] = ""


class AnswerQuery(BaseModel):
    """What the provider sends the browser back with (RFC 6749 § 4.1.2, RFC 9207)."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)

    state: Annotated[str, StringConstraints(max_length=64)]
    code: Annotated[str, StringConstraints(max_length=MAX_CODE_CHARS)] = ""
    iss: Annotated[str, StringConstraints(max_length=200)] = ""


class FileQuery(_Query):
    """Which version of a file; a page names the one it was made with."""

    v: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{0,12}$")] = ""


@pages.get("/login", "anybody", query=LoginQuery)
def login(visit: Visit) -> Answer:
    """Off to the identity provider."""
    going_to = visit.query.to + ("#again" if visit.query.again else "")
    browser, begun = sessions.begin_login(
        going_to=going_to, language=visit.language, ports=visit.ports
    )
    address = visit.hall.provider.address(begun, again=bool(visit.query.again))
    return Onward(address, login=browser)


@pages.get("/login/answer", "anybody", query=AnswerQuery)
def answer(visit: Visit) -> Answer:
    """Back from the identity provider."""
    query: AnswerQuery = visit.query
    begun = sessions.begun_login(visit.login, state=query.state, ports=visit.ports)
    provider = visit.hall.provider
    if not query.code or query.iss not in {"", provider.issuer}:
        raise LoginRefused
    going_to, _, again = begun.going_to.partition("#")
    vouched = provider.vouched(begun, code=query.code, again=bool(again))
    token = sessions.log_in(
        person_key(vouched.national_id, visit.ports.secrets),
        login_at=vouched.login_at,
        language=begun.language,
        instead_of=visit.token or None,
        ports=visit.ports,
    )
    return Onward(going_to, session=token, login="")


@pages.post("/logout", "person", takes=Form)
def logout(visit: Visit) -> Answer:
    """Out, on this browser."""
    sessions.log_out(visit.token, ports=visit.ports)
    return Onward("/", session="")


@pages.post("/logout/everywhere", "person", takes=Form)
def logout_everywhere(visit: Visit) -> Answer:
    """Out, on every browser."""
    sessions.log_out_everywhere(visit.person, ports=visit.ports)
    return Onward("/", session="")


@pages.post("/language", "anybody", takes=LanguageForm)
def speak(visit: Visit) -> Answer:
    """The same page in another language."""
    form: LanguageForm = visit.form
    if visit.session is not None:
        sessions.speak(visit.token, visit.session, form.language, ports=visit.ports)
        contacting.speak(form.language, person=visit.person, ports=visit.ports)
    return Onward(form.back, language=form.language)


@pages.get("/static/{file}", "anybody", query=FileQuery)
def file(visit: Visit) -> Answer:
    """What pages are dressed with; kept by browsers for as long as it has this version."""
    found = visit.hall.looks.files.get(visit.path["file"])
    if found is None:
        raise NoSuchResource
    cache = (
        f"public, max-age={YEAR_SECONDS}, immutable"
        if visit.query.v == found.version
        else "public, max-age=300"
    )
    return Saved(found.content, found.media_type, cache=cache)
