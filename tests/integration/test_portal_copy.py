"""Everything, in the portal: one archive that a youth can read and other software too, and nothing of anybody else in it."""

import io
import json
import re
import time
import zipfile
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fhir.resources.R4B.bundle import Bundle

from broker.exports import archive
from broker.exports.archive import File
from broker.portal import taking
from tests.canaries import search
from tests.integration.bad_input import NAV, SCHOOL, a_deposit, a_request, an_ask
from tests.integration.world import EMIL, World
from tests.portal import FAMILY, MOTHER, SARA, PortalWorld, Visitor
from tillit import proof_files
from tillit.notes import Vkey
from tillit.proof_files import ProofFile
from tillit.wire import MyCopy

RATE = "education.attendance.rate"
WORDS = "Jeg vil helst bli ringt <b>etter</b> klokka ti 🌱"
_FETCHES = re.compile(
    r"""(?:src|href|action|srcset)\s*=\s*["'](?!#)|url\(|@import|<script|<link|<img"""
)


def zipped(answer: httpx.Response) -> dict[str, bytes]:
    """The files of an archive, in its order."""
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        assert found.testzip() is None
        return {name: found.read(name) for name in found.namelist()}


def saved(visitor: Visitor) -> dict[str, bytes]:
    """Press the button of the page."""
    visitor.get("/copy")
    return zipped(visitor.press("/copy"))


def consented(world: World, national_id: str, say: str = "yes") -> str:
    """A person has answered Nav."""
    made = world.post("/v1/consents", a_request(world.handle(NAV, national_id)), unit=NAV)
    assert made.status_code == 201, made.text
    answers = {line["id"]: say for line in made.json()["grants"]}
    said = {"read": made.json()["text_sha256"], "answers": answers}
    path = f"/v1/me/consents/{made.json()['id']}/answer"
    assert world.post(path, said, person=national_id).status_code == 200
    return str(made.json()["id"])


@pytest.fixture(scope="module")
def disclosed(portal: PortalWorld) -> str:
    """What was released about Emil."""
    world = portal.world
    handle = world.handle(SCHOOL)
    assert world.post("/v1/deposits", a_deposit(world, handle), unit=SCHOOL).status_code == 201
    consented(world, EMIL)
    answer = world.post("/v1/disclosures", an_ask(world.handle(NAV)), unit=NAV)
    assert answer.json()["outcome"] == "released", answer.text
    return str(answer.json()["id"])


@pytest.fixture(scope="module")
def emil(portal: PortalWorld, disclosed: str) -> Visitor:
    """A browser in which Emil is logged in; he has said something in his own words."""
    assert disclosed
    visitor = portal.logged_in()
    visitor.get("/values")
    answer = visitor.press("/values/words", field="voice.story", text=WORDS)
    assert answer.status_code == 303
    return visitor


@pytest.fixture(scope="module")
def files(emil: Visitor) -> dict[str, bytes]:
    """What Emil saves, once the log has signed everything that was disclosed."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = saved(emil)
        if sum(name.endswith(".tlog-proof") for name in found) > 1:
            return found
        time.sleep(0.2)
    pytest.fail("no proof within 30 s")


def test_it_is_one_archive_for_nobodys_cache(emil: Visitor) -> None:
    """To keep, under a name of its own, and of what is to be read first the first."""
    emil.get("/copy")
    answer = emil.press("/copy")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'attachment; filename="tillit.zip"'
    assert list(zipped(answer))[:7] == [
        "README.txt",
        "tillit.html",
        "copy.json",
        "values.json",
        "consents.jsonld",
        "consents.fhir.json",
        "log.vkey",
    ]


def test_programs_read_every_file(files: dict[str, bytes], disclosed: str) -> None:
    """Each by its own standard, and each has the consent and the disclosure."""
    copy = MyCopy.model_validate_json(files["copy.json"])
    assert disclosed in {one.id for one in copy.disclosures}
    (consent,) = copy.consents
    records = json.loads(files["consents.jsonld"])["@graph"]
    assert [r["dct:isPartOf"].rpartition("/")[2] for r in records if "dct:isPartOf" in r] == [
        consent.id
    ]
    bundle = json.loads(Bundle.model_validate_json(files["consents.fhir.json"]).model_dump_json())
    assert [e["resource"]["identifier"][0]["value"] for e in bundle["entry"]] == [consent.id]
    held = json.loads(files["values.json"])
    (rate,) = held["values"][RATE]
    assert (rate["value"], rate["source"], rate["basis"]) == (0.62, SCHOOL, "measured")
    assert [one["value"] for one in held["values"]["voice.story"]] == [WORDS]


def test_every_receipt_proves_itself(files: dict[str, bytes], disclosed: str) -> None:
    """With the log's key alone, as ``tillit verify-proof`` does it; one is of what Nav was told."""
    vkey = Vkey.parse(files["log.vkey"].decode().strip())
    proven = {
        name: proof_files.verify(ProofFile.parse(content), vkey)
        for name, content in files.items()
        if name.endswith(".tlog-proof")
    }
    told = {name: proof.statement for name, proof in proven.items()}
    assert all(said is not None and said.id in name for name, said in told.items())
    assert f"receipts/{disclosed}.tlog-proof" in proven
    copy = MyCopy.model_validate_json(files["copy.json"])
    kept = {name.split("/")[1].split(".")[0] for name in files if name.startswith("receipts/")}
    assert kept == {one.id for one in copy.disclosures}


