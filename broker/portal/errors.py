"""Errors that only the portal has; ``broker.api.problems`` knows their codes, and ``mistakes`` how a person is told."""

from broker.errors import Refused, Unavailable


class LoginRefused(Refused):
    """The identity provider did not vouch for the person, or its word does not hold."""

    code = "login.refused"


class ProviderDown(Unavailable):
    """The identity provider does not answer, or not as OpenID Connect has it."""

    code = "login.unavailable"


class NotEmployed(Refused):
    """The identity provider vouches for somebody of no organisation or role that may record and ask here."""

    code = "login.not_employed"


class NoSession(Refused):
    """Nobody is logged in."""

    code = "session.none"


class SessionStale(Refused):
    """The login is too old for what was asked for."""

    code = "session.stale"


class FormForeign(Refused):
    """The form did not come from a page that was shown to this session."""

    code = "form.foreign"
