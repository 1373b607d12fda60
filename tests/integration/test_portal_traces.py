"""What goes through a login to the portal: the language does, and the national identity number leaves no trace."""

import io
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.canaries import forms
from tests.integration.world import EMIL, NORA
from tests.portal import PortalWorld


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_the_language_goes_along(portal: PortalWorld, language: str) -> None:
    """From the first page through the provider into the session."""
    visitor = portal.visitor()
    visitor.get("/")
    visitor.press("/language", language=language, back="/")
    asked = httpx.URL(visitor.get("/login").headers["location"]).params
    assert asked["ui_locales"] == language
    visitor.log_in()
    visitor.http.cookies.delete("tillit-language")
    assert f'<html lang="{language}">' in visitor.get("/").text


def _text(answer: httpx.Response) -> str:
    """What was answered; of an archive what is in it."""
    content = answer.read()
    if answer.headers.get("content-type") != "application/zip":
        return content.decode()
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        return "\n".join(found.read(name).decode() for name in found.namelist())


def test_the_number_is_nowhere(portal: PortalWorld, caplog: pytest.LogCaptureFixture) -> None:
    """No address, cookie, page, log record or file of the database holds it, in any form that one could search for."""
    caplog.set_level("DEBUG")
    seen: list[str] = []
    for number, forged in ((0, None), (1, None), (0, "another")):
        portal.claims.changed = {} if forged is None else {"nonce": forged}
        visitor = portal.visitor()
        visitor.http.event_hooks["response"] = [
            lambda answer: seen.append(f"{answer.url} {answer.headers} {_text(answer)}")
        ]
        visitor.log_in(number)
        for path in ("/", "/consents", "/shared", "/copy"):
            visitor.get(path)
        visitor.press("/copy")
        seen.extend(f"{one.name}={one.value}" for one in visitor.http.cookies.jar)
    portal.claims.changed = {}
    ours = [record.getMessage() for record in caplog.records]
    where = {"pages": "\n".join(seen).encode(), "records": "\n".join(ours).encode()}
    where |= {path.name: path.read_bytes() for path in _files(portal.world.directory)}
    assert any("/login/answer?code=" in text for text in seen)
    assert len(where["broker.db"]) > 0
    found = [
        (name, form)
        for name, content in where.items()
        for number in (EMIL, NORA)
        for form, needle in forms(number).items()
        if needle in content
    ]
    assert found == []


def _files(directory: Path) -> list[Path]:
    """The database, with what is not yet written into it."""
    return sorted(directory.glob("broker.db*"))
