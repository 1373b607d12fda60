"""Where the youth is told outside the portal, over HTTP: the whole way, and bad input, which changes nothing."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bad_input import NAV, Unchanged, refused
from tests.integration.world import EMIL, STRANGER, World, world_in

CONTACT = "/v1/me/contact"
ADDRESS = "emil.canary@example.no"
ASK = {"channel": "email", "address": ADDRESS}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[World]:
    """A broker whose e-mail lies in a folder, sent by its own thread."""
    directory = tmp_path_factory.mktemp("world")
    (directory / "broker.db").write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{directory / 'broker.db'}"
    with world_in(directory, url, mail_dir=directory / "mail") as running:
        running.handle(NAV)
        yield running


def came(world: World) -> str:
    """The text of the one message that lies there, once it does."""
    for _ in range(200):
        if files := list((world.directory / "mail").glob("*.txt")):
            return files[0].read_text()
        time.sleep(0.05)
    pytest.fail("nothing came")


def metrics(world: World) -> str:
    """What the broker counts."""
    return world.client.get("/metrics").text


def test_the_whole_way(world: World) -> None:
    """Asked, sent by the server itself, confirmed, shown, removed; the address in no answer to an act."""
    asked = world.post(CONTACT, ASK, person=EMIL)
    assert asked.status_code == 200, asked.text
    assert ADDRESS not in asked.text
    text = came(world)
    assert f"To: {ADDRESS}" in text
    code = "".join(filter(str.isdigit, text.partition("Subject")[2]))
    told = world.post(f"{CONTACT}/confirm", {"code": code}, person=EMIL)
    assert told.status_code == 200, told.text
    assert ADDRESS not in told.text
    shown = world.get(CONTACT, person=EMIL).json()
    assert shown["confirmed"]["address"] == ADDRESS
    assert world.get("/v1/me/copy", person=EMIL).json()["contact"] == shown
    gone = world.post(f"{CONTACT}/remove", {}, person=EMIL)
    assert gone.json() == {"channels": ["email"], "confirmed": None, "waiting": None}
    for _ in range(200):
        if 'tillit_messages_total{channel="email",outcome="codes"} 1.0' in metrics(world):
            break
        time.sleep(0.05)
    else:
        pytest.fail("it was not counted")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("", {"channel": "email"}, 422, "body.member_missing"),
        ("", ASK | {"address": ""}, 422, "body.invalid"),
        ("", ASK | {"address": "x" * 255}, 422, "body.invalid"),
        ("", ASK | {"channel": "pigeon"}, 422, "body.invalid"),
        ("", ASK | {"language": "nb"}, 422, "body.member_unknown"),
        ("", ASK | {"address": f"{ADDRESS}\r\nBcc: all@example.no"}, 422, "contact.unlike"),
        ("", ASK | {"address": EMIL}, 422, "contact.unlike"),
        ("", {"channel": "register", "address": EMIL}, 422, "contact.no_channel"),
        ("/confirm", {"code": "12345"}, 422, "body.invalid"),
        ("/confirm", {"code": "123456"}, 403, "contact.code_refused"),
        ("/remove", {}, 404, "contact.none"),
    ],
)
def test_what_cannot_be_is_refused(
    world: World, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    """Never silently something else; and nothing that was sent is said back."""
    with Unchanged(world, entries=0):
        answer = world.post(CONTACT + path, body, person=EMIL)
        refused(world, answer, status=status, code=code, logged=False)
    for sent in (EMIL, ADDRESS, "pigeon", "123456"):
        assert sent not in answer.text


def test_whom_the_broker_does_not_know_chooses_nothing(world: World) -> None:
    """There is nothing to tell them of."""
    for answer in (
        world.get(CONTACT, person=STRANGER),
        world.post(CONTACT, ASK, person=STRANGER),
        world.post(f"{CONTACT}/confirm", {"code": "123456"}, person=STRANGER),
        world.post(f"{CONTACT}/remove", {}, person=STRANGER),
    ):
        refused(world, answer, status=404, code="subject.none", logged=False)
