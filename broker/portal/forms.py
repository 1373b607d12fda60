"""Forms: what every one of them sends along, and the proof that a page of ours was its origin."""

import hmac
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tillit.jose import b64u
from tillit.wire import MAX_GRANTS, GrantId, Language

Once = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]
Within = Annotated[str, StringConstraints(pattern=r"^/([a-z][A-Za-z0-9/_-]{0,200})?$")]
"""A path of the portal, to go to afterwards: never another site, so never two slashes at its beginning."""

LINE = "line."


class Form(BaseModel):
    """A form of the portal. ``check`` ties it to the session, ``once`` makes a second press the same act."""

    # Not strict: everything in a form is text, and numbers are read from it.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    check: Annotated[str, StringConstraints(max_length=64)] = ""
    once: Once


class ConsentForm(Form):
    """An act on a consent as it was shown: in this version."""

    version: Annotated[int, Field(ge=1, le=1_000_000)]


class LinesForm(ConsentForm):
    """A form with a choice for lines of a consent: ``line.<id>``, or several with commas between."""

    lines: Annotated[Mapping[GrantId, str], Field(max_length=MAX_GRANTS)] = MappingProxyType({})

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, given: Any) -> Any:
        chosen = [
            (line, choice)
            for name, choice in given.items()
            if name.startswith(LINE)
            for line in name.removeprefix(LINE).split(",")
        ]
        lines = dict(chosen)
        if len(lines) != len(chosen):
            raise ValueError("a line stands twice")
        return {n: v for n, v in given.items() if not n.startswith(LINE)} | {"lines": lines}


class LanguageForm(Form):
    """Another language, and the page to read in it."""

    language: Language
    back: Within = "/"


def check_of(token: str) -> str:
    """What a page that is shown to a session puts into its forms: nobody without the session's secret can tell it."""
    return b64u(hmac.digest(token.encode(), b"tillit portal form", "sha256"))


def is_ours(check: str, token: str) -> bool:
    """Whether a form comes from a page that was shown to this session."""
    return hmac.compare_digest(check.encode(), check_of(token).encode())
