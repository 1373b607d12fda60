"""Sessions of people: logging in to the portal and out of it. What a browser holds is known here by its hash only."""

import hashlib
import hmac
import json
from datetime import datetime

from broker.domain.ids import PersonKey
from broker.domain.sessions import LOGIN_TAKES, Login, Session
from broker.errors import LoginLost
from broker.ports import Ports
from tillit.jose import b64u, unb64u
from tillit.wire import Language

TOKEN_BYTES = 32
PERSON, STAFF = "", "staff "
"""Whose a login is."""


def begin_login(
    *, going_to: str, language: Language, ports: Ports, kind: str = PERSON
) -> tuple[str, Login]:
    """Begin a login: what the browser is to keep, and what to ask the identity provider with.

    Nothing is written, since anybody may begin as many as they like: where the person was going and until when stand in what
    the browser keeps, under a key of the broker's; what the provider is asked with is made of it by that key, and is not in it.
    ``kind``: whose login it is; a login of one kind is never answered as one of another.
    """
    until = ports.clock() + LOGIN_TAKES
    told = [going_to, language, until.isoformat(), b64u(ports.randomness(TOKEN_BYTES))]
    body = b64u(json.dumps(told).encode())
    return f"{body}.{_made('browser', kind, body, ports)}", _login(kind, body, ports)


def begun_login(browser: str, *, state: str, ports: Ports, kind: str = PERSON) -> Login:
    """The login that this browser began and the provider answers now; it cannot be answered twice.

    What is written is that it was answered, until it would have been over.

    Raises:
        LoginLost: it began none, another one, or too long ago.
    """
    body, _, shown = browser.partition(".")
    if not hmac.compare_digest(shown.encode(), _made("browser", kind, body, ports).encode()):
        raise LoginLost
    begun = _login(kind, body, ports)
    if begun.expires_at <= ports.clock():
        raise LoginLost
    with ports.store.write() as tx:
        first = tx.spend_login(hashed(kind + browser), until=begun.expires_at)
    if not first or not hmac.compare_digest(state.encode(), begun.state.encode()):
        raise LoginLost
    return begun


def _login(kind: str, body: str, ports: Ports) -> Login:
    going_to, language, until, _ = json.loads(unb64u(body))
    state, nonce, verifier = (
        _made(what, kind, body, ports) for what in ("state", "nonce", "verifier")
    )
    return Login(state, nonce, verifier, going_to, language, datetime.fromisoformat(until))


def _made(what: str, kind: str, body: str, ports: Ports) -> str:
    named = f"login\0{what}\0{kind}\0{body}".encode()
    return b64u(hmac.digest(ports.secrets.person_mac, named, "sha256"))


def log_in(
    person: PersonKey,
    *,
    login_at: datetime,
    language: Language,
    instead_of: str | None,
    ports: Ports,
) -> str:
    """A new session's token. ``login_at``: when the person showed who they are.

    ``instead_of``: the token that the browser had, which is good for nothing then.
    """
    token = b64u(ports.randomness(TOKEN_BYTES))
    begun = Session.begun(person, language, login_at=login_at, at=ports.clock())
    with ports.store.write() as tx:
        if instead_of is not None:
            tx.end_session(hashed(instead_of))
        tx.add_session(hashed(token), begun)
    return token


def session(token: str, *, ports: Ports) -> Session | None:
    """The living session of a token, seen now; None when there is none."""
    now = ports.clock()
    with ports.store.read() as tx:
        found = tx.session(hashed(token))
    if found is None or not found.is_alive(now):
        return None
    seen = found.seen(now)
    if seen is not found:
        with ports.store.write() as tx:
            tx.save_session(hashed(token), seen)
    return seen


def speak(token: str, session: Session, language: Language, *, ports: Ports) -> None:
    """Remember the language that the person reads."""
    with ports.store.write() as tx:
        tx.save_session(hashed(token), session.speaking(language))


def log_out(token: str, *, ports: Ports) -> None:
    """End the session of a token."""
    with ports.store.write() as tx:
        tx.end_session(hashed(token))


def log_out_everywhere(person: PersonKey, *, ports: Ports) -> None:
    """End every session of a person, on every browser."""
    with ports.store.write() as tx:
        tx.end_sessions(person)


def hashed(secret: str) -> bytes:
    """What is kept of a browser's secret: 256 random bits need no salt."""
    return hashlib.sha256(secret.encode()).digest()
