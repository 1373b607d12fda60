"""Coming in and going out as an employee: login at the provider of workplaces, language, logging out here or everywhere."""

from broker.domain.sessions import StaffSession
from broker.portal.errors import LoginRefused, ProviderDown
from broker.portal.forms import Form, LanguageForm
from broker.portal.pages import STAFF, Answer, Onward, Pages, StaffDoor, Visit
from broker.portal.rooms.sessions import AnswerQuery, LoginQuery
from broker.usecases import sessions, staff_sessions
from broker.usecases.sessions import STAFF as KIND

pages = Pages()


@pages.get("/staff/login", "anybody", query=LoginQuery)
def login(visit: Visit) -> Answer:
    """Off to the identity provider."""
    query: LoginQuery = visit.query
    going_to = (query.to if query.to.startswith(STAFF) else STAFF) + (
        "#again" if query.again else ""
    )
    browser, begun = sessions.begin_login(
        going_to=going_to, language=visit.language, ports=visit.ports, kind=KIND
    )
    return Onward(_door(visit).provider.address(begun, again=bool(query.again)), login=browser)


@pages.get("/staff/login/answer", "anybody", query=AnswerQuery)
def answer(visit: Visit) -> Answer:
    """Back from the identity provider."""
    query: AnswerQuery = visit.query
    ports, door = visit.ports, _door(visit)
    begun = sessions.begun_login(visit.login, state=query.state, ports=ports, kind=KIND)
    if not query.code or query.iss not in {"", door.provider.issuer}:
        raise LoginRefused
    going_to, _, again = begun.going_to.partition("#")
    vouched = door.provider.employed(begun, code=query.code, again=bool(again))
    employee = door.workplaces.employee(
        vouched, issuer=door.provider.issuer, catalogue=ports.catalogue, secrets=ports.secrets
    )
    session = StaffSession.begun(
        employee, begun.language, login_at=vouched.login_at, at=ports.clock()
    )
    token = staff_sessions.log_in(session, instead_of=visit.token or None, ports=ports)
    return Onward(going_to, session=token, login="")


@pages.post("/staff/logout", "employee", takes=Form)
def logout(visit: Visit) -> Answer:
    """Out, on this browser."""
    staff_sessions.log_out(visit.token, ports=visit.ports)
    return Onward(STAFF, session="")


@pages.post("/staff/logout/everywhere", "employee", takes=Form)
def logout_everywhere(visit: Visit) -> Answer:
    """Out, on every browser."""
    staff_sessions.log_out_everywhere(visit.employee, ports=visit.ports)
    return Onward(STAFF, session="")


@pages.post("/staff/language", "anybody", takes=LanguageForm)
def speak(visit: Visit) -> Answer:
    """The same page in another language."""
    form: LanguageForm = visit.form
    if visit.staff_session is not None:
        staff_sessions.speak(visit.token, visit.staff_session, form.language, ports=visit.ports)
    return Onward(form.back, language=form.language)


def _door(visit: Visit) -> StaffDoor:
    if visit.hall.staff is None:
        raise ProviderDown
    return visit.hall.staff
