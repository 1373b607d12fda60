"""Sessions of employees: like people's, kept apart from them, and for one unit in one role."""

import hmac

from broker.domain.sessions import Employee, StaffSession
from broker.ports import Ports
from broker.usecases.sessions import TOKEN_BYTES, hashed
from keys.parts import BrokerSecrets
from tillit.jose import b64u
from tillit.wire import Language

ID_BYTES = 16
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def actor_id(issuer: str, subject: str, secrets: BrokerSecrets) -> str:
    """An employee's id in the log: a keyed hash of who the provider says they are (``iss`` and ``sub``).

    Letters only, so that it can be taken for no number. The same person at the same provider always has the same.
    """
    named = f"employee\0{issuer}\0{subject}".encode()
    mac = hmac.digest(secrets.person_mac, named, "sha256")[:ID_BYTES]
    return f"emp-{mac.hex().translate(_LETTERS)}"


def log_in(
    session: StaffSession,
    *,
    instead_of: str | None,
    ports: Ports,
) -> str:
    """A new session's token. ``instead_of``: the token that the browser had, which is good for nothing then."""
    token = b64u(ports.randomness(TOKEN_BYTES))
    with ports.store.write() as tx:
        if instead_of is not None:
            tx.end_staff_session(hashed(instead_of))
        tx.add_staff_session(hashed(token), session)
    return token


def session(token: str, *, ports: Ports) -> StaffSession | None:
    """The living session of a token, seen now; None when there is none."""
    now = ports.clock()
    with ports.store.read() as tx:
        found = tx.staff_session(hashed(token))
    if found is None or not found.is_alive(now):
        return None
    seen = found.seen(now)
    if seen is not found:
        with ports.store.write() as tx:
            tx.save_staff_session(hashed(token), seen)
    return seen


def speak(token: str, session: StaffSession, language: Language, *, ports: Ports) -> None:
    """Remember the language that the employee reads."""
    with ports.store.write() as tx:
        tx.save_staff_session(hashed(token), session.speaking(language))


def log_out(token: str, *, ports: Ports) -> None:
    """End the session of a token."""
    with ports.store.write() as tx:
        tx.end_staff_session(hashed(token))


def log_out_everywhere(employee: Employee, *, ports: Ports) -> None:
    """End every session of an employee, on every browser and for every unit."""
    with ports.store.write() as tx:
        tx.end_staff_sessions(employee.actor)
