"""Sessions of the portal, answered logins, codes to answer on the spot. Whose secret a hash is of, nobody can tell."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from broker.domain.ids import ConsentId, PersonKey
from broker.domain.sessions import Employee, Session, StaffSession, Stay
from broker.domain.spots import Spot
from broker.store.part import Part
from broker.store.portal_tables import login, session, spot, staff_session

_STAY = tuple(field.name for field in fields(Stay))


class Sessions(Part):
    """Queries on sessions, logins and codes."""

    def spend_login(self, browser_sha256: bytes, *, until: datetime) -> bool:
        """Note that a login was answered, for as long as it could be again; False when it was before."""
        # The release before kept logins that were begun here, and wants a text of each.
        row = {"browser_sha256": browser_sha256, "body": "", "expires_at": until}
        return self._insert_new(login, row)

    def add_session(self, token_sha256: bytes, begun: Session) -> None:
        """Keep a new session."""
        row = {"token_sha256": token_sha256, "person": begun.person} | _stay(begun)
        self._run(insert(session), row)

    def session(self, token_sha256: bytes) -> Session | None:
        """The session of a token."""
        found = self._run(select(session).where(session.c.token_sha256 == token_sha256)).first()
        if found is None:
            return None
        return Session(person=found.person, **_stay(found))

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

    def add_staff_session(self, token_sha256: bytes, begun: StaffSession) -> None:
        """Keep an employee's new session."""
        who = begun.employee
        row = {"unit": who.unit, "actor": who.actor, "role": who.role} | _stay(begun)
        self._run(insert(staff_session), {"token_sha256": token_sha256} | row)

    def staff_session(self, token_sha256: bytes) -> StaffSession | None:
        """An employee's session by its token."""
        mine = staff_session.c.token_sha256 == token_sha256
        found = self._run(select(staff_session).where(mine)).first()
        if found is None:
            return None
        who = Employee(found.unit, found.actor, found.role)
        return StaffSession(employee=who, **_stay(found))

    def save_staff_session(self, token_sha256: bytes, changed: StaffSession) -> None:
        """Keep what changed; nothing where the session has ended meanwhile."""
        row = {"seen_at": changed.seen_at, "language": changed.language}
        mine = staff_session.c.token_sha256 == token_sha256
        self._run(update(staff_session).where(mine).values(row))

    def end_staff_session(self, token_sha256: bytes) -> None:
        """End one session of an employee."""
        mine = staff_session.c.token_sha256 == token_sha256
        self._run(delete(staff_session).where(mine))

    def end_staff_sessions(self, actor: str) -> None:
        """End every session of an employee."""
        self._run(delete(staff_session).where(staff_session.c.actor == actor))

    def put_spot(self, code_sha256: bytes, made: Spot) -> None:
        """Keep a code to answer on the spot, in the place of the one before for the same request."""
        row = {field.name: getattr(made, field.name) for field in fields(Spot)}
        self._run(delete(spot).where(spot.c.consent == made.consent))
        self._run(insert(spot), row | {"code_sha256": code_sha256})

    def spot_of(self, consent: ConsentId) -> tuple[bytes, Spot] | None:
        """The code of a request, by its hash."""
        return _spot(self._run(select(spot).where(spot.c.consent == consent)).first())

    def spot(self, code_sha256: bytes) -> Spot | None:
        """What a code is for."""
        found = _spot(self._run(select(spot).where(spot.c.code_sha256 == code_sha256)).first())
        return None if found is None else found[1]

    def take_spot(self, code_sha256: bytes) -> bool:
        """Use a code up; False when somebody was first."""
        return self._run(delete(spot).where(spot.c.code_sha256 == code_sha256)).rowcount == 1


def _spot(found: Any) -> tuple[bytes, Spot] | None:
    if found is None:
        return None
    made = Spot(**{field.name: getattr(found, field.name) for field in fields(Spot)})
    return found.code_sha256, made


def _stay(found: Any) -> dict[str, Any]:
    """What every session has, of a session or a row."""
    return {name: getattr(found, name) for name in _STAY}
