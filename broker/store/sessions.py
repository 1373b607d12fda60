"""Sessions of the portal, and logins on their way. Whose secret a hash is of, nobody can tell from here."""

import json

from sqlalchemy import delete, insert, select, update

from broker.domain.ids import PersonKey
from broker.domain.sessions import Login, Session
from broker.store.part import Part
from broker.store.portal_tables import login, session


class Sessions(Part):
    """Queries on sessions and logins."""

    def add_login(self, browser_sha256: bytes, begun: Login) -> None:
        """Keep a login that was begun."""
        body = {name: getattr(begun, name) for name in Login.__slots__ if name != "expires_at"}
        row = {"browser_sha256": browser_sha256, "expires_at": begun.expires_at}
        self._run(insert(login), row | {"body": json.dumps(body)})

    def take_login(self, browser_sha256: bytes) -> Login | None:
        """The login that a browser began, which is gone then: it is good for one answer."""
        mine = login.c.browser_sha256 == browser_sha256
        taken = self._run(delete(login).where(mine).returning(login.c.body, login.c.expires_at))
        found = taken.first()
        return None if found is None else Login(**json.loads(found.body), expires_at=found[1])

    def add_session(self, token_sha256: bytes, begun: Session) -> None:
        """Keep a new session."""
        row = {name: getattr(begun, name) for name in Session.__slots__}
        self._run(insert(session), {"token_sha256": token_sha256} | row)

    def session(self, token_sha256: bytes) -> Session | None:
        """The session of a token."""
        found = self._run(select(session).where(session.c.token_sha256 == token_sha256)).first()
        if found is None:
            return None
        return Session(**{name: getattr(found, name) for name in Session.__slots__})

    def save_session(self, token_sha256: bytes, changed: Session) -> None:
        """Keep what changed; nothing where the session has ended meanwhile."""
        row = {"seen_at": changed.seen_at, "language": changed.language}
        self._run(update(session).where(session.c.token_sha256 == token_sha256).values(row))

    def end_session(self, token_sha256: bytes) -> None:
        """End one session."""
        self._run(delete(session).where(session.c.token_sha256 == token_sha256))

    def end_sessions(self, person: PersonKey) -> None:
        """End every session of a person."""
        self._run(delete(session).where(session.c.person == person))