def test_the_values_in_it_were_read_as_any_reading_is(files: dict[str, bytes]) -> None:
    """The copy names the very reading that it was made with: no values without an entry."""
    copy = MyCopy.model_validate_json(files["copy.json"])
    own = [one for one in copy.disclosures if one.own]
    assert copy.disclosures[0].own
    assert any(field.shared for name, field in own[0].fields.items() if name == RATE)


def test_the_page_stands_by_itself(files: dict[str, bytes]) -> None:
    """No script, no picture, no style sheet and no address in it but to its own parts; and whatever was written is escaped."""
    page = files["tillit.html"].decode()
    assert _FETCHES.findall(page) == []
    assert "default-src 'none'" in page
    assert "&lt;b&gt;etter&lt;/b&gt; klokka ti 🌱" in page
    assert "<b>etter" not in page


@pytest.mark.parametrize(
    ("language", "held", "told"),
    [("nb", "62", "De fikk vite"), ("nn", "62", "Dei fekk vite"), ("en", "62", "They were told")],
)
def test_the_page_tells_all_of_it_in_the_persons_language(
    portal: PortalWorld, disclosed: str, language: str, held: str, told: str
) -> None:
    """Who was told what and why, what stands about them and from whom, what was answered, and how to check."""
    visitor = portal.logged_in()
    visitor.get("/")
    assert visitor.press("/language", language=language, back="/").status_code == 303
    found = saved(visitor)
    page = found["tillit.html"].decode()
    assert f'<html lang="{language}">' in page
    for said in (
        told,
        f"{held}\xa0%" if language != "en" else f"{held}%",
        "Thor Heyerdahl",
        "Nav Larvik",
        disclosed,
    ):
        assert said in page, said
    assert "tillit verify-proof" in page
    assert found["README.txt"].decode().startswith("Tillit\r\n")


def test_nothing_of_others_is_in_it(portal: PortalWorld, emil: Visitor) -> None:
    """No national identity number in any form, nothing of another youth, and of a guardian only that one answered."""
    world = portal.world
    theirs = consented(world, SARA)
    sara = portal.logged_in(3)
    for visitor, others in ((emil, [theirs, SARA, MOTHER]), (sara, [EMIL, WORDS])):
        texts = [(name, content) for name, content in saved(visitor).items()]
        assert (
            search(
                [*others, EMIL, SARA, MOTHER, *map(str, (p["national_id"] for p in FAMILY))], texts
            )
            == []
        )
    mother = portal.logged_in(4)
    assert theirs.encode() not in b"".join(saved(mother).values())


def test_a_person_without_anything_gets_an_archive_with_nothing_in_it(portal: PortalWorld) -> None:
    """That the broker holds nothing is an answer too, in every format."""
    found = saved(portal.logged_in(2))
    assert MyCopy.model_validate_json(found["copy.json"]).consents == ()
    assert json.loads(found["values.json"])["values"] == {}
    assert "entry" not in json.loads(
        Bundle.model_validate_json(found["consents.fhir.json"]).model_dump_json()
    )
    assert [name for name in found if name.startswith("receipts/")] == []


# --- the archive by itself

AT = datetime(2026, 11, 23, 9, 0, 1, tzinfo=UTC)


def a_file(name: str, size: int) -> File:
    """So many bytes."""
    return File(name, b"x" * size)


def test_the_same_files_make_the_same_bytes() -> None:
    """Nothing of when and where it was packed is in it: two copies can be compared."""
    made = [a_file("b.txt", 3), a_file("a.txt", 5)]
    assert archive.packed(made, at=AT) == archive.packed(iter(made), at=AT)
    with zipfile.ZipFile(io.BytesIO(archive.packed(made, at=AT))) as found:
        infos: list[Any] = found.infolist()
        assert [info.filename for info in infos] == ["b.txt", "a.txt"]
        assert {info.date_time for info in infos} == {(2026, 11, 23, 9, 0, 0)}
        assert {info.external_attr >> 16 & 0o777 for info in infos} == {0o600}


def test_what_does_not_fit_is_not_even_made() -> None:
    """An archive is bounded in memory too: the first that does not fit ends it."""
    made: list[str] = []

    def several() -> Any:
        for name, size in (("a", 4), ("b", 4), ("c", 4), ("d", 1)):
            made.append(name)
            yield a_file(name, size)

    kept = list(archive.fitting(several(), beside=[a_file("first", 2)], most=10))
    assert ([one.name for one in kept], made) == (["a", "b"], ["a", "b", "c"])


def test_what_is_in_a_file_is_not_in_its_repr() -> None:
    """A traceback or a log line that shows a file shows no value."""
    assert "x" * 9 not in repr(a_file("values.json", 9))


def test_every_state_of_a_question_has_a_word() -> None:
    """A state without one would be an error on the day that it comes."""
    assert set(taking.QUESTIONS) == {"open", "yes", "no", "used", "lapsed", "over"}
